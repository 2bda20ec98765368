//! Storage accounts, their keys, and the shares and containers in them; names that all Azure shares.

use emulator::Options;
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, code};

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";

fn cloud() -> Cloud {
    let mut cloud = Cloud::new(Options::default());
    cloud.put(GROUP, &json!({ "location": "westeurope" }));
    cloud
}

fn account() -> String {
    format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/mldata")
}

fn with_account() -> Cloud {
    let mut cloud = cloud();
    let reply = cloud.put(&account(), &json!({ "location": "westeurope", "sku": { "name": "premium_lrs" } }));
    assert_eq!(reply.status, 202);
    cloud.pass(20);
    cloud
}

fn keys(reply: &Value) -> [String; 2] {
    [0, 1].map(|index| reply["keys"][index]["value"].as_str().unwrap().to_owned())
}

#[test]
fn keys_are_renewed_one_by_one_and_never_read_with_the_account() {
    let mut cloud = with_account();
    let shown = cloud.get(&account()).value();
    assert_eq!(shown["sku"], json!({ "name": "Premium_LRS", "tier": "Premium" }));
    let before = keys(&cloud.post(&format!("{}/listKeys?$expand=kerb", account()), None).value());
    cloud.pass(60);
    let renewal = format!("{}/regenerateKey", account());
    let after = keys(&cloud.post(&renewal, Some(&json!({ "keyName": "key2" }))).value());
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
    assert_eq!(keys(&cloud.post(&format!("{}/listKeys", account()), None).value()), after);
    let again = keys(&cloud.post(&renewal, Some(&json!({ "keyName": "key2" }))).value());
    assert!(again[1] != after[1] && again[1] != before[1]);
    let text = cloud.get(&account()).value().to_string();
    assert!(after.iter().chain(&before).all(|key| !text.contains(key)));
    let wrong = cloud.post(&renewal, Some(&json!({ "keyName": "key3" })));
    assert_eq!(code(&wrong), "InvalidValuesForRequestParameters");
    cloud.put(&account(), &json!({ "location": "westeurope", "sku": { "name": "Premium_LRS" } }));
    assert_eq!(
        keys(&cloud.post(&format!("{}/listKeys", account()), None).value()),
        again,
        "a PUT renews none"
    );
}

#[test]
fn what_an_account_is_made_as_stays() {
    let mut cloud = with_account();
    let changed = json!({ "location": "westeurope", "properties": { "isHnsEnabled": true } });
    let reply = cloud.put(&account(), &changed);
    assert_eq!((reply.status, code(&reply).as_str()), (409, "AccountPropertyCannotBeUpdated"));
    let patch = json!({ "sku": { "name": "Standard_LRS" } });
    assert_eq!(code(&cloud.patch(&account(), &patch)), "AccountPropertyCannotBeUpdated", "another tier");
    assert_eq!(cloud.patch(&account(), &json!({ "sku": { "name": "Premium_ZRS" } })).status, 200);
}

#[test]
fn shares_and_containers_live_in_the_services_of_their_account() {
    let mut cloud = with_account();
    let services = ["fileServices", "blobServices"].map(|kind| format!("{}/{kind}", account()));
    for service in &services {
        let listed = cloud.get(service).value();
        assert_eq!(listed["value"][0]["name"], "default");
        assert_eq!(cloud.put(&format!("{service}/default"), &json!({ "properties": {} })).status, 200);
        assert_eq!(code(&cloud.put(&format!("{service}/other"), &json!({}))), "InvalidResourceName");
    }
    let share = format!("{}/default/shares/work", services[0]);
    let reply = cloud.put(&share, &json!({ "properties": { "shareQuota": 100 } }));
    assert_eq!((reply.status, &reply.value()["properties"]), (201, &json!({ "shareQuota": 100 })));
    let shown = cloud.get(&share).value();
    assert_eq!(shown["properties"]["enabledProtocols"], "SMB");
    assert!(shown["etag"].as_str().unwrap().starts_with("\"0x8"), "{shown}");
    assert_eq!(cloud.patch(&share, &json!({ "properties": { "shareQuota": 200 } })).status, 200);
    assert_eq!(cloud.put(&share, &json!({ "properties": { "shareQuota": 300 } })).status, 200);
    assert_eq!(cloud.get(&share).value()["properties"]["shareQuota"], 300);
    let nfs = json!({ "properties": { "enabledProtocols": "NFS" } });
    assert_eq!(cloud.put(&share, &nfs).status, 409);
    let huge = json!({ "properties": { "shareQuota": 102_401 } });
    assert_eq!(code(&cloud.put(&share, &huge)), "InvalidRequestPropertyValue");
    assert_eq!(code(&cloud.put(&format!("{share}--x"), &json!({}))), "InvalidResourceName");
    assert_eq!(code(&cloud.put(&format!("{}/default/shares/x", services[0]), &json!({}))), "OutOfRangeInput");
    cloud.put(&format!("{}/default/shares/other", services[0]), &json!({}));
    let filter = format!("{}/default/shares?$filter=startswith(name,%20'wo')", services[0]);
    assert_eq!(cloud.get(&filter).value()["value"].as_array().unwrap().len(), 1);

    let container = format!("{}/default/containers/plumb-state", services[1]);
    assert_eq!(cloud.put(&container, &json!({})).status, 201);
    let shown = cloud.get(&container).value();
    assert_eq!(shown["properties"]["leaseState"], "Available");
    assert_eq!(shown["type"], "Microsoft.Storage/storageAccounts/blobServices/containers");
    assert_eq!((cloud.delete(&container).status, cloud.delete(&container).status), (200, 204));
    assert_eq!(cloud.delete(&account()).status, 200);
    assert_eq!(code(&cloud.get(&share)), "ParentResourceNotFound");
    cloud.put(&account(), &json!({ "location": "westeurope" }));
    cloud.pass(20);
    assert_eq!(cloud.get(&share).status, 404, "nothing comes back with the account");
}

