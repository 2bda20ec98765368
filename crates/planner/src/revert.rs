//! Going back: what the state said after an earlier run becomes what is desired.
//!
//! Only what the state keeps can come back. Hidden values are kept nowhere: where a resource stands they stay as they
//! are, and what would have to be made anew with one is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::{
    Address, Dependency, Diagnostic, Diagnostics, Lifecycle, Place, Resource, ResourceState, Snapshot, Value,
};
use serde::{Deserialize, Serialize};

use crate::Graph;
use crate::entry::stored_output;
use crate::plan::{Action, Change, Plan, Shown};

/// The run that a plan goes back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// Its number in the history.
    pub run: u64,
    /// When it began, RFC 3339.
    pub time: String,
    /// Who ran it.
    pub owner: String,
    /// On which machine.
    pub host: String,
}

impl fmt::Display for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Past { run, time, owner, host } = self;
        write!(f, "what run {run} left ({time}, by {owner} on {host})")
    }
}

/// What `then` had, as if documents asked for it; `now` is the state that it is planned on.
pub fn revert(then: &Snapshot, now: &Snapshot) -> Result<(Graph, BTreeMap<String, Value>), Diagnostics> {
    let resources = then.resources.iter().map(|(address, entry)| resource(address, entry, then, now));
    let graph = Graph::build(resources.collect()).map_err(unplaced)?;
    let outputs = then.outputs.iter().filter_map(|(name, value)| {
        // Of a secret only its hash is kept: it stays what it is now.
        let value = if stored_output(value) == Shown::Sensitive { now.outputs.get(name)? } else { value };
        Some((name.clone(), Value::Known(value.clone())))
    });
    Ok((graph, outputs.collect()))
}

fn resource(address: &Address, entry: &ResourceState, then: &Snapshot, now: &Snapshot) -> Resource {
    let standing = now.resources.get(address);
    let hidden: BTreeSet<&String> =
        entry.secrets.keys().chain(standing.into_iter().flat_map(|s| s.secrets.keys())).collect();
    let known = |to: &&Address| then.resources.contains_key(*to);
    let dependency = |to: &Address| Dependency { address: to.clone(), place: Place::default() };
    let name = entry.arm_id.as_ref().map_or(address.id(), |id| id.name());
    Resource {
        address: address.clone(),
        kind: entry.kind(),
        name: name.to_owned(),
        arm_id: entry.arm_id.clone(),
        attributes: entry.applied.iter().map(|(path, value)| (*path, Value::Known(value.clone()))).collect(),
        dependencies: entry.depends_on.iter().filter(known).map(dependency).collect(),
        lifecycle: Lifecycle {
            prevent_destroy: entry.protected,
            ignore_changes: hidden.into_iter().cloned().collect(),
            create_before_destroy: entry.create_before_destroy,
            retain: entry.retained,
            ..Lifecycle::default()
        },
        // What the state has under another address now has the same ARM id, and moves back by that.
        moved_from: Vec::new(),
        create_first: None,
        adopt: None,
        implied_by: None,
        existing: false,
        place: Place::default(),
        source: entry.source.clone(),
        places: Vec::new(),
    }
}

/// A plan to go back with what is wrong with it: what it would make anew and had values that are kept nowhere.
#[must_use]
pub fn judged(mut plan: Plan, then: &Snapshot) -> Plan {
    let unkept = unkept(&plan, then);
    plan.diagnostics.extend(unkept);
    Plan { diagnostics: unplaced(plan.diagnostics), doubts: unplaced(plan.doubts), ..plan }
}

/// No document stands behind an earlier state, so nothing has a place.
fn unplaced(diagnostics: Diagnostics) -> Diagnostics {
    let bare = |d: Diagnostic| Diagnostic { place: None, label: None, related: Vec::new(), ..d };
    diagnostics.into_iter().map(bare).collect()
}

fn unkept(plan: &Plan, then: &Snapshot) -> Vec<Diagnostic> {
    let made = plan.changes.iter().filter(|c| matches!(c.action, Action::Create | Action::Replace { .. }));
    made.filter_map(|change| without(change, then.resources.get(&change.address)?)).collect()
}

fn without(change: &Change, entry: &ResourceState) -> Option<Diagnostic> {
    let paths: Vec<String> = entry.secrets.keys().map(|path| format!("`{path}`")).collect();
    let (address, paths) = (&change.address, (!paths.is_empty()).then(|| paths.join(", "))?);
    let words = format!("{address} would be made anew, and its {paths} is kept nowhere");
    let help = "put its document back, with that value, and apply the manifests";
    Some(Diagnostic::error(words).address(address).help(help))
}
