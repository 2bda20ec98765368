//! Between attributes and ARM bodies: one generic walk over a kind's table, both ways.
//!
//! The law, tested for every kind with generated values: what ARM serves for [`to_arm`]`(x)` reads
//! back through [`from_arm`] as the normal form of `x`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, json};

use crate::compare::{get, seconds_of, set};
use crate::schema::{Attribute, Kind, Type, Unit, Variant, Wire};
use crate::{ArmId, Attributes, Compare, Json, duration, image};

/// The ARM body that asks for these values: the kind's constants, then every attribute that has a
/// place in the body. A null value stands as null, which asks ARM to forget it.
pub fn to_arm<'a>(kind: &Kind, values: impl IntoIterator<Item = (&'a str, &'a Json)>) -> Json {
    let mut body = Json::Object(Map::new());
    for (path, text) in kind.constants {
        set(&mut body, path, json!(text));
    }
    let mut keys = None;
    for (path, value) in values {
        match kind.attribute(path).filter(|attribute| is_sent(attribute)) {
            Some(attribute) if attribute.wire == Wire::AccountKeys => keys = Some(value),
            Some(attribute) => set(&mut body, attribute.arm, encode(attribute, value)),
            None => {}
        }
    }
    // What they go into is there by now.
    if let Some(attribute) = kind.attributes.iter().find(|a| a.wire == Wire::AccountKeys) {
        give_account_keys(&mut body, attribute.arm, keys.unwrap_or(&Json::Null));
    }
    body
}

/// Every mount that names a storage account has credentials, if only empty ones.
fn give_account_keys(body: &mut Json, path: &str, keys: &Json) {
    let below = path.split('.').try_fold(body, |at, key| at.get_mut(key)).and_then(Json::as_object_mut);
    for mount in below.into_iter().flat_map(Map::values_mut).filter_map(Json::as_array_mut).flatten() {
        let Some(account) = mount.get("accountName").and_then(Json::as_str) else { continue };
        mount["credentials"] = match keys.get(account) {
            Some(key) => json!({ "accountKey": key }),
            None => json!({}),
        };
    }
}

/// Whether an attribute is part of the resource's own bodies: a power state and data mounts only have actions.
pub fn is_sent(attribute: &Attribute) -> bool {
    !attribute.arm.is_empty() && attribute.at_creation && attribute.change != crate::Change::Power
}

/// The attributes that an ARM body shows. Hidden values and what ARM left null are absent.
pub fn from_arm(kind: &Kind, body: &Json) -> Attributes {
    let readable = kind
        .attributes
        .iter()
        .filter(|a| !a.arm.is_empty() && !a.is_hidden() && a.compare != Compare::Unseen);
    let mut values: Attributes =
        readable.filter_map(|a| Some((a.path, decode(a, get(body, a.arm)?)?))).collect();
    let other_member = |path: &&str| {
        let union = kind.attribute(path).and_then(|a| a.when);
        union.is_some_and(|(sibling, word)| {
            values.get(sibling).and_then(Json::as_str).is_none_or(|w| !w.eq_ignore_ascii_case(word))
        })
    };
    let strangers: Vec<&str> = values.keys().copied().filter(other_member).collect();
    for path in strangers {
        values.remove(path);
    }
    values
}

/// The values that ARM made up, by name; no secret is among them, nor what a document calls one.
pub fn computed_from_arm(kind: &Kind, body: &Json) -> std::collections::BTreeMap<&'static str, Json> {
    let mut open = std::borrow::Cow::Borrowed(body);
    let hidden = kind.attributes.iter().filter(|a| kind.is_typed() && a.is_hidden());
    for attribute in hidden.filter(|a| get(body, a.arm).is_some()) {
        set(open.to_mut(), attribute.arm, Json::Null);
    }
    let plain = kind.computed.iter().filter(|c| c.listed.is_none());
    plain.filter_map(|c| Some((c.name, get(&open, c.arm)?.clone()))).collect()
}

/// The body of an action that sets one attribute.
pub fn action_body(attribute: &Attribute, key: &str, value: &Json) -> Json {
    let encoded = encode(attribute, value);
    if key.is_empty() { encoded } else { json!({ key: encoded }) }
}

