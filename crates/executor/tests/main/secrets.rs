//! Secrets that must be asked for: read by the apply that sends them on, by nothing else, and written down nowhere.

use std::fs;

use model::Json;

use crate::bench::{Bench, WORKSPACE, address};

const ACCOUNT: &str = "---
kind: storage_account
name: files
resource_group: ml
location: westeurope
";

fn cluster(tags: &str) -> String {
    format!("{WORKSPACE}{ACCOUNT}---\nkind: cluster\nname: cpu\nworkspace: research\n{tags}")
}

fn documents() -> String {
    cluster("tags: { key: \"${storage_account.files.key}\" }\n")
}

/// What was asked of the cloud but for plain readings.
fn asked(bench: &Bench) -> Vec<String> {
    bench.world.writes()
}

fn tags(bench: &Bench) -> Json {
    let inner = bench.world.inner();
    let cpu = inner.standing.values().find(|observed| observed.arm_id.name() == "cpu").expect("it stands");
    cpu.attributes["tags"].clone()
}

/// Somebody makes the key anew.
fn renew(bench: &Bench, when: &str) {
    let mut inner = bench.world.inner();
    let account = inner.standing.values_mut().find(|observed| observed.arm_id.name() == "files");
    account.expect("it stands").computed.insert("key_created", Json::from(when));
}

#[test]
fn the_apply_that_needs_a_secret_asks_for_it_and_keeps_nothing_of_it() {
    let bench = Bench::alone();
    let ran = bench.apply(&documents());
    assert!(ran.applied.is_complete(), "{:?}", ran.applied.failed);
    assert_eq!(tags(&bench)["key"], "c4nary-files");
    let sent = asked(&bench);
    let at = sent.iter().position(|words| words == "listKeys of files").expect("it was asked for");
    assert_eq!(sent[at + 1], "create cpu", "{sent:?}");
    assert_eq!(sent.iter().filter(|words| words.contains("listKeys")).count(), 1);
    let entry = bench.snapshot().resources[&address("cluster/research/cpu")].clone();
    assert!(entry.secrets.contains_key("tags") && !entry.applied.contains_key("tags"), "{entry:?}");
    let mut open = vec![bench.dir()];
    while let Some(path) = open.pop() {
        match path.is_dir() {
            true => open.extend(fs::read_dir(path).expect("a folder").map(|e| e.expect("an entry").path())),
            false => {
                let bytes = fs::read(&path).expect("a file");
                assert!(!String::from_utf8_lossy(&bytes).contains("c4nary"), "{}", path.display());
            }
        }
    }
    assert!(!format!("{:?} {:?}", ran.plan, ran.events).contains("c4nary"));
    let again = bench.apply(&documents());
    assert!(again.plan.is_empty(), "{:?}", again.plan.steps);
    assert_eq!(asked(&bench), Vec::<String>::new(), "a plan asks for no secret");
}

#[test]
fn a_secret_that_was_made_anew_is_sent_again() {
    let bench = Bench::alone();
    bench.apply(&documents());
    asked(&bench);
    renew(&bench, "later");
    let ran = bench.apply(&documents());
    assert!(ran.applied.is_complete() && ran.plan.steps.len() == 1, "{:?}", ran.plan.steps);
    assert!(asked(&bench).contains(&"listKeys of files".to_owned()));
    assert!(bench.apply(&documents()).plan.is_empty());
}

#[test]
fn a_change_of_something_else_asks_for_no_secret() {
    let bench = Bench::alone();
    bench.apply(&documents());
    asked(&bench);
    let larger = format!("{}max_instances: 9\n", documents());
    let ran = bench.apply(&larger);
    assert!(ran.applied.is_complete(), "{:?}", ran.applied.failed);
    assert_eq!(asked(&bench), ["patch cpu"]);
}

#[test]
fn without_the_right_to_a_secret_nothing_is_sent() {
    let bench = Bench::alone();
    bench.apply(&cluster(""));
    asked(&bench);
    bench.world.no_keys("files");
    let ran = bench.apply(&documents());
    let failed: Vec<&str> = ran.applied.failed.iter().map(|(_, words)| words.as_str()).collect();
    assert!(
        failed.len() == 1 && failed[0].starts_with("reading `key` of storage_account/files: you may not"),
        "{failed:?}"
    );
    assert_eq!(asked(&bench), ["listKeys of files"]);
    assert!(ran.applied.open.is_empty(), "nothing was begun");
}
