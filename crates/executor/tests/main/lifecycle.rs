//! Each lifecycle feature, by the requests that it sends and their order; with a failure at each of them, and
//! what the next apply makes of that.

use planner::{Action, Reason, Shown};

use crate::bench::{Bench, Ran, WORKSPACE, address};
use crate::world::Fault;

/// What may go wrong with a request.
const FAULTS: [Fault; 5] =
    [Fault::Refuse, Fault::Fail, Fault::FailClean, Fault::LoseBefore, Fault::LoseAfter];

/// From one set of documents to another: the requests that are sent, and what stands afterwards.
struct Story {
    before: String,
    after: String,
    requests: Vec<&'static str>,
    names: Vec<&'static str>,
}

impl Story {
    fn new(before: &str, after: &str, requests: &[&'static str], names: &[&'static str]) -> Self {
        let whole = |text: &str| format!("{WORKSPACE}{text}");
        let mut names = [names, &["ml", "research"]].concat();
        names.sort();
        Self { before: whole(before), after: whole(after), requests: requests.to_vec(), names }
    }

    fn begun(&self) -> Bench {
        let bench = Bench::alone();
        assert!(bench.apply(&self.before).applied.is_complete(), "{}", self.before);
        bench.world.take_log();
        bench
    }

    /// Nothing goes wrong; then each request does in each way. The next apply ends well, and the one after it is empty.
    fn check(&self) -> Ran {
        let ran = self.settles();
        for (at, request) in self.requests.iter().enumerate() {
            for fault in FAULTS {
                self.fails(at, request, fault);
            }
        }
        ran
    }

    /// Nothing goes wrong.
    fn settles(&self) -> Ran {
        let bench = self.begun();
        let ran = bench.apply(&self.after);
        no_errors(&ran, "at first");
        assert_eq!(bench.world.writes(), self.requests);
        self.settled(&bench, "at first");
        ran
    }

    fn fails(&self, at: usize, request: &'static str, fault: Fault) {
        let context = format!("{fault:?} of `{request}`");
        let bench = self.begun();
        let (verb, name) = request.split_once(' ').expect("a verb and a name");
        bench.world.fault(verb, name, fault);
        let ran = bench.apply(&self.after);
        assert!(!ran.applied.is_complete(), "{context}: it went well");
        assert_eq!(bench.world.writes(), self.requests[..=at], "{context}: what follows waits for it");
        no_errors(&bench.apply(&self.after), &context);
        self.settled(&bench, &context);
    }

    fn settled(&self, bench: &Bench, context: &str) {
        let again = bench.apply(&self.after);
        assert!(again.plan.is_empty(), "{context}: {:?}", again.plan.steps);
        let mut names = bench.world.names();
        names.sort();
        assert_eq!(names, self.names, "{context}");
        assert_eq!(bench.snapshot().objects().count(), self.names.len(), "{context}");
    }
}

fn no_errors(ran: &Ran, context: &str) {
    let wrong = ran.plan.diagnostics.clone().sorted();
    assert!(wrong.is_empty() && ran.applied.is_complete(), "{context}: {wrong:?} {:?}", ran.applied.failed);
}

/// An identity and a cluster that uses it; the variant makes their names, `first` says which are made first.
fn identity_and_cluster(variant: &str, first: (bool, bool)) -> String {
    format!(
        "---
kind: user_assigned_identity
name: who-{variant}
id: a
resource_group: ml
location: westeurope
lifecycle: {{ create_before_destroy: {} }}
---
kind: cluster
name: cpu-{variant}
id: b
workspace: research
identity: {{ type: user_assigned, user_assigned_identities: [a] }}
lifecycle: {{ create_before_destroy: {} }}
",
        first.0, first.1
    )
}

const NEITHER: (bool, bool) = (false, false);
const DEPENDENCY: (bool, bool) = (true, false);
const DEPENDENT: (bool, bool) = (false, true);
const BOTH: (bool, bool) = (true, true);

/// The orders that OpenTofu documents, for each of the four ways to ask.
#[test]
fn what_is_replaced_together_goes_in_the_order_that_was_asked_for() {
    let all_first = ["create who-new", "create cpu-new", "delete cpu-old", "delete who-old"];
    for (first, requests) in [
        (NEITHER, ["delete cpu-old", "delete who-old", "create who-new", "create cpu-new"]),
        (DEPENDENCY, ["delete cpu-old", "create who-new", "create cpu-new", "delete who-old"]),
        (DEPENDENT, all_first),
        (BOTH, all_first),
    ] {
        let (before, after) = (identity_and_cluster("old", first), identity_and_cluster("new", first));
        Story::new(&before, &after, &requests, &["who-new", "cpu-new"]).check();
    }
}

