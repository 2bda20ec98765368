//! Starting, stopping, restarting and resizing an instance.
//!
//! The provisioning state stays `Succeeded` all the while; the power state has its own field. Only the refusal of a
//! start while running was seen; that a stop of a stopped instance is accepted and does nothing is our choice.

use serde_json::json;

use super::instance::last_operation;
use super::{begin, hand_over, rules, user_error};
use crate::error::{ArmError, Reply};
use crate::json;
use crate::kinds::plain;
use crate::operation;
use crate::resource::{Phase, Resource};
use crate::router::Target;
use crate::timing::Work;
use crate::wire::Response;
use crate::world::{Call, World};

/// One way to change the power state.
struct Turn {
    name: &'static str,
    work: Work,
    /// The state on the way, and at the end.
    way: &'static str,
    end: &'static str,
}

const START: Turn = Turn { name: "Start", work: Work::InstanceStart, way: "Starting", end: "Running" };
const STOP: Turn = Turn { name: "Stop", work: Work::InstanceStop, way: "Stopping", end: "Stopped" };
const RESTART: Turn =
    Turn { name: "Restart", work: Work::InstanceRestart, way: "Restarting", end: "Running" };
const RESIZE: Turn = Turn { name: "Resize", work: Work::InstanceResize, way: "Resizing", end: "Running" };

/// `POST …/start`: only from `Stopped`.
pub(super) fn start(world: &mut World, call: &Call, target: &Target) -> Reply {
    let instance = instance(world, call, target, "Start")?;
    if state(&instance) != "Stopped" {
        let name = target.name();
        let message = format!(
            "Start Azure ML Compute Instance is only allowed when the instance {name} is in 'stopped' state"
        );
        return Err(ArmError::service(400, "StartComputeInstanceOnlyAllowedInStoppedState", message));
    }
    turn(world, call, target, instance, &START)
}

/// `POST …/stop`.
pub(super) fn stop(world: &mut World, call: &Call, target: &Target) -> Reply {
    let instance = instance(world, call, target, "Stop")?;
    turn(world, call, target, instance, &STOP)
}

/// `POST …/restart`: like a stop and a start, so not from `Stopped`; that refusal is our choice.
pub(super) fn restart(world: &mut World, call: &Call, target: &Target) -> Reply {
    let instance = instance(world, call, target, "Restart")?;
    if state(&instance) == "Stopped" {
        return Err(user_error(format!(
            "The instance {} is stopped and cannot be restarted.",
            target.name()
        )));
    }
    turn(world, call, target, instance, &RESTART)
}

/// `POST …/resize` of the previews: documented with `Location` alone; the instance restarts with the new size. That
/// a stopped one stays stopped is our choice.
pub(super) fn resize(world: &mut World, call: &Call, target: &Target) -> Reply {
    let mut instance = instance(world, call, target, "Resize")?;
    let sent = call.object()?;
    let size = rules::size_of(json::text(&sent, "/targetVMSize"))?;
    let location = json::text(&instance.body, "/properties/computeLocation");
    let end = if state(&instance) == "Stopped" { "Stopped" } else { RESIZE.end };
    let stands = rules::size_of(json::text(&instance.body, "/properties/properties/vmSize"))?;
    // What the instance holds of the same family it gives back.
    let more = if stands.family == size.family { (size.cores - stands.cores).max(0) } else { size.cores };
    rules::check_cores(world, target, location, size, more)?;
    json::set(&mut instance.body, "/properties/properties/vmSize", json!(size.name.to_ascii_uppercase()));
    let mut operation =
        begin(world, call, target, &mut instance, &operation::COMPUTE_LOCATION, call.after(RESIZE.work));
    operation.location_status = Some(200);
    show(&mut instance, call, &Turn { end, ..RESIZE });
    world.put(instance);
    Ok(hand_over(world, call, operation, Response::empty(202)))
}

fn turn(world: &mut World, call: &Call, target: &Target, mut instance: Resource, turn: &Turn) -> Reply {
    let operation = begin(world, call, target, &mut instance, &operation::COMPUTE, call.after(turn.work));
    show(&mut instance, call, turn);
    world.put(instance);
    Ok(hand_over(world, call, operation, Response::empty(202)))
}

fn show(instance: &mut Resource, call: &Call, turn: &Turn) {
    let way =
        json!({ "state": turn.way, "lastOperation": last_operation(turn.name, "InProgress", call.now) });
    let end = json!({ "state": turn.end, "lastOperation": last_operation(turn.name, "Succeeded", call.now) });
    instance.phases =
        vec![Phase { until: call.after(turn.work), shows: json!({ "properties": { "properties": way } }) }];
    json::overlay(&mut instance.body["properties"]["properties"], &end);
}

fn state(instance: &Resource) -> &str {
    json::text(&instance.body, "/properties/properties/state")
}

/// The instance that an action is about, when nothing else is going on with it.
pub(super) fn instance(
    world: &World,
    call: &Call,
    target: &Target,
    action: &str,
) -> Result<Resource, ArmError> {
    let compute = world.existing(target)?;
    let compute_type = json::text(&compute.body, "/properties/computeType");
    if compute_type != "ComputeInstance" {
        return Err(user_error(format!("Compute{action} with computeType {compute_type} is not supported.")));
    }
    plain::refuse_busy(compute, call.now)?;
    Ok(compute.clone())
}
