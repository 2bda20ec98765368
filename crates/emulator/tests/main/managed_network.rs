//! Managed networks of workspaces and their outbound rules.

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, cluster_body, compute, message, workspace, workspace_body};

fn rule(name: &str) -> String {
    format!("{}/outboundRules/{name}", workspace())
}

fn fqdn(destination: &str) -> Value {
    json!({ "properties": { "type": "fqdn", "destination": destination } })
}

fn network(cloud: &mut Cloud) -> Value {
    cloud.get(&workspace()).value()["properties"]["managedNetwork"].clone()
}

/// A cloud whose workspace has a network of this mode.
fn cloud(mode: &str) -> Cloud {
    let mut cloud = Cloud::with_workspace(Options::default());
    let mut body = workspace_body();
    body["properties"]["managedNetwork"] = json!({ "isolationMode": mode, "outboundRules": {
        "pypi": { "type": "FQDN", "destination": "pkg.test" },
    } });
    assert_eq!(cloud.put(&workspace(), &body).status, 202);
    cloud.pass(30);
    cloud
}

fn provisioned(mode: &str) -> Cloud {
    let mut cloud = cloud(mode);
    assert_eq!(cloud.post(&format!("{}/provisionManagedNetwork", workspace()), None).status, 202);
    cloud.pass(300);
    cloud
}

#[test]
fn a_network_has_the_users_rules_and_the_services_own() {
    let mut cloud = cloud("allowonlyapprovedoutbound");
    let shown = network(&mut cloud);
    assert_eq!(shown["isolationMode"], "AllowOnlyApprovedOutbound");
    assert_eq!(shown["status"], json!({ "status": "Inactive", "sparkReady": false }));
    assert!(shown["networkId"].is_string() && shown["managedNetworkKind"] == "V1");
    let rules = shown["outboundRules"].as_object().unwrap();
    assert_eq!(
        rules["pypi"],
        json!({ "type": "FQDN", "destination": "pkg.test", "category": "UserDefined", "status": "Inactive" })
    );
    let of = |kind: &str| {
        rules.values().filter(|rule| rule["type"] == kind && rule["category"] == "Required").count()
    };
    assert_eq!((of("PrivateEndpoint"), of("ServiceTag")), (3, 8));
    assert!(rules.contains_key("__SYS_ST_BatchNodeManagement.westeurope_TCP"));
    let mut open = self::cloud("AllowInternetOutbound");
    let rules = network(&mut open)["outboundRules"].as_object().unwrap().len();
    assert_eq!(rules, 4, "only the private endpoints, and the user's");
}

#[test]
fn a_network_is_provisioned_and_its_rules_work_then() {
    let mut cloud = cloud("AllowInternetOutbound");
    let reply = cloud
        .post(&format!("{}/provisionManagedNetwork", workspace()), Some(&json!({ "includeSpark": true })));
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    assert_eq!(network(&mut cloud)["status"]["status"], "Inactive");
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 409, "the workspace is busy");
    cloud.pass(300);
    let location = reply.header("location").unwrap().to_owned();
    assert_eq!(cloud.follow(&location).value(), json!({ "status": "Active", "sparkReady": true }));
    let shown = network(&mut cloud);
    assert_eq!(shown["status"], json!({ "status": "Active", "sparkReady": true }));
    assert!(shown["outboundRules"].as_object().unwrap().values().all(|rule| rule["status"] == "Active"));
    let open = Cloud::with_workspace(Options::default())
        .post(&format!("{}/provisionManagedNetwork", workspace()), None);
    assert_eq!(open.status, 400, "there is no managed network");
}

#[test]
fn a_network_can_be_provisioned_with_the_workspace() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let mut body = workspace_body();
    body["properties"]["managedNetwork"] = json!({ "isolationMode": "AllowInternetOutbound" });
    body["properties"]["provisionNetworkNow"] = json!(true);
    cloud.put(&workspace(), &body);
    cloud.pass(30);
    assert_eq!(network(&mut cloud)["status"]["status"], "Active");
    assert!(cloud.get(&workspace()).value()["properties"].get("provisionNetworkNow").is_none());
}

