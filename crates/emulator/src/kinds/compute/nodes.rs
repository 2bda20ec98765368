//! A cluster and its nodes: `POST …/listNodes`, what time and control requests do to them, and what they count for.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::allocation::{Bounds, Nodes, Run, Stage};
use super::{duration, rules, user_error};
use crate::arm::listing;
use crate::error::{ArmError, Reply, bad_content};
use crate::governance::locks;
use crate::json;
use crate::random::guid_of;
use crate::regions::vm_sizes;
use crate::route::router::Target;
use crate::store::resource::{Resource, short_time};
use crate::wire::Response;
use crate::world::{Call, World};

const SCALE: &str = "/properties/properties/scaleSettings";

/// What `POST /_emulator/nodes` asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    pub(crate) id: String,
    /// So many nodes of a low-priority cluster are taken away.
    #[serde(default)]
    preempt: i64,
    /// So many nodes break.
    #[serde(default)]
    unusable: i64,
    /// A job runs on so many nodes, for `seconds` on each.
    #[serde(default)]
    run: i64,
    #[serde(default)]
    seconds: i64,
}

impl Wish {
    /// Whether it is that one node breaks, which can be said of an instance too.
    pub(crate) fn breaks_one(&self) -> bool {
        (self.preempt, self.unusable, self.run) == (0, 1, 0)
    }
}

/// The first page is asked for by POST, the next ones by GET of `nextLink`, which is absent on the last page.
pub(super) fn list(world: &mut World, call: &Call, target: &Target) -> Reply {
    let compute = world.existing(target)?;
    let compute_type = json::text(&compute.body, "/properties/computeType");
    if compute_type != "AmlCompute" {
        return Err(user_error(format!(
            "ComputeListNodes with computeType {compute_type} is not supported."
        )));
    }
    let nodes = nodes_of(compute);
    let from = listing::continuation(call).and_then(|token| token.parse().ok()).unwrap_or(0_i64);
    let there = nodes.groups.iter().filter(|group| !group.stage.name().is_empty());
    let mut rest = there.flat_map(|group| {
        (group.first.max(from)..group.first + group.count).map(move |number| (number, group))
    });
    let is_low = is_low_priority(&compute.body);
    let shown: Vec<Value> = rest
        .by_ref()
        .take(world.options.page_size.max(1))
        .map(|(number, group)| {
            let run = group.run.as_ref().map(|run| run.id.as_str());
            node(&compute.id, number, is_low, group.stage, run)
        })
        .collect();
    let mut body = json!({ "computeType": compute_type, "nodes": shown });
    if let Some((number, _)) = rest.next() {
        body["nextLink"] = json!(listing::next_link(call, &number.to_string()));
    }
    Ok(Response::json(200, &body))
}

/// Ids have the form of recorded ones: a long hash, and whether the node is dedicated or low-priority.
fn node(cluster: &str, number: i64, is_low: bool, stage: Stage, run: Option<&str>) -> Value {
    let hash = ["", "#"].map(|mark| guid_of(&format!("{cluster}#{number}{mark}")).replace('-', "")).concat();
    json!({
        "nodeId": format!("tvmps_{hash}_{}", if is_low { "p" } else { "d" }),
        "privateIpAddress": format!("10.1.{}.{}", number / 250 % 250, 4 + number % 250),
        "publicIpAddress": format!("203.0.113.{}", 1 + number % 250),
        "port": 50_000 + number % 15_000,
        "nodeState": stage.name(),
        "runId": run,
    })
}

/// The nodes that a compute's quota is reserved for: those there will be in any case, or those it has now.
pub(crate) fn reserved(body: &Value) -> i64 {
    let count =
        |pointer: &str| json::at(body, &format!("/properties/properties/{pointer}")).as_i64().unwrap_or(0);
    count("scaleSettings/minNodeCount").max(count("targetNodeCount"))
}

/// When something happens to a compute's nodes.
pub(super) fn next(cluster: &Resource) -> Option<Timestamp> {
    nodes_of(cluster).next()
}

/// Carries out what has become of the nodes.
pub(crate) fn turn(world: &mut World, mut cluster: Resource) {
    settle(world, &mut cluster, world.time(), |_| {});
    world.put(cluster);
}

