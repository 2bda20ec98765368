//! The life of a resource that does nothing special: PUT, PATCH and DELETE straight from its kind's table.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::{ArmError, Reply, operation_in_flight};
use crate::json;
use crate::kinds::{Kind, PutStyle, canonical_enums, managed_identity};
use crate::listing;
use crate::operation::{self, Operation};
use crate::resource::{Phase, Resource};
use crate::router::{Target, place};
use crate::timing::Work;
use crate::wire::Response;
use crate::world::{Call, World};

/// Shows it as it is now.
pub(crate) fn get(world: &mut World, call: &Call, target: &Target) -> Reply {
    Ok(Response::json(200, &world.existing(target)?.view(call.now)))
}

/// Shows its collection, or at a subscription all of its type, a page at a time.
pub(crate) fn list(world: &mut World, call: &Call, target: &Target) -> Reply {
    if target.group.is_empty() && target.names.len() == 1 {
        return Ok(listing::of_type(world, call, target));
    }
    listing::collection(world, call, target)
}

/// Creates or replaces.
pub(crate) fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    put_body(world, call, target, call.object()?)
}

/// The same with a body that the kind has looked at before.
pub(crate) fn put_body(world: &mut World, call: &Call, target: &Target, sent: Value) -> Reply {
    let existing = world.store.get(&target.key()).cloned();
    if let Some(existing) = &existing {
        refuse_busy(existing, call.now)?;
    }
    let body = compose(world, call, target, sent, existing.as_ref())?;
    (target.kind.check)(world, target, &body, existing.as_ref())?;
    let mut resource = Resource::new(&target.resource_type, body);
    let is_new = existing.is_none();
    let (style, work) = match target.kind.put_style {
        PutStyle::Location if is_new => (&operation::STORAGE, Work::StorageCreate),
        PutStyle::Both => (&operation::WORKSPACE, Work::WorkspaceWrite),
        PutStyle::AtOnce(created) => return Ok(finish(world, resource, if is_new { created } else { 200 })),
        PutStyle::Location => return Ok(finish(world, resource, 200)),
    };
    let until = call.after(work);
    let location = json::text(&resource.body, "/location").to_owned();
    let mut operation = Operation::start(world, call, style, (&target.subscription, &location), until);
    operation.shows = Some(resource.key());
    occupy(&mut resource, &operation, if is_new { "Creating" } else { "Updating" });
    world.put(resource);
    let response = operation.announce(world, call, Response::empty(202));
    world.remember(operation);
    Ok(response)
}

/// Changes what the kind lets a PATCH change; tags are replaced as a whole.
pub(crate) fn patch(world: &mut World, call: &Call, target: &Target) -> Reply {
    let existing = world.existing(target)?.clone();
    refuse_busy(&existing, call.now)?;
    let sent = call.object()?;
    let mut body = existing.body.clone();
    for pointer in target.kind.patchable {
        match sent.pointer(pointer) {
            Some(value) if *pointer == "/tags" => json::set(&mut body, pointer, value.clone()),
            Some(Value::Object(changes)) => {
                let mut merged = json::at(&body, pointer).clone();
                json::overlay(&mut merged, &Value::Object(changes.clone()));
                json::set(&mut body, pointer, merged);
            }
            Some(value) => json::set(&mut body, pointer, value.clone()),
            None => {}
        }
    }
    let body = compose(world, call, target, body, Some(&existing))?;
    (target.kind.check)(world, target, &body, Some(&existing))?;
    Ok(finish(world, Resource { body, ..existing }, 200))
}

/// Removes at once.
pub(crate) fn delete(world: &mut World, call: &Call, target: &Target) -> Reply {
    let Some(existing) = world.store.get(&target.key()) else {
        return Ok(Response::empty(204));
    };
    refuse_busy(existing, call.now)?;
    world.remove(&target.key());
    Ok(Response::empty(200))
}

/// Refuses a write while an operation is running.
pub(crate) fn refuse_busy(resource: &Resource, now: Timestamp) -> Result<(), ArmError> {
    if resource.is_busy(now) || resource.is_leaving() {
        Err(operation_in_flight(&resource.id))
    } else {
        Ok(())
    }
}

/// Makes a resource show a provisioning state until the operation ends.
pub(crate) fn occupy(resource: &mut Resource, operation: &Operation, state: &str) {
    let shows = json!({ "properties": { "provisioningState": state } });
    resource.phases = vec![Phase { until: operation.ends_at, shows }];
    resource.operation = Some(operation.id.clone());
    resource.busy_until = Some(operation.ends_at);
}

