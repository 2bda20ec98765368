//! The nodes of clusters as time and jobs move them.

use std::collections::BTreeMap;

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::support::{Cloud, LOCATION, cluster_body, compute};

/// A cloud with a cluster `cpu` that has gone through its creation.
fn cloud(options: Options, changes: &Value) -> Cloud {
    let mut cloud = Cloud::with_workspace(options);
    let mut body = cluster_body();
    for (key, value) in changes.as_object().unwrap() {
        body["properties"]["properties"][key] = value.clone();
    }
    assert_eq!(cloud.put(&compute("cpu"), &body).status, 201);
    cloud.pass(200);
    cloud
}

fn scale(min: i64, max: i64) -> Value {
    json!({ "scaleSettings": { "minNodeCount": min, "maxNodeCount": max } })
}

fn wish(cloud: &mut Cloud, wish: &Value) -> Value {
    let mut body = wish.clone();
    body["id"] = json!(compute("cpu"));
    let reply = cloud.control(Method::Post, "nodes", &body);
    assert_eq!(reply.status, 200, "{}", reply.value());
    reply.value()
}

fn inner(cloud: &mut Cloud) -> Value {
    cloud.get(&compute("cpu")).value()["properties"]["properties"].clone()
}

fn counts(cloud: &mut Cloud) -> Value {
    let shown = inner(cloud)["nodeStateCounts"].clone();
    let some = shown.as_object().unwrap().iter().filter(|(_, count)| **count != json!(0));
    some.map(|(name, count)| (name.replace("NodeCount", ""), count.clone()))
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .collect()
}

fn nodes(cloud: &mut Cloud) -> Vec<Value> {
    let reply = cloud.post(&format!("{}/listNodes", compute("cpu")), None);
    reply.value()["nodes"].as_array().unwrap().clone()
}

#[test]
fn a_job_brings_nodes_that_run_idle_and_leave() {
    let mut cloud = cloud(Options::default(), &scale(0, 4));
    assert_eq!(counts(&mut cloud), json!({}));
    let run = wish(&mut cloud, &json!({ "run": 2, "seconds": 300 }))["runId"].clone();
    let asked = inner(&mut cloud);
    assert_eq!((&asked["allocationState"], &asked["targetNodeCount"]), (&json!("Resizing"), &json!(2)));
    assert_eq!((asked["currentNodeCount"].as_i64(), nodes(&mut cloud).len()), (Some(0), 0));
    cloud.pass(100);
    assert_eq!(counts(&mut cloud), json!({ "preparing": 2 }));
    cloud.pass(20);
    assert_eq!(counts(&mut cloud), json!({ "running": 2 }));
    let shown = nodes(&mut cloud);
    assert_eq!((&shown[1]["nodeState"], &shown[1]["runId"]), (&json!("running"), &run));
    cloud.pass(300);
    assert_eq!(counts(&mut cloud), json!({ "idle": 2 }));
    assert_eq!(inner(&mut cloud)["allocationState"], "Steady");
    cloud.pass(120);
    assert_eq!(counts(&mut cloud), json!({ "leaving": 2 }));
    assert_eq!(inner(&mut cloud)["allocationState"], "Resizing");
    cloud.pass(60);
    assert_eq!((counts(&mut cloud), inner(&mut cloud)["currentNodeCount"].as_i64()), (json!({}), Some(0)));
}

#[test]
fn a_jump_over_everything_ends_where_small_steps_do() {
    let story = |steps: &[i64]| {
        let mut cloud = cloud(Options::default(), &scale(1, 4));
        wish(&mut cloud, &json!({ "run": 3, "seconds": 1000 }));
        for step in steps {
            cloud.pass(*step);
            cloud.get(&compute("cpu"));
        }
        cloud.get(&compute("cpu")).value()
    };
    assert_eq!(story(&[5000]), story(&[50; 100]));
}

#[test]
fn nodes_keep_their_ids_and_addresses_and_new_ones_get_others() {
    let mut cloud = cloud(Options::default(), &scale(2, 4));
    let before = nodes(&mut cloud);
    wish(&mut cloud, &json!({ "unusable": 1 }));
    let broken = nodes(&mut cloud);
    assert_eq!(broken[0]["nodeState"], "unusable");
    cloud.pass(1000);
    let after = nodes(&mut cloud);
    assert_eq!((after.len(), &after[0]), (2, &before[1]));
    for key in ["nodeId", "privateIpAddress", "port"] {
        assert_ne!(after[1][key], before[0][key], "{key}");
    }
    assert!(after[1]["nodeId"].as_str().unwrap().ends_with("_d"));
}

