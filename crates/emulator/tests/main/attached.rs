//! Attached computes.

use emulator::Options;
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, LOCATION, cluster_body, code, compute, message};

fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

fn body(compute_type: &str, resource: Option<&str>, inner: &Value) -> Value {
    let mut body = json!({ "location": "westeurope", "properties": { "computeType": compute_type, "properties": inner } });
    if let Some(resource) = resource {
        body["properties"]["resourceId"] = json!(format!("{GROUP}/providers/{resource}"));
    }
    body
}

/// Every type with a resource of it.
const TYPES: [(&str, &str); 8] = [
    ("Kubernetes", "Microsoft.ContainerService/managedClusters/k"),
    ("AKS", "Microsoft.ContainerService/managedClusters/k"),
    ("VirtualMachine", "Microsoft.Compute/virtualMachines/v"),
    ("HDInsight", "Microsoft.HDInsight/clusters/h"),
    ("Databricks", "Microsoft.Databricks/workspaces/d"),
    ("DataFactory", "Microsoft.DataFactory/factories/f"),
    ("DataLakeAnalytics", "Microsoft.DataLakeAnalytics/accounts/a"),
    ("SynapseSpark", "Microsoft.Synapse/workspaces/w/bigDataPools/p"),
];

#[test]
fn every_type_is_attached_read_listed_and_detached() {
    let mut cloud = cloud();
    for (compute_type, resource) in TYPES {
        let name = compute(&format!("x{compute_type}"));
        let reply = cloud.put(&name, &body(&compute_type.to_lowercase(), Some(resource), &Value::Null));
        assert_eq!(reply.status, 201, "{compute_type}: {}", reply.value());
        assert_eq!(reply.value()["properties"]["provisioningState"], "Creating");
        cloud.pass(30);
        assert_eq!(cloud.status(&reply)["status"], "Succeeded");
        let shown = cloud.get(&name).value();
        assert_eq!(shown["properties"]["computeType"], compute_type);
        assert_eq!(shown["properties"]["isAttachedCompute"], true);
        assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
        assert!(shown["properties"]["resourceId"].as_str().unwrap().ends_with(resource));
        assert_eq!(shown["properties"]["properties"].is_null(), compute_type == "DataFactory");
    }
    let listed = cloud.get(&compute("").replace("/computes/", "/computes")).value();
    assert_eq!(listed["value"].as_array().unwrap().len(), TYPES.len());
    let usages = cloud.get(&format!("{LOCATION}/usages")).value();
    assert_eq!(usages["value"][0]["currentValue"], 0, "they are no clusters of the service");
    for (compute_type, _) in TYPES {
        let name = compute(&format!("x{compute_type}"));
        let reply = cloud.delete(&format!("{name}?underlyingResourceAction=Detach"));
        assert_eq!(reply.status, 202, "{compute_type}");
        cloud.pass(10);
        assert_eq!(cloud.get(&name).status, 404, "{compute_type}");
    }
}

#[test]
fn a_type_without_its_resource_is_refused_or_gets_one() {
    let mut cloud = cloud();
    let reply = cloud.put(&compute("k8s"), &body("Kubernetes", None, &json!({})));
    assert_eq!((reply.status, code(&reply).as_str()), (400, "UserError"));
    assert_eq!(cloud.put(&compute("aks"), &body("AKS", None, &json!({ "agentCount": 3 }))).status, 201);
    cloud.pass(30);
    let shown = cloud.get(&compute("aks")).value();
    assert_eq!(shown["properties"]["isAttachedCompute"], false);
    assert!(shown["properties"]["resourceId"].as_str().unwrap().contains("/managedClusters/aks-"));
    assert_eq!(shown["properties"]["properties"]["clusterPurpose"], "FastProd");
}

#[test]
fn a_spark_pool_is_known_by_its_id() {
    let mut cloud = cloud();
    cloud.put(
        &compute("spark"),
        &body("SynapseSpark", Some("Microsoft.Synapse/workspaces/w/bigDataPools/p"), &Value::Null),
    );
    let inner = cloud.get(&compute("spark")).value()["properties"]["properties"].clone();
    let parts =
        ["resourceGroup", "workspaceName", "poolName"].map(|key| inner[key].as_str().unwrap().to_owned());
    assert_eq!(parts, ["rg", "w", "p"]);
}