#[test]
fn rules_are_made_read_listed_and_removed_one_by_one() {
    let mut cloud = cloud("AllowOnlyApprovedOutbound");
    let made = cloud.put(&rule("conda"), &fqdn("conda.anaconda.org"));
    assert_eq!((made.status, &made.value()["properties"]["status"]), (200, &json!("Inactive")));
    assert_eq!(made.value()["id"], json!(rule("conda")));
    assert_eq!(cloud.get(&rule("CONDA")).value()["properties"]["type"], "FQDN");
    assert_eq!(
        cloud.get(&format!("{}/outboundRules", workspace())).value()["value"].as_array().unwrap().len(),
        13
    );
    assert!(network(&mut cloud)["outboundRules"]["conda"].is_object(), "both show the same");
    assert_eq!(cloud.delete(&rule("conda")).status, 202);
    cloud.pass(30);
    assert_eq!(cloud.get(&rule("conda")).status, 404);
    assert_eq!(cloud.delete(&rule("conda")).status, 204);
}

#[test]
fn in_a_network_that_works_rules_take_their_time() {
    let mut cloud = provisioned("AllowOnlyApprovedOutbound");
    let made = cloud.put(&rule("conda"), &fqdn("conda.anaconda.org"));
    assert_eq!(made.status, 202);
    assert_eq!(cloud.get(&rule("conda")).value()["properties"]["status"], "Provisioning");
    cloud.pass(30);
    assert_eq!(cloud.status(&made)["status"], "Succeeded");
    assert_eq!(cloud.get(&rule("conda")).value()["properties"]["status"], "Active");
    cloud.delete(&rule("conda"));
    assert_eq!(cloud.get(&rule("conda")).value()["properties"]["status"], "Deleting");
    cloud.pass(30);
    assert_eq!(cloud.get(&rule("conda")).status, 404);
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let mut cloud = cloud("AllowOnlyApprovedOutbound");
    let own = "__SYS_ST_AzureMonitor_TCP";
    let bad = [
        ("x", json!({ "properties": { "destination": "pkg.test" } })),
        ("x", json!({ "properties": { "type": "FQDN" } })),
        (
            "x",
            json!({ "properties": { "type": "PrivateEndpoint", "destination": { "serviceResourceId": "/a" } } }),
        ),
        ("x", json!({ "properties": { "type": "Tunnel", "destination": "pkg.test" } })),
        ("x", json!({ "properties": { "type": "FQDN", "destination": "pkg.test", "category": "Required" } })),
        (own, fqdn("pkg.test")),
    ];
    for (name, body) in bad {
        assert_eq!(cloud.put(&rule(name), &body).status, 400, "{body}");
    }
    assert_eq!(cloud.delete(&rule(own)).status, 400);
    let mut open = Cloud::with_workspace(Options::default());
    assert_eq!(open.put(&rule("x"), &fqdn("pkg.test")).status, 400);
    assert_eq!(open.get(&rule("x")).status, 404);
}

#[test]
fn a_patch_and_a_put_that_leave_the_network_out_keep_it() {
    let mut cloud = provisioned("AllowInternetOutbound");
    cloud.put(&rule("conda"), &fqdn("conda.anaconda.org"));
    cloud.pass(60);
    let before = network(&mut cloud);
    assert_eq!(cloud.patch(&workspace(), &json!({ "properties": { "description": "d" } })).status, 202);
    cloud.pass(30);
    assert_eq!(network(&mut cloud), before);
    assert_eq!(cloud.put(&workspace(), &workspace_body()).status, 202);
    cloud.pass(30);
    assert_eq!(network(&mut cloud), before);
    let mut back = workspace_body();
    back["properties"]["managedNetwork"] = before.clone();
    cloud.put(&workspace(), &back);
    cloud.pass(30);
    assert_eq!(network(&mut cloud), before, "what was read can be sent back");
    let tight = json!({ "properties": { "managedNetwork": { "isolationMode": "AllowOnlyApprovedOutbound", "managedNetworkKind": "V2" } } });
    assert_eq!(cloud.patch(&workspace(), &tight).status, 202);
    cloud.pass(30);
    let after = network(&mut cloud);
    assert_eq!(after["outboundRules"].as_object().unwrap().len(), 13);
    assert_eq!(after["networkId"], before["networkId"]);
    let loose = json!({ "properties": { "managedNetwork": { "managedNetworkKind": "V1" } } });
    assert!(message(&cloud.patch(&workspace(), &loose)).contains("cannot go back"));
}

