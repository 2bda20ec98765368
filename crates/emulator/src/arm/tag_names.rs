//! The tags in use in a subscription, and those that were agreed on beforehand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::{ArmError, Reply, method_not_allowed};
use crate::store::resource::Resource;
use crate::wire::{Method, Response};
use crate::world::{Call, World};

/// The values of a tag with how often each is in use, by value.
type Values = BTreeMap<String, u64>;

/// Answers `tagNames`, `tagNames/{name}` and `tagNames/{name}/tagValues/{value}`.
pub(crate) fn handle(world: &mut World, call: &Call, subscription: &str, path: &[String]) -> Reply {
    let key =
        |parts: &[&str]| format!("/subscriptions/{subscription}/tagNames/{}", parts.join("/tagValues/"));
    match (call.request.method, path) {
        (Method::Get, []) => Ok(list(world, subscription)),
        (Method::Put, [name]) => Ok(agree(world, &key(&[name]), subscription, name, None)),
        (Method::Put, [name, value]) => {
            if world.store.get(&key(&[name]).to_ascii_lowercase()).is_none() {
                return Err(not_found(name));
            }
            Ok(agree(world, &key(&[name, value]), subscription, name, Some(value)))
        }
        (Method::Delete, [name]) => forget(world, &key(&[name]), subscription, name, None),
        (Method::Delete, [name, value]) => {
            forget(world, &key(&[name, value]), subscription, name, Some(value))
        }
        (method, _) => Err(method_not_allowed(method.name())),
    }
}

fn not_found(name: &str) -> ArmError {
    ArmError::gateway(404, "TagNotFound", format!("The tag name or value '{name}' could not be found."))
}

fn agree(world: &mut World, id: &str, subscription: &str, name: &str, value: Option<&String>) -> Response {
    let is_new = world.store.get(&id.to_ascii_lowercase()).is_none();
    if is_new {
        let body = json!({ "id": id, "tagName": name, "tagValue": value });
        world.put(Resource::new("Microsoft.Resources/tagNames", body));
    }
    let used = used(world, subscription).remove(&name.to_ascii_lowercase()).unwrap_or_default();
    let shown = match value {
        Some(value) => shown_value(subscription, name, value, used.1.get(value).copied().unwrap_or(0)),
        None => shown(subscription, name, &used.1),
    };
    Response::json(if is_new { 201 } else { 200 }, &shown)
}

/// A tag that something bears cannot be forgotten.
fn forget(world: &mut World, id: &str, subscription: &str, name: &str, value: Option<&String>) -> Reply {
    let used = used(world, subscription).remove(&name.to_ascii_lowercase()).unwrap_or_default().1;
    let count: u64 = match value {
        Some(value) => used.get(value).copied().unwrap_or(0),
        None => used.values().sum(),
    };
    if count > 0 {
        let message = format!("The tag '{name}' is in use by {count} resources and cannot be deleted.");
        return Err(ArmError::gateway(409, "TagInUse", message));
    }
    let is_gone = world.remove(&id.to_ascii_lowercase());
    Ok(Response::empty(if is_gone { 200 } else { 204 }))
}

fn list(world: &World, subscription: &str) -> Response {
    let value: Vec<Value> =
        used(world, subscription).values().map(|(name, values)| shown(subscription, name, values)).collect();
    Response::json(200, &json!({ "value": value }))
}

/// Every tag in use or agreed on: its spelling and its values, by lower-case name.
fn used(world: &World, subscription: &str) -> BTreeMap<String, (String, Values)> {
    let mut found: BTreeMap<String, (String, Values)> = BTreeMap::new();
    let mut add = |name: &str, value: Option<&str>, count: u64| {
        let entry =
            found.entry(name.to_ascii_lowercase()).or_insert_with(|| (name.to_owned(), Values::new()));
        if let Some(value) = value {
            *entry.1.entry(value.to_owned()).or_default() += count;
        }
    };
    let prefix = format!("/subscriptions/{subscription}/").to_ascii_lowercase();
    for resource in world.store.all().filter(|resource| resource.key().starts_with(&prefix)) {
        if let Some(name) = resource.body["tagName"].as_str().filter(|_| resource.kind.ends_with("/tagNames"))
        {
            add(name, resource.body["tagValue"].as_str(), 0);
        }
        for (name, value) in resource.body["tags"].as_object().into_iter().flatten() {
            add(name, value.as_str(), 1);
        }
    }
    found
}

fn shown(subscription: &str, name: &str, values: &Values) -> Value {
    let total: u64 = values.values().sum();
    let shown = values.iter().map(|(value, count)| shown_value(subscription, name, value, *count));
    json!({
        "id": format!("/subscriptions/{subscription}/tagNames/{name}"),
        "tagName": name,
        "count": { "type": "Total", "value": total },
        "values": shown.collect::<Vec<Value>>(),
    })
}

fn shown_value(subscription: &str, name: &str, value: &str, count: u64) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/tagNames/{name}/tagValues/{value}"),
        "tagValue": value,
        "count": { "type": "Total", "value": count },
    })
}
