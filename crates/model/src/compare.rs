//! Normal forms: two values are equal when their normal forms are the same JSON.
//!
//! ARM rewrites what it is given: sizes in upper case, other casing in ids, lists in another order,
//! durations in other words (machine-learning facts §8). Desired, applied and live values all go
//! through [`normal`] before they are compared, so that only real differences are left.

use crate::body::encode;
use crate::schema::{Action, Attribute, Change, Compare, Type};
use crate::{Json, duration, image};

/// Whether two known values of one attribute are the same; absent and null are the same.
pub fn same(attribute: &Attribute, a: Option<&Json>, b: Option<&Json>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) if a == b => true,
        (a, b) => normal_or_absent(attribute, a) == normal_or_absent(attribute, b),
    }
}

fn normal_or_absent(attribute: &Attribute, value: Option<&Json>) -> Option<Json> {
    let value = value.filter(|v| !v.is_null()).map(|v| normal(attribute, v))?;
    let empty = match &value {
        Json::Object(map) => map.is_empty(),
        Json::Array(list) => list.is_empty(),
        Json::String(text) if attribute.compare == Compare::NoneIsAbsent => {
            return (text != "none").then_some(value);
        }
        Json::String(text) => text.is_empty(),
        _ => false,
    };
    let empty_is_absent = attribute.compare == Compare::EmptyIsAbsent
        || matches!(attribute.value, Type::List(_) | Type::Map(_));
    (!(empty && empty_is_absent)).then_some(value)
}

/// The form in which equal values are the same JSON.
pub fn normal(attribute: &Attribute, value: &Json) -> Json {
    let mut normal = normal_value(&attribute.value, attribute.compare, value);
    if let Json::Array(list) = &mut normal {
        list.retain(|element| !is_to_go(attribute, element));
    }
    normal
}

/// Whether an element of a list says of itself that it is not to be there: `mount_action: unmount`.
fn is_to_go(attribute: &Attribute, element: &Json) -> bool {
    let Change::Action(Action { removal: Some(removal), .. }) = attribute.change else { return false };
    let Type::List(Type::Object(fields)) = attribute.value else { return false };
    let Some(field) = fields.iter().find(|f| f.arm == removal.key) else { return false };
    get(element, field.path).is_some_and(|word| encode(field, word) == removal.word)
}

fn normal_value(value_type: &Type, compare: Compare, value: &Json) -> Json {
    match (value_type, value) {
        (Type::List(element), Json::Array(list)) => {
            let mut list: Vec<Json> =
                list.iter().map(|v| normal_value(element, inner(compare, element), v)).collect();
            if compare == Compare::Set {
                list.sort_by_cached_key(Json::to_string);
                list.dedup();
            }
            Json::Array(list)
        }
        (Type::Map(element), Json::Object(map)) => {
            map.iter().map(|(k, v)| (k.clone(), normal_value(element, Compare::Exact, v))).collect()
        }
        (Type::Object(fields), Json::Object(_)) => normal_object(fields, value),
        (Type::Duration(_), _) => seconds_of(value_type, value).map_or_else(|| value.clone(), Json::from),
        (_, Json::String(text)) => Json::String(normal_text(value_type, compare, text)),
        _ => value.clone(),
    }
}

/// What the elements of a list compare by.
fn inner(compare: Compare, element: &Type) -> Compare {
    match (compare, element) {
        (_, Type::Reference(_)) => Compare::ArmId,
        (Compare::Set | Compare::Exact, Type::Enum(_)) => Compare::CaseInsensitive,
        _ => Compare::Exact,
    }
}

fn normal_object(fields: &[Attribute], value: &Json) -> Json {
    let mut out = Json::Object(Default::default());
    for field in fields {
        if let Some(found) = get(value, field.path)
            && let Some(normal) = normal_or_absent(field, Some(found))
        {
            set(&mut out, field.path, normal);
        }
    }
    out
}

