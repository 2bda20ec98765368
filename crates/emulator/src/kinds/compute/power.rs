//! The power of an instance: how it is created, started, stopped, restarted and resized, by its user or by time.
//!
//! The provisioning state stays `Succeeded` once it stands; the power state has its own field. Only the refusal of a
//! start while running was seen; that a stop of a stopped instance is accepted and does nothing is our choice.
//!
//! Which state a failing setup script leads to is inferred in the facts. We chose: state `UserSetupFailed`, the
//! operation `Failed`, `CreateFailed` (`StartFailed`, …) as the last operation's status, and for a create, whose
//! resource stays and holds its name, `provisioningState` `Failed`. A schedule passes over an instance that is busy
//! when it fires, or is in the wrong state for it.

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Value, json};

use super::memory::{Memory, Script};
use super::{begin, duration, hand_over, rules, schedules, user_error};
use crate::arm::operation;
use crate::control::script_log::{self, Run};
use crate::error::{ArmError, Reply};
use crate::json;
use crate::kinds::plain;
use crate::route::router::Target;
use crate::store::resource::{Phase, Resource, long_time};
use crate::time::timing::Work;
use crate::versions::Difference;
use crate::wire::Response;
use crate::world::{Call, World};

/// One way to change the power state.
pub(super) struct Turn {
    name: &'static str,
    /// What takes how long, and the state meanwhile.
    legs: &'static [(Work, &'static str)],
    /// The setup scripts that run after it.
    scripts: &'static [&'static str],
    /// The state at the end, and what the last operation's status is if a script fails.
    end: &'static str,
    failed: &'static str,
}

pub(super) const CREATE: Turn = Turn {
    name: "Create",
    legs: &[(Work::InstanceMachine, "Creating"), (Work::InstanceSetUp, "SettingUp")],
    scripts: &["creationScript", "startupScript"],
    end: "Running",
    failed: "CreateFailed",
};
const START: Turn = Turn {
    name: "Start",
    legs: &[(Work::InstanceStart, "Starting")],
    scripts: &["startupScript"],
    end: "Running",
    failed: "StartFailed",
};
const STOP: Turn = Turn {
    name: "Stop",
    legs: &[(Work::InstanceStop, "Stopping")],
    scripts: &[],
    end: "Stopped",
    failed: "StopFailed",
};
const RESTART: Turn = Turn {
    name: "Restart",
    legs: &[(Work::InstanceRestart, "Restarting")],
    scripts: &["startupScript"],
    end: "Running",
    failed: "RestartFailed",
};
const RESIZE: Turn = Turn {
    name: "Resize",
    legs: &[(Work::InstanceResize, "Resizing")],
    scripts: &["startupScript"],
    end: "Running",
    failed: "ResizeFailed",
};
/// Of a stopped instance: that it stays stopped is our choice.
const RESIZE_STOPPED: Turn = Turn { scripts: &[], end: "Stopped", ..RESIZE };

const SET_UP_FAILED: &str = "UserSetupFailed";

/// States in which an instance has a machine that runs.
const UP: [&str; 2] = ["Running", SET_UP_FAILED];

/// `POST …/start`: only from `Stopped`.
pub(super) fn start(world: &mut World, call: &Call, target: &Target) -> Reply {
    let instance = instance(world, call, target, "Start")?;
    refuse_unusable(&instance)?;
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
    refuse_unusable(&instance)?;
    turn(world, call, target, instance, &STOP)
}

/// `POST …/restart`: like a stop and a start, so not from `Stopped`; that refusal is our choice. It is the way out of
/// `Unusable`.
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

/// `POST …/resize` of the previews: documented with `Location` alone; the instance restarts with the new size.
pub(super) fn resize(world: &mut World, call: &Call, target: &Target) -> Reply {
    let mut instance = instance(world, call, target, "Resize")?;
    refuse_unusable(&instance)?;
    let sent = call.object()?;
    let size = rules::size_of(json::text(&sent, "/targetVMSize"))?;
    let location = json::text(&instance.body, "/properties/computeLocation");
    let stands = rules::size_of(json::text(&instance.body, "/properties/properties/vmSize"))?;
    // What the instance holds of the same family it gives back.
    let more = if stands.family == size.family { (size.cores - stands.cores).max(0) } else { size.cores };
    rules::check_cores(world, target, location, size, more)?;
    json::set(&mut instance.body, "/properties/properties/vmSize", json!(size.name.to_ascii_uppercase()));
    let way = if state(&instance) == "Stopped" { &RESIZE_STOPPED } else { &RESIZE };
    let outcome = carry_out(world, &mut instance, way, "User");
    let mut operation =
        begin(world, call, target, &mut instance, &operation::COMPUTE_LOCATION, outcome.ends_at);
    operation.location_status = Some(200);
    operation.failure = outcome.failure;
    world.put(instance);
    Ok(hand_over(world, call, operation, Response::empty(202)))
}

