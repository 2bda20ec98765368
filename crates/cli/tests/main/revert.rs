//! Going back to what an earlier run left, by a plan like any other.

use emulator::Options;

use crate::cloud::Cloud;
use crate::project::{Project, Said};

const PROJECT: &str = "[project]
name = \"revert\"

[variables]
password = { type = \"string\", sensitive = true, default = \"first-Passw0rd\" }

[outputs]
nodes = \"${cluster[\\\"cpu\\\"].max_instances}\"
";

const MANIFEST: &str = "kind: resource_group
name: ml
location: westeurope
---
kind: workspace
name: research
resource_group: ml
location: westeurope
---
kind: cluster
name: cpu
workspace: research
max_instances: 4
tags: { team: ds }
ssh_settings: { admin_username: admin, admin_password: \"${vars.password}\" }
";

const GPU: &str = "---\nkind: cluster\nname: gpu\nworkspace: research\n";

/// Run 1 has one cluster; run 2 makes it larger, takes its tags away, and makes another.
fn grown() -> (Cloud, Project) {
    let cloud = Cloud::start(Options::default());
    let mut project = Project::empty();
    project.endpoint = Some(cloud.endpoint());
    project.write("plumb.toml", PROJECT);
    project.write("all.yaml", MANIFEST);
    project.ok(&["apply", "--auto-approve"]);
    let grown = MANIFEST.replace("max_instances: 4\ntags: { team: ds }", "max_instances: 8");
    project.write("all.yaml", &format!("{grown}{GPU}"));
    project.ok(&["apply", "--auto-approve"]);
    (cloud, project)
}

fn has(said: &Said, words: &str) {
    let text = format!("{}{}", said.stdout, said.stderr);
    assert!(text.contains(words), "{words:?} is missing:\n{text}");
}

#[test]
fn what_changed_since_goes_back_and_what_was_made_since_goes() {
    let (mut cloud, project) = grown();
    let said = project.ok(&["plan", "--revert", "1"]);
    for words in [
        "Goes back to what run 1 left (20",
        "by tester on ",
        "~ max_instances = 8 -> 4",
        "+ tags",
        "cluster/research/gpu will be destroyed",
        "~ nodes = 8 -> 4",
        "Plan: 0 to add, 1 to change, 1 to destroy.",
    ] {
        has(&said, words);
    }
    let json: serde_json::Value =
        serde_json::from_str(&project.ok(&["plan", "--json", "--revert", "1"]).stdout).expect("JSON");
    assert_eq!(json["plumb"]["reverts_to"]["run"], 1);
    cloud.new_requests();
    let said = project.ok(&["apply", "--revert", "1", "--auto-approve", "--parallelism", "1"]);
    has(&said, "Apply complete! Resources: 0 added, 1 changed, 1 destroyed.");
    has(&said, "The manifests do not say this");
    has(&said, "nodes = 4");
    let requests = cloud.new_requests();
    let mut writes: Vec<&str> =
        requests.iter().filter_map(|r| r["method"].as_str()).filter(|m| *m != "GET").collect();
    writes.sort_unstable();
    writes.dedup();
    assert!(writes == ["DELETE", "PUT"] || writes == ["DELETE", "PATCH", "PUT"], "{writes:?}");
    // It is as it was then, whatever the manifests say.
    has(&project.ok(&["plan", "--revert", "1"]), "No changes. Your infrastructure is as it was then.");
    has(&project.ok(&["plan"]), "Plan: 1 to add, 1 to change, 0 to destroy.");
    // And forward again, by the manifests or by the history.
    project.ok(&["apply", "--revert", "2", "--auto-approve"]);
    assert_eq!(project.run(&["plan", "--detailed-exitcode"]).code, 0);
}

#[test]
fn secrets_stay_where_a_resource_stands_and_stop_what_must_be_made_anew() {
    let (_cloud, project) = grown();
    has(&project.ok(&["plan", "--revert", "1"]), "Plan: 0 to add, 1 to change, 1 to destroy.");
    let (before, _) = MANIFEST.split_once("---\nkind: cluster").expect("a cluster");
    project.write("all.yaml", before);
    project.write("plumb.toml", PROJECT.split("[outputs]").next().expect("a project"));
    project.ok(&["apply", "--auto-approve"]);
    let said = project.run(&["plan", "--revert", "2"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    has(
        &said,
        "cluster/research/cpu would be made anew, and its `ssh_settings.admin_password` is kept nowhere",
    );
    has(&said, "put its document back");
    // What has no secret comes back from nothing.
    project.write("all.yaml", MANIFEST);
    project.ok(&["apply", "--auto-approve"]);
    project.ok(&["apply", "--revert", "2", "--auto-approve"]);
    has(&project.ok(&["state", "list"]), "cluster/research/gpu");
}

#[test]
fn the_guards_hold() {
    let (_cloud, project) = grown();
    let said = project.run(&["plan", "--revert", "1", "--max-deletes", "0"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    has(&said, "--max-deletes 1");
    let kept =
        GPU.replace("workspace: research\n", "workspace: research\nlifecycle: { prevent_destroy: true }\n");
    project.write("all.yaml", &format!("{MANIFEST}{kept}"));
    project.ok(&["apply", "--auto-approve"]);
    let said = project.run(&["apply", "--revert", "1", "--auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    has(&said, "cluster/research/gpu, which has `prevent_destroy`");
    for number in ["0", "99"] {
        has(&project.run(&["plan", "--revert", number]), &format!("there is no run {number} in the history"));
    }
}

#[test]
fn what_is_wrong_with_a_revert_points_at_no_document() {
    let (_cloud, project) = grown();
    let other = MANIFEST.replace("max_instances: 4", "max_instances: 4\ntier: low_priority");
    project.write("all.yaml", &format!("{other}{GPU}"));
    project.ok(&["apply", "--auto-approve"]);
    let said = project.run(&["plan", "--revert", "2"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    has(&said, "must be replaced");
    has(&said, "would be made anew, and its `ssh_settings.admin_password` is kept nowhere");
    assert!(!said.stderr.contains("plumb.toml") && !said.stderr.contains("-->"), "{}", said.stderr);
}

#[test]
fn a_revert_can_be_saved_and_approved() {
    let (_cloud, project) = grown();
    has(&project.ok(&["plan", "--revert", "1", "--out", "p.plumb"]), "plumb apply p.plumb");
    has(&project.ok(&["show", "p.plumb"]), "Goes back to what run 1 left");
    has(&project.ok(&["apply", "p.plumb"]), "Resources: 0 added, 1 changed, 1 destroyed.");
    let said = project.run(&["apply", "p.plumb"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    has(&said, "plan again: `plumb plan --revert 1 --out p.plumb`");
}

#[test]
fn what_was_moved_since_moves_back() {
    let (_cloud, project) = grown();
    project.ok(&["state", "mv", "cluster/research/gpu", "cluster/research/batch"]);
    let said = project.ok(&["plan", "--revert", "2"]);
    has(&said, "cluster/research/batch has moved to cluster/research/gpu");
    has(&said, "Plan: 0 to add, 0 to change, 0 to destroy, 1 to move.");
    project.ok(&["apply", "--revert", "2", "--auto-approve"]);
    assert_eq!(project.run(&["plan", "--detailed-exitcode"]).code, 0);
}
