//! What a deployment is given: checked against the template's declarations, completed by their defaults.
//!
//! Secure values are kept apart from the others from here on; nothing that is shown holds them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::evaluate::{Evaluated, Evaluator, Failure, Surroundings};

/// A type of parameters and outputs.
#[derive(Clone, Copy)]
pub(crate) struct Type {
    /// As replies spell it.
    pub(crate) name: &'static str,
    /// Whether values of it are never shown.
    pub(crate) is_secure: bool,
    holds: fn(&Value) -> bool,
}

const TYPES: [Type; 7] = [
    Type { name: "String", is_secure: false, holds: Value::is_string },
    Type { name: "SecureString", is_secure: true, holds: Value::is_string },
    Type { name: "Int", is_secure: false, holds: Value::is_i64 },
    Type { name: "Bool", is_secure: false, holds: Value::is_boolean },
    Type { name: "Object", is_secure: false, holds: Value::is_object },
    Type { name: "SecureObject", is_secure: true, holds: Value::is_object },
    Type { name: "Array", is_secure: false, holds: Value::is_array },
];

/// The parameters of one deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Parameters {
    /// Values by lower-case name, secure ones excepted.
    pub(crate) plain: BTreeMap<String, Value>,
    /// Secure values by lower-case name.
    pub(crate) secure: BTreeMap<String, Value>,
    /// As a deployment shows them: type and value, or the type alone.
    pub(crate) shown: Value,
}

