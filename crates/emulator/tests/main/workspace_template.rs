//! A workspace with everything it needs, deployed as azure-ai-ml does it: the same functions, shapes and requests, in a
//! template of our own.

use emulator::Options;
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, code};

const DEPLOYMENT: &str = "providers/Microsoft.Resources/deployments/research-1234567";
const VERSION: &str = "api-version=2020-06-01";

/// The types that azure-ai-ml can read in a target's id; any other one is a `KeyError` there (wire-traces §3).
const READABLE: [&str; 9] = [
    "workspaces",
    "vaults",
    "storageAccounts",
    "components",
    "registries",
    "userAssignedIdentities",
    "roleAssignments",
    "deployments",
    "connections",
];

fn option(name: &str) -> String {
    format!("[equals(parameters('{name}Option'), 'new')]")
}

fn parameters() -> Value {
    let text = json!({ "type": "string" });
    let default = |value: &str| json!({ "type": "string", "defaultValue": value });
    json!({
        "workspace": text,
        "location": text,
        "group": text,
        "tags": { "type": "object" },
        "kind": default("Default"),
        "storageOption": { "type": "string", "defaultValue": "new", "allowedValues": ["new", "existing"] },
        "registryOption": { "type": "string", "defaultValue": "none", "allowedValues": ["new", "none"] },
        "storage": default("[concat('sa', uniqueString(parameters('group'), parameters('workspace')))]"),
        "storageSubscription": default("[subscription().subscriptionId]"),
        "storageGroup": default("[resourceGroup().name]"),
        "vault": default("[concat('kv', uniqueString(parameters('group'), parameters('workspace')))]"),
        "insights": text,
        "registry": default("[concat('cr', newGuid())]"),
        "isolated": default("false"),
        "authMode": default(""),
        "link": default(""),
        "identity": { "type": "object", "defaultValue": { "type": "systemAssigned" } },
        "prefixes": { "type": "array", "defaultValue": ["10.0.0.0/16"] },
    })
}

fn resources() -> Value {
    let all_of = "[and(equals(parameters('kind'), 'featurestore'), not(empty(parameters('link'))), or(equals(1, 1), false()))]";
    json!([
        {
            "condition": "[not(equals(parameters('isolated'), 'false'))]",
            "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2019-09-01", "name": "none",
            "location": "[parameters('location')]",
            "properties": { "addressSpace": { "addressPrefixes": "[parameters('prefixes')]" } },
        },
        {
            "condition": option("storage"),
            "type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-04-01", "name": "[parameters('storage')]",
            "location": "[parameters('location')]", "tags": "[parameters('tags')]",
            "sku": { "name": "Standard_LRS" }, "kind": "StorageV2",
            "dependsOn": ["[resourceId('Microsoft.Network/virtualNetworks', 'none')]"],
            "properties": {
                "supportsHttpsTrafficOnly": "true",
                "networkAcls": "[if(equals(parameters('isolated'), 'true'), json(concat('{\"defaultAction\": \"Deny\", \"virtualNetworkRules\": ', string(array(variables('rule'))), '}')), json('null'))]",
            },
        },
        {
            "type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01", "name": "[parameters('vault')]",
            "location": "[parameters('location')]",
            "properties": { "tenantId": "[subscription().tenantId]", "sku": { "name": "standard", "family": "A" }, "accessPolicies": [] },
        },
        {
            "type": "Microsoft.OperationalInsights/workspaces", "apiVersion": "2020-08-01", "name": "logs",
            "location": "[parameters('location')]", "kind": "[toLower('WEB')]", "properties": {},
        },
        {
            "type": "Microsoft.Insights/components", "apiVersion": "2020-02-02-preview", "name": "[parameters('insights')]",
            "location": "[parameters('location')]", "kind": "web",
            "dependsOn": ["[resourceId('Microsoft.OperationalInsights/workspaces', 'logs')]"],
            "properties": { "Application_Type": "web", "WorkspaceResourceId": "[resourceId('Microsoft.OperationalInsights/workspaces', 'logs')]" },
        },
        {
            "condition": option("registry"),
            "type": "Microsoft.ContainerRegistry/registries", "apiVersion": "2019-05-01", "name": "[parameters('registry')]",
            "location": "[parameters('location')]", "sku": { "name": "Basic" },
        },
        {
            "type": "Microsoft.MachineLearningServices/workspaces", "apiVersion": "2023-08-01-preview",
            "name": "[parameters('workspace')]", "location": "[parameters('location')]", "tags": "[parameters('tags')]",
            "kind": "[parameters('kind')]", "identity": "[parameters('identity')]",
            "dependsOn": [
                "[resourceId('Microsoft.Storage/storageAccounts', parameters('storage'))]",
                "[resourceId('Microsoft.KeyVault/vaults', parameters('vault'))]",
                "[resourceId('Microsoft.Insights/components', parameters('insights'))]",
                "[resourceId('Microsoft.ContainerRegistry/registries', parameters('registry'))]",
            ],
            "properties": {
                "storageAccount": "[variables('storage')]",
                "keyVault": "[resourceId('Microsoft.KeyVault/vaults', parameters('vault'))]",
                "applicationInsights": "[resourceId('Microsoft.Insights/components', parameters('insights'))]",
                "containerRegistry": "[if(equals(parameters('registryOption'), 'none'), json('null'), resourceId('Microsoft.ContainerRegistry/registries', parameters('registry')))]",
                "hbiWorkspace": "false",
                "systemDatastoresAuthMode": "[parameters('authMode')]",
                "publicNetworkAccess": "Enabled",
            },
            "resources": [{
                "condition": all_of,
                "type": "connections", "apiVersion": "2022-05-01",
                "name": "[if(empty(parameters('link')), 'none', parameters('link'))]",
                "dependsOn": ["[resourceId('Microsoft.Storage/storageAccounts/blobServices/containers', 'not', 'in', 'here')]"],
                "properties": { "target": "[reference(variables('storage'), '2023-04-01').primaryEndpoints.blob]" },
            }],
        },
        {
            "condition": all_of,
            "type": "Microsoft.Resources/deployments", "apiVersion": "2020-06-01",
            "name": "[concat('roles-', guid(variables('storage'), 'contributor'))]",
            "subscriptionId": "[parameters('storageSubscription')]", "resourceGroup": "[parameters('storageGroup')]",
            "dependsOn": ["[resourceId('Microsoft.MachineLearningServices/workspaces/connections', parameters('workspace'), parameters('link'))]"],
            "properties": { "mode": "Incremental", "template": { "resources": "[nonsense()]" } },
        },
    ])
}

