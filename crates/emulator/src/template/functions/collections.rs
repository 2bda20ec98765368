//! Functions on arrays and objects, and those that take text as well.

use serde_json::{Map, Value, json};

use super::{Function, MANY, array_at, count_at, number_at, plain, text_at, wanted};

/// ARM's own limit for `range`.
const RANGE_MAX: usize = 10_000;

pub(super) const TABLE: &[Function] = &[
    plain("array", (1, 1), |arguments| match &arguments[0] {
        Value::Array(items) => Ok(json!(items)),
        value => Ok(json!([value])),
    }),
    plain("createArray", (0, MANY), |arguments| Ok(json!(arguments))),
    plain("createObject", (0, MANY), |arguments| {
        let mut map = Map::new();
        for pair in 0..arguments.len().div_ceil(2) {
            let value = arguments.get(2 * pair + 1).ok_or("needs a value for each key")?;
            map.insert(text_at(arguments, 2 * pair)?.to_owned(), value.clone());
        }
        Ok(Value::Object(map))
    }),
    plain("json", (1, 1), |arguments| {
        serde_json::from_str(text_at(arguments, 0)?).map_err(|_| wanted(0, "text in JSON"))
    }),
    plain("empty", (1, 1), |arguments| Ok(json!(arguments[0].is_null() || length(&arguments[0])? == 0))),
    plain("length", (1, 1), |arguments| Ok(json!(length(&arguments[0])?))),
    plain("contains", (2, 2), |arguments| match &arguments[0] {
        Value::Array(items) => Ok(json!(items.contains(&arguments[1]))),
        Value::Object(map) => {
            let name = text_at(arguments, 1)?;
            Ok(json!(map.keys().any(|key| key.eq_ignore_ascii_case(name))))
        }
        Value::String(text) => Ok(json!(text.contains(text_at(arguments, 1)?))),
        _ => Err(wanted(0, "an array, an object or text")),
    }),
    plain("first", (1, 1), |arguments| match &arguments[0] {
        Value::String(text) => Ok(json!(text.chars().next().map(String::from).unwrap_or_default())),
        _ => Ok(array_at(arguments, 0)?.first().cloned().unwrap_or_default()),
    }),
    plain("last", (1, 1), |arguments| match &arguments[0] {
        Value::String(text) => Ok(json!(text.chars().last().map(String::from).unwrap_or_default())),
        _ => Ok(array_at(arguments, 0)?.last().cloned().unwrap_or_default()),
    }),
    plain("take", (2, 2), |arguments| part(arguments, |length, count| (0, count.min(length)))),
    plain("skip", (2, 2), |arguments| part(arguments, |length, count| (count.min(length), length))),
    plain("range", (2, 2), |arguments| {
        let (start, count) = (number_at(arguments, 0)?, count_at(arguments, 1)?);
        let end = i64::try_from(count).ok().and_then(|count| start.checked_add(count));
        match end.filter(|_| count <= RANGE_MAX) {
            Some(end) => Ok(json!((start..end).collect::<Vec<i64>>())),
            None => Err(wanted(1, "a count of at most 10000")),
        }
    }),
    plain("min", (1, MANY), |arguments| Ok(json!(numbers(arguments)?.into_iter().min()))),
    plain("max", (1, MANY), |arguments| Ok(json!(numbers(arguments)?.into_iter().max()))),
    plain("items", (1, 1), |arguments| {
        let map = arguments[0].as_object().ok_or_else(|| wanted(0, "an object"))?;
        Ok(map.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect())
    }),
    plain("objectKeys", (1, 1), |arguments| {
        let map = arguments[0].as_object().ok_or_else(|| wanted(0, "an object"))?;
        Ok(json!(map.keys().collect::<Vec<_>>()))
    }),
    plain("union", (1, MANY), union),
    plain("intersection", (2, MANY), intersection),
];

fn length(value: &Value) -> Result<usize, String> {
    match value {
        Value::Array(items) => Ok(items.len()),
        Value::Object(map) => Ok(map.len()),
        Value::String(text) => Ok(text.chars().count()),
        _ => Err(wanted(0, "an array, an object or text")),
    }
}

/// The elements or characters between two places, which follow from the length and the second argument.
fn part(arguments: &[Value], between: fn(usize, usize) -> (usize, usize)) -> Result<Value, String> {
    let length = length(&arguments[0])?;
    // A negative count takes and skips nothing.
    let count = usize::try_from(number_at(arguments, 1)?).unwrap_or(0);
    let (from, to) = between(length, count);
    match &arguments[0] {
        Value::String(text) => Ok(json!(text.chars().skip(from).take(to - from).collect::<String>())),
        _ => Ok(json!(array_at(arguments, 0)?[from..to])),
    }
}

fn numbers(arguments: &[Value]) -> Result<Vec<i64>, String> {
    let items = match arguments {
        [Value::Array(items)] => items,
        several => several,
    };
    let numbers: Option<Vec<i64>> = items.iter().map(Value::as_i64).collect();
    numbers.filter(|numbers| !numbers.is_empty()).ok_or_else(|| wanted(0, "whole numbers"))
}

/// Objects mix, and the later one wins; arrays keep each element once.
fn union(arguments: &[Value]) -> Result<Value, String> {
    if arguments.iter().all(Value::is_object) {
        let mut result = json!({});
        arguments.iter().for_each(|value| crate::json::overlay(&mut result, value));
        return Ok(result);
    }
    let mut items: Vec<Value> = Vec::new();
    for index in 0..arguments.len() {
        for item in array_at(arguments, index)? {
            if !items.contains(item) {
                items.push(item.clone());
            }
        }
    }
    Ok(Value::Array(items))
}

fn intersection(arguments: &[Value]) -> Result<Value, String> {
    let (first, others) = arguments.split_first().ok_or("needs arguments")?;
    if let Value::Object(map) = first {
        let is_common =
            |key: &String, value: &Value| others.iter().all(|other| other.get(key) == Some(value));
        let common = map.iter().filter(|(key, value)| is_common(key, value));
        return Ok(Value::Object(common.map(|(key, value)| (key.clone(), value.clone())).collect()));
    }
    for index in 0..arguments.len() {
        array_at(arguments, index)?;
    }
    let has = |other: &Value, item: &Value| other.as_array().is_some_and(|other| other.contains(item));
    let common = array_at(arguments, 0)?.iter().filter(|item| others.iter().all(|other| has(other, item)));
    Ok(common.cloned().collect())
}
