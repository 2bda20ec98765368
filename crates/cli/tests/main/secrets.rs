//! Canaries: secrets that must reach no output, state, journal or diagnostic, whatever the command.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use emulator::Options;

use crate::cloud::Cloud;
use crate::project::Project;

const PASSWORD: &str = "c4nary-Passw0rd!\"quoted";
const ARGUMENT: &str = "c4nary-argument";

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
ssh_settings: { admin_username: admin, admin_password: \"${vars.password}\" }
---
kind: setup_script
name: prepare
content: |
  #!/bin/bash
  echo hello
args: [c4nary-argument]
---
kind: instance
name: ci-alice
workspace: research
setup_scripts: { creation_script: prepare }
---
kind: arm
name: logs
type: Microsoft.OperationalInsights/workspaces
api_version: 2023-09-01
resource_group: ml
secret: [properties.clientSecret, properties.hooks]
body:
  location: westeurope
  properties:
    retentionInDays: 30
    clientSecret: c4nary-argument
    hooks: [{ name: a, privateKey: c4nary-argument }]
    privateKeyData: ${vars.password}
---
kind: arm
name: watch
type: Microsoft.Insights/diagnosticSettings
api_version: 2021-05-01-preview
scope: ${arm.logs.id}
body: { properties: { workspaceId: \"${arm.logs.properties.customerId}\", seen: \"${size(arm.logs.properties) > 0}\" } }
";

/// The canaries as they would look in clear, inside JSON, and as base64.
fn forms() -> Vec<String> {
    let escaped = serde_json::to_string(PASSWORD).expect("a string").trim_matches('"').to_owned();
    vec![PASSWORD.to_owned(), escaped, "c4nary".to_owned(), ARGUMENT.to_owned(), "YzRuYXJ5".to_owned()]
}

fn clean(what: &str, text: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "{what} shows {form}:\n{text}");
    }
}

fn project(cloud: &Cloud) -> Project {
    let mut project = Project::empty();
    project.endpoint = Some(cloud.endpoint());
    project.write(
        "plumb.toml",
        "[project]\nname = \"secrets\"\n\n[variables]\npassword = { type = \"string\", sensitive = true }\n",
    );
    project.write("manifests/all.yaml", MANIFEST);
    project
}

/// Everything below `.plumb`.
fn files(project: &Project) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![project.root.join(".plumb")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let bytes = fs::read(&path).expect("files can be read");
                found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn variable() -> String {
    format!("password={PASSWORD}")
}

#[test]
fn no_command_and_no_file_shows_a_secret() {
    let cloud = Cloud::start(Options::default());
    let project = project(&cloud);
    let variable = variable();
    let commands: [&[&str]; 18] = [
        &["validate", "--json"],
        &["plan"],
        &["plan", "--out", ".plumb/saved.plumb"],
        &["show", ".plumb/saved.plumb"],
        &["show", ".plumb/saved.plumb", "--json"],
        &["plan", "--json"],
        &["plan", "--format", "markdown"],
        &["apply", "--auto-approve", "--json"],
        &["plan"],
        &["drift", "--json"],
        &["show"],
        &["show", "cluster/research/cpu"],
        &["state", "show", "cluster/research/cpu"],
        &["state", "show", "instance/research/ci-alice"],
        &["state", "show", "setup_script/prepare"],
        &["show", "arm/logs"],
        &["state", "show", "arm/logs"],
        &["drift", "--all"],
    ];
    for command in commands {
        let mut args = command.to_vec();
        args.extend(["--var", &variable]);
        let said = project.ok(&args);
        clean(&command.join(" "), &said.stdout);
        clean(&command.join(" "), &said.stderr);
    }
    files(&project).iter().for_each(|(name, text)| clean(name, text));
    let changed = project.ok(&["plan", "--var", "password=another-c4nary"]);
    assert!(changed.stdout.contains("(sensitive value)"), "{}", changed.stdout);
    clean("a changed secret", &changed.stdout);
}

/// The key that signs requests to the file share is asked for, and is nowhere, whatever is logged.
#[test]
fn the_key_of_the_share_is_shown_and_kept_nowhere() {
    let cloud = Cloud::start(Options::default());
    let mut project = Project::empty();
    project.endpoint = Some(cloud.endpoint());
    project.write("plumb.toml", "[project]\nname = \"share\"\n");
    let manifest = "kind: resource_group\nname: ml\nlocation: westeurope\n---\nkind: workspace\nname: research\nresource_group: ml\nlocation: westeurope\n---\nkind: setup_script\nname: prepare\nsource: workspace_storage\ncontent: |\n  #!/bin/bash\n  echo hello\n---\nkind: instance\nname: ci-alice\nworkspace: research\nsetup_scripts: { creation_script: prepare }\n";
    project.write("manifests/all.yaml", manifest);
    let mut said = Vec::new();
    for args in [&["apply", "--auto-approve"][..], &["drift"], &["logs", "instance/research/ci-alice"]] {
        let output = project.command(args).env("PLUMB_LOG", "trace").output().expect("plumb starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        said.push(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned());
    }
    assert!(said[0].contains("/_files/"), "the log shows the requests to the share");
    let workspace = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/research";
    let account =
        cloud.read(workspace)["properties"]["storageAccount"].as_str().expect("an account").to_owned();
    let keys = cloud.post(&format!("{account}/listKeys"), "2024-01-01", &serde_json::Value::Null);
    let keys: Vec<&str> =
        keys["keys"].as_array().expect("keys").iter().filter_map(|k| k["value"].as_str()).collect();
    assert_eq!(keys.len(), 2);
    let kept = files(&project).into_iter().map(|(_, text)| text);
    for text in said.into_iter().chain(kept) {
        assert!(keys.iter().all(|key| !text.contains(key)), "a key is shown");
        assert!(!text.contains("SharedKey "), "a signature is shown");
    }
}

#[test]
fn a_journal_that_was_left_behind_shows_no_secret() {
    let cloud = Cloud::start(Options::default());
    let project = project(&cloud);
    let variable = variable();
    let mut run = project
        .command(&["apply", "--auto-approve", "--parallelism", "1", "--var", &variable])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("plumb starts");
    let journal = project.root.join(".plumb/journal");
    let announced = || fs::read_to_string(&journal).is_ok_and(|text| text.contains("ci-alice"));
    while !announced() && run.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    run.kill().expect("kill -9");
    run.wait().expect("it ends");
    assert!(announced(), "the run was over before it was killed");
    files(&project).iter().for_each(|(name, text)| clean(name, text));
}

#[test]
fn a_diagnostic_about_a_secret_does_not_show_it() {
    let cloud = Cloud::start(Options::default());
    let project = project(&cloud);
    project.write(
        "plumb.toml",
        "[project]\nname = \"secrets\"\n\n[variables]\npassword = { type = \"number\", sensitive = true }\n",
    );
    let said = project.run(&["plan", "--var", &variable()]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    clean("a wrong variable", &said.stderr);
    for body in [
        "secret: [properties.key], body: { properties: { key: c4nary-argument, other: ~ } }",
        "secret: [properties.key], body: { properties: { key: [c4nary-argument, ~] } }",
        "secret: [properties.kee], body: { properties: { key: c4nary-argument } }",
        "secret: [properties.key], compare: [properties.key], body: { properties: { key: c4nary-argument } }",
        "secret: [properties.key], body: { name: x, properties: { key: c4nary-argument } }",
    ] {
        project.write("plumb.toml", "[project]\nname = \"secrets\"\n");
        let head = "kind: arm, name: a, type: A.B/c, api_version: 2024-01-01, resource_group: ml";
        project.write("manifests/all.yaml", &format!("{{ {head}, {body} }}"));
        let said = project.run(&["plan"]);
        assert_eq!(said.code, 1, "{}", said.stdout);
        clean(body, &said.stderr);
        assert!(said.stderr.contains("all.yaml"), "{}", said.stderr);
    }
}

#[test]
fn a_wrong_declaration_of_a_secret_does_not_show_its_default() {
    let project = Project::empty();
    project.write("a.yaml", "kind: resource_group\nname: ml\nlocation: westeurope\n");
    let component = "uses: ./c\nname: c\n";
    for declaration in [
        "{ type = \"number\", default = \"c4nary-argument\", sensitive = true }",
        "{ type = \"nmber\", default = \"c4nary-argument\", sensitive = true }",
        "{ type = \"list\", default = \"c4nary-argument\", sensitve = true }",
        "{ default = \"c4nary-argument\", sensitive = \"yes\" }",
    ] {
        project.write(
            "plumb.toml",
            &format!("[project]\nname = \"x\"\n\n[variables]\npassword = {declaration}\n"),
        );
        for args in [&["validate"][..], &["validate", "--json"]] {
            let said = project.run(args);
            assert_eq!(said.code, 1, "{declaration}: {}", said.stdout);
            clean(declaration, &said.stdout);
            clean(declaration, &said.stderr);
        }
    }
    let good = "password = { type = \"string\", default = \"c4nary-argument\", sensitive = true }";
    let wrong = "[environments.prod]\nvariables.password = { c4nary-argument = 7 }";
    project.write("plumb.toml", &format!("[project]\nname = \"x\"\n\n[variables]\n{good}\n\n{wrong}\n"));
    let said = project.run(&["validate", "-e", "prod"]);
    assert!(
        said.code == 1 && said.stderr.contains("must be a string, and is something else"),
        "{}",
        said.stderr
    );
    clean("an environment's value", &said.stderr);
    project.write("plumb.toml", "[project]\nname = \"x\"\nmanifests = [\"*.yaml\"]\n");
    project.write("b.yaml", component);
    let inputs = "inputs:\n  password: { type: number, default: c4nary-argument, sensitive: true }\n";
    project.write("c/component.yaml", inputs);
    let said = project.run(&["validate"]);
    assert!(
        said.code == 1 && said.stderr.contains("must be a number, and is something else"),
        "{}",
        said.stderr
    );
    clean("an input", &said.stderr);
    let inputs = "inputs:\n  password: { type: string, default: c4nary-argument, sensitive: true }\n";
    project.write("c/component.yaml", inputs);
    project.write("b.yaml", &format!("{component}with: {{ password: [c4nary-argument] }}\n"));
    let said = project.run(&["validate"]);
    assert!(
        said.code == 1 && said.stderr.contains("must be a string, and is something else"),
        "{}",
        said.stderr
    );
    clean("what is handed in", &said.stderr);
}
