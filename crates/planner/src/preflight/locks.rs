//! Locks that refuse steps of a plan, or keep its clusters from scaling.
//!
//! `CanNotDelete` stops DELETE, also of what something locked lies in; `ReadOnly` stops every write (arm-faults §5). A
//! cluster under a lock of its group neither gets nor loses a node (machine-learning facts §5.2).

use std::collections::BTreeSet;

use model::{ArmId, Diagnostic, Placement};

use super::{Facts, Lock};
use crate::plan::{Action, Change, Plan};

/// The group whose locks matter to a change; none for one that asks nothing.
pub(super) fn group_of(change: &Change) -> Option<ArmId> {
    let matters = matches!(change.action, Action::Create | Action::Replace { .. } | Action::Delete)
        // Locks are ARM's: they do not hold files.
        && !change.kind.is_on_share();
    let id = change.arm_id.as_ref().filter(|_| matters)?;
    // A new group has no lock yet.
    let is_new = matches!(change.kind.placement, Placement::Group { .. }) && change.action == Action::Create;
    (!is_new).then(|| Some(ArmId::group(id.subscription(), id.resource_group()?))).flatten()
}

/// The subscription whose own locks matter to a change.
pub(super) fn subscription_of(change: &Change) -> Option<ArmId> {
    let matters = matches!(change.action, Action::Create | Action::Replace { .. } | Action::Delete);
    let id = change.arm_id.as_ref().filter(|_| matters)?;
    ArmId::parse(&format!("/subscriptions/{}", id.subscription()))
}

pub(super) fn check(plan: &Plan, facts: &Facts) -> Vec<Diagnostic> {
    // A lock that the plan itself takes away stops nothing: it is asked for, and goes first where the documents say so.
    let leaves: BTreeSet<String> = plan
        .changes
        .iter()
        .filter(|c| c.action == Action::Delete)
        .filter_map(|c| Some(c.standing_id()?.folded()))
        .collect();
    let read = facts.locks.values().filter_map(|read| read.as_ref().ok());
    let stays = read.flatten().filter(|lock| !leaves.contains(&lock.arm_id.folded()));
    stays.flat_map(|lock| [refused(plan, lock), held(plan, lock)]).flatten().collect()
}

/// Steps that Azure would refuse.
fn refused(plan: &Plan, lock: &Lock) -> Option<Diagnostic> {
    let stopped: Vec<&Change> = plan.changes.iter().filter(|change| stops(lock, change)).collect();
    let first = stopped.first()?;
    let (verb, others) = (verb_of(first), stopped.len() - 1);
    let more = if others == 0 { String::new() } else { format!(" and {others} more") };
    let words = format!("the lock {} refuses to {verb} {}{more}", named(lock), first.address);
    let mut diagnostic = Diagnostic::error(words).address(&first.address).help(
        "plumb never removes locks that it does not manage: ask the lock's owner; `--skip-preflight` goes on regardless",
    );
    diagnostic.place = first.desired.as_ref().map(|d| d.place);
    Some(diagnostic)
}

/// Clusters that the plan makes or replaces and that will not scale.
fn held(plan: &Plan, lock: &Lock) -> Option<Diagnostic> {
    let is_held = |c: &&Change| {
        let made = matches!(c.action, Action::Create | Action::Replace { .. });
        made && c.kind.name == "cluster" && lies_under(c.arm_id.as_ref(), &lock.scope)
    };
    let first = plan.changes.iter().find(is_held).filter(|c| !stops(lock, c))?;
    let words = format!("the lock {} keeps clusters from scaling, {} among them", named(lock), first.address);
    let mut diagnostic = Diagnostic::warning(words).address(&first.address).help(
        "a cluster under a lock stays at \"resizing\", without nodes: ask the lock's owner to lift it, or use another group",
    );
    diagnostic.place = first.desired.as_ref().map(|d| d.place);
    Some(diagnostic)
}

/// Whether a change needs a request that the lock refuses.
fn stops(lock: &Lock, change: &Change) -> bool {
    let deletes = matches!(change.action, Action::Delete | Action::Replace { .. });
    let writes = deletes || change.action == Action::Create;
    let goes = change.standing_id().filter(|_| deletes);
    if change.kind.is_on_share() {
        return false;
    }
    let takes_it_along = goes.is_some_and(|id| lock.scope.lies_in(id));
    let below = lies_under(goes, &lock.scope) || lies_under(change.arm_id.as_ref(), &lock.scope);
    takes_it_along || (below && (deletes || (lock.read_only && writes)))
}

fn lies_under(id: Option<&ArmId>, scope: &ArmId) -> bool {
    id.is_some_and(|id| id.same(scope.as_str()) || id.lies_in(scope))
}

fn verb_of(change: &Change) -> &'static str {
    match change.action {
        Action::Create => "create",
        Action::Delete => "delete",
        _ => "replace",
    }
}

fn named(lock: &Lock) -> String {
    let level = if lock.read_only { "ReadOnly" } else { "CanNotDelete" };
    format!("`{}` ({level}) on {}", lock.arm_id.name(), lock.scope)
}
