//! How deployments show themselves: their bodies, their operations, and what they would change.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::engine::error_of;
use super::run::{Run, State, Step, Verb};
use super::surroundings::{Cloud, values};
use crate::json;
use crate::store::resource::Resource;
use crate::template::{Evaluator, parameters};
use crate::world::World;

/// Brings what a deployment shows up to date with its run.
pub(super) fn refresh(resource: &mut Resource, run: &Run, state: &str, now: Timestamp) {
    let properties = &mut resource.body["properties"];
    properties["provisioningState"] = json!(state);
    properties["timestamp"] = json!(now.to_string());
    properties["duration"] = json!(duration(run.started, now));
    let made = run.steps.iter().filter(|step| step.verb == Verb::Create && step.state == State::Succeeded);
    properties["outputResources"] = made.map(|step| json!({ "id": step.planned.id })).collect();
}

/// The time between two moments as ARM writes it: `PT1M2.3S`. There is always a fraction, which azure-ai-ml cuts off.
pub(super) fn duration(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs_f64().max(0.0);
    let (minutes, rest) = ((seconds / 60.0).floor(), seconds % 60.0);
    let mut rest = format!("{rest:.3}").trim_end_matches('0').to_owned();
    if rest.ends_with('.') {
        rest.push('0');
    }
    if minutes > 0.0 { format!("PT{minutes}M{rest}S") } else { format!("PT{rest}S") }
}

/// What `deployment()` gives inside a template.
pub(super) fn of_itself(resource: &Resource, template: &Value) -> Value {
    let mut properties = resource.body["properties"].clone();
    properties["template"] = template.clone();
    json!({ "name": resource.body["name"], "location": resource.body["location"], "properties": properties })
}

/// A new id of a deployment operation: 16 digits.
pub(super) fn operation_id(world: &mut World) -> String {
    format!("{:016X}", world.random.next())
}

/// What the resources of a template wait for, where they wait.
pub(super) fn dependencies(run: &Run) -> Value {
    let enabled = |step: &&Step| step.state != State::Disabled;
    let shown = run.steps.iter().filter(enabled).filter_map(|step| {
        let after = step.planned.after.iter().map(|index| &run.steps[*index]);
        let after: Vec<Value> = after.filter(enabled).map(Step::target).collect();
        let mut target = step.target();
        target["dependsOn"] = json!(after);
        (!after.is_empty()).then_some(target)
    });
    shown.collect()
}

/// The namespaces and types that a template uses.
pub(super) fn providers(run: &Run) -> Value {
    let mut used: std::collections::BTreeMap<&str, std::collections::BTreeSet<&str>> = Default::default();
    for step in run.steps.iter().filter(|step| step.state != State::Disabled) {
        let (namespace, rest) = step.planned.resource_type.split_once('/').unwrap_or_default();
        used.entry(namespace).or_default().insert(rest);
    }
    let types = |types: &std::collections::BTreeSet<&str>| {
        types.iter().map(|name| json!({ "resourceType": name, "locations": [null] })).collect::<Value>()
    };
    used.iter()
        .map(|(namespace, rest)| json!({ "namespace": namespace, "resourceTypes": types(rest) }))
        .collect()
}

/// The operations of a deployment: one for each resource that was begun, and one for the outputs.
pub(super) fn operations(resource: &Resource, run: &Run, now: Timestamp) -> Vec<Value> {
    let mut shown: Vec<Value> =
        run.steps.iter().filter_map(|step| Some(operation(&resource.id, step, step.began?, now))).collect();
    let has_outputs =
        resource.body["properties"]["outputs"].as_object().is_some_and(|outputs| !outputs.is_empty());
    if has_outputs {
        let properties = json!({
            "provisioningOperation": "EvaluateDeploymentOutput",
            "provisioningState": "Succeeded",
            "timestamp": resource.body["properties"]["timestamp"],
            "duration": "PT0.1S",
            "trackingId": crate::random::guid_of(&resource.id),
            "statusCode": "OK",
        });
        shown.push(wrapped(&resource.id, "08584000000000000000", properties));
    }
    shown
}

fn operation(deployment: &str, step: &Step, began: Timestamp, now: Timestamp) -> Value {
    let ended = step.ended.unwrap_or(now);
    let mut properties = json!({
        "provisioningOperation": if step.verb == Verb::Create { "Create" } else { "Delete" },
        "provisioningState": match step.state {
            State::Failed => "Failed",
            State::Succeeded => "Succeeded",
            State::Canceled => "Canceled",
            _ => "Running",
        },
        "timestamp": ended.to_string(),
        "duration": duration(began, ended),
        "trackingId": crate::random::guid_of(&step.operation_id),
        "targetResource": step.target(),
    });
    if let Some(status) = step.status {
        properties["statusCode"] = json!(status_name(status));
    }
    if let Some(error) = &step.error {
        properties["statusMessage"] = json!({ "error": error });
    }
    wrapped(deployment, &step.operation_id, properties)
}

