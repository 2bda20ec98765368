//! Expressions: `${…}` in CEL, over variables, `each`, and other resources.
use crate::{Address, Json};
/// A value that depends on what ARM makes up.
#[derive(Debug)]
pub struct Expression {}
impl Expression {
    /// evaluate
    pub fn evaluate(&self, _lookup: &dyn Fn(&Address, &str) -> Option<Json>) -> Result<Option<Json>, String> {
        Ok(None)
    }
    /// is_secret
    pub fn is_secret(&self) -> bool {
        false
    }
}
