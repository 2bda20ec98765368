//! The examples: each applies, then plans empty, in any order of its documents, and is destroyed.

use std::fs;
use std::path::PathBuf;

use testkit::Random;

use crate::project::Project;

fn examples() -> Vec<PathBuf> {
    let folder = testkit::workspace_root().join("examples");
    let entries = fs::read_dir(folder).expect("there are examples").map(|e| e.expect("an entry").path());
    let mut found: Vec<PathBuf> = entries.filter(|p| p.join("plumb.toml").exists()).collect();
    found.sort();
    assert!(found.len() >= 2);
    found
}

#[test]
fn an_applied_example_plans_empty_to_the_byte() {
    for folder in examples() {
        let project = Project::copy_of(&folder);
        project.ok(&["validate"]);
        project.ok(&["apply", "--auto-approve"]);
        let first = project.ok(&["plan", "--detailed-exitcode"]).stdout;
        assert!(first.contains("No changes."), "{}: {first}", folder.display());
        assert_eq!(first, project.ok(&["plan", "--detailed-exitcode"]).stdout);
        assert_eq!(project.run(&["drift"]).code, 0);
        project.ok(&["destroy", "--auto-approve"]);
        assert_eq!(project.ok(&["state", "list"]).stdout, "");
    }
}

#[test]
fn the_order_of_documents_does_not_matter() {
    let mut random = Random::new(20261121);
    for folder in examples() {
        let project = Project::copy_of(&folder);
        let plan = project.ok(&["plan"]).stdout;
        for round in 0..3 {
            let shuffled = Project::copy_of(&folder);
            let manifests = shuffled.root.join("manifests");
            let mut documents = Vec::new();
            for entry in fs::read_dir(&manifests).expect("manifests") {
                let path = entry.expect("an entry").path();
                let text = fs::read_to_string(&path).expect("text");
                documents.extend(text.split("\n---\n").map(|d| d.trim_end().to_owned()));
                fs::remove_file(path).expect("removed");
            }
            random.shuffle(&mut documents);
            shuffled
                .write(&format!("manifests/all{round}.yaml"), &format!("{}\n", documents.join("\n---\n")));
            assert_eq!(plan, shuffled.ok(&["plan"]).stdout, "{}", folder.display());
        }
    }
}

#[test]
fn both_environments_of_the_team_plan() {
    let project = Project::copy_of(&testkit::workspace_root().join("examples/data-science-team"));
    for (environment, nodes) in [("test", "1"), ("prod", "8")] {
        let plan = project.ok(&["plan", "-e", environment]).stdout;
        let line =
            plan.lines().filter(|l| l.contains("max_instances")).any(|l| l.ends_with(&format!("= {nodes}")));
        assert!(line, "{plan}");
    }
}