fn turn(world: &mut World, call: &Call, target: &Target, mut instance: Resource, turn: &Turn) -> Reply {
    let outcome = carry_out(world, &mut instance, turn, "User");
    if Difference::PowerAtOnce.is_in(&call.api_version) {
        instance.operation = None;
        world.put(instance);
        return Ok(Response::empty(200));
    }
    let mut operation = begin(world, call, target, &mut instance, &operation::COMPUTE, outcome.ends_at);
    operation.failure = outcome.failure;
    world.put(instance);
    Ok(hand_over(world, call, operation, Response::empty(202)))
}

/// How a turn ends.
pub(super) struct Outcome {
    pub(super) ends_at: Timestamp,
    pub(super) failure: Option<Value>,
}

/// Sets an instance going at the present time: one leg after the other, and then its scripts until one fails.
pub(super) fn carry_out(world: &mut World, instance: &mut Resource, turn: &Turn, trigger: &str) -> Outcome {
    let now = world.time();
    let mut outcome = Outcome { ends_at: now, failure: None };
    instance.phases.clear();
    for (work, state) in turn.legs {
        outcome.ends_at = later(outcome.ends_at, work.time());
        let shows = on_the_way(turn, state, now, trigger);
        instance.phases.push(Phase { until: outcome.ends_at, shows });
    }
    let memory = Memory::of(instance);
    for (name, script) in turn.scripts.iter().filter_map(|name| Some((*name, memory.scripts.get(*name)?))) {
        run(world, instance, &mut outcome, name, script);
        let shows = on_the_way(turn, "UserSettingUp", now, trigger);
        instance.phases.push(Phase { until: outcome.ends_at, shows });
        if outcome.failure.is_some() {
            break;
        }
    }
    let is_failed = outcome.failure.is_some();
    let status = if is_failed { turn.failed } else { "Succeeded" };
    let end = json!({
        "state": if is_failed { SET_UP_FAILED } else { turn.end },
        "lastOperation": last_operation(turn.name, status, now, trigger),
    });
    json::overlay(&mut instance.body["properties"]["properties"], &end);
    if let Some(error) = outcome.failure.as_ref().filter(|_| turn.name == CREATE.name) {
        json::set(&mut instance.body, "/properties/provisioningState", json!("Failed"));
        json::set(&mut instance.body, "/properties/provisioningErrors", json!([{ "error": error }]));
    }
    json::set(&mut instance.body, "/properties/modifiedOn", json!(long_time(now)));
    instance.busy_until = Some(outcome.ends_at);
    outcome
}

/// Runs one script after what has happened so far, and keeps what it writes.
fn run(world: &mut World, instance: &Resource, outcome: &mut Outcome, name: &str, script: &Script) {
    let begins = later(outcome.ends_at, Work::InstanceScript.time());
    let workspace = instance.key().rsplit_once("/computes/").and_then(|(key, _)| world.store.get(key));
    let ending = script.ending(world, workspace, &instance.id);
    let length = SignedDuration::try_from_secs_f64(ending.seconds.max(0.0)).unwrap_or(SignedDuration::MAX);
    outcome.ends_at = later(begins, length);
    if ending.exit_code != 0 {
        outcome.failure = Some(script_error(instance, name, ending.exit_code));
    }
    let run = Run { script: name.to_owned(), begins, ends: outcome.ends_at, ending };
    let workspace = instance.key().rsplit_once("/computes/").and_then(|(key, _)| world.store.get(key));
    if let Some(folder) = workspace.map(|workspace| script_log::folder(workspace, instance.name())) {
        world.log_run(&folder, run);
    }
}

fn script_error(instance: &Resource, name: &str, code: i64) -> Value {
    let instance = instance.name();
    let how = if code == 124 { "timed out".to_owned() } else { format!("failed with exit code {code}") };
    let message = format!(
        "The {name} of compute instance {instance} {how}. See its log in Logs/{instance} on the file share of the workspace."
    );
    json!({ "code": "UserError", "message": message, "details": [{ "code": "SetupScriptFailed", "message": message }] })
}

