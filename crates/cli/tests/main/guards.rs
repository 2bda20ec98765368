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
    assert!(said.stderr.contains("--max-deletes 11"), "{}", said.stderr);
    assert_eq!(project.ok(&["state", "list"]).stdout.lines().count(), 11);
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
