//! The life of a resource that does nothing special: PUT, PATCH and DELETE straight from its kind's table.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arm::listing;
use crate::arm::operation::{Long, Operation};
use crate::error::{ArmError, Reply, operation_in_flight, precondition_failed};
use crate::json;
use crate::kinds::whole::Whole;
use crate::kinds::{self, Kind, PutStyle, canonical_enums, managed_identity};
use crate::route::router::{Target, place};
use crate::store::links;
use crate::store::resource::{Phase, Resource};
use crate::wire::Response;
use crate::world::{Call, World};

/// Shows it as it is now.
pub(crate) fn get(world: &mut World, call: &Call, target: &Target) -> Reply {
    Ok(Response::json(200, &links::show(world, world.existing(target)?, call)))
}

/// Shows its collection, or at a subscription all of its type, a page at a time.
pub(crate) fn list(world: &mut World, call: &Call, target: &Target) -> Reply {
    if target.group.is_empty() && target.names.len() == 1 {
        return listing::of_type(world, call, target);
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
    refuse_change(world, call, target, existing.as_ref())?;
    let is_new = existing.is_none();
    let whole = Whole::compose(world, call, target, sent, existing)?;
    whole.check(world, call)?;
    let (long, status) = match target.kind.put_style {
        PutStyle::AtOnce(created) => (None, if is_new { created } else { 200 }),
        PutStyle::Accepted(long) => (Some(long).filter(|_| is_new), if is_new { 202 } else { 200 }),
        PutStyle::AlwaysAccepted(long) => (Some(long), 202),
        PutStyle::Begun(long) => (Some(long), if is_new { 201 } else { 200 }),
    };
    let state = if is_new { "Creating" } else { "Updating" };
    keep(world, call, whole, long.map(|long| (long, state)), status)
}

/// Changes what the kind lets a PATCH change; tags are replaced as a whole.
pub(crate) fn patch(world: &mut World, call: &Call, target: &Target) -> Reply {
    let existing = world.existing(target)?.clone();
    refuse_change(world, call, target, Some(&existing))?;
    let sent = call.object()?;
    let mut body = existing.body.clone();
    for pointer in target.kind.patchable {
        match sent.pointer(pointer) {
            // Maps of the user's own are said whole.
            Some(value) if ["/tags", "/properties/metadata"].contains(pointer) => {
                json::set(&mut body, pointer, value.clone())
            }
            Some(Value::Object(changes)) => {
                let mut merged = json::at(&body, pointer).clone();
                json::overlay(&mut merged, &Value::Object(changes.clone()));
                json::set(&mut body, pointer, merged);
            }
            Some(value) => json::set(&mut body, pointer, value.clone()),
            None => {}
        }
    }
    let whole = Whole::compose(world, call, target, body, Some(existing))?;
    whole.check(world, call)?;
    keep(world, call, whole, None, 200)
}

/// Stores what a request leaves behind and answers it, at once or with the work that goes on and the state it shows.
pub(crate) fn keep(
    world: &mut World,
    call: &Call,
    whole: Whole,
    work: Option<(Long, &str)>,
    status: u16,
) -> Reply {
    let Whole { own, children, gone } = whole;
    let target = own.target;
    let is_new = own.existing.is_none();
    let mut resource = Resource::new(&target.resource_type, own.body);
    resource.hidden = own.existing.map_or(Value::Null, |existing| existing.hidden);
    let operation = work.map(|(long, state)| {
        let mut operation = begin(world, call, &target, &mut resource, long, state);
        operation.shows = Some(resource.key());
        operation
    });
    for child in children {
        world.put(Resource::new(&child.target.resource_type, child.body));
    }
    for key in gone {
        world.remove(&key);
    }
    world.put(resource.clone());
    for (child, name) in target.kind.brings.iter().filter(|_| is_new) {
        bring(world, call, &target, child, name)?;
    }
    let response = match status {
        202 => Response::empty(202),
        _ => Response::json(status, &links::show(world, &resource, call)),
    };
    Ok(hand_over(world, call, operation, response))
}

/// Makes a child that comes by itself.
fn bring(world: &mut World, call: &Call, target: &Target, child: &str, name: &str) -> Result<(), ArmError> {
    let kind = kinds::find(child).expect("BUG: what a kind brings is a kind");
    let target = target.child(kind, name);
    let body = compose(world, call, &target, json!({}), None)?;
    world.put(Resource::new(kind.resource_type, body));
    Ok(())
}

/// Removes, with everything inside.
pub(crate) fn delete(world: &mut World, call: &Call, target: &Target) -> Reply {
    delete_with(world, call, target, target.kind.delete_style)
}

/// The same with the work it takes, or at once.
pub(crate) fn delete_with(world: &mut World, call: &Call, target: &Target, work: Option<Long>) -> Reply {
    let key = target.key();
    let Some(mut existing) = world.store.get(&key).cloned() else {
        return Ok(Response::empty(204));
    };
    let running = existing.operation.as_ref().and_then(|id| world.operations.get(id));
    if let Some(running) = running.filter(|_| existing.is_leaving()) {
        return Ok(running.announce(world, call, Response::empty(202)));
    }
    refuse_change(world, call, target, Some(&existing))?;
    let going: Vec<String> = world.store.below(&key).into_iter().chain([key.clone()]).collect();
    links::refuse_removal(world, &going, &key, target.kind.in_use)?;
    let Some(long) = work else {
        world.remove(&key);
        return Ok(Response::empty(200));
    };
    let operation = begin(world, call, target, &mut existing, long, "Deleting");
    existing.gone_at = Some(operation.ends_at);
    world.put(existing);
    Ok(hand_over(world, call, Some(operation), Response::empty(202)))
}

/// Starts work on a resource, which shows a state meanwhile. Who shows the resource in a list is busy with it too.
pub(crate) fn begin(
    world: &mut World,
    call: &Call,
    target: &Target,
    resource: &mut Resource,
    long: Long,
    state: &str,
) -> Operation {
    let parent = target.parent().and_then(|parent| world.store.get(&parent.key())).cloned();
    let own = json::text(&resource.body, "/location");
    // What has no location is where its parent is.
    let located = parent.as_ref().filter(|_| own.is_empty());
    let location = located.map_or(own, |parent| json::text(&parent.body, "/location")).to_owned();
    let place = (target.subscription.as_str(), location.as_str());
    let mut operation = Operation::start(world, call, long.style, place, call.after(long.work));
    if long.style.names_resource {
        let names = target.names.iter().map(String::as_str);
        let parts: Vec<&str> =
            [target.subscription.as_str(), &target.group].into_iter().chain(names).collect();
        operation.resource_key = Some(parts.join("$"));
    }
    let state = if state == "Creating" { long.creating } else { state };
    occupy(resource, &operation, state);
    if let Some(mut parent) = parent.filter(|_| target.kind.inline.is_some()) {
        occupy(&mut parent, &operation, "Updating");
        world.put(parent);
    }
    operation
}

/// Announces an operation, if there is one, on a response, and keeps it.
pub(crate) fn hand_over(
    world: &mut World,
    call: &Call,
    operation: Option<Operation>,
    response: Response,
) -> Response {
    let Some(operation) = operation else { return response };
    let response = operation.announce(world, call, response);
    world.remember(operation);
    response
}

/// Refuses a write of a version that is not the one at hand, and one while an operation is running, on the resource or
/// on the parent that shows it.
pub(crate) fn refuse_change(
    world: &World,
    call: &Call,
    target: &Target,
    existing: Option<&Resource>,
) -> Result<(), ArmError> {
    refuse_other_version(call, target, existing)?;
    let parent = target.parent().filter(|_| target.kind.inline.is_some());
    let parent = parent.and_then(|parent| world.store.get(&parent.key()));
    existing.into_iter().chain(parent).try_for_each(|resource| refuse_busy(resource, call.now))
}

/// `If-Match` and `If-None-Match`, where a body has an etag.
fn refuse_other_version(call: &Call, target: &Target, existing: Option<&Resource>) -> Result<(), ArmError> {
    let [wanted, unwanted] = ["if-match", "if-none-match"].map(|name| call.request.header_value(name));
    let etag = existing.map(|existing| json::text(&existing.body, "/etag"));
    let is_it = |condition: &str| match etag {
        None => false,
        Some(etag) => condition == "*" || etag.is_empty() || condition.trim() == etag,
    };
    let broken = wanted
        .filter(|wanted| !is_it(wanted))
        .or(unwanted.filter(|unwanted| *unwanted == "*" && etag.is_some()));
    broken.map_or(Ok(()), |condition| Err(precondition_failed(condition, &target.key())))
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

/// The body that a request leaves behind: what was sent, and what the service fills in.
pub(crate) fn compose(
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
    for pointer in kind.fixed {
        let stands = existing.and_then(|existing| existing.body.pointer(pointer));
        if let Some(stands) = stands.filter(|_| json::at(&body, pointer).is_null()) {
            json::set(&mut body, pointer, stands.clone());
        }
    }
    envelope(world, target, &mut body, existing)?;
    canonical_enums(&mut body, kind.enums)?;
    rewrite(kind, &mut body);
    json::respell(&mut body, kind.spelled);
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
    (kind.finish)(world, target, &mut body);
    Ok(body)
}

/// A template with its blanks filled: `{guid}` and `{key}` are new each time, `{/pointer}` is text of the body.
pub(crate) fn made_up(world: &mut World, call: &Call, body: &Value, template: &str) -> String {
    let id = json::text(body, "/id");
    let name = json::text(body, "/name");
    let mut text =
        template.replace("{id}", id).replace("{name}", name).replace("{lower}", &name.to_ascii_lowercase());
    text = text.replace("{location}", json::text(body, "/location")).replace("{time}", &call.now.to_string());
    if text.contains("{http_time}") {
        let now = call.now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        text = text.replace("{http_time}", &now);
    }
    text = text.replace("{tenant}", &world.options.tenant);
    if text.contains("{guid}") {
        text = text.replace("{guid}", &world.random.guid());
    }
    if text.contains("{key}") {
        text = text.replace("{key}", &world.random.token(86));
    }
    if text.contains("{hex}") {
        text = text.replace("{hex}", &format!("{:014X}", world.random.next() >> 8));
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
