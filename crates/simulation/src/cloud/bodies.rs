//! What a service makes of the bodies that it is sent.

use jiff::Timestamp;
use model::Json;
use serde_json::json;

use super::path::{collection, name, resource_type};

/// Where an instance's power stands.
pub(super) const POWER: &str = "/properties/properties/state";
/// How an object's last change went.
pub(super) const PROVISIONING: &str = "/properties/provisioningState";

/// Parts of a body that only the service writes.
const OWN: &[&str] = &[
    "/properties/createdOn",
    "/properties/workspaceId",
    "/properties/provisioningErrors",
    "/properties/properties/state",
    "/properties/properties/currentNodeCount",
    "/properties/properties/connectivityEndpoints",
    "/identity/principalId",
    "/systemData",
];

/// Whether it is a compute instance.
pub(super) fn is_instance(body: &Json) -> bool {
    body.pointer("/properties/computeType").is_some_and(|t| t == "ComputeInstance")
}

/// Sets a value, making what it lies in.
pub(super) fn set(body: &mut Json, pointer: &str, value: Json) {
    let mut at = body;
    for key in pointer.split('/').skip(1) {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[key];
    }
    *at = value;
}

/// The same body with another provisioning state.
pub(super) fn provisioned(body: &Json, word: &str) -> Json {
    let mut body = body.clone();
    set(&mut body, PROVISIONING, json!(word));
    body
}

/// A failed one, with the reason.
pub(super) fn failed(body: &Json) -> Json {
    let mut body = provisioned(body, "Failed");
    let error = json!({ "error": { "code": "AllocationFailed", "message": "the simulation wants it so" } });
    set(&mut body, "/properties/provisioningErrors", json!([error]));
    body
}

/// What stands once a PUT of `sent` is done.
pub(super) fn made(id: &str, sent: &Json, standing: Option<&Json>, guid: &str, now: Timestamp) -> Json {
    let mut body = sent.clone();
    body["id"] = json!(id);
    body["name"] = json!(name(id));
    body["type"] = json!(resource_type(id));
    match standing {
        Some(standing) => {
            for pointer in OWN {
                if let Some(own) = standing.pointer(pointer) {
                    set(&mut body, pointer, own.clone());
                }
            }
        }
        None => of_service(id, &mut body, guid, now),
    }
    // Secrets are taken, and never shown.
    if let Some(password) =
        body.pointer_mut("/properties/properties/userAccountCredentials/adminUserPassword")
    {
        *password = Json::Null;
    }
    provisioned(&body, "Succeeded")
}

/// What the service makes up for a new object.
fn of_service(id: &str, body: &mut Json, guid: &str, now: Timestamp) {
    let seconds = Timestamp::from_second(now.as_second()).expect("BUG: the time is a time").to_string();
    set(body, "/systemData/createdAt", json!(seconds));
    match collection(id) {
        "computes" => {
            set(body, "/properties/createdOn", json!(seconds));
            if is_instance(body) {
                set(body, POWER, json!("Running"));
            } else {
                set(body, "/properties/properties/currentNodeCount", json!(0));
            }
        }
        "workspaces" => set(body, "/properties/workspaceId", json!(guid)),
        _ => {}
    }
    if body
        .pointer("/identity/type")
        .is_some_and(|t| t.as_str().is_some_and(|t| t.contains("SystemAssigned")))
    {
        set(body, "/identity/principalId", json!(guid));
    }
}

/// Merges as a PATCH does: null takes away, tags go whole.
pub(super) fn merge(into: &mut Json, from: &Json) {
    let Some(from) = from.as_object() else {
        *into = from.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    let target = into.as_object_mut().expect("BUG: just made one");
    for (key, value) in from {
        match value {
            Json::Null => _ = target.remove(key),
            value if key == "tags" => _ = target.insert(key.clone(), value.clone()),
            value => merge(target.entry(key).or_insert(Json::Null), value),
        }
    }
}