#[test]
fn what_is_deleted_together_goes_before_what_it_depends_on() {
    for first in [NEITHER, DEPENDENCY, DEPENDENT, BOTH] {
        let before = identity_and_cluster("old", first);
        Story::new(&before, "", &["delete cpu-old", "delete who-old"], &[]).check();
    }
}

#[test]
fn a_replaced_dependency_goes_after_its_dependent_is_updated() {
    let with = |variant| {
        let cluster = "---\nkind: cluster\nname: cpu\nworkspace: research\nidentity: { type: user_assigned, user_assigned_identities: [a] }\n";
        let identity = identity_and_cluster(variant, DEPENDENCY);
        format!("{}---\n{cluster}", identity.split("---\nkind: cluster").next().expect("the identity"))
    };
    let requests = ["create who-new", "put cpu", "delete who-old"];
    Story::new(&with("old"), &with("new"), &requests, &["who-new", "cpu"]).check();
}

#[test]
fn one_element_is_replaced_on_request() {
    let documents = format!(
        "{WORKSPACE}---\nkind: cluster\nfor_each: [batch, night]\nid: cpu\nname: cpu-${{each.key}}\nworkspace: research\n"
    );
    let mut bench = Bench::alone();
    bench.apply(&documents);
    bench.world.take_log();
    let element = address("cluster/research/cpu[\"night\"]");
    let ran = bench.apply_with(&documents, |options| _ = options.replace.insert(element));
    no_errors(&ran, "on request");
    assert_eq!(bench.world.writes(), ["delete cpu-night", "create cpu-night"]);
    assert!(bench.apply(&documents).plan.is_empty());
}

const CPU: &str = "---\nkind: cluster\nname: cpu\nworkspace: research\n";

#[test]
fn several_old_objects_of_one_address_are_kept_and_go_with_the_next_apply() {
    let named = |name: &str| {
        format!(
            "{WORKSPACE}---\nkind: cluster\nname: {name}\nid: cpu\nworkspace: research\nlifecycle: {{ create_before_destroy: true }}\n"
        )
    };
    let bench = Bench::alone();
    bench.apply(&named("one"));
    for (name, old) in [("two", "one"), ("three", "two"), ("four", "three")] {
        bench.world.fault("delete", old, Fault::Refuse);
        assert!(!bench.apply(&named(name)).applied.is_complete(), "{old} cannot be deleted");
    }
    let entry = bench.snapshot().resources[&address("cluster/research/cpu")].clone();
    let names: Vec<String> =
        entry.objects().filter_map(|o| Some(o.arm_id.as_ref()?.name().to_owned())).collect();
    assert_eq!(names, ["four", "three", "two", "one"]);
    bench.world.take_log();
    let ran = bench.apply(&named("four"));
    no_errors(&ran, "healed");
    let mut writes = bench.world.writes();
    writes.sort();
    assert_eq!(writes, ["delete one", "delete three", "delete two"]);
    assert_eq!(ran.plan.counts().destroy, 3);
    assert!(bench.apply(&named("four")).plan.is_empty());
}

#[test]
fn what_must_not_be_destroyed_is_forgotten_and_stays() {
    let kept = format!("{WORKSPACE}{CPU}lifecycle: {{ destroy: false }}\n");
    let bench = Bench::alone();
    bench.apply(&kept);
    bench.world.take_log();
    let ran = bench.apply(WORKSPACE);
    no_errors(&ran, "its document left");
    assert_eq!((bench.world.writes(), ran.plan.counts().forget), (Vec::new(), 1));
    assert!(bench.world.names().contains(&"cpu".to_owned()));
    assert!(!bench.snapshot().resources.contains_key(&address("cluster/research/cpu")));
    assert!(bench.apply(WORKSPACE).plan.is_empty());
    let again = bench.apply(&format!("{WORKSPACE}{CPU}"));
    assert!(again.plan.diagnostics.has_errors(), "it is not ours any more");
    no_errors(&bench.apply(&format!("{WORKSPACE}{CPU}adopt: true\n")), "adopted");
}

#[test]
fn what_is_forgotten_does_not_go_with_what_it_lies_in() {
    let bench = Bench::alone();
    bench.apply(&format!("{WORKSPACE}{CPU}lifecycle: {{ destroy: false }}\n"));
    bench.world.take_log();
    assert!(bench.apply("").plan.diagnostics.has_errors());
    assert_eq!(bench.world.writes(), Vec::<String>::new());
}

#[test]
fn a_trigger_replaces_and_a_failure_on_the_way_does_not_lose_it() {
    let documents = |nodes: u8| {
        format!(
            "{CPU}max_instances: {nodes}\n---\nkind: cluster\nname: gpu\nworkspace: research\nlifecycle: {{ replace_on: [cluster/research/cpu.max_instances] }}\n"
        )
    };
    let requests = ["delete gpu", "patch cpu", "create gpu"];
    let ran = Story::new(&documents(4), &documents(8), &requests, &["cpu", "gpu"]).check();
    let change = ran.plan.change(&address("cluster/research/gpu")).expect("a change");
    assert_eq!(change.reason, Some(Reason::Triggered));
}

