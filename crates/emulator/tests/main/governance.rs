//! What is laid down for everybody: locks, policies, permissions, registrations, quotas, disabled subscriptions, and
//! sizes that are not to be had.

use emulator::{Emulator, Method, Options, Response};
use serde_json::{Value, json};

use crate::support::{
    Cloud, GROUP, LOCATION, cluster_body, code, compute, instance_body, message, request, workspace,
    workspace_body,
};

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";
const ML: &str = "Microsoft.MachineLearningServices";

fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

fn lock(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/locks/{name}")
}

fn level(level: &str) -> Value {
    json!({ "properties": { "level": level, "notes": "hands off" } })
}

fn tell(cloud: &mut Cloud, what: &str, body: Value) -> Value {
    let reply = cloud.control(Method::Post, what, &body);
    assert!(reply.status < 300, "{}", reply.value());
    reply.value()
}

fn remove(cloud: &mut Cloud, name: &str) -> Response {
    cloud.delete(&format!("{}?underlyingResourceAction=Delete", compute(name)))
}

#[test]
fn a_lock_is_a_resource_on_any_scope() {
    let mut cloud = cloud();
    for scope in [SUBSCRIPTION, GROUP, &workspace()] {
        let id = lock(scope, "keep");
        assert_eq!(cloud.put(&id, &level("cannotdelete")).status, 201);
        assert_eq!(cloud.put(&id, &level("CanNotDelete")).status, 200);
        let shown = cloud.get(&id).value();
        assert_eq!(
            (&shown["id"], &shown["name"], &shown["type"]),
            (&json!(id), &json!("keep"), &json!("Microsoft.Authorization/locks"))
        );
        assert_eq!(
            (&shown["properties"]["level"], &shown["properties"]["notes"]),
            (&json!("CanNotDelete"), &json!("hands off"))
        );
    }
    let mut count = |scope: &str, query: &str| {
        let list = cloud.get(&format!("{scope}/providers/Microsoft.Authorization/locks{query}")).value();
        list["value"].as_array().unwrap().len()
    };
    assert_eq!([count(SUBSCRIPTION, ""), count(GROUP, ""), count(&workspace(), "")], [3, 2, 1]);
    assert_eq!(count(GROUP, "?$filter=atScope()"), 1);
    assert_eq!(cloud.put(&lock(GROUP, "odd"), &level("Maybe")).status, 400);
    assert_eq!(cloud.put(&lock(GROUP, "odd"), &json!({ "properties": {} })).status, 400);
    assert_eq!(cloud.put(&lock(&format!("{GROUP}x"), "odd"), &level("ReadOnly")).status, 404);
    assert_eq!(cloud.delete(&lock(GROUP, "keep")).status, 200);
    assert_eq!(cloud.delete(&lock(GROUP, "keep")).status, 204);
    assert!(
        cloud.get(&format!("{GROUP}/resources")).value()["value"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["name"] != "keep")
    );
}

#[test]
fn cannot_delete_stops_deletes_below_and_above() {
    let mut cloud = cloud();
    cloud.put(&compute("cpu"), &cluster_body());
    cloud.pass(60);
    for scope in [SUBSCRIPTION.to_owned(), GROUP.to_owned(), workspace(), compute("cpu")] {
        cloud.put(&lock(&scope, "keep"), &level("CanNotDelete"));
        let reply = remove(&mut cloud, "cpu");
        assert_eq!((reply.status, code(&reply).as_str()), (409, "ScopeLocked"));
        assert_eq!(
            message(&reply),
            format!(
                "The scope '{}' cannot perform delete operation because following scope(s) are locked: '{scope}'. Please \
                 remove the lock and try again.",
                compute("cpu")
            )
        );
        assert_eq!(cloud.delete(GROUP).status, 409, "what lies below would go with it");
        let mut body = cluster_body();
        body["tags"] = json!({ "scope": scope });
        assert_eq!(cloud.put(&compute("cpu"), &body).status, 201, "only deletes are stopped");
        assert_eq!(cloud.post(&format!("{}/listKeys", workspace()), None).status, 200);
        cloud.pass(60);
        assert_eq!(cloud.delete(&lock(&scope, "keep")).status, 200);
    }
    assert_eq!(remove(&mut cloud, "cpu").status, 202);
}

