//! What stops a run before it does harm, and what a run must leave alone.

use std::fs;

use crate::project::Project;

fn team() -> Project {
    let project = Project::copy_of(&testkit::workspace_root().join("examples/data-science-team"));
    project.ok(&["apply", "--auto-approve"]);
    project
}

#[test]
fn a_lost_seal_key_is_an_error_and_no_reason_to_replace() {
    let project = team();
    fs::remove_file(project.root.join(".plumb/seal.key")).expect("the key is there");
    let said = project.run(&["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("seal.key") && said.stderr.contains("--trust-secrets"), "{}", said.stderr);
    project.ok(&["apply", "--auto-approve", "--trust-secrets"]);
    project.ok(&["plan", "--detailed-exitcode"]);
}

#[test]
fn power_commands_leave_outputs_alone() {
    let project = team();
    let before = project.ok(&["output"]).stdout;
    assert!(before.contains("trainer_id"), "{before}");
    project.ok(&["stop", "instance/research/ci"]);
    assert_eq!(before, project.ok(&["output"]).stdout);
    project.ok(&["plan", "--detailed-exitcode"]);
}

#[test]
fn an_unknown_replacement_is_not_ignored() {
    let project = team();
    let said = project.run(&["plan", "--replace", "cluster/research/cpus"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("did you mean `cluster/research/cpu`"), "{}", said.stderr);
}

#[test]
fn max_deletes_also_guards_destroy() {
    let project = team();
    let said = project.run(&["destroy", "--auto-approve", "--max-deletes", "2"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("--max-deletes 13"), "{}", said.stderr);
    assert_eq!(project.ok(&["state", "list"]).stdout.lines().count(), 13);
}

#[test]
fn a_full_disk_behind_stdout_is_an_error() {
    let project = Project::empty();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full is there");
    let status = project.command(&["explain"]).stdout(full).stderr(std::process::Stdio::null()).status();
    assert_eq!(status.expect("plumb starts").code(), Some(1));
}

#[test]
fn init_keeps_state_out_of_git() {
    let project = Project::empty();
    project.write(".gitignore", "target/");
    project.ok(&["init"]);
    let text = fs::read_to_string(project.root.join(".gitignore")).expect("it is there");
    assert!(text.starts_with("target/\n") && text.contains("\n.plumb/\n"), "{text}");
    assert_eq!(project.run(&["init"]).code, 1, "a project is never made over another");
}

#[test]
fn no_manifests_at_all_must_be_meant() {
    let project = team();
    fs::remove_dir_all(project.root.join("manifests")).expect("manifests are there");
    let said = project.run(&["apply", "--auto-approve"]);
    assert_eq!(said.code, 1);
    assert!(
        said.stderr.contains("there are no manifests") && said.stderr.contains("--allow-empty"),
        "{}",
        said.stderr
    );
    assert_eq!(project.ok(&["state", "list"]).stdout.lines().count(), 13);
    project.ok(&["apply", "--auto-approve", "--allow-empty"]);
    assert_eq!(project.ok(&["state", "list"]).stdout, "");
}

#[test]
fn another_cloud_is_accepted_only_by_its_name() {
    let project = team();
    let text = fs::read_to_string(project.root.join("plumb.toml")).expect("plumb.toml");
    let (here, other) = ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002");
    assert!(text.contains(here), "{text}");
    project.write("plumb.toml", &text.replace(here, other));
    let said = project.run(&["plan"]);
    assert_eq!(said.code, 1);
    let named = said.stderr.split("--accept-other-cloud '").nth(1).and_then(|rest| rest.split('\'').next());
    let named = named.unwrap_or_else(|| panic!("{}", said.stderr)).to_owned();
    assert_eq!(project.run(&["plan", "--accept-other-cloud", "yes"]).code, 1);
    let said = project.run(&["plan", "--accept-other-cloud", &named, "--allow-missing"]);
    assert!(!said.stderr.contains("the state is about"), "{}", said.stderr);
}

#[test]
fn an_older_state_is_taken_only_on_request() {
    let project = team();
    let state = project.root.join(".plumb/state.json");
    let older = fs::read(&state).expect("a state");
    project.ok(&["apply", "--auto-approve", "--replace", "cluster/research/cpu"]);
    fs::write(&state, older).expect("it can be put back");
    let said = project.run(&["plan"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("--accept-older-state"), "{}", said.stderr);
    project.ok(&["plan", "--accept-older-state"]);
}

#[test]
fn refresh_only_takes_in_what_somebody_changed_and_sends_nothing() {
    let project = team();
    let shown = project.ok(&["state", "show", "cluster/research/cpu"]).stdout;
    let entry: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let cpu = entry["arm_id"].as_str().expect("an id");
    let edit = r#"{"properties":{"properties":{"scaleSettings":{"maxNodeCount":40}}}}"#;
    project.ok(&["emulator", "--cloud-file", ".plumb/cloud.json", "--edit", cpu, edit]);
    let said = project.ok(&["apply", "--refresh-only", "--auto-approve"]);
    assert!(said.stdout.contains("-> 40") && said.stdout.contains("0 changed"), "{}", said.stdout);
    assert!(project.ok(&["drift"]).stdout.starts_with("No drift"));
    let said = project.ok(&["plan", "--target", "cluster/research/cpu"]);
    assert!(said.stdout.contains("40 -> ") && !said.stdout.contains("drift"), "{}", said.stdout);
    assert!(said.stderr.contains("this plan is partial"), "{}", said.stderr);
}

#[test]
fn a_cloud_that_lost_most_of_it_is_believed_only_on_request() {
    let project = team();
    fs::remove_file(project.root.join(".plumb/cloud.json")).expect("the cloud is there");
    let said = project.run(&["apply", "--auto-approve"]);
    assert_eq!(said.code, 1);
    assert!(
        said.stderr.contains("are not in Azure") && said.stderr.contains("--allow-missing"),
        "{}",
        said.stderr
    );
    project.ok(&["apply", "--auto-approve", "--allow-missing"]);
    project.ok(&["plan", "--detailed-exitcode"]);
}
