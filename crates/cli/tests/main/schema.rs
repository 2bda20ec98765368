//! The JSON Schema, held against documents by an independent validator.

use std::fs;

use serde_json::{Value, json};

use crate::project::Project;

fn validator() -> jsonschema::Validator {
    let schema: Value =
        serde_json::from_str(&Project::empty().ok(&["schema"]).stdout).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is a schema")
}

#[test]
fn the_schema_in_the_repository_is_fresh() {
    let text = fs::read_to_string(testkit::workspace_root().join("schema/manifest.schema.json"))
        .expect("schema/ is there");
    assert_eq!(text, Project::empty().ok(&["schema"]).stdout, "run `make schema`");
}

#[test]
fn good_documents_pass_and_bad_ones_do_not() {
    let validator = validator();
    let good = [
        json!({ "kind": "resource_group", "name": "ml", "location": "westeurope" }),
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
