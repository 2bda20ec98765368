//! The state's commands, the history and `unlock`, as users run them.

use std::fs;

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::project::{Project, Said};
use crate::running::{Running, wait_until};

const BASE: &str = "kind: resource_group
name: ml
location: westeurope
---
kind: workspace
name: research
resource_group: ml
location: westeurope
---
";

const CPU: &str = "kind: cluster
name: cpu
workspace: research
max_instances: 2
ssh_settings: { admin_username: azureuser, admin_password: \"${vars.password}\" }
";

/// A workspace with a cluster that has a secret.
fn applied() -> Project {
    let project = Project::empty();
    project.write(
        "plumb.toml",
        "[project]\nname = \"state\"\n\n[variables]\npassword = { type = \"string\", sensitive = true, default = \"c4nary-Pa55word\" }\n\n[outputs]\nwhere = \"westeurope\"\nsecret = \"${vars.password}\"\n",
    );
    project.write("manifests/base.yaml", BASE);
    project.write("manifests/cpu.yaml", CPU);
    project.ok(&["apply", "--auto-approve"]);
    project
}

fn refused(project: &Project, args: &[&str], words: &str) -> Said {
    let before = project.ok(&["state", "pull"]).stdout;
    let said = project.run(args);
    assert_eq!(said.code, 1, "{args:?}: {}", said.stdout);
    assert!(said.stderr.contains(words), "{args:?}: {}", said.stderr);
    assert_eq!(project.ok(&["state", "pull"]).stdout, before);
    said
}

fn serial(project: &Project) -> u64 {
    let state: Value = serde_json::from_str(&project.ok(&["state", "pull"]).stdout).expect("JSON");
    state["serial"].as_u64().expect("a serial")
}

#[test]
fn a_moved_resource_is_the_same_one_with_its_secrets() {
    let project = applied();
    let said = project.ok(&["state", "mv", "-dry-run", "cluster/research/cpu", "cluster/research/batch"]);
    assert_eq!(said.stdout, "Would move cluster/research/cpu to cluster/research/batch.\n");
    assert_eq!(serial(&project), 1);
    let said = project.ok(&["state", "mv", "cluster/research/cpu", "cluster/research/batch"]);
    assert_eq!(said.stdout, "Moved cluster/research/cpu to cluster/research/batch (serial 2).\n");
    project.write("manifests/cpu.yaml", &CPU.replace("name: cpu", "name: cpu\nid: batch"));
    project.ok(&["plan", "--detailed-exitcode"]);

    // Into a for_each and out of it again; a workspace takes what lies in it along.
    project.ok(&["state", "mv", "cluster/research/batch", "cluster/research/team[\"a\"]"]);
    project.write("manifests/cpu.yaml", &CPU.replace("name: cpu", "name: cpu\nid: team\nfor_each: [a]"));
    project.ok(&["plan", "--detailed-exitcode"]);
    let said = project.ok(&["state", "mv", "workspace/research", "workspace/lab"]);
    assert!(
        said.stdout.contains("cluster/research/team[\"a\"] to cluster/lab/team[\"a\"]"),
        "{}",
        said.stdout
    );
    let listed = project.ok(&["state", "list"]).stdout;
    assert!(listed.contains("cluster/lab/team[\"a\"]\n") && listed.contains("workspace/lab\n"), "{listed}");
    assert!(project.root.join(".plumb/state.json.backup").exists());
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let project = applied();
    for (args, words) in [
        (
            &["state", "mv", "cluster/research/cpus", "cluster/research/x"][..],
            "did you mean `cluster/research/cpu`",
        ),
        (&["state", "mv", "cluster/research/cpu", "workspace/research"], "keeps its kind"),
        (&["state", "mv", "cluster/research/cpu", "nonsense"], "is not an address"),
        (
            &["state", "rm", "cluster/research/cpu", "cluster/research/gpu"],
            "there is no `cluster/research/gpu`",
        ),
        (&["taint", "cluster/research/gpu"], "did you mean"),
        (&["untaint", "cluster/research/cpu"], "is not tainted"),
        (&["state", "push", "nowhere.json"], "reading nowhere.json"),
        (&["state", "push", "plumb.toml"], "does not begin as a plumb state"),
        (&["history", "9"], "there is no run 9"),
        (&["unlock", "some-id"], "no lock with the id"),
    ] {
        refused(&project, args, words);
    }
    let empty = Project::empty();
    empty.write("plumb.toml", "[project]\nname = \"empty\"\n");
    assert!(empty.run(&["state", "pull"]).stderr.contains("there is no state yet"));
    assert!(empty.run(&["taint", "cluster/a/b"]).stderr.contains("there is no state yet"));
    assert_eq!(empty.ok(&["history"]).stdout, "No run has written the state yet.\n");
    assert_eq!(empty.ok(&["unlock"]).stdout, "Nobody holds the state's lock.\n");
}

#[test]
fn a_forgotten_resource_stays_in_azure() {
    let project = applied();
    let said = project.ok(&["state", "rm", "workspace/research"]);
    assert_eq!(said.stdout, "Forgot workspace/research; nothing was deleted (serial 2).\n");
    assert!(said.stderr.contains("depending on that: cluster/research/cpu"), "{}", said.stderr);
    let plan = project.run(&["plan"]);
    assert!(plan.stderr.contains("exists in Azure already"), "{}", plan.stderr);
}

#[test]
fn a_tainted_resource_is_replaced_unless_untainted() {
    let project = applied();
    project.ok(&["taint", "cluster/research/cpu"]);
    let plan = project.ok(&["plan"]).stdout;
    assert!(plan.contains("1 to add, 0 to change, 1 to destroy"), "{plan}");
    project.ok(&["untaint", "cluster/research/cpu"]);
    project.ok(&["plan", "--detailed-exitcode"]);
}

#[test]
fn what_was_pulled_can_be_pushed_back() {
    let project = applied();
    let first = project.ok(&["state", "pull"]).stdout;
    assert_eq!(first, fs::read_to_string(project.root.join(".plumb/state.json")).expect("a state"));
    project.write("first.json", &first);
    assert!(project.ok(&["state", "push", "first.json"]).stdout.starts_with("Nothing to do"));
    project.ok(&["taint", "cluster/research/cpu"]);
    let said =
        refused(&project, &["state", "push", "first.json"], "it is older: its serial is 1, and here it is 2");
    assert!(said.stderr.contains("--force"), "{}", said.stderr);
    let said = project.ok(&["state", "push", "--force", "first.json"]);
    assert!(
        said.stdout.contains("although it is older") && said.stdout.contains("serial 3"),
        "{}",
        said.stdout
    );
    project.ok(&["plan", "--detailed-exitcode"]);

    // A damaged state names the very command that puts it back.
    fs::write(project.root.join(".plumb/state.json"), "").expect("written");
    let plan = project.run(&["plan"]);
    assert_eq!(plan.code, 1);
    let command =
        plan.stderr.split('`').find(|part| part.starts_with("plumb state push")).expect("a command");
    let args: Vec<&str> = command.split(' ').skip(1).collect();
    project.ok(&args);
    project.ok(&["plan", "--detailed-exitcode"]);
}

#[test]
fn every_run_is_in_the_history() {
    let project = applied();
    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    project.write(".git/HEAD", "ref: refs/heads/main\n");
    project.write(".git/refs/heads/main", COMMIT);
    // A configuration that would run something if anybody ran git.
    project.write(".git/config", "[core]\n\tfsmonitor = \"touch ran\"\n");
    project.ok(&["taint", "cluster/research/cpu"]);
    project.ok(&["apply", "--auto-approve", "--var", "password=c4nary-0ther"]);
    project.ok(&["apply", "--auto-approve", "--var", "password=c4nary-0ther"]);
    let table = project.ok(&["history"]).stdout;
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 4, "an apply that had nothing to do is no run:\n{table}");
    assert!(
        rows[1].starts_with("3 ") && rows[1].contains("0123456") && rows[1].contains("1 replace"),
        "{table}"
    );
    assert!(rows[1].contains("plumb apply --auto-approve --var password=…"), "{table}");
    assert!(rows[2].contains("1 taint") && rows[3].contains("create"), "{table}");

    let one = project.ok(&["history", "3"]).stdout;
    for part in [COMMIT, "tester on ", "serial       2 -> 3", "replace      cluster/research/cpu"] {
        assert!(one.contains(part), "no `{part}` in\n{one}");
    }
    let json: Value = serde_json::from_str(&project.ok(&["history", "--json"]).stdout).expect("JSON");
    assert_eq!(
        (&json[0]["number"], &json[0]["end"], &json[0]["counts"]["replace"]),
        (&json!(3), &json!("complete"), &json!(1))
    );
    assert_eq!(
        json[2]["changes"].as_array().map(Vec::len),
        Some(json[2]["counts"]["create"].as_u64().expect("a count") as usize)
    );
    assert!(!project.root.join("ran").exists(), "nothing was run");
    for entry in fs::read_dir(project.root.join(".plumb/history")).expect("a history") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("text");
        assert!(!text.contains("c4nary"), "{text}");
    }
}

