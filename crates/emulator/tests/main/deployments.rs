//! Template deployments: from the request to the resources, over the cloud's time.

use emulator::{Method, Options, Response};
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, code, message, request};

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";

fn cloud() -> Cloud {
    let mut cloud = Cloud::new(Options::default());
    assert_eq!(cloud.put(GROUP, &json!({ "location": "westeurope", "tags": { "team": "a" } })).status, 201);
    cloud
}

fn deployment(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Resources/deployments/{name}")
}

fn id(kind: &str, name: &str) -> String {
    format!("{GROUP}/providers/{kind}/{name}")
}

fn of(template: Value) -> Value {
    json!({ "properties": { "mode": "incremental", "template": template } })
}

fn widget(name: &str, more: Value) -> Value {
    let mut widget = json!({
        "type": "Contoso.Things/widgets", "apiVersion": "2026-01-01", "name": name, "location": "[resourceGroup().location]",
    });
    for (key, value) in more.as_object().unwrap() {
        widget[key] = value.clone();
    }
    widget
}

fn storage(name: &str) -> Value {
    json!({ "type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-04-01", "name": name,
        "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" }, "properties": {} })
}

/// Deploys, waits long enough, and gives the deployment and the first reply.
fn deployed(cloud: &mut Cloud, name: &str, body: &Value) -> (Value, Response) {
    let reply = cloud.put(&deployment(name), body);
    assert!([200, 201].contains(&reply.status), "{}", reply.value());
    cloud.pass(600);
    (cloud.get(&deployment(name)).value(), reply)
}

fn operations(cloud: &mut Cloud, name: &str) -> Vec<Value> {
    let reply = cloud.get(&format!("{}/deployments/{name}/operations", GROUP.replace("Groups", "groups")));
    assert_eq!(reply.status, 200);
    reply.value()["value"].as_array().unwrap().clone()
}

#[test]
fn resources_come_one_after_the_other_and_the_deployment_runs_meanwhile() {
    let mut cloud = cloud();
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": { "name": { "type": "string" }, "suffix": { "type": "string", "defaultValue": "[uniqueString(resourceGroup().id)]" } },
        "variables": { "account": "[concat('sa1', parameters('suffix'))]" },
        "resources": [
            widget("[parameters('name')]", json!({
                "dependsOn": ["[resourceId('Microsoft.Storage/storageAccounts', variables('account'))]"],
                "properties": { "blob": "[reference(variables('account')).primaryEndpoints.blob]", "none": null },
            })),
            storage("[variables('account')]"),
        ],
        "outputs": {
            "widget": { "type": "string", "value": "[resourceId('Contoso.Things/widgets', parameters('name'))]" },
            "key": { "type": "securestring", "value": "[listKeys(variables('account'), '2023-04-01').keys[0].value]" },
        },
    });
    let mut body = of(template);
    body["properties"]["parameters"] = json!({ "name": { "value": "one" } });
    let reply = cloud.put(&deployment("d1"), &body);
    assert_eq!(reply.status, 201, "{}", reply.value());
    assert_eq!(reply.value()["properties"]["provisioningState"], "Accepted");
    assert_eq!(reply.value()["properties"]["mode"], "Incremental");
    let url = reply.header("azure-asyncoperation").unwrap().to_owned();
    assert!(url.contains("/deployments/d1/operationStatuses/"), "{url}");
    assert_eq!(code(&cloud.put(&deployment("d1"), &body)), "DeploymentActive");
    cloud.pass(10);
    assert_eq!(cloud.status(&reply)["status"], "InProgress");
    let running = cloud.get(&deployment("D1")).value();
    assert_eq!(running["properties"]["provisioningState"], "Running");
    let shown = operations(&mut cloud, "d1");
    assert_eq!(shown.len(), 1, "the widget waits: {shown:?}");
    assert_eq!(shown[0]["properties"]["provisioningState"], "Running");
    assert_eq!(shown[0]["properties"]["targetResource"]["resourceType"], "Microsoft.Storage/storageAccounts");
    assert_eq!(cloud.get(&id("Contoso.Things/widgets", "one")).status, 404);
    cloud.pass(30);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    let done = cloud.get(&deployment("d1")).value();
    let properties = &done["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded", "{properties}");
    assert_eq!(
        (&done["id"], &done["type"]),
        (&json!(deployment("d1")), &json!("Microsoft.Resources/deployments"))
    );
    assert!(properties["duration"].as_str().unwrap().starts_with("PT22"), "{}", properties["duration"]);
    assert_eq!(
        properties["outputs"]["widget"],
        json!({ "type": "String", "value": id("Contoso.Things/widgets", "one") })
    );
    assert_eq!(properties["outputs"]["key"], json!({ "type": "SecureString" }));
    assert_eq!(properties["outputResources"].as_array().unwrap().len(), 2);
    assert_eq!(properties["dependencies"][0]["resourceName"], "one");
    assert_eq!(properties["providers"][0]["namespace"], "Contoso.Things");
    let widget = cloud.get(&id("Contoso.Things/widgets", "one")).value();
    assert!(widget["properties"]["blob"].as_str().unwrap().ends_with(".blob.core.windows.net/"), "{widget}");
    assert_eq!((&widget["location"], widget["properties"].get("none")), (&json!("westeurope"), None));
    let shown = operations(&mut cloud, "d1");
    let states: Vec<&str> =
        shown.iter().map(|one| one["properties"]["provisioningState"].as_str().unwrap()).collect();
    assert_eq!(states, ["Succeeded"; 3], "two resources and the outputs");
    let one = format!("{}/operations/{}", deployment("d1"), shown[0]["operationId"].as_str().unwrap());
    assert_eq!(cloud.get(&one).value(), shown[0]);
    assert_eq!(cloud.put(&deployment("d1"), &body).status, 200, "again, over the old one");
}

