//! The law of writing: what is written loads back to the same resources, and others read the same in it.

use std::collections::BTreeMap;

use manifest::{Document, Inputs, Loaded, NoFiles, Project, load, write};
use model::{Attributes, Json, Severity, Sources, Value, kinds};
use proptest::prelude::*;
use serde_json::json;

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";

fn loaded(text: &str) -> Loaded {
    let mut sources = Sources::default();
    let id = sources.add("m.yaml", text);
    let project = Project::default();
    let (variables, files) = (Vec::new(), &NoFiles);
    load(
        &mut sources,
        &[id],
        &Inputs { project: &project, environment: "", variables, subscription: SUBSCRIPTION, files },
    )
}

/// Texts that YAML, CEL or a reader could take for something else.
fn text() -> impl Strategy<Value = String> {
    let nasty = [
        "no",
        "Yes",
        "off",
        "~",
        "null",
        "true",
        "1.0",
        "017",
        "0x1f",
        "1e3",
        ".inf",
        "12:30",
        "2021-03-10",
        "<<",
        "=",
        "${vars.x}",
        "$${x}",
        "$",
        "${",
        "a ${b} c",
        " leading",
        "trailing ",
        "two\nlines",
        "\n",
        "\ttab",
        "a: b",
        "a #b",
        "# a",
        "- a",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "{a}",
        "[a]",
        "\"a\"",
        "'a'",
        "a\\b",
        "größe",
        "日本語",
        "e\u{301}",
        "\u{1f600}",
        "a\u{202e}b",
        "\u{feff}a",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{7f}",
        "\u{1b}[31m",
        "---",
        "...",
        "?",
        "|",
        ">",
        "a,b",
        "C:\\x",
        "\r\n",
        "x\u{0}",
    ];
    prop_oneof![
        prop::sample::select(nasty.to_vec()).prop_map(str::to_owned),
        any::<String>(),
        "[ -~\n\t]{1,40}",
        "[a-z][a-z0-9.-]{0,20}",
    ]
    // An empty value is one that a document does not give.
    .prop_filter("a value", |text| !text.is_empty())
}

fn tags() -> impl Strategy<Value = Json> {
    let key = text().prop_filter("ARM takes it", |key| {
        key.len() < 100 && !key.contains(['<', '>', '%', '&', '\\', '?', '/'])
    });
    let value = text().prop_filter("ARM takes it", |value| value.chars().count() <= 256);
    proptest::collection::btree_map(key, value, 1..5).prop_map(|map| json!(map))
}

fn application() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        text().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        (-1e9..1e9).prop_map(Json::from),
    ];
    let variables =
        proptest::collection::btree_map(text().prop_filter("short", |k| k.len() < 100), scalar, 1..4);
    (text(), text(), 1026u16..65534, 1026u16..65534, variables, any::<bool>()).prop_map(
        |(name, image, target, published, variables, read_only)| {
            json!({
                "name": name,
                "type": "docker",
                "image": { "reference": image },
                "endpoints": [{ "target": target, "published": published }],
                "environment_variables": variables,
                "bind_mounts": [{ "source": "/a", "target": "/b", "read_only": read_only }],
            })
        },
    )
}

