//! `Microsoft.MachineLearningServices/workspaces/computes`: clusters, instances and attached computes in one collection.
//!
//! Writes answer with the values the service has not filled in yet as nulls; a later GET shows them. All of it follows
//! recorded traffic, except where a comment says that we chose.

pub(super) mod allocation;
mod attached;
pub(crate) mod cluster;
pub(crate) mod duration;
pub(crate) mod instance;
mod instance_actions;
mod memory;
pub(crate) mod nodes;
pub(crate) mod power;
mod rules;
mod schedules;
pub(crate) mod script;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arm::operation::{self, Operation};
use crate::error::{ArmError, Reply, bad_content, operation_in_flight};
use crate::json;
use crate::kinds::{Kind, PLAIN, Reference, plain};
use crate::route::router::{Target, place};
use crate::store::resource::{Resource, long_time};
use crate::time::timing::Work;
use crate::wire::Response;
use crate::world::{Call, World};

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.MachineLearningServices/workspaces/computes",
    id_type: "Microsoft.MachineLearningServices/workspaces/computes",
    // A subnet that is not there is not looked for: nobody recorded what the service says of it.
    references: &[Reference { at: "/properties/properties/subnet/id", is_checked: false }],
    put,
    patch: cluster::patch,
    delete,
    actions: &[
        ("listnodes", nodes::list),
        ("listkeys", attached::list_keys),
        ("start", power::start),
        ("stop", power::stop),
        ("restart", power::restart),
        ("resize", power::resize),
        ("getallowedvmsizesforresize", instance_actions::allowed_sizes),
        ("updateidleshutdownsetting", instance_actions::idle_shutdown),
        ("updateschedules", instance_actions::update_schedules),
        ("customservices", instance_actions::custom_services),
        ("updatedatamounts", instance_actions::data_mounts),
        ("enablesso", instance_actions::single_sign_on),
    ],
    next,
    turn,
    ..PLAIN
};

fn next(world: &World, compute: &Resource) -> Option<Timestamp> {
    match json::text(&compute.body, "/properties/computeType") {
        "AmlCompute" => nodes::next(compute),
        "ComputeInstance" => power::next(world, compute),
        _ => None,
    }
}

fn turn(world: &mut World, compute: Resource) {
    match json::text(&compute.body, "/properties/computeType") {
        "AmlCompute" => nodes::turn(world, compute),
        "ComputeInstance" => power::turn_by_itself(world, compute),
        _ => {}
    }
}

/// The kinds of compute a PUT can make here.
const MADE: [&str; 2] = ["AmlCompute", "ComputeInstance"];

fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let existing = world.store.get(&target.key()).cloned();
    let mut sent = call.object()?;
    let compute_type = compute_type(&sent)?;
    json::set(&mut sent, "/properties/computeType", json!(compute_type));
    if let Some(existing) = &existing {
        refuse_existing(call, target, existing, &sent)?;
    }
    let workspace = target.parent_key().and_then(|key| world.store.get(&key)).cloned();
    let workspace = workspace.ok_or_else(|| bad_content("A compute lies in a workspace."))?;
    plain::refuse_busy(&workspace, call.now)?;
    if !MADE.contains(&compute_type) {
        return attached::put(world, call, target, (&workspace, existing), sent);
    }
    match (compute_type, existing) {
        ("AmlCompute", Some(existing)) => cluster::update(world, call, target, existing, sent),
        ("AmlCompute", None) => cluster::create(world, call, target, &workspace, sent),
        // Nobody updates an instance by PUT and get away with it; the code and text are our choice.
        (_, Some(_)) => Err(user_error(format!(
            "Compute instance '{}' already exists and cannot be updated.",
            target.name()
        ))),
        (_, None) => instance::create(world, call, target, &workspace, sent),
    }
}

fn compute_type(sent: &Value) -> Result<&'static str, ArmError> {
    let name = json::text(sent, "/properties/computeType");
    let made = MADE.into_iter().find(|known| known.eq_ignore_ascii_case(name));
    let known = made.or_else(|| attached::find(name).map(|attached| attached.name));
    known.ok_or_else(|| {
        let message = match name {
            "" => "The property 'computeType' is required.".to_owned(),
            name => format!("The compute type '{name}' is not valid."),
        };
        bad_content(message).about("properties.computeType")
    })
}

/// What stands in the way of a PUT on an existing compute, whatever its type.
fn refuse_existing(call: &Call, target: &Target, existing: &Resource, sent: &Value) -> Result<(), ArmError> {
    plain::refuse_busy(existing, call.now)?;
    let stands = json::text(&existing.body, "/properties/computeType");
    let state = json::text(&existing.body, "/properties/provisioningState");
    // A failed compute keeps its name until it is deleted.
    if stands != json::text(sent, "/properties/computeType") || ["Failed", "Canceled"].contains(&state) {
        return Err(rules::name_taken(target.name()));
    }
    let sent_state = json::text(sent, "/properties/provisioningState");
    if !sent_state.is_empty() && !sent_state.eq_ignore_ascii_case(state) {
        let message = format!(
            "The property 'provisioningState' is read-only and cannot be changed from '{state}' to '{sent_state}'."
        );
        return Err(bad_content(message).about("properties.provisioningState"));
    }
    Ok(())
}