#[test]
fn low_priority_nodes_are_preempted_and_their_job_goes_on_elsewhere() {
    let mut changes = scale(0, 4);
    changes["vmPriority"] = json!("LowPriority");
    let mut cloud = cloud(Options::default(), &changes);
    wish(&mut cloud, &json!({ "run": 2, "seconds": 500 }));
    cloud.pass(150);
    assert_eq!(wish(&mut cloud, &json!({ "preempt": 1 }))["preempted"], 1);
    assert_eq!(counts(&mut cloud), json!({ "preempted": 1, "running": 1 }));
    cloud.pass(120);
    assert_eq!(counts(&mut cloud), json!({ "running": 2 }));
    cloud.pass(5000);
    assert_eq!(counts(&mut cloud), json!({}));
}

#[test]
fn what_cannot_happen_is_refused() {
    let mut cloud = cloud(Options::default(), &scale(0, 2));
    let id = json!(compute("cpu"));
    for (body, status) in [
        (json!({ "id": id, "preempt": 1 }), 400),
        (json!({ "id": id, "run": 3, "seconds": 1 }), 400),
        (json!({ "id": id, "jump": 1 }), 400),
        (json!({ "id": compute("none"), "run": 1 }), 404),
    ] {
        assert_eq!(cloud.control(Method::Post, "nodes", &body).status, status, "{body}");
    }
    assert_eq!(cloud.control(Method::Get, "nodes", &json!({})).status, 405);
}

#[test]
fn nodes_count_against_the_quota_while_they_are_there() {
    let limits = BTreeMap::from([("standardDSv2Family".to_owned(), 8)]);
    let mut cloud = cloud(Options { core_limits: limits, ..Options::default() }, &scale(0, 4));
    let used = |cloud: &mut Cloud| {
        let rows = cloud.get(&format!("{LOCATION}/usages")).value();
        let rows = rows["value"].as_array().unwrap().clone();
        rows.iter().find(|row| row["name"]["value"] == "standardDSv2Family").unwrap()["currentValue"].clone()
    };
    wish(&mut cloud, &json!({ "run": 3, "seconds": 100 }));
    cloud.pass(130);
    assert_eq!((counts(&mut cloud), used(&mut cloud)), (json!({ "running": 2 }), json!(8)));
    assert_eq!(inner(&mut cloud)["errors"][0]["error"]["code"], "ClusterCoreQuotaReached");
    cloud.pass(100);
    assert_eq!(
        counts(&mut cloud),
        json!({ "idle": 1, "running": 1 }),
        "the third runs where the first ended"
    );
    cloud.pass(1000);
    assert_eq!((counts(&mut cloud), used(&mut cloud)), (json!({}), json!(0)));
    assert_eq!(inner(&mut cloud)["errors"], Value::Null);
}

#[test]
fn a_patch_of_the_minimum_moves_nodes_both_ways() {
    let mut cloud = cloud(Options::default(), &scale(1, 4));
    let patch =
        |min: i64| json!({ "properties": { "properties": { "scaleSettings": { "minNodeCount": min } } } });
    cloud.patch(&compute("cpu"), &patch(3));
    cloud.pass(10);
    assert_eq!(inner(&mut cloud)["targetNodeCount"], 3);
    cloud.pass(200);
    assert_eq!(counts(&mut cloud), json!({ "idle": 3 }));
    cloud.patch(&compute("cpu"), &patch(0));
    assert_eq!(counts(&mut cloud), json!({ "idle": 2, "leaving": 1 }), "one was idle long enough already");
    cloud.pass(200);
    assert_eq!(counts(&mut cloud), json!({}));
}

#[test]
fn a_list_of_nodes_is_paged_and_stays_right_when_some_leave() {
    let mut cloud = cloud(Options { page_size: 2, ..Options::default() }, &scale(0, 6));
    wish(&mut cloud, &json!({ "run": 5, "seconds": 1000 }));
    cloud.pass(150);
    let first = cloud.post(&format!("{}/listNodes", compute("cpu")), None).value();
    assert_eq!((first["nodes"].as_array().unwrap().len(), &first["computeType"]), (2, &json!("AmlCompute")));
    wish(&mut cloud, &json!({ "unusable": 1 }));
    cloud.pass(400);
    let second = cloud.follow(first["nextLink"].as_str().unwrap()).value();
    let third = cloud.follow(second["nextLink"].as_str().unwrap()).value();
    assert!(third.get("nextLink").is_none());
    let ids: Vec<&Value> = [&first, &second, &third]
        .iter()
        .flat_map(|page| page["nodes"].as_array().unwrap())
        .map(|node| &node["nodeId"])
        .collect();
    assert_eq!(ids.len(), 6);
    assert!(ids.iter().enumerate().all(|(index, id)| !ids[..index].contains(id)));
}