#[test]
fn read_only_stops_every_write_and_every_action() {
    let mut cloud = cloud();
    cloud.put(&compute("ci-a"), &instance_body());
    cloud.pass(300);
    cloud.put(&lock(GROUP, "frozen"), &level("ReadOnly"));
    let replies = [
        cloud.put(&compute("cpu"), &cluster_body()),
        cloud.patch(&workspace(), &json!({ "tags": {} })),
        cloud.post(&format!("{}/listKeys", workspace()), None),
        cloud.post(&format!("{}/stop", compute("ci-a")), None),
        remove(&mut cloud, "ci-a"),
        cloud.delete(GROUP),
    ];
    for (reply, verb) in replies.iter().zip(["write", "write", "write", "write", "delete", "delete"]) {
        assert_eq!((reply.status, code(reply).as_str()), (409, "ScopeLocked"));
        assert!(message(reply).contains(&format!("cannot perform {verb} operation")), "{}", message(reply));
    }
    assert_eq!(cloud.get(&compute("ci-a")).status, 200);
    assert_eq!(cloud.put(&format!("{GROUP}-other"), &json!({ "location": "westeurope" })).status, 201);
    assert_eq!(cloud.delete(&lock(GROUP, "frozen")).status, 200, "a lock does not lock itself");
    assert_eq!(cloud.post(&format!("{}/stop", compute("ci-a")), None).status, 202);
}

#[test]
fn a_lock_goes_with_what_it_lies_on() {
    let mut cloud = cloud();
    let other = format!("{GROUP}-other");
    cloud.put(&other, &json!({ "location": "westeurope" }));
    cloud.put(&lock(&other, "frozen"), &level("ReadOnly"));
    assert_eq!(cloud.control(Method::Delete, &format!("resource?id={other}"), &Value::Null).status, 204);
    assert_eq!(cloud.put(&other, &json!({ "location": "westeurope" })).status, 201);
    assert_eq!(cloud.delete(&other).status, 202);
}

#[test]
fn a_lock_on_the_group_keeps_clusters_resizing() {
    let mut cloud = cloud();
    let shown = |cloud: &mut Cloud| {
        let body = cloud.get(&compute("cpu")).value();
        let inner = body["properties"]["properties"].clone();
        let counts = [inner["currentNodeCount"].clone(), inner["targetNodeCount"].clone()];
        (inner["allocationState"].as_str().unwrap().to_owned(), counts)
    };
    cloud.put(&lock(GROUP, "keep"), &level("CanNotDelete"));
    let mut body = cluster_body();
    body["properties"]["properties"]["scaleSettings"]["minNodeCount"] = json!(2);
    assert_eq!(cloud.put(&compute("cpu"), &body).status, 201);
    cloud.pass(3_600);
    assert_eq!(shown(&mut cloud), ("Resizing".to_owned(), [json!(0), json!(0)]));
    assert_eq!(cloud.get(&compute("cpu")).value()["properties"]["provisioningState"], "Succeeded");
    cloud.delete(&lock(GROUP, "keep"));
    cloud.pass(3_600);
    assert_eq!(shown(&mut cloud), ("Steady".to_owned(), [json!(2), json!(2)]));
    cloud.put(&lock(GROUP, "keep"), &level("ReadOnly"));
    cloud.pass(3_600);
    assert_eq!(shown(&mut cloud), ("Resizing".to_owned(), [json!(2), json!(2)]), "none comes and none goes");
}