/// What a GET shows while a turn is under way.
fn on_the_way(turn: &Turn, state: &str, now: Timestamp, trigger: &str) -> Value {
    let mut inner =
        json!({ "state": state, "lastOperation": last_operation(turn.name, "InProgress", now, trigger) });
    if turn.name != CREATE.name {
        return json!({ "properties": { "properties": inner } });
    }
    for key in ["applications", "connectivityEndpoints", "osImageMetadata", "versions"] {
        inner[key] = Value::Null;
    }
    json!({ "properties": { "provisioningState": "Creating", "provisioningErrors": null, "properties": inner } })
}

/// What `lastOperation` says.
fn last_operation(name: &str, status: &str, time: Timestamp, trigger: &str) -> Value {
    json!({ "operationName": name, "operationStatus": status, "operationTime": long_time(time), "operationTrigger": trigger })
}

fn later(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.saturating_add(time).unwrap_or(Timestamp::MAX)
}

/// When time next changes the power of an instance by itself.
pub(super) fn next(world: &World, instance: &Resource) -> Option<Timestamp> {
    if !world.options.background {
        return None;
    }
    let now = world.time();
    let ready = instance.busy_until.map_or(now, |until| until.max(now));
    let scheduled = action_of_time(instance).and_then(|action| next_scheduled(instance, action, ready));
    scheduled.into_iter().chain(idle_until(instance).map(|until| until.max(now))).min()
}

/// Changes the power because a schedule fires, or because the instance was idle for too long.
pub(super) fn turn_by_itself(world: &mut World, mut instance: Resource) {
    let at = world.time();
    let just_before = at.checked_sub(1.nanosecond()).unwrap_or(at);
    let fires =
        |action| !instance.is_busy(just_before) && next_scheduled(&instance, action, just_before) == Some(at);
    let way = match action_of_time(&instance).filter(|action| fires(action)) {
        Some("Start") => Some((&START, "Schedule")),
        Some(_) => Some((&STOP, "Schedule")),
        None => idle_until(&instance).filter(|until| *until <= at).map(|_| (&STOP, "IdleShutdown")),
    };
    if let Some((turn, trigger)) = way.filter(|_| world.options.background) {
        instance.operation = None;
        carry_out(world, &mut instance, turn, trigger);
    }
    world.put(instance);
}

/// What a schedule can do to an instance in its present state.
fn action_of_time(instance: &Resource) -> Option<&'static str> {
    match state(instance) {
        "Stopped" => Some("Start"),
        up if UP.contains(&up) => Some("Stop"),
        _ => None,
    }
}

fn next_scheduled(instance: &Resource, action: &str, after: Timestamp) -> Option<Timestamp> {
    let list = json::at(&instance.body, "/properties/properties/schedules");
    let set = Memory::of(instance).scheduled?;
    schedules::next(list, action, set, after)
}

/// When an instance that runs will have been idle for too long. Custom services keep it up (whether its identity may
/// stop it is not looked at).
fn idle_until(instance: &Resource) -> Option<Timestamp> {
    let inner = json::at(&instance.body, "/properties/properties");
    let idle = duration::seconds(json::text(inner, "/idleTimeBeforeShutdown"))?;
    let has_services = inner["customServices"].as_array().is_some_and(|services| !services.is_empty());
    if state(instance) != "Running" || has_services {
        return None;
    }
    let since = instance.busy_until.max(Memory::of(instance).active_until)?;
    Some(later(since, SignedDuration::from_secs(idle)))
}

/// Somebody works on a running instance for so many seconds from now on.
pub(crate) fn keep_busy(world: &mut World, mut instance: Resource, seconds: u32) -> Result<(), ArmError> {
    let now = world.time();
    if state(&instance) != "Running" || instance.is_busy(now) {
        return Err(user_error(format!("The instance {} is not running.", instance.name())));
    }
    let mut memory = Memory::of(&instance);
    memory.active_until =
        memory.active_until.max(Some(later(now, SignedDuration::from_secs(seconds.into()))));
    memory.keep(&mut instance);
    world.put(instance);
    Ok(())
}

/// The machine of an instance breaks.
pub(crate) fn break_down(world: &mut World, mut instance: Resource) -> Result<(), ArmError> {
    plain::refuse_busy(&instance, world.time())?;
    json::set(&mut instance.body, "/properties/properties/state", json!("Unusable"));
    world.put(instance);
    Ok(())
}

fn state(instance: &Resource) -> &str {
    json::text(&instance.body, "/properties/properties/state")
}

fn refuse_unusable(instance: &Resource) -> Result<(), ArmError> {
    if state(instance) != "Unusable" {
        return Ok(());
    }
    let message = format!(
        "The specified Azure ML Compute Instance {} encountered an unusable node. Please try to restart the compute instance to recover.",
        instance.name()
    );
    Err(user_error(message))
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
