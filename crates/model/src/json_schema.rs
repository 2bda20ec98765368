//! The JSON Schema of manifests, from the kinds' tables: what editors complete and check against.

use std::collections::BTreeMap;

use serde_json::{Map, json};

use crate::header::{HEADER, Shape};
use crate::kinds::KINDS;
use crate::rule::Rule;
use crate::schema::{Attribute, Default, Kind, Need, Type};
use crate::{Json, body};

/// The dialect that the schemas are written in.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of one manifest document of any kind, or one of the `further` forms that a document may have, by name.
pub fn manifest(further: impl IntoIterator<Item = (String, Json)>) -> Json {
    let written = KINDS.iter().filter(|kind| !kind.is_on_share());
    let kinds = written.map(|kind| (kind.name.to_owned(), document(kind)));
    let definitions: Vec<(String, Json)> = kinds.chain(further).collect();
    let each: Vec<Json> =
        definitions.iter().map(|(name, _)| json!({ "$ref": format!("#/$defs/{name}") })).collect();
    json!({
        "$schema": DIALECT,
        "title": "plumb manifest",
        "description": "One YAML document: one resource, or one use of a component.",
        "type": "object",
        "oneOf": each,
        "$defs": definitions.into_iter().collect::<Map<_, _>>(),
    })
}

/// The schema of a header key.
pub fn header_key(path: &str) -> Option<Json> {
    let key = crate::header::find(path)?;
    Some(described(header_value(key.shape), key.doc))
}

/// The schema of a kind's documents.
fn document(kind: &Kind) -> Json {
    let mut root = Group::default();
    for key in HEADER {
        root.insert(key.path, described(header_value(key.shape), key.doc), false);
    }
    root.insert("kind", json!({ "const": kind.name, "description": "What the document describes." }), true);
    root.insert("name", json!({ "type": "string", "description": "The resource's name in Azure." }), true);
    root.insert("$schema", json!({ "type": "string" }), false);
    for attribute in kind.attributes.iter().filter(|a| !a.derived) {
        root.insert(
            attribute.path,
            attribute_value(attribute),
            attribute.need == Need::Required && attribute.when.is_none(),
        );
    }
    for (old, path) in kind.aliases {
        if let Some(attribute) = kind.attribute(path) {
            let mut value = attribute_value(attribute);
            value["deprecated"] = json!(true);
            root.insert(old, value, false);
        }
    }
    described(root.json(false), kind.summary)
}

/// An object's keys while they are gathered from dotted paths.
#[derive(Default)]
struct Group {
    values: BTreeMap<String, Json>,
    groups: BTreeMap<String, Group>,
    required: Vec<String>,
}

impl Group {
    fn insert(&mut self, path: &str, value: Json, required: bool) {
        match path.split_once('.') {
            Some((head, rest)) => {
                let with_group = required || value.get("x-required-with-group").is_some();
                self.groups.entry(head.to_owned()).or_default().insert(rest, value, with_group);
            }
            None => {
                let mut value = value;
                if let Some(object) = value.as_object_mut() {
                    object.remove("x-required-with-group");
                }
                if required && !self.required.iter().any(|r| r == path) {
                    self.required.push(path.to_owned());
                }
                self.values.insert(path.to_owned(), value);
            }
        }
    }

    /// The schema of a mapping with these keys. Inside a list groups may be `computed`: expressions as a whole.
    fn json(self, computed: bool) -> Json {
        let mut properties: Map<String, Json> = self.values.into_iter().collect();
        for (name, group) in self.groups {
            let nested = group.json(computed);
            let nested = if computed { json!({ "anyOf": [nested, expression()] }) } else { nested };
            // One key may be a text in one member of a union and a mapping in another.
            let either = match properties.remove(&name) {
                Some(leaf) => {
                    let mut either = described(nested, leaf["description"].as_str().unwrap_or_default());
                    either["type"] = json!(["string", "object"]);
                    either
                }
                None => nested,
            };
            properties.insert(name, either);
        }
        let mut value = json!({ "type": "object", "additionalProperties": false, "properties": properties });
        if !self.required.is_empty() {
            value["required"] = json!(self.required);
        }
        value
    }
}

fn attribute_value(attribute: &Attribute) -> Json {
    let mut value = described(type_value(attribute), attribute.doc);
    let default = body::default_of(attribute).filter(|_| attribute.default != Default::None);
    if let Some(default) = default {
        value["default"] = default;
    }
    if attribute.need == Need::WithGroup {
        value["x-required-with-group"] = json!(true);
    }
    value
}

