//! What others do to the cloud while we look elsewhere.

use std::fmt;

use model::Json;

/// One thing that somebody else does.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// An object is made.
    Make {
        /// Its id.
        id: String,
        /// Its body.
        body: Json,
    },
    /// A part of an object is changed.
    Set {
        /// Its id.
        id: String,
        /// Where, as a JSON pointer.
        pointer: String,
        /// To what.
        value: Json,
    },
    /// An object is deleted, and everything in it.
    Remove {
        /// Its id.
        id: String,
    },
}

impl Edit {
    /// What it is about.
    pub fn id(&self) -> &str {
        let (Edit::Make { id, .. } | Edit::Set { id, .. } | Edit::Remove { id }) = self;
        id
    }

    /// Its name in tallies.
    pub fn word(&self) -> &'static str {
        match self {
            Edit::Make { .. } => "edit Make",
            Edit::Set { .. } => "edit Set",
            Edit::Remove { .. } => "edit Remove",
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Edit::Make { id, body } => write!(f, "make {id} {body}"),
            Edit::Set { id, pointer, value } => write!(f, "set {id} {pointer} {value}"),
            Edit::Remove { id } => write!(f, "remove {id}"),
        }
    }
}