#[test]
fn outputs_have_terraforms_shape_and_no_secret() {
    let project = applied();
    let json: Value = serde_json::from_str(&project.ok(&["output", "--json"]).stdout).expect("JSON");
    assert_eq!(json["where"], json!({ "sensitive": false, "type": "string", "value": "westeurope" }));
    assert_eq!(json["secret"], json!({ "sensitive": true, "type": "dynamic", "value": null }));
    assert_eq!(project.ok(&["output", "where"]).stdout, "westeurope\n");
    for args in [&["output", "secret"][..], &["output", "secret", "--json"]] {
        let said = project.run(args);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""));
        assert!(said.stderr.contains("is a secret") && !said.stderr.contains("hmac"), "{}", said.stderr);
    }
}

/// A cluster that the cloud will not get done with, and an apply that waits for it.
fn waiting() -> (Cloud, Project, Running) {
    let cloud = Cloud::start(Options::default());
    let mut project = Project::empty();
    project.endpoint = Some(cloud.endpoint());
    project.write("plumb.toml", "[project]\nname = \"unlock\"\n");
    project.write("manifests/base.yaml", BASE.trim_end_matches("---\n"));
    project.ok(&["apply", "--auto-approve"]);
    project.write("manifests/cpu.yaml", "kind: cluster\nname: cpu\nworkspace: research\nmax_instances: 2\n");
    cloud.control(Method::Post, "clock", Some(&json!({ "speed": 0.001 })));
    let run = Running::start(project.command(&["apply", "--auto-approve"]));
    wait_until("the create", || puts(&cloud) == 1);
    (cloud, project, run)
}

