//! Batch AI, in the words of batch-ai §2 to §6: swapped operation headers, old states, counts over time, no secret back.

use std::collections::BTreeMap;

use emulator::{Options, Response};
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, code, message};

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";

fn workspace() -> String {
    format!("{GROUP}/providers/Microsoft.BatchAI/workspaces/recipes")
}

fn cluster() -> String {
    format!("{}/clusters/nc6", workspace())
}

fn cloud(options: Options) -> Cloud {
    let mut cloud = Cloud::new(options);
    assert_eq!(cloud.put(GROUP, &json!({ "location": "eastus" })).status, 201);
    assert_eq!(cloud.put(&workspace(), &json!({ "location": "eastus" })).status, 200);
    cloud
}

fn body(target: i64) -> Value {
    json!({
        "properties": {
            "vmSize": "STANDARD_NC6",
            "scaleSettings": { "manual": { "targetNodeCount": target } },
            "userAccountSettings": { "adminUserName": "demo", "adminUserPassword": "tulip" },
        },
    })
}

fn with_cluster(target: i64) -> Cloud {
    let mut cloud = cloud(Options::default());
    assert_eq!(cloud.put(&cluster(), &body(target)).status, 202);
    cloud.pass(2);
    cloud
}

fn properties(cloud: &mut Cloud) -> Value {
    cloud.get(&cluster()).value()["properties"].clone()
}

/// State, nodes there, and what is counted.
fn nodes(cloud: &mut Cloud) -> (String, i64, Value) {
    let properties = properties(cloud);
    let counts = properties["nodeStateCounts"].as_object().unwrap().clone();
    let counts = counts.into_iter().filter(|(_, count)| count != 0).collect();
    let state = properties["allocationState"].as_str().unwrap().to_owned();
    (state, properties["currentNodeCount"].as_i64().unwrap(), Value::Object(counts))
}

fn found(state: &str, nodes: i64, counts: Value) -> (String, i64, Value) {
    (state.to_owned(), nodes, counts)
}

fn resize(cloud: &mut Cloud, scale: Value) -> Response {
    cloud.patch(&cluster(), &json!({ "properties": { "scaleSettings": scale } }))
}

#[test]
fn a_workspace_is_made_at_once_and_takes_tags_by_patch() {
    let mut cloud = cloud(Options::default());
    let made = cloud.get(&workspace());
    assert_eq!(made.value()["properties"]["provisioningState"], "succeeded");
    assert_eq!(made.value()["properties"]["creationTime"], "2026-11-21T08:00:00Z");
    let etag = made.header("etag").unwrap().to_owned();
    let patched = cloud.patch(&workspace(), &json!({ "tags": { "a": "b" }, "location": "elsewhere" }));
    assert_eq!((patched.status, &patched.value()["tags"]), (200, &json!({ "a": "b" })));
    assert_ne!(patched.header("etag").unwrap(), etag);
    assert!(patched.value().get("etag").is_none());
}

#[test]
fn an_operation_names_itself_with_swapped_headers_and_tells_everything() {
    let mut cloud = cloud(Options::default());
    let reply = cloud.put(&cluster(), &body(0));
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    let url = reply.header("azure-asyncoperation").unwrap().to_owned();
    assert!(url.contains("/locations/eastus/operationresults/") && !url.contains("&t="), "{url}");
    assert!(reply.header("location").unwrap().contains("/locations/eastus/operationstatuses/"));
    assert!(reply.header("retry-after").is_none());
    let running = cloud.status(&reply);
    assert_eq!((&running["status"], &running["id"]), (&json!("InProgress"), &json!(url)));
    cloud.pass(2);
    let done = cloud.status(&reply);
    let key = format!("{SUBSCRIPTION}$rg$recipes$nc6");
    assert_eq!((&done["status"], &done["properties"]["resourceId"]), (&json!("Succeeded"), &json!(key)));
    assert!(done["endTime"].is_string());
}

