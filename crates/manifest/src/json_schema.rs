//! The JSON Schemas of manifests and of `component.yaml`: what the kinds' tables say, and what this crate alone reads.

use model::json_schema::{DIALECT, expression, header_key};
use model::{Json, json_schema};
use serde_json::{Map, json};

use crate::built_in::{BUILT_IN, BuiltIn, PREFIX};
use crate::load::component::KEYS;
use crate::load::document::{AZ_ML_TYPES, AZ_ML_WORKSPACES};
use crate::load::uses::USE_KEYS;
use crate::project::{Variable, VariableType};

/// What an input may be called.
const NAME: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

/// The schema of one document of a manifest.
pub fn manifest() -> Json {
    let own = ("component".to_owned(), used(json!({ "type": "string", "pattern": r"^\./" }), any_inputs()));
    let az_ml = ("az_ml".to_owned(), az_ml());
    json_schema::manifest([own].into_iter().chain(BUILT_IN.iter().map(built_in)).chain([az_ml]))
}

/// The schema of `component.yaml`.
pub fn component() -> Json {
    let output = json!({ "description": "A value that is given out: `${cluster[\"cpu\"].id}`." });
    let keys = KEYS.map(|key| {
        let value = match key {
            "inputs" => json!({
                "type": ["object", "null"],
                "description": "What is handed in, by name; inside, `${inputs.NAME}`.",
                "propertyNames": { "pattern": NAME },
                "additionalProperties": input(),
            }),
            "outputs" => json!({
                "type": ["object", "null"],
                "description": "What is given out, by name; outside, `${component[\"USE\"].NAME}`.",
                "additionalProperties": output,
            }),
            "description" => json!({ "type": "string", "description": "What it is for." }),
            _ => json!({ "type": "string" }),
        };
        (key.to_owned(), value)
    });
    json!({
        "$schema": DIALECT,
        "title": "plumb component.yaml",
        "description": "What a component takes and gives; its documents lie beside it.",
        "type": "object",
        "additionalProperties": false,
        "properties": Map::from_iter(keys),
    })
}

/// The declaration of an input. Without a type it has that of its default, or is text.
fn input() -> Json {
    let words = VariableType::ALL.map(|(word, _)| word);
    let fitting = VariableType::ALL.map(|(word, value_type)| {
        json!({
            "if": { "properties": { "type": { "const": word } }, "required": ["type"] },
            "then": { "properties": { "default": { "type": json_type(value_type) } } },
        })
    });
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "type": { "enum": words, "description": "What its values are." },
            "default": { "description": "The value when a use hands in none." },
            "description": { "type": "string", "description": "What it is for." },
            "sensitive": { "type": "boolean", "description": "Whether its values are secrets." },
        },
        "allOf": fitting,
    })
}

/// A document that uses a component.
fn used(uses: Json, with: Json) -> Json {
    let mut uses = uses;
    uses["description"] = json!(
        "The component: a folder below the project, `./components/team`, or one that is part of plumb."
    );
    let required = if with.get("required").is_some() {
        json!(["uses", "name", "with"])
    } else {
        json!(["uses", "name"])
    };
    let keys = USE_KEYS.map(|key| {
        let value = match key {
            "uses" => uses.clone(),
            "with" => with.clone(),
            "name" => json!({
                "type": "string",
                "pattern": r"^[A-Za-z0-9_.()-]+$",
                "description": "The first part of the addresses of what the component makes.",
            }),
            "$schema" => json!({ "type": "string" }),
            "moved_from" => json!({
                "anyOf": [header_key(key), { "type": "object", "additionalProperties": { "type": "string" } }],
                "description": "Earlier names of the use, or earlier addresses of its resources by those they have now.",
            }),
            key => header_key(key).expect("BUG: what a use says beside is in the header of every document"),
        };
        (key.to_owned(), value)
    });
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": Map::from_iter(keys),
        "required": required,
        "description": "The use of a component.",
    })
}

fn any_inputs() -> Json {
    json!({ "type": "object", "description": "What is handed in, by the names of the component's inputs." })
}

/// A document that uses a component that is part of plumb: what it takes is known.
fn built_in(built_in: &BuiltIn) -> (String, Json) {
    let interface = built_in.interface();
    let given = interface.inputs.iter().map(|(name, input)| (name.clone(), value(input)));
    let needed: Vec<&String> =
        interface.inputs.iter().filter(|(_, input)| input.default.is_none()).map(|(name, _)| name).collect();
    let with = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": given.collect::<Map<_, _>>(),
        "required": needed,
        "description": interface.description,
    });
    let name = built_in.name.strip_prefix(PREFIX).unwrap_or(built_in.name);
    (name.replace('-', "_"), used(json!({ "const": built_in.name }), with))
}

/// A value of an input, which may also be an expression.
fn value(input: &Variable) -> Json {
    let plain = json!({ "type": json_type(input.value_type) });
    let mut value = match input.value_type {
        VariableType::String => plain,
        _ => json!({ "anyOf": [plain, expression()] }),
    };
    if let Some(words) = &input.description {
        value["description"] = json!(words);
    }
    if let Some(default) = &input.default {
        value["default"] = default.clone();
    }
    value
}

fn json_type(value_type: VariableType) -> &'static str {
    match value_type {
        VariableType::String => "string",
        VariableType::Number => "number",
        VariableType::Boolean => "boolean",
        VariableType::List => "array",
        VariableType::Map => "object",
    }
}

/// A document with az ml's own header, which az ml's own schema describes.
fn az_ml() -> Json {
    let types = AZ_ML_TYPES.map(|(word, _)| word);
    let workspaces =
        AZ_ML_WORKSPACES.map(|(end, _)| json!({ "pattern": format!("{}$", end.replace('.', r"\.")) }));
    json!({
        "type": "object",
        "description": "A document of az ml's, taken as it is.",
        "not": { "anyOf": [{ "required": ["kind"] }, { "required": ["uses"] }] },
        "anyOf": [
            { "required": ["type"], "properties": { "type": { "enum": types } } },
            { "required": ["$schema"], "properties": { "$schema": { "anyOf": workspaces } } },
        ],
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(schema: &Json, pointer: &str) -> BTreeSet<String> {
        schema.pointer(pointer).and_then(Json::as_object).expect(pointer).keys().cloned().collect()
    }

    #[test]
    fn what_a_use_may_say_is_what_the_loader_takes() {
        let schema = manifest();
        let taken = BTreeSet::from(USE_KEYS.map(str::to_owned));
        assert_eq!(keys(&schema, "/$defs/component/properties"), taken);
        for one in &BUILT_IN {
            let name = built_in(one).0;
            assert_eq!(keys(&schema, &format!("/$defs/{name}/properties")), taken);
            let inputs: BTreeSet<String> = one.interface().inputs.into_keys().collect();
            assert_eq!(keys(&schema, &format!("/$defs/{name}/properties/with/properties")), inputs);
        }
        assert_eq!(keys(&component(), "/properties"), BTreeSet::from(KEYS.map(str::to_owned)));
    }
}
