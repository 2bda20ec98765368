//! `Microsoft.Compute/virtualMachineScaleSets/virtualMachines`: the instances, made and removed as the set's capacity
//! says. Their numbers are never used again and have gaps.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::scale_set::capacity;
use super::{actions, images};
use crate::arm::filter::Fields;
use crate::error::{ArmError, Reply, method_not_allowed};
use crate::json;
use crate::kinds::{Kind, PLAIN, plain};
use crate::route::router::Target;
use crate::store::resource::{Phase, Resource};
use crate::world::{Call, World};

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
    id_type: "Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
    filters: FIELDS,
    on_demand: &[("instanceView", "/properties/instanceView")],
    get,
    put: |_, call, _| Err(method_not_allowed(call.request.method.name())),
    patch: |_, call, _| Err(method_not_allowed(call.request.method.name())),
    delete: actions::delete_one,
    actions: &[
        ("start", |world, call, target| actions::on_one(world, call, target, &actions::START)),
        ("restart", |world, call, target| actions::on_one(world, call, target, &actions::RESTART)),
        ("poweroff", |world, call, target| actions::on_one(world, call, target, &actions::POWER_OFF)),
        ("deallocate", |world, call, target| actions::on_one(world, call, target, &actions::DEALLOCATE)),
        ("redeploy", |world, call, target| actions::on_one(world, call, target, &actions::REDEPLOY)),
        ("reimage", |world, call, target| actions::on_one(world, call, target, &actions::REIMAGE)),
        ("reimageall", |world, call, target| actions::on_one(world, call, target, &actions::REIMAGE)),
        ("instanceview", actions::view),
    ],
    ..PLAIN
};

const FIELDS: Fields = &[("instanceid", "/instanceId"), ("name", "/name")];

fn get(world: &mut World, call: &Call, target: &Target) -> Reply {
    if world.store.get(&target.key()).is_none() {
        return Err(not_found());
    }
    plain::get(world, call, target)
}

/// What the service says of an instance that is not there (dsvm-pool §9).
pub(super) fn not_found() -> ArmError {
    ArmError::service(404, "NotFound", "The entity was not found in this Azure location.")
}

/// The instances of a set, by number.
pub(super) fn of_set(world: &World, set: &Target) -> Vec<Resource> {
    let collection = set.child(&KIND, "").collection();
    let mut all: Vec<Resource> = world.store.list(&collection, None).cloned().collect();
    all.sort_by_key(number);
    all
}

fn number(instance: &Resource) -> i64 {
    instance.name().parse().unwrap_or(0)
}

/// The ids of the address configurations of a set's instances that name a subnet or a pool.
pub(super) fn configurations(world: &World, set: &Resource, named: &str) -> Vec<String> {
    let profile = "/properties/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/*";
    let mut paths = Vec::new();
    for interface in json::every(&set.body, profile) {
        for configuration in json::every(interface, "/properties/ipConfigurations/*") {
            if configuration.to_string().to_ascii_lowercase().contains(&format!("\"{named}\"")) {
                let names = [interface, configuration].map(|part| json::text(part, "/name"));
                paths.push(format!("networkInterfaces/{}/ipConfigurations/{}", names[0], names[1]));
            }
        }
    }
    let instances = world.store.list(&format!("{}/virtualmachines", set.key()), None);
    let of = |instance: &Resource| -> Vec<String> {
        paths.iter().map(|path| format!("{}/{path}", instance.id)).collect()
    };
    instances.flat_map(of).collect()
}

/// Makes or removes instances until there are as many as the set is to have, done at `until`.
pub(super) fn resize(world: &mut World, call: &Call, set: &Target, until: Timestamp) {
    let Some(stands) = world.store.get(&set.key()).cloned() else { return };
    let staying: Vec<Resource> = of_set(world, set).into_iter().filter(|one| !one.is_leaving()).collect();
    let missing = capacity(&stands.body) - i64::try_from(staying.len()).unwrap_or(0);
    if missing > 0 {
        grow(world, call, set, stands, missing, until);
    } else {
        let surplus = usize::try_from(-missing).unwrap_or(0);
        let is_oldest_first = json::every(&stands.body, "/properties/scaleInPolicy/rules/*")
            .first()
            .is_some_and(|rule| *rule == "OldestVM");
        let going: Vec<Resource> = if is_oldest_first {
            staying.into_iter().take(surplus).collect()
        } else {
            staying.into_iter().rev().take(surplus).collect()
        };
        going.into_iter().for_each(|instance| dismiss(world, instance, until));
    }
}

