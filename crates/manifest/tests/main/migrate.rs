//! A Batch AI cluster that says everything it could: of each field something becomes, and of no secret anything is left.

use std::collections::{BTreeMap, BTreeSet};

use manifest::migrate::{Fate, OldCluster, Wishes, migrate};
use manifest::write;
use serde_json::{Value, json};

fn wishes() -> Wishes {
    Wishes {
        workspace: "research".to_owned(),
        location: Some("West Europe".to_owned()),
        sizes: BTreeMap::from([("standard_nc6".to_owned(), "Standard_NC4as_T4_v3".to_owned())]),
        names: BTreeMap::new(),
        max_when_empty: 1,
        storage_account: None,
    }
}

/// Every property that the service took or answered; what is secret has `SECRET` in it.
fn everything() -> Value {
    json!({ "properties": {
        "vmSize": "STANDARD_NC6",
        "vmPriority": "lowpriority",
        "scaleSettings": {
            "manual": { "targetNodeCount": 0, "nodeDeallocationOption": "terminate" },
        },
        "virtualMachineConfiguration": { "imageReference": {
            "publisher": "microsoft-ads", "offer": "linux-data-science-vm-ubuntu", "sku": "linuxdsvmubuntu", "version": "latest",
            "virtualMachineImageId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/mine",
        }},
        "userAccountSettings": {
            "adminUserName": "me", "adminUserSshPublicKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1vNqwD0dsRk5mQOgWc4bYhF0V8o5aGPnRk7lB1q2Wf me",
            "adminUserPassword": "SECRET-1",
        },
        "subnet": { "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s" },
        "nodeSetup": {
            "setupTask": {
                "commandLine": "apt-get install -y jq",
                "environmentVariables": [{ "name": "QUOTED", "value": "it's" }, { "name": "bad name; rm", "value": "x" }],
                "secrets": [{ "name": "TOKEN", "value": "SECRET-2" }],
                "stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/afs",
                "stdOutErrPathSuffix": "x",
            },
            "mountVolumes": {
                "azureFileShares": [
                    { "accountName": "files", "azureFileUrl": "https://files.file.core.windows.net/data", "credentials": { "accountKey": "SECRET-3" }, "relativeMountPath": "data", "fileMode": "0755", "directoryMode": "0777" },
                    { "accountName": "others", "azureFileUrl": "https://others.file.core.windows.net/data", "relativeMountPath": "Data" },
                ],
                "azureBlobFileSystems": [
                    { "accountName": "files", "containerName": "data", "credentials": { "accountKey": "SECRET-4" }, "relativeMountPath": "data", "mountOptions": "-o ro" },
                ],
                "fileServers": [{ "fileServer": { "id": "/x/fileservers/nfs" }, "relativeMountPath": "nfs" }],
                "unmanagedFileSystems": [{ "mountCommand": "mount -o password=SECRET-5", "relativeMountPath": "own" }],
            },
            "performanceCountersSettings": { "appInsightsReference": { "component": { "id": "/x/components/i" }, "instrumentationKey": "SECRET-6" } },
        },
        "provisioningState": "succeeded",
        "allocationState": "steady",
        "currentNodeCount": 0,
        "nodeStateCounts": { "idleNodeCount": 0 },
        "creationTime": "2018-06-06T20:46:45.18Z",
        "strange": { "deep": "SECRET-7" },
    }})
}

fn old(name: &str, body: Value) -> OldCluster {
    OldCluster {
        label: format!("{name}.json"),
        name: name.to_owned(),
        body,
        location: Some("eastus".to_owned()),
        tags: BTreeMap::from([("team".to_owned(), "vision".to_owned())]),
    }
}

