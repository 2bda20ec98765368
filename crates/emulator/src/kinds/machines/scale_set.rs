//! `Microsoft.Compute/virtualMachineScaleSets`. A PUT mixes into what stands (dsvm-pool §4); so does a PATCH.

use serde_json::{Value, json};

use super::{action, actions, instance, invalid, model, write};
use crate::error::{ArmError, Reply};
use crate::json;
use crate::kinds::whole::Whole;
use crate::kinds::{Kind, PLAIN, Reference, plain};
use crate::regions::vm_sizes::{self, VmSize};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::time::timing::Work;
use crate::world::{Call, World};

const fn names(at: &'static str) -> Reference {
    Reference { at, is_checked: true }
}

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Compute/virtualMachineScaleSets",
    id_type: "Microsoft.Compute/virtualMachineScaleSets",
    defaults: || {
        json!({
            "sku": { "tier": "Standard", "capacity": 1 },
            "properties": {
                "singlePlacementGroup": true,
                "orchestrationMode": "Uniform",
                "upgradePolicy": { "mode": "Manual" },
                "overprovision": true,
                "doNotRunExtensionsOnOverprovisionedVMs": false,
                "platformFaultDomainCount": 5,
            },
        })
    },
    generated: &[("/properties/uniqueId", "{guid}"), ("/properties/timeCreated", "{time}")],
    stamped: &[("/etag", "\"{guid}\"")],
    enums: &[
        ("/properties/orchestrationMode", &["Uniform", "Flexible"]),
        ("/properties/upgradePolicy/mode", &["Manual", "Automatic", "Rolling"]),
        ("/properties/virtualMachineProfile/priority", &["Regular", "Low", "Spot"]),
        ("/properties/virtualMachineProfile/evictionPolicy", &["Deallocate", "Delete"]),
        (
            "/properties/virtualMachineProfile/storageProfile/osDisk/caching",
            &["None", "ReadOnly", "ReadWrite"],
        ),
        ("/properties/scaleInPolicy/rules/*", &["Default", "NewestVM", "OldestVM"]),
    ],
    fixed: &[
        "/zones",
        "/plan",
        "/properties/orchestrationMode",
        "/properties/platformFaultDomainCount",
        "/properties/virtualMachineProfile/priority",
        "/properties/virtualMachineProfile/evictionPolicy",
        "/properties/virtualMachineProfile/osProfile/computerNamePrefix",
        "/properties/virtualMachineProfile/osProfile/adminUsername",
        "/properties/virtualMachineProfile/storageProfile/imageReference/publisher",
        "/properties/virtualMachineProfile/storageProfile/imageReference/offer",
        "/properties/virtualMachineProfile/storageProfile/osDisk/createOption",
        "/properties/virtualMachineProfile/storageProfile/osDisk/managedDisk/storageAccountType",
    ],
    references: &[
        names("/properties/virtualMachineProfile/networkProfile/healthProbe/id"),
        names(
            "/properties/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/*/properties/networkSecurityGroup/id",
        ),
        names(
            "/properties/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/*/properties/ipConfigurations/*/properties/subnet/id",
        ),
        names(
            "/properties/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/*/properties/ipConfigurations/*/properties/loadBalancerBackendAddressPools/*/id",
        ),
        names(
            "/properties/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/*/properties/ipConfigurations/*/properties/loadBalancerInboundNatPools/*/id",
        ),
    ],
    seen_as: instance::configurations,
    on_demand: &[("userData", "/properties/virtualMachineProfile/userData")],
    delete_style: Some(action(Work::MachinesDelete)),
    finish: model::finish,
    check: model::check,
    put,
    patch,
    actions: &[
        ("start", |world, call, target| actions::on_set(world, call, target, &actions::START)),
        ("restart", |world, call, target| actions::on_set(world, call, target, &actions::RESTART)),
        ("poweroff", |world, call, target| actions::on_set(world, call, target, &actions::POWER_OFF)),
        ("deallocate", |world, call, target| actions::on_set(world, call, target, &actions::DEALLOCATE)),
        ("redeploy", |world, call, target| actions::on_set(world, call, target, &actions::REDEPLOY)),
        ("reimage", |world, call, target| actions::on_set(world, call, target, &actions::REIMAGE)),
        ("reimageall", |world, call, target| actions::on_set(world, call, target, &actions::REIMAGE)),
        ("manualupgrade", |world, call, target| actions::on_set(world, call, target, &actions::UPGRADE)),
        ("delete", actions::delete_instances),
        ("instanceview", actions::summary),
        ("skus", actions::sizes),
    ],
    ..PLAIN
};

fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let existing = world.store.get(&target.key()).cloned();
    let status = if existing.is_some() { 200 } else { 201 };
    change(world, call, target, existing, status)
}

