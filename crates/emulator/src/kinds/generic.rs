//! What no kind claims: any type in any namespace, on any scope. It is stored, and answered by ARM's own rules.
//!
//! What such a resource means is unknown here: a body is kept as it was sent, but for the values that Azure never
//! answers, and is `Succeeded` at once.

use serde_json::{Value, json};

use crate::arm::filter::Fields;
use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::kinds::{Kind, PLAIN, managed_identity, plain};
use crate::route::router::{Target, place};
use crate::store::resource::Resource;
use crate::wire::Response;
use crate::world::{Call, World};

/// The kind of a type that has none; its type is that of the target.
pub(crate) const KIND: Kind = Kind { on_any_scope: true, filters: FIELDS, put, patch, ..PLAIN };

/// Lists of what extends a scope show what lies on it, with the word or without.
const FIELDS: Fields = &[("name", "/name"), ("location", "/location"), ("atscope", "")];

/// Namespaces and types whose resources extend what they lie on, so that no group lists them as its own.
const EXTENSIONS: [&str; 8] = [
    "Microsoft.Authorization/",
    "Microsoft.Consumption/",
    "Microsoft.CostManagement/",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.PolicyInsights/",
    "Microsoft.Resources/deployments",
    "Microsoft.Resources/tags",
    "Microsoft.Security/",
];

/// Values that Azure takes and never answers, in lower case (wire-traces §2).
const WRITE_ONLY: [&str; 6] =
    ["accountkey", "adminpassword", "adminuserpassword", "clientsecret", "password", "privatekeydata"];

/// Whether resources of a type belong to what they lie on, and not to its group.
pub(crate) fn is_extension(resource_type: &str) -> bool {
    let resource_type = resource_type.to_ascii_lowercase();
    EXTENSIONS.iter().any(|prefix| resource_type.starts_with(&prefix.to_ascii_lowercase()))
}

fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let existing = world.store.get(&target.key()).cloned();
    let body = compose(world, target, call.object()?, existing.as_ref())?;
    let status = if existing.is_some() { 200 } else { 201 };
    keep(world, call, existing, Resource::new(&target.resource_type, body), status)
}

/// Merges, as RFC 7396 has it, and replaces the tags as a whole.
fn patch(world: &mut World, call: &Call, target: &Target) -> Reply {
    let existing = world.existing(target)?.clone();
    let sent = call.object()?;
    let mut body = existing.body.clone();
    json::merge_patch(&mut body, &sent);
    if let Some(tags) = sent.get("tags") {
        json::set(&mut body, "/tags", tags.clone());
    }
    let body = compose(world, target, body, Some(&existing))?;
    let resource = Resource { body, ..existing.clone() };
    keep(world, call, Some(existing), resource, 200)
}

fn keep(
    world: &mut World,
    call: &Call,
    existing: Option<Resource>,
    resource: Resource,
    status: u16,
) -> Reply {
    if let Some(existing) = existing {
        plain::refuse_busy(&existing, call.now)?;
    }
    let response = Response::json(status, &resource.body);
    world.put(resource);
    Ok(response)
}

fn compose(
    world: &World,
    target: &Target,
    mut body: Value,
    existing: Option<&Resource>,
) -> Result<Value, ArmError> {
    hide(&mut body);
    let id = existing.map_or_else(|| world.new_id(target), |existing| existing.id.clone());
    let resource_type = existing.map_or(&target.resource_type, |existing| &existing.kind);
    json::set(&mut body, "/name", json!(id.rsplit('/').next()));
    json::set(&mut body, "/type", json!(resource_type));
    json::set(&mut body, "/id", json!(id));
    let sent = place(json::text(&body, "/location"));
    let stands = existing.map_or("", |existing| json::text(&existing.body, "/location"));
    if !sent.is_empty() && !stands.is_empty() && sent != stands {
        return Err(plain::other_location(target, stands, &sent));
    }
    match if sent.is_empty() { stands } else { &sent } {
        "" => drop(json::remove(&mut body, "/location")),
        location => json::set(&mut body, "/location", json!(location)),
    }
    if !matches!(body["tags"], Value::Object(_) | Value::Null) {
        return Err(bad_content("The tags must be an object of texts.").about("tags"));
    }
    if matches!(body["properties"], Value::Object(_) | Value::Null) {
        json::set(&mut body, "/properties/provisioningState", json!("Succeeded"));
    }
    managed_identity::settle(world, &mut body, existing.map(|existing| &existing.body), &id)?;
    Ok(body)
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !WRITE_ONLY.contains(&key.to_ascii_lowercase().as_str()));
            map.values_mut().for_each(hide);
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}
