//! Who names whom: an index of the references in stored bodies, kept up to date with every write.
//!
//! From it come the refusals to name what is not there and to remove what is named, and the lists of referrers that
//! bodies show. It follows from what the world stores, so a cloud file does not keep it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::error::ArmError;
use crate::json;
use crate::kinds::whole::Part;
use crate::kinds::{self, InUse, Kind};
use crate::store::resource::Resource;
use crate::world::{Call, World};

/// The keys of those who name a key.
#[derive(Debug, Default)]
pub(crate) struct Links {
    users: BTreeMap<String, BTreeSet<String>>,
}

impl Links {
    /// Learns whom a resource names.
    pub(crate) fn add(&mut self, resource: &Resource) {
        for named in named_by(resource) {
            self.users.entry(named).or_default().insert(resource.key());
        }
    }

    /// Forgets it again.
    pub(crate) fn remove(&mut self, resource: &Resource) {
        for named in named_by(resource) {
            if let Some(users) = self.users.get_mut(&named) {
                users.remove(&resource.key());
                if users.is_empty() {
                    self.users.remove(&named);
                }
            }
        }
    }

    /// The keys of those who name this key, in order.
    pub(crate) fn users(&self, key: &str) -> impl Iterator<Item = &str> {
        self.users.get(key).into_iter().flatten().map(String::as_str)
    }
}

fn named_by(resource: &Resource) -> Vec<String> {
    let references = kinds::of(resource).map_or(&[][..], |kind| kind.references);
    let values = references.iter().flat_map(|reference| json::every(&resource.body, reference.at));
    values.filter_map(Value::as_str).map(str::to_ascii_lowercase).collect()
}

/// Refuses parts of one request that name what is not there, is elsewhere, or is not ready.
pub(crate) fn check(world: &World, call: &Call, parts: &[&Part]) -> Result<(), ArmError> {
    let ids: BTreeSet<String> = parts.iter().map(|part| part.target.key()).collect();
    let inside = parts.first().map_or(String::new(), |own| format!("{}/", own.target.key()));
    let location = parts.first().map_or("", |own| json::text(&own.body, "/location"));
    for part in parts {
        let checked = part.target.kind.references.iter().filter(|reference| reference.is_checked);
        let named = checked.flat_map(|reference| json::every(&part.body, reference.at));
        for id in named.filter_map(Value::as_str) {
            let key = id.to_ascii_lowercase();
            // What lies inside the written resource counts as the request leaves it.
            let is_there = if key.starts_with(&inside) {
                ids.contains(&key)
            } else {
                world.store.get(&key).is_some_and(|named| is_near(world, named, location))
            };
            if !is_there {
                return Err(not_found(id, json::text(&part.body, "/id")));
            }
            refuse_unready(world, call, &key, json::text(&part.body, "/id"))?;
        }
    }
    Ok(())
}

/// Whether it is in a location, by itself or through what it lies in; what is nowhere is everywhere.
fn is_near(world: &World, resource: &Resource, location: &str) -> bool {
    let own = json::text(&resource.body, "/location");
    let parent =
        || resource.id.rsplitn(3, '/').nth(2).and_then(|id| world.store.get(&id.to_ascii_lowercase()));
    match own {
        "" => location.is_empty() || parent().is_none_or(|parent| is_near(world, parent, location)),
        own => {
            location.is_empty() || own == location || resource.kind == "Microsoft.Resources/resourceGroups"
        }
    }
}

fn not_found(id: &str, by: &str) -> ArmError {
    let message = format!(
        "Resource {id} referenced by resource {by} was not found. Please make sure that the referenced resource \
         exists, and that both resources are in the same region."
    );
    ArmError::service(400, "InvalidResourceReference", message)
}

fn refuse_unready(world: &World, call: &Call, key: &str, by: &str) -> Result<(), ArmError> {
    let Some(named) = world.store.get(key).filter(|named| named.is_busy(call.now)) else { return Ok(()) };
    let shown = named.view(call.now);
    let state = json::text(&shown, "/properties/provisioningState");
    let message = format!(
        "Cannot proceed with operation because resource {} used by resource {by} is not in Succeeded state. \
         Resource is in {state} state.",
        named.id
    );
    Err(ArmError::service(409, "ReferencedResourceNotProvisioned", message))
}

/// Refuses to remove what others name. Who is removed too, or lies inside `within`, does not count.
pub(crate) fn refuse_removal(
    world: &World,
    keys: &[String],
    within: &str,
    refusal: Option<InUse>,
) -> Result<(), ArmError> {
    let inside = format!("{within}/");
    for key in keys {
        let counts = |user: &&str| !user.starts_with(&inside) && !keys.iter().any(|key| key == user);
        let users: Vec<&str> = world.links.users(key).filter(counts).collect();
        let Some(named) = world.store.get(key).filter(|_| !users.is_empty()) else { continue };
        let own = kinds::of(named).and_then(|kind| kind.in_use);
        let Some((code, text)) = refusal.or(own) else { continue };
        let ids = users.iter().filter_map(|user| world.store.get(user)).map(|user| user.id.as_str());
        let message = text
            .replace("{id}", &named.id)
            .replace("{name}", named.name())
            .replace("{users}", &ids.collect::<Vec<_>>().join(", "));
        return Err(ArmError::service(400, code, message));
    }
    Ok(())
}

/// A resource as a read shows it now: with those who name it, and without what the read does not ask for.
pub(crate) fn show(world: &World, resource: &Resource, call: &Call) -> Value {
    let mut body = resource.view(call.now);
    let Some(kind) = kinds::of(resource) else { return body };
    add_referrers(world, kind, &mut body);
    for (child, inline) in kind.inline_children().filter(|(child, _)| !child.referrers.is_empty()) {
        if let Some(Value::Array(items)) = body.pointer_mut(inline.pointer) {
            items.iter_mut().for_each(|item| add_referrers(world, child, item));
        }
    }
    let expand = call.request.parameter("$expand").unwrap_or_default().to_ascii_lowercase();
    for (word, pointer) in kind.on_demand {
        if !expand.contains(&word.to_ascii_lowercase()) {
            json::remove(&mut body, pointer);
        }
    }
    (kind.view)(world, resource, &mut body);
    body
}

fn add_referrers(world: &World, kind: &Kind, body: &mut Value) {
    let key = json::text(body, "/id").to_ascii_lowercase();
    for referrer in kind.referrers {
        let users = world.links.users(&key).filter_map(|user| world.store.get(user));
        let users = users.filter(|user| user.kind.eq_ignore_ascii_case(referrer.resource_type));
        let ids = users
            .flat_map(|user| kinds::of(user).map_or(Vec::new(), |kind| (kind.seen_as)(world, user, &key)));
        let mut shown = ids.map(|id| json!({ "id": id }));
        if referrer.is_single {
            shown.next().into_iter().for_each(|one| json::set(body, referrer.at, one));
            continue;
        }
        let shown: Vec<Value> = shown.collect();
        match body.pointer_mut(referrer.at) {
            Some(Value::Array(others)) => others.extend(shown),
            _ if shown.is_empty() => {}
            _ => json::set(body, referrer.at, Value::Array(shown)),
        }
    }
}
