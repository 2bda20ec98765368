//! `plumb output`: the outputs of the last apply. Of a secret one, the state has a hash and no value.

use anyhow::anyhow;
use model::Json;
use planner::Shown;
use planner::entry::stored_output;
use planner::render::{escape, shown};
use serde_json::json;

use crate::args::Output;
use crate::engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Prints all outputs, or one as plain text.
pub async fn run(args: &Output, session: &Session) -> Result<Exit, Failure> {
    let outputs = engine::snapshot(session).await?.outputs;
    let text = match &args.name {
        Some(name) => {
            let kept = outputs
                .get(name)
                .ok_or_else(|| anyhow!("there is no output `{name}`; `plumb output` lists them"))?;
            match stored_output(kept) {
                Shown::Known(Json::String(text)) if !args.json => format!("{text}\n"),
                Shown::Known(value) => output::json(&value),
                _ => {
                    return Err(
                        anyhow!("the output `{name}` is a secret: the state keeps no value of it").into()
                    );
                }
            }
        }
        None if args.json => {
            output::json(&outputs.iter().map(|(name, kept)| (name.clone(), one_json(kept))).collect())
        }
        None => outputs
            .iter()
            .map(|(name, kept)| format!("{} = {}\n", escape::terminal(name), shown(&stored_output(kept))))
            .collect(),
    };
    output::result(&text);
    Ok(Exit::Done)
}

/// An output in Terraform's shape; the value of a secret is null.
fn one_json(kept: &Json) -> Json {
    match stored_output(kept) {
        Shown::Known(value) => json!({ "sensitive": false, "type": type_of(&value), "value": value }),
        _ => json!({ "sensitive": true, "type": "dynamic", "value": null }),
    }
}

/// A value's type, as Terraform writes types in JSON.
fn type_of(value: &Json) -> Json {
    match value {
        Json::Null => json!("dynamic"),
        Json::Bool(_) => json!("bool"),
        Json::Number(_) => json!("number"),
        Json::String(_) => json!("string"),
        Json::Array(items) => json!(["tuple", items.iter().map(type_of).collect::<Vec<_>>()]),
        Json::Object(fields) => {
            let types: serde_json::Map<String, Json> =
                fields.iter().map(|(name, value)| (name.clone(), type_of(value))).collect();
            json!(["object", types])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_of_terraform() {
        let value = json!({ "a": [1, "x", null], "b": true });
        assert_eq!(
            type_of(&value),
            json!(["object", { "a": ["tuple", ["number", "string", "dynamic"]], "b": "bool" }])
        );
        let secret = one_json(&json!({ "sensitive": "hmac-sha256:00" }));
        assert_eq!(secret, json!({ "sensitive": true, "type": "dynamic", "value": null }));
    }
}
