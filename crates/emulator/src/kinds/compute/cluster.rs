//! Clusters (`AmlCompute`).
//!
//! Of an existing cluster a PUT takes scale settings, tags and identity, and silently keeps everything else: what the
//! service does with changed fixed fields is unknown, one report shows it keeping the old machine size. A PATCH takes
//! scale settings only and merges them.

use serde_json::{Map, Value, json};

use super::allocation::Nodes;
use super::{begin, duration, envelope, hand_over, nodes, rules, unfilled, user_error};
use crate::arm::operation;
use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::kinds::{canonical_enums, managed_identity, plain};
use crate::route::router::Target;
use crate::store::resource::{Phase, Resource, short_time};
use crate::time::timing::Work;
use crate::wire::Response;
use crate::world::{Call, World};

const ENUMS: &[(&str, &[&str])] = &[
    ("/osType", &["Linux", "Windows"]),
    ("/vmPriority", &["Dedicated", "LowPriority"]),
    ("/remoteLoginPortPublicAccess", &["Enabled", "Disabled", "NotSpecified"]),
];

const SCALE: &str = "/properties/properties/scaleSettings";

/// Values that a settled cluster shows for what its PUT left out.
fn defaults() -> Value {
    json!({
        "osType": "Linux",
        "vmPriority": "Dedicated",
        "virtualMachineImage": null,
        "isolatedNetwork": false,
        "subnet": null,
        "userAccountCredentials": null,
        "remoteLoginPortPublicAccess": "NotSpecified",
        "enableNodePublicIp": true,
        "enableBatchPrivateLink": false,
        "propertyBag": {},
        "errors": null,
    })
}

/// Creates a cluster.
pub(super) fn create(
    world: &mut World,
    call: &Call,
    target: &Target,
    workspace: &Resource,
    sent: Value,
) -> Reply {
    rules::check_name(target.name(), "Compute")?;
    let mut body = envelope(world, call, target, workspace, &sent)?;
    let mut given = sent["properties"]["properties"].clone();
    canonical_enums(&mut given, ENUMS)?;
    let size = rules::size_of(json::text(&given, "/vmSize"))?;
    given["vmSize"] = json!(size.name.to_ascii_uppercase());
    rules::check_network(workspace, &given)?;
    let scale = scale_settings(world, &given["scaleSettings"], None)?;
    let location = json::text(&body, "/properties/computeLocation").to_owned();
    let nodes = scale["minNodeCount"].as_i64().unwrap_or(0);
    if json::text(&given, "/vmPriority") != "LowPriority" {
        // One node must fit even if none is asked for yet.
        rules::check_quota(world, target, &location, size, nodes.max(1))?;
    }
    body["properties"]["properties"] = settled(&given, scale, call);
    let limit = world.compute_limit();
    let too_many = world.usage.computes(&target.subscription, &location) >= limit;
    let mut cluster = Resource::new(&target.resource_type, body);
    let mut operation =
        begin(world, call, target, &mut cluster, &operation::COMPUTE, call.after(Work::ClusterCreate));
    let mut creating = runtime_nulls();
    json::set(&mut creating, "/properties/provisioningState", json!("Creating"));
    cluster.phases = vec![Phase { until: operation.ends_at, shows: creating }];
    if too_many {
        // Seen as a failed operation under HTTP 200; the failed cluster stays and holds its name.
        let message = format!(
            "Operation results in exceeding quota limits of TotalClusters. Maximum allowed: {limit}."
        );
        let error = json!({ "code": "ClusterCoreQuotaReached", "message": message });
        json::set(&mut cluster.body, "/properties/provisioningState", json!("Failed"));
        json::set(&mut cluster.body, "/properties/provisioningErrors", json!([{ "error": error }]));
        operation.failure = Some(error);
    } else {
        nodes::settle(world, &mut cluster, call.now, |_| {});
    }
    let reply = unfilled(&cluster, &sent, first_reply(&cluster.body["properties"]["properties"], &given));
    world.put(cluster);
    Ok(hand_over(world, call, operation, Response::json(201, &reply)))
}

