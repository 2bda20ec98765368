//! The published examples, replayed: what they send is taken, and what they show is answered.

use std::path::{Path, PathBuf};

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::support::Cloud;

/// The folder of examples beside the checkout, if this machine has it.
fn examples() -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.map(|folder| folder.join("shared/azure/examples")).find(|folder| folder.is_dir())
}

fn example(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// Every key of `expected` is in `shown`, values aside, since the samples are placeholders.
fn assert_has_keys(shown: &Value, expected: &Value, path: &str) {
    let Some(expected) = expected.as_object() else { return };
    for (key, value) in expected {
        assert!(shown.get(key).is_some(), "{path}/{key} is missing in {shown}");
        assert_has_keys(&shown[key], value, &format!("{path}/{key}"));
    }
}

#[test]
fn published_computes_can_be_made_and_read() {
    let Some(folder) = examples() else {
        println!("skipped: no published examples on this machine");
        return;
    };
    let cases = [
        ("compute-create-amlcompute.json", Some("compute-get-amlcompute.json")),
        ("compute-create-instance.json", Some("compute-get-instance.json")),
        ("compute-create-instance-minimal.json", None),
        ("compute-create-instance-schedules.json", None),
    ];
    for (name, read) in cases {
        let made = example(&folder, name);
        let path = made["request"]["path"].as_str().unwrap();
        let parts: Vec<&str> = path.split('/').collect();
        let mut cloud = Cloud::new(Options { subscription: parts[2].to_owned(), ..Options::default() });
        let (group, workspace) = (parts[..5].join("/"), parts[..9].join("/"));
        cloud.put(&group, &json!({ "location": "eastus" }));
        let ids = json!({ "storageAccount": "/s", "keyVault": "/k" });
        cloud.put(&workspace, &json!({ "location": "eastus", "properties": ids }));
        cloud.pass(30);
        let reply = cloud.put(path, &made["request"]["body"]);
        assert_eq!(
            Some(u64::from(reply.status)),
            made["response"]["status"].as_u64(),
            "{name}: {}",
            reply.value()
        );
        assert_has_keys(&reply.value(), &made["response"]["body"], name);
        cloud.pass(400);
        let shown = cloud.call(Method::Get, path, None).value();
        assert_eq!(shown["properties"]["provisioningState"], "Succeeded", "{name}");
        if let Some(read) = read {
            let mut expected = example(&folder, read)["response"]["body"].clone();
            // A sample instance that stands for an assigned user; ours has none unless the create had one.
            for optional in ["personalComputeInstanceSettings", "customServices", "subnet"] {
                expected["properties"]["properties"].as_object_mut().unwrap().remove(optional);
            }
            assert_has_keys(&shown, &expected, read);
        }
    }
}

/// The path and body of an example's request; what no cloud would take in a placeholder is replaced.
fn request(example: &Value) -> (String, Value) {
    let text = example["request"].to_string().replace("<admin-password>", "Admin-Passw0rd");
    let request: Value = serde_json::from_str(&text).unwrap();
    (request["path"].as_str().unwrap().to_owned(), request["body"].clone())
}

fn group_of(path: &str) -> String {
    path.split('/').take(5).collect::<Vec<_>>().join("/")
}

/// Every value that is no object or list, by its pointer.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(value, &format!("{pointer}/{key}"), found));
        }
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.for_each(|(index, value)| leaves(value, &format!("{pointer}/{index}"), found));
        }
        leaf => found.push((pointer.to_owned(), leaf.clone())),
    }
}

/// Whatever was sent and is in the sample reply is in the reply, in any casing, for some samples are not of one piece.
fn assert_answers(shown: &Value, sent: &Value, sample: &Value, name: &str) {
    let plain = |value: &Value| value.to_string().to_lowercase().replace(' ', "");
    let mut found = Vec::new();
    leaves(sent, "", &mut found);
    let common: Vec<_> = found.iter().filter(|(pointer, _)| sample.pointer(pointer).is_some()).collect();
    assert!(!common.is_empty() || sent.as_object().is_none_or(|sent| sent.is_empty()), "{name} says nothing");
    for (pointer, sent) in common {
        let shown = shown.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(plain(shown), plain(sent), "{name}: {pointer}");
    }
}

/// What the body of an example names, made before it.
fn make_named(cloud: &mut Cloud, path: &str, body: &Value) {
    let mut found = Vec::new();
    leaves(body, "", &mut found);
    let ids = found
        .iter()
        .filter_map(|(_, value)| value.as_str())
        .filter(|text| text.starts_with("/subscriptions/"));
    for id in ids.filter(|id| !id.starts_with(&format!("{path}/"))) {
        let parts: Vec<&str> = id.split('/').collect();
        let (owner, location) = (parts[..9.min(parts.len())].join("/"), &body["location"]);
        let child = json!([{ "name": parts.last(), "properties": {
            "addressPrefix": "10.0.0.0/24", "protocol": "Tcp",
            "frontendPortRangeStart": 1, "frontendPortRangeEnd": 9, "backendPort": 1,
        }}]);
        let made = match parts.get(9).copied() {
            Some("subnets") => {
                let space = json!({ "addressPrefixes": ["10.0.0.0/16"] });
                json!({ "location": location, "properties": { "addressSpace": space, "subnets": child } })
            }
            Some(list @ ("backendAddressPools" | "inboundNatPools")) => {
                let mut stands = cloud.get(&owner).value();
                if stands["properties"].is_null() {
                    stands = json!({ "location": location });
                }
                stands["properties"][list] = child;
                stands
            }
            _ => continue,
        };
        let reply = cloud.put(&owner, &made);
        assert!([200, 201].contains(&reply.status), "{owner}: {}", reply.value());
        cloud.pass(10);
    }
}