#[test]
fn what_a_file_says_is_read_as_the_command_line_sends_it() {
    let mut cloud = cloud();
    let text = "{\"properties\": {\"parameters\": {}, \"mode\": \"Incremental\", template:{\n  // a file with comments\n\
                  \"resources\": [ { \"type\": \"Contoso.Things/widgets\", \"apiVersion\": \"2026-01-01\",\n    \"name\": \"a\", }, /* and */ ],\n}}}";
    let mut put = request(Method::Put, &deployment("cli"));
    put.body = text.as_bytes().to_vec();
    assert_eq!(cloud.send(&put).status, 201);
    let mut validate = request(Method::Post, &format!("{}/validate", deployment("cli2")));
    validate.body = text.as_bytes().to_vec();
    let answer = cloud.send(&validate);
    assert_eq!(
        (answer.status, &answer.value()["properties"]["validatedResources"][0]["id"]),
        (200, &json!(id("Contoso.Things/widgets", "a")))
    );
    cloud.pass(5);
    assert_eq!(cloud.get(&id("Contoso.Things/widgets", "a")).status, 200);
    validate.body = b"{\"properties\": {template:{}".to_vec();
    assert_eq!(code(&cloud.send(&validate)), "InvalidRequestContent");
}

#[test]
fn a_wrong_template_is_refused_before_anything_happens() {
    let mut cloud = cloud();
    let with = |parameters: Value| {
        let template = json!({ "parameters": { "name": { "type": "string" } }, "resources": [] });
        json!({ "properties": { "mode": "Incremental", "template": template, "parameters": parameters } })
    };
    let cases = [
        (with(json!({})), "InvalidTemplate", "'name' is not provided"),
        (with(json!({ "name": { "value": null } })), "InvalidTemplate", "'name' is not provided"),
        (with(json!({ "name": { "value": 1 } })), "InvalidTemplate", "expected type 'String'"),
        (
            of(json!({ "resources": [widget("[nonsense()]", json!({}))] })),
            "InvalidTemplate",
            "'nonsense' is not valid",
        ),
        (
            of(json!({ "resources": [widget("a", json!({ "dependsOn": ["b"] }))] })),
            "InvalidTemplate",
            "'b' is not defined",
        ),
        (
            of(json!({ "outputs": { "x": { "type": "string", "value": "[nonsense()]" } } })),
            "InvalidTemplate",
            "'nonsense'",
        ),
        (of(json!({ "outputs": { "x": { "type": "number", "value": "" } } })), "InvalidTemplate", "'number'"),
        (of(json!(null)), "InvalidTemplate", "has no template"),
        (json!({ "properties": { "mode": "Sideways", "template": {} } }), "InvalidDeployment", "'sideways'"),
        (
            json!({ "properties": { "templateLink": { "uri": "https://x" } } }),
            "InvalidDeployment",
            "fetches no templates",
        ),
    ];
    for (body, expected_code, expected) in cases {
        for (method, target) in
            [(Method::Put, deployment("bad")), (Method::Post, format!("{}/validate", deployment("bad")))]
        {
            let reply = cloud.call(method, &target, Some(&body));
            assert_eq!((reply.status, code(&reply).as_str()), (400, expected_code), "{body}");
            assert!(message(&reply).contains(expected), "{body}: {}", message(&reply));
        }
    }
    let missing = cloud.get(&deployment("bad"));
    assert_eq!((missing.status, code(&missing).as_str()), (404, "DeploymentNotFound"));
    assert_eq!(code(&cloud.get(&format!("{}/operations", deployment("bad")))), "DeploymentNotFound");
    assert_eq!(cloud.call(Method::Head, &deployment("bad"), None).status, 404);
    let elsewhere = deployment("d").replace("/rg/", "/other/");
    assert_eq!(code(&cloud.put(&elsewhere, &of(json!({})))), "ResourceGroupNotFound");
    assert_eq!(
        cloud
            .put(&format!("{SUBSCRIPTION}/providers/Microsoft.Resources/deployments/d"), &of(json!({})))
            .status,
        400
    );
}