/// Takes scale settings, tags and identity of a PUT.
pub(super) fn update(
    world: &mut World,
    call: &Call,
    target: &Target,
    cluster: Resource,
    sent: Value,
) -> Reply {
    let mut next = cluster.clone();
    next.body["tags"] = if sent["tags"].is_null() { json!({}) } else { sent["tags"].clone() };
    let mut identity = json!({ "identity": sent["identity"] });
    managed_identity::settle(world, &mut identity, Some(&cluster.body), &cluster.id)?;
    json::remove(&mut next.body, "/identity");
    json::overlay(&mut next.body, &identity);
    let given = &sent["properties"]["properties"];
    if given["scaleSettings"].is_object() {
        let scale = scale_settings(world, &given["scaleSettings"], None)?;
        rescale(world, call, target, &mut next, scale)?;
    }
    let operation =
        begin(world, call, target, &mut next, &operation::COMPUTE, call.after(Work::ClusterUpdate));
    cover(&mut next, operation.ends_at, "Creating");
    let mut reply = unfilled(&next, &sent, first_reply(&next.body["properties"]["properties"], given));
    // While an update runs, replies name the cluster behind the cluster.
    let behind = next
        .id
        .replace("Microsoft.MachineLearningServices", "Microsoft.BatchAI")
        .replace("/computes/", "/clusters/");
    reply["properties"]["resourceId"] = json!(behind);
    world.put(next);
    Ok(hand_over(world, call, operation, Response::json(201, &reply)))
}

/// Takes scale settings of a PATCH, and passes over anything else in it.
pub(crate) fn patch(world: &mut World, call: &Call, target: &Target) -> Reply {
    let mut cluster = world.existing(target)?.clone();
    plain::refuse_busy(&cluster, call.now)?;
    let compute_type = json::text(&cluster.body, "/properties/computeType");
    if compute_type != "AmlCompute" {
        return Err(user_error(format!("ComputeUpdate with computeType {compute_type} is not supported.")));
    }
    let sent = call.object()?;
    // The oldest client sends the settings one level up.
    let given =
        [SCALE, "/properties/scaleSettings"].into_iter().find_map(|pointer| sent.pointer(pointer)).cloned();
    if let Some(given) = given.filter(Value::is_object) {
        let scale = scale_settings(world, &given, Some(json::at(&cluster.body, SCALE)))?;
        rescale(world, call, target, &mut cluster, scale)?;
    }
    let operation =
        begin(world, call, target, &mut cluster, &operation::COMPUTE, call.after(Work::ClusterUpdate));
    cover(&mut cluster, operation.ends_at, "Updating");
    let mut reply = cluster.body.clone();
    reply["properties"]["provisioningState"] = json!("Updating");
    let inner = &mut reply["properties"]["properties"];
    json::set(inner, "/remoteLoginPortPublicAccess", json!("NotSpecified"));
    json::set(
        inner,
        "/scaleSettings/nodeIdleTimeBeforeScaleDown",
        json::at(&sent, &format!("{SCALE}/nodeIdleTimeBeforeScaleDown")).clone(),
    );
    world.put(cluster);
    Ok(hand_over(world, call, operation, Response::json(world.options.patch_status, &reply)))
}

/// Checks scale settings and fills them from what stands, or else with the defaults.
fn scale_settings(world: &World, sent: &Value, stands: Option<&Value>) -> Result<Value, ArmError> {
    let defaults = json!({ "minNodeCount": 0, "nodeIdleTimeBeforeScaleDown": "PT2M" });
    let mut scale = json!({});
    for key in ["minNodeCount", "maxNodeCount", "nodeIdleTimeBeforeScaleDown"] {
        scale[key] = sent[key].clone();
    }
    json::fill(&mut scale, stands.unwrap_or(&Value::Null));
    json::fill(&mut scale, &defaults);
    let (Some(min), Some(max)) = (scale["minNodeCount"].as_i64(), scale["maxNodeCount"].as_i64()) else {
        return Err(bad_content("The scale settings need a whole number of nodes as 'maxNodeCount'.")
            .about("scaleSettings.maxNodeCount"));
    };
    if !(0..=max).contains(&min) || max > 65_000 {
        let message = format!(
            "The scale settings are not valid: 0 <= minNodeCount ({min}) <= maxNodeCount ({max}) <= 65000."
        );
        return Err(ArmError::service(400, "InvalidPropertyValue", message).about("scaleSettings"));
    }
    let idle = json::text(&scale, "/nodeIdleTimeBeforeScaleDown");
    let Some(seconds) = duration::seconds(idle) else {
        let message = format!("The value '{idle}' is not an ISO 8601 duration.");
        return Err(bad_content(message).about("scaleSettings.nodeIdleTimeBeforeScaleDown"));
    };
    if world.options.rewrite_durations {
        scale["nodeIdleTimeBeforeScaleDown"] = json!(duration::iso(seconds));
    }
    Ok(scale)
}

