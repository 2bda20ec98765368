//! Reading Azure: how much is asked, and what counts as gone.

use executor::{CloudError, Events, refresh};
use model::{Live, Snapshot};
use tokio::sync::mpsc::unbounded_channel;

use crate::bench::{Bench, WORKSPACE, address, desired};

const CLUSTERS: &str = "---
kind: cluster
name: cpu
workspace: research
---
kind: cluster
name: gpu
workspace: research
---
kind: instance
name: alice
workspace: research
";

fn read(bench: &Bench, documents: &str, snapshot: &Snapshot) -> Result<Live, CloudError> {
    let (graph, _) = desired(documents);
    let events = Events::new(unbounded_channel().0);
    bench.world.take_log();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(refresh(&*bench.world, &graph, snapshot, 4, &events))
}

fn standing() -> (Bench, String) {
    let (bench, documents) = (Bench::new(), format!("{WORKSPACE}{CLUSTERS}"));
    assert!(bench.apply(&documents).applied.is_complete());
    (bench, documents)
}

#[test]
fn many_take_one_list_and_one_takes_one_get() {
    let (bench, documents) = standing();
    let live = read(&bench, &documents, &bench.snapshot()).expect("it reads");
    assert_eq!(live.resources.len(), 5);
    assert_eq!(
        bench.world.take_log(),
        ["get resource_group ml", "get workspace research", "list aks in research"]
    );
}

#[test]
fn what_lies_in_nothing_is_not_asked_for() {
    let (bench, documents) = (Bench::new(), format!("{WORKSPACE}{CLUSTERS}"));
    let live = read(&bench, &documents, &Snapshot::default()).expect("it reads");
    assert!(live.resources.is_empty());
    assert_eq!(bench.world.take_log(), ["get resource_group ml"]);
}

#[test]
fn gone_is_said_after_a_second_reading_only() {
    let (bench, documents) = standing();
    bench.world.remove("gpu");
    bench.world.hidden.lock().expect("hidden").insert("cpu", 1);
    let live = read(&bench, &documents, &bench.snapshot()).expect("it reads");
    assert!(live.get(&address("cluster/research/cpu")).is_some(), "the second reading found it");
    assert!(live.get(&address("cluster/research/gpu")).is_none());
    let log = bench.world.take_log();
    assert_eq!(log[log.len() - 2..].iter().filter(|l| l.starts_with("get cluster")).count(), 2, "{log:?}");
}

#[test]
fn what_is_in_no_state_is_asked_for_once() {
    let (bench, documents) = standing();
    bench.world.remove("gpu");
    let live = read(&bench, &documents, &Snapshot::default()).expect("it reads");
    assert!(live.get(&address("cluster/research/gpu")).is_none());
    assert_eq!(bench.world.take_log().len(), 3);
}

#[test]
fn a_workspace_that_comes_back_stops_the_run() {
    let (bench, documents) = standing();
    bench.world.hidden.lock().expect("hidden").insert("research", 1);
    let error = read(&bench, &documents, &bench.snapshot()).expect_err("the answers disagree");
    assert_eq!(
        error.message,
        "workspace/research was not found, and then was: Azure's answers do not agree yet"
    );
}

#[test]
fn what_may_not_be_read_is_unreadable_and_not_gone() {
    let (bench, documents) = standing();
    bench.world.forbidden.lock().expect("forbidden").push("research");
    let live = read(&bench, &documents, &bench.snapshot()).expect("it reads");
    let unreadable: Vec<&str> = live.unreadable.keys().map(|a| a.as_str()).collect();
    let below =
        ["cluster/research/cpu", "cluster/research/gpu", "instance/research/alice", "workspace/research"];
    assert_eq!(unreadable, below);
    let ran = bench.apply(&documents);
    assert!(ran.plan.diagnostics.has_errors() && ran.plan.steps.is_empty(), "nothing is planned in the dark");
}
