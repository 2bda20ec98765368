//! Instances (`ComputeInstance`): made once, then only started, stopped and acted upon.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::memory::{Memory, Script};
use super::{begin, duration, envelope, hand_over, power, rules, schedules, unfilled};
use crate::arm::operation;
use crate::error::{ArmError, Reply};
use crate::json;
use crate::kinds::canonical_enums;
use crate::random::guid_of;
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::wire::Response;
use crate::world::{Call, World};

/// Source: the specification; clients written in YAML send these in lower case.
const ENUMS: &[(&str, &[&str])] = &[
    ("/applicationSharingPolicy", &["Personal", "Shared"]),
    ("/computeInstanceAuthorizationType", &["personal"]),
    ("/sshSettings/sshPublicAccess", &["Enabled", "Disabled"]),
    ("/autologgerSettings/mlflowAutologger", &["Enabled", "Disabled"]),
];

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
        inner["schedules"] = json!({ "computeStartStop": schedules::accept(world, list)? });
    }
    let scripts = read_scripts(world, &mut inner);
    settle(world, &mut inner, &location, target.name(), !scripts.is_empty());
    body["properties"]["properties"] = inner;
    let mut instance = Resource::new(target.kind.resource_type, body);
    Memory { scripts, scheduled: Some(call.now), active_until: None }.keep(&mut instance);
    let outcome = power::carry_out(world, &mut instance, &power::CREATE, "User");
    let mut operation = begin(world, call, target, &mut instance, &operation::COMPUTE, outcome.ends_at);
    operation.failure = outcome.failure;
    let mut first = instance.body["properties"]["properties"].clone();
    UNFILLED.iter().for_each(|key| first[*key] = Value::Null);
    json::remove(&mut first, "/schedules");
    let reply = unfilled(&instance, &sent, first);
    world.put(instance);
    Ok(hand_over(world, call, operation, Response::json(201, &reply)))
}

/// Fills in what the service makes up or forces.
fn settle(world: &mut World, inner: &mut Value, location: &str, name: &str, has_scripts: bool) {
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
    let image = json!(world.image);
    inner["osImageMetadata"] = json!({
        "currentImageVersion": image,
        "latestImageVersion": image,
        "isLatestOsImageVersion": true,
        "osPatchingStatus": null,
    });
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

/// Reads the setup scripts, and blanks out inline ones unless they are to be echoed.
fn read_scripts(world: &World, inner: &mut Value) -> BTreeMap<String, Script> {
    let mut read = BTreeMap::new();
    for name in ["creationScript", "startupScript"] {
        let Some(script) = inner.pointer_mut(&format!("/setupScripts/scripts/{name}")) else { continue };
        if !script.is_object() {
            continue;
        }
        read.insert(name.to_owned(), Script::read(script));
        if !world.options.echo_scripts && json::text(script, "/scriptSource").eq_ignore_ascii_case("inline") {
            script["scriptData"] = Value::Null;
            script["scriptArguments"] = Value::Null;
        }
    }
    read
}