fn patch(world: &mut World, call: &Call, target: &Target) -> Reply {
    let existing = world.existing(target)?.clone();
    change(world, call, target, Some(existing), 200)
}

fn change(world: &mut World, call: &Call, target: &Target, existing: Option<Resource>, status: u16) -> Reply {
    plain::refuse_change(world, call, target, existing.as_ref())?;
    let mut sent = call.object()?;
    // `az` writes null for what it does not say.
    json::drop_nulls(&mut sent);
    model::check_credentials(&sent, existing.is_none())?;
    let mut body = existing.as_ref().map_or_else(|| json!({}), |existing| existing.body.clone());
    json::overlay(&mut body, &sent);
    if let Some(tags) = sent.get("tags") {
        json::set(&mut body, "/tags", tags.clone());
    }
    let whole = Whole::compose(world, call, target, body, existing)?;
    whole.check(world, call)?;
    let before = whole.own.existing.as_ref().map(|existing| Stand::of(&existing.body));
    let after = Stand::of(&whole.own.body);
    check_quota(world, target, &whole.own.body, before.as_ref(), &after)?;
    let grown = after.capacity - before.as_ref().map_or(0, |before| before.capacity);
    let work = match (&before, grown) {
        (None, _) => Work::MachinesCreate,
        (Some(_), 1..) => Work::MachinesGrow,
        (Some(_), 0) => Work::MachinesChange,
        (Some(_), _) => Work::MachinesShrink,
    };
    let state = if before.is_none() { "Creating" } else { "Updating" };
    let reply = plain::keep(world, call, whole, Some((write(work), state)), status)?;
    let until = call.after(work);
    if before.is_some_and(|before| before.model != after.model) {
        instance::model_changed(world, target, until);
    }
    instance::resize(world, call, target, until);
    Ok(reply)
}

/// What decides about instances.
#[derive(PartialEq)]
struct Stand {
    capacity: i64,
    model: [Value; 2],
}

impl Stand {
    fn of(body: &Value) -> Stand {
        let model = ["/sku/name", "/properties/virtualMachineProfile"].map(|at| json::at(body, at).clone());
        Stand { capacity: capacity(body), model }
    }
}

/// How many instances a set is to have.
pub(super) fn capacity(body: &Value) -> i64 {
    json::at(body, "/sku/capacity").as_i64().unwrap_or(0)
}

/// Whether its machines can be taken away, and do not count as dedicated.
pub(crate) fn is_spot(body: &Value) -> bool {
    matches!(json::text(body, "/properties/virtualMachineProfile/priority"), "Low" | "Spot")
}

/// The machine size that a body names.
pub(super) fn size_of(body: &Value) -> Result<&'static VmSize, ArmError> {
    let name = json::text(body, "/sku/name");
    vm_sizes::find(name).ok_or_else(|| {
        let message = format!(
            "The value {name} provided for the VM size is not valid. The valid sizes in the current region are: {}.",
            vm_sizes::SIZES.iter().map(|size| size.name).collect::<Vec<_>>().join(",")
        );
        invalid("vmSize", message)
    })
}

/// Cores are counted by family and region, and all together; apart from those of machine learning.
fn check_quota(
    world: &World,
    target: &Target,
    body: &Value,
    before: Option<&Stand>,
    after: &Stand,
) -> Result<(), ArmError> {
    let size = size_of(body)?;
    let stood = before.and_then(|before| vm_sizes::find(before.model[0].as_str().unwrap_or("")));
    let held = stood.map_or(0, |stood| stood.cores * before.map_or(0, |before| before.capacity));
    let held_in_family = if stood.is_some_and(|stood| stood.family == size.family) { held } else { 0 };
    let needed = size.cores * after.capacity;
    let usage = world.usage.of(&target.subscription, json::text(body, "/location"));
    let family = || format!("{} Cores", size.family);
    let rows = if is_spot(body) {
        vec![("LowPriorityCores".to_owned(), usage.machines.spot_cores, world.core_limit(), needed - held)]
    } else {
        let used = usage.machines.cores.get(size.family).copied().unwrap_or(0);
        let all = usage.machines.cores.values().sum();
        vec![
            (family(), used, world.cores_allowed(size.family), needed - held_in_family),
            ("Total Regional Cores".to_owned(), all, world.core_limit(), needed - held),
        ]
    };
    for (name, used, limit, more) in rows {
        if more > 0 && used + more > limit {
            let message = format!(
                "Operation could not be completed as it results in exceeding approved {name} quota. Additional details \
                 - Deployment Model: Resource Manager, Location: {}, Current Limit: {limit}, Current Usage: {used}, \
                 Additional Required: {more}, (Minimum) New Limit Required: {}.",
                json::text(body, "/location"),
                used + more
            );
            return Err(ArmError::service(409, "OperationNotAllowed", message));
        }
    }
    Ok(())
}
