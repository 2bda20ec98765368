//! Values that must fit what stands, or each other: ranges of addresses, parts that name parts, numbers in order. What
//! chance made of them is put right here, kind by kind, and chance keeps its say in the rest.

use model::Json;
use serde_json::json;
use testkit::Random;

use crate::generate::{GROUP, LOCATION, SUBSCRIPTION, Values};

/// Puts values right; the number tells cases of one kind apart.
type Fitting = fn(&mut Values, u64, &mut Random);

const FITTINGS: [(&str, Fitting); 10] = [
    ("autoscale", autoscale),
    ("load_balancer", load_balancer),
    ("lock", lock),
    ("network_security_group", network_security_group),
    ("role_assignment", role_assignment),
    ("role_definition", role_definition),
    ("scale_set", scale_set),
    ("scale_set_extension", scale_set_extension),
    ("subnet", subnet),
    ("virtual_network", virtual_network),
];

/// The values as the kind's service takes them.
pub fn fitted(kind: &str, number: u64, mut values: Values, random: &mut Random) -> Values {
    if let Some((_, fit)) = FITTINGS.iter().find(|(name, _)| *name == kind) {
        fit(&mut values, number, random);
    }
    values
}

/// What stands beside the cases of a kind, for them to name.
pub fn beside(kind: &str) -> Vec<Json> {
    let placed = |kind: &str, name: &str| json!({ "kind": kind, "name": name, "resource_group": GROUP, "location": LOCATION });
    let network = || with(placed("virtual_network", "net"), json!({ "address_prefixes": ["10.0.0.0/8"] }));
    let nodes = || json!({ "kind": "subnet", "name": "nodes", "virtual_network": "net", "address_prefix": "10.0.0.0/16" });
    match kind {
        "lock" => vec![placed("user_assigned_identity", "locked")],
        "role_assignment" => vec![
            json!({ "kind": "role_definition", "name": "submitter", "role_name": "Submitter", "permissions": [{ "actions": ["*"] }], "assignable_scopes": [group()] }),
        ],
        "load_balancer" => vec![network(), nodes()],
        "subnet" => vec![network(), placed("network_security_group", "guard")],
        "scale_set" => {
            let balancer = json!({
                "frontends": [{ "name": "front", "subnet": "nodes" }],
                "backend_pools": ["machines"],
                "probes": [{ "name": "ssh", "port": 22 }],
                "rules": [{ "name": "ssh", "frontend": "front", "frontend_port": 22, "backend_port": 22, "backend_pool": "machines", "probe": "ssh" }],
            });
            vec![network(), nodes(), with(placed("load_balancer", "balancer"), balancer)]
        }
        "scale_set_extension" => {
            let image = json!({ "publisher": "Canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts", "version": "latest" });
            let set = json!({
                "size": "Standard_D2s_v3",
                "instances": 1,
                "computer_name_prefix": "pool",
                "admin_username": "scientist",
                "admin_password": "correct-Horse-7",
                "image": image,
                "network_interfaces": [interface(0)],
            });
            vec![network(), nodes(), with(placed("scale_set", "pool"), set)]
        }
        _ => Vec::new(),
    }
}

/// A document with more keys.
fn with(mut document: Json, more: Json) -> Json {
    let Json::Object(more) = more else { unreachable!("more keys are a mapping") };
    document.as_object_mut().unwrap().extend(more);
    document
}

fn group() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}")
}

/// Gives a value another, where there is one.
fn replace(values: &mut Values, path: &'static str, value: Json) {
    if values.contains_key(path) {
        values.insert(path, value);
    }
}

