//! What is refused: at the gate, by ARM, and by the ML service.

use std::collections::BTreeMap;

use emulator::{Method, Options, Request};
use serde_json::json;

use crate::support::{
    Cloud, GROUP, LOCATION, cluster_body, code, compute, instance_body, message, raw, workspace,
};

fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

#[test]
fn the_gate_wants_a_loopback_host_a_token_and_a_version() {
    let mut cloud = cloud();
    let target = format!("{GROUP}?api-version=2026-05-01");
    let bare = Request::new(Method::Get, &target).header("host", "localhost:1");
    let reply = cloud.send(&bare);
    assert_eq!(reply.status, 401);
    assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer authorization_uri="));
    assert_eq!(cloud.send(&bare.clone().header("authorization", "Bearer  ")).status, 401);
    let stranger = cloud.send(&bare.clone().header("authorization", "Bearer x"));
    assert_eq!((stranger.status, code(&stranger).as_str()), (401, "InvalidAuthenticationToken"));
    assert_eq!(cloud.send(&bare.header("authorization", "bearer loopback")).status, 200);
    assert_eq!(cloud.send(&raw(Method::Get, &target).header("host", "example.com")).status, 403);
    assert_eq!(code(&cloud.send(&raw(Method::Get, GROUP))), "MissingApiVersionParameter");
    assert_eq!(code(&cloud.get(&format!("{GROUP}?api-version=new"))), "InvalidApiVersionParameter");
}

#[test]
fn replies_carry_arms_headers() {
    let mut cloud = cloud();
    let request = raw(Method::Get, &format!("{GROUP}?api-version=2026-05-01"))
        .header("x-ms-correlation-request-id", "abc");
    let reply = cloud.send(&request);
    assert_eq!(reply.header("x-ms-correlation-request-id"), Some("abc"));
    assert_eq!(reply.header("x-ms-ratelimit-remaining-subscription-reads"), Some("249"));
    assert!(reply.header("x-ms-routing-request-id").unwrap().starts_with("WESTEUROPE:"));
    assert!(reply.header("x-ms-request-id").is_some() && reply.header("cache-control") == Some("no-cache"));
    let missing = cloud.get(&format!("{GROUP}-none"));
    assert_eq!(missing.header("x-ms-failure-cause"), Some("gateway"));
}

#[test]
fn what_is_missing_is_named_from_the_outside_in() {
    let mut cloud = cloud();
    let ml = "providers/Microsoft.MachineLearningServices/workspaces";
    let cases = [
        ("/subscriptions/none/resourceGroups/rg".to_owned(), "SubscriptionNotFound"),
        (format!("{GROUP}x/{ml}/research"), "ResourceGroupNotFound"),
        (format!("{GROUP}/{ml}/none/computes/cpu"), "ParentResourceNotFound"),
        (format!("{GROUP}/{ml}/none"), "ResourceNotFound"),
        (compute("none"), "ResourceNotFound"),
    ];
    for (target, expected) in cases {
        let reply = cloud.get(&target);
        assert_eq!((reply.status, code(&reply).as_str()), (404, expected), "{target}");
    }
    let reply = cloud.get(&format!("{GROUP}/{ml}/none"));
    assert!(message(&reply).starts_with(
        "The Resource 'Microsoft.MachineLearningServices/workspaces/none' under resource group 'rg'"
    ));
    assert_eq!(cloud.put(&workspace().replace("research", "none/computes/cpu"), &cluster_body()).status, 404);
}

#[test]
fn values_the_service_refuses() {
    let mut cloud = cloud();
    let mut put = |name: &str, pointer: &str, value: serde_json::Value, base: serde_json::Value| {
        let mut body = base;
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[key] = value;
        let reply = cloud.put(&compute(name), &body);
        assert_eq!(reply.status, 400, "{pointer}: {}", reply.value());
        code(&reply)
    };
    let inner = "/properties/properties";
    assert_eq!(
        put("cpu", &format!("{inner}/vmSize"), json!("Standard_X1"), cluster_body()),
        "InvalidPropertyValue"
    );
    assert_eq!(
        put("cpu", &format!("{inner}/scaleSettings/minNodeCount"), json!(5), cluster_body()),
        "InvalidPropertyValue"
    );
    put("cpu", &format!("{inner}/scaleSettings/nodeIdleTimeBeforeScaleDown"), json!("120"), cluster_body());
    put("cpu", &format!("{inner}/scaleSettings"), json!({}), cluster_body());
    put("cpu", &format!("{inner}/enableNodePublicIp"), json!(false), cluster_body());
    put("cpu", "/location", json!(null), cluster_body());
    put("cpu", "/properties/computeType", json!("Toaster"), cluster_body());
    put("cpu", "/properties/computeType", json!("Kubernetes"), cluster_body());
    put("ci-a", "/location", json!("eastus"), instance_body());
    put("ci-a", &format!("{inner}/idleTimeBeforeShutdown"), json!("P4D"), instance_body());
    for name in ["x", "1abc", "cpu-7", "cpu_a"] {
        put(name, "/tags", json!({}), cluster_body());
    }
    let reply = cloud.send(&raw(Method::Put, &format!("{}?api-version=2026-05-01", compute("cpu"))));
    assert_eq!(code(&reply), "InvalidRequestContent");
}

