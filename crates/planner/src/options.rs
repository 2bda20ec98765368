//! What a plan is made from, beyond the three sides.

use std::collections::BTreeSet;

use model::Address;
use serde::{Deserialize, Serialize};

use crate::revert::Past;

/// What the user asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The cloud and subscription that the plan is for.
    pub cloud: String,
    /// The environment.
    pub environment: String,
    /// Resources to replace although nothing about them asks for it.
    pub replace: BTreeSet<Address>,
    /// What the plan is about, with what that needs; everything when it names nothing.
    pub targets: BTreeSet<String>,
    /// What the plan leaves out, with what needs that.
    pub excludes: BTreeSet<String>,
    /// Whether the state only takes in what Azure says.
    pub refresh_only: bool,
    /// Whether manifests without any resource are meant.
    pub allow_empty: bool,
    /// Whether the manifests were left out on purpose: everything goes.
    pub destroy: bool,
    /// The run that the plan goes back to, instead of to what the manifests say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert: Option<Past>,
    /// The cloud that the state may name instead of this one.
    pub accept_cloud: Option<String>,
    /// How many resources a plan may delete or replace; none for no limit.
    pub max_deletes: Option<usize>,
    /// Whether more than half of the state may be gone from Azure.
    pub allow_missing: bool,
    /// Whether hidden values are taken to be as they were, because the key of their hashes is another one.
    pub trust_secrets: bool,
    /// Whether to list live attributes that plumb does not manage.
    pub show_unmanaged: bool,
}

impl Options {
    /// Whether the plan may leave something out.
    pub fn is_partial(&self) -> bool {
        !(self.targets.is_empty() && self.excludes.is_empty())
    }
}
