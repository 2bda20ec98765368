//! What the ML service answers about a region: machine sizes, quotas and usages.
//!
//! Row shapes follow recorded replies; both `location` (live) and `amlWorkspaceLocation` (documented) are there.

pub(crate) mod vm_sizes;

use serde_json::{Value, json};

use crate::error::{Reply, method_not_allowed, no_such_route};
use crate::json;
use crate::regions::vm_sizes::{FAMILIES, SIZES, family_title};
use crate::wire::{Method, Response};
use crate::world::{Call, World};

const NAMESPACE: &str = "Microsoft.MachineLearningServices";

/// Answers one of the location operations.
pub(crate) fn handle(
    world: &mut World,
    call: &Call,
    subscription: &str,
    location: &str,
    what: &str,
) -> Reply {
    match (call.request.method, what) {
        (Method::Get, "vmsizes") => Ok(sizes()),
        (Method::Get, "quotas") => Ok(quotas(world, subscription, location)),
        (Method::Get, "usages") => Ok(usages(world, subscription, location)),
        (Method::Post, "updatequotas") => update_quotas(world, call),
        (method, "vmsizes" | "quotas" | "usages" | "updatequotas") => Err(method_not_allowed(method.name())),
        _ => Err(no_such_route(&call.request.path)),
    }
}

/// The oldest client reads the key `amlCompute`, all others `value`.
fn sizes() -> Response {
    let rows: Vec<Value> = SIZES.iter().map(|size| size.row()).collect();
    Response::json(200, &json!({ "value": rows, "amlCompute": rows }))
}

fn quotas(world: &World, subscription: &str, location: &str) -> Response {
    let mut rows: Vec<Value> =
        FAMILIES.iter().map(|(family, _)| quota_row(world, subscription, family)).collect();
    rows.push(low_priority_row(subscription));
    let scope = format!("/subscriptions/{subscription}/").to_ascii_lowercase();
    for (key, limit) in
        world.workspace_quotas.range(scope.clone()..).take_while(|(key, _)| key.starts_with(&scope))
    {
        rows.extend(workspace_row(world, location, key, *limit));
    }
    Response::json(200, &json!({ "value": rows }))
}

/// Nothing limits low-priority cores, which lists say by -1.
fn low_priority_row(subscription: &str) -> Value {
    let title = "Total Cluster LowPriority Regional vCPUs";
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{NAMESPACE}/quotas/{}", title.replace(' ', "_")),
        "type": format!("{NAMESPACE}/lowPriorityCores/quotas"),
        "name": { "value": "TotalLowPriorityCores", "localizedValue": title },
        "limit": -1,
        "unit": "Count",
        "location": null,
        "amlWorkspaceLocation": null,
    })
}

/// The row of a quota on a workspace, if that is here.
fn workspace_row(world: &World, location: &str, key: &str, limit: i64) -> Option<Value> {
    let (workspace, family) = workspace_and_family(key)?;
    let workspace = world.store.get(workspace).filter(|workspace| workspace.body["location"] == location)?;
    let title = quota_title(family);
    Some(json!({
        "id": format!("{}/quotas/{}", workspace.id, title.replace(' ', "_")),
        "type": format!("{NAMESPACE}/workspaces/dedicatedCores/quotas"),
        "name": { "value": family, "localizedValue": title },
        "limit": limit,
        "unit": "Count",
        "location": location,
        "amlWorkspaceLocation": location,
    }))
}

/// How lists call the dedicated cores of a family.
fn quota_title(family: &str) -> String {
    format!("{} Cluster Dedicated vCPUs", family_title(family))
}

/// The key of the quota that a workspace has for a family.
pub(crate) fn workspace_quota_key(workspace: &str, family: &str) -> String {
    format!("{workspace}/quotas/{}", quota_title(family).replace(' ', "_")).to_ascii_lowercase()
}

/// The workspace and the family that a quota's id is about, whatever its casing.
fn workspace_and_family(id: &str) -> Option<(&str, &'static str)> {
    let (workspace, name) = id.split_at_checked(id.to_ascii_lowercase().rfind("/quotas/")?)?;
    let name = name["/quotas/".len()..].replace('_', " ");
    let family = FAMILIES.iter().find(|(family, _)| quota_title(family).eq_ignore_ascii_case(&name));
    family.map(|(family, _)| (workspace, *family))
}

fn quota_row(world: &World, subscription: &str, family: &str) -> Value {
    let title = quota_title(family);
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{NAMESPACE}/quotas/{}", title.replace(' ', "_")),
        "type": format!("{NAMESPACE}/vmFamily/dedicatedCores/quotas"),
        "name": { "value": family, "localizedValue": title },
        "limit": world.cores_allowed(family),
        "unit": "Count",
        "location": null,
        "amlWorkspaceLocation": null,
    })
}

fn usages(world: &World, subscription: &str, location: &str) -> Response {
    let region = world.usage.of(subscription, location);
    let row = |kind: &str, name: &str, title: &str, used: i64, limit: i64| {
        json!({
            "id": format!("/subscriptions/{subscription}/providers/{NAMESPACE}/usages/{}", title.replace(' ', "_")),
            "type": format!("{NAMESPACE}/{kind}/usages"),
            "name": { "value": name, "localizedValue": title },
            "currentValue": used,
            "limit": limit,
            "unit": "Count",
            "amlWorkspaceLocation": location,
        })
    };
    let total = |cores: &std::collections::BTreeMap<&str, i64>| cores.values().sum::<i64>();
    let mut rows = vec![
        row("totalCores", "TotalClusters", "Total Clusters", region.computes, world.compute_limit()),
        row(
            "dedicatedCores",
            "TotalDedicatedCores",
            "Total Cluster Dedicated Regional vCPUs",
            total(&region.dedicated),
            world.core_limit(),
        ),
        row(
            "lowPriorityCores",
            "TotalLowPriorityCores",
            "Total Cluster LowPriority Regional vCPUs",
            total(&region.low_priority),
            -1,
        ),
    ];
    for (family, _) in FAMILIES {
        let title = quota_title(family);
        let used = region.dedicated.get(family).copied().unwrap_or(0);
        rows.push(row("vmFamily/dedicatedCores", family, &title, used, world.cores_allowed(family)));
    }
    Response::json(200, &json!({ "value": rows }))
}

/// Not atomic: each entry has a status of its own.
fn update_quotas(world: &mut World, call: &Call) -> Reply {
    let sent = call.object()?;
    let entries = json::at(&sent, "/value").as_array().cloned().unwrap_or_default();
    let mut rows = Vec::new();
    for entry in entries {
        let (id, limit) = (json::text(&entry, "/id"), entry["limit"].as_i64().unwrap_or(-1));
        let status = quota_status(world, id, limit);
        if status == "Success" {
            world.set_workspace_quota(id, limit);
        }
        rows.push(
            json!({ "id": id, "type": entry["type"], "limit": limit, "unit": "Count", "status": status }),
        );
    }
    Ok(Response::json(200, &json!({ "value": rows })))
}

fn quota_status(world: &World, id: &str, limit: i64) -> &'static str {
    let Some((workspace, family)) = workspace_and_family(id) else { return "InvalidVMFamilyName" };
    let workspace = workspace.to_ascii_lowercase();
    if limit < 0 || world.store.get(&workspace).is_none() {
        "Failure"
    } else if limit > world.cores_allowed(family) {
        "InvalidQuotaExceedsSubscriptionLimit"
    } else if limit < world.usage.workspace_cores(&workspace, family) {
        "InvalidQuotaBelowClusterMinimum"
    } else {
        "Success"
    }
}