fn instance() -> impl Strategy<Value = Attributes> {
    (text(), tags(), proptest::collection::vec(application(), 1..2), 15u64..500).prop_map(
        |(description, tags, applications, idle)| {
            BTreeMap::from([
                ("workspace", json!("research")),
                ("description", json!(description)),
                ("tags", tags),
                ("custom_applications", json!(applications)),
                ("idle_time_before_shutdown_minutes", json!(idle)),
                ("network_settings.subnet", json!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s")),
                ("schedules.compute_start_stop", json!([
                    { "action": "start", "trigger": { "type": "cron", "expression": "0 8 * * 1-5" } },
                    { "action": "stop", "state": "disabled", "trigger": {
                        "type": "recurrence", "frequency": "week", "interval": 1, "time_zone": "W. Europe Standard Time",
                        "schedule": { "hours": [20], "minutes": [0], "week_days": ["monday", "friday"] } } },
                ])),
            ])
        },
    )
}

fn workspace(name: &str) -> Document {
    let attributes = BTreeMap::from([
        ("resource_group", json!("ml")),
        ("location", json!("westeurope")),
        (
            "storage_account",
            json!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"),
        ),
        ("key_vault", json!("/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/a")),
        (
            "application_insights",
            json!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/components/a"),
        ),
    ]);
    document("workspace", name, attributes)
}

fn document(kind: &str, name: &str, attributes: Attributes) -> Document {
    let kind = kinds::find(kind).expect("a kind");
    Document {
        kind,
        name: name.to_owned(),
        id: None,
        attributes,
        comments: vec!["odd\nwords \u{2028} here".to_owned()],
    }
}

/// A value without what the kind's table fills in by itself.
fn bare(value: &Json) -> Json {
    let filled = |key: &str, value: &Json| {
        let is = |word: &str| value == word;
        (key == "state" && is("enabled"))
            || (key == "time_zone" && is("UTC"))
            || (key == "read_only" && value == false)
            || (key == "type" && is("docker"))
    };
    match value {
        Json::Array(list) => list.iter().map(bare).collect(),
        Json::Object(map) => {
            map.iter().filter(|(k, v)| !filled(k, v)).map(|(k, v)| (k.clone(), bare(v))).collect()
        }
        other => other.clone(),
    }
}

fn check(attributes: &Attributes) -> Result<(), TestCaseError> {
    let documents = [workspace("research"), document("instance", "ci-ann", attributes.clone())];
    let text = write(&documents);
    let loaded = loaded(&text);
    let wrong: Vec<_> = loaded
        .diagnostics
        .into_iter()
        .filter(|d| d.severity == Severity::Error || d.summary.contains("YAML 1.1"))
        .collect();
    prop_assert!(wrong.is_empty(), "{wrong:?}\n{text}");
    let found = loaded.resources.iter().find(|r| r.kind.name == "instance").expect("the instance");
    for (path, value) in attributes {
        let Some(Value::Known(back)) = found.attributes.get(path) else {
            return Err(TestCaseError::fail(format!("{path} is not known\n{text}")));
        };
        prop_assert_eq!(bare(back), bare(value), "{}\n{}", path, text);
    }
    second_opinion(&text, attributes)
}

/// What serde_yaml reads in it, expressions being nothing to it.
fn second_opinion(text: &str, attributes: &Attributes) -> Result<(), TestCaseError> {
    let (_, document) = text.split_once("\n---\n").expect("two documents");
    let read: Json =
        serde_yaml::from_str(document).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
    for path in ["description", "tags"] {
        let said = escaped(&attributes[path]);
        prop_assert_eq!(&read[path], &said, "{}", text);
    }
    Ok(())
}

fn escaped(value: &Json) -> Json {
    match value {
        Json::String(text) => json!(text.replace("${", "$${")),
        Json::Object(map) => map.iter().map(|(k, v)| (k.clone(), escaped(v))).collect(),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn what_is_written_loads_back_to_the_same(attributes in instance()) {
        check(&attributes)?;
    }
}

#[test]
fn keys_stand_in_the_order_of_explain() {
    let attributes = BTreeMap::from([
        ("tags", json!({ "team": "ml", "on": "1" })),
        ("workspace", json!("research")),
        ("max_instances", json!(8)),
        ("ssh_settings.admin_username", json!("admin")),
        ("identity.type", json!("user_assigned")),
        ("identity.user_assigned_identities", json!(["trainer"])),
        ("size", json!("STANDARD_DS3_V2")),
    ]);
    let mut cluster = document("cluster", "cpu", attributes);
    cluster.comments = vec!["Azure does not tell: ssh_settings.admin_password".to_owned()];
    cluster.id = Some("cpu-2".to_owned());
    let expected = "# Azure does not tell: ssh_settings.admin_password
kind: cluster
name: cpu
id: cpu-2
workspace: research
size: STANDARD_DS3_V2
max_instances: 8
ssh_settings:
  admin_username: admin
identity:
  type: user_assigned
  user_assigned_identities:
    - trainer
tags:
  \"on\": \"1\"
  team: ml
";
    assert_eq!(write(&[cluster]), expected);
}
