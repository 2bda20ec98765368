//! Lists, single reads and nodes.

use executor::provider::{Collection, Outcome, Provider};
use model::{ArmId, Provisioning};
use serde_json::{Value as Json, json};

use crate::support::*;

fn body(name: &str, compute_type: &str) -> Json {
    json!({
        "id": format!("{}/computes/{name}", WORKSPACE.replace("resourceGroups", "resourcegroups")),
        "name": name, "location": "westeurope", "tags": {},
        "properties": { "computeType": compute_type, "provisioningState": "Succeeded", "createdOn": "2025-11-04T09:40:51.9013157+00:00", "properties": { "vmSize": "STANDARD_DS3_V2" } },
    })
}

fn computes() -> Collection {
    Collection { kinds: vec![kind("cluster"), kind("instance")], parent: workspace() }
}

#[tokio::test(start_paused = true)]
async fn a_list_reads_all_pages_and_tells_kinds_apart() {
    let next = format!("https://management.azure.com{WORKSPACE}/computes?api-version=v&$skip=2");
    let wire = Wire::new([
        (
            &format!("GET ~/computes{ML}"),
            reply(
                200,
                json!({ "value": [body("cpu", "AmlCompute"), body("aks", "Kubernetes")], "nextLink": next }),
            ),
        ),
        (
            "GET ~/computes?api-version=v&$skip=2",
            reply(200, json!({ "value": [body("ci", "computeinstance")], "nextLink": "" })),
        ),
    ]);
    let found = wire.provider().list(&computes()).await.unwrap();
    wire.end();
    assert_eq!(found.iter().map(|o| o.arm_id.name()).collect::<Vec<_>>(), ["cpu", "ci"]);
    let cluster = &found[0];
    assert!(cluster.arm_id.same(compute("cpu").as_str()));
    assert_eq!(cluster.attributes["workspace"], "ws");
    assert_eq!(cluster.attributes["location"], "westeurope");
    assert_eq!(cluster.attributes["size"], "STANDARD_DS3_V2");
    assert_eq!(cluster.created, Some(1_762_249_251));
    assert_eq!(cluster.provisioning, Provisioning::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn what_lies_in_a_group_is_listed_by_type() {
    let group = ArmId::group("s", "rg");
    let id = "/subscriptions/s/resourceGroups/RG/providers/Microsoft.KeyVault/vaults/kv";
    let vault = json!({ "id": id, "type": "Microsoft.Keyvault/Vaults", "location": "westeurope", "properties": {}, "systemData": { "createdAt": "1970-01-01T00:01:00Z" } });
    let wire = Wire::new([(
        "GET /subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults?api-version=2023-07-01",
        reply(200, json!({ "value": [vault] })),
    )]);
    let found =
        wire.provider().list(&Collection { kinds: vec![kind("key_vault")], parent: group }).await.unwrap();
    assert_eq!((found[0].attributes["resource_group"].as_str(), found[0].created), (Some("RG"), Some(60)));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_whole_is_an_error() {
    for (page, words) in [
        (json!({ "value": [], "nextLink": "https://evil.example/next" }), "https://evil.example"),
        (json!({}), "`value`"),
    ] {
        let wire = Wire::new([(&format!("GET ~/computes{ML}"), reply(200, page))]);
        let error = wire.provider().list(&computes()).await.unwrap_err();
        assert!(error.message.contains(words), "{error}");
        wire.end();
    }
    let again =
        json!({ "value": [], "nextLink": format!("https://management.azure.com{WORKSPACE}/computes?x=1") });
    let wire = Wire::new([
        (&format!("GET ~/computes{ML}"), reply(200, again.clone())),
        ("GET ~/computes?x=1", reply(200, again)),
    ]);
    assert!(wire.provider().list(&computes()).await.unwrap_err().message.contains("circles"));
    wire.end();
}

#[tokio::test(start_paused = true)]
async fn only_a_404_about_the_resource_means_absent() {
    let not_found = Json::Null;
    for (answer, absent) in [
        (error(404, "ResourceNotFound"), true),
        (error(404, "ParentResourceNotFound"), true),
        (with(reply(404, not_found.clone()), "x-ms-request-id", "r"), true),
        (reply(404, not_found), false),
        (error(404, "SubscriptionNotFound"), false),
        (error(404, "InvalidResourceType"), false),
        (error(403, "AuthorizationFailed"), false),
    ] {
        let wire = Wire::new([(&format!("GET ~/computes/cpu{ML}"), answer.clone())]);
        let found = wire.provider().get(kind("cluster"), &compute("cpu")).await;
        assert_eq!(found.is_ok_and(|f| f.is_none()), absent, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_of_another_kind_or_name_is_an_error() {
    for answer in [body("cpu", "ComputeInstance"), body("other", "AmlCompute")] {
        let wire = Wire::new([(&format!("GET ~/computes/cpu{ML}"), reply(200, answer))]);
        assert!(wire.provider().get(kind("cluster"), &compute("cpu")).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_resource_says_why() {
    let mut failed = body("cpu", "AmlCompute");
    failed["properties"]["provisioningState"] = json!("Failed");
    failed["properties"]["provisioningErrors"] =
        json!([{ "error": { "code": "InvalidPropertyValue", "message": "not a supported VM size" } }]);
    let wire = Wire::new([(&format!("GET ~/computes/cpu{ML}"), reply(200, failed))]);
    let found = wire.provider().get(kind("cluster"), &compute("cpu")).await.unwrap().unwrap();
    assert_eq!(
        found.provisioning,
        Provisioning::Failed("not a supported VM size (InvalidPropertyValue)".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn nodes_are_posted_then_paged() {
    let node = |id: &str| json!({ "nodeId": id, "nodeState": "idle", "privateIpAddress": "10.0.0.4", "port": 50000, "runId": null });
    let next = format!("https://management.azure.com{WORKSPACE}/computes/cpu/listNodes?token=2");
    let wire = Wire::new([
        (&format!("POST ~/computes/cpu/listNodes{ML}"), error(503, "ServerBusy")),
        (
            &format!("POST ~/computes/cpu/listNodes{ML}"),
            reply(200, json!({ "nodes": [node("n1")], "nextLink": next })),
        ),
        ("GET ~/computes/cpu/listNodes?token=2", reply(200, json!({ "nodes": [node("n2")] }))),
    ]);
    let nodes = wire.provider().nodes(&compute("cpu")).await.unwrap();
    assert_eq!(nodes.iter().map(|n| n.id.as_str()).collect::<Vec<_>>(), ["n1", "n2"]);
    assert_eq!((nodes[0].port, nodes[0].run_id.as_deref()), (Some(50000), None));
    let on_instance = Wire::new([(&format!("POST ~/computes/cpu/listNodes{ML}"), error(400, "UserError"))]);
    assert_eq!(on_instance.provider().nodes(&compute("cpu")).await.unwrap_err().outcome, Outcome::NotDone);
}

#[tokio::test(start_paused = true)]
async fn an_inventory_names_also_what_is_of_no_known_kind() {
    let group = "/subscriptions/s/resourceGroups/rg";
    let id = |tail: &str| json!({ "id": format!("{group}/providers/{tail}"), "name": "x" });
    let wire = Wire::new([
        (
            &format!("GET {group}/resources?api-version=2021-04-01"),
            reply(
                200,
                json!({ "value": [
                    id("microsoft.insights/components/eyes"),
                    id("Microsoft.Web/sites/net"),
                    { "name": "without an id" },
                ] }),
            ),
        ),
        (
            &format!("GET ~/computes{ML}"),
            reply(200, json!({ "value": [body("cpu", "amlcompute"), body("new", "Quantum")] })),
        ),
        (&format!("GET ~/datastores{ML}"), reply(200, json!({ "value": [] }))),
        (&format!("GET ~/outboundRules{ML}"), reply(200, json!({ "value": [] }))),
    ]);
    let provider = wire.provider();
    let mut found = provider.inventory(&ArmId::group("s", "rg")).await.unwrap();
    found.extend(provider.inventory(&workspace()).await.unwrap());
    wire.end();
    let kinds: Vec<_> = found.iter().map(|i| (i.arm_id.name(), i.kind.map(|k| k.name))).collect();
    let expected =
        [("eyes", Some("application_insights")), ("net", None), ("cpu", Some("cluster")), ("new", None)];
    assert_eq!(kinds, expected);
    assert_eq!(found[3].what, "Microsoft.MachineLearningServices/workspaces/computes (Quantum)");
    // A cluster has no collections, and costs no call.
    assert!(provider.inventory(&compute("cpu")).await.unwrap().is_empty());
}