/// One value as ARM writes it.
pub fn encode(attribute: &Attribute, value: &Json) -> Json {
    if value.is_null() {
        return Json::Null;
    }
    let value_type = &attribute.value;
    match attribute.wire {
        Wire::Same => encode_value(value_type, value),
        Wire::Enabled => json!(if value.as_bool() == Some(true) { "Enabled" } else { "Disabled" }),
        Wire::Negated => json!(value.as_bool() != Some(true)),
        Wire::Iso8601 => seconds_of(value_type, value).map_or(Json::Null, |s| json!(duration::to_iso(s))),
        Wire::IsoMinutes => seconds_of(value_type, value).map_or(Json::Null, |s| {
            json!(if s.is_multiple_of(60) { format!("PT{}M", s / 60) } else { duration::to_iso(s) })
        }),
        Wire::UnixTimeout => {
            seconds_of(value_type, value).map_or(Json::Null, |s| json!(duration::to_unix(s)))
        }
        Wire::Base64 => json!(BASE64.encode(value.as_str().unwrap_or_default())),
        Wire::KeyedById => {
            let ids = value.as_array().into_iter().flatten().filter_map(Json::as_str);
            Json::Object(ids.map(|id| (id.to_owned(), json!({}))).collect())
        }
        Wire::LocalValues => {
            let entries = value.as_object().into_iter().flatten();
            Json::Object(entries.map(|(k, v)| (k.clone(), json!({ "type": "local", "value": v }))).collect())
        }
        Wire::KeyedByName => keyed_by_name(encode_value(value_type, value)),
        Wire::Each(key) => {
            let elements = encode_value(value_type, value);
            elements.as_array().into_iter().flatten().map(|element| json!({ key: element })).collect()
        }
        Wire::Part(collection) => {
            json!(format!("{OWN}{collection}/{}", value.as_str().unwrap_or_default()))
        }
        Wire::Text => json!(value.to_string()),
        Wire::NamedValues => {
            let entries = value.as_object().into_iter().flatten();
            entries.map(|(name, value)| json!({ "name": name, "value": value })).collect()
        }
        Wire::Image => image::to_arm(value.as_str().unwrap_or_default()),
        Wire::Tagged { tag, word, key } => json!({ tag: word, key: value }),
        Wire::AccountKeys => value.clone(),
    }
}

/// What stands for the resource's own id until [`with_own_id`] knows it; no text of a manifest has it.
const OWN: &str = "\u{0}/";

/// The body with the ids of the resource's own parts made whole.
pub fn with_own_id(body: &mut Json, own: &ArmId) {
    match body {
        Json::String(text) => {
            if let Some(part) = text.strip_prefix(OWN) {
                *text = format!("{own}/{part}");
            }
        }
        Json::Array(list) => list.iter_mut().for_each(|element| with_own_id(element, own)),
        Json::Object(map) => map.values_mut().for_each(|value| with_own_id(value, own)),
        _ => {}
    }
}

/// One value as manifests write it; `None` for what has no equal there.
pub fn decode(attribute: &Attribute, value: &Json) -> Option<Json> {
    let value_type = &attribute.value;
    Some(match attribute.wire {
        Wire::Same => decode_value(value_type, value)?,
        Wire::Enabled => match value.as_str()?.to_ascii_lowercase().as_str() {
            "enabled" => json!(true),
            "disabled" => json!(false),
            _ => return None,
        },
        Wire::Negated => json!(!value.as_bool()?),
        Wire::Iso8601 | Wire::IsoMinutes | Wire::UnixTimeout => decode_duration(value_type, value.as_str()?)?,
        Wire::Base64 => json!(String::from_utf8(BASE64.decode(value.as_str()?).ok()?).ok()?),
        Wire::KeyedById => value.as_object()?.keys().map(|k| json!(k)).collect(),
        Wire::LocalValues => {
            let entries = value.as_object()?.iter();
            Json::Object(
                entries.map(|(k, v)| (k.clone(), v.get("value").cloned().unwrap_or(Json::Null))).collect(),
            )
        }
        Wire::KeyedByName => {
            let entries = value.as_object()?.iter().map(|(name, v)| {
                let mut element = v.clone();
                set(&mut element, "name", json!(name));
                element
            });
            decode_value(value_type, &entries.collect())?
        }
        Wire::Each(key) => {
            let elements = value.as_array()?.iter().filter_map(|element| element.get(key).cloned());
            decode_value(value_type, &elements.collect())?
        }
        Wire::Part(_) => json!(value.as_str()?.rsplit('/').next()?),
        Wire::Text => json!(value.as_str()?.parse::<i64>().ok()?),
        Wire::NamedValues => {
            let entries = value.as_array()?.iter().filter_map(|entry| {
                Some((
                    entry.get("name")?.as_str()?.to_owned(),
                    entry.get("value").cloned().unwrap_or(Json::Null),
                ))
            });
            Json::Object(entries.collect())
        }
        Wire::Image => image::from_arm(value)?,
        Wire::Tagged { tag, word, key } => {
            value.get(key).filter(|_| value.get(tag).and_then(Json::as_str) == Some(word)).cloned()?
        }
        Wire::AccountKeys => return None,
    })
}

