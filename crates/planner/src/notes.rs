//! What the reader of a plan should know about a change, in words.

use model::{Trigger, schema};

use crate::plan::{Action, Change, Difference, Effect, Reason, Shown};

/// Notes of a create.
pub(crate) fn of_create(mut change: Change) -> Change {
    change.notes.extend(change.kind.retired().map(str::to_owned));
    change.notes.extend(born_running(&change));
    if let Some(parent) = change.implied_by.as_ref().filter(|_| !change.kind.is_on_share()) {
        change.notes.push(format!("implied by {parent}, which names none of its own"));
    }
    change
}

/// Notes of a change in place, or of none.
pub(crate) fn of_update(mut change: Change) -> Change {
    let mut notes: Vec<String> = change.differences.iter().filter_map(of_difference).collect();
    notes.dedup();
    if change.kind.is_on_share() && change.updates() {
        notes.push(
            "instances that stand ran it already if it is their creation script; as a startup script it runs at their next start"
                .to_owned(),
        );
    }
    if changes_script(&change) {
        notes.push(
            "instances that stand keep what they were created with; see the notes of each instance"
                .to_owned(),
        );
    }
    change.notes.extend(notes);
    change
}

/// Notes of a replacement.
pub(crate) fn of_replace(mut change: Change) -> Change {
    change.notes.extend(renamed(&change));
    change.notes.extend(deleted_first(&change));
    change.notes.extend(born_running(&change));
    change.notes.extend(change.kind.loses.map(|words| format!("replacing it: {words}")));
    change
}

/// What sets a replacement off, as `replace_on` names it.
pub(crate) fn triggered(mut change: Change, triggers: &[&Trigger]) -> Change {
    let named =
        |t: &&Trigger| t.path.as_ref().map_or(t.address.to_string(), |path| format!("{}.{path}", t.address));
    let named: Vec<String> = triggers.iter().map(named).collect();
    change.notes.insert(0, format!("its `replace_on` names what changes: {}", named.join(", ")));
    change
}

/// Nothing that Azure publishes makes an instance stopped (machine-learning facts §3.6).
fn born_running(change: &Change) -> Option<String> {
    let stopped = |d: &&Difference| {
        d.attribute.change == schema::Change::Power && d.after == Shown::Known("stopped".into())
    };
    change.differences.iter().find(stopped)?;
    Some("it is made running, and then stopped: Azure makes no stopped instances".to_owned())
}

/// Another name, or another place, is another resource.
fn renamed(change: &Change) -> Option<String> {
    let (before, after) = (change.prior.as_ref()?.arm_id.as_ref()?, change.arm_id.as_ref()?);
    match (before.same(after.as_str()), before.name().eq_ignore_ascii_case(after.name())) {
        (true, _) => None,
        (false, false) => {
            Some(format!("its name in Azure changes from `{}` to `{}`", before.name(), after.name()))
        }
        (false, true) => Some(format!("its place in Azure changes from {before} to {after}")),
    }
}

fn deleted_first(change: &Change) -> Option<String> {
    let asked = change.desired.as_ref().is_some_and(|d| d.create_first.is_some());
    let because = match (change.action, change.reason) {
        (Action::Replace { create_first: false }, Some(Reason::Tainted)) => {
            "it is tainted, and its name stays"
        }
        (Action::Replace { create_first: false }, Some(Reason::ParentReplaced)) => {
            "what it lies in goes first"
        }
        _ => return None,
    };
    asked.then(|| format!("it is deleted first in spite of `create_before_destroy`: {because}"))
}

/// Notes of a delete.
pub(crate) fn of_delete(mut change: Change) -> Change {
    if change.reason == Some(Reason::Deposed) {
        let id = change.arm_id.as_ref().map(ToString::to_string).unwrap_or_default();
        change.notes.push(format!("left over from a replacement that did not end: {id}"));
    }
    if change.action == Action::Forget {
        change.notes.push("`destroy: false` was in its document when it was last applied".to_owned());
    }
    let loses = change.kind.loses.filter(|_| change.action == Action::Delete);
    change.notes.extend(loses.map(|words| format!("deleting it: {words}")));
    change
}

/// Notes of what stays in Azure and is plumb's no longer.
pub(crate) fn let_go(mut change: Change) -> Change {
    change.notes = vec!["its document says `existing` now: it stays in Azure as it is".to_owned()];
    change
}

/// What one difference means, where that is not plain.
fn of_difference(difference: &Difference) -> Option<String> {
    let path = difference.attribute.path;
    match (difference.attribute.change, difference.effect) {
        (_, Effect::Held) if path.starts_with("setup_scripts.creation_script") => Some(
            "the creation script changed; it runs only when the instance is created: \
             `lifecycle: { replace_on: [setup_scripts] }` replaces the instance"
                .to_owned(),
        ),
        (_, Effect::Held) if path.starts_with("setup_scripts.startup_script") => Some(
            "the startup script changed; an inline script is fixed at creation, so the new text runs at the first \
             start after the instance is next replaced: `lifecycle: { replace_on: [setup_scripts] }` replaces it"
                .to_owned(),
        ),
        (_, Effect::Held) => Some(format!("`{path}` cannot change on a live instance, and waits until it is next replaced")),
        (schema::Change::Action(action), Effect::Update) if action.tentative => Some(format!(
            "`{path}` is changed by an action that Azure does not publish; plumb tries it and trusts only what it reads back"
        )),
        (schema::Change::Action(action), Effect::Update) if action.name == "resize" => {
            Some("resizing restarts the instance".to_owned())
        }
        _ => None,
    }
}

/// Whether the text of an inline setup script changes.
fn changes_script(change: &Change) -> bool {
    let inline = change.desired.as_ref().is_some_and(|d| !d.attributes.contains_key("path"));
    let difference = change.differences.iter().find(|d| d.attribute.path == "content" && inline);
    difference.is_some_and(|d| matches!((&d.before, &d.after), (Shown::Known(_), Shown::Known(_))))
}
