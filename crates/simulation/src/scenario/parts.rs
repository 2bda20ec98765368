//! Documents, piece by piece.

use model::Json;
use serde_json::json;

use crate::documents::SUBSCRIPTION;

/// The id of something in a group.
pub fn in_group(group: &str, resource_type: &str, name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{resource_type}/{name}")
}

/// The id of a workspace.
pub fn workspace_id(group: &str, name: &str) -> String {
    in_group(group, "Microsoft.MachineLearningServices/workspaces", name)
}

/// The id of a compute.
pub fn compute_id(group: &str, workspace: &str, name: &str) -> String {
    format!("{}/computes/{name}", workspace_id(group, workspace))
}

/// A resource group.
pub fn group(name: &str) -> Json {
    json!({ "kind": "resource_group", "name": name, "location": "westeurope" })
}

/// A workspace on what stands elsewhere already.
pub fn workspace(group: &str, name: &str) -> Json {
    json!({
        "kind": "workspace",
        "name": name,
        "resource_group": group,
        "location": "westeurope",
        "storage_account": in_group("shared", "Microsoft.Storage/storageAccounts", "store"),
        "key_vault": in_group("shared", "Microsoft.KeyVault/vaults", "vault"),
        "application_insights": in_group("shared", "Microsoft.Insights/components", "eyes"),
    })
}

/// A cluster.
pub fn cluster(workspace: &str, name: &str) -> Json {
    json!({ "kind": "cluster", "name": name, "workspace": workspace, "size": "Standard_DS3_v2", "max_instances": 4 })
}

/// An instance.
pub fn instance(workspace: &str, name: &str) -> Json {
    json!({ "kind": "instance", "name": name, "workspace": workspace, "size": "Standard_DS3_v2" })
}

/// The document with these keys set.
pub fn with(mut document: Json, keys: Json) -> Json {
    let (Some(into), Json::Object(keys)) = (document.as_object_mut(), keys) else { return document };
    into.extend(keys);
    document
}

/// The body of a cluster that somebody else makes.
pub fn strange_cluster() -> Json {
    json!({
        "location": "westeurope",
        "properties": {
            "computeType": "AmlCompute",
            "computeLocation": "westeurope",
            "disableLocalAuth": true,
            "properties": {
                "vmSize": "STANDARD_DS3_V2",
                "vmPriority": "Dedicated",
                "osType": "Linux",
                "enableNodePublicIp": true,
                "scaleSettings": { "minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT2M" },
            },
        },
    })
}
