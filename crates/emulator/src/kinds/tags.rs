//! `Microsoft.Resources/tags/default`: the tags of a group or a resource as a resource of their own.
//!
//! Nothing is stored for them but the tags of what they lie on; a subscription's are its own.

use serde_json::{Map, Value, json};

use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::kinds::{Kind, PLAIN, plain};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::wire::Response;
use crate::world::{Call, World};

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.Resources/tags",
    id_type: "Microsoft.Resources/tags",
    on_any_scope: true,
    tracked: false,
    get,
    list: |world, call, target| {
        let tags = own(world, call, target)?;
        Ok(Response::json(200, &json!({ "value": [shown(target, &tags)] })))
    },
    put: |world, call, target| change(world, call, target, "replace", &call.object()?),
    patch: |world, call, target| {
        let sent = call.object()?;
        let operation = json::text(&sent, "/operation").to_ascii_lowercase();
        change(world, call, target, &operation, &sent)
    },
    delete: |world, call, target| {
        change(world, call, target, "replace", &json!({ "properties": { "tags": {} } }))?;
        Ok(Response::empty(200))
    },
    ..PLAIN
};

fn get(world: &mut World, call: &Call, target: &Target) -> Reply {
    let tags = own(world, call, target)?;
    Ok(Response::json(200, &shown(target, &tags)))
}

fn own(world: &World, call: &Call, target: &Target) -> Result<Value, ArmError> {
    Ok(owner(world, target)?.view(call.now)["tags"].clone())
}

/// What the tags are those of; a subscription has a place for them.
fn owner(world: &World, target: &Target) -> Result<Resource, ArmError> {
    let places = [target.scope.to_ascii_lowercase(), place(target).to_ascii_lowercase()];
    if let Some(owner) = places.iter().find_map(|key| world.store.get(key)) {
        return Ok(owner.clone());
    }
    if target.group.is_empty() && !target.subscription.is_empty() {
        return Ok(Resource::new(KIND.resource_type, json!({ "id": place(target), "tags": {} })));
    }
    let message = format!("The scope '{}' has no tags.", target.scope);
    Err(ArmError::gateway(400, "InvalidScope", message))
}

/// Where a subscription's tags are kept, and where all are read.
fn place(target: &Target) -> String {
    format!("{}/providers/{}/default", target.scope, KIND.resource_type)
}

fn change(world: &mut World, call: &Call, target: &Target, operation: &str, sent: &Value) -> Reply {
    let mut owner = owner(world, target)?;
    plain::refuse_busy(&owner, call.now)?;
    let given = json::at(sent, "/properties/tags").as_object().cloned().unwrap_or_default();
    let mut tags = owner.body["tags"].as_object().cloned().unwrap_or_default();
    match operation {
        "replace" => tags = given,
        "merge" => given.into_iter().for_each(|(name, value)| put(&mut tags, name, value)),
        "delete" => tags.retain(|name, _| !given.keys().any(|gone| gone.eq_ignore_ascii_case(name))),
        other => {
            let message = format!("The tags operation '{other}' is not one of Merge, Replace and Delete.");
            return Err(bad_content(message).about("operation"));
        }
    }
    owner.body["tags"] = Value::Object(tags);
    let response = Response::json(200, &shown(target, &owner.body["tags"]));
    world.put(owner);
    Ok(response)
}

/// Names of tags compare without case, and keep the spelling of the first one.
fn put(tags: &mut Map<String, Value>, name: String, value: Value) {
    let known = tags.keys().find(|known| known.eq_ignore_ascii_case(&name)).cloned();
    tags.insert(known.unwrap_or(name), value);
}

fn shown(target: &Target, tags: &Value) -> Value {
    let tags = if tags.is_null() { json!({}) } else { tags.clone() };
    json!({
        "id": place(target),
        "name": "default",
        "type": KIND.resource_type,
        "properties": { "tags": tags },
    })
}
