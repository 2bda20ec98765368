//! Resource groups, the generic lists, and the plain kinds.

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, cluster_body, code, compute, workspace};

fn cloud() -> Cloud {
    let mut cloud = Cloud::new(Options::default());
    cloud.put(GROUP, &json!({ "location": "West Europe", "tags": { "a": "b" } }));
    cloud
}

fn id(kind: &str, name: &str) -> String {
    format!("{GROUP}/providers/{kind}/{name}")
}

#[test]
fn groups_are_made_changed_and_removed_with_all_they_hold() {
    let mut cloud = Cloud::with_workspace(Options::default());
    cloud.put(&compute("cpu"), &cluster_body());
    cloud.pass(10);
    let shown = cloud.get(&GROUP.to_uppercase().replace("/SUBSCRIPTIONS", "/subscriptions")).value();
    assert_eq!(
        (&shown["name"], &shown["type"]),
        (&json!("rg"), &json!("Microsoft.Resources/resourceGroups"))
    );
    assert_eq!(cloud.call(Method::Head, GROUP, None).status, 204);
    assert_eq!(cloud.put(GROUP, &json!({ "location": "westeurope" })).status, 200);
    assert_eq!(code(&cloud.put(GROUP, &json!({ "location": "eastus" }))), "InvalidResourceGroupLocation");
    assert_eq!(cloud.patch(GROUP, &json!({ "tags": { "c": "d" } })).value()["tags"], json!({ "c": "d" }));
    let reply = cloud.delete(GROUP);
    assert_eq!(reply.status, 202);
    assert!(reply.header("azure-asyncoperation").is_none());
    let url = reply.header("location").unwrap();
    assert_eq!(cloud.follow(url).status, 202);
    assert_eq!(code(&cloud.put(&compute("cpu2"), &cluster_body())), "ResourceGroupBeingDeleted");
    cloud.pass(30);
    assert_eq!(cloud.follow(url).status, 200);
    assert_eq!(cloud.call(Method::Head, GROUP, None).status, 404);
    assert_eq!(code(&cloud.get(&workspace())), "ResourceGroupNotFound");
    assert_eq!(cloud.delete(GROUP).status, 404);
    cloud.put(GROUP, &json!({ "location": "westeurope" }));
    assert_eq!(cloud.get(&workspace()).status, 404, "nothing comes back with the group");
}

#[test]
fn a_storage_account_comes_by_location_alone() {
    let mut cloud = cloud();
    let target = id("Microsoft.Storage/storageAccounts", "sa1");
    let body = json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" } });
    let reply = cloud.put(&target, &body);
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    assert!(reply.header("azure-asyncoperation").is_none());
    let url = reply.header("location").unwrap();
    assert_eq!(cloud.follow(url).status, 202);
    cloud.pass(20);
    let shown = cloud.follow(url).value();
    assert_eq!(shown["properties"]["primaryEndpoints"]["blob"], "https://sa1.blob.core.windows.net/");
    assert_eq!(shown["properties"]["supportsHttpsTrafficOnly"], true);
    assert_eq!(shown["sku"], json!({ "name": "Standard_LRS", "tier": "Standard" }));
    assert_eq!(cloud.put(&target, &body).status, 200);
    let patch = json!({ "properties": { "minimumTlsVersion": "TLS1_2" } });
    assert_eq!(cloud.patch(&target, &patch).value()["properties"]["minimumTlsVersion"], "TLS1_2");
    assert_eq!(cloud.get(&target).value()["properties"]["accessTier"], "Hot");
    assert_eq!(cloud.post(&format!("{target}/listKeys"), None).value()["keys"][0]["permissions"], "FULL");
    assert_eq!((cloud.delete(&target).status, cloud.delete(&target).status), (200, 204));
}

