//! What stops a plan from being applied, although it can be shown.

use std::collections::HashMap;

use model::{Address, ArmId, Diagnostic, Live, Snapshot};

use crate::Graph;
use crate::options::Options;
use crate::plan::{Action, Change};

/// Every reason why this plan must not be applied, although live is known.
pub(crate) fn check(graph: &Graph, changes: &[Change], options: &Options) -> Vec<Diagnostic> {
    let protected = changes.iter().filter_map(protected);
    let retained = changes.iter().filter_map(retained);
    protected
        .chain(retained)
        .chain(swept_away(changes))
        .chain(too_many_deletes(changes, options))
        .chain(empty(graph, changes, options))
        .collect()
}

/// Every reason not to trust what was read: neither a plan nor a report of drift can stand on it.
pub(crate) fn doubts(
    graph: &Graph,
    changes: &[Change],
    snapshot: &Snapshot,
    live: &Live,
    options: &Options,
) -> Vec<Diagnostic> {
    let unread = live.unreadable.iter().map(|(address, why)| unreadable(graph, address, why));
    let outage = if options.allow_missing { None } else { outage(changes, snapshot, live) };
    unread.chain(outage).collect()
}

fn unreadable(graph: &Graph, address: &Address, why: &str) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(format!("{address} could not be read: {why}"))
        .address(address)
        .help("nothing is planned for it; try again when it can be read");
    diagnostic.place = graph.get(address).map(|resource| resource.place);
    diagnostic
}

fn is_destructive(change: &Change) -> bool {
    matches!(change.action, Action::Delete | Action::Replace { .. })
}

fn protected(change: &Change) -> Option<Diagnostic> {
    let kept = change.prior.as_ref().is_some_and(|p| p.protected);
    let asked = change.desired.as_ref().is_some_and(|d| d.lifecycle.prevent_destroy);
    if !(is_destructive(change) && (kept || asked)) {
        return None;
    }
    let verb = if change.action == Action::Delete { "delete" } else { "replace" };
    let help = match (&change.desired, asked) {
        (Some(_), true) => {
            "take `prevent_destroy` out of its document and apply that first; the state keeps it until then"
        }
        (Some(_), false) => {
            "its document lets go of it already, and the state does with the next apply: undo for one apply what replaces it"
        }
        (None, _) => {
            "put its document back without `prevent_destroy` and apply that first; the state keeps it until then"
        }
    };
    let mut diagnostic =
        Diagnostic::error(format!("the plan would {verb} {}, which has `prevent_destroy`", change.address))
            .address(&change.address)
            .help(help);
    diagnostic.place = change.desired.as_ref().map(|d| d.place);
    Some(diagnostic)
}

/// What is never deleted cannot be replaced either.
fn retained(change: &Change) -> Option<Diagnostic> {
    let kept = change.prior.as_ref().is_some_and(|p| p.retained);
    let asked = change.desired.as_ref().is_some_and(|d| d.lifecycle.retain);
    if !matches!(change.action, Action::Replace { .. }) || !(kept || asked) {
        return None;
    }
    let mut diagnostic =
        Diagnostic::error(format!("the plan would replace {}, which has `destroy: false`", change.address))
            .address(&change.address)
            .help(match asked {
                true => "undo what replaces it; or take `destroy: false` out of its document and apply that first",
                false => {
                    "its document lets go of it already, and the state does with the next apply: undo for one apply what replaces it"
                }
            });
    diagnostic.place = change.desired.as_ref().map(|d| d.place);
    Some(diagnostic)
}

/// What is forgotten stays in Azure only while what it lies in stays, too.
fn swept_away(changes: &[Change]) -> Vec<Diagnostic> {
    let goes = changes.iter().filter(|c| is_destructive(c));
    let goes: HashMap<String, &Change> = goes.filter_map(|c| Some((c.standing_id()?.folded(), c))).collect();
    let mut found = Vec::new();
    for change in changes.iter().filter(|c| c.action == Action::Forget) {
        let above = std::iter::successors(change.standing_id().cloned(), ArmId::parent).skip(1);
        let Some(outer) = above.filter_map(|id| goes.get(&id.folded()).copied()).next() else { continue };
        let words = format!(
            "the plan would forget {}, which has `destroy: false`, and delete {}, which it lies in: Azure would delete both",
            change.address, outer.address
        );
        let help =
            format!("give {} `lifecycle: {{ destroy: false }}`, too, and apply that first", outer.address);
        found.push(Diagnostic::error(words).address(&change.address).help(help));
    }
    found
}

/// Manifests that ask for nothing at all are a mistake more often than a wish.
fn empty(graph: &Graph, changes: &[Change], options: &Options) -> Option<Diagnostic> {
    let meant = options.destroy || options.allow_empty || !graph.resources().is_empty();
    let count = changes.iter().filter(|c| is_destructive(c)).count();
    (!meant && count > 0).then(|| {
        Diagnostic::error(format!(
            "the manifests ask for no resource at all, and the plan would delete {count} of the state"
        ))
        .help("`plumb destroy` is for that; if the manifests are meant to be empty, say `--allow-empty`")
    })
}

fn too_many_deletes(changes: &[Change], options: &Options) -> Option<Diagnostic> {
    let (limit, count) = (options.max_deletes?, changes.iter().filter(|c| is_destructive(c)).count());
    (count > limit).then(|| {
        Diagnostic::error(format!("the plan would delete or replace {count} resources, more than the {limit} that `max_deletes` allows"))
            .help(format!("if that is meant, say `--max-deletes {count}`"))
    })
}

/// More than half of a state gone at once is an outage or the wrong subscription (arm-faults §6).
fn outage(changes: &[Change], snapshot: &Snapshot, live: &Live) -> Option<Diagnostic> {
    // What a replacement left behind is not read.
    let ours = || changes.iter().filter(|c| c.kind.in_arm() && c.prior.is_some() && !c.deposed);
    let gone = ours().filter(|c| live.get(c.previous.as_ref().unwrap_or(&c.address)).is_none()).count();
    let total = ours().count();
    (total >= 4 && gone * 2 > total).then(|| {
        Diagnostic::error(format!(
            "{gone} of the {total} resources in the state (serial {}) are not in Azure",
            snapshot.serial
        ))
        .help("check the cloud and the subscription; if they are really gone, say `--allow-missing`")
    })
}