#[test]
fn every_field_has_its_fate_and_no_secret_is_carried_over() {
    let moved = migrate(&[old("big_one", everything())], &wishes()).expect("it can be moved");
    let new = &moved[0];
    let mut text = write(&new.documents);
    for (name, file) in &new.files {
        text.push_str(&format!("---- {name}\n{file}"));
    }
    text.push_str("----\n");
    for field in &new.fields {
        text.push_str(&format!(
            "{}: {} = {}: {}\n",
            field.fate.words(),
            field.path,
            field.value,
            field.words
        ));
    }
    assert!(!text.contains("SECRET"), "{text}");
    testkit::golden(&testkit::workspace_root().join("testdata/migrate/everything.txt"), &text);

    // Each leaf that somebody asked for is below a field of the report.
    let mut leaves = BTreeSet::new();
    collect("", &everything()["properties"], &mut leaves);
    let seen =
        ["provisioningState", "allocationState", "currentNodeCount", "nodeStateCounts", "creationTime"];
    let untold: Vec<&String> = leaves
        .iter()
        .filter(|leaf| !seen.iter().any(|path| leaf.starts_with(path)))
        .filter(|leaf| !leaf.ends_with("stdOutErrPathSuffix"))
        .filter(|leaf| !new.fields.iter().any(|field| is_about(&field.path, leaf)))
        .collect();
    assert!(untold.is_empty(), "nothing is said of {untold:?}");
}

/// Whether a field of a report is about a leaf: it is this leaf, or one of what lies above it.
fn is_about(path: &str, leaf: &str) -> bool {
    leaf == path || leaf.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']))
}

fn collect(path: &str, value: &Value, leaves: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                collect(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, value, leaves);
            }
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| collect(&format!("{path}[{at}]"), value, leaves));
        }
        _ => _ = leaves.insert(path.to_owned()),
    }
}

#[test]
fn what_two_clusters_mounted_is_one_datastore() {
    let moved = migrate(&[old("one", everything()), old("two", everything())], &wishes()).expect("both move");
    let names = |at: usize| {
        let stores = moved[at].documents.iter().filter(|document| document.kind.name == "datastore");
        stores.map(|document| document.name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["data", "others_data", "files_data"]);
    assert_eq!(names(1), Vec::<&str>::new());
}

#[test]
fn what_is_in_the_way_is_said_at_once_with_its_flag() {
    let nameless = json!({ "properties": { "vmSize": "Standard_D2", "nodeSetup": { "mountVolumes": { "azureFileShares": [
        { "accountName": "<AZURE_BATCHAI_STORAGE_ACCOUNT>", "azureFileUrl": "https://<AZURE_BATCHAI_STORAGE_ACCOUNT>.file.core.windows.net/batchaishare", "relativeMountPath": "afs" }
    ]}}}});
    let clusters = [
        old("a_b", json!({ "properties": { "vmSize": "Standard_NC6s_v2" } })),
        old("a-b", json!({ "properties": { "vmSize": "Standard_D2" } })),
        old("1st", nameless),
        old("none", json!({})),
    ];
    let mut asked = wishes();
    asked.sizes = BTreeMap::from([("Standard_D3".to_owned(), "Standard_D4".to_owned())]);
    asked.names = BTreeMap::from([("a_c".to_owned(), "abc".to_owned())]);
    let said = migrate(&clusters, &asked).expect_err("much is wrong").join("\n");
    for words in [
        "a_b.json: Azure has retired the size Standard_NC6s_v2: say another with `--size Standard_NC6s_v2=SIZE`",
        "a-b.json and a_b.json would both be called \"a-b\": say `--rename a-b=NAME`",
        "1st.json: the name \"1st\" must start with a letter: say `--rename 1st=NAME`",
        "say `--storage-account NAME`",
        "none.json: it has no `properties.vmSize`",
        "--rename a_c=…: no cluster here has that; did you mean \"a_b\"?",
        "--size Standard_D3=…: no cluster here has that; did you mean \"Standard_D2\"?",
    ] {
        assert!(said.contains(words), "{words}\n\n{said}");
    }
}

#[test]
fn a_scale_of_its_own_and_a_key_are_carried_as_they_are() {
    let body = json!({ "properties": { "vmSize": "Standard_D2", "scaleSettings": { "autoScale": { "minimumNodeCount": 1, "maximumNodeCount": 5 } }, "userAccountSettings": { "adminUserName": "me" } } });
    let moved =
        migrate(&[old("nodes", body)], &Wishes { sizes: BTreeMap::new(), ..wishes() }).expect("it moves");
    let cluster = &moved[0].documents[0].attributes;
    assert_eq!((&cluster["min_instances"], &cluster["max_instances"]), (&json!(1), &json!(5)));
    assert!(!cluster.contains_key("ssh_settings.admin_username"), "without a key there is no account");
    let user =
        moved[0].fields.iter().find(|f| f.path == "userAccountSettings.adminUserName").expect("it is told");
    assert_eq!(user.fate, Fate::Decide);
}