fn cloud_of(path: &str, location: &Value) -> Cloud {
    let subscription = path.split('/').nth(2).unwrap().to_owned();
    let mut cloud = Cloud::new(Options { subscription, ..Options::default() });
    cloud.put(&group_of(path), &json!({ "location": location }));
    cloud
}

#[test]
fn published_networks_machines_and_settings_can_be_made_and_read() {
    let Some(folder) = examples() else {
        println!("skipped: no published examples on this machine");
        return;
    };
    let names = [
        "network-put-virtual-network.json",
        "network-put-public-ip-dns.json",
        "network-put-load-balancer.json",
        "network-put-load-balancer-nat-pool.json",
        "vmss-put-load-balancer.json",
        "vmss-put-marketplace-plan.json",
        "vmss-put-ssh-authentication.json",
        "autoscale-put-setting.json",
    ];
    for name in names {
        let sample = example(&folder, name);
        let (path, body) = request(&sample);
        let mut cloud = cloud_of(&path, &body["location"]);
        make_named(&mut cloud, &path, &body);
        for status in [201, 200] {
            let reply = cloud.put(&path, &body);
            assert_eq!(reply.status, status, "{name}: {}", reply.value());
            assert!(sample["responses"].get(status.to_string()).is_some(), "{name} has no {status}");
            assert_answers(&reply.value(), &body, &sample["responses"]["200"]["body"], name);
            cloud.pass(100);
            let shown = cloud.get(&path).value();
            assert_answers(&shown, &body, &sample["responses"]["200"]["body"], name);
            assert!(!shown.to_string().contains("Admin-Passw0rd"), "{name}");
        }
        let gone = cloud.delete(&path).status;
        assert!([200, 202].contains(&gone), "{name}: {gone}");
        cloud.pass(100);
        assert_eq!(cloud.get(&path).status, 404, "{name}");
    }
}

#[test]
fn published_actions_on_scale_sets_are_taken() {
    let Some(folder) = examples() else {
        println!("skipped: no published examples on this machine");
        return;
    };
    let (path, body) = request(&example(&folder, "vmss-put-ssh-authentication.json"));
    let mut cloud = cloud_of(&path, &body["location"]);
    make_named(&mut cloud, &path, &body);
    cloud.put(&path, &body);
    cloud.pass(100);
    let upgrade = example(&folder, "vmss-post-manualupgrade.json");
    let all = json!({ "instanceIds": ["*"] });
    let reply = cloud.post(upgrade["request"]["path"].as_str().unwrap(), Some(&all));
    assert!(upgrade["responses"].get(reply.status.to_string()).is_some(), "{}", reply.value());
    assert!(reply.header("location").is_some());
    cloud.pass(100);
    let removal = example(&folder, "vmss-delete-force.json");
    let reply = cloud.delete(removal["request"]["path"].as_str().unwrap());
    assert!(removal["responses"].get(reply.status.to_string()).is_some(), "{}", reply.value());
    let setting = example(&folder, "autoscale-delete-setting.json");
    let target = setting["request"]["path"].as_str().unwrap();
    cloud.put(&group_of(target), &json!({ "location": "eastus" }));
    let reply = cloud.delete(target);
    assert!(setting["responses"].get(reply.status.to_string()).is_some(), "{}", reply.value());
}

#[test]
fn published_storage_can_be_made_and_read() {
    let Some(folder) = examples() else {
        println!("skipped: no published examples on this machine");
        return;
    };
    for name in ["storage-put-fileshare.json", "storage-get-fileshare.json", "storage-list-keys.json"] {
        let sample = example(&folder, name);
        let (path, body) = request(&sample);
        let account = path.split('/').take(9).collect::<Vec<_>>().join("/");
        let mut cloud = cloud_of(&path, &json!("eastus"));
        cloud.put(&account, &json!({ "location": "eastus" }));
        cloud.pass(30);
        let reply = match sample["request"]["method"].as_str().unwrap() {
            "PUT" => {
                assert_eq!(cloud.put(&path, &body).status, 201, "{name}");
                cloud.put(&path, &body)
            }
            "POST" => cloud.post(&path, None),
            _ => {
                cloud.put(&path, &json!({ "properties": { "shareQuota": 1024 } }));
                cloud.get(&path)
            }
        };
        assert_eq!(reply.status, 200, "{name}: {}", reply.value());
        assert_has_keys(&reply.value(), &sample["responses"]["200"]["body"], name);
    }
}
