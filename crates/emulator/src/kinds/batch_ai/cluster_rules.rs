//! What the service refuses of clusters, and what it fills in (batch-ai §3).

use serde_json::{Value, json};

use super::{check_name, check_required, invalid};
use crate::error::ArmError;
use crate::json;
use crate::random::guid_of;
use crate::regions::vm_sizes::{self, VmSize};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::World;

const SETUP: &str = "/properties/nodeSetup/setupTask";
const MOUNTED: &str = "/properties/nodeSetup/mountVolumes/fileServers/*/fileServer/id";

/// What has to be there when what holds it is.
const REQUIRED: &[&str] = &[
    "/properties/vmSize",
    "/properties/userAccountSettings",
    "/properties/scaleSettings/manual/targetNodeCount",
    "/properties/scaleSettings/autoScale/minimumNodeCount",
    "/properties/scaleSettings/autoScale/maximumNodeCount",
    "/properties/nodeSetup/setupTask/commandLine",
    "/properties/nodeSetup/setupTask/stdOutErrPathPrefix",
    "/properties/nodeSetup/setupTask/environmentVariables/*/name",
    "/properties/nodeSetup/setupTask/environmentVariables/*/value",
    "/properties/nodeSetup/setupTask/secrets/*/name",
    "/properties/nodeSetup/mountVolumes/azureFileShares/*/accountName",
    "/properties/nodeSetup/mountVolumes/azureFileShares/*/azureFileUrl",
    "/properties/nodeSetup/mountVolumes/azureFileShares/*/relativeMountPath",
    "/properties/nodeSetup/mountVolumes/azureFileShares/*/credentials",
    "/properties/nodeSetup/mountVolumes/azureBlobFileSystems/*/accountName",
    "/properties/nodeSetup/mountVolumes/azureBlobFileSystems/*/containerName",
    "/properties/nodeSetup/mountVolumes/azureBlobFileSystems/*/relativeMountPath",
    "/properties/nodeSetup/mountVolumes/azureBlobFileSystems/*/credentials",
    "/properties/nodeSetup/mountVolumes/fileServers/*/fileServer",
    "/properties/nodeSetup/mountVolumes/fileServers/*/relativeMountPath",
    "/properties/nodeSetup/mountVolumes/unmanagedFileSystems/*/mountCommand",
    "/properties/nodeSetup/mountVolumes/unmanagedFileSystems/*/relativeMountPath",
];

/// What never comes back.
const SECRETS: &[&str] = &[
    "/properties/userAccountSettings/adminUserPassword",
    "/properties/nodeSetup/setupTask/secrets/*/value",
    "/properties/nodeSetup/setupTask/secrets/*/valueSecretReference",
    "/properties/nodeSetup/mountVolumes/azureFileShares/*/credentials/*",
    "/properties/nodeSetup/mountVolumes/azureBlobFileSystems/*/credentials/*",
    "/properties/nodeSetup/performanceCountersSettings/appInsightsReference/instrumentationKey",
    "/properties/nodeSetup/performanceCountersSettings/appInsightsReference/instrumentationKeySecretReference",
];

/// The machine size that a body names: one that the service has, and that it takes.
pub(super) fn size_of(name: &str) -> Result<&'static VmSize, ArmError> {
    let refused = || invalid("vmSize", format!("The VM size {name} is not supported by Batch AI."));
    vm_sizes::find(name).ok_or_else(refused)
}

pub(super) fn check(
    world: &World,
    target: &Target,
    body: &Value,
    existing: Option<&Resource>,
) -> Result<(), ArmError> {
    check_name(target)?;
    check_required(body, REQUIRED)?;
    let size = size_of(json::text(body, "/properties/vmSize"))?;
    if existing.is_none() && size.family == "standardDSv2Family" {
        let message = format!("The VM size {} is not allowed: clusters have no premium storage.", size.name);
        return Err(invalid("vmSize", message));
    }
    check_scale(&body["properties"]["scaleSettings"])?;
    check_subnet(world, body)
}

fn check_scale(scale: &Value) -> Result<(), ArmError> {
    let about = |message: String| invalid("scaleSettings", message);
    let (manual, auto) = (&scale["manual"], &scale["autoScale"]);
    if manual.is_object() == auto.is_object() {
        return Err(about("Exactly one of 'manual' and 'autoScale' must be given.".to_owned()));
    }
    let count = |value: &Value| value.as_i64().filter(|count| (0..=100).contains(count));
    if manual.is_object() && count(&manual["targetNodeCount"]).is_none() {
        return Err(about("A cluster has 0 to 100 nodes.".to_owned()));
    }
    if auto.is_object() {
        let [min, max] = ["minimumNodeCount", "maximumNodeCount"].map(|name| count(&auto[name]));
        if min.zip(max).is_none_or(|(min, max)| min > max) {
            return Err(about(
                "The scale needs 0 <= minimumNodeCount <= maximumNodeCount <= 100.".to_owned(),
            ));
        }
    }
    Ok(())
}

/// Clusters are in the subnet of the file servers they mount.
fn check_subnet(world: &World, body: &Value) -> Result<(), ArmError> {
    let own = json::text(body, "/properties/subnet/id");
    let other = subnets(world, body).find(|subnet| !subnet.eq_ignore_ascii_case(own));
    other.map_or(Ok(()), |subnet| {
        let message = format!("A file server that the cluster mounts is in another subnet, {subnet}.");
        Err(invalid("subnet", message))
    })
}

/// The subnets of the file servers that a body mounts.
fn subnets<'a>(world: &'a World, body: &'a Value) -> impl Iterator<Item = &'a str> {
    let servers = json::every(body, MOUNTED).into_iter().filter_map(Value::as_str);
    let servers = servers.filter_map(|id| world.store.get(&id.to_ascii_lowercase()));
    servers.map(|server| json::text(&server.body, "/properties/subnet/id")).filter(|id| !id.is_empty())
}

/// Fills in what the service decides, and takes out what it never shows.
pub(super) fn settle(world: &World, target: &Target, body: &mut Value) {
    for pattern in SECRETS {
        json::for_each(body, pattern, &mut |value| *value = Value::Null);
    }
    let subnet = subnets(world, body).next().map(str::to_owned);
    if let Some(subnet) = subnet {
        json::fill(body, &json!({ "properties": { "subnet": { "id": subnet } } }));
    }
    if json::at(body, SETUP).is_object() {
        let suffix = format!("{SETUP}/stdOutErrPathSuffix");
        let stands = world.store.get(&target.key()).and_then(|stands| stands.body.pointer(&suffix)).cloned();
        let made = format!(
            "{}/{}/workspaces/{}/clusters/{}/{}",
            target.subscription,
            target.group,
            target.names.first().map_or("", String::as_str),
            target.name(),
            guid_of(&format!("{}#{}", target.key(), world.time()))
        );
        json::set(body, &suffix, stands.unwrap_or_else(|| json!(made)));
    }
    let mounts = "/properties/nodeSetup/mountVolumes/azureFileShares/*";
    json::for_each(body, mounts, &mut |share| {
        json::fill(share, &json!({ "fileMode": "0777", "directoryMode": "0777" }));
    });
    let scale = &mut body["properties"]["scaleSettings"];
    for (mode, defaults) in [
        ("manual", json!({ "nodeDeallocationOption": "requeue" })),
        ("autoScale", json!({ "initialNodeCount": 0 })),
    ] {
        if scale[mode].is_object() {
            json::fill(&mut scale[mode], &defaults);
        }
    }
}
