//! The plan in the shape of Terraform's plan JSON, so that policy checkers, cost tools and bots can
//! read it; what is plumb's alone stands under `plumb`.

use model::{Json, compare::set};
use serde_json::{Map, json};

use crate::plan::{Action, Change, Drift, Plan, Reason, Shown};

/// The whole plan.
pub fn json(plan: &Plan) -> Json {
    let counts = plan.counts();
    let mut value = json!({
        "format_version": "1.2",
        "plumb_version": env!("CARGO_PKG_VERSION"),
        "applyable": !plan.is_empty() && !plan.diagnostics.has_errors(),
        "complete": !plan.partial && !plan.refresh_only,
        "errored": plan.diagnostics.has_errors(),
        "resource_changes": plan.changes.iter().map(change_json).collect::<Vec<_>>(),
        "resource_drift": plan.drift.iter().map(drift_json).collect::<Vec<_>>(),
        "output_changes": outputs(plan),
        "plumb": {
            "cloud": plan.ground.cloud,
            "environment": plan.ground.environment,
            "lineage": plan.ground.lineage,
            "serial": plan.ground.serial,
            "refresh_only": plan.refresh_only,
            "summary": { "import": counts.import, "add": counts.add, "change": counts.change, "destroy": counts.destroy, "move": counts.moved, "forget": counts.forget },
        },
    });
    if let Some(past) = &plan.ground.reverts_to {
        value["plumb"]["reverts_to"] = json!(past);
    }
    value
}

/// One resource's change.
pub fn change_json(change: &Change) -> Json {
    let mut value = json!({
        "address": change.address,
        "mode": if change.desired.as_ref().is_some_and(|d| d.existing) { "data" } else { "managed" },
        "type": change.kind.name,
        "name": change.address.id(),
        "provider_name": "plumb",
        "change": sides(change),
        "plumb": { "arm_id": change.arm_id, "notes": change.notes },
    });
    let object = value.as_object_mut().expect("BUG: just made an object");
    if let Some(uses) = change.address.uses().strip_suffix('/') {
        object.insert("module_address".into(), json!(uses));
    }
    if let Some(key) = change.address.key() {
        object.insert("index".into(), json!(key));
    }
    if let Some(id) = change.arm_id.as_ref().filter(|_| change.deposed) {
        object.insert("deposed".into(), json!(id));
    }
    if let Some(previous) = &change.previous {
        object.insert("previous_address".into(), json!(previous));
    }
    if let Some(reason) = action_reason(change) {
        object.insert("action_reason".into(), json!(reason));
    }
    if let Some(reason) = change.reason {
        object["plumb"]["reason"] = json!(reason.word());
    }
    if let Some(resource) = &change.desired {
        object["plumb"]["source"] = json!(resource.source);
    }
    if let Some(parent) = &change.implied_by {
        object["plumb"]["implied_by"] = json!(parent);
    }
    value
}

/// `actions`, `before`, `after` and the marks on them.
fn sides(change: &Change) -> Json {
    let empty = || Json::Object(Map::new());
    let (mut before, mut after, mut unknown) = (empty(), empty(), empty());
    let (mut before_sensitive, mut after_sensitive) = (empty(), empty());
    let mut replace_paths = Vec::new();
    for (attribute, value) in &change.unchanged {
        set(&mut before, attribute.path, value.clone());
        set(&mut after, attribute.path, value.clone());
    }
    for difference in &change.differences {
        let path = difference.attribute.path;
        put(&mut before, &mut before_sensitive, &mut empty(), path, &difference.before);
        put(&mut after, &mut after_sensitive, &mut unknown, path, &difference.after);
        if difference.effect == crate::plan::Effect::Replace {
            replace_paths.push(json!(path.split('.').collect::<Vec<_>>()));
        }
    }
    let created = change.action == Action::Create;
    let deleted = matches!(change.action, Action::Delete | Action::Forget);
    let mut value = json!({
        "actions": actions(change),
        "before": if created { Json::Null } else { before },
        "after": if deleted { Json::Null } else { after },
        "after_unknown": unknown,
        "before_sensitive": if created { json!(false) } else { before_sensitive },
        "after_sensitive": if deleted { json!(false) } else { after_sensitive },
    });
    if !replace_paths.is_empty() {
        value["replace_paths"] = Json::Array(replace_paths);
    }
    if change.action == Action::Adopt {
        value["importing"] = json!({ "id": change.arm_id });
    }
    value
}

