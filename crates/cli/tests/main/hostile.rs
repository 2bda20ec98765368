//! Bad input as the program meets it: a diagnostic with its place, exit 1, nothing sent, nothing written, and an end.

use crate::project::Project;

fn project(manifest: &str) -> Project {
    let project = Project::empty();
    project.write("plumb.toml", "[project]\nname = \"hostile\"\n");
    project.write("manifests/a.yaml", manifest);
    project
}

/// What must never be in a message: names of the code's own types and libraries, and panics.
const FORBIDDEN: [&str; 8] =
    ["panicked", "serde", "granit", "Option<", "unwrap", "struct ", "RUST_BACKTRACE", "enum "];

fn refused(project: &Project, args: &[&str]) -> String {
    let said = project.run(args);
    assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
    for word in FORBIDDEN {
        assert!(!said.stderr.contains(word), "`{word}` in: {}", said.stderr);
    }
    assert!(!project.root.join(".plumb/state.json").exists(), "something was written");
    said.stderr
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let project = project(
        "kind: cluster\nname: cpu\nworkspace: research\nmin_instances: 5\nmax_instances: 2\nsise: big\n---\nkind: instance\nname: x\nworkspace: nowhere\ntier: low_priority\n---\nkind: clutser\nname: y\n",
    );
    for command in ["validate", "plan", "apply"] {
        let stderr = refused(&project, &[command]);
        for part in
            ["manifests/a.yaml:6:1", "`size`", "manifests/a.yaml:11:1", "manifests/a.yaml:13:7", "`cluster`"]
        {
            assert!(stderr.contains(part), "{command}: no {part} in\n{stderr}");
        }
    }
}

#[test]
fn hostile_files_end_quickly() {
    let deep = format!("kind: cluster\ntags: {}{}\n", "[".repeat(200_000), "]".repeat(200_000));
    let bomb = (0..24).fold("a0: &a0 [x, x]\n".to_owned(), |text, i| {
        format!("{text}a{}: &a{} [*a{i}, *a{i}, *a{i}]\n", i + 1, i + 1)
    });
    let huge = format!("kind: cluster\nname: {}\n", "x".repeat(5_000_000));
    for text in [
        deep,
        bomb,
        huge,
        "\u{0}".to_owned(),
        "\t- a: [".to_owned(),
        "kind: &a [*a]\n".to_owned(),
        "--- !!binary x".to_owned(),
    ] {
        let project = project(&text);
        refused(&project, &["plan"]);
    }
}

#[test]
fn bytes_that_are_no_text_get_plain_words() {
    let project = project("");
    for bytes in [&b"\xff\xfek\0i\0"[..], &b"\xff\xff\xff"[..], &b"kind: \xc3\x28\n"[..]] {
        std::fs::write(project.root.join("manifests/a.yaml"), bytes).expect("written");
        let stderr = refused(&project, &["plan"]);
        assert!(stderr.contains("UTF-8"), "{stderr}");
    }
}

#[test]
fn flags_variables_and_the_project_file_are_checked_too() {
    let project = project("kind: resource_group\nname: ml\nlocation: ${vars.location}\n");
    project.write("plumb.toml", "[project]\nname = \"x\"\n\n[variables]\nlocation = { type = \"string\" }\n");
    let stderr = refused(&project, &["plan"]);
    assert!(stderr.contains("location"), "{stderr}");
    let stderr = refused(&project, &["plan", "--var", "locaton=x"]);
    assert!(stderr.contains("`location`"), "{stderr}");
    let stderr = refused(&project, &["plan", "--var", "nonsense"]);
    assert!(stderr.contains("NAME=VALUE"), "{stderr}");
    project.write("plumb.toml", "[project]\nname = \"x\"\n[cloud]\nendpoint = \"https://evil.example\"\n");
    let stderr = refused(&project, &["plan"]);
    assert!(stderr.contains("plumb.toml:4:12") && stderr.contains("--endpoint"), "{stderr}");
    project.write("plumb.toml", "[projcet]\n");
    assert!(refused(&project, &["plan"]).contains("`project`"));
}

#[test]
fn no_manifests_are_an_error_and_not_an_empty_plan() {
    let project = Project::empty();
    project.write("plumb.toml", "[project]\nname = \"empty\"\n");
    let stderr = refused(&project, &["plan"]);
    assert!(stderr.contains("manifest"), "{stderr}");
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let project = project("kind: resource_group\nname: ml\nlocation: westeurope\n");
    let mut child = project
        .command(&["explain"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
