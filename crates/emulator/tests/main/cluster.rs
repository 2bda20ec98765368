//! Clusters.

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::support::{Cloud, cluster_body, code, compute, message, raw, workspace};

fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

fn inner(body: &Value) -> &Value {
    &body["properties"]["properties"]
}

#[test]
fn a_create_answers_201_with_nulls_and_a_later_get_shows_the_defaults() {
    let mut cloud = cloud();
    let reply = cloud.put(&compute("Cpu"), &cluster_body());
    assert_eq!(reply.status, 201);
    assert!(reply.header("location").is_none() && reply.header("retry-after").is_none());
    let body = reply.value();
    assert_eq!(body["tags"], Value::Null);
    assert_eq!(body["properties"]["provisioningState"], "Creating");
    assert_eq!(body["properties"]["provisioningWarnings"], Value::Null);
    assert!(body["properties"].get("computeLocation").is_none());
    assert!(
        inner(&body).get("propertyBag").is_none() && inner(&body).get("userAccountCredentials").is_none()
    );
    for key in ["vmPriority", "allocationState", "nodeStateCounts", "currentNodeCount", "errors"] {
        assert_eq!(inner(&body)[key], Value::Null, "{key}");
    }
    assert_eq!(inner(&body)["scaleSettings"]["nodeIdleTimeBeforeScaleDown"], Value::Null);
    assert_eq!(inner(&body)["remoteLoginPortPublicAccess"], "NotSpecified");
    assert_eq!(inner(&body)["vmSize"], "STANDARD_DS3_V2");

    assert_eq!(cloud.status(&reply), json!({ "status": "InProgress" }));
    assert_eq!(cloud.get(&compute("cpu")).value()["properties"]["provisioningState"], "Creating");
    cloud.pass(10);
    assert_eq!(cloud.status(&reply), json!({ "status": "Succeeded", "percentComplete": 100.0 }));
    let body = cloud.get(&compute("cpu")).value();
    assert_eq!(body["name"], "Cpu");
    assert_eq!(body["tags"], json!({}));
    assert_eq!(body["properties"]["provisioningState"], "Succeeded");
    assert_eq!(body["properties"]["computeLocation"], "westeurope");
    assert_eq!(body["properties"]["provisioningWarnings"], json!({}));
    assert_eq!(body["properties"]["createdOn"], "2026-11-21T08:01:00.0000000+00:00");
    assert_eq!(inner(&body)["vmPriority"], "Dedicated");
    assert_eq!(inner(&body)["remoteLoginPortPublicAccess"], "Enabled");
    assert_eq!(
        inner(&body)["scaleSettings"],
        json!({ "minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT2M" })
    );
    assert_eq!(inner(&body)["allocationState"], "Steady");
    assert_eq!(inner(&body)["nodeStateCounts"]["idleNodeCount"], 0);
    assert_eq!(inner(&body)["propertyBag"], json!({}));
}

#[test]
fn status_urls_are_checked_byte_for_byte() {
    let mut cloud = cloud();
    let reply = cloud.put(&compute("cpu"), &cluster_body());
    let url = reply.header("azure-asyncoperation").unwrap().replace("http://127.0.0.1:1", "");
    for part in ["&t=", "&c=", "&s=", "&h=", "service=new", "api-version=2026-05-01"] {
        assert!(url.contains(part), "{part}");
    }
    assert_eq!(cloud.send(&raw(Method::Get, &url)).status, 200);
    let trimmed = url.split("&t=").next().unwrap();
    for changed in
        [trimmed.to_owned(), url.replace("service=new&", ""), url.replace("2026-05-01", "2025-12-01")]
    {
        assert_eq!(cloud.send(&raw(Method::Get, &changed)).status, 403, "{changed}");
    }
}

#[test]
fn a_put_on_an_existing_cluster_takes_scale_tags_and_identity_and_keeps_the_rest() {
    let mut cloud = cloud();
    cloud.put(&compute("cpu"), &cluster_body());
    cloud.pass(10);
    let before = cloud.get(&compute("cpu")).value();
    cloud.pass(1);
    let mut body = cluster_body();
    body["tags"] = json!({ "team": "a" });
    body["identity"] = json!({ "type": "SystemAssigned" });
    body["properties"]["description"] = json!("other");
    body["properties"]["properties"]["vmSize"] = json!("Standard_NC6");
    body["properties"]["properties"]["subnet"] = json!({});
    body["properties"]["properties"]["scaleSettings"] =
        json!({ "minNodeCount": 0, "maxNodeCount": 8, "nodeIdleTimeBeforeScaleDown": "PT120S" });
    let reply = cloud.put(&compute("cpu"), &body);
    assert_eq!(reply.status, 201);
    assert_eq!(reply.value()["properties"]["provisioningState"], "Creating");
    assert!(
        reply.value()["properties"]["resourceId"]
            .as_str()
            .unwrap()
            .contains("Microsoft.BatchAI/workspaces/research/clusters/cpu")
    );
    cloud.pass(10);
    let after = cloud.get(&compute("cpu")).value();
    assert_eq!(after["tags"], json!({ "team": "a" }));
    assert_eq!(after["identity"]["type"], "SystemAssigned");
    assert_eq!(after["properties"]["resourceId"], Value::Null);
    assert_eq!(after["properties"]["description"], before["properties"]["description"]);
    assert_eq!(inner(&after)["vmSize"], "STANDARD_DS3_V2");
    assert_eq!(inner(&after)["scaleSettings"]["maxNodeCount"], 8);
    assert_eq!(inner(&after)["scaleSettings"]["nodeIdleTimeBeforeScaleDown"], "PT2M");
    assert_eq!(inner(&after)["allocationState"], "Resizing");
    assert_ne!(after["properties"]["modifiedOn"], before["properties"]["modifiedOn"]);
    assert_eq!(after["properties"]["createdOn"], before["properties"]["createdOn"]);
    cloud.pass(10);
    assert_eq!(inner(&cloud.get(&compute("cpu")).value())["allocationState"], "Steady");
}

