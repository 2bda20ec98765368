//! YAML text to trees that carry places. This module alone knows the YAML crate.

mod build;
mod node;
mod scalar;
mod words;

pub(crate) use build::{BYTES_MAX, parse};
pub(crate) use node::{Entry, Node, Yaml};