#[test]
fn protection_is_released_in_two_steps() {
    let bench = Bench::alone();
    bench.apply(&format!("{WORKSPACE}{CPU}lifecycle: {{ prevent_destroy: true }}\n"));
    bench.world.take_log();
    let blocked = bench.apply(WORKSPACE);
    assert!(
        blocked.plan.diagnostics.has_errors() && blocked.plan.counts().destroy == 1,
        "the plan still shows it"
    );
    assert!(bench.apply(&format!("{WORKSPACE}{CPU}")).plan.is_empty());
    no_errors(&bench.apply(WORKSPACE), "released");
    assert_eq!(bench.world.writes(), ["delete cpu"]);
}

#[test]
fn names_move_on_in_one_go_and_nothing_is_sent() {
    let cluster = |name: &str, id: &str, from: &str| {
        format!("---\nkind: cluster\nname: {name}\nid: {id}\nworkspace: research\n{from}")
    };
    let before = format!("{WORKSPACE}{}{}", cluster("first", "a", ""), cluster("second", "b", ""));
    let from = |id: &str| format!("moved_from: cluster/research/{id}\n");
    let after =
        format!("{WORKSPACE}{}{}", cluster("first", "b", &from("a")), cluster("second", "c", &from("b")));
    let bench = Bench::alone();
    bench.apply(&before);
    bench.world.take_log();
    let ran = bench.apply(&after);
    no_errors(&ran, "moved");
    assert_eq!((bench.world.writes(), ran.plan.counts().moved), (Vec::new(), 2));
    let state = bench.snapshot();
    let name = |id: &str| state.resources[&address(&format!("cluster/research/{id}"))].arm_id.clone();
    assert_eq!(name("b").expect("an id").name(), "first");
    assert_eq!(name("c").expect("an id").name(), "second");
    let again = bench.apply(&after);
    assert!(again.plan.is_empty() && again.plan.refreshed.is_empty(), "{:?}", again.plan.steps);
}

#[test]
fn a_value_that_is_made_in_the_same_run_is_unknown_at_first_and_right_in_the_end() {
    let with = |variant: &str| {
        let identity = identity_and_cluster(variant, DEPENDENCY);
        let identity = identity.split("---\nkind: cluster").next().expect("the identity").to_owned();
        format!("{identity}{CPU}tags: {{ who: \"${{identity.a.principal_id}}\" }}\n")
    };
    let tag = |bench: &Bench| {
        let state = bench.snapshot();
        state.resources[&address("cluster/research/cpu")].applied["tags"]["who"].clone()
    };
    let bench = Bench::alone();
    let ran = bench.apply(&format!("{WORKSPACE}{}", with("old")));
    let change = ran.plan.change(&address("cluster/research/cpu")).expect("a change");
    let tags = change.differences.iter().find(|d| d.attribute.path == "tags").expect("tags");
    assert_eq!(tags.after, Shown::Unknown);
    assert_eq!(tag(&bench), "principal_id of who-old");
    let requests = ["create who-new", "put cpu", "delete who-old"];
    Story::new(&with("old"), &with("new"), &requests, &["who-new", "cpu"]).check();
    bench.apply(&format!("{WORKSPACE}{}", with("new")));
    assert_eq!(tag(&bench), "principal_id of who-new");
}

#[test]
fn a_delete_that_finds_nothing_is_done() {
    let bench = Bench::alone();
    bench.apply(&format!("{WORKSPACE}{CPU}"));
    bench.world.remove("cpu");
    bench.world.take_log();
    no_errors(&bench.apply(WORKSPACE), "somebody was quicker");
    assert_eq!(bench.world.writes(), ["delete cpu"]);
    assert!(bench.apply(WORKSPACE).plan.is_empty());
}

#[test]
fn an_adoption_whose_update_fails_is_an_adoption_all_the_same() {
    let bench = Bench::alone();
    bench.apply(&format!("{WORKSPACE}{CPU}lifecycle: {{ destroy: false }}\n"));
    bench.apply(WORKSPACE);
    let documents = format!("{WORKSPACE}{CPU}adopt: true\nmax_instances: 9\n");
    bench.world.fault("patch", "cpu", Fault::Refuse);
    assert!(!bench.apply(&documents).applied.is_complete());
    bench.world.take_log();
    let again = bench.apply(&documents);
    no_errors(&again, "the rest");
    let change = again.plan.change(&address("cluster/research/cpu")).expect("a change");
    assert_eq!((change.action, bench.world.writes()), (Action::Update, vec!["patch cpu".to_owned()]));
    assert!(bench.apply(&documents).plan.is_empty());
}

