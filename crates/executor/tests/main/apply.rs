//! Carrying out plans that meet no trouble, or trouble that is known.

use executor::Event;
use planner::Action;

use crate::bench::{Bench, WORKSPACE, address};
use crate::world::Fault;

fn with_clusters(clusters: &str) -> String {
    format!("{WORKSPACE}{clusters}")
}

const TWO: &str = "---
kind: cluster
name: cpu
workspace: research
tags: { team: research }
---
kind: cluster
name: gpu
workspace: research
max_instances: 8
";

fn position(log: &[String], words: &str) -> usize {
    log.iter().position(|l| l == words).unwrap_or_else(|| panic!("no {words:?} in {log:?}"))
}

#[test]
fn everything_is_created_after_what_it_lies_in() {
    let bench = Bench::new();
    let ran = bench.apply(&with_clusters(TWO));
    assert!(ran.applied.is_complete(), "{:?}", ran.applied.failed);
    assert_eq!((ran.applied.done, ran.applied.snapshot.serial), (4, 1));
    let log = bench.world.take_log();
    let at = |words| position(&log, words);
    assert!(at("create ml") < at("create research") && at("create research") < at("create cpu"));
    assert!(at("create cpu") < at("get cluster cpu"), "what was made is read back");
    assert_eq!(bench.snapshot(), ran.applied.snapshot);
    assert_eq!(bench.stored().journal, Vec::new(), "the journal ends with the snapshot");
    let again = bench.apply(&with_clusters(TWO));
    assert!(again.plan.is_empty(), "{:?}", again.plan.steps);
    assert_eq!(again.applied.snapshot.serial, 1, "nothing changed, so nothing is written");
    assert_eq!(bench.stored().journal, Vec::new(), "not even a journal");
}

#[test]
fn everything_is_deleted_before_what_it_lies_in() {
    let bench = Bench::new();
    bench.apply(&with_clusters(TWO));
    let ran = bench.apply("");
    assert!(ran.applied.is_complete(), "{:?}", ran.applied.failed);
    assert_eq!(bench.world.names(), Vec::<String>::new());
    assert!(bench.snapshot().resources.is_empty());
}

#[test]
fn a_failed_branch_skips_what_needs_it_and_others_go_on() {
    let documents = with_clusters(
        "---
kind: user_assigned_identity
name: trainer
resource_group: ml
location: westeurope
---
kind: cluster
name: cpu
workspace: research
identity: { type: user_assigned, user_assigned_identities: [trainer] }
---
kind: cluster
name: gpu
workspace: research
",
    );
    let bench = Bench::new();
    bench.world.fault("create", "trainer", Fault::Refuse);
    let ran = bench.apply(&documents);
    assert_eq!(ran.applied.failed.len(), 1);
    assert_eq!(ran.applied.failed[0].0, address("user_assigned_identity/trainer"));
    assert_eq!(ran.applied.skipped, vec![address("cluster/research/cpu")]);
    let skipped = ran.events.iter().find_map(|e| match e {
        Event::Skipped { address, because, .. } => Some((address.clone(), because.clone())),
        _ => None,
    });
    let because = "user_assigned_identity/trainer did not end well".to_owned();
    assert_eq!(skipped, Some((address("cluster/research/cpu"), because)));
    assert!(bench.world.names().contains(&"gpu".to_owned()));
    let state = bench.snapshot();
    assert!(state.resources.contains_key(&address("cluster/research/gpu")));
    assert!(!state.resources.contains_key(&address("user_assigned_identity/trainer")));
    assert!(bench.apply(&documents).applied.is_complete());
    assert!(bench.apply(&documents).plan.is_empty());
}

#[test]
fn a_failed_create_leaves_a_tainted_entry_that_is_replaced() {
    let bench = Bench::new();
    bench.world.fault("create", "cpu", Fault::Fail);
    let ran = bench.apply(&with_clusters(TWO));
    assert_eq!(ran.applied.failed[0].1, "no quota is left (200 Pretended)");
    let entry = &bench.snapshot().resources[&address("cluster/research/cpu")];
    assert_eq!(entry.status, model::Status::Tainted);
    let again = bench.apply(&with_clusters(TWO));
    let change = again.plan.change(&address("cluster/research/cpu")).expect("a change");
    assert_eq!(change.action, Action::Replace { create_first: false });
    assert!(again.applied.is_complete() && bench.apply(&with_clusters(TWO)).plan.is_empty());
}

