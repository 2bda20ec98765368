//! What a request is about: from its path to a scope, a type, a name and an action.

pub(crate) mod call;
pub(crate) mod location;
pub(crate) mod router;
pub(crate) mod subject;
