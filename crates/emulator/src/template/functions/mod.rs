//! The functions that a template can call: one table of names, numbers of arguments and bodies.

mod collections;
mod logic;
mod resources;
mod text;

use serde_json::Value;

use super::evaluate::{Evaluated, Evaluator};
use super::expression::Expression;

/// One function.
struct Function {
    name: &'static str,
    /// The least and the greatest number of arguments.
    arguments: (usize, usize),
    body: Body,
}

/// How a function computes its value.
#[derive(Clone, Copy)]
enum Body {
    /// From its arguments alone.
    Plain(fn(&[Value]) -> Result<Value, String>),
    /// From its arguments and from what lies around the template.
    Asking(fn(&Evaluator, &[Value]) -> Evaluated),
    /// From arguments of which it computes only those it needs.
    Choosing(fn(&Evaluator, &[Expression]) -> Evaluated),
}

/// As many arguments as one likes.
const MANY: usize = usize::MAX;

const fn plain(
    name: &'static str,
    arguments: (usize, usize),
    body: fn(&[Value]) -> Result<Value, String>,
) -> Function {
    Function { name, arguments, body: Body::Plain(body) }
}

const fn asking(
    name: &'static str,
    arguments: (usize, usize),
    body: fn(&Evaluator, &[Value]) -> Evaluated,
) -> Function {
    Function { name, arguments, body: Body::Asking(body) }
}

const fn choosing(
    name: &'static str,
    arguments: (usize, usize),
    body: fn(&Evaluator, &[Expression]) -> Evaluated,
) -> Function {
    Function { name, arguments, body: Body::Choosing(body) }
}

const TABLES: [&[Function]; 4] = [logic::TABLE, text::TABLE, collections::TABLE, resources::TABLE];

/// Calls a function by its name, compared without case.
pub(super) fn call(evaluator: &Evaluator, name: &str, arguments: &[Expression]) -> Evaluated {
    let mut all = TABLES.into_iter().flatten();
    let Some(function) = all.find(|function| function.name.eq_ignore_ascii_case(name)) else {
        return unlisted(evaluator, name, arguments);
    };
    let (least, most) = function.arguments;
    if !(least..=most).contains(&arguments.len()) {
        let wanted = match most {
            MANY => format!("at least {least}"),
            most if least == most => least.to_string(),
            most => format!("{least} to {most}"),
        };
        let (name, count) = (function.name, arguments.len());
        return Err(format!("The template function '{name}' takes {wanted} arguments, not {count}.").into());
    }
    match function.body {
        Body::Choosing(body) => body(evaluator, arguments),
        Body::Asking(body) => body(evaluator, &all_of(evaluator, arguments)?),
        Body::Plain(body) => body(&all_of(evaluator, arguments)?)
            .map_err(|problem| format!("The template function '{}' {problem}.", function.name).into()),
    }
}

fn all_of(evaluator: &Evaluator, arguments: &[Expression]) -> Evaluated<Vec<Value>> {
    arguments.iter().map(|argument| evaluator.expression(argument)).collect()
}

/// `listKeys` and its like are named after actions, so no table can hold them.
fn unlisted(evaluator: &Evaluator, name: &str, arguments: &[Expression]) -> Evaluated {
    let is_list =
        name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("list")) && !name.contains('.');
    if is_list && (2..=3).contains(&arguments.len()) {
        return resources::list(evaluator, name, &all_of(evaluator, arguments)?);
    }
    Err(format!(
        "The template function '{name}' is not valid. Please see https://aka.ms/arm-functions for usage details."
    )
    .into())
}

/// The text at a place among the arguments.
fn text_at(arguments: &[Value], index: usize) -> Result<&str, String> {
    arguments[index].as_str().ok_or_else(|| wanted(index, "a string"))
}

/// The whole number at a place among the arguments.
fn number_at(arguments: &[Value], index: usize) -> Result<i64, String> {
    arguments[index].as_i64().ok_or_else(|| wanted(index, "a whole number"))
}

/// The same, where it must not be negative.
fn count_at(arguments: &[Value], index: usize) -> Result<usize, String> {
    usize::try_from(number_at(arguments, index)?).map_err(|_| wanted(index, "a number that is not negative"))
}

/// The array at a place among the arguments.
fn array_at(arguments: &[Value], index: usize) -> Result<&Vec<Value>, String> {
    arguments[index].as_array().ok_or_else(|| wanted(index, "an array"))
}

fn wanted(index: usize, what: &str) -> String {
    format!("needs {what} as argument {}", index + 1)
}