fn template() -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": parameters(),
        "variables": {
            "storage": "[resourceId(parameters('storageSubscription'), parameters('storageGroup'), 'Microsoft.Storage/storageAccounts', parameters('storage'))]",
            "rule": { "id": "[concat(variables('storage'), '/x')]", "action": "Allow" },
        },
        "resources": resources(),
    })
}

fn given() -> Value {
    json!({
        "workspace": { "value": "research" },
        "location": { "value": "westeurope" },
        "group": { "value": "rg" },
        "kind": { "value": "default" },
        "tags": { "value": { "createdByToolkit": "sdk-v2" } },
        "insights": { "value": "researchinsights" },
        "link": { "value": null },
        "storage": { "value": "researchstorage" },
        "identity": { "value": { "type": "SystemAssigned" } },
    })
}

#[test]
fn a_workspace_comes_with_what_it_needs_and_every_operation_can_be_read() {
    let mut cloud = Cloud::new(Options::default());
    cloud.put(GROUP, &json!({ "location": "westeurope" }));
    let target = format!("{}/{DEPLOYMENT}?{VERSION}", GROUP.replace("resourceGroups", "resourcegroups"));
    let body =
        json!({ "properties": { "template": template(), "parameters": given(), "mode": "incremental" } });
    let reply = cloud.put(&target, &body);
    assert_eq!(reply.status, 201, "{}", reply.value());
    let list = format!("{GROUP}/deployments/research-1234567/operations?{VERSION}");
    let mut states = Vec::new();
    for _ in 0..30 {
        cloud.pass(5);
        let operations = cloud.get(&list).value();
        for operation in operations["value"].as_array().unwrap() {
            assert_is_readable(operation);
        }
        states.push(operations["value"].as_array().unwrap().len());
        if cloud.status(&reply)["status"] == "Succeeded" {
            break;
        }
    }
    assert_eq!(
        (states.first(), states.last()),
        (Some(&4), Some(&5)),
        "the workspace is the last: {states:?}"
    );
    let shown = cloud.get(&target).value();
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded", "{shown}");
    assert!(shown["properties"]["duration"].as_str().unwrap().contains('.'), "{shown}");
    let workspace = cloud
        .get(&format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research"))
        .value();
    let properties = &workspace["properties"];
    let storage = format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/researchstorage");
    assert_eq!(properties["storageAccount"], storage);
    assert_eq!(
        (&properties["hbiWorkspace"], &properties["systemDatastoresAuthMode"], &workspace["kind"]),
        (&json!(false), &json!("AccessKey"), &json!("Default"))
    );
    assert!(properties.get("containerRegistry").is_none_or(Value::is_null));
    assert_eq!(workspace["tags"], json!({ "createdByToolkit": "sdk-v2" }));
    assert_eq!(workspace["identity"]["type"], "SystemAssigned");
    assert_eq!(cloud.get(&storage).value()["properties"]["supportsHttpsTrafficOnly"], true);
    assert_eq!(
        code(&cloud.get(&format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/none"))),
        "ResourceNotFound"
    );
    let listed = cloud.get(&format!("{GROUP}/resources")).value();
    assert_eq!(listed["value"].as_array().unwrap().len(), 5);
}

/// As azure-ai-ml reads an operation.
fn assert_is_readable(operation: &Value) {
    let properties = &operation["properties"];
    for key in ["provisioningState", "timestamp", "duration"] {
        assert!(properties[key].is_string(), "{key}: {operation}");
    }
    let id = properties["targetResource"]["id"].as_str().unwrap_or("");
    assert!(id.split('/').any(|part| READABLE.contains(&part)) && id.contains("/Microsoft."), "{id}");
}