/// Every value may also be an expression, which is text.
fn type_value(attribute: &Attribute) -> Json {
    let value = plain_value(&attribute.value, attribute.rules);
    match attribute.value {
        Type::String
        | Type::Duration(_)
        | Type::Reference(_)
        | Type::Script
        | Type::Scalar
        | Type::Quantity
        | Type::Anything => value,
        _ => json!({ "anyOf": [value, expression()] }),
    }
}

fn plain_value(value_type: &Type, rules: &[Rule]) -> Json {
    match value_type {
        Type::String => text(rules),
        Type::Reference(_) => json!({ "type": "string" }),
        Type::Integer => number(rules),
        Type::Boolean => json!({ "type": "boolean" }),
        Type::Duration(_) => json!({ "type": ["integer", "string"] }),
        Type::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Type::Quantity => json!({ "type": ["string", "number"] }),
        Type::Anything => json!({}),
        Type::Enum(variants) => {
            let mut words: Vec<&str> = variants.iter().map(|v| v.yaml).collect();
            words.dedup();
            json!({ "enum": words })
        }
        Type::List(element) => {
            let mut value = json!({ "type": "array", "items": element_value(element) });
            for rule in rules {
                if let Rule::Length(_, high) = rule {
                    value["maxItems"] = json!(high);
                }
            }
            value
        }
        Type::Map(element) => json!({ "type": "object", "additionalProperties": element_value(element) }),
        Type::Object(fields) => object(fields),
        Type::Script => json!({
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "path": { "type": "string", "description": "The script's path on the workspace's file share." },
                        "command": { "type": "string", "description": "Its arguments." },
                        "timeout_minutes": { "type": ["integer", "string"], "description": "How long it may run." },
                    },
                },
            ],
        }),
    }
}

/// Lists of references also take az ml's `resource_id` mappings.
fn element_value(element: &Type) -> Json {
    match element {
        Type::Reference(_) => json!({
            "anyOf": [
                { "type": "string" },
                { "type": "object", "properties": { "resource_id": { "type": "string" } }, "required": ["resource_id"] },
            ],
        }),
        Type::Enum(_) | Type::Integer | Type::Boolean | Type::Object(_) => {
            json!({ "anyOf": [plain_value(element, &[]), expression()] })
        }
        _ => plain_value(element, &[]),
    }
}

fn object(fields: &[Attribute]) -> Json {
    let mut root = Group::default();
    for field in fields.iter().filter(|f| !f.derived) {
        root.insert(field.path, attribute_value(field), field.need == Need::Required && field.when.is_none());
    }
    root.json(true)
}

fn text(rules: &[Rule]) -> Json {
    let mut value = json!({ "type": "string" });
    for rule in rules {
        if let Rule::Length(_, high) = rule {
            value["maxLength"] = json!(high);
        }
    }
    value
}

fn number(rules: &[Rule]) -> Json {
    let mut value = json!({ "type": "integer" });
    for rule in rules {
        if let Rule::Between(low, high) = rule {
            value["minimum"] = json!(low);
            value["maximum"] = json!(high);
        }
    }
    value
}

fn header_value(shape: Shape) -> Json {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    match shape {
        Shape::Text => text,
        Shape::Boolean => json!({ "anyOf": [{ "type": "boolean" }, expression()] }),
        Shape::Texts => texts,
        Shape::TextOrTexts => json!({ "anyOf": [text, texts] }),
        Shape::TextsByKey => {
            let either = json!({ "anyOf": [text, texts] });
            json!({ "anyOf": [text, texts, { "type": "object", "additionalProperties": either }] })
        }
        Shape::Collection => json!({ "anyOf": [{ "type": "object" }, { "type": "array" }, expression()] }),
        Shape::TrueOrId => json!({ "anyOf": [{ "const": true }, { "type": "string" }] }),
    }
}

/// A value that is an expression alone.
pub fn expression() -> Json {
    json!({ "type": "string", "pattern": "^\\$\\{.*\\}$" })
}

fn described(mut value: Json, words: &str) -> Json {
    value["description"] = json!(words);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_attribute_is_described() {
        let schema = manifest([]);
        for kind in KINDS.into_iter().filter(|kind| !kind.is_on_share()) {
            let document = &schema["$defs"][kind.name];
            assert!(document["description"].is_string(), "{}", kind.name);
            for attribute in kind.attributes.iter().filter(|a| !a.derived) {
                let pointer =
                    format!("/properties/{}/description", attribute.path.replace('.', "/properties/"));
                assert!(document.pointer(&pointer).is_some(), "{}.{}", kind.name, attribute.path);
            }
        }
    }
}
