//! Each lifecycle feature, by the requests that it sends and their order; with a failure at each of them, and
//! what the next apply makes of that.

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

    /// Nothing goes wrong; then each request in each way. The next apply ends well, and the one after it is empty.
    fn check(&self) -> Ran {
        let bench = self.begun();
        let ran = bench.apply(&self.after);
        no_errors(&ran, "at first");
        assert_eq!(bench.world.writes(), self.requests);
        self.settled(&bench, "at first");
        for (at, request) in self.requests.iter().enumerate() {
            for fault in FAULTS {
                self.fails(at, request, fault);
            }
        }
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