#[test]
fn a_patch_merges_scale_settings_and_passes_over_the_rest() {
    let mut cloud = cloud();
    let mut body = cluster_body();
    body["properties"]["properties"]["scaleSettings"]["nodeIdleTimeBeforeScaleDown"] = json!("PT5M");
    cloud.put(&compute("cpu"), &body);
    cloud.pass(10);
    let patch = json!({ "tags": { "a": "b" }, "properties": { "properties": { "scaleSettings": { "maxNodeCount": 9 } } } });
    let reply = cloud.patch(&compute("cpu"), &patch);
    assert_eq!(reply.status, 200);
    assert!(reply.header("azure-asyncoperation").is_some());
    assert_eq!(reply.value()["properties"]["provisioningState"], "Updating");
    assert_eq!(inner(&reply.value())["scaleSettings"]["nodeIdleTimeBeforeScaleDown"], Value::Null);
    assert_eq!(inner(&reply.value())["remoteLoginPortPublicAccess"], "NotSpecified");
    assert_eq!(cloud.get(&compute("cpu")).value()["properties"]["provisioningState"], "Updating");
    cloud.pass(10);
    let after = cloud.get(&compute("cpu")).value();
    assert_eq!(
        inner(&after)["scaleSettings"],
        json!({ "minNodeCount": 0, "maxNodeCount": 9, "nodeIdleTimeBeforeScaleDown": "PT5M" })
    );
    assert_eq!(inner(&after)["remoteLoginPortPublicAccess"], "Enabled");
    assert_eq!(after["tags"], json!({}));
}

#[test]
fn the_patch_status_and_the_durations_are_switches() {
    let mut cloud =
        Cloud::with_workspace(Options { patch_status: 202, rewrite_durations: false, ..Options::default() });
    cloud.put(&compute("cpu"), &cluster_body());
    cloud.pass(10);
    let scale = json!({ "nodeIdleTimeBeforeScaleDown": "PT120S" });
    let reply =
        cloud.patch(&compute("cpu"), &json!({ "properties": { "properties": { "scaleSettings": scale } } }));
    assert_eq!(reply.status, 202);
    cloud.pass(10);
    let after = cloud.get(&compute("cpu")).value();
    assert_eq!(inner(&after)["scaleSettings"]["nodeIdleTimeBeforeScaleDown"], "PT120S");
}

#[test]
fn nodes_come_up_after_the_create_has_succeeded() {
    let mut cloud = Cloud::with_workspace(Options { page_size: 2, ..Options::default() });
    let mut body = cluster_body();
    body["properties"]["properties"]["scaleSettings"] = json!({ "minNodeCount": 3, "maxNodeCount": 4 });
    let reply = cloud.put(&compute("cpu"), &body);
    cloud.pass(10);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    let early = cloud.get(&compute("cpu")).value();
    assert_eq!(
        (&inner(&early)["allocationState"], &inner(&early)["currentNodeCount"]),
        (&json!("Resizing"), &json!(0))
    );
    cloud.pass(120);
    let late = cloud.get(&compute("cpu")).value();
    assert_eq!(
        (&inner(&late)["allocationState"], &inner(&late)["currentNodeCount"]),
        (&json!("Steady"), &json!(3))
    );

    let first = cloud.post(&format!("{}/listNodes", compute("cpu")), None).value();
    assert_eq!(first["nodes"].as_array().unwrap().len(), 2);
    let second = cloud.follow(first["nextLink"].as_str().unwrap()).value();
    assert_eq!(second["nodes"].as_array().unwrap().len(), 1);
    assert!(second.get("nextLink").is_none());
    assert_eq!(second["nodes"][0]["nodeState"], "idle");
}

