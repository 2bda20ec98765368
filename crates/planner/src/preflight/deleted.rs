//! Names that deleted workspaces still hold: Azure keeps a workspace for a while unless its delete purges it, refuses
//! another of its name in the group, and lists such workspaces nowhere (machine-learning facts §2.1, §9). So this goes by
//! what the plan itself does, and by what plumb's own history says.

use model::{Address, ArmId, Diagnostic, Json, ResourceState, Snapshot};

use super::Facts;
use crate::plan::{Action, Change, Plan};

/// The attribute that makes a delete final.
const PURGE: &str = "purge_on_delete";

pub(super) fn check(plan: &Plan, facts: &Facts) -> Vec<Diagnostic> {
    let replaced = plan.changes.iter().filter(|c| is_refused(c)).map(replaced);
    let deleted = facts.deleted.iter().filter_map(|(address, time)| Some(made(plan.change(address)?, time)));
    replaced.chain(deleted).collect()
}

/// Whether it is deleted softly and made again under the same name.
fn is_refused(change: &Change) -> bool {
    let again = change.action == Action::Replace { create_first: false };
    let prior = change.prior.as_ref().filter(|_| again && change.kind.name == "workspace");
    prior.is_some_and(|prior| holds_its_name(prior) && prior.has_id(change.arm_id.as_ref()))
}

/// Whether its name stays taken after its delete.
fn holds_its_name(entry: &ResourceState) -> bool {
    entry.kind == "workspace" && entry.applied.get(PURGE) != Some(&Json::Bool(true))
}

fn replaced(change: &Change) -> Diagnostic {
    let words = format!(
        "{} is to be replaced, and Azure keeps its name: a delete without `{PURGE}` is soft, and the create after it is refused",
        change.address
    );
    let help = format!(
        "write `{PURGE}: true` and apply that before anything else of it changes, or give the new one another name"
    );
    placed(Diagnostic::error(words).help(help), change)
}

fn made(change: &Change, time: &str) -> Diagnostic {
    let (name, group) = match &change.arm_id {
        Some(id) => (id.name().to_owned(), id.resource_group().unwrap_or_default().to_owned()),
        None => Default::default(),
    };
    let words = format!(
        "{} was deleted softly by plumb at {time}: Azure holds its name for 14 days, and refuses the create unless it was purged or recovered since",
        change.address
    );
    let help = format!(
        "purge it for good with `az ml workspace delete --name {name} --resource-group {group} --permanently-delete`, or recover it in the portal and write `adopt: true`; `{PURGE}: true` purges with the next delete"
    );
    placed(Diagnostic::warning(words).help(help), change)
}

fn placed(diagnostic: Diagnostic, change: &Change) -> Diagnostic {
    let place = change.desired.as_ref().map(|resource| resource.place);
    Diagnostic { place, ..diagnostic.address(&change.address) }
}

/// Whether the delete of what this address was in a state leaves the name of a workspace with this id taken.
pub fn softly_deleted(before: &Snapshot, address: &Address, id: &ArmId) -> bool {
    let entry = before.resources.get(address);
    entry.is_some_and(|entry| entry.has_id(Some(id)) && holds_its_name(entry))
}