fn normal_text(value_type: &Type, compare: Compare, text: &str) -> String {
    match compare {
        Compare::CaseInsensitive | Compare::NoneIsAbsent | Compare::ArmId => text.to_ascii_lowercase(),
        Compare::Location => fold_location(text),
        Compare::Image => image::canonical(text).unwrap_or_else(|| text.to_owned()).to_ascii_lowercase(),
        Compare::SshKey => text.split_whitespace().take(2).collect::<Vec<_>>().join(" "),
        Compare::Exact | Compare::Set | Compare::EmptyIsAbsent | Compare::Given | Compare::Unseen => {
            match value_type {
                Type::Enum(_) | Type::Reference(_) => text.to_ascii_lowercase(),
                _ => text.to_owned(),
            }
        }
    }
}

/// `West Europe` and `westeurope` are one region (arm-faults §6).
pub fn fold_location(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// The seconds of a known duration value: a number of its unit, or text.
pub fn seconds_of(value_type: &Type, value: &Json) -> Option<u64> {
    let Type::Duration(unit) = value_type else {
        return None;
    };
    match value {
        Json::Number(number) => number.as_u64()?.checked_mul(unit.seconds()),
        Json::String(text) => duration::parse_seconds(text),
        _ => None,
    }
}

/// The value at a dotted path; null counts as absent.
pub fn get<'a>(value: &'a Json, path: &str) -> Option<&'a Json> {
    let found = path.split('.').try_fold(value, |at, key| at.get(key))?;
    (!found.is_null()).then_some(found)
}

/// Puts a value at a dotted path, making objects on the way.
pub fn set(root: &mut Json, path: &str, value: Json) {
    let mut at = root;
    for key in path.split('.') {
        if !at.is_object() {
            *at = Json::Object(Default::default());
        }
        let map = at.as_object_mut().expect("BUG: just made an object");
        at = map.entry(key).or_insert(Json::Null);
    }
    *at = value;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds;

    fn equal(kind: &str, path: &str, a: Json, b: Json) -> bool {
        let attribute = kinds::find(kind).and_then(|k| k.attribute(path)).expect("an attribute");
        same(attribute, Some(&a), Some(&b))
    }

    #[test]
    fn what_the_service_rewrites_is_equal() {
        assert!(equal("cluster", "size", json!("Standard_DS3_v2"), json!("STANDARD_DS3_V2")));
        assert!(equal("cluster", "location", json!("West Europe"), json!("westeurope")));
        assert!(equal("cluster", "idle_time_before_scale_down", json!(120), json!("PT2M")));
        assert!(equal(
            "cluster",
            "ssh_settings.ssh_key_value",
            json!("ssh-ed25519 AAAA me@here"),
            json!("ssh-ed25519 AAAA")
        ));
        assert!(equal(
            "workspace",
            "key_vault",
            json!("/subscriptions/s/x/Microsoft.KeyVault/v"),
            json!("/subscriptions/s/x/Microsoft.Keyvault/v")
        ));
        assert!(equal(
            "cluster",
            "identity.user_assigned_identities",
            json!(["/A", "/b"]),
            json!(["/B", "/a"])
        ));
    }

    #[test]
    fn what_is_asked_to_go_is_as_good_as_absent() {
        let mounts = kinds::find("instance").and_then(|k| k.attribute("data_mounts")).expect("data mounts");
        let gone = json!([{"mount_name": "a", "source": "x", "mount_action": "unmount"}]);
        let stays = json!([{"mount_name": "a", "source": "x", "mount_action": "mount"}]);
        assert!(same(mounts, Some(&gone), None));
        assert!(!same(mounts, Some(&gone), Some(&stays)));
    }

    #[test]
    fn absent_empty_and_null_tags_are_one() {
        let tags = kinds::find("cluster").and_then(|k| k.attribute("tags")).expect("tags");
        assert!(same(tags, None, Some(&json!({}))));
        assert!(same(tags, Some(&json!(null)), Some(&json!({}))));
        assert!(!same(tags, None, Some(&json!({"a": "1"}))));
    }
}