#[test]
fn a_policy_denies_and_several_are_named_at_once() {
    let mut cloud = cloud();
    tell(
        &mut cloud,
        "policies",
        json!({ "name": "Allowed locations", "allowed_locations": ["West Europe", "northeurope"] }),
    );
    let owner = tell(&mut cloud, "policies", json!({ "name": "Require owner", "required_tag": "owner" }));
    let mut body = cluster_body();
    body["tags"] = json!({ "Owner": "a" });
    assert_eq!(cloud.put(&compute("cpu"), &body).status, 201);
    body["location"] = json!("eastus");
    body["tags"] = json!({});
    let reply = cloud.put(&compute("far"), &body);
    assert_eq!((reply.status, code(&reply).as_str()), (403, "RequestDisallowedByPolicy"));
    assert_eq!(reply.header("x-ms-failure-cause"), Some("gateway"));
    assert!(message(&reply).starts_with(
        "Resource 'far' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":{\"id\":"
    ));
    let info = reply.value()["error"]["additionalInfo"].clone();
    let expression =
        |index: usize| info[index]["info"]["evaluationDetails"]["evaluatedExpressions"][0].clone();
    assert_eq!(
        (&info[0]["type"], &info[0]["info"]["policyDefinitionDisplayName"]),
        (&json!("PolicyViolation"), &json!("Allowed locations"))
    );
    assert_eq!(
        (&expression(0)["expressionValue"], &expression(0)["operator"]),
        (&json!("eastus"), &json!("NotIn"))
    );
    assert_eq!(
        (&expression(1)["path"], &expression(1)["operator"]),
        (&json!("tags[owner]"), &json!("Exists"))
    );
    assert_eq!(cloud.get(&compute("far")).status, 404);
    cloud.pass(60);
    assert_eq!(
        cloud.patch(&workspace(), &json!({ "properties": { "description": "d" } })).status,
        403,
        "it has no owner"
    );
    assert_eq!(cloud.patch(&workspace(), &json!({ "tags": { "owner": "b" } })).status, 202);
    cloud.pass(60);
    assert_eq!(
        cloud.put(&format!("{GROUP}-2"), &json!({ "location": "eastus" })).status,
        201,
        "groups are set aside"
    );
    let refused = cloud.control(Method::Get, "policies", &Value::Null).value()["value"][1].clone();
    assert_eq!(
        (&refused["id"], &refused["refused"], &refused["required_tag"]),
        (&owner["id"], &json!(2), &json!("owner"))
    );
    cloud.control(Method::Delete, &format!("policies?id={}", owner["id"]), &Value::Null);
    body["location"] = json!("westeurope");
    assert_eq!(cloud.put(&compute("near"), &body).status, 201);
}

#[test]
fn a_policy_forbids_types_in_its_scope() {
    let mut cloud = cloud();
    let kinds = [format!("{ML}/workspaces/computes")];
    tell(
        &mut cloud,
        "policies",
        json!({ "name": "No computes", "scope": workspace(), "not_allowed_types": kinds }),
    );
    assert_eq!(code(&cloud.put(&compute("cpu"), &cluster_body())), "RequestDisallowedByPolicy");
    assert_eq!(cloud.put(&workspace().replace("research", "other"), &workspace_body()).status, 202);
    tell(
        &mut cloud,
        "policies",
        json!({ "name": "Groups", "types": ["Microsoft.Resources/subscriptions/resourceGroups"], "required_tag": "cost" }),
    );
    assert_eq!(cloud.put(&format!("{GROUP}-2"), &json!({ "location": "eastus" })).status, 403);
}

#[test]
fn a_policy_modifies_or_appends() {
    let mut cloud = cloud();
    tell(
        &mut cloud,
        "policies",
        json!({ "name": "Cost", "effect": "modify", "tags": { "cost": "7" }, "types": [format!("{ML}/workspaces/computes")] }),
    );
    tell(
        &mut cloud,
        "policies",
        json!({ "name": "Team", "effect": "append", "tags": { "team": "x" }, "identity": { "type": "SystemAssigned" } }),
    );
    tell(
        &mut cloud,
        "policies",
        json!({ "name": "Need cost", "required_tag": "cost", "types": [format!("{ML}/workspaces/computes")] }),
    );
    let mut body = cluster_body();
    body["tags"] = json!({ "cost": "1", "team": "mine" });
    assert_eq!(cloud.put(&compute("cpu"), &body).status, 201);
    let shown = cloud.get(&compute("cpu")).value();
    assert_eq!(shown["tags"], json!({ "cost": "7", "team": "mine" }));
    assert_eq!(shown["identity"]["type"], "SystemAssigned");
    assert_eq!(cloud.put(&compute("bare"), &cluster_body()).status, 201, "what is added counts");
    let listed = cloud.control(Method::Get, "policies", &Value::Null).value();
    assert_eq!((&listed["value"][0]["changed"], &listed["value"][2]["refused"]), (&json!(2), &json!(0)));
    for wrong in [
        json!({ "name": "x" }),
        json!({ "tags": {} }),
        json!({ "name": "x", "effect": "modify", "required_tag": "a" }),
    ] {
        assert_eq!(cloud.control(Method::Post, "policies", &wrong).status, 400, "{wrong}");
    }
}

#[test]
fn a_denial_names_action_and_scope_until_it_ends() {
    let mut cloud = cloud();
    let id = tell(
        &mut cloud,
        "denials",
        json!({ "action": "*/computes/write", "scope": GROUP, "for_seconds": 600 }),
    )["id"]
        .clone();
    let reply = cloud.put(&compute("cpu"), &cluster_body());
    assert_eq!((reply.status, code(&reply).as_str()), (403, "AuthorizationFailed"));
    assert!(
        message(&reply)
            .contains(&format!("action '{ML}/workspaces/computes/write' over scope '{}'", compute("cpu")))
    );
    assert_eq!(cloud.get(&compute("cpu")).status, 404, "reads are free");
    let listed = cloud.control(Method::Get, "denials", &Value::Null).value()["value"][0].clone();
    assert_eq!(
        (&listed["id"], &listed["refused"], &listed["action"]),
        (&id, &json!(1), &json!("*/computes/write"))
    );
    cloud.pass(600);
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201);

    for (action, target, method) in [
        (format!("{ML}/workspaces/listKeys/action"), format!("{}/listKeys", workspace()), Method::Post),
        (format!("{ML}/workspaces/computes/delete"), compute("cpu"), Method::Delete),
        (format!("{ML}/workspaces/read"), workspace(), Method::Get),
        (
            format!("{ML}/locations/computeOperationsStatus/read"),
            format!("{LOCATION}/computeOperationsStatus/1"),
            Method::Get,
        ),
        ("Microsoft.Resources/subscriptions/resourceGroups/read".to_owned(), GROUP.to_owned(), Method::Get),
    ] {
        tell(&mut cloud, "denials", json!({ "action": action }));
        let reply = cloud.call(method, &target, None);
        assert!(
            code(&reply) == "AuthorizationFailed" && message(&reply).contains(&action),
            "{action}: {}",
            message(&reply)
        );
        cloud.control(Method::Delete, "denials", &Value::Null);
    }
}