#[test]
fn quota_is_kept_by_family_and_instances_hold_it_while_stopped() {
    let limits = BTreeMap::from([("standardDSv2Family".to_owned(), 8)]);
    let mut cloud = Cloud::with_workspace(Options { core_limits: limits, ..Options::default() });
    assert_eq!(cloud.put(&compute("ci-a"), &instance_body()).status, 201);
    cloud.pass(200);
    cloud.post(&format!("{}/stop", compute("ci-a")), None);
    cloud.pass(60);
    let mut two = cluster_body();
    two["properties"]["properties"]["scaleSettings"] = json!({ "minNodeCount": 2, "maxNodeCount": 4 });
    let reply = cloud.put(&compute("cpu"), &two);
    assert_eq!(reply.status, 400);
    assert_eq!(reply.value()["error"]["details"][0]["code"], "ClusterMinNodesExceedCoreQuota");
    assert!(message(&reply).contains("vCPU quota of 8 and cannot accomodate for at least 2 requested"));
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201, "one node fits");
    cloud.pass(10);
    let scale = json!({ "properties": { "properties": { "scaleSettings": { "minNodeCount": 2 } } } });
    assert_eq!(cloud.patch(&compute("cpu"), &scale).status, 400);
    two["properties"]["properties"]["vmPriority"] = json!("LowPriority");
    assert_eq!(cloud.put(&compute("low"), &two).status, 201, "low priority is not checked");

    let usages = cloud.get(&format!("{LOCATION}/usages")).value();
    let used = |name: &str| {
        usages["value"].as_array().unwrap().iter().find(|row| row["name"]["value"] == name).unwrap()["currentValue"].clone()
    };
    assert_eq!(
        (used("TotalClusters"), used("standardDSv2Family"), used("TotalLowPriorityCores")),
        (json!(3), json!(4), json!(8))
    );
    let quotas = cloud.get(&format!("{LOCATION}/Quotas")).value();
    assert!(
        quotas["value"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["name"]["value"] == "standardDSv2Family" && row["limit"] == 8)
    );
}

#[test]
fn an_instance_name_is_unique_in_its_region() {
    let mut cloud = cloud();
    let other = workspace().replace("research", "other");
    let body = crate::support::workspace_body();
    assert_eq!(cloud.put(&other, &body).status, 202);
    cloud.pass(60);
    cloud.put(&compute("ci-a"), &instance_body());
    let reply = cloud.put(&format!("{other}/computes/CI-A"), &instance_body());
    assert_eq!(reply.status, 400);
    assert!(message(&reply).contains("is already in use and is therefore unavailable"));
}

#[test]
fn locations_answer_sizes_and_take_workspace_quotas() {
    let mut cloud = cloud();
    let sizes = cloud.get(&format!("{LOCATION}/vmSizes")).value();
    assert_eq!(sizes["value"], sizes["amlCompute"]);
    assert!(sizes["value"].as_array().unwrap().iter().all(|size| size["supportedComputeTypes"].is_array()));
    let id =
        |family: &str| format!("{}/quotas/Standard_{family}_Family_Cluster_Dedicated_vCPUs", workspace());
    let status = |cloud: &mut Cloud, id: &str, limit: i64| {
        let body = json!({ "value": [{ "id": id, "limit": limit, "unit": "Count" }] });
        cloud.post(&format!("{LOCATION}/updateQuotas"), Some(&body)).value()["value"][0]["status"].clone()
    };
    cloud.put(&compute("ci-a"), &instance_body());
    let cases = [
        (id("DSv2"), 10, "Success"),
        (id("Nope"), 10, "InvalidVMFamilyName"),
        (id("DSv2"), 999_999, "InvalidQuotaExceedsSubscriptionLimit"),
        (id("DSv2"), 3, "InvalidQuotaBelowClusterMinimum"),
        (id("DSv2"), -1, "Failure"),
        (id("DSv2").replace("research", "none"), 10, "Failure"),
    ];
    for (id, limit, expected) in cases {
        assert_eq!(status(&mut cloud, &id.to_uppercase(), limit), expected, "{id} {limit}");
    }
    let quotas = cloud.get(&format!("{LOCATION}/quotas")).value();
    let own = quotas["value"].as_array().unwrap().last().unwrap();
    assert_eq!((&own["id"], &own["limit"]), (&json!(id("DSv2")), &json!(10)));
}

#[test]
fn the_quota_of_a_workspace_limits_its_computes_alone() {
    let mut cloud = cloud();
    let id = format!("{}/quotas/Standard_DSv2_Family_Cluster_Dedicated_vCPUs", workspace());
    let body = json!({ "value": [{ "id": id, "limit": 8 }] });
    cloud.post(&format!("{LOCATION}/updateQuotas"), Some(&body));
    let mut three = cluster_body();
    three["properties"]["properties"]["scaleSettings"] = json!({ "minNodeCount": 3, "maxNodeCount": 4 });
    let reply = cloud.put(&compute("cpu"), &three);
    assert_eq!(reply.status, 400);
    assert!(
        message(&reply).starts_with("The specified workspace has a Standard DSv2 Family vCPU quota of 8")
    );
    let other = workspace().replace("research", "other");
    cloud.put(&other, &crate::support::workspace_body());
    cloud.pass(60);
    assert_eq!(cloud.put(&format!("{other}/computes/cpu"), &three).status, 201);
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201);
    cloud.pass(10);
    cloud.control(Method::Post, "nodes", &json!({ "id": compute("cpu"), "run": 4, "seconds": 600 }));
    cloud.pass(200);
    assert_eq!(cloud.get(&compute("cpu")).value()["properties"]["properties"]["currentNodeCount"], 2);
}