/// Does something to the nodes of a cluster, and lets the service react to it.
pub(super) fn settle(world: &World, cluster: &mut Resource, at: Timestamp, change: impl FnOnce(&mut Nodes)) {
    let mut nodes = nodes_of(cluster);
    change(&mut nodes);
    // A lock on what it lies in leaves a cluster "resizing (0 -> 0)" (machine-learning-compute §5.2).
    nodes.is_held = locks::hold(world, &cluster.id);
    if !nodes.is_held {
        nodes.settle(at, &bounds(world, &cluster.body, &cluster.id));
    }
    let mut shown = nodes.shown();
    shown["errors"] = nodes.retry.map_or(Value::Null, |_| json!([{ "error": no_quota(&cluster.body) }]));
    let inner = &mut cluster.body["properties"]["properties"];
    if inner["allocationState"] != shown["allocationState"] {
        shown["allocationStateTransitionTime"] = json!(short_time(at));
    }
    json::overlay(inner, &shown);
    cluster.hidden = serde_json::to_value(nodes).expect("BUG: nodes are plain data");
}

/// What a control request does to the nodes of a cluster; answers with the id of the run, if there is one.
pub(crate) fn wish(world: &mut World, mut cluster: Resource, wish: &Wish) -> Result<Value, ArmError> {
    let now = world.time();
    let max = json::at(&cluster.body, &format!("{SCALE}/maxNodeCount")).as_i64().unwrap_or(0);
    if wish.preempt > 0 && !is_low_priority(&cluster.body) {
        return Err(bad_content("Only nodes of a low-priority cluster are preempted.").about("preempt"));
    }
    if !(0..=max).contains(&wish.run) {
        return Err(bad_content(format!("The cluster has at most {max} nodes.")).about("run"));
    }
    let run = (wish.run > 0).then(|| Run { id: world.random.guid(), seconds: wish.seconds });
    let mut failed = [0, 0];
    settle(world, &mut cluster, now, |nodes| {
        failed = [(wish.preempt, Stage::Preempted), (wish.unusable, Stage::Unusable)]
            .map(|(count, stage)| nodes.fail(count, stage, now));
        if let Some(run) = run.clone() {
            nodes.queue(run, wish.run);
        }
    });
    world.put(cluster);
    Ok(json!({ "preempted": failed[0], "unusable": failed[1], "runId": run.map(|run| run.id) }))
}

fn nodes_of(cluster: &Resource) -> Nodes {
    serde_json::from_value(cluster.hidden.clone()).unwrap_or_default()
}

fn is_low_priority(body: &Value) -> bool {
    json::text(body, "/properties/properties/vmPriority") == "LowPriority"
}

fn bounds(world: &World, body: &Value, id: &str) -> Bounds {
    let scale = json::at(body, SCALE);
    let min = scale["minNodeCount"].as_i64().unwrap_or(0).max(0);
    let idle = duration::seconds(json::text(scale, "/nodeIdleTimeBeforeScaleDown")).unwrap_or(120);
    Bounds {
        min,
        max: scale["maxNodeCount"].as_i64().unwrap_or(0).max(min),
        most: quota_room(world, body, id),
        reserved: min,
        idle: SignedDuration::from_secs(idle.max(0)),
    }
}

/// How many nodes the family's quota lets the cluster have; nothing is known to limit low-priority ones.
fn quota_room(world: &World, body: &Value, id: &str) -> i64 {
    let size = vm_sizes::find(json::text(body, "/properties/properties/vmSize"));
    let Some(size) = size.filter(|_| !is_low_priority(body)) else { return i64::MAX };
    let key = id.to_ascii_lowercase();
    let workspace = key.rsplit_once("/computes/").map_or("", |(workspace, _)| workspace);
    let quotas =
        rules::quotas(world, workspace, json::text(body, "/properties/computeLocation"), size.family);
    let free = quotas.iter().map(|(_, limit, used)| limit - used).min().unwrap_or(0);
    let own = world.store.get(&key).map_or(0, |stored| reserved(&stored.body));
    own + (free / size.cores).max(0)
}

/// The error of a cluster that could not get all the nodes it wants.
fn no_quota(body: &Value) -> Value {
    let size = json::text(body, "/properties/properties/vmSize");
    let message = format!("Operation results in exceeding quota limits of Core for VM size {size}.");
    json!({ "code": "ClusterCoreQuotaReached", "message": message })
}