#[test]
fn a_failed_create_that_left_nothing_is_not_in_the_state() {
    let bench = Bench::new();
    bench.world.fault("create", "cpu", Fault::FailClean);
    bench.apply(&with_clusters(TWO));
    assert!(!bench.snapshot().resources.contains_key(&address("cluster/research/cpu")));
    assert!(bench.apply(&with_clusters(TWO)).applied.is_complete());
}

#[test]
fn an_attribute_that_azure_ignores_is_a_failure_that_names_it() {
    let bench = Bench::new();
    bench.apply(&with_clusters(TWO));
    let edited = with_clusters(&TWO.replace("max_instances: 8", "max_instances: 9\nmin_instances: 1"));
    bench.world.fault("patch", "gpu", Fault::Ignore("max_instances"));
    let ran = bench.apply(&edited);
    let words = &ran.applied.failed[0].1;
    assert!(words.starts_with("Azure accepted `max_instances` and did not apply it\n"), "{words}");
    let again = bench.apply(&edited);
    let change = again.plan.change(&address("cluster/research/gpu")).expect("a change");
    let paths: Vec<&str> = change.differences.iter().map(|d| d.attribute.path).collect();
    assert_eq!(paths, ["max_instances"], "what was applied is not planned again");
    assert!(bench.apply(&edited).plan.is_empty());
}

#[test]
fn drift_is_repaired() {
    let bench = Bench::new();
    bench.apply(&with_clusters(TWO));
    bench.world.touch("gpu", "max_instances", 50.into());
    bench.world.remove("cpu");
    let ran = bench.apply(&with_clusters(TWO));
    assert_eq!(ran.applied.done, 2);
    assert!(bench.apply(&with_clusters(TWO)).plan.is_empty());
}

#[test]
fn a_cancelled_run_begins_nothing_and_says_what_it_skipped() {
    let bench = Bench::new();
    bench.cancel.cancel();
    let ran = bench.apply(&with_clusters(TWO));
    assert!(ran.applied.stopped);
    assert_eq!(ran.applied.done, 0);
    assert_eq!(ran.applied.skipped.len(), 4);
    assert!(ran.events.contains(&Event::Stopping(0)));
    assert_eq!(bench.world.names(), Vec::<String>::new());
}

#[test]
fn a_run_that_is_cancelled_on_the_way_ends_what_is_in_flight() {
    let bench = Bench::new();
    *bench.world.cancel_at.lock().expect("cancel") = Some(("create research", bench.cancel.clone()));
    let ran = bench.apply(&with_clusters(TWO));
    assert!(ran.applied.stopped);
    assert_eq!(ran.applied.done, 2, "the workspace's step is waited for");
    let mut skipped = ran.applied.skipped.clone();
    skipped.sort();
    assert_eq!(skipped, vec![address("cluster/research/cpu"), address("cluster/research/gpu")]);
    assert!(bench.snapshot().resources.contains_key(&address("workspace/research")));
}

#[test]
fn a_renamed_cluster_stands_before_the_old_one_goes() {
    let before = with_clusters("---\nkind: cluster\nname: cpu\nid: main\nworkspace: research\n");
    let after = with_clusters(
        "---\nkind: cluster\nname: cpu-large\nid: main\nworkspace: research\nlifecycle: { create_before_destroy: true }\n",
    );
    let bench = Bench::new();
    bench.apply(&before);
    let ran = bench.apply(&after);
    assert!(ran.applied.is_complete(), "{:?}", ran.applied.failed);
    let log = bench.world.take_log();
    assert!(position(&log, "create cpu-large") < position(&log, "delete cpu"));
    let state = bench.snapshot();
    let id = state.resources[&address("cluster/research/main")].arm_id.clone().expect("an id");
    assert_eq!(id.name(), "cpu-large");
    assert!(bench.apply(&after).plan.is_empty());
}
