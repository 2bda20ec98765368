//! The nodes of a cluster: how many it wants, what quota lets it have, where they are signed in to.
//!
//! They live as those of machine-learning clusters do (`compute::allocation`); a fixed size is a scale whose bounds are equal.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{cluster, found, time};
use crate::arm::listing;
use crate::error::Reply;
use crate::governance::locks;
use crate::json;
use crate::kinds::batch_ai::regional;
use crate::kinds::compute::allocation::{Bounds, Nodes, Stage};
use crate::random::guid_of;
use crate::regions::vm_sizes;
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::{Call, World};

/// How long a node idles before it goes, as observed (batch-ai §3).
const IDLE_SECONDS: i64 = 360;

/// The states that are counted, and what is counted as each.
const COUNTS: [(&str, &[Stage]); 5] = [
    ("idleNodeCount", &[Stage::Idle]),
    ("runningNodeCount", &[Stage::Running]),
    ("preparingNodeCount", &[Stage::Preparing]),
    ("unusableNodeCount", &[Stage::Unusable, Stage::Preempted]),
    ("leavingNodeCount", &[Stage::Leaving]),
];

/// What a cluster without nodes shows.
pub(super) fn none() -> Value {
    shown_of(&Nodes::default())
}

/// What a cluster shows of its nodes as they are.
pub(super) fn shown(cluster: &Resource) -> Value {
    let mut shown = shown_of(&nodes_of(cluster));
    for key in ["allocationStateTransitionTime", "errors"] {
        shown[key] = cluster.body["properties"][key].clone();
    }
    shown
}

fn shown_of(nodes: &Nodes) -> Value {
    let shown = nodes.shown();
    let mut counts = json!({});
    for (name, stages) in COUNTS {
        counts[name] = json!(nodes.count(stages));
    }
    json!({
        "allocationState": json::text(&shown, "/allocationState").to_ascii_lowercase(),
        "currentNodeCount": shown["currentNodeCount"],
        "nodeStateCounts": counts,
    })
}

/// How many nodes a cluster has or waits for; none for any other resource.
pub(crate) fn count(resource: &Resource) -> i64 {
    resource.hidden["wanted"].as_i64().unwrap_or(0)
}

/// The region that a cluster is counted in.
pub(crate) fn region(cluster: &Resource) -> &str {
    json::text(&cluster.hidden, "/location")
}

/// Whether its nodes can be taken away.
pub(crate) fn is_low_priority(body: &Value) -> bool {
    json::text(body, "/properties/vmPriority") == "lowpriority"
}

fn nodes_of(cluster: &Resource) -> Nodes {
    serde_json::from_value(cluster.hidden["nodes"].clone()).unwrap_or_default()
}

/// When something happens to them.
pub(super) fn next(cluster: &Resource) -> Option<Timestamp> {
    nodes_of(cluster).next()
}

/// Carries out what has become of them.
pub(super) fn turn(world: &mut World, mut cluster: Resource) {
    let now = world.time();
    settle(world, &mut cluster, now);
    world.put(cluster);
}

/// Lets the service go after what a write left behind.
pub(super) fn take_up(world: &mut World, target: &Target, at: Timestamp) {
    let Some(mut cluster) = world.store.get(&target.key()).cloned() else { return };
    let workspace = target.parent().and_then(|workspace| world.store.get(&workspace.key()));
    let location = workspace.map_or("", |workspace| json::text(&workspace.body, "/location")).to_owned();
    cluster.hidden =
        json!({ "nodes": cluster.hidden["nodes"], "location": location, "wanted": count(&cluster) });
    settle(world, &mut cluster, at);
    world.put(cluster);
}

fn settle(world: &World, cluster: &mut Resource, at: Timestamp) {
    let mut nodes = nodes_of(cluster);
    nodes.is_held = locks::hold(world, &cluster.id);
    if !nodes.is_held {
        nodes.settle(at, &bounds(world, cluster, &nodes));
    }
    let shown = shown_of(&nodes);
    let properties = &mut cluster.body["properties"];
    if properties["allocationState"] != shown["allocationState"]
        || properties["allocationStateTransitionTime"].is_null()
    {
        properties["allocationStateTransitionTime"] = json!(time(at));
    }
    json::overlay(properties, &shown);
    json::remove(&mut cluster.body, "/properties/errors");
    if nodes.retry.is_some() {
        let errors = json!([no_quota(&cluster.body)]);
        json::set(&mut cluster.body, "/properties/errors", errors);
    }
    cluster.hidden["wanted"] = nodes.shown()["targetNodeCount"].clone();
    cluster.hidden["nodes"] = serde_json::to_value(nodes).expect("BUG: nodes are plain data");
}