#[test]
fn the_other_kinds_fill_in_what_azure_makes_up() {
    let mut cloud = cloud();
    let at = |properties: Value| json!({ "location": "westeurope", "properties": properties });
    let cases = [
        ("Microsoft.KeyVault/vaults", at(json!({ "tenantId": "t" })), "/properties/vaultUri"),
        (
            "Microsoft.Insights/components",
            at(json!({ "Application_Type": "web" })),
            "/properties/InstrumentationKey",
        ),
        ("Microsoft.OperationalInsights/workspaces", at(json!({})), "/properties/customerId"),
        (
            "Microsoft.ContainerRegistry/registries",
            at(json!({ "adminUserEnabled": true })),
            "/properties/loginServer",
        ),
        (
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            json!({ "location": "westeurope" }),
            "/properties/principalId",
        ),
    ];
    for (kind, body, made_up) in cases {
        let target = id(kind, "Thing");
        let reply = cloud.put(&target, &body);
        assert!([200, 201].contains(&reply.status), "{kind}: {}", reply.value());
        let first = cloud.get(&target).value();
        assert!(first.pointer(made_up).is_some_and(Value::is_string), "{kind}");
        assert_eq!(cloud.put(&target, &body).status, 200);
        assert_eq!(cloud.get(&target).value().pointer(made_up), first.pointer(made_up), "{kind} keeps it");
        let tagged = cloud.patch(&target, &json!({ "tags": { "x": "y" } }));
        assert_eq!((tagged.status, &tagged.value()["tags"]), (200, &json!({ "x": "y" })));
    }
    let insights = cloud.get(&id("Microsoft.Insights/components", "thing")).value();
    assert!(insights["id"].as_str().unwrap().contains("/providers/microsoft.insights/components/Thing"));
    let key = insights["properties"]["InstrumentationKey"].as_str().unwrap();
    assert!(insights["properties"]["ConnectionString"].as_str().unwrap().contains(key));
}

#[test]
fn a_user_assigned_identity_lends_its_ids() {
    let mut cloud = cloud();
    let identity = id("Microsoft.ManagedIdentity/userAssignedIdentities", "trainer");
    let made = cloud.put(&identity, &json!({ "location": "westeurope" })).value();
    let mut body = crate::support::workspace_body();
    body["identity"] =
        json!({ "type": "SystemAssigned, UserAssigned", "userAssignedIdentities": { &identity: {} } });
    cloud.put(&workspace(), &body);
    let shown = cloud.get(&workspace()).value();
    assert_eq!(shown["identity"]["type"], "SystemAssigned,UserAssigned");
    let lent = &shown["identity"]["userAssignedIdentities"][&identity];
    assert_eq!(lent["principalId"], made["properties"]["principalId"]);
    assert_eq!(lent["clientId"], made["properties"]["clientId"]);
}

#[test]
fn generic_lists_filter_by_type_and_group() {
    let mut cloud = Cloud::with_workspace(Options::default());
    cloud.put(
        &id("Microsoft.KeyVault/vaults", "kv1"),
        &json!({ "location": "westeurope", "properties": { "tenantId": "t" } }),
    );
    cloud.put(&compute("cpu"), &cluster_body());
    let subscription = GROUP.split("/resourceGroups").next().unwrap();
    let mut names = |target: String| -> Vec<String> {
        let reply = cloud.get(&target);
        assert_eq!(reply.status, 200, "{target}");
        reply.value()["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(format!("{GROUP}/resources")), ["kv1", "research"], "no children");
    assert_eq!(names(format!("{GROUP}/resources?$top=1")), ["kv1"]);
    assert_eq!(
        names(format!(
            "{subscription}/resources?%24filter=resourceType%20eq%20%27microsoft.keyvault/vaults%27"
        )),
        ["kv1"]
    );
    assert_eq!(
        names(format!("{subscription}/resources?$filter=resourceGroup+eq+'other'")),
        Vec::<String>::new()
    );
    assert_eq!(names(format!("{subscription}/resourcegroups")), ["rg"]);
    assert_eq!(cloud.get(&format!("{GROUP}x/resources")).status, 404);
}

#[test]
fn what_lies_above_groups_answers() {
    let mut cloud = cloud();
    assert_eq!(cloud.get("/subscriptions").value()["value"].as_array().unwrap().len(), 1);
    let subscription = GROUP.split("/resourceGroups").next().unwrap();
    assert_eq!(cloud.get(subscription).value()["state"], "Enabled");
    let provider = cloud.get(&format!("{subscription}/providers/microsoft.machinelearningservices")).value();
    assert_eq!(provider["registrationState"], "Registered");
    assert!(
        provider["resourceTypes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|kind| kind["resourceType"] == "workspaces/computes")
    );
}