#[test]
fn a_denial_can_be_about_one_caller_or_a_second_resource() {
    let mut cloud = cloud();
    let bearer = format!("Bearer {}", cloud.token(""));
    let sent = request(Method::Get, GROUP).header("authorization", &bearer);
    tell(&mut cloud, "denials", json!({ "action": "*" }));
    let refused = message(&cloud.send(&sent));
    let object = refused.split('\'').nth(3).unwrap().to_owned();
    cloud.control(Method::Delete, "denials", &Value::Null);
    tell(&mut cloud, "denials", json!({ "action": "*", "principal": object }));
    assert_eq!((cloud.send(&sent).status, cloud.get(GROUP).status), (403, 200));
    cloud.control(Method::Delete, "denials", &Value::Null);

    let subnet = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/net/subnets/ml");
    tell(&mut cloud, "denials", json!({ "action": "*/computes/write", "linked_scope": subnet }));
    let mut body = cluster_body();
    assert_eq!(cloud.put(&compute("cpu"), &body).status, 201, "it names no second resource");
    body["properties"]["properties"]["subnet"] = json!({ "id": subnet.to_uppercase() });
    let reply = cloud.put(&compute("net"), &body);
    assert_eq!((reply.status, code(&reply).as_str()), (403, "LinkedAuthorizationFailed"));
    assert!(message(&reply).contains(&format!("on the linked scope(s) '{subnet}'")), "{}", message(&reply));
}

#[test]
fn an_unregistered_provider_refuses_writes_until_registration_is_through() {
    let mut cloud = cloud();
    let provider = format!("{SUBSCRIPTION}/providers/{ML}");
    tell(&mut cloud, "registrations", json!({ "namespace": ML }));
    let state = |cloud: &mut Cloud| cloud.get(&provider).value()["registrationState"].clone();
    assert_eq!(state(&mut cloud), "NotRegistered");
    let reply = cloud.put(&compute("cpu"), &cluster_body());
    assert_eq!((reply.status, code(&reply).as_str()), (409, "MissingSubscriptionRegistration"));
    let text = format!(
        "The subscription is not registered to use namespace '{ML}'. See https://aka.ms/rps-not-found for how to register subscriptions."
    );
    assert_eq!(message(&reply), text);
    let detail = &reply.value()["error"]["details"][0];
    assert_eq!(
        (&detail["code"], &detail["target"], &detail["message"]),
        (&json!("MissingSubscriptionRegistration"), &json!(ML), &json!(text))
    );
    assert_eq!(cloud.get(&workspace()).status, 200);
    let begun = cloud.post(&format!("{provider}/register"), None);
    assert_eq!((begun.status, &begun.value()["registrationState"]), (200, &json!("Registering")));
    cloud.pass(30);
    assert_eq!(state(&mut cloud), "Registering");
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 409);
    cloud.post(&format!("{provider}/register"), None);
    cloud.pass(30);
    assert_eq!(state(&mut cloud), "Registered", "asking again does not begin anew");
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201);
    cloud.post(&format!("{provider}/unregister"), None);
    assert_eq!(state(&mut cloud), "NotRegistered");
    tell(&mut cloud, "registrations", json!({ "namespace": ML, "registered": true }));
    assert_eq!(state(&mut cloud), "Registered");
}

