//! What the state will say of a resource.

use model::{ArmId, Json, Resource, ResourceState, Seal};

use crate::plan::Shown;
use crate::resolve::Resolved;

/// The entry of a resource before anything of it is applied: its identity and its edges.
pub fn blank(resource: &Resource) -> ResourceState {
    ResourceState {
        depends_on: resource.dependencies.iter().map(|d| d.address.clone()).collect(),
        protected: resource.lifecycle.prevent_destroy,
        retained: resource.lifecycle.retain,
        create_before_destroy: resource.create_first.is_some(),
        source: resource.source.clone(),
        ..ResourceState::new(resource.kind, resource.arm_id.clone())
    }
}

/// The entry, with what a document says without a request as it says it now.
pub(crate) fn retold(resource: &Resource, prior: &ResourceState) -> ResourceState {
    let ResourceState { depends_on, protected, retained, create_before_destroy, source, .. } =
        blank(resource);
    ResourceState { depends_on, protected, retained, create_before_destroy, source, ..prior.clone() }
}

/// Whether the entry has what a document says without a request.
pub(crate) fn says_the_same(resource: &Resource, prior: &ResourceState) -> bool {
    let depends_on = resource.dependencies.iter().map(|d| &d.address);
    prior.protected == resource.lifecycle.prevent_destroy
        && prior.retained == resource.lifecycle.retain
        && prior.create_before_destroy == resource.create_first.is_some()
        && prior.source == resource.source
        && depends_on.eq(&prior.depends_on)
}

/// The entry with every value of the document applied.
pub fn whole(resource: &Resource, resolved: &Resolved, seal: &Seal) -> ResourceState {
    let mut entry = blank(resource);
    apply(&mut entry, resource, resolved, resource.attributes.keys().copied(), seal);
    entry
}

/// Marks the values of `paths` as applied; a path that the document no longer has is dropped.
pub fn apply(
    entry: &mut ResourceState,
    resource: &Resource,
    resolved: &Resolved,
    paths: impl IntoIterator<Item = &'static str>,
    seal: &Seal,
) {
    for path in paths {
        let attribute = resource.kind.attribute(path).expect("BUG: steps name attributes of the kind");
        entry.applied.remove(path);
        entry.secrets.remove(path);
        match resolved.values.get(path) {
            Some(value) if resolved.is_hidden(attribute) => {
                entry.secrets.insert(path.to_owned(), digest(resource, path, value, seal));
            }
            Some(value) => _ = entry.applied.insert(path, value.clone()),
            None => {}
        }
    }
}

/// The keyed hash of a hidden value. It is bound to the resource's id, which another address does not change.
pub fn digest(resource: &Resource, path: &str, value: &Json, seal: &Seal) -> String {
    let owner = resource.arm_id.as_ref().map_or_else(|| resource.address.to_string(), ArmId::folded);
    match value {
        Json::String(text) => seal.digest(&owner, path, text),
        other => seal.digest(&owner, path, &other.to_string()),
    }
}

/// Whether the state keeps a computed value: those that move by themselves are only looked at.
pub fn is_kept(name: &str) -> bool {
    const MOVING: [&str; 10] = [
        "capacity",
        "current_node_count",
        "errors",
        "idle_node_count",
        "last_operation",
        "last_time",
        "last_trigger",
        "running_node_count",
        "secret_names",
        "state",
    ];
    !MOVING.contains(&name)
}

/// What the state keeps of a secret output: a keyed hash that notices a change.
pub fn sealed_output(name: &str, value: &Json, seal: &Seal) -> Json {
    serde_json::json!({ "sensitive": seal.digest("output", name, &value.to_string()) })
}

/// An output of the state, as it may be shown.
pub fn stored_output(value: &Json) -> Shown {
    let sealed = value.as_object().is_some_and(|o| o.len() == 1) && value["sensitive"].is_string();
    if sealed { Shown::Sensitive } else { Shown::Known(value.clone()) }
}
