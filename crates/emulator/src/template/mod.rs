//! The template language of deployments: what a template says, given its parameters. Pure.
//!
//! `lenient` reads the text, `expression` parses what stands in brackets, `functions` is the table of what can be called
//! there, `evaluate` computes values, `parameters` settles what a deployment was given, and `plan` makes the list of
//! resources with the order they need. A function that is not in the table is refused by its name, never guessed.

pub(crate) mod evaluate;
pub(crate) mod expression;
pub(crate) mod lenient;
pub(crate) mod parameters;
pub(crate) mod plan;

mod functions;
#[cfg(test)]
mod tests;

pub(crate) use evaluate::{Evaluated, Evaluator, Failure, Surroundings};