/// With overprovisioning, a fifth more is begun and given up again: their numbers are the gaps.
fn grow(world: &mut World, call: &Call, set: &Target, mut stands: Resource, missing: i64, until: Timestamp) {
    let mut next = json::at(&stands.hidden, "/next_instance").as_i64().unwrap_or(0);
    let is_generous = json::at(&stands.body, "/properties/overprovision") == &json!(true);
    let mut spare = if is_generous { (missing + 4) / 5 } else { 0 };
    let mut left = missing;
    while left > 0 {
        let is_given_up = spare > 0 && world.random.next().is_multiple_of(3);
        if is_given_up {
            spare -= 1;
        } else {
            let instance = make(world, call, set, &stands, next, until);
            world.put(instance);
            left -= 1;
        }
        next += 1;
    }
    json::set(&mut stands.hidden, "/next_instance", json!(next + spare));
    world.put(stands);
}

fn make(
    world: &mut World,
    call: &Call,
    set: &Target,
    stands: &Resource,
    number: i64,
    until: Timestamp,
) -> Resource {
    let name = format!("{}_{number}", stands.name());
    let mut body = json!({
        "id": format!("{}/virtualMachines/{number}", stands.id),
        "name": name,
        "instanceId": number.to_string(),
        "type": KIND.resource_type,
        "location": stands.body["location"],
        "tags": stands.body["tags"],
        "properties": {
            "vmId": world.random.guid(),
            "timeCreated": call.now.to_string(),
            "provisioningState": "Succeeded",
            "instanceView": view_of("Succeeded", "running", until),
        },
    });
    for key in ["zones", "plan", "identity"] {
        if let Some(value) = stands.body.get(key) {
            body[key] = value.clone();
        }
    }
    apply_model(&mut body, set, stands, number);
    let mut instance = Resource::new(KIND.resource_type, body);
    instance.phases = vec![phase("Creating", "starting", call.now, until)];
    instance
}

/// Makes an instance's body follow the set's model as it is now.
fn apply_model(body: &mut Value, set: &Target, stands: &Resource, number: i64) {
    let profile = json::at(&stands.body, "/properties/virtualMachineProfile");
    let id = json::text(body, "/id").to_owned();
    json::set(
        body,
        "/sku",
        json!({ "name": stands.body["sku"]["name"], "tier": stands.body["sku"]["tier"] }),
    );
    json::set(body, "/resources", json!(extensions_of(profile, &id, &stands.body["location"])));
    let interfaces = json::every(profile, "/networkProfile/networkInterfaceConfigurations/*");
    let interfaces: Vec<Value> = interfaces
        .into_iter()
        .map(
            |interface| json!({ "id": format!("{id}/networkInterfaces/{}", json::text(interface, "/name")) }),
        )
        .collect();
    let model = json!({
        "latestModelApplied": true,
        "modelDefinitionApplied": "VirtualMachineScaleSet",
        "hardwareProfile": {},
        "storageProfile": storage_of(profile, set.name(), number),
        "osProfile": system_of(profile, number),
        "networkProfile": { "networkInterfaces": interfaces },
        "networkProfileConfiguration": {
            "networkInterfaceConfigurations": profile["networkProfile"]["networkInterfaceConfigurations"],
        },
    });
    if let (Value::Object(properties), Value::Object(model)) = (&mut body["properties"], model) {
        properties.extend(model);
    }
}

fn storage_of(profile: &Value, set: &str, number: i64) -> Value {
    let mut storage = profile["storageProfile"].clone();
    let version = images::exact_version(json::at(&storage, "/imageReference"));
    json::set(&mut storage, "/imageReference/exactVersion", json!(version));
    json::set(&mut storage, "/osDisk/name", json!(format!("{set}_{number}_OsDisk_1")));
    storage
}

fn system_of(profile: &Value, number: i64) -> Value {
    let mut system = profile["osProfile"].clone();
    let prefix = json::remove(&mut system, "/computerNamePrefix");
    let prefix = prefix.as_ref().and_then(Value::as_str).unwrap_or("");
    json::set(&mut system, "/computerName", json!(format!("{prefix}{}", base_36(number))));
    system
}