/// The elements of a list, each with its place in it.
fn elements<'v>(values: &'v mut Values, path: &str) -> impl Iterator<Item = (usize, &'v mut Json)> + use<'v> {
    values.get_mut(path).and_then(Json::as_array_mut).into_iter().flatten().enumerate()
}

/// Some of these words, at least one.
fn some(words: &[&str], random: &mut Random) -> Json {
    let first = random.below(words.len() as u64) as usize;
    json!(words.iter().skip(first).collect::<Vec<_>>())
}

/// One text, or several: a rule has one of the two.
fn one_or_several(rule: &mut Json, one: &str, several: &str, words: &[&str], random: &mut Random) {
    let map = rule.as_object_mut().unwrap();
    map.remove(one);
    map.remove(several);
    match random.chance(1, 2) {
        true => map.insert(one.to_owned(), json!(*random.pick(words))),
        false => map.insert(several.to_owned(), json!(words)),
    };
}

fn virtual_network(values: &mut Values, number: u64, random: &mut Random) {
    let own = format!("10.{number}.0.0/16");
    values.insert("address_prefixes", some(&[&own, "172.16.0.0/12", "192.168.0.0/16"], random));
    replace(values, "dns_servers", some(&["10.0.0.4", "10.0.0.5"], random));
}

fn subnet(values: &mut Values, number: u64, random: &mut Random) {
    values.insert("virtual_network", json!("net"));
    values.insert("address_prefix", json!(format!("10.{}.{}.0/24", 100 + number, random.below(4))));
    replace(values, "network_security_group", json!("guard"));
    replace(values, "service_endpoints", some(&["Microsoft.Storage", "Microsoft.KeyVault"], random));
}

fn network_security_group(values: &mut Values, _: u64, random: &mut Random) {
    for (at, rule) in elements(values, "rules") {
        rule["name"] = json!(format!("rule{at}"));
        rule["priority"] = json!(100 + at);
        for side in ["source", "destination"] {
            let prefix = format!("{side}_address_prefix");
            one_or_several(rule, &prefix, &format!("{prefix}es"), &["10.1.0.0/16", "10.2.0.0/16"], random);
        }
        let ports = ["22", "8000-8010"];
        one_or_several(rule, "destination_port_range", "destination_port_ranges", &ports, random);
        rule["source_port_range"] = json!(*random.pick(&["*", "1024-65535"]));
    }
}

fn lock(values: &mut Values, _: u64, _: &mut Random) {
    let identity = "providers/Microsoft.ManagedIdentity/userAssignedIdentities/locked";
    values.insert("scope", json!(format!("{}/{identity}", group())));
}

fn role_definition(values: &mut Values, number: u64, random: &mut Random) {
    let actions = ["Microsoft.Compute/*/read", "Microsoft.Storage/*", "*"];
    let permission = |random: &mut Random| json!({ "actions": some(&actions, random), "not_actions": some(&actions, random) });
    let more = json!({ "data_actions": some(&actions, random), "not_data_actions": some(&actions, random) });
    replace(values, "scope", json!(format!("/subscriptions/{SUBSCRIPTION}")));
    values.insert("role_name", json!(format!("Role {number} {}", random.below(9))));
    let all = match random.chance(1, 2) {
        true => json!([permission(random), more]),
        false => json!([permission(random)]),
    };
    values.insert("permissions", all);
    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
    values.insert("assignable_scopes", some(&[&subscription, &group()], random));
}

fn role_assignment(values: &mut Values, number: u64, _: &mut Random) {
    values.insert("scope", json!(group()));
    values.insert("role_definition", json!("submitter"));
    values.insert("principal_id", json!(format!("00000000-0000-4000-8000-{number:012x}")));
}

fn interface(joins: u64) -> Json {
    let mut address = json!({ "name": "ip", "subnet": "nodes" });
    if joins > 0 {
        let balancer = format!("{}/providers/Microsoft.Network/loadBalancers/balancer", group());
        address["backend_pools"] = json!([format!("{balancer}/backendAddressPools/machines")]);
    }
    json!({ "name": "nic", "ip_configurations": [address] })
}

/// Few machines, one interface, and an image that there is: by its four names, or one's own.
fn scale_set(values: &mut Values, number: u64, random: &mut Random) {
    let odd = number as usize % 2;
    values.insert("location", json!(LOCATION));
    values.insert("size", json!(*random.pick(&["Standard_D2s_v3", "STANDARD_DS3_V2"])));
    replace(values, "instances", json!(random.below(3)));
    replace(values, "zones", json!([if odd == 0 { "1" } else { "2" }]));
    values.insert("admin_password", json!(format!("correct-Horse-{}", random.below(9))));
    replace(values, "os_disk.type", json!(["Standard_LRS", "Premium_LRS"][odd]));
    let has_probe = values.contains_key("health_probe");
    let probe = format!("{}/providers/Microsoft.Network/loadBalancers/balancer/probes/ssh", group());
    replace(values, "health_probe", json!(probe));
    values.insert("network_interfaces", json!([interface(if has_probe { 1 } else { random.below(2) })]));
    for (at, key) in elements(values, "ssh_keys") {
        key["path"] = json!(format!("/home/me{at}/.ssh/authorized_keys"));
    }
    if values.contains_key("eviction_policy") {
        values.insert("priority", json!("Spot"));
    } else {
        replace(values, "priority", json!("Regular"));
    }
    let parts = ["image.publisher", "image.offer", "image.sku", "image.version"];
    parts.iter().for_each(|path| _ = values.remove(path));
    values.remove("image.id");
    if number % 4 == 3 {
        let mine = *random.pick(&["mine", "other"]);
        values.insert("image.id", json!(format!("{}/providers/Microsoft.Compute/images/{mine}", group())));
        return;
    }
    let sku = *random.pick(&["22_04-lts", "22_04-lts-gen2"]);
    let version = *random.pick(&["latest", "22.04.202608010"]);
    let image = ["Canonical", "0001-com-ubuntu-server-jammy", sku, version];
    parts.into_iter().zip(image).for_each(|(path, word)| _ = values.insert(path, json!(word)));
}

/// A set has one extension of each type, and a key is open or protected, not both.
fn scale_set_extension(values: &mut Values, number: u64, random: &mut Random) {
    values.insert("scale_set", json!("pool"));
    values.insert("publisher", json!("Law.Extensions"));
    values.insert("type", json!(format!("Type{number}")));
    values.insert("version", json!(*random.pick(&["1.0", "2.1"])));
    replace(
        values,
        "settings",
        json!({ "timestamp": random.below(9), "fileUris": ["https://example.org/a.sh"] }),
    );
    let command = format!("bash a.sh {}", random.below(9));
    replace(values, "protected_settings", json!({ "commandToExecute": command }));
}

/// Each rule has a port of its own, and names a frontend, a pool and a probe that are there.
fn load_balancer(values: &mut Values, _: u64, random: &mut Random) {
    // What names a subnet lies in its region.
    values.insert("location", json!(LOCATION));
    let frontends = 1 + random.below(2);
    let frontend = |at| json!({ "name": format!("front{at}"), "subnet": "nodes" });
    values.insert("frontends", (0..frontends).map(frontend).collect());
    values.insert("backend_pools", some(&["machines", "others"], random));
    for (at, probe) in elements(values, "probes") {
        probe["name"] = json!(format!("probe{at}"));
        if probe.get("protocol").is_none_or(|word| word.as_str().unwrap().eq_ignore_ascii_case("tcp")) {
            probe.as_object_mut().unwrap().remove("request_path");
        }
    }
    let probes = values.get("probes").and_then(Json::as_array).map_or(0, Vec::len);
    for (at, rule) in elements(values, "rules") {
        rule["name"] = json!(format!("rule{at}"));
        rule["frontend"] = json!(format!("front{}", at as u64 % frontends));
        rule["frontend_port"] = json!(1000 + at);
        if rule.get("backend_pool").is_some() {
            rule["backend_pool"] = json!("others");
        }
        if rule.get("probe").is_some() {
            match probes {
                0 => _ = rule.as_object_mut().unwrap().remove("probe"),
                probes => rule["probe"] = json!(format!("probe{}", at % probes)),
            }
        }
    }
    for (at, pool) in elements(values, "nat_pools") {
        pool["name"] = json!(format!("pool{at}"));
        pool["frontend"] = json!("front0");
        pool["frontend_port_start"] = json!(20_000 + 1000 * at);
        pool["frontend_port_end"] = json!(20_500 + 1000 * at);
    }
}

fn autoscale(values: &mut Values, _: u64, random: &mut Random) {
    let set = format!("{}/providers/Microsoft.Compute/virtualMachineScaleSets/pool", group());
    values.insert("target", json!(set));
    if values.get("profiles").and_then(Json::as_array).is_none_or(Vec::is_empty) {
        values.insert("profiles", json!([{}]));
    }
    let profiles = values["profiles"].as_array().unwrap().iter().take(3).cloned().collect();
    values.insert("profiles", profiles);
    for (at, profile) in elements(values, "profiles") {
        profile["name"] = json!(format!("profile{at}"));
        let least = random.below(5);
        profile["minimum"] = json!(least);
        profile["default"] = json!(least + random.below(3));
        profile["maximum"] = json!(least + 2 + random.below(5));
        if profile.get("recurrence").is_some() {
            profile["recurrence"]["days"] = some(&["Monday", "Friday"], random);
            profile["recurrence"]["hours"] = json!([random.below(24)]);
            profile["recurrence"]["minutes"] = json!([random.below(60)]);
        }
        for rule in profile.get_mut("rules").and_then(Json::as_array_mut).into_iter().flatten() {
            rule["metric_resource"] = json!(set);
        }
    }
}