#[test]
fn a_failed_resource_fails_the_deployment_with_its_error_and_the_others_go_on() {
    let mut cloud = cloud();
    let vault = json!({ "type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01", "name": "kv1", "location": "westeurope" });
    let template = json!({ "resources": [
        vault,
        widget("after", json!({ "dependsOn": ["kv1"] })),
        widget("beside", json!({})),
        widget("lost", json!({ "properties": { "x": "[reference('/subscriptions/none').y]" } })),
    ]});
    let (done, reply) = deployed(&mut cloud, "d", &of(template));
    assert_eq!(done["properties"]["provisioningState"], "Failed");
    let error = &done["properties"]["error"];
    assert_eq!(
        (&error["code"], &error["details"][0]["code"]),
        (&json!("DeploymentFailed"), &json!("InvalidRequestContent"))
    );
    assert!(error["details"][0]["message"].as_str().unwrap().contains("tenantId"));
    let status = cloud.status(&reply);
    assert_eq!((&status["status"], &status["error"]), (&json!("Failed"), error));
    let shown = operations(&mut cloud, "d");
    let of_vault =
        shown.iter().find(|one| one["properties"]["targetResource"]["resourceName"] == "kv1").unwrap();
    assert_eq!(of_vault["properties"]["provisioningState"], "Failed");
    assert_eq!(of_vault["properties"]["statusCode"], "BadRequest");
    assert_eq!(of_vault["properties"]["statusMessage"]["error"], error["details"][0]);
    assert_eq!(error["details"][1]["code"], "ResourceNotFound");
    assert_eq!(cloud.get(&id("Contoso.Things/widgets", "beside")).status, 200);
    assert_eq!(cloud.get(&id("Contoso.Things/widgets", "after")).status, 404);
}

#[test]
fn an_operation_that_fails_later_fails_the_deployment_too() {
    let mut cloud = Cloud::with_workspace(Options { compute_limit: 0, ..Options::default() });
    let cluster = json!({
        "type": "Microsoft.MachineLearningServices/workspaces/computes", "apiVersion": "2025-06-01", "name": "research/cpu",
        "location": "westeurope",
        "properties": { "computeType": "AmlCompute",
            "properties": { "vmSize": "Standard_DS3_v2", "scaleSettings": { "maxNodeCount": 1 } } },
    });
    let (done, _) = deployed(&mut cloud, "d", &of(json!({ "resources": [cluster] })));
    let error = &done["properties"]["error"]["details"][0];
    assert_eq!(error["code"], "ResourceDeploymentFailure", "{done}");
    assert_eq!(error["details"][0]["code"], "ClusterCoreQuotaReached");
}

#[test]
fn secure_values_reach_their_resource_and_nothing_else() {
    let mut cloud = cloud();
    let workspace = json!({ "type": "Microsoft.OperationalInsights/workspaces", "apiVersion": "2020-08-01", "name": "la",
        "location": "westeurope", "properties": { "note": "[toUpper(parameters('TOKEN'))]" }, "dependsOn": ["sa1"] });
    let template = json!({
        "parameters": { "token": { "type": "securestring" } },
        "resources": [storage("sa1"), workspace],
        "outputs": { "token": { "type": "securestring", "value": "[parameters('token')]" } },
    });
    let mut body = of(template);
    body["properties"]["parameters"] = json!({ "token": { "value": "pw-1" } });
    let reply = cloud.put(&deployment("d"), &body);
    assert_eq!(reply.value()["properties"]["parameters"], json!({ "token": { "type": "SecureString" } }));
    cloud.pass(600);
    let shown = [cloud.get(&deployment("d")).value(), json!(operations(&mut cloud, "d"))];
    assert!(!json!(shown).to_string().contains("pw-1"), "{shown:?}");
    assert_eq!(
        cloud.get(&id("Microsoft.OperationalInsights/workspaces", "la")).value()["properties"]["note"],
        "PW-1"
    );
    let exported = cloud.post(&format!("{}/exportTemplate", deployment("d")), None).value();
    assert_eq!(exported["template"]["resources"][0]["name"], "sa1");
}