fn encode_value(value_type: &Type, value: &Json) -> Json {
    match (value_type, value) {
        (Type::Enum(variants), Json::String(word)) => json!(arm_word(variants, word)),
        (Type::List(element), Json::Array(list)) => list.iter().map(|v| encode_value(element, v)).collect(),
        (Type::Map(element), Json::Object(map)) => {
            map.iter().map(|(key, value)| (key.clone(), encode_value(element, value))).collect()
        }
        (Type::Object(fields), Json::Object(_)) => encode_object(fields, value),
        _ => value.clone(),
    }
}

fn decode_value(value_type: &Type, value: &Json) -> Option<Json> {
    Some(match (value_type, value) {
        (Type::Enum(variants), Json::String(word)) => json!(yaml_word(variants, word)),
        (Type::List(element), Json::Array(list)) => {
            list.iter().filter_map(|v| decode_value(element, v)).collect()
        }
        (Type::List(_), _) => return None,
        (Type::Map(element), Json::Object(map)) => {
            let given = map.iter().filter(|(_, value)| !value.is_null());
            given.filter_map(|(key, value)| Some((key.clone(), decode_value(element, value)?))).collect()
        }
        (Type::Object(fields), Json::Object(_)) => decode_object(fields, value),
        (Type::Integer, Json::Number(number)) if number.is_f64() => json!(number.as_f64()? as i64),
        _ => value.clone(),
    })
}

fn encode_object(fields: &[Attribute], value: &Json) -> Json {
    let mut out = Json::Object(Map::new());
    for field in fields.iter().filter(|f| !f.arm.is_empty() && applies(f, value)) {
        let given = get(value, field.path).cloned().or_else(|| default_of(field));
        if let Some(given) = given {
            set(&mut out, field.arm, encode(field, &given));
        }
    }
    out
}

fn decode_object(fields: &[Attribute], value: &Json) -> Json {
    let mut out = Json::Object(Map::new());
    for field in fields.iter().filter(|f| !f.arm.is_empty() && !f.derived) {
        if field.when.is_some() && !applies(field, &out) {
            continue;
        }
        if let Some(decoded) = get(value, field.arm).and_then(|v| decode(field, v)) {
            set(&mut out, field.path, decoded);
        }
    }
    out
}

/// Whether a field of a union belongs to the member that `value` is.
pub fn applies(field: &Attribute, value: &Json) -> bool {
    field.when.is_none_or(|(path, word)| {
        get(value, path).and_then(Json::as_str).is_some_and(|w| w.eq_ignore_ascii_case(word))
    })
}

/// The constant default of an attribute, as JSON.
pub fn default_of(attribute: &Attribute) -> Option<Json> {
    constant(attribute.default)
}

/// What an attribute without a default goes back to, as JSON.
pub fn initial_of(attribute: &Attribute) -> Option<Json> {
    constant(attribute.initial)
}

fn constant(value: crate::schema::Default) -> Option<Json> {
    use crate::schema::Default;
    match value {
        Default::Boolean(value) => Some(json!(value)),
        Default::Integer(value) => Some(json!(value)),
        Default::String(value) => Some(json!(value)),
        Default::None | Default::TrueUnless(_) | Default::Parent => None,
    }
}

fn keyed_by_name(list: Json) -> Json {
    let elements = list.as_array().cloned().unwrap_or_default();
    let entries = elements.into_iter().filter_map(|mut element| {
        let name = element.as_object_mut()?.remove("name")?;
        Some((name.as_str()?.to_owned(), element))
    });
    Json::Object(entries.collect())
}

fn decode_duration(value_type: &Type, text: &str) -> Option<Json> {
    let Type::Duration(unit) = value_type else {
        return None;
    };
    duration_value(*unit, duration::parse_seconds(text)?)
}

/// A duration as a known value: a number of its unit where it is whole, else ISO 8601.
pub fn duration_value(unit: Unit, seconds: u64) -> Option<Json> {
    let whole = seconds.is_multiple_of(unit.seconds());
    Some(if whole { json!(seconds / unit.seconds()) } else { json!(duration::to_iso(seconds)) })
}

/// Words compare without case, spaces and underscores: `SystemAssigned, UserAssigned` is `system_assigned,user_assigned`.
fn squeezed(word: &str) -> String {
    word.chars().filter(|c| !c.is_whitespace() && *c != '_').flat_map(char::to_lowercase).collect()
}

/// ARM's word for a manifest's; a word that the table lacks stays as it is.
pub fn arm_word<'a>(variants: &'a [Variant], word: &'a str) -> &'a str {
    let found = variants.iter().find(|v| squeezed(v.yaml) == squeezed(word));
    found.map_or(word, |v| v.arm)
}

/// The manifest's word for one of ARM's or of a manifest's own, whatever its case.
pub fn yaml_word<'a>(variants: &'a [Variant], word: &'a str) -> &'a str {
    let found =
        variants.iter().find(|v| squeezed(v.arm) == squeezed(word) || squeezed(v.yaml) == squeezed(word));
    found.map_or(word, |v| v.yaml)
}
