//! Values of attributes: known, secret, or not known until another resource stands.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::{Expression, Json};

/// Known values by attribute path.
pub type Attributes = BTreeMap<&'static str, Json>;

/// What a document asks of one attribute.
#[derive(Debug, Clone)]
pub enum Value {
    /// A value that plan and apply both know.
    Known(Json),
    /// A value that no output, log, plan, journal or state may show.
    Secret(Secret),
    /// A value that depends on what ARM makes up for another resource.
    Deferred(Arc<Expression>),
}

impl Value {
    /// The value if it is known and no secret.
    pub fn known(&self) -> Option<&Json> {
        match self {
            Value::Known(json) => Some(json),
            Value::Secret(_) | Value::Deferred(_) => None,
        }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        Value::Known(json)
    }
}

/// A secret text. It has no `Display`, and its `Debug` says nothing; memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself, for the request that needs it and for its keyed hash.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive value)")
    }
}