#[test]
fn nested_deployments_have_their_own_course_and_outputs() {
    let mut cloud = cloud();
    let other = GROUP.replace("/rg", "/other");
    cloud.put(&other, &json!({ "location": "eastus" }));
    let inner = json!({
        "parameters": { "name": { "type": "string" } },
        "resources": [storage("[parameters('name')]")],
        "outputs": { "group": { "type": "string", "value": "[resourceGroup().name]" } },
    });
    let nested = json!({
        "type": "Microsoft.Resources/deployments", "apiVersion": "2020-06-01", "name": "inner", "resourceGroup": "other",
        "properties": { "mode": "Incremental", "expressionEvaluationOptions": { "scope": "inner" }, "template": inner,
            "parameters": { "name": { "value": "[concat('sa', '1')]" } } },
    });
    let template = json!({
        "resources": [nested, widget("w", json!({ "properties": { "of": "[reference(resourceId('other', 'Microsoft.Resources/deployments', 'inner')).outputs.group.value]" } }))],
        "outputs": { "of": { "type": "string", "value": "[reference('w').of]" } },
    });
    let (done, _) = deployed(&mut cloud, "outer", &of(template));
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done}");
    assert_eq!(done["properties"]["outputs"]["of"]["value"], "other");
    assert_eq!(cloud.get(&format!("{other}/providers/Microsoft.Storage/storageAccounts/sa1")).status, 200);
    let shown = cloud.get(&format!("{other}/providers/Microsoft.Resources/deployments/inner")).value();
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    assert!(cloud.get(&format!("{GROUP}/resources")).value().to_string().find("deployments").is_none());
    let listed = cloud.get(&format!("{GROUP}/providers/Microsoft.Resources/deployments")).value();
    assert_eq!(listed["value"].as_array().unwrap().len(), 1);
}

#[test]
fn a_complete_deployment_deletes_what_it_does_not_have() {
    let mut cloud = cloud();
    for name in ["old", "kept"] {
        cloud.put(&id("Contoso.Things/widgets", name), &json!({ "location": "westeurope" }));
    }
    cloud.put(&format!("{}/parts/p", id("Contoso.Things/widgets", "kept")), &json!({}));
    let template = json!({ "resources": [widget("kept", json!({ "properties": { "size": 2 } })), widget("new", json!({}))] });
    let body = json!({ "properties": { "mode": "Complete", "template": template } });
    let predicted = cloud.post(&format!("{}/whatIf", deployment("d")), Some(&body)).value();
    let changes = predicted["properties"]["changes"].as_array().unwrap().iter();
    let kinds: Vec<&str> = changes.map(|change| change["changeType"].as_str().unwrap()).collect();
    assert_eq!(
        (&predicted["status"], kinds),
        (&json!("Succeeded"), vec!["Modify", "Create", "Delete"]),
        "{predicted}"
    );
    let (done, _) = deployed(&mut cloud, "d", &body);
    assert_eq!(
        (&done["properties"]["provisioningState"], &done["properties"]["mode"]),
        (&json!("Succeeded"), &json!("Complete"))
    );
    assert_eq!(cloud.get(&id("Contoso.Things/widgets", "old")).status, 404);
    assert_eq!(cloud.get(&format!("{}/parts/p", id("Contoso.Things/widgets", "kept"))).status, 200);
    let deleted = operations(&mut cloud, "d")
        .into_iter()
        .find(|one| one["properties"]["provisioningOperation"] == "Delete");
    assert_eq!(deleted.unwrap()["properties"]["targetResource"]["resourceName"], "old");
}

