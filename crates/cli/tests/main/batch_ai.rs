//! The commands of the old Batch AI article, on `examples/batch-ai`: create, list, show, nodes, resize, scale, delete.

use std::fs;

use serde_json::Value;

use crate::project::Project;

const NC6: &str = "batch_ai_cluster/recipes/nc6";
const NC6_ID: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/recipes/providers/Microsoft.BatchAI/workspaces/recipes/clusters/nc6";
const CLUSTERS: &str = "manifests/clusters.yaml";

fn nodes(project: &Project) -> Vec<Value> {
    let said = project.ok(&["nodes", NC6, "--json"]).stdout;
    serde_json::from_str::<Value>(&said).expect("JSON").as_array().expect("a list").clone()
}

/// Writes the example's manifests anew, with one text in the place of another.
fn edit(project: &Project, from: &str, to: &str) {
    let text = fs::read_to_string(project.root.join(CLUSTERS)).expect("manifests");
    assert!(text.contains(from), "{from}");
    project.write(CLUSTERS, &text.replacen(from, to, 1));
}

#[test]
fn every_command_of_the_old_article_has_its_counterpart() {
    let project = Project::copy_of(&testkit::workspace_root().join("examples/batch-ai"));
    let plan = project.ok(&["plan"]).stdout;
    assert!(plan.contains("Azure retired Batch AI in March 2019"), "{plan}");
    assert!(!plan.contains("not-a-real-password"), "{plan}");
    project.ok(&["apply", "--auto-approve"]);

    let list = project.ok(&["state", "list"]).stdout;
    for name in ["storage_account/account", "file_share/account/share", "arm/container"] {
        assert!(list.contains(&format!("auto-storage/{name}")), "{list}");
    }
    assert_eq!(project.run(&["plan", "--detailed-exitcode"]).code, 0, "the account's key changes nothing");
    for name in ["nc6", "auto", "prepared"] {
        assert!(list.contains(&format!("batch_ai_cluster/recipes/{name}")), "{list}");
    }
    assert!(project.ok(&["state", "show", NC6]).stdout.contains("Standard_NC6"));

    // An apply is over when the nodes can work.
    let there = nodes(&project);
    assert_eq!((there.len(), &there[0]["port"]), (1, &Value::from(50_000)));
    assert!(
        there[0]["public_ip"].is_string() && there[0]["id"].as_str().is_some_and(|id| id.starts_with("tvm-"))
    );

    edit(&project, "target_instances: 1", "target_instances: 0");
    let resized = project.ok(&["apply", "--auto-approve"]).stdout;
    assert!(resized.contains("0 added, 1 changed, 0 destroyed"), "{resized}");
    assert_eq!(nodes(&project), Vec::<Value>::new());

    edit(&project, "target_instances: 0", "min_instances: 0\nmax_instances: 2");
    let scaled = project.ok(&["apply", "--auto-approve"]).stdout;
    assert!(scaled.contains("0 added, 1 changed, 0 destroyed"), "{scaled}");

    let change = r#"{"properties":{"scaleSettings":{"autoScale":{"maximumNodeCount":4}}}}"#;
    project.ok(&["emulator", "--cloud-file", ".plumb/cloud.json", "--edit", NC6_ID, change]);
    let drift = project.run(&["drift"]);
    assert!(drift.code == 2 && drift.stdout.contains("max_instances = 2 -> 4"), "{}", drift.stdout);
    project.ok(&["apply", "--auto-approve"]);
    assert_eq!(project.run(&["drift"]).code, 0);

    let text = fs::read_to_string(project.root.join(CLUSTERS)).expect("manifests");
    let kept: Vec<&str> =
        text.split("\n---\n").filter(|document| !document.contains("\nname: nc6\n")).collect();
    project.write(CLUSTERS, &kept.join("\n---\n"));
    let deleted = project.ok(&["apply", "--auto-approve"]).stdout;
    assert!(deleted.contains("0 added, 0 changed, 1 destroyed"), "{deleted}");
}

#[test]
fn a_cluster_that_its_quota_has_no_room_for_says_so() {
    let project = Project::copy_of(&testkit::workspace_root().join("examples/batch-ai"));
    edit(&project, "target_instances: 1", "target_instances: 5");
    let said = project.run(&["apply", "--auto-approve"]);
    assert_eq!(said.code, 1);
    let words = format!("{}{}", said.stdout, said.stderr);
    assert!(words.contains("4 of 5 nodes") && words.contains("the core quota has no room"), "{words}");
}
