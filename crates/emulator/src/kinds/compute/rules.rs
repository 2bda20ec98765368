//! What the ML service refuses of clusters and instances, with its own texts where they were seen.

use serde_json::Value;

use super::user_error;
use crate::error::ArmError;
use crate::json;
use crate::regions;
use crate::regions::vm_sizes::{self, SIZES, VmSize, family_title};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::World;

/// Source: the specification's pattern (3 to 24, no `-digits` at the end), and no `-` at the end as the service says.
pub(super) fn check_name(name: &str, what: &str) -> Result<(), ArmError> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let is_good = (3..=24).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(allowed)
        && !name.ends_with('-')
        && !has_number_tail(name);
    if is_good {
        return Ok(());
    }
    let message = format!(
        "Compute name '{name}' is not available. Reason: Invalid. Message: A name for an Azure ML {what} must be between \
         3 and 24 characters, consist of letters, digits and '-', start with a letter, and not end with '-' or with '-' and a number."
    );
    Err(ArmError::service(400, "BadRequest", message).about("name"))
}

fn has_number_tail(name: &str) -> bool {
    let tail = name.rsplit_once('-').map_or("", |(_, tail)| tail);
    !tail.is_empty() && tail.chars().all(|character| character.is_ascii_digit())
}

/// 400 for a name that somebody has.
pub(super) fn name_taken(name: &str) -> ArmError {
    let message = format!(
        "Compute name '{name}' is not available. Reason: AlreadyExists. \
         Message: The specified name {name} is already in use and is therefore unavailable"
    );
    ArmError::service(400, "BadRequest", message).about("name")
}

/// The machine size that a body names.
pub(super) fn size_of(name: &str) -> Result<&'static VmSize, ArmError> {
    vm_sizes::find(name).ok_or_else(|| {
        let known: Vec<String> = SIZES.iter().map(|size| size.name.to_ascii_uppercase()).collect();
        let message = format!(
            "The specified value {name} for property Cluster.Properties.VMSize is not a supported VM size. Supported VM sizes: {}",
            known.join(",")
        );
        ArmError::service(400, "InvalidPropertyValue", message).about("properties.vmSize").because("SupportedVMSizes", known.join(","))
    })
}

/// Refuses nodes that the family's quota in the region cannot hold beside what is in use.
pub(super) fn check_quota(
    world: &World,
    target: &Target,
    location: &str,
    size: &VmSize,
    nodes: i64,
) -> Result<(), ArmError> {
    check_cores(world, target, location, size, nodes * size.cores)
}

/// The same for a number of cores; a machine counts as one node.
pub(super) fn check_cores(
    world: &World,
    target: &Target,
    location: &str,
    size: &VmSize,
    cores: i64,
) -> Result<(), ArmError> {
    let workspace = target.parent_key().unwrap_or_default();
    let quotas = quotas(world, &workspace, location, size.family);
    let Some((whose, limit, _)) =
        quotas.into_iter().find(|(_, limit, used)| cores > 0 && used + cores > *limit)
    else {
        return Ok(());
    };
    let nodes = (cores / size.cores).max(1);
    let message = format!(
        "The specified {whose} has a {} vCPU quota of {limit} and cannot accomodate for at least {nodes} requested \
         managed compute node(s) which maps to {cores} vCPUs.",
        family_title(size.family)
    );
    Err(ArmError::service(400, "BadRequest", message.clone())
        .because("ClusterMinNodesExceedCoreQuota", message))
}

/// The quotas on a family that computes of a workspace fall under: whose each is, its limit, and how much is in use.
pub(super) fn quotas(
    world: &World,
    workspace: &str,
    location: &str,
    family: &str,
) -> Vec<(&'static str, i64, i64)> {
    let subscription = workspace.split('/').nth(2).unwrap_or("");
    let used = world.usage.cores(subscription, location, family);
    let own = world.workspace_quotas.get(&regions::workspace_quota_key(workspace, family));
    let own = own.map(|limit| ("workspace", *limit, world.usage.workspace_cores(workspace, family)));
    [("subscription", world.cores_allowed(family), used)].into_iter().chain(own).collect()
}

/// A workspace with a managed network places its computes itself; one without needs a subnet for private nodes.
pub(super) fn check_network(workspace: &Resource, inner: &Value) -> Result<(), ArmError> {
    let mode = json::text(&workspace.body, "/properties/managedNetwork/isolationMode");
    let is_managed = !mode.is_empty() && mode != "Disabled";
    let has_subnet = !json::text(inner, "/subnet/id").is_empty();
    if is_managed && has_subnet {
        return Err(user_error("A subnet cannot be used in a workspace with a managed network.")
            .about("properties.subnet"));
    }
    if inner["enableNodePublicIp"] == Value::Bool(false) && !is_managed && !has_subnet {
        return Err(user_error("A compute without public IP needs a subnet or a managed network.")
            .about("properties.enableNodePublicIp"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_service() {
        for name in ["cpu", "a-1b", "gpu-pool", "c0000001", "x2-a2"] {
            assert!(check_name(name, "Compute").is_ok(), "{name}");
        }
        for name in ["ab", "1cpu", "cpu-", "cpu-12", "c_u", "abcdefghijklmnopqrstuvwxy"] {
            assert!(check_name(name, "Compute").is_err(), "{name}");
        }
    }
}
