//! The exact requests of each verb.

use arm::ArmProvider;
use executor::provider::Outcome;
use model::{ArmId, Change};
use planner::Verb;
use serde_json::{Value as Json, json};

use crate::support::*;

const ID_A: &str =
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a";
const ID_B: &str =
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/b";

async fn sent(provider: &ArmProvider, asked: Asked) -> Option<executor::provider::Operation> {
    asked.send(provider).await.unwrap().operation
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_created_in_its_workspaces_region_read_once() {
    let created = with(
        reply(201, json!({ "properties": { "provisioningState": "Creating" } })),
        "azure-asyncoperation",
        OPERATION,
    );
    let wire = Wire::new([
        (&format!("GET ~{ML}"), reply(200, json!({ "location": "westeurope" }))),
        (&format!("PUT ~/computes/cpu{ML}"), created.clone()),
        (&format!("PUT ~/computes/cpu2{ML}"), created),
    ]);
    let provider = wire.provider();
    let values = json!({ "workspace": "ws", "location": "northeurope", "size": "Standard_DS3_v2", "tier": "low_priority", "min_instances": 0, "max_instances": 4, "idle_time_before_scale_down": 120, "description": null });
    let operation =
        sent(&provider, Asked::new("cluster", &compute("cpu"), Verb::Create, values.clone())).await.unwrap();
    assert_eq!(operation.url.as_deref(), Some(OPERATION));
    assert!(!operation.deletes);
    sent(&provider, Asked::new("cluster", &compute("cpu2"), Verb::Create, values)).await;
    let expected = json!({
        "location": "westeurope",
        "properties": {
            "computeType": "AmlCompute",
            "computeLocation": "northeurope",
            "properties": {
                "vmSize": "Standard_DS3_v2",
                "vmPriority": "LowPriority",
                "scaleSettings": { "minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT2M" },
            },
        },
    });
    assert_eq!(wire.last_body(), expected);
    let seen = &wire.end()[1].headers;
    assert_eq!(seen["authorization"], "Bearer the-token");
    assert_eq!(seen["content-type"], "application/json");
    assert_eq!(seen["x-ms-correlation-request-id"], provider.client().correlation_id().to_string());
    assert_ne!(seen["x-ms-client-request-id"], wire.end()[0].headers["x-ms-client-request-id"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_puts_back_what_is_live() {
    let live = json!({
        "id": format!("{WORKSPACE}/computes/cpu"), "name": "cpu", "type": "t", "location": "westeurope", "tags": { "old": "1" },
        "identity": { "type": "UserAssigned", "principalId": null, "tenantId": "t", "userAssignedIdentities": { ID_A: { "clientId": "c", "principalId": "p" }, ID_B: {} } },
        "properties": {
            "computeType": "AmlCompute", "computeLocation": "westeurope", "description": null, "provisioningState": "Succeeded", "createdOn": "x",
            "properties": {
                "vmSize": "STANDARD_DS3_V2", "subnet": null, "allocationState": "Steady", "propertyBag": {},
                "userAccountCredentials": { "adminUserName": "me", "adminUserPassword": null },
                "scaleSettings": { "minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT2M" },
            },
        },
    });
    let wire = Wire::new([
        (&format!("GET ~/computes/cpu{ML}"), reply(200, live)),
        (&format!("PUT ~/computes/cpu{ML}"), reply(200, json!({}))),
    ]);
    let values = json!({
        "tags": {}, "identity.type": "user_assigned", "identity.user_assigned_identities": [ID_B], "size": "Standard_DS3_v2", "max_instances": 9,
        "ssh_settings.admin_username": "me", "ssh_settings.admin_password": "pw",
    });
    let paths = ["tags", "identity.user_assigned_identities"];
    sent(&wire.provider(), Asked::new("cluster", &compute("cpu"), Verb::Put, values).only(&paths)).await;
    let expected = json!({
        "location": "westeurope", "tags": {},
        "identity": { "type": "UserAssigned", "userAssignedIdentities": { ID_B: {} } },
        "properties": {
            "computeType": "AmlCompute", "computeLocation": "westeurope",
            "properties": {
                "vmSize": "STANDARD_DS3_V2", "propertyBag": {},
                "userAccountCredentials": { "adminUserName": "me", "adminUserPassword": "pw" },
                "scaleSettings": { "minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT2M" },
            },
        },
    });
    assert_eq!(wire.last_body(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_is_none_leaves_no_map() {
    let live = json!({ "identity": { "type": "UserAssigned", "userAssignedIdentities": { ID_A: {} } }, "properties": {} });
    let wire = Wire::new([
        (&format!("GET ~/computes/cpu{ML}"), reply(200, live)),
        (&format!("PUT ~/computes/cpu{ML}"), reply(200, json!({}))),
    ]);
    let values = json!({ "identity.type": "none", "identity.user_assigned_identities": [] });
    sent(&wire.provider(), Asked::new("cluster", &compute("cpu"), Verb::Put, values)).await;
    assert_eq!(wire.last_body(), json!({ "identity": { "type": "None" }, "properties": {} }));
}

#[tokio::test(start_paused = true)]
async fn scale_goes_by_patch_and_whole() {
    let scale = json!({ "minNodeCount": 1, "maxNodeCount": 8, "nodeIdleTimeBeforeScaleDown": "PT5M" });
    let live = json!({ "properties": { "properties": { "scaleSettings": scale } } });
    let accepted = with(
        reply(202, json!({ "properties": { "provisioningState": "Updating" } })),
        "Azure-AsyncOperation",
        OPERATION,
    );
    let wire = Wire::new([
        (&format!("GET ~/computes/cpu{ML}"), reply(200, live)),
        (&format!("PATCH ~/computes/cpu{ML}"), accepted.clone()),
        (&format!("PATCH ~/computes/cpu{ML}"), accepted),
    ]);
    let provider = wire.provider();
    let values =
        json!({ "min_instances": 2, "max_instances": 4, "idle_time_before_scale_down": 120, "size": "x" });
    // Somebody may have told plumb to ignore the others: they stay as they are.
    let one = Asked::new("cluster", &compute("cpu"), Verb::Patch, values.clone()).only(&["min_instances"]);
    assert!(sent(&provider, one).await.is_some());
    let all = ["min_instances", "max_instances", "idle_time_before_scale_down"];
    sent(&provider, Asked::new("cluster", &compute("cpu"), Verb::Patch, values).only(&all)).await;
    let body = |min, max, idle| json!({ "properties": { "properties": { "scaleSettings": { "minNodeCount": min, "maxNodeCount": max, "nodeIdleTimeBeforeScaleDown": idle } } } });
    assert_eq!(wire.end()[1].body, body(2, 8, "PT5M"));
    assert_eq!(wire.last_body(), body(2, 4, "PT2M"));
}

#[tokio::test(start_paused = true)]
async fn a_workspace_patch_names_lost_identities() {
    let live = json!({ "identity": { "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": { ID_A: {}, ID_B.to_uppercase(): {} } } });
    let wire = Wire::new([
        (&format!("GET ~{ML}"), reply(200, live)),
        (&format!("PATCH ~{ML}"), with(reply(202, Json::Null), "location", OPERATION)),
    ]);
    let values = json!({ "identity.type": "system_assigned,user_assigned", "identity.user_assigned_identities": [ID_B], "description": null, "public_network_access": "Disabled", "tags": { "a": "b" } });
    let paths = ["identity.user_assigned_identities", "description", "public_network_access", "tags"];
    let operation =
        sent(&wire.provider(), Asked::new("workspace", &workspace(), Verb::Patch, values).only(&paths)).await;
    assert_eq!(operation.unwrap().url.as_deref(), Some(OPERATION));
    let expected = json!({
        "identity": { "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": { ID_A: null, ID_B: {} } },
        "properties": { "description": "", "publicNetworkAccess": "Disabled" },
        "tags": { "a": "b" },
    });
    assert_eq!(wire.last_body(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_vault_gets_the_subscriptions_tenant() {
    let id = ArmId::group("s", "rg").in_group("Microsoft.KeyVault/vaults", "kv");
    let vault = format!("{id}?api-version=2023-07-01");
    let wire = Wire::new([
        ("GET /subscriptions/s?api-version=2022-12-01", reply(200, json!({ "tenantId": "tenant-1" }))),
        (&format!("PUT {vault}"), reply(201, json!({ "properties": { "provisioningState": "Succeeded" } }))),
        (&format!("PATCH {vault}"), reply(200, json!({}))),
    ]);
    let provider = wire.provider();
    let values = json!({ "resource_group": "rg", "location": "westeurope", "sku": "standard" });
    assert!(sent(&provider, Asked::new("key_vault", &id, Verb::Create, values)).await.is_none());
    let sku = Asked::new("key_vault", &id, Verb::Patch, json!({ "sku": "premium" }));
    sent(&provider, sku).await;
    let properties =
        json!({ "tenantId": "tenant-1", "accessPolicies": [], "sku": { "family": "A", "name": "standard" } });
    assert_eq!(wire.end()[1].body, json!({ "location": "westeurope", "properties": properties }));
    assert_eq!(wire.last_body(), json!({ "properties": { "sku": { "family": "A", "name": "premium" } } }));
}

#[tokio::test(start_paused = true)]
async fn actions_have_their_own_version_and_body() {
    let wire = Wire::new([
        (
            "POST ~/computes/ci/updateIdleShutdownSetting?api-version=2025-10-01-preview",
            reply(200, Json::Null),
        ),
        ("POST ~/computes/ci/customServices?api-version=2025-10-01-preview", reply(200, Json::Null)),
        (
            &format!("POST ~/computes/ci/start{ML}"),
            with(reply(202, Json::Null), "azure-asyncoperation", OPERATION),
        ),
        (&format!("POST ~/computes/ci/stop{ML}"), reply(202, Json::Null)),
    ]);
    let provider = wire.provider();
    let act = |path: &str, value: Json| {
        let Change::Action(action) = kind("instance").attribute(path).unwrap().change else {
            panic!("no action")
        };
        let mut values = json!({});
        values[path] = value;
        Asked::new("instance", &compute("ci"), Verb::Act(action), values)
    };
    assert!(sent(&provider, act("idle_time_before_shutdown_minutes", json!(60))).await.is_none());
    sent(&provider, act("custom_applications", Json::Null)).await;
    assert!(
        sent(&provider, Asked::new("instance", &compute("ci"), Verb::Start, json!({})))
            .await
            .unwrap()
            .url
            .is_some()
    );
    let stop = sent(&provider, Asked::new("instance", &compute("ci"), Verb::Stop, json!({}))).await.unwrap();
    assert_eq!(stop.url, None);
    let seen = wire.end();
    assert_eq!(seen[0].body, json!({ "idleTimeBeforeShutdown": "PT60M" }));
    assert_eq!(seen[1].body, json!([]));
    assert_eq!(seen[2].headers["content-length"], "0");
}

#[tokio::test(start_paused = true)]
async fn deletes_say_what_becomes_of_the_rest() {
    let wire = Wire::new([
        (
            &format!("DELETE ~/computes/cpu{ML}&underlyingResourceAction=Delete"),
            with(reply(202, Json::Null), "azure-asyncoperation", OPERATION),
        ),
        (&format!("DELETE ~{ML}&forceToPurge=true"), reply(200, Json::Null)),
        (&format!("DELETE ~{ML}"), reply(204, Json::Null)),
        (&format!("DELETE ~{ML}"), error(404, "ResourceNotFound")),
        (&format!("DELETE ~{ML}"), error(404, "SubscriptionNotFound")),
    ]);
    let provider = wire.provider();
    assert!(
        sent(&provider, Asked::new("cluster", &compute("cpu"), Verb::Delete, json!({})))
            .await
            .unwrap()
            .deletes
    );
    let delete = |purge: bool| {
        Asked::new("workspace", &workspace(), Verb::Delete, json!({ "purge_on_delete": purge }))
    };
    assert_eq!(sent(&provider, delete(true)).await.unwrap().url, None);
    assert!(sent(&provider, delete(false)).await.is_none());
    assert!(sent(&provider, delete(false)).await.is_none());
    let refused = delete(false).send(&provider).await.unwrap_err();
    assert_eq!((refused.outcome, refused.code.as_str()), (Outcome::NotDone, "SubscriptionNotFound"));
    wire.end();
}

#[tokio::test(start_paused = true)]
async fn an_id_of_another_type_is_not_called() {
    let wire = Wire::new([]);
    let refused = Asked::new("cluster", &workspace(), Verb::Delete, json!({})).send(&wire.provider()).await;
    assert_eq!(refused.unwrap_err().outcome, Outcome::NotDone);
    wire.end();
}