/// Puts new scale settings on a cluster, whose allocation then passes through `Resizing`.
fn rescale(
    world: &World,
    call: &Call,
    target: &Target,
    cluster: &mut Resource,
    scale: Value,
) -> Result<(), ArmError> {
    let stands = json::at(&cluster.body, SCALE).clone();
    let inner = json::at(&cluster.body, "/properties/properties");
    if json::text(inner, "/vmPriority") != "LowPriority" {
        let size = rules::size_of(json::text(inner, "/vmSize"))?;
        let location = json::text(&cluster.body, "/properties/computeLocation");
        let more = scale["minNodeCount"].as_i64().unwrap_or(0) - nodes::reserved(&cluster.body);
        rules::check_quota(world, target, location, size, more)?;
    }
    let is_moved = ["minNodeCount", "maxNodeCount"].iter().any(|key| stands[*key] != scale[*key]);
    json::set(&mut cluster.body, SCALE, scale);
    nodes::settle(world, cluster, call.now, |nodes| {
        if is_moved {
            nodes.look(call.now);
        }
    });
    Ok(())
}

/// Lays a provisioning state over the cluster until `until`.
fn cover(cluster: &mut Resource, until: jiff::Timestamp, state: &str) {
    let shows = json!({ "properties": { "provisioningState": state } });
    cluster.phases.insert(0, Phase { until, shows });
}

fn runtime_nulls() -> Value {
    let nulls = ["allocationState", "currentNodeCount", "targetNodeCount", "nodeStateCounts"]
        .map(|key| (key.to_owned(), Value::Null));
    json!({ "properties": { "properties": Value::Object(Map::from_iter(nulls)) } })
}

/// What a GET shows of the inner properties once the cluster stands.
fn settled(given: &Value, scale: Value, call: &Call) -> Value {
    let mut inner = json!({});
    let kept = [
        "osType",
        "vmSize",
        "vmPriority",
        "virtualMachineImage",
        "isolatedNetwork",
        "remoteLoginPortPublicAccess",
        "enableNodePublicIp",
        "propertyBag",
    ];
    for key in kept {
        inner[key] = given[key].clone();
    }
    if !json::text(given, "/subnet/id").is_empty() {
        inner["subnet"] = json!({ "id": given["subnet"]["id"] });
    }
    if given["userAccountCredentials"].is_object() {
        inner["userAccountCredentials"] = given["userAccountCredentials"].clone();
        inner["userAccountCredentials"]["adminUserPassword"] = Value::Null;
        json::fill(&mut inner["userAccountCredentials"], &json!({ "adminUserSshPublicKey": null }));
    }
    json::fill(&mut inner, &defaults());
    if inner["remoteLoginPortPublicAccess"] == "NotSpecified" {
        inner["remoteLoginPortPublicAccess"] =
            json!(if inner["subnet"].is_null() { "Enabled" } else { "Disabled" });
    }
    inner["scaleSettings"] = scale;
    json::overlay(&mut inner, &Nodes::default().shown());
    inner["allocationStateTransitionTime"] = json!(short_time(call.now));
    inner
}

/// What the reply to a PUT shows of them: defaults and runtime values are not filled in yet.
fn first_reply(inner: &Value, given: &Value) -> Value {
    let mut reply = inner.clone();
    let given_or_null = |pointer: &str| json::at(given, pointer).clone();
    reply["vmPriority"] = given_or_null("/vmPriority");
    let login = given_or_null("/remoteLoginPortPublicAccess");
    reply["remoteLoginPortPublicAccess"] = if login.is_null() { json!("NotSpecified") } else { login };
    json::set(
        &mut reply,
        "/scaleSettings/nodeIdleTimeBeforeScaleDown",
        given_or_null("/scaleSettings/nodeIdleTimeBeforeScaleDown"),
    );
    for key in ["allocationState", "currentNodeCount", "targetNodeCount", "nodeStateCounts"] {
        reply[key] = Value::Null;
    }
    for key in ["/allocationStateTransitionTime", "/propertyBag", "/userAccountCredentials"] {
        json::remove(&mut reply, key);
    }
    reply
}
