//! What the reader of a plan should know about a change, in words.

use model::schema;

use crate::plan::{Action, Change, Difference, Effect, Shown};

/// Notes of a create.
pub(crate) fn of_create(mut change: Change) -> Change {
    if let Some(parent) = &change.implied_by {
        change.notes.push(format!("implied by {parent}, which names none of its own"));
    }
    change
}

/// Notes of a change in place, or of none.
pub(crate) fn of_update(mut change: Change) -> Change {
    let mut notes: Vec<String> = change.differences.iter().filter_map(of_difference).collect();
    notes.dedup();
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
    change.notes.extend(change.kind.loses.map(|words| format!("replacing it: {words}")));
    change
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
    let asked = change.desired.as_ref().is_some_and(|d| d.lifecycle.create_before_destroy);
    let not = asked && change.action == Action::Replace { create_first: false };
    not.then(|| {
        "it is deleted first in spite of `create_before_destroy`: the new one has the same name".to_owned()
    })
}

/// Notes of a delete.
pub(crate) fn of_delete(mut change: Change) -> Change {
    change.notes.extend(change.kind.loses.map(|words| format!("deleting it: {words}")));
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

/// Whether the text of a setup script changes.
fn changes_script(change: &Change) -> bool {
    let difference = change.differences.iter().find(|d| d.attribute.path == "content");
    difference.is_some_and(|d| matches!((&d.before, &d.after), (Shown::Known(_), Shown::Known(_))))
}