impl Parameters {
    /// All values by lower-case name.
    pub(crate) fn values(&self) -> BTreeMap<String, Value> {
        self.plain.iter().chain(&self.secure).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// The type of a declaration, which may come from the template's definitions.
pub(crate) fn type_of(template: &Value, name: &str, declaration: &Value) -> Evaluated<Type> {
    let mut declaration = declaration;
    for _ in 0..8 {
        let Some(reference) = declaration["$ref"].as_str() else { break };
        declaration = crate::json::at(template, reference.trim_start_matches('#'));
    }
    let wanted = declaration["type"].as_str().unwrap_or("");
    let known = TYPES.into_iter().find(|known| known.name.eq_ignore_ascii_case(wanted));
    known.ok_or_else(|| Failure::Invalid(format!("The type '{wanted}' of '{name}' is not valid.")))
}

/// The parameters that a template gets from what was given; null is as good as not given.
pub(crate) fn settle(
    template: &Value,
    given: &Value,
    surroundings: &dyn Surroundings,
) -> Evaluated<Parameters> {
    let declared = template["parameters"].as_object().cloned().unwrap_or_default();
    refuse_unknown(&declared, given)?;
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    let mut defaults: Vec<(&String, &Value)> = Vec::new();
    for (name, declaration) in &declared {
        match (given_value(given, name)?, declaration.get("defaultValue")) {
            (Some(value), _) => drop(values.insert(name.to_ascii_lowercase(), value)),
            (None, Some(default)) => defaults.push((name, default)),
            (None, None) if declaration["nullable"] == true => {
                values.insert(name.to_ascii_lowercase(), Value::Null);
            }
            (None, None) => {
                return Err(format!(
                    "The value for the template parameter '{name}' is not provided. \
                     Please see https://aka.ms/arm-create-parameter-file for usage details."
                )
                .into());
            }
        }
    }
    fill(template, &mut values, defaults, surroundings)?;
    let mut parameters = Parameters { shown: json!({}), ..Parameters::default() };
    for (name, declaration) in &declared {
        let kind = type_of(template, name, declaration)?;
        let value = values.remove(&name.to_ascii_lowercase()).unwrap_or_default();
        check(name, kind, declaration, &value)?;
        parameters.shown[name] = shown(kind, &value);
        let place = if kind.is_secure { &mut parameters.secure } else { &mut parameters.plain };
        place.insert(name.to_ascii_lowercase(), value);
    }
    Ok(parameters)
}

/// A value with its type, or the type alone where the value is secret.
pub(crate) fn shown(kind: Type, value: &Value) -> Value {
    if kind.is_secure { json!({ "type": kind.name }) } else { json!({ "type": kind.name, "value": value }) }
}

/// Takes the secure values out of a deployment's request, at any depth, for whoever writes it down.
pub(crate) fn redact(body: &mut Value) {
    if let Some(template) = body.get("template").cloned() {
        let declared = template["parameters"].as_object();
        for (name, declaration) in declared.into_iter().flatten() {
            if !type_of(&template, name, declaration).is_ok_and(|kind| kind.is_secure) {
                continue;
            }
            crate::json::remove(body, &format!("/template/parameters/{name}/defaultValue"));
            let given = body["parameters"].as_object_mut();
            given.into_iter().flatten().filter(|(key, _)| key.eq_ignore_ascii_case(name)).for_each(
                |(_, value)| {
                    *value = json!("(removed)");
                },
            );
        }
    }
    match body {
        Value::Object(map) => map.values_mut().for_each(redact),
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

fn refuse_unknown(declared: &serde_json::Map<String, Value>, given: &Value) -> Evaluated<()> {
    let is_known = |name: &String| declared.keys().any(|known| known.eq_ignore_ascii_case(name));
    match given.as_object().into_iter().flatten().find(|(name, _)| !is_known(name)) {
        None => Ok(()),
        Some((unknown, _)) => {
            let known: Vec<&str> = declared.keys().map(String::as_str).collect();
            Err(format!(
                "The template parameter '{unknown}' is not in the template and can therefore not be provided. \
                 The only supported parameters for this template are '{}'.",
                known.join(", ")
            )
            .into())
        }
    }
}

fn given_value(given: &Value, name: &str) -> Evaluated<Option<Value>> {
    let entries = given.as_object();
    let entry = entries.into_iter().flatten().find(|(key, _)| key.eq_ignore_ascii_case(name));
    match entry {
        None | Some((_, Value::Null)) => Ok(None),
        Some((_, entry)) if entry.get("reference").is_some() => Err(format!(
            "The template parameter '{name}' refers to a key vault, and the emulator's have no secrets."
        )
        .into()),
        Some((_, entry)) if entry.is_object() => {
            Ok(entry.get("value").filter(|value| !value.is_null()).cloned())
        }
        Some(_) => Err(format!("The template parameter '{name}' must be an object with 'value'.").into()),
    }
}

/// Computes defaults, which may ask for other parameters in any order: those that can be computed first go first.
fn fill(
    template: &Value,
    values: &mut BTreeMap<String, Value>,
    mut open: Vec<(&String, &Value)>,
    surroundings: &dyn Surroundings,
) -> Evaluated<()> {
    while !open.is_empty() {
        let mut failure = None;
        let mut still_open = Vec::new();
        let before = open.len();
        for (name, default) in open {
            let mut evaluator = Evaluator::new(template, values, surroundings);
            evaluator.in_default = true;
            match evaluator.tree(default) {
                Ok(value) => drop(values.insert(name.to_ascii_lowercase(), value)),
                Err(problem) => {
                    still_open.push((name, default));
                    failure.get_or_insert(problem);
                }
            }
        }
        match failure {
            Some(Failure::Later) if still_open.len() == before => {
                return Err(
                    "The function 'reference' is not expected in a default value of a parameter.".into()
                );
            }
            Some(failure) if still_open.len() == before => return Err(failure),
            _ => open = still_open,
        }
    }
    Ok(())
}

fn check(name: &str, kind: Type, declaration: &Value, value: &Value) -> Evaluated<()> {
    if value.is_null() && declaration["nullable"] == true {
        return Ok(());
    }
    if !(kind.holds)(value) {
        let expected = kind.name;
        return Err(format!(
            "The value of the template parameter '{name}' is not valid: expected type '{expected}'."
        )
        .into());
    }
    if let Some(allowed) = declaration["allowedValues"].as_array() {
        let each_is = |items: &Vec<Value>| items.iter().all(|item| allowed.contains(item));
        if !allowed.contains(value) && !value.as_array().is_some_and(each_is) {
            let allowed: Vec<String> = allowed
                .iter()
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                .collect();
            let sent = if kind.is_secure { "(secure)".to_owned() } else { value.to_string() };
            return Err(format!(
                "The provided value {sent} for the template parameter '{name}' is not valid. The parameter value is not \
                 part of the allowed value(s): '{}'.",
                allowed.join(",")
            )
            .into());
        }
    }
    let length = match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        _ => None,
    };
    let length = length.and_then(|length| i64::try_from(length).ok());
    bounded(name, "value", declaration, ("minValue", "maxValue"), value.as_i64())?;
    bounded(name, "length", declaration, ("minLength", "maxLength"), length)
}

fn bounded(
    name: &str,
    what: &str,
    declaration: &Value,
    limits: (&str, &str),
    number: Option<i64>,
) -> Evaluated<()> {
    let Some(number) = number else { return Ok(()) };
    let is_below = declaration[limits.0].as_i64().is_some_and(|least| number < least);
    let is_above = declaration[limits.1].as_i64().is_some_and(|most| number > most);
    if is_below || is_above {
        let limit = if is_below { limits.0 } else { limits.1 };
        return Err(format!(
            "The {what} of the template parameter '{name}' is not valid: '{limit}' is {}.",
            declaration[limit]
        )
        .into());
    }
    Ok(())
}