#[test]
fn defaults_are_filled_in_and_secrets_never_come_back() {
    let mut cloud = cloud(Options::default());
    let mut sent = body(0);
    sent["properties"]["nodeSetup"] = json!({
        "setupTask": {
            "commandLine": "true",
            "stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/autoafs",
            "secrets": [{ "name": "TOKEN", "value": "rose" }],
        },
        "mountVolumes": {
            "azureFileShares": [{
                "accountName": "acc",
                "azureFileUrl": "https://acc.file.core.windows.net/share",
                "relativeMountPath": "autoafs",
                "credentials": { "accountKey": "violet" },
            }],
        },
    });
    cloud.put(&cluster(), &sent);
    let shown = cloud.get(&cluster());
    let text = shown.value().to_string();
    for secret in ["tulip", "rose", "violet", "adminUserPassword", "null"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let properties = &shown.value()["properties"];
    let share = &properties["nodeSetup"]["mountVolumes"]["azureFileShares"][0];
    assert_eq!((&share["credentials"], &share["fileMode"]), (&json!({}), &json!("0777")));
    assert_eq!(properties["nodeSetup"]["setupTask"]["secrets"], json!([{ "name": "TOKEN" }]));
    assert_eq!(properties["vmPriority"], "dedicated");
    assert_eq!(properties["scaleSettings"]["manual"]["nodeDeallocationOption"], "requeue");
    assert_eq!(properties["virtualMachineConfiguration"]["imageReference"]["version"], "latest");
    assert_eq!(properties["vmSize"], "STANDARD_NC6", "as it was sent");
    let suffix = properties["nodeSetup"]["setupTask"]["stdOutErrPathSuffix"].as_str().unwrap();
    assert!(suffix.starts_with(&format!("{SUBSCRIPTION}/rg/workspaces/recipes/clusters/nc6/")));
}

#[test]
fn nodes_come_after_the_create_and_a_resize_answers_with_the_old_state() {
    let mut cloud = with_cluster(1);
    assert_eq!(nodes(&mut cloud), found("resizing", 0, json!({})));
    cloud.pass(100);
    assert_eq!(nodes(&mut cloud), found("steady", 1, json!({ "preparingNodeCount": 1 })));
    cloud.pass(60);
    assert_eq!(nodes(&mut cloud), found("steady", 1, json!({ "idleNodeCount": 1 })));
    let etag = cloud.get(&cluster()).header("etag").unwrap().to_owned();
    let answer = resize(&mut cloud, json!({ "manual": { "targetNodeCount": 0 } }));
    assert_eq!((answer.status, &answer.value()["properties"]["allocationState"]), (200, &json!("steady")));
    assert_ne!(answer.header("etag").unwrap(), etag);
    assert_eq!(nodes(&mut cloud), found("resizing", 1, json!({ "leavingNodeCount": 1 })));
    cloud.pass(120);
    assert_eq!(nodes(&mut cloud), found("steady", 0, json!({})));
    let etag = answer.header("etag").unwrap();
    assert_eq!(cloud.get(&cluster()).header("etag").unwrap(), etag, "nodes do not change the version");
}

#[test]
fn a_patch_switches_between_manual_and_automatic_and_changes_nothing_else() {
    let mut cloud = with_cluster(0);
    let auto = json!({ "autoScale": { "minimumNodeCount": 0, "maximumNodeCount": 4 } });
    let answer = resize(&mut cloud, auto).value();
    let scale =
        json!({ "autoScale": { "minimumNodeCount": 0, "maximumNodeCount": 4, "initialNodeCount": 0 } });
    assert_eq!(answer["properties"]["scaleSettings"], scale);
    let both = json!({ "manual": { "targetNodeCount": 1 }, "autoScale": { "minimumNodeCount": 0, "maximumNodeCount": 1 } });
    assert_eq!(resize(&mut cloud, both).status, 400);
    let other = json!({ "properties": { "vmSize": "STANDARD_D1" } });
    assert_eq!(cloud.patch(&cluster(), &other).status, 400);
    let mut again = body(0);
    again["properties"]["vmSize"] = json!("STANDARD_D1");
    assert_eq!(cloud.put(&cluster(), &again).status, 409);
}

#[test]
fn a_cluster_beyond_the_quota_stays_below_its_target_and_says_so() {
    let limits = BTreeMap::from([("standardNCFamily".to_owned(), 12)]);
    let mut cloud = cloud(Options { core_limits: limits, ..Options::default() });
    cloud.put(&cluster(), &body(3));
    cloud.pass(400);
    assert_eq!(nodes(&mut cloud), found("steady", 2, json!({ "idleNodeCount": 2 })));
    let errors = properties(&mut cloud)["errors"].clone();
    assert_eq!(errors[0]["details"], json!([{ "name": "VmSize", "value": "STANDARD_NC6" }]));
    let usages = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.BatchAI/locations/eastus/usages");
    let rows = cloud.get(&usages).value();
    let row = |name: &str| {
        let rows = rows["value"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"]["value"] == name).unwrap();
        (row["currentValue"].as_i64().unwrap(), row["limit"].as_i64().unwrap())
    };
    assert_eq!(row("Clusters"), (1, 20));
    assert_eq!(row("Standard NC Family Cluster Dedicated vCPUs"), (12, 12));
    assert_eq!(row("Standard NCv2 Family Cluster LowPriority vCPUs"), (0, 0));
    resize(&mut cloud, json!({ "manual": { "targetNodeCount": 1 } }));
    cloud.pass(400);
    assert_eq!(properties(&mut cloud).get("errors"), None);
}

#[test]
fn logins_have_one_address_and_a_port_for_each_node() {
    let mut cloud = with_cluster(2);
    let logins = |cloud: &mut Cloud| {
        cloud.post(&format!("{}/listRemoteLoginInformation", cluster()), None).value()["value"].clone()
    };
    assert_eq!(logins(&mut cloud), json!([]));
    cloud.pass(200);
    let there = logins(&mut cloud);
    assert_eq!(there[0]["ipAddress"], there[1]["ipAddress"]);
    assert_eq!((&there[0]["port"], &there[1]["port"]), (&json!(50_000), &json!(50_001)));
    let id = there[0]["nodeId"].as_str().unwrap();
    assert!(id.starts_with("tvm-") && id.ends_with("_1-20261121t080000z"), "{id}");
    let page = format!("{}/listRemoteLoginInformation?maxresults=1", cluster());
    let first = cloud.post(&page, None).value();
    let second = cloud.follow(first["nextLink"].as_str().unwrap()).value();
    assert_eq!((&first["value"][0], &second["value"][0]), (&there[0], &there[1]));
}

fn server_body(storage: &str) -> Value {
    json!({
        "properties": {
            "vmSize": "STANDARD_D2",
            "sshConfiguration": { "userAccountSettings": { "adminUserName": "demo", "adminUserPassword": "tulip" } },
            "dataDisks": { "diskSizeInGB": 10, "diskCount": 2, "storageAccountType": storage },
        },
    })
}

#[test]
fn a_file_server_lends_its_subnet_to_the_clusters_that_mount_it() {
    let mut cloud = cloud(Options::default());
    let path = format!("{}/fileServers/nfs", workspace());
    assert_eq!(cloud.put(&path, &server_body("Standard_LRS")).status, 202);
    assert_eq!(cloud.get(&path).value()["properties"].get("mountSettings"), None);
    cloud.pass(300);
    let server = cloud.get(&path).value();
    assert_eq!(server["id"], format!("{}/fileservers/nfs", workspace()));
    assert_eq!(server["properties"]["dataDisks"]["cachingType"], "none");
    assert_eq!(server["properties"]["mountSettings"]["mountPoint"], "/data");
    assert!(!server.to_string().contains("tulip"));
    let mut sent = body(0);
    sent["properties"]["nodeSetup"] = json!({
        "mountVolumes": { "fileServers": [{ "fileServer": { "id": path }, "relativeMountPath": "nfs" }] },
    });
    cloud.put(&cluster(), &sent);
    cloud.pass(5);
    assert_eq!(properties(&mut cloud)["subnet"], server["properties"]["subnet"]);
    assert_eq!(code(&cloud.delete(&path)), "FileServerInUse");
    assert_eq!(cloud.patch(&path, &json!({})).status, 405);
    let wrong = json!({ "id": format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/s") });
    sent["properties"]["subnet"] = wrong;
    assert_eq!(cloud.put(&format!("{}/clusters/other", workspace()), &sent).status, 400);
}

#[test]
fn a_failed_operation_is_http_200_and_leaves_a_failed_resource() {
    let mut cloud = cloud(Options::default());
    let path = format!("{}/fileServers/nfs", workspace());
    let reply = cloud.put(&path, &server_body("Premium_LRS"));
    assert_eq!(reply.status, 202);
    cloud.pass(300);
    let status = cloud.status(&reply);
    assert_eq!(
        (&status["status"], &status["error"]["code"]),
        (&json!("Failed"), &json!("FileServerProvisioningFailed"))
    );
    assert_eq!(cloud.get(&path).value()["properties"]["provisioningState"], "failed");
}

#[test]
fn a_workspace_goes_with_everything_in_it() {
    let mut cloud = with_cluster(1);
    let experiment = format!("{}/experiments/first", workspace());
    assert_eq!(cloud.call(emulator::Method::Put, &experiment, None).status, 200);
    let reply = cloud.delete(&workspace());
    assert_eq!(reply.status, 202);
    assert_eq!(cloud.get(&workspace()).value()["properties"]["provisioningState"], "deleting");
    cloud.pass(100);
    assert_eq!(cloud.status(&reply)["status"], "InProgress", "with children it takes longer");
    cloud.pass(200);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    assert_eq!(code(&cloud.get(&workspace())), "WorkspaceNotFound");
    assert_eq!(cloud.delete(&workspace()).status, 204);
}

#[test]
fn what_is_not_there_or_not_right_has_the_services_words() {
    let mut cloud = with_cluster(0);
    let none = cloud.get(&format!("{}/clusters/none", workspace()));
    assert_eq!(
        (none.status, code(&none), message(&none)),
        (404, "ClusterNotFound".into(), "The specified cluster none is not found".into())
    );
    assert_eq!(code(&cloud.get(&format!("{}/fileservers/none", workspace()))), "FileServerNotFound");
    for (name, change) in [
        ("a b", json!({})),
        ("size", json!({ "vmSize": "STANDARD_DS3_V2" })),
        ("none", json!({ "scaleSettings": {} })),
        ("many", json!({ "scaleSettings": { "manual": { "targetNodeCount": 101 } } })),
        ("account", json!({ "userAccountSettings": { "adminUserName": "demo" } })),
        ("task", json!({ "nodeSetup": { "setupTask": { "commandLine": "true" } } })),
        ("mode", json!({ "vmPriority": "cheap" })),
    ] {
        let mut sent = body(0);
        for (key, value) in change.as_object().unwrap() {
            sent["properties"][key] = value.clone();
        }
        let path = format!("{}/clusters/{}", workspace(), name.replace(' ', "%20"));
        assert_eq!(cloud.put(&path, &sent).status, 400, "{name}");
    }
}
