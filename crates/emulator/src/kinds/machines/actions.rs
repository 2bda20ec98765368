//! What is done to instances: power, new images, upgrades and deletes, for some of a set or for one; and their views.

use serde_json::{Value, json};

use super::instance::{self, dismiss, of_set, phase, view_of};
use super::{action, invalid};
use crate::error::{ArmError, Reply, method_not_allowed};
use crate::json;
use crate::kinds::plain;
use crate::regions::vm_sizes::SIZES;
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::time::timing::Work;
use crate::wire::{Method, Response};
use crate::world::{Call, World};

/// One action: how long it takes, the power state shown meanwhile, and the one after it, if it sets one.
pub(super) struct Action {
    work: Work,
    meanwhile: &'static str,
    after: Option<&'static str>,
    /// Whether it brings instances to the latest model, and then has to be told which.
    is_upgrade: bool,
}

const fn power(work: Work, meanwhile: &'static str, after: &'static str) -> Action {
    Action { work, meanwhile, after: Some(after), is_upgrade: false }
}

pub(super) const START: Action = power(Work::MachinesPower, "starting", "running");
pub(super) const RESTART: Action = power(Work::MachinesPower, "running", "running");
pub(super) const POWER_OFF: Action = power(Work::MachinesPower, "stopping", "stopped");
pub(super) const DEALLOCATE: Action = power(Work::MachinesPower, "deallocating", "deallocated");
pub(super) const REDEPLOY: Action = power(Work::MachinesPower, "starting", "running");
pub(super) const REIMAGE: Action = power(Work::MachinesPower, "starting", "running");
pub(super) const UPGRADE: Action =
    Action { work: Work::MachinesUpgrade, meanwhile: "running", after: None, is_upgrade: true };

/// An action on the instances that the body names, or on all.
pub(super) fn on_set(world: &mut World, call: &Call, target: &Target, action: &Action) -> Reply {
    let named = named(call)?;
    if action.is_upgrade && named.is_none() {
        return Err(invalid("instanceIds", "Required parameter 'instanceIds' is missing (null)."));
    }
    let chosen = choose(world, target, named.as_deref())?;
    act(world, call, target, chosen, action)
}

/// An action on one instance.
pub(super) fn on_one(world: &mut World, call: &Call, target: &Target, action: &Action) -> Reply {
    let one = world.store.get(&target.key()).cloned().ok_or_else(instance::not_found)?;
    act(world, call, &set_of(target), vec![one], action)
}

fn set_of(instance: &Target) -> Target {
    instance.parent().expect("BUG: an instance lies in a set")
}

/// The instance ids in the body; none when it names none, and `*` stands for all.
fn named(call: &Call) -> Result<Option<Vec<String>>, ArmError> {
    if call.request.method != Method::Post {
        return Err(method_not_allowed(call.request.method.name()));
    }
    let sent = call.any()?;
    let ids = json::every(&sent, "/instanceIds/*");
    let ids: Vec<String> = ids.into_iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(sent.get("instanceIds").filter(|ids| !ids.is_null()).map(|_| ids))
}

fn choose(world: &World, set: &Target, named: Option<&[String]>) -> Result<Vec<Resource>, ArmError> {
    world.existing(set)?;
    let all: Vec<Resource> = of_set(world, set).into_iter().filter(|one| !one.is_leaving()).collect();
    let Some(named) = named.filter(|named| !named.iter().any(|name| name == "*")) else { return Ok(all) };
    named
        .iter()
        .map(|name| {
            let found = all.iter().find(|instance| instance.name() == name).cloned();
            found.ok_or_else(|| {
                let message = format!(
                    "The provided instanceId {name} is not an active Virtual Machine Scale Set VM instanceId."
                );
                invalid("instanceIds", message)
            })
        })
        .collect()
}

