//! Workspaces.

use emulator::Options;
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, cluster_body, code, compute, message, workspace, workspace_body};

fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

#[test]
fn a_put_answers_202_without_a_body_and_with_both_urls() {
    let mut cloud = cloud();
    let target = workspace().replace("research", "second");
    let reply = cloud.put(&target, &workspace_body());
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    let location = reply.header("location").unwrap().to_owned();
    assert!(location.contains("/workspaceOperationsStatus/") && location.contains("type=location"));
    assert!(reply.header("azure-asyncoperation").unwrap().contains("type=async"));
    assert_eq!(cloud.follow(&location).status, 202);
    assert_eq!(cloud.put(&format!("{target}/computes/cpu"), &cluster_body()).status, 409, "not there yet");
    cloud.pass(30);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    let shown = cloud.follow(&location);
    assert_eq!((shown.status, shown.value()), (200, cloud.get(&target).value()));
    assert_eq!(cloud.put(&target, &workspace_body()).status, 202, "an update answers alike");
}

#[test]
fn a_get_shows_defaults_and_rewritten_ids() {
    let mut cloud = cloud();
    let shown = cloud.get(&workspace()).value();
    assert_eq!(shown["location"], "westeurope");
    assert_eq!(shown["identity"]["type"], "SystemAssigned");
    assert_eq!(shown["sku"], json!({ "name": "Basic", "tier": "Basic" }));
    assert_eq!(shown["kind"], "Default");
    let properties = &shown["properties"];
    assert_eq!(properties["keyVault"], format!("{GROUP}/providers/Microsoft.Keyvault/vaults/kv"));
    assert_eq!(
        properties["applicationInsights"],
        format!("{GROUP}/providers/Microsoft.insights/components/ai")
    );
    assert_eq!((&properties["friendlyName"], &properties["description"]), (&json!(""), &json!("")));
    assert_eq!(properties["publicNetworkAccess"], "Enabled");
    assert!(properties.get("containerRegistry").is_none());
    assert!(properties["mlFlowTrackingUri"].as_str().unwrap().ends_with("/workspaces/research"));
    assert!(shown["systemData"]["createdAt"].is_string());
}

#[test]
fn a_patch_changes_what_it_may_and_a_put_keeps_the_identity_of_the_workspace() {
    let mut cloud = cloud();
    let before = cloud.get(&workspace()).value();
    let patch = json!({ "tags": { "a": "b" }, "properties": { "description": "d", "hbiWorkspace": true } });
    let reply = cloud.patch(&workspace(), &patch);
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    let location = reply.header("location").unwrap().to_owned();
    assert_eq!(cloud.get(&workspace()).value()["properties"]["provisioningState"], "Updating");
    cloud.pass(30);
    let after = cloud.get(&workspace()).value();
    assert_eq!(cloud.follow(&location).value(), after);
    assert_eq!((&after["tags"], &after["properties"]["description"]), (&json!({ "a": "b" }), &json!("d")));
    assert_eq!(after["properties"]["hbiWorkspace"], false);
    cloud.put(&workspace(), &workspace_body());
    assert_eq!(cloud.get(&workspace()).value()["properties"]["provisioningState"], "Updating");
    cloud.pass(30);
    let replaced = cloud.get(&workspace()).value();
    assert_eq!(replaced["tags"], json!({}));
    for pointer in ["/properties/workspaceId", "/identity/principalId", "/systemData/createdAt"] {
        assert_eq!(replaced.pointer(pointer), before.pointer(pointer), "{pointer}");
    }
    let mut moved = workspace_body();
    moved["properties"]["keyVault"] = json!("/other");
    assert_eq!(cloud.put(&workspace(), &moved).status, 400);
    moved = workspace_body();
    moved["location"] = json!("eastus");
    assert_eq!(code(&cloud.put(&workspace(), &moved)), "InvalidResourceLocation");
}

#[test]
fn a_delete_takes_the_computes_and_holds_the_name() {
    let mut cloud = cloud();
    cloud.put(&compute("cpu"), &cluster_body());
    cloud.pass(10);
    let reply = cloud.delete(&workspace());
    assert_eq!(reply.status, 202);
    assert!(reply.header("location").is_some() && reply.header("azure-asyncoperation").is_some());
    assert_eq!(cloud.get(&workspace()).value()["properties"]["provisioningState"], "Deleting");
    cloud.pass(60);
    assert_eq!(cloud.get(&workspace()).status, 404);
    let again = cloud.put(&workspace(), &workspace_body());
    assert_eq!((again.status, code(&again).as_str()), (400, "BadRequest"));
    assert!(message(&again).starts_with("Soft-deleted workspace exists."));
    assert_eq!(cloud.delete(&format!("{}?forceToPurge=true", workspace())).status, 200);
    assert_eq!(cloud.put(&workspace(), &workspace_body()).status, 202);
    cloud.pass(30);
    assert_eq!(cloud.get(&compute("cpu")).status, 404);
}

#[test]
fn a_purging_delete_frees_the_name_at_once() {
    let mut cloud = cloud();
    cloud.delete(&format!("{}?forceToPurge=true", workspace()));
    cloud.pass(60);
    assert_eq!(cloud.put(&workspace(), &workspace_body()).status, 202);
}

#[test]
fn keys_are_secrets_that_stay_the_same() {
    let mut cloud = cloud();
    let keys = cloud.post(&format!("{}/listKeys", workspace()), None).value();
    assert_eq!(keys, cloud.post(&format!("{}/listkeys", workspace()), None).value());
    assert!(keys["userStorageKey"].is_string());
    assert_eq!(keys["containerRegistryCredentials"], Value::Null);
}

#[test]
fn lists_are_paged_by_absolute_urls() {
    let mut cloud = Cloud::with_workspace(Options { page_size: 2, ..Options::default() });
    for name in ["c-a", "c-b", "c-c", "c-d", "c-e"] {
        cloud.put(&compute(name), &cluster_body());
    }
    let mut names = Vec::new();
    let mut page = cloud.get(&format!("{}/computes", workspace())).value();
    loop {
        names.extend(
            page["value"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["nextLink"].as_str().map(str::to_owned) else { break };
        assert!(next.contains("%24skip="));
        page = cloud.follow(&next).value();
    }
    assert_eq!(names, ["c-a", "c-b", "c-c", "c-d", "c-e"]);
    let all = format!(
        "{}/providers/Microsoft.MachineLearningServices/workspaces",
        GROUP.split("/resourceGroups").next().unwrap()
    );
    assert_eq!(cloud.get(&all).value()["value"].as_array().unwrap().len(), 1);
}
