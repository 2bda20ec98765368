//! serde_yaml reads variables as we do: the values of generated documents agree.

use manifest::{Inputs, Layer, LayerForm, NoFiles, load, project};
use model::{Json, Sources, Value};
use proptest::prelude::*;

/// What a YAML text means to us, by way of a variable and an output.
fn ours(text: &str) -> Option<Json> {
    let mut sources = Sources::default();
    let toml = "[variables]\nv = { type = \"map\" }\n[outputs]\nv = \"${vars.v}\"\n";
    let toml_source = sources.add("plumb.toml", toml);
    let (project, _) = project::read(toml, toml_source, None);
    let source = sources.add("--var v", text);
    let inputs = Inputs {
        project: &project,
        environment: "",
        variables: vec![Layer { source, form: LayerForm::One("v".to_owned()) }],
        subscription: "",
        files: &NoFiles,
    };
    let mut loaded = load(&mut sources, &[], &inputs);
    match loaded.outputs.remove("v")? {
        Value::Known(json) => Some(json),
        _ => None,
    }
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-zA-Z0-9_./-]{0,12}",
        "-?[0-9]{1,12}",
        "[0-9]{1,4}\\.[0-9]{1,4}",
        "'[a-z #:]{0,10}'",
        "\"[a-z #:]{0,10}(\\\\n|\\\\t|\\\\u00e9)?\"",
        prop::sample::select(vec![
            "true", "false", "null", "~", "yes", "no", "on", "off", "017", "0x1f", "12:30", "1e3", "True"
        ])
        .prop_map(str::to_owned),
    ]
}

/// A value in flow style.
fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(", "))),
            proptest::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|map| {
                let pairs: Vec<String> = map.into_iter().map(|(k, v)| format!("k{k}: {v}")).collect();
                format!("{{{}}}", pairs.join(", "))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn trees_agree(values in proptest::collection::btree_map("[a-z]{1,6}", value(), 0..6)) {
        let text: String = values.into_iter().map(|(key, value)| format!("k{key}: {value}\n")).collect();
        let text = if text.is_empty() { "{}".to_owned() } else { text };
        let theirs: Json = serde_yaml::from_str(&text).expect("generated YAML is good");
        prop_assert_eq!(ours(&text), Some(theirs), "{}", text);
    }
}