#[test]
fn a_cloud_can_begin_without_a_registration() {
    let mut cloud = Cloud::new(Options { unregistered: vec![ML.to_lowercase()], ..Options::default() });
    cloud.put(GROUP, &json!({ "location": "westeurope" }));
    assert_eq!(code(&cloud.put(&workspace(), &workspace_body())), "MissingSubscriptionRegistration");
    let vault = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/vault-1");
    assert_eq!(
        cloud.put(&vault, &json!({ "location": "westeurope", "properties": { "tenantId": "t" } })).status,
        200
    );
}

#[test]
fn quotas_change_while_the_cloud_runs() {
    let mut cloud = cloud();
    assert_eq!(
        tell(&mut cloud, "quotas", json!({ "core_limits": { "standardDSv2Family": 4 }, "compute_limit": 2 }))
            ["compute_limit"],
        2
    );
    assert_eq!(cloud.put(&compute("ci-a"), &instance_body()).status, 201);
    let refused = cloud.put(&compute("ci-b"), &instance_body());
    assert_eq!(
        (refused.status, refused.value()["error"]["details"][0]["code"].as_str()),
        (400, Some("ClusterMinNodesExceedCoreQuota"))
    );
    tell(&mut cloud, "quotas", json!({ "core_limit": 50, "core_limits": { "standardDSv2Family": 8 } }));
    assert_eq!(cloud.put(&compute("ci-b"), &instance_body()).status, 201);
    let quotas = cloud.control(Method::Get, "quotas", &Value::Null).value();
    assert_eq!(
        (&quotas["core_limits"]["standardDSv2Family"], &quotas["core_limits"]["standardNCFamily"]),
        (&json!(8), &json!(50))
    );
    let mut body = cluster_body();
    body["properties"]["properties"]["vmSize"] = json!("Standard_NC6");
    let reply = cloud.put(&compute("gpu"), &body);
    cloud.pass(60);
    assert_eq!(cloud.status(&reply)["status"], "Failed", "a third compute is one too many");
    let usages = cloud.get(&format!("{LOCATION}/usages")).value();
    assert!(
        usages["value"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["name"]["value"] == "standardDSv2Family" && row["limit"] == 8)
    );
    assert_eq!(cloud.control(Method::Post, "quotas", &json!({ "cores": 1 })).status, 400);
}

#[test]
fn a_disabled_subscription_is_read_only() {
    let mut cloud = cloud();
    tell(&mut cloud, "subscriptions", json!({ "state": "Disabled" }));
    assert_eq!(cloud.get(SUBSCRIPTION).value()["state"], "Disabled");
    for reply in [
        cloud.put(&compute("cpu"), &cluster_body()),
        cloud.delete(&workspace()),
        cloud.post(&format!("{}/listKeys", workspace()), None),
    ] {
        assert_eq!((reply.status, code(&reply).as_str()), (409, "ReadOnlyDisabledSubscription"));
        assert!(message(&reply).starts_with("The subscription '00000000-0000-0000-0000-000000000001' is disabled and therefore marked as read only."));
    }
    assert_eq!(cloud.get(&workspace()).status, 200);
    tell(&mut cloud, "subscriptions", json!({ "state": "Enabled" }));
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201);
    assert_eq!(
        cloud
            .control(Method::Post, "subscriptions", &json!({ "subscription": "none", "state": "Disabled" }))
            .status,
        404
    );
}

#[test]
fn a_size_can_run_out_in_a_region() {
    let mut cloud = cloud();
    cloud.put(&compute("ci-a"), &instance_body());
    cloud.pass(300);
    cloud.post(&format!("{}/stop", compute("ci-a")), None);
    cloud.pass(60);
    for (error, text) in [
        (
            "SkuNotAvailable",
            "The requested VM size Standard_DS3_v2 is currently not available in location 'westeurope'",
        ),
        ("AllocationFailed", "Allocation failed. We do not have sufficient capacity"),
        ("ZonalAllocationFailed", "in this zone"),
    ] {
        tell(
            &mut cloud,
            "capacity",
            json!({ "size": "standard_ds3_v2", "location": "West Europe", "code": error }),
        );
        let reply = cloud.put(&compute("cpu"), &cluster_body());
        assert_eq!((reply.status, code(&reply).as_str()), (409, error));
        assert!(message(&reply).contains(text), "{}", message(&reply));
        assert_eq!(
            code(&cloud.post(&format!("{}/start", compute("ci-a")), None)),
            error,
            "a start needs a machine"
        );
        assert_eq!(cloud.control(Method::Get, "capacity", &Value::Null).value()["value"][0]["refused"], 2);
        cloud.control(Method::Delete, "capacity", &Value::Null);
    }
    tell(&mut cloud, "capacity", json!({ "size": "Standard_DS3_v2", "location": "eastus" }));
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201);
    cloud.pass(60);
    tell(&mut cloud, "capacity", json!({ "size": "Standard_DS3_v2" }));
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201, "it has what it needs");
    assert_eq!(cloud.control(Method::Post, "capacity", &json!({ "size": "x", "code": "Odd" })).status, 400);
}

