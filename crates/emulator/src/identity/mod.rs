//! Who asks: tokens, where they come from, and what is told without one.

pub(crate) mod anonymous;
pub(crate) mod token_endpoint;
pub(crate) mod tokens;