fn bounds(world: &World, cluster: &Resource, nodes: &Nodes) -> Bounds {
    let scale = &cluster.body["properties"]["scaleSettings"];
    let count = |pointer: &str| json::at(scale, pointer).as_i64();
    let (min, max) = match count("/manual/targetNodeCount") {
        Some(target) => (target, target),
        None => (
            count("/autoScale/minimumNodeCount").unwrap_or(0),
            count("/autoScale/maximumNodeCount").unwrap_or(0),
        ),
    };
    // At the start an automatic scale has as many nodes as it says, and goes on from there.
    let initial = count("/autoScale/initialNodeCount").filter(|_| nodes.is_new()).unwrap_or(0);
    let min = min.max(initial).min(max.max(min));
    let idle = SignedDuration::from_secs(IDLE_SECONDS);
    Bounds { min, max, most: room(world, cluster), reserved: 0, idle }
}

/// How many nodes the quotas of the family and of the region let the cluster have.
fn room(world: &World, cluster: &Resource) -> i64 {
    let Some(size) = vm_sizes::find(json::text(&cluster.body, "/properties/vmSize")) else { return i64::MAX };
    let subscription = cluster.id.split('/').nth(2).unwrap_or("");
    let is_low = is_low_priority(&cluster.body);
    let free = regional::free_cores(world, subscription, region(cluster), size.family, is_low);
    let own = world.store.get(&cluster.key()).map_or(0, count);
    own + (free / size.cores).max(0)
}

/// Details are pairs of name and value, unlike those of other errors (batch-ai §3); code and text are our choice.
fn no_quota(body: &Value) -> Value {
    let size = json::text(body, "/properties/vmSize");
    json!({
        "code": "ClusterCoreQuotaReached",
        "message": format!("The specified job has been queued: the core quota has no room for more nodes of VM size {size}."),
        "details": [{ "name": "VmSize", "value": size }],
    })
}

/// `POST …/listRemoteLoginInformation`: one public address for all nodes, a port for each.
pub(super) fn logins(world: &mut World, call: &Call, target: &Target) -> Reply {
    let cluster = found(world, target)?;
    let nodes = nodes_of(cluster);
    let after = listing::continuation(call).and_then(|token| token.parse().ok()).unwrap_or(-1_i64);
    let there = nodes.groups.iter().filter(|group| group.stage != Stage::Allocating);
    let numbers = there.flat_map(|group| group.first..group.first + group.count);
    let rest: Vec<i64> = numbers.filter(|number| *number > after).collect();
    let logins = rest.into_iter().map(|number| (number.to_string(), login(cluster, number)));
    Ok(listing::page(world, call, logins))
}

fn login(cluster: &Resource, number: i64) -> Value {
    let hash = guid_of(&cluster.key());
    let part = |range: std::ops::Range<usize>| u32::from_str_radix(&hash[range], 16).unwrap_or(0);
    let created = json::text(&cluster.body, "/properties/creationTime");
    let stamp = created.split('.').next().unwrap_or("").trim_end_matches('Z');
    let stamp = format!("{}z", stamp.replace(['-', ':'], "").to_ascii_lowercase());
    let suffix = if is_low_priority(&cluster.body) { "-p" } else { "" };
    json!({
        "nodeId": format!("tvm-{}_{}-{stamp}{suffix}", part(0..8), number + 1),
        "ipAddress": format!("203.0.113.{}", 1 + part(9..13) % 250),
        "port": 50_000 + number % 15_000,
    })
}

/// Whether a resource is a cluster of this service.
pub(crate) fn is_cluster(resource: &Resource) -> bool {
    resource.kind == cluster::KIND.resource_type
}