#[test]
fn what_is_laid_down_is_kept_and_what_was_only_asked_for_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        || Options { cloud_file: Some(folder.path().join("cloud.json")), speed: 0.0, ..Options::default() };
    let control = |emulator: &Emulator, method: Method, what: &str, body: Value| {
        let sent = request(method, &format!("/_emulator/{what}"))
            .header("x-emulator-token", emulator.control_token());
        emulator.handle(&sent.json(&body))
    };
    let emulator = Emulator::open(options()).unwrap();
    let put = |emulator: &Emulator, target: &str, body: Value| {
        emulator.handle(&request(Method::Put, target).json(&body))
    };
    put(&emulator, GROUP, json!({ "location": "westeurope" }));
    assert_eq!(put(&emulator, &lock(GROUP, "keep"), level("ReadOnly")).status, 201);
    control(&emulator, Method::Post, "denials", json!({ "action": "Microsoft.KeyVault/*" }));
    control(&emulator, Method::Post, "quotas", json!({ "compute_limit": 7 }));
    control(&emulator, Method::Post, "faults", json!({ "fault": "503" }));
    control(&emulator, Method::Post, "budgets", json!({ "preset": "azure" }));
    drop(emulator);
    let emulator = Emulator::open(options()).unwrap();
    assert_eq!(
        put(&emulator, GROUP, json!({ "location": "westeurope" })).status,
        409,
        "the lock is a resource"
    );
    assert_eq!(control(&emulator, Method::Get, "denials", Value::Null).value()["value"][0]["id"], 1);
    assert_eq!(control(&emulator, Method::Get, "quotas", Value::Null).value()["compute_limit"], 7);
    assert_eq!(control(&emulator, Method::Get, "budgets", Value::Null).value()["setting"], Value::Null);
    assert!(emulator.faults().is_empty());
}

#[test]
fn each_stage_comes_before_the_next() {
    let mut cloud = cloud();
    let put = |cloud: &mut Cloud| code(&cloud.put(&compute("cpu"), &cluster_body()));
    let mut seen = Vec::new();
    cloud.inject(&json!({ "fault": "503", "times": 99 }));
    seen.push(put(&mut cloud));
    tell(&mut cloud, "capacity", json!({ "size": "Standard_DS3_v2" }));
    seen.push(put(&mut cloud));
    tell(&mut cloud, "registrations", json!({ "namespace": ML }));
    seen.push(put(&mut cloud));
    let reply = cloud.put(&lock(GROUP, "frozen"), &level("ReadOnly"));
    assert_eq!(reply.status, 503, "a fault is about locks too");
    cloud.world.clear_faults();
    cloud.put(&lock(GROUP, "frozen"), &level("ReadOnly"));
    seen.push(put(&mut cloud));
    tell(&mut cloud, "policies", json!({ "name": "p", "required_tag": "t" }));
    seen.push(put(&mut cloud));
    tell(&mut cloud, "denials", json!({ "action": "*" }));
    seen.push(put(&mut cloud));
    tell(&mut cloud, "subscriptions", json!({ "state": "Disabled" }));
    seen.push(put(&mut cloud));
    tell(&mut cloud, "budgets", json!({ "writes": { "bucket": 1, "refill": 0.001 } }));
    put(&mut cloud);
    seen.push(put(&mut cloud));
    assert_eq!(
        seen,
        [
            "ServerBusy",
            "AllocationFailed",
            "MissingSubscriptionRegistration",
            "ScopeLocked",
            "RequestDisallowedByPolicy",
            "AuthorizationFailed",
            "ReadOnlyDisabledSubscription",
            "SubscriptionRequestsThrottled",
        ]
    );
}
