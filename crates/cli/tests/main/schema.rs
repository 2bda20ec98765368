//! The JSON Schemas, held against documents by an independent validator.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::project::Project;

fn validator_of(what: &str) -> jsonschema::Validator {
    let schema: Value =
        serde_json::from_str(&Project::empty().ok(&["schema", what]).stdout).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is a schema")
}

fn validator() -> jsonschema::Validator {
    validator_of("manifest")
}

fn judge(validator: &jsonschema::Validator, good: &[Value], bad: &[Value]) {
    for document in good {
        let wrong: Vec<String> = validator.iter_errors(document).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{document}: {wrong:?}");
    }
    for document in bad {
        assert!(!validator.is_valid(document), "{document}");
    }
}

#[test]
fn the_schemas_in_the_repository_are_fresh() {
    for what in ["manifest", "component"] {
        let path = testkit::workspace_root().join(format!("schema/{what}.schema.json"));
        let text = fs::read_to_string(path).expect("schema/ is there");
        assert_eq!(text, Project::empty().ok(&["schema", what]).stdout, "run `make schema`");
    }
    let plain = Project::empty().ok(&["schema"]).stdout;
    assert_eq!(plain, Project::empty().ok(&["schema", "manifest"]).stdout);
}

#[test]
fn uses_of_components_are_known() {
    let pool = |with: Value| json!({ "uses": "plumb/dsvm-pool", "name": "pool", "with": with });
    let needed = json!({ "name": "lab", "resource_group": "ml", "location": "westeurope", "storage_account": "labfiles" });
    let more = |key: &str, value: Value| {
        let mut with = needed.clone();
        with[key] = value;
        pool(with)
    };
    let good = [
        json!({ "uses": "./components/team", "name": "team" }),
        json!({ "uses": "./components/team", "name": "team", "for_each": "${vars.teams}", "when": true,
                "with": { "anything": [1, { "a": null }] }, "depends_on": "other", "$schema": "x",
                "moved_from": { "team-a/cluster/research/cpu": "cluster/research/cpu" } }),
        json!({ "uses": "./c", "name": "a", "moved_from": ["b", "c"], "depends_on": ["cluster/w/cpu"] }),
        pool(needed.clone()),
        more("instances", json!(4)),
        more("instances", json!("${vars.n}")),
        more("allow_from", json!(["Internet"])),
        more("image", json!({ "id": "/x" })),
    ];
    let bad = [
        json!({ "uses": "./components/team" }),
        json!({ "uses": "components/team", "name": "a" }),
        json!({ "uses": "plumb/dsvm-pol", "name": "pool", "with": needed.clone() }),
        json!({ "uses": "./c", "name": "a", "lifecycle": {} }),
        json!({ "uses": "./c", "name": "a/b" }),
        json!({ "uses": "./c", "name": "a", "with": 3 }),
        json!({ "uses": "./c", "kind": "cluster", "name": "a", "workspace": "w" }),
        json!({ "uses": "plumb/dsvm-pool", "name": "pool" }),
        pool(json!({ "name": "lab" })),
        more("instances", json!("four")),
        more("instance", json!(4)),
        more("autoscale", json!("yes")),
        more("allow_from", json!("Internet")),
    ];
    judge(&validator(), &good, &bad);
}

#[test]
fn declarations_of_components_are_known() {
    let good = [
        json!({}),
        json!({ "description": "A team.", "inputs": null, "outputs": { "id": "${cluster[\"cpu\"].id}", "n": 3 } }),
        json!({ "inputs": {
            "a": { "type": "string", "description": "What it is.", "sensitive": true },
            "b": { "type": "number", "default": 4 },
            "c": { "default": { "x": 1 } },
            "d": { "type": "list", "default": [] },
        } }),
    ];
    let bad = [
        json!({ "input": {} }),
        json!({ "inputs": [] }),
        json!({ "inputs": { "size-of": { "type": "string" } } }),
        json!({ "inputs": { "a": { "type": "text" } } }),
        json!({ "inputs": { "a": { "type": "number", "default": "four" } } }),
        json!({ "inputs": { "a": { "type": "string", "defualt": "x" } } }),
        json!({ "inputs": { "a": "string" } }),
        json!({ "outputs": "x" }),
    ];
    judge(&validator_of("component"), &good, &bad);
}

