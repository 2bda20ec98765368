//! What stands in a resource group, written as a template.

use serde_json::{Value, json};

use crate::error::{ArmError, Reply, method_not_allowed};
use crate::json;
use crate::kinds::generic::is_extension;
use crate::store::resource::Resource;
use crate::template::expression::quoted;
use crate::wire::{Method, Response};
use crate::world::{Call, World};

/// What only replies say.
const ANSWERS: [&str; 6] = [
    "/id",
    "/etag",
    "/systemData",
    "/properties/provisioningState",
    "/identity/principalId",
    "/identity/tenantId",
];

/// Answers `exportTemplate` of a group at once; the specification lets it take its time.
pub(crate) fn handle(world: &World, call: &Call, group_key: &str) -> Reply {
    if call.request.method != Method::Post {
        return Err(method_not_allowed(call.request.method.name()));
    }
    let sent = call.object()?;
    let wanted = sent["resources"].as_array().cloned().unwrap_or_default();
    let all = wanted.is_empty() || wanted.iter().any(|id| id == "*");
    let is_wanted = |resource: &Resource| {
        all || wanted.iter().filter_map(Value::as_str).any(|id| id.eq_ignore_ascii_case(&resource.id))
    };
    let standing = world.store.top_level(group_key).filter(|resource| !is_extension(&resource.kind));
    let resources: Vec<Value> = standing.filter(|resource| is_wanted(resource)).map(as_template).collect();
    if resources.is_empty() && !all {
        let message = "None of the resources to export was found.";
        return Err(ArmError::gateway(404, "ResourceNotFound", message));
    }
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {},
        "variables": {},
        "resources": resources,
    });
    Ok(Response::json(200, &json!({ "template": template })))
}

fn as_template(resource: &Resource) -> Value {
    let mut body = resource.body.clone();
    for pointer in ANSWERS {
        json::remove(&mut body, pointer);
    }
    body["apiVersion"] = json!(crate::arm::providers::API_VERSIONS[0]);
    quote(&mut body);
    body
}

/// Text that looks like an expression must not become one.
fn quote(value: &mut Value) {
    match value {
        Value::String(text) => *text = quoted(text),
        Value::Array(items) => items.iter_mut().for_each(quote),
        Value::Object(map) => map.values_mut().for_each(quote),
        _ => {}
    }
}