#[test]
fn a_project_uses_what_its_hub_uses() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let of = |name: &str| workspace().replace("research", name);
    let project = |hub: &str| json!({ "location": "westeurope", "kind": "project", "properties": { "hubResourceId": of(hub) } });
    let mut hub = workspace_body();
    hub["kind"] = json!("Hub");
    hub["properties"]["workspaceHubConfig"] = json!({ "defaultWorkspaceResourceGroup": GROUP });
    cloud.put(&of("hub"), &hub);
    cloud.pass(30);
    assert_eq!(cloud.put(&of("one"), &project("hub")).status, 202);
    cloud.pass(30);
    let shown = cloud.get(&of("one")).value();
    assert_eq!(
        (&shown["kind"], &shown["properties"]["hubResourceId"]),
        (&json!("Project"), &json!(of("hub")))
    );
    assert_eq!(
        shown["properties"]["storageAccount"],
        cloud.get(&of("hub")).value()["properties"]["storageAccount"]
    );
    let mut store = workspace_body();
    store["kind"] = json!("FeatureStore");
    let runtime = json!({ "computeRuntime": { "sparkRuntimeVersion": "3.4.0" } });
    store["properties"]["featureStoreSettings"] = runtime.clone();
    cloud.put(&of("features"), &store);
    assert_eq!(cloud.get(&of("features")).value()["properties"]["featureStoreSettings"], runtime);
}

#[test]
fn a_workspace_says_what_it_talks_to_and_prepares_its_notebook() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let endpoints = cloud
        .call(Method::Get, &format!("{}/outboundNetworkDependenciesEndpoints", workspace()), None)
        .value();
    assert!(endpoints.to_string().contains("westeurope.api.azureml.ms"));
    assert_eq!(endpoints["value"][0]["properties"]["endpoints"][0]["endpointDetails"][0]["port"], 443);
    let notebook = cloud.post(&format!("{}/prepareNotebook", workspace()), None);
    assert_eq!((notebook.status, &notebook.value()["notebookPreparationError"]), (200, &Value::Null));
    let results = cloud.post(&format!("{}/diagnose", workspace()), Some(&json!({ "value": {} }))).value();
    assert_eq!(results["value"]["dnsResolutionResults"], json!([]));
    let token = cloud.post(&format!("{}/listNotebookAccessToken", workspace()), None).value();
    assert!(token["accessToken"].is_string() && token["tokenType"] == "Bearer");
}

#[test]
fn an_old_client_updates_a_workspace_at_once_and_pages_by_its_own_token() {
    let mut cloud = Cloud::with_workspace(Options { page_size: 1, ..Options::default() });
    let old = |path: &str| format!("{path}?api-version=2020-08-01");
    let reply = cloud.patch(&old(&workspace()), &json!({ "tags": { "a": "b" } }));
    assert_eq!((reply.status, &reply.value()["tags"]), (200, &json!({ "a": "b" })));
    assert_eq!(cloud.get(&workspace()).value()["properties"]["provisioningState"], "Succeeded");
    for name in ["cpu", "gpu"] {
        cloud.put(&compute(name), &cluster_body());
    }
    let computes = format!("{}/computes", workspace());
    assert!(cloud.get(&old(&computes)).value()["nextLink"].as_str().unwrap().contains("%24skiptoken="));
    assert!(cloud.get(&computes).value()["nextLink"].as_str().unwrap().contains("%24skip="));
}
