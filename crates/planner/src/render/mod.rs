//! A plan's text, in the forms that people and programs read.

pub mod escape;
mod human;
mod json;
mod markdown;
mod paint;
mod value;

pub use human::{drift, human};
pub use json::{change_json, json};
pub use markdown::markdown;
pub use paint::{Color, Paint};
pub use value::{inline, shown};
