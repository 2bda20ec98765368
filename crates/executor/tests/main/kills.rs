//! The process dies at every point where it touches the world outside; then it runs again.
//!
//! A point is a call to the cloud (before it arrives, after its effect, before its reply) or a write of the state.
//! Nothing is created twice, nothing that we made is forgotten, and the next apply converges.

use std::collections::BTreeSet;

use state::{Record, replay};

use crate::bench::{Bench, WORKSPACE};

const BEFORE: &str = "---
kind: user_assigned_identity
name: trainer
resource_group: ml
location: westeurope
---
kind: cluster
name: cpu
workspace: research
identity: { type: user_assigned, user_assigned_identities: [trainer] }
tags: { principal: \"${identity.trainer.principal_id}\" }
---
kind: cluster
name: old
workspace: research
---
kind: cluster
name: was
id: named
workspace: research
---
kind: cluster
name: kept
workspace: research
---
kind: instance
name: alice
workspace: research
application_sharing_policy: shared
power: running
";

/// An update by PATCH and by PUT, a delete, a create, a replacement, one that creates first, a stop, and moves.
const AFTER: &str = "---
kind: cluster
name: cpu
id: batch
moved_from: cluster/research/cpu
workspace: research
max_instances: 8
---
kind: cluster
name: new
workspace: research
---
kind: cluster
name: becomes
id: named
workspace: research
lifecycle: { create_before_destroy: true }
---
kind: cluster
name: kept
id: still
moved_from: cluster/research/kept
workspace: research
---
kind: instance
name: alice
workspace: research
application_sharing_policy: personal
power: stopped
";

/// Whether a run with so many steps to live came to its end.
fn killed_at(bench: &Bench, documents: &str, point: i64) -> bool {
    bench.world.life.last(point);
    let ended = bench.run(documents);
    bench.world.life.last(i64::MAX);
    ended.is_none()
}

/// Everything that stands is in the state, or announced in the journal.
pub fn nothing_is_forgotten(bench: &Bench, context: &str) {
    let stored = bench.stored();
    let replayed = replay(stored.snapshot.as_ref(), &stored.journal).expect("it replays");
    let objects = replayed.snapshot.iter().flat_map(|s| s.objects());
    let entries = objects.filter_map(|(_, object)| object.arm_id.as_ref());
    let announced = replayed.open.iter().filter_map(|open| open.arm_id.as_ref());
    let known: BTreeSet<String> = entries.chain(announced).map(|id| id.folded()).collect();
    let forgotten: Vec<String> =
        bench.world.inner().standing.keys().filter(|id| !known.contains(*id)).cloned().collect();
    assert!(forgotten.is_empty(), "{context}: {forgotten:?} is neither in the state nor in the journal");
}

fn converges(bench: &Bench, documents: &str, expected: &[&str], context: &str) {
    let ran = bench.apply(documents);
    let wrong = ran.plan.diagnostics.clone().sorted();
    assert!(wrong.is_empty() && ran.applied.is_complete(), "{context}: {wrong:?} {:?}", ran.applied.failed);
    let again = bench.apply(documents);
    assert!(again.plan.is_empty(), "{context}: {:?}", again.plan.steps);
    assert!(again.plan.refreshed.is_empty() && again.plan.drift.is_empty(), "{context}");
    let mut names = bench.world.names();
    names.sort();
    assert_eq!(names, expected, "{context}");
    assert_eq!(bench.snapshot().objects().count(), expected.len(), "{context}");
    let stored = bench.stored();
    let open = replay(stored.snapshot.as_ref(), &stored.journal).expect("it replays").open;
    assert!(open.is_empty(), "{context}");
}

/// How often a resource was created at most, but for those that are replaced.
fn nothing_is_created_twice(bench: &Bench, replaced: &str, context: &str) {
    for (id, births) in &bench.world.inner().births {
        let most = if !replaced.is_empty() && id.ends_with(replaced) { 2 } else { 1 };
        assert!(*births <= most, "{context}: {id} was created {births} times");
    }
}

const FIRST: [&str; 8] = ["alice", "cpu", "kept", "ml", "old", "research", "trainer", "was"];
const SECOND: [&str; 7] = ["alice", "becomes", "cpu", "kept", "ml", "new", "research"];

/// A project in which the first documents stand.
fn standing(before: &str) -> Bench {
    let bench = Bench::alone();
    assert!(bench.apply(before).applied.is_complete());
    bench
}

#[test]
fn a_first_apply_survives_a_kill_at_any_point() {
    let documents = format!("{WORKSPACE}{BEFORE}");
    for point in 0.. {
        let bench = Bench::alone();
        if !killed_at(&bench, &documents, point) {
            assert!(point > 30, "only {point} points");
            break;
        }
        let context = format!("point {point}");
        nothing_is_forgotten(&bench, &context);
        converges(&bench, &documents, &FIRST, &context);
        nothing_is_created_twice(&bench, "", &context);
    }
}

/// Azure makes an instance running. Whatever dies between that and the stop, the next run stops it, and it is made once.
#[test]
fn an_instance_that_is_to_be_stopped_is_stopped_after_a_kill_at_any_point() {
    let documents =
        format!("{WORKSPACE}---\nkind: instance\nname: alice\nworkspace: research\npower: stopped\n");
    for point in 0.. {
        let bench = Bench::alone();
        let killed = killed_at(&bench, &documents, point);
        let context = format!("point {point}");
        converges(&bench, &documents, &["alice", "ml", "research"], &context);
        nothing_is_created_twice(&bench, "", &context);
        let (power, writes) = {
            let inner = bench.world.inner();
            let alice = inner.standing.values().find(|o| o.arm_id.name() == "alice").expect("it stands");
            (alice.attributes["power"].clone(), bench.world.writes())
        };
        assert_eq!(power, "stopped", "{context}: {writes:?}");
        if !killed {
            assert!(point > 10, "only {point} points");
            assert_eq!(writes, ["create ml", "create research", "create alice", "stop alice"]);
            break;
        }
    }
}

#[test]
fn changes_of_every_kind_survive_a_kill_at_any_point() {
    let (before, after) = (format!("{WORKSPACE}{BEFORE}"), format!("{WORKSPACE}{AFTER}"));
    for point in 0.. {
        let bench = standing(&before);
        if !killed_at(&bench, &after, point) {
            assert!(point > 50, "only {point} points");
            break;
        }
        let context = format!("point {point}");
        nothing_is_forgotten(&bench, &context);
        converges(&bench, &after, &SECOND, &context);
        nothing_is_created_twice(&bench, "/alice", &context);
    }
}

#[test]
fn a_destroy_survives_a_kill_at_any_point() {
    let before = format!("{WORKSPACE}{BEFORE}");
    for point in 0.. {
        let bench = standing(&before);
        if !killed_at(&bench, "", point) {
            break;
        }
        nothing_is_forgotten(&bench, &format!("point {point}"));
        converges(&bench, "", &[], &format!("point {point}"));
    }
}

/// A kill between any two records: whatever came after the last effect may not have become durable.
#[test]
fn a_journal_that_ends_after_any_record_is_enough() {
    let (before, after) = (format!("{WORKSPACE}{BEFORE}"), format!("{WORKSPACE}{AFTER}"));
    let mut cuts = 0;
    for point in 0.. {
        for lines in 1.. {
            let bench = standing(&before);
            bench.world.take_log();
            if !killed_at(&bench, &after, point) {
                assert!(cuts > 50, "only {cuts} cuts");
                return;
            }
            if !cut(&bench, lines) {
                break;
            }
            cuts += 1;
            let context = format!("point {point}, {lines} lines cut");
            nothing_is_forgotten(&bench, &context);
            converges(&bench, &after, &SECOND, &context);
            nothing_is_created_twice(&bench, "/alice", &context);
        }
    }
}

/// Cuts so many lines from the journal's end, unless that would cut what was durable before an effect.
fn cut(bench: &Bench, lines: usize) -> bool {
    let sent: Vec<String> = bench.world.take_log();
    for _ in 0..lines {
        let journal = bench.stored().journal;
        let may_be_cut = match journal.last() {
            None | Some(Record::Begin(_)) => false,
            Some(Record::Intent(intent)) => {
                let name = intent.arm_id.as_ref().map(|id| id.name()).unwrap_or_default();
                intent.step == "record" || !sent.contains(&format!("{} {name}", intent.step))
            }
            Some(_) => true,
        };
        if !may_be_cut {
            return false;
        }
        let path = bench.dir().join("journal");
        let text = std::fs::read(&path).expect("a journal");
        let end = text[..text.len() - 1].iter().rposition(|b| *b == b'\n').expect("a line before it");
        std::fs::write(&path, &text[..=end]).expect("it can be cut");
    }
    true
}

/// A second kill while the first is recovered from.
#[test]
fn recovery_survives_a_kill_too() {
    let (before, after) = (format!("{WORKSPACE}{BEFORE}"), format!("{WORKSPACE}{AFTER}"));
    for (first, second) in
        (0..90).step_by(7).flat_map(|first| (0..40).step_by(3).map(move |second| (first, second)))
    {
        let bench = standing(&before);
        killed_at(&bench, &after, first);
        killed_at(&bench, &after, second);
        let context = format!("points {first} and {second}");
        nothing_is_forgotten(&bench, &context);
        converges(&bench, &after, &SECOND, &context);
        nothing_is_created_twice(&bench, "/alice", &context);
    }
}