fn delete(world: &mut World, call: &Call, target: &Target) -> Reply {
    let action = call.request.parameter("underlyingResourceAction").unwrap_or_default();
    let is_detach = action.eq_ignore_ascii_case("Detach");
    if !is_detach && !action.eq_ignore_ascii_case("Delete") {
        let message =
            "The query parameter 'underlyingResourceAction' is required; it is 'Delete' or 'Detach'.";
        return Err(ArmError::service(400, "UserError", message).about("underlyingResourceAction"));
    }
    let Some(mut compute) = world.store.get(&target.key()).cloned() else {
        return Ok(Response::empty(204));
    };
    let compute_type = json::text(&compute.body, "/properties/computeType").to_owned();
    let is_made = MADE.contains(&compute_type.as_str());
    if is_detach && is_made {
        return Err(user_error(format!("Detach with computeType {compute_type} is not supported.")));
    }
    if compute.is_leaving() {
        let running = compute.operation.as_ref().and_then(|id| world.operations.get(id));
        return running.map_or(Err(operation_in_flight(&compute.id)), |running| {
            Ok(running.announce(world, call, Response::empty(202)))
        });
    }
    plain::refuse_busy(&compute, call.now)?;
    let is_instance = compute_type == "ComputeInstance";
    let work = match (is_instance, is_detach) {
        (true, _) => Work::InstanceDelete,
        (_, true) => Work::Detach,
        _ => Work::ClusterDelete,
    };
    if !is_made && !is_detach {
        let underlying = json::text(&compute.body, "/properties/resourceId").to_ascii_lowercase();
        world.remove(&underlying);
    }
    let operation = begin(world, call, target, &mut compute, &operation::COMPUTE, call.after(work));
    plain::occupy(&mut compute, &operation, "Deleting");
    if is_instance {
        compute.phases[0].shows["properties"]["properties"] = json!({ "state": "Deleting" });
    }
    compute.gone_at = Some(operation.ends_at);
    world.put(compute);
    Ok(hand_over(world, call, operation, Response::empty(202)))
}

/// Starts an operation on a compute and marks it busy; the phases are the caller's.
fn begin(
    world: &mut World,
    call: &Call,
    target: &Target,
    compute: &mut Resource,
    style: &operation::Style,
    ends_at: Timestamp,
) -> Operation {
    let location = json::text(&compute.body, "/location").to_owned();
    let operation = Operation::start(world, call, style, (&target.subscription, &location), ends_at);
    compute.operation = Some(operation.id.clone());
    compute.busy_until = Some(ends_at);
    compute.phases.retain(|phase| call.now < phase.until);
    json::set(&mut compute.body, "/properties/modifiedOn", json!(long_time(call.now)));
    operation
}

/// Announces an operation on a response and keeps it.
fn hand_over(world: &mut World, call: &Call, operation: Operation, response: Response) -> Response {
    let response = operation.announce(world, call, response);
    world.remember(operation);
    response
}

/// The envelope of a new compute, with everything that clusters and instances share.
fn envelope(
    world: &World,
    call: &Call,
    target: &Target,
    workspace: &Resource,
    sent: &Value,
) -> Result<Value, ArmError> {
    let mut body =
        json!({ "location": sent["location"], "tags": sent["tags"], "identity": sent["identity"] });
    plain::envelope(world, target, &mut body, None)?;
    let properties = &sent["properties"];
    let place_sent = place(json::text(properties, "/computeLocation"));
    let location = json::text(&body, "/location").to_owned();
    let home = json::text(&workspace.body, "/location");
    let compute_location = if place_sent.is_empty() { location.clone() } else { place_sent };
    if json::text(properties, "/computeType") != "AmlCompute"
        && (location != home || compute_location != home)
    {
        let message = format!(
            "A compute of this type must be in the location of its workspace, '{home}', not in '{compute_location}'."
        );
        return Err(user_error(message).about("location"));
    }
    let time = long_time(call.now);
    body["properties"] = json!({
        "computeType": properties["computeType"],
        "computeLocation": compute_location,
        "description": properties["description"],
        "disableLocalAuth": properties["disableLocalAuth"].as_bool().unwrap_or(false),
        "resourceId": null,
        "provisioningState": "Succeeded",
        "provisioningErrors": null,
        "provisioningWarnings": {},
        "createdOn": time,
        "modifiedOn": time,
        "isAttachedCompute": false,
    });
    Ok(body)
}

/// The reply to a PUT: the stored body with what the service fills in later still missing.
fn unfilled(compute: &Resource, sent: &Value, inner: Value) -> Value {
    let mut reply = compute.body.clone();
    reply["tags"] = sent["tags"].clone();
    reply["properties"]["provisioningState"] = json!("Creating");
    reply["properties"]["provisioningErrors"] = Value::Null;
    reply["properties"]["provisioningWarnings"] = Value::Null;
    json::remove(&mut reply, "/properties/computeLocation");
    reply["properties"]["properties"] = inner;
    reply
}

/// The coarse refusal of the ML service.
fn user_error(message: impl Into<String>) -> ArmError {
    ArmError::service(400, "UserError", message)
}
