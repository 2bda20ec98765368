//! `plumb migrate batch-ai`: from clusters that stand, a configuration file, and the old command lines, to documents that
//! are applied as they are.

use std::fs;

use crate::project::Project;

const RESEARCH: &str = "kind: workspace\nname: research\nresource_group: recipes\nlocation: eastus\n";
const SIZE: &str = "--size=Standard_NC6=Standard_NC4as_T4_v3";

fn with_research() -> Project {
    let project = Project::copy_of(&testkit::workspace_root().join("examples/batch-ai"));
    project.write("manifests/research.yaml", RESEARCH);
    project
}

#[test]
fn the_clusters_of_a_workspace_become_documents_that_are_applied_as_they_are() {
    let project = with_research();
    project.ok(&["apply", "--auto-approve"]);
    let refused = project.run(&["migrate", "batch-ai", "batch_ai_workspace/recipes", "-w", "research"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("--size Standard_NC6=SIZE"), "{}", refused.stderr);
    assert!(!project.root.join("manifests/migrated").exists(), "nothing is written of what is refused");

    let said = project.ok(&["migrate", "batch-ai", "batch_ai_workspace/recipes", "-w", "research", SIZE]);
    for words in [
        "nc6: now cluster nc6",
        "scaleSettings.manual.targetNodeCount = 1",
        "nodeSetup.setupTask.commandLine = apt-get install -y jq",
        "Nothing was sent to Azure",
    ] {
        assert!(said.stdout.contains(words), "{words}\n{}", said.stdout);
    }
    let script = fs::read_to_string(project.root.join("scripts/prepared-setup.sh")).expect("a script");
    assert!(script.ends_with("apt-get install -y jq\n"), "{script}");
    let again = project.run(&["migrate", "batch-ai", "batch_ai_workspace/recipes", "-w", "research", SIZE]);
    assert!(again.code == 1 && again.stderr.contains("is there already"), "{}", again.stderr);

    let plan = project.ok(&["plan"]).stdout;
    assert!(plan.contains("cluster \"nc6\"") && plan.contains("datastore \"autoafs\""), "{plan}");
    project.ok(&["apply", "--auto-approve"]);
    assert_eq!(project.run(&["plan", "--detailed-exitcode"]).code, 0);
}

#[test]
fn old_command_lines_and_configuration_files_say_the_same() {
    let project = with_research();
    let config = r#"{"properties":{"vmSize":"STANDARD_D2","scaleSettings":{"manual":{"targetNodeCount":2}},
        "userAccountSettings":{"adminUserName":"me","adminUserPassword":"correct-Horse-7"}}}"#;
    project.write("cluster.json", config);
    project.write(
        "make.sh",
        "#!/bin/sh\naz group create -n recipes -l eastus\naz batchai cluster create -n nc6 -w recipes -g recipes -s STANDARD_D2 -t 2 \\\n  -u me -p correct-Horse-7\n",
    );
    let of_file = [
        "migrate",
        "batch-ai",
        "--config-file",
        "cluster.json",
        "--name",
        "nc6",
        "-w",
        "research",
        "--dry-run",
        "--json",
    ];
    let of_file = project.ok(&of_file).stdout;
    let of_script = project
        .ok(&["migrate", "batch-ai", "--commands", "make.sh", "-w", "research", "--dry-run", "--json"])
        .stdout;
    assert_eq!(of_file, of_script);
    assert!(!of_file.contains("correct-Horse-7"), "{of_file}");
    assert!(!project.root.join("manifests/migrated").exists(), "a dry run writes nothing");

    let auto =
        "az batchai cluster create -n auto -s Standard_D2 --min 0 --max 3 --use-auto-storage -w w -g g";
    let asked = ["migrate", "batch-ai", "--command", auto, "-w", "research"];
    let unnamed = project.run(&asked);
    assert!(unnamed.code == 1 && unnamed.stderr.contains("--storage-account NAME"), "{}", unnamed.stderr);
    project.ok(&[&asked[..], &["--storage-account", "baiqwertyuiopas"]].concat());
    let written = fs::read_to_string(project.root.join("manifests/migrated/auto.yaml")).expect("a manifest");
    assert!(
        written.contains("file_share_name: batchaishare")
            && written.contains("container_name: batchaicontainer"),
        "{written}"
    );
}

#[test]
fn what_cannot_be_migrated_says_what_to_give() {
    let project = with_research();
    let said = |args: &[&str]| {
        let said = project.run(&[&["migrate", "batch-ai", "-w", "research"], args].concat());
        assert_eq!(said.code, 1, "{}", said.stdout);
        said.stderr
    };
    assert!(said(&[]).contains("say what to migrate"));
    assert!(
        said(&["cluster/research/cpu"])
            .contains("neither the address of a document or of the state, nor an ARM id")
    );
    assert!(said(&["batch_ai_cluster/recipes/nc6"]).contains("there is no cluster of Batch AI at"));
    assert!(said(&["workspace/research"]).contains("is neither a cluster nor a workspace of Batch AI"));
    let elsewhere = [
        "migrate",
        "batch-ai",
        "-w",
        "nowhere",
        "--command",
        "az batchai cluster create -n one -s Standard_D2 -t 1",
    ];
    let said = project.run(&elsewhere);
    assert!(said.code == 1 && said.stderr.contains("nowhere"), "{}", said.stderr);
}

/// The example's own command lines, as its README has them.
#[test]
fn the_old_commands_of_the_example_become_documents() {
    let project = with_research();
    let account = "--storage-account=baiqwertyuiopas";
    project.ok(&[
        "migrate",
        "batch-ai",
        "--commands",
        "before/create-clusters.sh",
        "-w",
        "research",
        SIZE,
        account,
    ]);
    for (file, words) in [
        ("nc6", "min_instances: 1\nmax_instances: 1\n"),
        ("auto", "name: autobfs\n"),
        ("prepared", "size: Standard_D2\ntier: low_priority\n"),
    ] {
        let text =
            fs::read_to_string(project.root.join(format!("manifests/migrated/{file}.yaml"))).expect(file);
        assert!(text.contains(words) && !text.contains("not-a-real-password"), "{text}");
    }
    assert_eq!(project.run(&["validate"]).code, 0);
}