#[test]
fn secrets_are_taken_and_never_answered_and_keys_are_made_up() {
    let mut cloud = cloud();
    let account = json!({ "username": "me", "password": "canary", "privateKeyData": "canary" });
    let inner = json!({ "sshPort": 2222, "administratorAccount": account });
    let vm = Some("Microsoft.Compute/virtualMachines/v");
    let reply = cloud.put(&compute("vm1"), &body("VirtualMachine", vm, &inner));
    cloud.pass(30);
    let shown = cloud.get(&compute("vm1")).value();
    assert!(!shown.to_string().contains("canary") && !reply.value().to_string().contains("canary"));
    assert_eq!(shown["properties"]["properties"]["administratorAccount"]["password"], Value::Null);
    assert_eq!(shown["properties"]["properties"]["sshPort"], 2222);
    let keys = cloud.post(&format!("{}/listKeys", compute("vm1")), None).value();
    assert_eq!(
        (&keys["computeType"], &keys["administratorAccount"]["username"]),
        (&json!("VirtualMachine"), &json!("me"))
    );
    assert!(keys["administratorAccount"]["password"].is_string());
    cloud.put(
        &compute("dbx"),
        &body(
            "Databricks",
            Some("Microsoft.Databricks/workspaces/d"),
            &json!({ "databricksAccessToken": "canary" }),
        ),
    );
    let keys = cloud.post(&format!("{}/listKeys", compute("dbx")), None).value();
    assert!(keys["databricksAccessToken"].as_str().is_some_and(|token| token != "canary"));
    cloud.put(&compute("cpu"), &cluster_body());
    let refused = cloud.post(&format!("{}/listKeys", compute("cpu")), None);
    assert_eq!(message(&refused), "ComputeListKeys with computeType AmlCompute is not supported.");
}

#[test]
fn the_same_name_is_attached_again_but_not_as_another_type() {
    let mut cloud = cloud();
    let of = |namespace: &str| {
        body(
            "Kubernetes",
            Some("Microsoft.ContainerService/managedClusters/k"),
            &json!({ "namespace": namespace }),
        )
    };
    cloud.put(&compute("k8s"), &of("a"));
    assert_eq!(cloud.put(&compute("k8s"), &of("b")).status, 409, "it is being attached");
    cloud.pass(30);
    let before = cloud.get(&compute("k8s")).value();
    cloud.pass(30);
    assert_eq!(cloud.put(&compute("k8s"), &of("b")).status, 201);
    cloud.pass(30);
    let after = cloud.get(&compute("k8s")).value();
    assert_eq!(after["properties"]["properties"]["namespace"], "b");
    assert_eq!(after["properties"]["createdOn"], before["properties"]["createdOn"]);
    assert_ne!(after["properties"]["modifiedOn"], before["properties"]["modifiedOn"]);
    let reply = cloud.put(&compute("k8s"), &body("AKS", None, &json!({})));
    assert!(message(&reply).contains("AlreadyExists"));
    assert_eq!(cloud.post(&format!("{}/listNodes", compute("k8s")), None).status, 400);
    assert_eq!(cloud.patch(&compute("k8s"), &json!({ "properties": {} })).status, 400);
}

#[test]
fn delete_takes_the_resource_away_and_detach_leaves_it() {
    let mut cloud = cloud();
    let vault = format!("{GROUP}/providers/Microsoft.Synapse/workspaces/w");
    for (action, status) in [("Detach", 200), ("Delete", 404)] {
        cloud.put(&vault, &json!({ "location": "westeurope", "properties": {} }));
        cloud.put(
            &compute("spark"),
            &body("SynapseSpark", Some("Microsoft.Synapse/workspaces/w"), &Value::Null),
        );
        cloud.pass(30);
        cloud.delete(&format!("{}?underlyingResourceAction={action}", compute("spark")));
        cloud.pass(60);
        assert_eq!(cloud.get(&vault).status, status, "{action}");
    }
}
