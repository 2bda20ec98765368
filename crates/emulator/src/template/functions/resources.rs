//! Functions that name resources and ask about them, and those on parameters, variables and loops.

use serde_json::{Value, json};

use super::super::evaluate::{Evaluated, Evaluator, Failure};
use super::{Function, MANY, asking};

pub(super) const TABLE: &[Function] = &[
    asking("parameters", (1, 1), |evaluator, arguments| {
        let name = text(arguments, 0, "parameters")?;
        let value = evaluator.parameters.get(&name.to_ascii_lowercase());
        value.cloned().ok_or_else(|| format!("The template parameter '{name}' is not found.").into())
    }),
    asking("variables", (1, 1), |evaluator, arguments| evaluator.variable(text(arguments, 0, "variables")?)),
    asking("copyIndex", (0, 2), copy_index),
    asking("subscription", (0, 0), |evaluator, _| object(evaluator, "subscription")),
    asking("resourceGroup", (0, 0), |evaluator, _| object(evaluator, "resourceGroup")),
    asking("tenant", (0, 0), |evaluator, _| object(evaluator, "tenant")),
    asking("deployment", (0, 0), |evaluator, _| object(evaluator, "deployment")),
    asking("environment", (0, 0), |evaluator, _| object(evaluator, "environment")),
    asking("providers", (1, 2), providers),
    asking("resourceId", (2, MANY), resource_id),
    asking("subscriptionResourceId", (2, MANY), |evaluator, arguments| {
        let (scopes, rest) = split("subscriptionResourceId", arguments, 1)?;
        let own = own_subscription(evaluator)?;
        Ok(json!(format!("/subscriptions/{}{}", scopes.first().unwrap_or(&own.as_str()), rest)))
    }),
    asking("tenantResourceId", (2, MANY), |_, arguments| {
        Ok(json!(split("tenantResourceId", arguments, 0)?.1))
    }),
    asking("extensionResourceId", (3, MANY), |_, arguments| {
        let scope = text(arguments, 0, "extensionResourceId")?;
        let (_, rest) = split("extensionResourceId", &arguments[1..], 0)?;
        Ok(json!(format!("{}{rest}", scope.trim_end_matches('/'))))
    }),
    asking("reference", (1, 3), |evaluator, arguments| {
        let named = text(arguments, 0, "reference")?;
        evaluator.ask(named);
        let body = evaluator.surroundings.resource(named)?;
        let is_full =
            arguments.get(2).and_then(Value::as_str).is_some_and(|full| full.eq_ignore_ascii_case("Full"));
        Ok(if is_full { body } else { body["properties"].clone() })
    }),
];

/// What a `list…` action of a resource answers.
pub(super) fn list(evaluator: &Evaluator, action: &str, arguments: &[Value]) -> Evaluated {
    let body = arguments.get(2).cloned().unwrap_or_default();
    let (named, version) = (text(arguments, 0, action)?, text(arguments, 1, action)?);
    evaluator.ask(named);
    evaluator.surroundings.list(action, named, version, &body)
}

fn text<'a>(arguments: &'a [Value], index: usize, function: &str) -> Evaluated<&'a str> {
    let text = arguments.get(index).and_then(Value::as_str);
    text.ok_or_else(|| {
        Failure::Invalid(format!(
            "The template function '{function}' needs a string as argument {}.",
            index + 1
        ))
    })
}

fn object(evaluator: &Evaluator, name: &str) -> Evaluated {
    evaluator.surroundings.object(name).ok_or_else(|| {
        Failure::Invalid(format!(
            "The template function '{name}' is not valid at the scope of this deployment."
        ))
    })
}

fn own_subscription(evaluator: &Evaluator) -> Evaluated<String> {
    Ok(crate::json::text(&object(evaluator, "subscription")?, "/subscriptionId").to_owned())
}

/// `copyIndex()`, `copyIndex(1)`, `copyIndex('loop')` and `copyIndex('loop', 1)`.
fn copy_index(evaluator: &Evaluator, arguments: &[Value]) -> Evaluated {
    let name = arguments.first().and_then(Value::as_str);
    let offset = arguments.last().and_then(Value::as_i64).unwrap_or(0);
    let index = evaluator.loop_index(name);
    let index = index.ok_or("The template function 'copyIndex' is not expected at this location.")?;
    Ok(json!(index.saturating_add(offset)))
}

fn providers(evaluator: &Evaluator, arguments: &[Value]) -> Evaluated {
    let namespace = text(arguments, 0, "providers")?;
    let provider = evaluator.surroundings.provider(namespace);
    let provider = provider.ok_or_else(|| format!("The resource namespace '{namespace}' is not found."))?;
    if arguments.len() == 1 {
        return Ok(provider);
    }
    let wanted = text(arguments, 1, "providers")?;
    let types = provider["resourceTypes"].as_array();
    let is_it = |known: &&Value| crate::json::text(known, "/resourceType").eq_ignore_ascii_case(wanted);
    let found = types.into_iter().flatten().find(is_it);
    found.cloned().ok_or_else(|| format!("The resource type '{namespace}/{wanted}' is not found.").into())
}

/// With up to two arguments in front: another subscription and group, or another group.
fn resource_id(evaluator: &Evaluator, arguments: &[Value]) -> Evaluated {
    let (scopes, rest) = split("resourceId", arguments, 2)?;
    let own_group = || evaluator.surroundings.object("resourceGroup");
    let scope = match scopes[..] {
        [subscription, group] => format!("/subscriptions/{subscription}/resourceGroups/{group}"),
        // One scope is a group, or a subscription where the template has no group of its own.
        [scope] if own_group().is_none() && uuid::Uuid::try_parse(scope).is_ok() => {
            format!("/subscriptions/{scope}")
        }
        [group] => format!("/subscriptions/{}/resourceGroups/{group}", own_subscription(evaluator)?),
        _ => match own_group() {
            Some(group) => crate::json::text(&group, "/id").to_owned(),
            None => format!("/subscriptions/{}", own_subscription(evaluator)?),
        },
    };
    Ok(json!(format!("{scope}{rest}")))
}

/// The scope arguments before the type, and the end of the id that type and names make.
fn split<'a>(function: &str, arguments: &'a [Value], scopes_max: usize) -> Evaluated<(Vec<&'a str>, String)> {
    let all: Evaluated<Vec<&str>> =
        (0..arguments.len()).map(|index| text(arguments, index, function)).collect();
    let all = all?;
    let at = all.iter().position(|argument| argument.contains('/')).filter(|at| *at <= scopes_max);
    let at = at.ok_or_else(|| {
        format!("The template function '{function}' needs a resource type with its namespace.")
    })?;
    let (namespace, types) = all[at].split_once('/').unwrap_or((all[at], ""));
    let types: Vec<&str> = types.split('/').collect();
    let names = &all[at + 1..];
    if types.len() != names.len() {
        return Err(format!(
            "The template function '{function}' needs as many names as the type '{}' has parts, {}, not {}.",
            all[at],
            types.len(),
            names.len()
        )
        .into());
    }
    let mut rest = format!("/providers/{namespace}");
    for (part, name) in types.iter().zip(names) {
        rest.push_str(&format!("/{part}/{name}"));
    }
    Ok((all[..at].to_vec(), rest))
}