#[test]
fn names_are_checked_before_and_at_the_write() {
    let mut cloud = with_account();
    let other_group = format!("{SUBSCRIPTION}/resourceGroups/other");
    cloud.put(&other_group, &json!({ "location": "eastus" }));
    let vaults = "providers/Microsoft.KeyVault/vaults";
    let vault = json!({ "location": "westeurope", "properties": { "tenantId": "t" } });
    assert_eq!(cloud.put(&format!("{GROUP}/{vaults}/vault-1"), &vault).status, 200);
    let registry = "providers/Microsoft.ContainerRegistry/registries";
    cloud.put(&format!("{GROUP}/{registry}/mlregistry"), &json!({ "location": "westeurope" }));
    let mut ask = |namespace: &str, kind: &str, name: &str| {
        let target = format!("{SUBSCRIPTION}/providers/{namespace}/checkNameAvailability");
        let sent = json!({ "name": name, "type": format!("{namespace}/{kind}") });
        let answer = cloud.post(&target, Some(&sent)).value();
        (answer["nameAvailable"].as_bool().unwrap(), answer["reason"].as_str().unwrap_or("").to_owned())
    };
    for (namespace, kind, free, taken, wrong, reason) in [
        ("Microsoft.Storage", "storageAccounts", "free1", "MLDATA", "a-b", "AccountNameInvalid"),
        ("Microsoft.KeyVault", "vaults", "vault-2", "VAULT-1", "1vault", "VaultNameNotValid"),
        ("Microsoft.ContainerRegistry", "registries", "free1", "mlRegistry", "a-b-c", "Invalid"),
    ] {
        assert_eq!(ask(namespace, kind, free), (true, String::new()));
        let taken = ask(
            namespace,
            kind,
            &if namespace.contains("Storage") { taken.to_lowercase() } else { taken.into() },
        );
        assert_eq!(taken, (false, "AlreadyExists".to_owned()), "{namespace}");
        assert_eq!(ask(namespace, kind, wrong), (false, reason.to_owned()));
    }
    let elsewhere = account().replace("/rg/", "/other/");
    let taken = cloud.put(&elsewhere, &json!({ "location": "eastus" }));
    assert_eq!((taken.status, code(&taken).as_str()), (409, "StorageAccountAlreadyTaken"));
    let wrong = cloud.put(&account().replace("mldata", "ML"), &json!({ "location": "eastus" }));
    assert_eq!((wrong.status, code(&wrong).as_str()), (400, "AccountNameInvalid"));
    let taken = cloud.put(&format!("{other_group}/{vaults}/vault-1"), &vault);
    assert_eq!((taken.status, code(&taken).as_str()), (409, "VaultAlreadyExists"));
}

#[test]
fn a_deleted_vault_holds_its_name_until_it_is_purged_or_recovered() {
    let mut cloud = cloud();
    let vault = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/vault-1");
    let body = |mode: &str| json!({ "location": "westeurope", "tags": { "a": mode }, "properties": { "tenantId": "t", "createMode": mode } });
    let deleted =
        format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/vault-1");
    assert_eq!(cloud.put(&vault, &body("default")).status, 200);
    assert_eq!(cloud.get(&deleted).status, 404);
    assert_eq!(cloud.delete(&vault).status, 200);
    assert_eq!(cloud.get(&vault).status, 404);
    assert_eq!(cloud.get(&deleted).value()["properties"]["vaultId"], json!(vault));
    let all = cloud.get(&format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults")).value();
    assert_eq!(all["value"].as_array().unwrap().len(), 1);
    let again = cloud.put(&vault, &body("default"));
    assert_eq!((again.status, code(&again).as_str()), (409, "ConflictError"));
    assert_eq!(cloud.put(&vault, &body("recover")).status, 200);
    assert_eq!(cloud.get(&vault).value()["tags"], json!({ "a": "default" }), "as it was");
    assert_eq!(code(&cloud.put(&vault.replace("-1", "-2"), &body("recover"))), "DeletedVaultNotFound");
    cloud.delete(&vault);
    assert_eq!(cloud.post(&format!("{deleted}/purge"), None).status, 202);
    assert_eq!(cloud.put(&vault, &body("default")).status, 200);
    cloud.delete(&vault);
    cloud.pass(91 * 86_400);
    assert_eq!(cloud.get(&deleted).status, 404, "after ninety days it is gone by itself");
    assert_eq!(cloud.put(&vault, &body("default")).status, 200);
}
