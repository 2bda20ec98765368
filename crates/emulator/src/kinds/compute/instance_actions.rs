//! The actions that change a live instance, preview versions all of them. Each answers 200 at once.

use serde_json::{Value, json};

use super::instance::check_idle;
use super::memory::Memory;
use super::power::instance;
use super::schedules;
use crate::error::{Reply, bad_content, no_such_route};
use crate::json;
use crate::options::UpdateSchedules;
use crate::regions::vm_sizes::SIZES;
use crate::route::router::Target;
use crate::store::resource::{Resource, long_time};
use crate::wire::Response;
use crate::world::{Call, World};

const MOUNT_ENUMS: &[(&str, &[&str])] = &[
    ("/*/sourceType", &["Dataset", "Datastore", "URI"]),
    ("/*/mountAction", &["Mount", "Unmount"]),
    ("/*/mountMode", &["ReadOnly", "ReadWrite"]),
];

/// `POST …/updateIdleShutdownSetting`; null switches it off, which is our choice.
pub(super) fn idle_shutdown(world: &mut World, call: &Call, target: &Target) -> Reply {
    let instance = instance(world, call, target, "UpdateIdleShutdownSetting")?;
    let sent = call.object()?;
    let idle = sent
        .get("idleTimeBeforeShutdown")
        .ok_or_else(|| bad_content("The body needs 'idleTimeBeforeShutdown'."))?;
    check_idle(idle)?;
    Ok(store(world, call, instance, "idleTimeBeforeShutdown", idle.clone()))
}

/// `POST …/updateSchedules`, unpublished: taken to replace the whole list, unless the options say otherwise.
pub(super) fn update_schedules(world: &mut World, call: &Call, target: &Target) -> Reply {
    if world.options.update_schedules == UpdateSchedules::Missing {
        return Err(no_such_route(&call.request.path));
    }
    let mut instance = instance(world, call, target, "UpdateSchedules")?;
    let sent = call.object()?;
    let list = sent.get("computeStartStop").or_else(|| sent.pointer("/schedules/computeStartStop")).cloned();
    let list = schedules::accept(world, list.unwrap_or(Value::Null))?;
    if world.options.update_schedules == UpdateSchedules::Ignored {
        return Ok(Response::empty(200));
    }
    Memory { scheduled: Some(call.now), ..Memory::of(&instance) }.keep(&mut instance);
    Ok(store(world, call, instance, "schedules", json!({ "computeStartStop": list })))
}

/// `POST …/customServices`: the full new list.
pub(super) fn custom_services(world: &mut World, call: &Call, target: &Target) -> Reply {
    let instance = instance(world, call, target, "UpdateCustomServices")?;
    let sent = call.any()?;
    if !sent.is_array() {
        return Err(bad_content("The body must be the list of custom services."));
    }
    Ok(store(world, call, instance, "customServices", sent))
}

/// `POST …/updateDataMounts`: each entry mounts or unmounts one name; the others stay.
pub(super) fn data_mounts(world: &mut World, call: &Call, target: &Target) -> Reply {
    let instance = instance(world, call, target, "UpdateDataMounts")?;
    let mut sent = call.any()?;
    crate::kinds::canonical_enums(&mut sent, MOUNT_ENUMS)?;
    let Some(sent) = sent.as_array() else {
        return Err(bad_content("The body must be a list of data mounts."));
    };
    let stands = json::at(&instance.body, "/properties/properties/dataMounts");
    let mut mounts = stands.as_array().cloned().unwrap_or_default();
    for entry in sent {
        mounts.retain(|mount| mount["mountName"] != entry["mountName"]);
        if entry["mountAction"] != "Unmount" {
            let mut mount = entry.clone();
            json::overlay(
                &mut mount,
                &json!({ "mountState": "Mounted", "mountedOn": long_time(call.now), "error": null }),
            );
            mounts.push(mount);
        }
    }
    Ok(store(world, call, instance, "dataMounts", json!(mounts)))
}

/// `POST …/enableSso`.
pub(super) fn single_sign_on(world: &mut World, call: &Call, target: &Target) -> Reply {
    let instance = instance(world, call, target, "EnableSso")?;
    let sent = call.object()?;
    let enabled = sent["enableSSO"]
        .as_bool()
        .ok_or_else(|| bad_content("The body needs 'enableSSO', true or false."))?;
    Ok(store(world, call, instance, "enableSSO", json!(enabled)))
}

/// `POST …/getAllowedVmSizesForResize`.
pub(super) fn allowed_sizes(world: &mut World, call: &Call, target: &Target) -> Reply {
    instance(world, call, target, "GetAllowedResizeSizes")?;
    let rows: Vec<Value> = SIZES.iter().map(|size| size.row()).collect();
    Ok(Response::json(200, &json!({ "value": rows })))
}

fn store(world: &mut World, call: &Call, mut instance: Resource, key: &str, value: Value) -> Response {
    json::set(&mut instance.body, &format!("/properties/properties/{key}"), value);
    json::set(&mut instance.body, "/properties/modifiedOn", json!(long_time(call.now)));
    world.put(instance);
    Response::empty(200)
}
