//! The few things the emulator does to JSON trees, each by JSON pointer or by whole-tree rule.

use serde_json::{Map, Value};

static NULL: Value = Value::Null;

/// The value at a JSON pointer; null when there is none.
pub(crate) fn at<'a>(tree: &'a Value, pointer: &str) -> &'a Value {
    tree.pointer(pointer).unwrap_or(&NULL)
}

/// The text at a JSON pointer; empty when there is none.
pub(crate) fn text<'a>(tree: &'a Value, pointer: &str) -> &'a str {
    at(tree, pointer).as_str().unwrap_or("")
}

/// Puts a value at a JSON pointer, making the objects on the way.
pub(crate) fn set(tree: &mut Value, pointer: &str, value: Value) {
    let mut place = tree;
    for key in pointer.split('/').skip(1) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(map) = place else { return };
        place = map.entry(key).or_insert(Value::Null);
    }
    *place = value;
}

/// Takes away what is at a JSON pointer.
pub(crate) fn remove(tree: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, key) = pointer.rsplit_once('/')?;
    tree.pointer_mut(parent)?.as_object_mut()?.remove(key)
}

/// Lays `upper` over `tree`: objects mix, anything else in `upper` wins, null included.
pub(crate) fn overlay(tree: &mut Value, upper: &Value) {
    match (tree, upper) {
        (Value::Object(tree), Value::Object(upper)) => {
            for (key, value) in upper {
                overlay(tree.entry(key).or_insert(Value::Null), value);
            }
        }
        (tree, upper) => *tree = upper.clone(),
    }
}

/// Fills what is absent or null in `tree` from `defaults`; an explicit null default only makes the key present.
pub(crate) fn fill(tree: &mut Value, defaults: &Value) {
    match (tree, defaults) {
        (Value::Object(tree), Value::Object(defaults)) => {
            for (key, value) in defaults {
                fill(tree.entry(key).or_insert(Value::Null), value);
            }
        }
        (tree @ Value::Null, defaults) => *tree = defaults.clone(),
        _ => {}
    }
}

/// Turns text into the truth that it stands for, wherever `defaults` has a boolean; templates write `"false"`.
pub(crate) fn read_truth(tree: &mut Value, defaults: &Value) {
    if let (Value::Object(tree), Value::Object(defaults)) = (&mut *tree, defaults) {
        for (key, value) in tree {
            read_truth(value, defaults.get(key).unwrap_or(&NULL));
        }
        return;
    }
    let Some(text) = tree.as_str().filter(|_| defaults.is_boolean()) else { return };
    match text.to_ascii_lowercase().as_str() {
        "" => *tree = Value::Null,
        "true" => *tree = Value::Bool(true),
        "false" => *tree = Value::Bool(false),
        _ => {}
    }
}

/// Gives keys at any depth the casing of `names`, where they differ in nothing else.
pub(crate) fn respell(tree: &mut Value, names: &[&str]) {
    match tree {
        _ if names.is_empty() => {}
        Value::Array(items) => items.iter_mut().for_each(|item| respell(item, names)),
        Value::Object(map) => {
            let spelled = |key: String| {
                names
                    .iter()
                    .find(|name| name.eq_ignore_ascii_case(&key))
                    .map_or(key, |name| (*name).to_owned())
            };
            *map = std::mem::take(map).into_iter().map(|(key, value)| (spelled(key), value)).collect();
            map.values_mut().for_each(|value| respell(value, names));
        }
        _ => {}
    }
}

/// JSON merge patch, RFC 7396: null removes a key.
pub(crate) fn merge_patch(tree: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *tree = patch.clone();
        return;
    };
    if !tree.is_object() {
        *tree = Value::Object(Map::new());
    }
    let Value::Object(tree) = tree else { return };
    for (key, value) in patch {
        if value.is_null() {
            tree.remove(key);
        } else {
            merge_patch(tree.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// Calls `change` with every value that a pointer reaches; `*` stands for each element or member.
pub(crate) fn for_each(tree: &mut Value, pattern: &str, change: &mut dyn FnMut(&mut Value)) {
    let Some(rest) = pattern.strip_prefix('/') else {
        return change(tree);
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (key, rest) = rest.split_at(end);
    match tree {
        Value::Array(items) if key == "*" => items.iter_mut().for_each(|item| for_each(item, rest, change)),
        Value::Object(map) if key == "*" => map.values_mut().for_each(|item| for_each(item, rest, change)),
        Value::Object(map) => {
            if let Some(value) = map.get_mut(key) {
                for_each(value, rest, change);
            }
        }
        _ => {}
    }
}

/// Takes every null out of a tree's objects, at any depth.
pub(crate) fn drop_nulls(tree: &mut Value) {
    match tree {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Every value that a pointer reaches, in order; `*` stands for each element or member.
pub(crate) fn every<'a>(tree: &'a Value, pattern: &str) -> Vec<&'a Value> {
    let mut found = vec![tree];
    for key in pattern.split('/').skip(1) {
        found = found
            .into_iter()
            .flat_map(|value| match value {
                Value::Array(items) if key == "*" => items.iter().collect(),
                Value::Object(map) if key == "*" => map.values().collect(),
                Value::Object(map) => map.get(key).into_iter().collect(),
                _ => Vec::new(),
            })
            .collect();
    }
    found
}

/// The place in a list of named things where the name stands, compared without case.
pub(crate) fn position(list: &[Value], name: &str) -> Option<usize> {
    list.iter().position(|item| text(item, "/name").eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn overlay_keeps_nulls_and_fill_replaces_them() {
        let mut tree = json!({"a": 1, "b": {"c": 2}});
        overlay(&mut tree, &json!({"a": null, "b": {"d": 3}}));
        assert_eq!(tree, json!({"a": null, "b": {"c": 2, "d": 3}}));
        fill(&mut tree, &json!({"a": 7, "b": {"c": 9}}));
        assert_eq!(tree, json!({"a": 7, "b": {"c": 2, "d": 3}}));
    }

    #[test]
    fn keys_are_respelled_at_any_depth_and_values_are_not() {
        let mut tree = json!({"FOO": [{"bar": "foo"}], "baz": 1});
        respell(&mut tree, &["foo", "Bar"]);
        assert_eq!(tree, json!({"foo": [{"Bar": "foo"}], "baz": 1}));
    }

    #[test]
    fn text_becomes_truth_where_the_default_is_one() {
        let mut tree = json!({"a": "False", "b": {"c": "true", "d": "true"}, "e": "", "f": "maybe"});
        read_truth(&mut tree, &json!({"a": true, "b": {"c": false, "d": ""}, "e": false, "f": false}));
        assert_eq!(tree, json!({"a": false, "b": {"c": true, "d": "true"}, "e": null, "f": "maybe"}));
    }

    #[test]
    fn a_star_reaches_every_element() {
        let mut tree = json!({"list": [{"x": 1}, {"x": 2}, {}]});
        for_each(&mut tree, "/list/*/x", &mut |value| *value = json!(0));
        assert_eq!(tree, json!({"list": [{"x": 0}, {"x": 0}, {}]}));
        assert_eq!(every(&tree, "/list/*/x"), [&json!(0), &json!(0)]);
        assert_eq!(every(&tree, "/none/*/x"), Vec::<&Value>::new());
    }
}