#[test]
fn a_canceled_deployment_begins_nothing_more() {
    let mut cloud = cloud();
    let template = json!({ "resources": [storage("sa1"), widget("w", json!({ "dependsOn": ["sa1"] }))] });
    let reply = cloud.put(&deployment("d"), &of(template));
    cloud.pass(10);
    assert_eq!(cloud.delete(&deployment("d")).status, 409);
    assert_eq!(cloud.post(&format!("{}/cancel", deployment("d")), None).status, 204);
    cloud.pass(600);
    assert_eq!(cloud.status(&reply)["status"], "Canceled");
    assert_eq!(cloud.get(&deployment("d")).value()["properties"]["provisioningState"], "Canceled");
    assert_eq!(cloud.get(&id("Contoso.Things/widgets", "w")).status, 404);
    assert_eq!(
        code(&cloud.post(&format!("{}/cancel", deployment("d")), None)),
        "DeploymentCannotBeCancelled"
    );
    let reply = cloud.delete(&deployment("d"));
    assert_eq!(reply.status, 202);
    let url = reply.header("location").unwrap().to_owned();
    assert_eq!(cloud.follow(&url).status, 202);
    cloud.pass(10);
    assert_eq!(cloud.follow(&url).status, 204);
    assert_eq!(cloud.delete(&deployment("d")).status, 204);
    assert_eq!(
        cloud.get(&id("Microsoft.Storage/storageAccounts", "sa1")).status,
        200,
        "only the record goes"
    );
}

#[test]
fn a_deployment_to_a_subscription_makes_groups_and_what_is_in_them() {
    let mut cloud = Cloud::new(Options::default());
    let target = format!("{SUBSCRIPTION}/providers/Microsoft.Resources/deployments/d");
    let inner = json!({ "resources": [{ "type": "Contoso.Things/widgets", "apiVersion": "2026-01-01", "name": "w" }] });
    let template = json!({ "resources": [
        { "type": "Microsoft.Resources/deployments", "apiVersion": "2020-06-01", "name": "inside", "resourceGroup": "made",
          "dependsOn": ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'made')]"],
          "properties": { "mode": "Incremental", "template": inner } },
        { "type": "Microsoft.Resources/resourceGroups", "apiVersion": "2024-11-01", "name": "made", "location": "[deployment().location]" },
    ]});
    let reply = cloud.put(
        &target,
        &json!({ "location": "West Europe", "properties": { "mode": "Incremental", "template": template } }),
    );
    assert_eq!(reply.status, 201, "{}", reply.value());
    cloud.pass(60);
    let done = cloud.get(&target).value();
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done}");
    assert_eq!(cloud.get(&GROUP.replace("/rg", "/made")).value()["location"], "westeurope");
    assert_eq!(
        cloud.get(&format!("{}/providers/Contoso.Things/widgets/w", GROUP.replace("/rg", "/made"))).status,
        200
    );
    assert_eq!(
        cloud.get(&format!("{SUBSCRIPTION}/deployments/d/operations")).value()["value"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_deployment_ends_with_its_group() {
    let mut cloud = cloud();
    let mut workspace = crate::support::workspace_body();
    workspace["type"] = json!("Microsoft.MachineLearningServices/workspaces");
    workspace["apiVersion"] = json!("2025-06-01");
    workspace["name"] = json!("slow");
    let reply = cloud.put(&deployment("d"), &of(json!({ "resources": [workspace] })));
    cloud.pass(2);
    cloud.delete(GROUP);
    assert_eq!(cloud.status(&reply)["status"], "InProgress");
    cloud.pass(600);
    let url = reply.header("azure-asyncoperation").unwrap().to_owned();
    assert_eq!(cloud.follow(&url).status, 404);
}

#[test]
fn what_is_laid_down_holds_for_the_resources_of_a_deployment() {
    let widgets = || of(json!({ "resources": [widget("w", json!({ "tags": { "a": "b" } }))] }));
    for (what, rule, refused) in [
        ("policies", json!({ "name": "p", "required_tag": "owner" }), "RequestDisallowedByPolicy"),
        ("denials", json!({ "action": "Contoso.Things/widgets/write" }), "AuthorizationFailed"),
        ("registrations", json!({ "namespace": "Contoso.Things" }), "MissingSubscriptionRegistration"),
    ] {
        let mut cloud = cloud();
        assert!(cloud.control(Method::Post, what, &rule).status < 300);
        let (shown, _) = deployed(&mut cloud, "d", &widgets());
        assert_eq!(shown["properties"]["provisioningState"], "Failed", "{what}");
        assert!(
            shown["properties"]["error"].to_string().contains(refused),
            "{}",
            shown["properties"]["error"]
        );
        assert_eq!(cloud.get(&id("Contoso.Things/widgets", "w")).status, 404);
    }
    let mut cloud = cloud();
    let more = json!({ "name": "p", "effect": "append", "tags": { "owner": "x" } });
    assert_eq!(cloud.control(Method::Post, "policies", &more).status, 200);
    let (shown, _) = deployed(&mut cloud, "d", &widgets());
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    assert_eq!(
        cloud.get(&id("Contoso.Things/widgets", "w")).value()["tags"],
        json!({ "a": "b", "owner": "x" })
    );
}