fn put(values: &mut Json, sensitive: &mut Json, unknown: &mut Json, path: &str, shown: &Shown) {
    match shown {
        Shown::Absent => set(values, path, Json::Null),
        Shown::Known(value) => set(values, path, value.clone()),
        Shown::Unknown => set(unknown, path, json!(true)),
        Shown::Sensitive | Shown::WriteOnly => set(sensitive, path, json!(true)),
    }
}

fn actions(change: &Change) -> Json {
    match change.action {
        Action::Adopt if change.updates() => json!(["update"]),
        Action::NoOp | Action::Move | Action::Adopt => json!(["no-op"]),
        Action::Create => json!(["create"]),
        Action::Update | Action::Start | Action::Stop | Action::Restart => json!(["update"]),
        Action::Replace { create_first: false } => json!(["delete", "create"]),
        Action::Replace { create_first: true } => json!(["create", "delete"]),
        Action::Delete => json!(["delete"]),
        Action::Forget => json!(["forget"]),
    }
}

/// Terraform's words, where it has one.
fn action_reason(change: &Change) -> Option<&'static str> {
    match (change.action, change.reason) {
        (Action::Replace { .. }, Some(Reason::Tainted)) => Some("replace_because_tainted"),
        (Action::Replace { .. }, Some(Reason::Requested)) => Some("replace_by_request"),
        (Action::Replace { .. }, Some(Reason::Triggered)) => Some("replace_by_triggers"),
        (Action::Replace { .. }, _) => Some("replace_because_cannot_update"),
        (Action::Delete, Some(Reason::Repetition)) => Some("delete_because_wrong_repetition"),
        (Action::Delete, Some(Reason::Manifest)) if change.address.key().is_some() => {
            Some("delete_because_each_key")
        }
        (Action::Delete, Some(Reason::Manifest)) => Some("delete_because_no_resource_config"),
        _ => None,
    }
}

fn drift_json(drift: &Drift) -> Json {
    let (mut before, mut after) = (Json::Object(Map::new()), Json::Object(Map::new()));
    for (attribute, applied, live) in &drift.attributes {
        set(&mut before, attribute.path, applied.clone().unwrap_or(Json::Null));
        set(&mut after, attribute.path, live.clone().unwrap_or(Json::Null));
    }
    json!({
        "address": drift.address,
        "mode": "managed",
        "type": drift.kind.name,
        "name": drift.address.id(),
        "provider_name": "plumb",
        "change": {
            "actions": if drift.gone { json!(["delete"]) } else { json!(["update"]) },
            "before": before,
            "after": if drift.gone { Json::Null } else { after },
        },
        "plumb": { "unmanaged": drift.unmanaged },
    })
}

fn outputs(plan: &Plan) -> Json {
    let change = |output: &crate::plan::OutputChange| {
        let actions = match (&output.before, &output.after) {
            _ if output.is_same() => json!(["no-op"]),
            (None, _) => json!(["create"]),
            (Some(_), Shown::Absent) => json!(["delete"]),
            (Some(_), _) => json!(["update"]),
        };
        let after = if let Shown::Known(value) = &output.after { value.clone() } else { Json::Null };
        json!({
            "actions": actions,
            "before": if let Shown::Known(value) = output.stored() { value } else { Json::Null },
            "after": after,
            "after_unknown": output.after == Shown::Unknown,
            "before_sensitive": output.stored() == Shown::Sensitive,
            "after_sensitive": output.after == Shown::Sensitive,
        })
    };
    plan.outputs.iter().map(|(name, output)| (name.clone(), change(output))).collect::<Map<_, _>>().into()
}
