//! Instances (`ComputeInstance`): made once, then only started, stopped and acted upon.

use serde_json::{Value, json};

use super::{begin, duration, envelope, hand_over, rules, unfilled};
use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::kinds::canonical_enums;
use crate::operation;
use crate::random::guid_of;
use crate::resource::{Phase, Resource, long_time};
use crate::router::Target;
use crate::timing::Work;
use crate::wire::Response;
use crate::world::{Call, World};

/// Source: the specification; clients written in YAML send these in lower case.
const ENUMS: &[(&str, &[&str])] = &[
    ("/applicationSharingPolicy", &["Personal", "Shared"]),
    ("/computeInstanceAuthorizationType", &["personal"]),
    ("/sshSettings/sshPublicAccess", &["Enabled", "Disabled"]),
    ("/autologgerSettings/mlflowAutologger", &["Enabled", "Disabled"]),
];

const SCHEDULE_ENUMS: &[(&str, &[&str])] = &[
    ("/*/action", &["Start", "Stop"]),
    ("/*/status", &["Enabled", "Disabled"]),
    ("/*/triggerType", &["Cron", "Recurrence"]),
    ("/*/cron/triggerType", &["Cron"]),
    ("/*/recurrence/triggerType", &["Recurrence"]),
    ("/*/recurrence/frequency", &["Minute", "Hour", "Day", "Week", "Month"]),
    (
        "/*/recurrence/schedule/weekDays/*",
        &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ),
];

const SCHEDULES_MAX: usize = 4;
const IDLE_SECONDS: std::ops::RangeInclusive<i64> = 900..=259_200;

/// Keys of a request that a later GET shows as they were.
const KEPT: [&str; 16] = [
    "applicationSharingPolicy",
    "autologgerSettings",
    "computeInstanceAuthorizationType",
    "customServices",
    "enableNodePublicIp",
    "enableOSPatching",
    "enableRootAccess",
    "enableSSO",
    "idleTimeBeforeShutdown",
    "personalComputeInstanceSettings",
    "releaseQuotaOnStop",
    "schedules",
    "setupScripts",
    "sshSettings",
    "subnet",
    "vmSize",
];

/// Keys that a PUT reply shows as null although the service fills them in later.
const UNFILLED: [&str; 10] = [
    "sshSettings",
    "errors",
    "connectivityEndpoints",
    "applications",
    "state",
    "lastOperation",
    "applicationSharingPolicy",
    "versions",
    "customServices",
    "osImageMetadata",
];

/// Values that a settled instance shows for what its PUT left out.
fn defaults() -> Value {
    json!({
        "applicationSharingPolicy": "Shared",
        "computeInstanceAuthorizationType": null,
        "containers": null,
        "customServices": [],
        "dataDisks": null,
        "dataMounts": null,
        "enableBatchPrivateLink": false,
        "enableNodePublicIp": true,
        "enableOSPatching": false,
        "enableRootAccess": true,
        "enableSSO": true,
        "errors": [],
        "idleTimeBeforeShutdown": null,
        "imageVersion": null,
        "osImageMetadata": {
            "currentImageVersion": "26.10.21",
            "latestImageVersion": "26.10.21",
            "isLatestOsImageVersion": true,
            "osPatchingStatus": null,
        },
        "personalComputeInstanceSettings": null,
        "releaseQuotaOnStop": false,
        "schedules": { "computeStartStop": [] },
        "setupScripts": null,
        "sshSettings": { "sshPublicAccess": "Disabled", "adminUserName": "azureuser", "sshPort": 50_000, "adminPublicKey": null },
        "subnet": null,
        "updateStatus": null,
        "versions": { "runtime": "3.0.02829.0001-0bcf1f6" },
    })
}

/// Creates an instance.
pub(super) fn create(
    world: &mut World,
    call: &Call,
    target: &Target,
    workspace: &Resource,
    sent: Value,
) -> Reply {
    rules::check_name(target.name(), "Compute Instance")?;
    let mut body = envelope(world, call, target, workspace, &sent)?;
    let location = json::text(&body, "/properties/computeLocation").to_owned();
    if world.usage.has_instance(&location, target.name()) {
        return Err(rules::name_taken(target.name()));
    }
    let given = &sent["properties"]["properties"];
    let mut inner = json!({});
    for key in KEPT.into_iter().filter(|key| given.get(key).is_some_and(|value| !value.is_null())) {
        inner[key] = given[key].clone();
    }
    canonical_enums(&mut inner, ENUMS)?;
    let size = rules::size_of(json::text(&inner, "/vmSize"))?;
    inner["vmSize"] = json!(size.name.to_ascii_uppercase());
    rules::check_network(workspace, &inner)?;
    rules::check_quota(world, target, &location, size, 1)?;
    check_idle(&inner["idleTimeBeforeShutdown"])?;
    if json::text(&inner, "/subnet/id").is_empty() {
        json::remove(&mut inner, "/subnet");
    }
    if let Some(list) = inner.pointer("/schedules/computeStartStop").cloned() {
        inner["schedules"] = json!({ "computeStartStop": accept_schedules(world, list)? });
    }
    let scripts = hide_scripts(world, &mut inner);
    settle(world, call, &mut inner, &location, target.name(), scripts > 0);
    body["properties"]["properties"] = inner;
    let mut instance = Resource::new(&target.resource_type, body);
    let operation = grow(world, call, target, &mut instance, scripts);
    let mut first = instance.body["properties"]["properties"].clone();
    UNFILLED.iter().for_each(|key| first[*key] = Value::Null);
    json::remove(&mut first, "/schedules");
    let reply = unfilled(&instance, &sent, first);
    world.put(instance);
    Ok(hand_over(world, call, operation, Response::json(201, &reply)))
}

