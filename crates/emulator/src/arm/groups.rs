//! Resource groups: PUT and PATCH at once, DELETE as an operation that takes everything inside with it.

use serde_json::json;

use crate::arm::export;
use crate::arm::operation::{self, Operation};
use crate::error::{
    ArmError, Reply, group_being_deleted, group_not_found, method_not_allowed, no_such_route,
};
use crate::json;
use crate::kinds::plain;
use crate::route::router::place;
use crate::store::resource::Resource;
use crate::time::timing::Work;
use crate::wire::{Method, Response};
use crate::world::{Call, World};

const TYPE: &str = "Microsoft.Resources/resourceGroups";

/// Everything that can be asked of one group.
pub(crate) fn handle(world: &mut World, call: &Call, subscription: &str, name: &str) -> Reply {
    let id = format!("/subscriptions/{subscription}/resourceGroups/{name}");
    let existing = world.store.get(&id.to_ascii_lowercase()).cloned();
    match (call.request.method, existing) {
        (Method::Put, existing) => put(world, call, &id, existing),
        (Method::Head, existing) => Ok(Response::empty(if existing.is_some() { 204 } else { 404 })),
        (Method::Post, _) => Err(method_not_allowed("POST")),
        (_, None) => Err(group_not_found(name)),
        (Method::Get, Some(group)) => Ok(Response::json(200, &group.view(call.now))),
        (Method::Patch, Some(group)) => patch(world, call, group),
        (Method::Delete, Some(group)) => delete(world, call, subscription, group),
    }
}

/// An action on a group that stands.
pub(crate) fn act(world: &mut World, call: &Call, subscription: &str, name: &str, action: &str) -> Reply {
    let key = format!("/subscriptions/{subscription}/resourcegroups/{name}").to_ascii_lowercase();
    if world.store.get(&key).is_none() {
        return Err(group_not_found(name));
    }
    match action {
        "exporttemplate" => export::handle(world, call, &key),
        _ => Err(no_such_route(&call.request.path)),
    }
}

fn put(world: &mut World, call: &Call, id: &str, existing: Option<Resource>) -> Reply {
    let sent = call.object()?;
    let name = id.rsplit('/').next().unwrap_or("");
    if !is_name(name) {
        let message = format!("The resource group name '{name}' is invalid.");
        return Err(ArmError::gateway(400, "InvalidResourceGroup", message));
    }
    let location = place(json::text(&sent, "/location"));
    if location.is_empty() {
        return Err(ArmError::gateway(
            400,
            "LocationRequired",
            "The location property is required for this definition.",
        ));
    }
    if let Some(group) = &existing {
        refuse_leaving(group)?;
        let stands = json::text(&group.body, "/location");
        if stands != location {
            let message = format!(
                "Invalid resource group location '{location}'. The Resource group already exists in location '{stands}'."
            );
            return Err(ArmError::gateway(409, "InvalidResourceGroupLocation", message));
        }
    }
    let status = if existing.is_some() { 200 } else { 201 };
    let id = existing.map_or_else(|| id.to_owned(), |group| group.id);
    let mut body = json!({
        "id": id,
        "name": id.rsplit('/').next(),
        "type": TYPE,
        "location": location,
        "tags": sent["tags"],
        "properties": { "provisioningState": "Succeeded" },
    });
    json::fill(&mut body, &json!({ "tags": {} }));
    if let Some(owner) = sent.get("managedBy").filter(|owner| !owner.is_null()) {
        body["managedBy"] = owner.clone();
    }
    let response = Response::json(status, &body);
    world.put(Resource::new(TYPE, body));
    Ok(response)
}

fn patch(world: &mut World, call: &Call, mut group: Resource) -> Reply {
    refuse_leaving(&group)?;
    if let Some(tags) = call.object()?.get("tags") {
        group.body["tags"] = tags.clone();
    }
    let response = Response::json(200, &group.body);
    world.put(group);
    Ok(response)
}

fn delete(world: &mut World, call: &Call, subscription: &str, mut group: Resource) -> Reply {
    let running =
        group.operation.as_ref().filter(|_| group.is_leaving()).and_then(|id| world.operations.get(id));
    if let Some(running) = running {
        return Ok(running.announce(world, call, Response::empty(202)));
    }
    let ends_at = call.after(Work::GroupDelete);
    let mut operation = Operation::start(world, call, &operation::GROUP, (subscription, ""), ends_at);
    operation.location_status = Some(200);
    plain::occupy(&mut group, &operation, "Deleting");
    group.gone_at = Some(ends_at);
    world.put(group);
    let response = operation.announce(world, call, Response::empty(202));
    world.remember(operation);
    Ok(response)
}

fn refuse_leaving(group: &Resource) -> Result<(), ArmError> {
    if group.is_leaving() { Err(group_being_deleted(group.name())) } else { Ok(()) }
}

/// Source: ARM's naming rules: 1 to 90 of letters, digits, `_-.()`, not ending in a dot.
fn is_name(name: &str) -> bool {
    let allowed = |character: char| character.is_alphanumeric() || "_-.()".contains(character);
    (1..=90).contains(&name.chars().count()) && name.chars().all(allowed) && !name.ends_with('.')
}
