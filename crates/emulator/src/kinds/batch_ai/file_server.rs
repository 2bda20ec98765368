//! `Microsoft.BatchAI/workspaces/fileservers`: one machine with disks that clusters mount (batch-ai §4). Nothing of it
//! changes once it stands.

use serde_json::{Value, json};

use super::{
    COMMON, check_account, check_name, check_required, cluster_rules, finish, invalid, long, show, tagged,
};
use crate::error::{ArmError, Reply, method_not_allowed};
use crate::json;
use crate::kinds::{Kind, PutStyle, plain};
use crate::random::guid_of;
use crate::regions::vm_sizes;
use crate::route::router::Target;
use crate::time::timing::Work;
use crate::world::{Call, World};

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.BatchAI/workspaces/fileservers",
    id_type: "Microsoft.BatchAI/workspaces/fileservers",
    put_style: PutStyle::Accepted(long(Work::FileServerCreate)),
    defaults: || json!({ "properties": { "dataDisks": { "cachingType": "none" } } }),
    enums: &[
        ("/properties/dataDisks/storageAccountType", &["Standard_LRS", "Premium_LRS"]),
        ("/properties/dataDisks/cachingType", &["none", "readonly", "readwrite"]),
    ],
    fixed: &[
        "/properties/vmSize",
        "/properties/sshConfiguration",
        "/properties/dataDisks",
        "/properties/subnet",
    ],
    patchable: &[],
    check: |_, target, body, _| check(target, body),
    in_use: Some(("FileServerInUse", "The file server {name} is mounted by {users}. Delete them first.")),
    finish: |world, target, body| settle(world, target, body),
    view: |_, _, body| view(body),
    delete_style: Some(long(Work::FileServerDelete)),
    put,
    patch: |_, _, _| Err(method_not_allowed("PATCH")),
    ..COMMON
};

fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let sent = call.object()?;
    check_account(json::at(&sent, "/properties/sshConfiguration/userAccountSettings"))?;
    let is_new = world.store.get(&target.key()).is_none();
    let reply = plain::put_body(world, call, target, sent)?;
    if is_new {
        fail_without_premium_disks(world, target);
    }
    tagged(world, target, Ok(reply))
}

/// Premium disks need a size that takes them; that the operation fails and not the request is our choice.
fn fail_without_premium_disks(world: &mut World, target: &Target) {
    let Some(mut server) = world.store.get(&target.key()).cloned() else { return };
    let is_premium = json::text(&server.body, "/properties/dataDisks/storageAccountType") == "Premium_LRS";
    let size = vm_sizes::find(json::text(&server.body, "/properties/vmSize"));
    if !is_premium || size.is_none_or(vm_sizes::VmSize::has_premium_disks) {
        return;
    }
    json::set(&mut server.body, "/properties/provisioningState", json!("failed"));
    json::remove(&mut server.body, "/properties/mountSettings");
    let operation = server.operation.as_ref().and_then(|id| world.operations.get(id)).cloned();
    if let Some(mut operation) = operation {
        operation.failure = Some(json!({
            "code": "FileServerProvisioningFailed",
            "message": "File Server provisioning has failed",
        }));
        world.remember(operation);
    }
    world.put(server);
}

/// The network that the service makes where none is given, and the addresses; the password does not come back.
fn settle(world: &World, target: &Target, body: &mut Value) {
    let stands = world.store.get(&target.key()).map(|server| &server.body);
    json::remove(body, "/properties/sshConfiguration/userAccountSettings/adminUserPassword");
    let kept = |pointer: &str| stands.and_then(|stands| stands.pointer(pointer)).cloned();
    let seed = guid_of(&format!("{}#{}", target.key(), world.time()));
    let number =
        |range: std::ops::Range<usize>, most: i64| i64::from_str_radix(&seed[range], 16).unwrap_or(0) % most;
    if json::text(body, "/properties/subnet/id").is_empty() {
        let subnet = format!(
            "/subscriptions/{}/resourceGroups/fileserverrg-{seed}/providers/Microsoft.Network/virtualNetworks/{seed}vnet/subnets/Subnet-1",
            target.subscription
        );
        json::set(body, "/properties/subnet", json!({ "id": subnet }));
    }
    let mount = json!({
        "mountPoint": "/data",
        "fileServerPublicIP": format!("198.51.100.{}", 1 + number(0..4, 250)),
        "fileServerInternalIP": format!("10.0.0.{}", 4 + number(4..8, 250)),
    });
    json::set(body, "/properties/mountSettings", kept("/properties/mountSettings").unwrap_or(mount));
    finish(world, target, body);
    let state = kept("/properties/provisioningState").unwrap_or_else(|| json!("succeeded"));
    json::set(body, "/properties/provisioningState", state);
}

/// Addresses are there once the machine is.
fn view(body: &mut Value) {
    show(body);
    if json::text(body, "/properties/provisioningState") == "creating" {
        json::remove(body, "/properties/mountSettings");
    }
}

fn check(target: &Target, body: &Value) -> Result<(), ArmError> {
    check_name(target)?;
    check_required(
        body,
        &[
            "/properties/vmSize",
            "/properties/sshConfiguration",
            "/properties/dataDisks/diskSizeInGB",
            "/properties/dataDisks/diskCount",
            "/properties/dataDisks/storageAccountType",
        ],
    )?;
    cluster_rules::size_of(json::text(body, "/properties/vmSize"))?;
    let ranges = json::at(body, "/properties/sshConfiguration/publicIPsToAllow");
    if ranges.as_array().is_some_and(|ranges| ranges.len() > 400) {
        return Err(invalid(
            "sshConfiguration.publicIPsToAllow",
            "There may be up to 400 ranges of addresses.",
        ));
    }
    Ok(())
}