/// The way from nothing to `Running`: a machine, its setup, and the user's scripts one after the other.
fn grow(
    world: &mut World,
    call: &Call,
    target: &Target,
    instance: &mut Resource,
    scripts: i32,
) -> operation::Operation {
    let mut until = call.now;
    let works = [
        (Work::InstanceMachine, "Creating", 1),
        (Work::InstanceSetUp, "SettingUp", 1),
        (Work::InstanceScript, "UserSettingUp", scripts),
    ];
    let mut phases = Vec::new();
    for (work, state, times) in works.into_iter().filter(|(_, _, times)| *times > 0) {
        until = until.saturating_add(work.time() * times).unwrap_or(jiff::Timestamp::MAX);
        phases.push(Phase { until, shows: growing(state, call.now) });
    }
    let operation = begin(world, call, target, instance, &operation::COMPUTE, until);
    let done = last_operation("Create", "Succeeded", call.now);
    json::set(&mut instance.body, "/properties/properties/lastOperation", done);
    instance.phases = phases;
    operation
}

fn growing(state: &str, now: jiff::Timestamp) -> Value {
    json!({ "properties": {
        "provisioningState": "Creating",
        "properties": {
            "state": state,
            "lastOperation": last_operation("Create", "InProgress", now),
            "applications": null,
            "connectivityEndpoints": null,
            "osImageMetadata": null,
            "versions": null,
        },
    } })
}

/// What `lastOperation` says of something the user did.
pub(super) fn last_operation(name: &str, status: &str, time: jiff::Timestamp) -> Value {
    json!({ "operationName": name, "operationStatus": status, "operationTime": long_time(time), "operationTrigger": "User" })
}

/// Fills in what the service makes up or forces.
fn settle(world: &mut World, call: &Call, inner: &mut Value, location: &str, name: &str, has_scripts: bool) {
    let is_open = json::text(inner, "/sshSettings/sshPublicAccess") == "Enabled";
    if inner["sshSettings"].is_object() && !is_open {
        // The key of an instance without SSH is not kept.
        inner["sshSettings"]["adminPublicKey"] = Value::Null;
    }
    let is_for_another = inner["personalComputeInstanceSettings"].is_object();
    let has_services = inner["customServices"].as_array().is_some_and(|services| !services.is_empty());
    if is_for_another && (has_scripts || has_services) {
        inner["enableSSO"] = json!(false);
    }
    json::fill(inner, &defaults());
    let host = format!("https://{}.{location}.instances.azureml.ms", name.to_ascii_lowercase());
    inner["applications"] = json!([
        { "displayName": "Jupyter", "endpointUri": format!("{host}/tree/") },
        { "displayName": "Jupyter Lab", "endpointUri": format!("{host}/lab") },
    ]);
    let last = world.random.next() % 65_536;
    inner["connectivityEndpoints"] = json!({
        "publicIpAddress": inner["enableNodePublicIp"].as_bool().filter(|public| *public).map(|_| format!("203.0.113.{}", last % 256)),
        "privateIpAddress": format!("10.0.{}.{}", last / 256, last % 256),
    });
    inner["createdBy"] = json!({
        "userName": null,
        "userId": guid_of("emulator user"),
        "userOrgId": world.options.tenant,
    });
    inner["state"] = json!("Running");
    inner["lastOperation"] = last_operation("Create", "Succeeded", call.now);
}

/// Refuses an idle time out of bounds; null means never.
pub(super) fn check_idle(sent: &Value) -> Result<(), ArmError> {
    let is_good = match sent.as_str() {
        Some(text) => duration::seconds(text).is_some_and(|seconds| IDLE_SECONDS.contains(&seconds)),
        None => sent.is_null(),
    };
    if is_good {
        return Ok(());
    }
    let message = format!(
        "The value '{}' is not valid: the idle time is an ISO 8601 duration from 15 minutes to 3 days.",
        sent.as_str().unwrap_or("?")
    );
    Err(ArmError::service(400, "InvalidPropertyValue", message).about("properties.idleTimeBeforeShutdown"))
}

/// Checks start and stop schedules and gives each its id and status.
pub(super) fn accept_schedules(world: &mut World, mut sent: Value) -> Result<Value, ArmError> {
    canonical_enums(&mut sent, SCHEDULE_ENUMS)?;
    let Some(list) = sent.as_array_mut() else {
        return Err(
            bad_content("The start and stop schedules must be a list.").about("schedules.computeStartStop")
        );
    };
    if list.len() > SCHEDULES_MAX {
        let message = format!("An instance can have at most {SCHEDULES_MAX} schedules, not {}.", list.len());
        return Err(
            ArmError::service(400, "InvalidPropertyValue", message).about("schedules.computeStartStop")
        );
    }
    for schedule in list.iter_mut() {
        for key in ["action", "triggerType"] {
            if json::text(schedule, &format!("/{key}")).is_empty() {
                return Err(
                    bad_content(format!("A schedule needs '{key}'.")).about("schedules.computeStartStop")
                );
            }
        }
        schedule["id"] = json!(world.random.guid());
        schedule["provisioningStatus"] = json!("Completed");
        json::fill(schedule, &json!({ "status": "Enabled" }));
    }
    Ok(sent)
}

/// Blanks out inline scripts unless they are to be echoed, and counts how many scripts will run.
fn hide_scripts(world: &World, inner: &mut Value) -> i32 {
    let mut count = 0;
    let echo = world.options.echo_scripts;
    json::for_each(inner, "/setupScripts/scripts/*", &mut |script| {
        if !script.is_object() {
            return;
        }
        count += 1;
        if !echo && json::text(script, "/scriptSource").eq_ignore_ascii_case("inline") {
            script["scriptData"] = Value::Null;
            script["scriptArguments"] = Value::Null;
        }
    });
    count
}
