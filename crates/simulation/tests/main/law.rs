//! The rules have teeth: where something is wrong, they are broken.

use http::Method;
use serde_json::json;
use simulation::cloud::{Ask, Author, Cloud, Twist};
use simulation::crash::{some_ways, with_deaths};
use simulation::edit::Edit;
use simulation::law::{Breach, Law, PASSWORD, Rule};
use simulation::play::play;
use simulation::scenario::generate::generate;
use simulation::scenario::named::find;
use simulation::scenario::parts::{compute_id, group, strange_cluster, workspace_id};
use simulation::scenario::shrink::shrink;
use simulation::scenario::{Round, Scenario};
use simulation::tally::Tally;
use simulation::trace::Trace;
use testkit::Random;

/// A cloud and its law.
fn cloud() -> (std::sync::Arc<Cloud>, Law) {
    let law = Law::default();
    (Cloud::new(Random::new(7), law.clone(), Trace::begin()), law)
}

fn ask(method: Method, id: &str, author: Author) -> Ask {
    let body = if method == Method::PUT { strange_cluster() } else { json!(null) };
    Ask { method, path: id.to_owned(), query: String::new(), body, author }
}

fn by(intent: u64) -> Author {
    Author {
        process: "p1".to_owned(),
        intent: Some((0, intent)),
        step: "create".to_owned(),
        may_delete: false,
    }
}

fn rules(law: &Law) -> Vec<Rule> {
    law.breaches().into_iter().map(|breach| breach.rule).collect()
}

/// A group, a workspace and a cluster in it.
fn furnished() -> (std::sync::Arc<Cloud>, Law, String) {
    let (cloud, law) = cloud();
    let cpu = compute_id("ml", "lab", "cpu");
    let lab = workspace_id("ml", "lab");
    let ml = lab.split("/providers").next().expect("a group").to_owned();
    for (intent, id) in (1..).zip([&ml, &lab, &cpu]) {
        assert_eq!(cloud.serve(&ask(Method::PUT, id, by(intent)), Twist::default()).status, 201, "{id}");
        cloud.settle();
    }
    (cloud, law, cpu)
}

#[tokio::test(start_paused = true)]
async fn a_second_create_is_noticed_and_a_repeated_one_is_not() {
    let (cloud, law, cpu) = furnished();
    cloud.serve(&ask(Method::PUT, &cpu, by(3)), Twist::default());
    assert_eq!(rules(&law), []);
    cloud.settle();
    cloud.serve(&ask(Method::PUT, &cpu, by(4)), Twist::default());
    assert_eq!(rules(&law), [Rule::Twice]);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_no_plan_has_is_noticed() {
    let (cloud, law, cpu) = furnished();
    cloud.serve(&ask(Method::DELETE, &cpu, Author { may_delete: true, ..by(4) }), Twist::default());
    assert_eq!(rules(&law), []);
    cloud.serve(&ask(Method::DELETE, &cpu, by(5)), Twist::default());
    assert_eq!(rules(&law), [Rule::Trespass]);
}

#[tokio::test(start_paused = true)]
async fn what_is_called_done_too_early_is_noticed() {
    let (cloud, law, cpu) = furnished();
    cloud.check_done("p1", &cpu);
    assert_eq!(rules(&law), [Rule::Untrue], "nobody read it");
    cloud.serve(&ask(Method::GET, &cpu, by(3)), Twist::default());
    cloud.check_done("p1", &cpu);
    assert_eq!(rules(&law).len(), 1);
    cloud.serve(&ask(Method::PUT, &cpu, by(3)), Twist::default());
    cloud.serve(&ask(Method::GET, &cpu, by(3)), Twist::default());
    cloud.check_done("p1", &cpu);
    assert_eq!(rules(&law).len(), 2, "its operation runs");
    cloud.check_gone("p1", &cpu);
    assert_eq!(rules(&law).len(), 3, "it stands");
}

#[test]
fn serials_and_secrets_are_watched() {
    let law = Law::default();
    let state = |serial: u64| json!({ "lineage": "l", "serial": serial }).to_string().into_bytes();
    let path = std::path::Path::new("/project/.plumb/state.json");
    law.named(path, None, Some(&state(1)));
    law.named(path, Some(&state(1)), Some(&state(2)));
    assert_eq!(rules(&law), []);
    law.named(path, Some(&state(2)), Some(&state(4)));
    law.acknowledged(4);
    law.stands_at(3);
    law.written(path, format!("…{PASSWORD}…").as_bytes());
    assert_eq!(rules(&law), [Rule::Serial, Rule::Serial, Rule::Secret]);
}

/// How often a rule is broken when the disk does not keep what was synced.
#[test]
fn a_disk_that_lies_is_found_out() {
    let scenario = find("create").expect("a scenario").scenario();
    let effects = play(&scenario, true, &Tally::default()).effects.pop().expect("a round");
    let ways = some_ways(&effects).into_iter().step_by(9);
    let lying = ways.map(|deaths| play(&with_deaths(&scenario, deaths), false, &Tally::default()));
    let noticed = lying.filter(|played| !played.is_good()).count();
    assert!(noticed > 10, "only {noticed} plays on a lying disk broke a rule");
}

/// Rules are broken by the cloud's own hand, too: a resource that only the cloud has is lost.
#[test]
fn what_a_stranger_takes_away_is_no_breach_and_comes_back() {
    let lost = Edit::Remove { id: compute_id("ml", "lab", "cpu") };
    let mut scenario = find("update").expect("a scenario").scenario();
    scenario.rounds[1].before.push(lost);
    let played = play(&scenario, true, &Tally::default());
    assert!(played.is_good(), "{:?}", played.breaches);
}

#[test]
fn breaches_are_alike_when_their_refusals_are_whatever_the_names() {
    let breach = |words: &str| Breach { rule: Rule::Unfinished, words: words.to_owned() }.likeness();
    let ends = |last: &str| format!("all is well, and it does not get there: [Died, Blocked(\"{last}\")]");
    let adopted = breach(&ends("cluster/lab/cpu cannot be adopted as this document has it"));
    assert_eq!(
        adopted,
        breach(&ends("cluster/ml-2/gpu3 cannot be adopted as this document has it; and more"))
    );
    assert_eq!(
        adopted,
        breach(
            &ends("cluster/lab/cpu cannot be adopted as this document has it")
                .replace("Died, ", "Died, Died, ")
        )
    );
    assert_ne!(adopted, breach(&ends("cluster/lab/cpu exists in Azure already, and is not in the state")));
    assert_ne!(
        adopted,
        breach(
            &ends("cluster/lab/cpu cannot be adopted as this document has it").replace("Blocked", "Failed")
        )
    );
    assert_ne!(breach("cpu was made twice"), breach("cpu was lost"));
}

#[test]
fn a_failure_shrinks_to_what_makes_it_fail() {
    let large = generate(3);
    let has = |scenario: &Scenario| {
        scenario.rounds.iter().any(|round| round.documents.iter().any(|d| d["kind"] == "workspace"))
    };
    assert!(has(&large));
    let small = shrink(&large, has);
    assert_eq!(small.rounds, [Round { parallelism: 1, ..Round::of(vec![json!({ "kind": "workspace" })]) }]);
    assert!(!has(&Scenario { seed: 0, rounds: vec![Round::of(vec![group("ml")])] }));
}