fn puts(cloud: &Cloud) -> usize {
    let all = cloud.control(Method::Get, "requests", None);
    let is_put =
        |r: &&Value| r["method"] == "PUT" && r["path"].as_str().is_some_and(|p| p.contains("/computes/"));
    all["value"].as_array().into_iter().flatten().filter(is_put).count()
}

#[test]
fn of_two_applies_at_once_one_wins_and_the_other_names_the_holder() {
    let (cloud, project, mut run) = waiting();
    for args in [
        &["apply", "--auto-approve"][..],
        &["taint", "workspace/research"],
        &["state", "rm", "workspace/research"],
    ] {
        let said = project.run(args);
        assert_eq!(said.code, 1);
        assert!(
            said.stderr.contains("locked by tester on ") && said.stderr.contains("running `plumb apply"),
            "{}",
            said.stderr
        );
    }
    assert_eq!(puts(&cloud), 1);
    cloud.control(Method::Post, "clock", Some(&json!({ "speed": 2000.0 })));
    assert_eq!(run.end(), 0, "{}", run.stderr());
}

#[test]
fn a_broken_lock_ends_its_holders_writes_and_the_next_run_takes_up_what_it_left() {
    let (cloud, project, mut run) = waiting();
    let shown = project.ok(&["unlock"]).stdout;
    assert!(shown.contains("locked by tester on "), "{shown}");
    let id = shown.trim_end().rsplit(' ').next().expect("an id").to_owned();
    let said = project.run(&["unlock", &id]);
    assert!(said.code == 1 && said.stderr.contains("say --force"), "{}", said.stderr);
    let said = project.ok(&["unlock", &id, "--force"]);
    assert!(
        said.stderr.contains("locked by tester on ") && said.stdout.contains("The lock is free"),
        "{}",
        said.stderr
    );
    assert_eq!(project.ok(&["unlock"]).stdout, "Nobody holds the state's lock.\n");

    // The next one may begin while the former holder still waits.
    let mut next = Running::start(project.command(&["apply", "--auto-approve"]));
    wait_until("the next holder", || project.ok(&["unlock"]).stdout.contains("locked by"));
    cloud.control(Method::Post, "clock", Some(&json!({ "speed": 2000.0 })));
    assert_eq!(run.end(), 1, "{}", run.stderr());
    assert!(run.stderr().contains("was lost"), "{}", run.stderr());
    assert_eq!(next.end(), 0, "{}", next.stderr());
    project.ok(&["plan", "--detailed-exitcode"]);
    assert_eq!(puts(&cloud), 1, "nothing was made twice");
    let history = project.ok(&["history"]).stdout;
    assert!(history.contains("plumb unlock") && history.contains("interrupted"), "{history}");
}

#[test]
fn state_commands_refuse_what_is_in_flight() {
    let (cloud, project, mut run) = waiting();
    run.signal("KILL");
    run.end();
    for args in [
        &["taint", "workspace/research"][..],
        &["state", "mv", "workspace/research", "workspace/lab"],
        &["state", "rm", "workspace/research"],
    ] {
        refused(&project, args, "run `plumb apply` first");
    }
    let mut pulled: Value = serde_json::from_str(&project.ok(&["state", "pull"]).stdout).expect("JSON");
    assert_eq!(pulled["serial"].take(), json!(1));
    cloud.control(Method::Post, "clock", Some(&json!({ "speed": 2000.0 })));
    project.ok(&["apply", "--auto-approve"]);
    assert_eq!(puts(&cloud), 1);
    project.ok(&["taint", "cluster/research/cpu"]);
    let history = project.ok(&["history"]).stdout;
    assert_eq!(history.lines().filter(|line| line.contains("interrupted")).count(), 1, "{history}");
}
