//! The published examples of the ML service, replayed: what they send is taken, and what they show is answered.

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