/// The envelope that all kinds share: id, name, type, and of a tracked one location, tags and identity.
pub(crate) fn envelope(
    world: &World,
    target: &Target,
    body: &mut Value,
    existing: Option<&Resource>,
) -> Result<(), ArmError> {
    let id = existing.map_or_else(|| world.new_id(target), |existing| existing.id.clone());
    json::set(body, "/name", json!(id.rsplit('/').next()));
    json::set(body, "/id", json!(id));
    json::set(body, "/type", json!(target.resource_type));
    if !target.kind.tracked {
        return Ok(());
    }
    let location = place(json::text(body, "/location"));
    let location = match existing.map(|existing| json::text(&existing.body, "/location")) {
        Some(stands) if location.is_empty() || stands == location => stands.to_owned(),
        Some(stands) => return Err(other_location(target, stands, &location)),
        None if location.is_empty() => {
            let message = "The location property is required for this definition.";
            return Err(ArmError::gateway(400, "LocationRequired", message));
        }
        None => location,
    };
    json::set(body, "/location", json!(location));
    json::fill(body, &json!({ "tags": {} }));
    managed_identity::settle(world, body, existing.map(|existing| &existing.body), &id)
}

fn compose(
    world: &mut World,
    call: &Call,
    target: &Target,
    mut body: Value,
    existing: Option<&Resource>,
) -> Result<Value, ArmError> {
    let kind = target.kind;
    for pointer in kind.read_only.iter().chain(&["/etag", "/properties/provisioningState"]) {
        json::remove(&mut body, pointer);
    }
    envelope(world, target, &mut body, existing)?;
    canonical_enums(&mut body, kind.enums)?;
    rewrite(kind, &mut body);
    let defaults = (kind.defaults)();
    json::read_truth(&mut body, &defaults);
    json::fill(&mut body, &defaults);
    for (pointer, template) in kind.generated {
        let kept = existing.and_then(|existing| existing.body.pointer(pointer)).cloned();
        let value = kept.unwrap_or_else(|| json!(made_up(world, call, &body, template)));
        json::set(&mut body, pointer, value);
    }
    for (pointer, template) in kind.stamped {
        let value = made_up(world, call, &body, template);
        json::set(&mut body, pointer, json!(value));
    }
    json::set(&mut body, "/properties/provisioningState", json!("Succeeded"));
    Ok(body)
}

/// A template with its blanks filled: `{guid}` and `{key}` are new each time, `{/pointer}` is text of the body.
pub(crate) fn made_up(world: &mut World, call: &Call, body: &Value, template: &str) -> String {
    let id = json::text(body, "/id");
    let name = json::text(body, "/name");
    let mut text =
        template.replace("{id}", id).replace("{name}", name).replace("{lower}", &name.to_ascii_lowercase());
    text = text.replace("{location}", json::text(body, "/location")).replace("{time}", &call.now.to_string());
    text = text.replace("{tenant}", &world.options.tenant);
    if text.contains("{guid}") {
        text = text.replace("{guid}", &world.random.guid());
    }
    if text.contains("{key}") {
        text = text.replace("{key}", &world.random.token(86));
    }
    while let Some((before, rest)) = text.split_once("{/") {
        let (pointer, after) = rest.split_once('}').unwrap_or((rest, ""));
        text = format!("{before}{}{after}", json::text(body, &format!("/{pointer}")));
    }
    text
}

fn rewrite(kind: &Kind, body: &mut Value) {
    for (pointer, sent, answered) in kind.rewrites {
        json::for_each(body, pointer, &mut |value| {
            let Some(text) = value.as_str() else { return };
            let start = text.to_ascii_lowercase().find(&sent.to_ascii_lowercase());
            if let Some(start) = start {
                *value = json!(format!("{}{answered}{}", &text[..start], &text[start + sent.len()..]));
            }
        });
    }
}

/// 409 for a resource that stands elsewhere.
pub(crate) fn other_location(target: &Target, stands: &str, sent: &str) -> ArmError {
    let (name, group) = (target.name(), &target.group);
    let message = format!(
        "The resource '{name}' already exists in location '{stands}' in resource group '{group}'. A resource with \
         the same name cannot be created in location '{sent}'. Please select a new resource name."
    );
    ArmError::gateway(409, "InvalidResourceLocation", message)
}

fn finish(world: &mut World, resource: Resource, status: u16) -> Response {
    let response = Response::json(status, &resource.body);
    world.put(resource);
    response
}