#[test]
fn a_target_brings_what_it_needs_and_leaves_the_rest() {
    let documents = format!("{WORKSPACE}{}{CPU}", identity_and_cluster("old", NEITHER));
    let mut bench = Bench::alone();
    let ran = bench.apply_with(&documents, |o| _ = o.targets.insert("cluster/research/b".to_owned()));
    assert!(ran.applied.is_complete());
    assert_eq!(bench.world.writes(), ["create ml", "create who-old", "create research", "create cpu-old"]);
    let ran = bench.apply_with(&documents, |o| _ = o.excludes.insert("cluster/research/cpu".to_owned()));
    assert!(ran.plan.is_empty() && ran.plan.partial);
    no_errors(&bench.apply(&documents), "the rest");
    assert_eq!(bench.world.writes(), ["create cpu"]);
    bench.apply_with("", |o| _ = o.targets.insert("user_assigned_identity/a".to_owned()));
    assert_eq!(
        bench.world.writes(),
        ["delete cpu-old", "delete who-old"],
        "what uses it goes, too, and first"
    );
}

#[test]
fn drift_that_is_accepted_counts_as_applied() {
    let documents =
        format!("{WORKSPACE}{CPU}max_instances: 8\n---\nkind: cluster\nname: gpu\nworkspace: research\n");
    let mut bench = Bench::alone();
    bench.apply(&documents);
    bench.world.touch("cpu", "max_instances", 40.into());
    bench.world.remove("gpu");
    bench.world.take_log();
    let ran = bench.apply_with(&documents, |o| o.refresh_only = true);
    assert!(!ran.plan.is_empty() && ran.plan.drift.len() == 2);
    assert_eq!(bench.world.writes(), Vec::<String>::new());
    let state = bench.snapshot();
    assert_eq!(state.resources[&address("cluster/research/cpu")].applied["max_instances"], 40);
    assert!(!state.resources.contains_key(&address("cluster/research/gpu")));
    assert!(bench.apply_with(&documents, |o| o.refresh_only = true).plan.is_empty());
    let ran = bench.apply(&documents);
    let reason = |id: &str| ran.plan.change(&address(id)).and_then(|c| c.reason);
    assert_eq!(reason("cluster/research/cpu"), Some(Reason::Manifest), "nobody drifted since");
    assert_eq!(reason("cluster/research/gpu"), Some(Reason::Manifest));
    assert!(ran.plan.drift.is_empty());
}

/// Old and new objects of two addresses, and two names that move on, with a kill at every point.
#[test]
fn replacements_that_create_first_survive_a_kill_at_any_point() {
    let moving = |id: &str, name: &str, from: &str| {
        format!("---\nkind: cluster\nname: {name}\nid: {id}\nworkspace: research\n{from}")
    };
    let before = format!(
        "{WORKSPACE}{}{}{}",
        identity_and_cluster("old", BOTH),
        moving("x", "first", ""),
        moving("y", "second", "")
    );
    let after = format!(
        "{WORKSPACE}{}{}{}",
        identity_and_cluster("new", BOTH),
        moving("y", "first", "moved_from: cluster/research/x\n"),
        moving("z", "second", "moved_from: cluster/research/y\n")
    );
    for point in 0.. {
        let bench = Bench::alone();
        bench.apply(&before);
        bench.world.life.last(point);
        let ended = bench.run(&after).is_some();
        bench.world.life.last(i64::MAX);
        let context = format!("point {point}");
        crate::kills::nothing_is_forgotten(&bench, &context);
        no_errors(&bench.apply(&after), &context);
        let again = bench.apply(&after);
        assert!(
            again.plan.is_empty() && again.plan.refreshed.is_empty(),
            "{context}: {:?}",
            again.plan.steps
        );
        let mut names = bench.world.names();
        names.sort();
        assert_eq!(names, ["cpu-new", "first", "ml", "research", "second", "who-new"], "{context}");
        assert_eq!(bench.snapshot().objects().count(), 6, "{context}");
        if ended {
            assert!(point > 20, "only {point} points");
            break;
        }
    }
}

#[test]
fn a_document_that_gets_or_loses_its_elements_keeps_what_has_the_same_name() {
    let several =
        "---\nkind: cluster\nfor_each: [batch, night]\nid: cpu\nname: cpu-${each.key}\nworkspace: research\n";
    let single = "---\nkind: cluster\nname: cpu-batch\nid: cpu\nworkspace: research\n";
    Story::new(single, several, &["create cpu-night"], &["cpu-batch", "cpu-night"]).check();
    Story::new(several, single, &["delete cpu-night"], &["cpu-batch"]).check();
    let none = format!("{several}when: false\n");
    Story::new(several, &none, &["delete cpu-batch", "delete cpu-night"], &[]).settles();
}