#[test]
fn a_deleted_cluster_shows_deleting_holds_its_name_and_is_gone() {
    let mut cloud = cloud();
    cloud.put(&compute("cpu"), &cluster_body());
    cloud.pass(10);
    assert_eq!(cloud.delete(&compute("cpu")).status, 400, "underlyingResourceAction is required");
    let target = format!("{}?underlyingResourceAction=Delete", compute("cpu"));
    assert_eq!(cloud.delete(&target.replace("=Delete", "=Detach")).status, 400);
    let reply = cloud.delete(&target);
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    assert!(reply.header("location").is_none());
    assert_eq!(cloud.get(&compute("cpu")).value()["properties"]["provisioningState"], "Deleting");
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 409);
    assert_eq!(cloud.delete(&target).header("azure-asyncoperation"), reply.header("azure-asyncoperation"));
    cloud.pass(60);
    assert_eq!(cloud.get(&compute("cpu")).status, 404);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    assert_eq!(cloud.delete(&target).status, 204);
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201);
}

#[test]
fn writes_are_refused_while_an_operation_runs() {
    let mut cloud = cloud();
    cloud.put(&compute("cpu"), &cluster_body());
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 409);
    assert_eq!(cloud.patch(&compute("cpu"), &json!({})).status, 409);
    assert_eq!(cloud.delete(&format!("{}?underlyingResourceAction=Delete", compute("cpu"))).status, 409);
    assert_eq!(cloud.delete(&workspace()).status, 409);
}

#[test]
fn enums_take_any_casing_and_answer_the_canonical_one() {
    let mut cloud = cloud();
    let mut body = cluster_body();
    body["properties"]["computeType"] = json!("amlcompute");
    body["properties"]["properties"]["vmPriority"] = json!("lowpriority");
    cloud.put(&compute("cpu"), &body);
    let shown = cloud.get(&compute("cpu")).value();
    assert_eq!(shown["properties"]["computeType"], "AmlCompute");
    assert_eq!(inner(&shown)["vmPriority"], "LowPriority");
    body["properties"]["properties"]["vmPriority"] = json!("Cheap");
    assert_eq!(cloud.put(&compute("cpu2"), &body).status, 400);
}

#[test]
fn login_is_closed_in_a_network_and_passwords_do_not_come_back() {
    let mut cloud = cloud();
    let mut body = cluster_body();
    body["properties"]["properties"]["subnet"] = json!({ "id": "/subscriptions/x/subnets/y" });
    body["properties"]["properties"]["userAccountCredentials"] =
        json!({ "adminUserName": "a", "adminUserPassword": "pw-1", "adminUserSshPublicKey": "ssh-rsa k" });
    let reply = cloud.put(&compute("cpu"), &body);
    assert!(!reply.value().to_string().contains("pw-1"));
    cloud.pass(10);
    let shown = cloud.get(&compute("cpu")).value();
    assert_eq!(inner(&shown)["remoteLoginPortPublicAccess"], "Disabled");
    assert_eq!(
        inner(&shown)["userAccountCredentials"],
        json!({ "adminUserName": "a", "adminUserPassword": null, "adminUserSshPublicKey": "ssh-rsa k" })
    );
}

#[test]
fn a_cluster_that_is_one_too_many_fails_as_an_operation_and_holds_its_name() {
    let mut cloud = Cloud::with_workspace(Options { compute_limit: 1, ..Options::default() });
    cloud.put(&compute("one"), &cluster_body());
    let reply = cloud.put(&compute("two"), &cluster_body());
    assert_eq!(reply.status, 201);
    cloud.pass(10);
    let status = cloud.status(&reply);
    assert_eq!(status["status"], "Failed");
    assert!(
        status["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("Operation results in exceeding quota limits of")
    );
    assert_eq!(cloud.get(&compute("two")).value()["properties"]["provisioningState"], "Failed");
    let again = cloud.put(&compute("two"), &cluster_body());
    assert_eq!((again.status, code(&again).as_str()), (400, "BadRequest"));
    assert!(message(&again).contains("AlreadyExists"));
}

#[test]
fn a_foreign_provisioning_state_is_refused() {
    let mut cloud = cloud();
    cloud.put(&compute("cpu"), &cluster_body());
    cloud.pass(10);
    let mut body = cluster_body();
    body["properties"]["provisioningState"] = json!("Succeeded");
    assert_eq!(cloud.put(&compute("cpu"), &body).status, 201);
    cloud.pass(10);
    body["properties"]["provisioningState"] = json!("Creating");
    assert_eq!(cloud.put(&compute("cpu"), &body).status, 400);
}

#[test]
fn an_update_of_tags_alone_moves_no_node() {
    let mut cloud = cloud();
    cloud.put(&compute("cpu"), &cluster_body());
    cloud.pass(20);
    let mut body = cluster_body();
    body["tags"] = json!({ "a": "b" });
    cloud.put(&compute("cpu"), &body);
    let during = cloud.get(&compute("cpu")).value();
    assert_eq!(during["properties"]["provisioningState"], "Creating");
    assert_eq!(inner(&during)["allocationState"], "Steady");
}
