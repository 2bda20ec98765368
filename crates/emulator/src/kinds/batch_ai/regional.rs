//! What the service says without a workspace: usages of a region, and the operations it has (batch-ai §2, §5).

use serde_json::{Value, json};

use crate::arm::listing;
use crate::error::{Reply, method_not_allowed};
use crate::store::usage::BatchAi;
use crate::wire::{Method, Response};
use crate::world::{Call, World};

/// The limits of a subscription that asked for no more.
const CLUSTERS: i64 = 20;
const CORES: i64 = 24;

/// Families in the order of the list: how it calls them, the emulator's name, and whether there is quota without asking.
const FAMILIES: [(&str, &str, bool); 7] = [
    ("D", "standardDFamily", true),
    ("Dv2", "standardDv2Family", true),
    ("NC", "standardNCFamily", true),
    ("NCv2", "standardNCSv2Family", false),
    ("NCv3", "standardNCSv3Family", false),
    ("ND", "standardNDSFamily", false),
    ("NV", "standardNVFamily", true),
];

/// `GET …/locations/{location}/usages`.
pub(crate) fn usages(world: &World, call: &Call, subscription: &str, location: &str) -> Reply {
    if call.request.method != Method::Get {
        return Err(method_not_allowed(call.request.method.name()));
    }
    let used = world.usage.of(subscription, location).batch_ai;
    let mut rows = vec![row("Clusters", "Clusters", used.clusters, CLUSTERS)];
    for is_low in [false, true] {
        let words = if is_low { ["LowPriority", "Low Priority"] } else { ["Dedicated", "Dedicated"] };
        let mut count = |what: &str, end: &str, value: i64, limit: i64| {
            let [name, title] = words.map(|word| format!("{what} Cluster {word}{end} vCPUs"));
            rows.push(row(&name, &title, value, limit));
        };
        count("Total", " Regional", used.total(is_low), total_limit(world));
        for (title, family, _) in FAMILIES {
            let limit = family_limit(world, family);
            count(&format!("Standard {title} Family"), "", used.of(family, is_low), limit);
        }
    }
    let after: usize = listing::continuation(call).and_then(|token| token.parse().ok()).unwrap_or(0);
    let rest = rows.into_iter().enumerate().skip(after);
    Ok(listing::page(world, call, rest.map(|(index, row)| ((index + 1).to_string(), row))))
}

fn row(name: &str, title: &str, value: i64, limit: i64) -> Value {
    json!({
        "unit": "Count",
        "currentValue": value,
        "limit": limit,
        "name": { "value": name, "localizedValue": title },
    })
}

fn total_limit(world: &World) -> i64 {
    FAMILIES.iter().map(|(_, family, _)| family_limit(world, family)).fold(CORES, i64::max)
}

/// What was laid down for the family, or what it has without asking.
fn family_limit(world: &World, family: &str) -> i64 {
    let has_some = FAMILIES.iter().all(|(_, name, has_some)| *name != family || *has_some);
    let allowed = world.cores_allowed(family);
    let is_said = allowed != world.core_limit();
    if is_said { allowed } else { CORES * i64::from(has_some) }
}

/// How many cores of a family a region has left.
pub(crate) fn free_cores(
    world: &World,
    subscription: &str,
    location: &str,
    family: &str,
    is_low: bool,
) -> i64 {
    let used: BatchAi = world.usage.of(subscription, location).batch_ai;
    let in_family = family_limit(world, family) - used.of(family, is_low);
    in_family.min(total_limit(world) - used.total(is_low))
}

/// `GET /providers/Microsoft.BatchAI/operations`.
pub(crate) fn operations(call: &Call) -> Reply {
    if call.request.method != Method::Get {
        return Err(method_not_allowed(call.request.method.name()));
    }
    let mut rows = Vec::new();
    for (resource, verbs) in [
        ("workspaces", &["read", "write", "delete"][..]),
        ("workspaces/clusters", &["read", "write", "delete", "listRemoteLoginInformation/action"]),
        ("workspaces/fileservers", &["read", "write", "delete"]),
        ("workspaces/experiments", &["read", "write", "delete"]),
    ] {
        for verb in verbs {
            rows.push(json!({
                "name": format!("Microsoft.BatchAI/{resource}/{verb}"),
                "display": {
                    "provider": "Microsoft Batch AI",
                    "resource": resource,
                    "operation": verb,
                    "description": format!("{verb} {resource}"),
                },
            }));
        }
    }
    Ok(Response::json(200, &json!({ "value": rows })))
}