/// Every YAML file below a folder.
fn yaml_files(folder: PathBuf) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![folder], Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("a folder").map(|e| e.expect("an entry").path()));
        } else if path.extension().is_some_and(|end| end == "yaml") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_file_of_the_examples_and_of_the_built_in_components_is_valid() {
    let (manifest, component) = (validator(), validator_of("component"));
    let root = testkit::workspace_root();
    let mut files = yaml_files(root.join("examples"));
    files.extend(yaml_files(root.join("crates/manifest/components")));
    files.extend(yaml_files(root.join("crates/cli/templates")));
    assert!(files.len() > 20, "{files:?}");
    for path in files {
        let is_declaration = path.file_name().is_some_and(|name| name == "component.yaml");
        let validator = if is_declaration { &component } else { &manifest };
        let text = fs::read_to_string(&path).expect("text");
        for document in serde_yaml::Deserializer::from_str(&text) {
            let document: Value = serde::Deserialize::deserialize(document).expect("YAML");
            let wrong: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
            assert!(wrong.is_empty(), "{}: {document}: {wrong:?}", path.display());
        }
    }
}

#[test]
fn good_documents_pass_and_bad_ones_do_not() {
    let validator = validator();
    let good = [
        json!({ "kind": "resource_group", "name": "ml", "location": "westeurope" }),
        json!({ "kind": "arm", "name": "logs", "type": "Microsoft.OperationalInsights/workspaces", "api_version": "2023-09-01", "resource_group": "ml",
            "compare": ["properties.retentionInDays"], "body": { "location": "westeurope", "properties": { "retentionInDays": 30, "any": [{ "thing": "${vars.x}" }] } } }),
        json!({ "kind": "cluster", "name": "cpu", "workspace": "research", "max_instances": "${vars.nodes}" }),
        json!({ "kind": "cluster", "name": "gpu", "workspace": "w", "identity": { "type": "user_assigned", "user_assigned_identities": ["a", { "resource_id": "/x" }] } }),
        json!({ "kind": "instance", "name": "ci-${each.key}", "for_each": "${vars.people}", "workspace": "w", "setup_scripts": { "creation_script": "conda" },
                "schedules": { "compute_start_stop": [{ "action": "stop", "trigger": { "type": "cron", "expression": "0 18 * * *" } }] } }),
    ];
    for document in &good {
        assert!(
            validator.is_valid(document),
            "{document}: {:?}",
            validator.iter_errors(document).map(|e| e.to_string()).collect::<Vec<_>>()
        );
    }
    let bad = [
        json!({ "kind": "clutser", "name": "cpu" }),
        json!({ "kind": "arm", "name": "logs", "resource_group": "ml", "body": {} }),
        json!({ "kind": "arm", "name": "logs", "type": "A.B/c", "api_version": "2024-01-01", "scope": "/x", "body": [] }),
        json!({ "kind": "arm", "name": "logs", "type": "A.B/c", "api_version": "2024-01-01", "scope": "/x", "body": {}, "secret": [1] }),
        json!({ "kind": "cluster", "name": "cpu" }),
        json!({ "kind": "cluster", "name": "cpu", "workspace": "w", "max_instances": true }),
        json!({ "kind": "cluster", "name": "cpu", "workspace": "w", "sise": "Standard_DS3_v2" }),
        json!({ "kind": "instance", "name": "ci", "workspace": "w", "tier": "low_priority" }),
        json!({ "kind": "cluster", "name": "cpu", "workspace": "w", "ssh_settings": { "ssh_key_value": "x" } }),
    ];
    for document in &bad {
        assert!(!validator.is_valid(document), "{document}");
    }
}
