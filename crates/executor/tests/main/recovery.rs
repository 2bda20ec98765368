//! What nobody knows stays open in the journal until somebody looks.

use executor::Event;
use model::Status;
use state::Record;

use crate::bench::{Bench, Ran, WORKSPACE, address};
use crate::world::Fault;

const CLUSTER: &str = "---
kind: cluster
name: cpu
workspace: research
max_instances: 8
";

fn documents() -> String {
    format!("{WORKSPACE}{CLUSTER}")
}

fn words(ran: &Ran) -> Vec<String> {
    let told = ran.events.iter().filter_map(|e| match e {
        Event::Recovered { address, words } => Some(format!("{address} {words}")),
        _ => None,
    });
    told.collect()
}

/// A first run in which the cluster's create goes wrong in this way.
fn broken(fault: Fault) -> (Bench, Ran) {
    let bench = Bench::new();
    bench.world.fault("create", "cpu", fault);
    let ran = bench.apply(&documents());
    (bench, ran)
}

#[test]
fn an_unknown_outcome_stays_open_and_no_snapshot_is_written() {
    let (bench, ran) = broken(Fault::LoseAfter);
    assert_eq!(ran.applied.open, vec![address("cluster/research/cpu")]);
    assert!(!ran.applied.is_complete());
    let stored = bench.stored();
    assert_eq!(stored.snapshot, None);
    assert!(matches!(stored.journal.last(), Some(Record::Intent(intent)) if intent.step == "create"));
    let known = bench.snapshot();
    assert!(known.resources.contains_key(&address("workspace/research")), "what ended is not lost");
}

#[test]
fn a_create_whose_reply_was_lost_is_found_done() {
    let (bench, _) = broken(Fault::LoseAfter);
    let ran = bench.apply(&documents());
    assert_eq!(words(&ran), ["cluster/research/cpu is done: create"]);
    assert!(ran.plan.is_empty() && ran.applied.open.is_empty());
    assert_eq!((ran.applied.snapshot.serial, bench.stored().journal.len()), (1, 0));
    assert_eq!(bench.world.inner().births.values().max(), Some(&1));
}

#[test]
fn a_create_that_never_arrived_is_begun_again() {
    let (bench, _) = broken(Fault::LoseBefore);
    let ran = bench.apply(&documents());
    assert_eq!(words(&ran), ["cluster/research/cpu was not begun: create"]);
    assert!(ran.applied.is_complete() && bench.apply(&documents()).plan.is_empty());
}

#[test]
fn an_operation_that_goes_on_stays_open_and_nothing_is_planned_for_it() {
    let (bench, _) = broken(Fault::NeverSettle);
    let still = bench.apply(&documents());
    assert_eq!(words(&still), ["cluster/research/cpu is still in flight: it takes too long"]);
    assert!(still.plan.diagnostics.has_errors() && still.plan.steps.is_empty());
    assert_eq!(bench.stored().snapshot, None);
    bench.world.heal();
    assert_eq!(words(&bench.apply(&documents())), ["cluster/research/cpu is done: create"]);
    assert!(bench.apply(&documents()).plan.is_empty());
}

#[test]
fn a_delete_that_goes_on_is_not_sent_again() {
    let bench = Bench::new();
    bench.apply(&documents());
    bench.world.fault("delete", "cpu", Fault::NeverSettle);
    assert_eq!(bench.apply(WORKSPACE).applied.open.len(), 1);
    bench.world.take_log();
    bench.apply(WORKSPACE);
    assert!(!bench.world.take_log().contains(&"delete cpu".to_owned()));
    bench.world.heal();
    assert_eq!(words(&bench.apply(WORKSPACE)), ["cluster/research/cpu is deleted"]);
    assert!(bench.apply(WORKSPACE).plan.is_empty());
}

#[test]
fn a_create_that_failed_unseen_is_tainted() {
    let (bench, _) = broken(Fault::NeverSettle);
    let url = bench.stored().journal.into_iter().rev().find_map(|r| match r {
        Record::Operation { url, .. } => Some(url),
        _ => None,
    });
    bench.world.fail(&url.expect("an operation"));
    let ran = bench.apply(&documents());
    assert_eq!(words(&ran), ["cluster/research/cpu failed and left something behind: no quota is left"]);
    let prior = ran.plan.change(&address("cluster/research/cpu")).and_then(|c| c.prior.clone());
    assert_eq!(prior.expect("an entry").status, Status::Tainted);
    assert!(ran.applied.is_complete() && bench.apply(&documents()).plan.is_empty());
}

/// Somebody else's cluster of the same name: it was there long before, or it is not as we asked.
fn not_ours(touch: impl Fn(&Bench)) -> Ran {
    let (bench, _) = broken(Fault::LoseAfter);
    touch(&bench);
    let ran = bench.apply(&documents());
    assert!(!ran.applied.snapshot.resources.contains_key(&address("cluster/research/cpu")));
    assert!(ran.plan.diagnostics.has_errors());
    ran
}

#[test]
fn what_stood_before_is_not_taken_over_in_silence() {
    let ran = not_ours(|bench| {
        let mut inner = bench.world.inner();
        let cpu = inner.standing.values_mut().find(|o| o.arm_id.name() == "cpu").expect("it stands");
        cpu.created = Some(1_700_000_000);
    });
    let said =
        "cluster/research/cpu stands as intended, but was there before this run; `adopt: true` takes it over";
    assert_eq!(words(&ran), [said]);
}

#[test]
fn what_is_not_as_intended_is_not_taken_over_in_silence() {
    let ran = not_ours(|bench| bench.world.touch("cpu", "max_instances", 3.into()));
    assert_eq!(words(&ran), ["cluster/research/cpu stands, but not as intended (max_instances): create"]);
}

#[test]
fn a_patch_whose_reply_was_lost_is_settled_either_way() {
    for (fault, said) in
        [(Fault::LoseAfter, "is done: patch"), (Fault::LoseBefore, "stands, but not as intended")]
    {
        let bench = Bench::new();
        bench.apply(&documents());
        let edited = documents().replace("max_instances: 8", "max_instances: 9");
        bench.world.fault("patch", "cpu", fault);
        assert_eq!(bench.apply(&edited).applied.open.len(), 1);
        let ran = bench.apply(&edited);
        assert!(words(&ran)[0].contains(said), "{fault:?}: {:?}", words(&ran));
        assert!(bench.apply(&edited).plan.is_empty(), "{fault:?}");
    }
}

#[test]
fn a_delete_whose_reply_was_lost_is_settled_either_way() {
    for (fault, said) in [(Fault::LoseAfter, "is deleted"), (Fault::LoseBefore, "was not deleted")] {
        let bench = Bench::new();
        bench.apply(&documents());
        bench.world.fault("delete", "cpu", fault);
        assert_eq!(bench.apply(WORKSPACE).applied.open.len(), 1);
        let ran = bench.apply(WORKSPACE);
        assert_eq!(words(&ran), [format!("cluster/research/cpu {said}")]);
        assert!(ran.applied.is_complete() && !bench.world.names().contains(&"cpu".to_owned()));
        assert!(bench.apply(WORKSPACE).plan.is_empty(), "{fault:?}");
    }
}
