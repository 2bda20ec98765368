//! What Resource Manager itself answers, whatever the type: subscriptions, groups, lists, operations, tags.

pub(crate) mod export;
pub(crate) mod filter;
pub(crate) mod groups;
pub(crate) mod listing;
pub(crate) mod names;
pub(crate) mod operation;
pub(crate) mod providers;
pub(crate) mod subscriptions;
pub(crate) mod tag_names;