fn act(world: &mut World, call: &Call, set: &Target, chosen: Vec<Resource>, what: &Action) -> Reply {
    let mut stands = world.existing(set)?.clone();
    plain::refuse_busy(&stands, call.now)?;
    let operation = plain::begin(world, call, set, &mut stands, action(what.work), "Updating");
    world.put(stands.clone());
    for mut one in chosen {
        if what.is_upgrade {
            instance::upgrade(world, set, &stands, one, operation.ends_at);
            continue;
        }
        if let Some(after) = what.after {
            let view = view_of("Succeeded", after, operation.ends_at);
            json::set(&mut one.body, "/properties/instanceView", view);
        }
        one.phases = vec![phase("Updating", what.meanwhile, call.now, operation.ends_at)];
        world.put(one);
    }
    Ok(plain::hand_over(world, call, Some(operation), Response::empty(202)))
}

/// `POST …/delete`: the named instances go, and the capacity with them.
pub(super) fn delete_instances(world: &mut World, call: &Call, target: &Target) -> Reply {
    let Some(named) = named(call)? else {
        return Err(invalid("instanceIds", "Required parameter 'instanceIds' is missing (null)."));
    };
    let chosen = choose(world, target, Some(&named))?;
    delete(world, call, target, chosen)
}

/// `DELETE` of one instance.
pub(super) fn delete_one(world: &mut World, call: &Call, target: &Target) -> Reply {
    match world.store.get(&target.key()).cloned() {
        Some(one) if !one.is_leaving() => delete(world, call, &set_of(target), vec![one]),
        _ => Ok(Response::empty(204)),
    }
}

fn delete(world: &mut World, call: &Call, set: &Target, chosen: Vec<Resource>) -> Reply {
    let mut stands = world.existing(set)?.clone();
    plain::refuse_busy(&stands, call.now)?;
    let operation = plain::begin(world, call, set, &mut stands, action(Work::MachinesShrink), "Updating");
    chosen.into_iter().for_each(|one| dismiss(world, one, operation.ends_at));
    instance::set_capacity(world, set, stands);
    Ok(plain::hand_over(world, call, Some(operation), Response::empty(202)))
}

/// `GET …/instanceView` of a set.
pub(super) fn summary(world: &mut World, call: &Call, target: &Target) -> Reply {
    let stands = world.existing(target)?;
    let shown = stands.view(call.now);
    let state = json::text(&shown, "/properties/provisioningState");
    let view = view_of(state, "running", call.now);
    let extensions = json::every(&shown, "/properties/virtualMachineProfile/extensionProfile/extensions/*");
    let count = of_set(world, target).len();
    let extensions: Vec<Value> = extensions
        .into_iter()
        .map(|extension| {
            let done = json!({ "code": "ProvisioningState/succeeded", "count": count });
            json!({ "name": extension["name"], "statusesSummary": [done] })
        })
        .collect();
    let body = json!({
        "virtualMachine": { "statusesSummary": instance::summary(world, call, target) },
        "extensions": extensions,
        "statuses": [view["statuses"][0]],
        "orchestrationServices": [],
    });
    Ok(Response::json(200, &body))
}

/// `GET …/virtualMachines/{id}/instanceView`.
pub(super) fn view(world: &mut World, call: &Call, target: &Target) -> Reply {
    let one = world.store.get(&target.key()).ok_or_else(instance::not_found)?;
    Ok(Response::json(200, json::at(&one.view(call.now), "/properties/instanceView")))
}

/// `GET …/skus`: the sizes that a set can take.
pub(super) fn sizes(world: &mut World, _call: &Call, target: &Target) -> Reply {
    world.existing(target)?;
    let rows = SIZES.iter().map(|size| {
        json!({
            "resourceType": super::scale_set::KIND.resource_type,
            "sku": { "name": size.name, "tier": "Standard" },
            "capacity": { "minimum": 0, "maximum": 100, "defaultCapacity": 1, "scaleType": "Automatic" },
        })
    });
    Ok(Response::json(200, &json!({ "value": rows.collect::<Vec<_>>() })))
}