fn wrapped(deployment: &str, operation_id: &str, properties: Value) -> Value {
    json!({
        "id": format!("{deployment}/operations/{operation_id}"),
        "operationId": operation_id,
        "properties": properties,
    })
}

/// The .NET name of an HTTP status.
fn status_name(status: u16) -> String {
    const NAMES: [(u16, &str); 9] = [
        (200, "OK"),
        (201, "Created"),
        (202, "Accepted"),
        (204, "NoContent"),
        (400, "BadRequest"),
        (403, "Forbidden"),
        (404, "NotFound"),
        (409, "Conflict"),
        (429, "TooManyRequests"),
    ];
    let known = NAMES.iter().find(|(known, _)| *known == status);
    known.map_or_else(|| status.to_string(), |(_, name)| (*name).to_owned())
}

/// The outputs of a template whose resources all stand.
pub(super) fn outputs(
    world: &mut World,
    key: &str,
    resource: &Resource,
    run: &Run,
    now: Timestamp,
) -> Result<Value, Value> {
    let declared = run.template["outputs"].as_object().cloned().unwrap_or_default();
    if declared.is_empty() {
        return Ok(json!({}));
    }
    let parameter_values = values(world, key, run)?;
    let deployment = of_itself(resource, &run.template);
    let cloud = Cloud { world: world.into(), scope: &run.scope, now, deployment, run: Some(run) };
    let evaluator = Evaluator::new(&run.template, &parameter_values, &cloud);
    let mut shown = json!({});
    for (name, declaration) in &declared {
        let condition = declaration.get("condition").map(|condition| evaluator.tree(condition));
        if condition.transpose().map_err(error_of)? == Some(json!(false)) {
            continue;
        }
        let value = match declaration.get("copy") {
            Some(copy) => evaluator.copied(&json!(""), copy),
            None => evaluator.tree(&declaration["value"]),
        };
        let kind = parameters::type_of(&run.template, name, declaration).map_err(error_of)?;
        let value = value.map_err(error_of)?;
        shown[name] = parameters::shown(kind, &value);
    }
    Ok(shown)
}

/// What deploying a body over what stands would change.
pub(super) fn change(id: &str, stands: Option<&Value>, planned: Option<&Value>, ids_only: bool) -> Value {
    let mut delta = Vec::new();
    if let (Some(stands), Some(planned)) = (stands, planned) {
        differences("", stands, planned, &mut delta);
    }
    let kind = match (stands, planned) {
        (None, _) => "Create",
        (Some(_), None) => "Delete",
        (Some(_), Some(_)) if delta.is_empty() => "NoChange",
        (Some(_), Some(_)) => "Modify",
    };
    let mut change = json!({ "resourceId": id, "changeType": kind });
    if ids_only {
        return change;
    }
    for (key, value) in [("before", stands), ("after", planned)] {
        if let Some(value) = value {
            change[key] = value.clone();
        }
    }
    if kind == "Modify" {
        change["delta"] = json!(delta);
    }
    change
}

/// The values that a planned body would change; what it leaves out stays as it is.
fn differences(path: &str, stands: &Value, planned: &Value, delta: &mut Vec<Value>) {
    if let (Value::Object(stands), Value::Object(planned)) = (stands, planned) {
        for (key, value) in planned {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match stands.get(key) {
                Some(before) => differences(&path, before, value, delta),
                None => delta.push(json!({ "path": path, "propertyChangeType": "Create", "after": value })),
            }
        }
    } else if stands != planned && !same_text(stands, planned) {
        delta.push(
            json!({ "path": path, "propertyChangeType": "Modify", "before": stands, "after": planned }),
        );
    }
}

/// Names of regions and ids are the same in any casing and spacing.
fn same_text(stands: &Value, planned: &Value) -> bool {
    let folded = |value: &Value| value.as_str().map(crate::route::router::place);
    folded(stands).is_some() && folded(stands) == folded(planned)
}

/// What a deployment shows of itself before it has begun.
pub(super) fn body(id: &str, name: &str, run: &Run, shown_parameters: &Value, mode: &str) -> Value {
    let mut body = json!({
        "id": id,
        "name": name,
        "type": super::KIND.resource_type,
        "properties": {
            "templateHash": template_hash(&run.template),
            "parameters": shown_parameters,
            "mode": mode,
            "provisioningState": "Accepted",
            "timestamp": run.started.to_string(),
            "duration": "PT0S",
            "correlationId": crate::random::guid_of(&run.operation),
            "providers": providers(run),
            "dependencies": dependencies(run),
        },
    });
    if body["properties"]["parameters"].as_object().is_some_and(serde_json::Map::is_empty) {
        json::remove(&mut body, "/properties/parameters");
    }
    body
}

/// A number that always belongs to this template.
pub(super) fn template_hash(template: &Value) -> String {
    let guid = crate::random::guid_of(&template.to_string());
    let digits: String = guid.chars().filter(char::is_ascii_hexdigit).take(15).collect();
    u64::from_str_radix(&digits, 16).unwrap_or(0).to_string()
}