fn extensions_of(profile: &Value, id: &str, location: &Value) -> Vec<Value> {
    let extensions = json::every(profile, "/extensionProfile/extensions/*").into_iter();
    extensions
        .map(|extension| {
            let name = json::text(extension, "/name");
            json!({
                "id": format!("{id}/extensions/{name}"),
                "name": name,
                "type": "Microsoft.Compute/virtualMachines/extensions",
                "location": location,
                "properties": extension["properties"],
            })
        })
        .collect()
}

/// Six places, as the service counts.
fn base_36(number: i64) -> String {
    let digit = |place: u32| {
        let value = number / 36_i64.pow(place) % 36;
        char::from_digit(u32::try_from(value).unwrap_or(0), 36).unwrap_or('0').to_ascii_uppercase()
    };
    (0..6).rev().map(digit).collect()
}

/// The model is another now: the instances follow by themselves, or wait to be upgraded.
pub(super) fn model_changed(world: &mut World, set: &Target, until: Timestamp) {
    let Some(stands) = world.store.get(&set.key()).cloned() else { return };
    let is_manual = json::text(&stands.body, "/properties/upgradePolicy/mode") == "Manual";
    for mut instance in of_set(world, set).into_iter().filter(|one| !one.is_leaving()) {
        if is_manual {
            json::set(&mut instance.body, "/properties/latestModelApplied", json!(false));
            world.put(instance);
        } else {
            upgrade(world, set, &stands, instance, until);
        }
    }
}

/// Brings one instance to the latest model.
pub(super) fn upgrade(
    world: &mut World,
    set: &Target,
    stands: &Resource,
    mut instance: Resource,
    until: Timestamp,
) {
    let number = number(&instance);
    apply_model(&mut instance.body, set, stands, number);
    let shows = json!({ "properties": { "provisioningState": "Updating" } });
    instance.phases.push(Phase { until, shows });
    world.put(instance);
}

/// Lets an instance go.
pub(super) fn dismiss(world: &mut World, mut instance: Resource, until: Timestamp) {
    let now = world.time();
    instance.phases = vec![phase("Deleting", "stopping", now, until)];
    instance.gone_at = Some(until);
    world.put(instance);
}

/// What an instance shows until then.
pub(super) fn phase(state: &str, power: &str, since: Timestamp, until: Timestamp) -> Phase {
    let view = view_of(state, power, since);
    Phase { until, shows: json!({ "properties": { "provisioningState": state, "instanceView": view } }) }
}

/// The view of an instance in a provisioning state and a power state.
pub(super) fn view_of(state: &str, power: &str, since: Timestamp) -> Value {
    let title: String = match state {
        "Succeeded" => "Provisioning succeeded".to_owned(),
        state => state.to_owned(),
    };
    json!({
        "vmAgent": { "vmAgentVersion": "2.11.1.4", "statuses": [status("ProvisioningState/succeeded", "Ready", since)] },
        "statuses": [
            status(&format!("ProvisioningState/{}", state.to_ascii_lowercase()), &title, since),
            status(&format!("PowerState/{power}"), &format!("VM {power}"), since),
        ],
    })
}

pub(super) fn status(code: &str, title: &str, since: Timestamp) -> Value {
    json!({ "code": code, "level": "Info", "displayStatus": title, "time": since.to_string() })
}

/// The summary of a set's instances: how many show each code.
pub(super) fn summary(world: &World, call: &Call, set: &Target) -> Vec<Value> {
    let mut counts: Map<String, Value> = Map::new();
    for instance in of_set(world, set) {
        let view = instance.view(call.now);
        for code in json::every(&view, "/properties/instanceView/statuses/*/code") {
            let count = counts.entry(code.as_str().unwrap_or("")).or_insert(json!(0));
            *count = json!(count.as_i64().unwrap_or(0) + 1);
        }
    }
    counts.into_iter().map(|(code, count)| json!({ "code": code, "count": count })).collect()
}

/// Sets a capacity that follows from instances that were deleted by name.
pub(super) fn set_capacity(world: &mut World, set: &Target, mut stands: Resource) {
    let staying = of_set(world, set).into_iter().filter(|one| !one.is_leaving()).count();
    json::set(&mut stands.body, "/sku/capacity", json!(staying));
    world.put(stands);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computers_are_counted_in_six_places() {
        assert_eq!([base_36(4), base_36(35), base_36(36)], ["000004", "00000Z", "000010"]);
    }
}
