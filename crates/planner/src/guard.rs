//! What stops a plan from being applied, although it can be shown.

use model::{Address, Diagnostic, Live, Snapshot};

use crate::Graph;
use crate::options::Options;
use crate::plan::{Action, Change};

/// Every reason why this plan must not be applied, although live is known.
pub(crate) fn check(changes: &[Change], options: &Options) -> Vec<Diagnostic> {
    changes.iter().filter_map(protected).chain(too_many_deletes(changes, options)).collect()
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
    let help = match change.desired {
        Some(_) => {
            "take `prevent_destroy` out of its document and apply that first; the state keeps it until then"
        }
        None => {
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

fn too_many_deletes(changes: &[Change], options: &Options) -> Option<Diagnostic> {
    let (limit, count) = (options.max_deletes?, changes.iter().filter(|c| is_destructive(c)).count());
    (count > limit).then(|| {
        Diagnostic::error(format!("the plan would delete or replace {count} resources, more than the {limit} that `max_deletes` allows"))
            .help(format!("if that is meant, say `--max-deletes {count}`"))
    })
}

/// More than half of a state gone at once is an outage or the wrong subscription (arm-faults §6).
fn outage(changes: &[Change], snapshot: &Snapshot, live: &Live) -> Option<Diagnostic> {
    let ours = || changes.iter().filter(|c| c.kind.in_arm() && c.prior.is_some());
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
