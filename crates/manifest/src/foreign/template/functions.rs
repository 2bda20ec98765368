//! The template functions that names are made with; any other is refused by its name.

use model::Json;
use serde_json::json;

use super::Around;

type Answer = Result<Json, String>;

/// Carries out one function; names do not differ by case.
pub(super) fn call(name: &str, arguments: &[Json], around: &Around<'_>) -> Answer {
    let text = |at: usize| text_of(arguments.get(at), name);
    let number = |at: usize| number_of(arguments.get(at), name);
    Ok(match (name.to_ascii_lowercase().as_str(), arguments) {
        ("parameters", [_]) => around.parameter(text(0)?)?,
        ("variables", [_]) => around.variable(text(0)?)?,
        ("resourcegroup", []) => resource_group(around),
        ("subscription", []) => json!({
            "id": format!("/subscriptions/{}", around.group.subscription()),
            "subscriptionId": around.group.subscription(),
        }),
        ("copyindex", _) => copy_index(arguments, around)?,
        ("concat", [Json::Array(_), ..]) => {
            arguments.iter().flat_map(|list| list.as_array().cloned().unwrap_or_default()).collect()
        }
        ("concat", _) => Json::from(arguments.iter().map(plain).collect::<String>()),
        ("format", [_, rest @ ..]) => Json::from(formatted(text(0)?, rest)?),
        ("string", [value]) => Json::from(plain(value)),
        ("int", [value]) => {
            json!(plain(value).parse::<i64>().map_err(|_| format!("`int` takes no {value}"))?)
        }
        ("tolower", [_]) => Json::from(text(0)?.to_lowercase()),
        ("toupper", [_]) => Json::from(text(0)?.to_uppercase()),
        ("trim", [_]) => Json::from(text(0)?.trim()),
        ("replace", [_, _, _]) => Json::from(text(0)?.replace(text(1)?, text(2)?)),
        ("substring", [_, _, ..]) => Json::from(substring(text(0)?, number(1)?, arguments.get(2))?),
        ("padleft", [value, ..]) => Json::from(padded(&plain(value), number(1)?, arguments.get(2))),
        ("split", [_, _]) => text(0)?.split(text(1)?).map(Json::from).collect(),
        ("join", [Json::Array(list), _]) => {
            Json::from(list.iter().map(plain).collect::<Vec<_>>().join(text(1)?))
        }
        ("length", [value]) => json!(length(value)),
        ("empty", [value]) => json!(length(value) == 0),
        ("first", [Json::Array(list)]) => list.first().cloned().unwrap_or(Json::Null),
        ("last", [Json::Array(list)]) => list.last().cloned().unwrap_or(Json::Null),
        ("first", [_]) => Json::from(text(0)?.chars().take(1).collect::<String>()),
        ("last", [_]) => Json::from(text(0)?.chars().last().map(String::from).unwrap_or_default()),
        ("take", [Json::String(value), _]) => {
            Json::from(value.chars().take(count(number(1)?)).collect::<String>())
        }
        ("skip", [Json::String(value), _]) => {
            Json::from(value.chars().skip(count(number(1)?)).collect::<String>())
        }
        ("createarray", values) => values.iter().cloned().collect(),
        ("coalesce", values) => values.iter().find(|v| !v.is_null()).cloned().unwrap_or(Json::Null),
        ("add", [_, _]) => whole(number(0)?.checked_add(number(1)?), name)?,
        ("sub", [_, _]) => whole(number(0)?.checked_sub(number(1)?), name)?,
        ("mul", [_, _]) => whole(number(0)?.checked_mul(number(1)?), name)?,
        ("div", [_, _]) => whole(number(0)?.checked_div(number(1)?), name)?,
        ("mod", [_, _]) => whole(number(0)?.checked_rem(number(1)?), name)?,
        ("equals", [a, b]) => json!(a == b),
        ("greater", [_, _]) => json!(number(0)? > number(1)?),
        ("less", [_, _]) => json!(number(0)? < number(1)?),
        ("not", [Json::Bool(value)]) => json!(!value),
        ("and", values) => json!(values.iter().all(|v| *v == Json::Bool(true))),
        ("or", values) => json!(values.contains(&Json::Bool(true))),
        ("if", [Json::Bool(condition), yes, no]) => {
            if *condition {
                yes.clone()
            } else {
                no.clone()
            }
        }
        ("true", []) => json!(true),
        ("false", []) => json!(false),
        ("null", []) => Json::Null,
        _ => {
            return Err(format!(
                "it needs `{name}` with {} arguments, which plumb does not carry out",
                arguments.len()
            ));
        }
    })
}

fn text_of<'j>(value: Option<&'j Json>, name: &str) -> Result<&'j str, String> {
    value.and_then(Json::as_str).ok_or_else(|| format!("`{name}` has something else where it takes a text"))
}

fn number_of(value: Option<&Json>, name: &str) -> Result<i64, String> {
    value.and_then(Json::as_i64).ok_or_else(|| format!("`{name}` has something else where it takes a number"))
}

fn resource_group(around: &Around<'_>) -> Json {
    json!({ "id": around.group.as_str(), "name": around.group.name() })
}

/// `copyIndex()`, `copyIndex(1)`, `copyIndex('loop')`, `copyIndex('loop', 1)`.
fn copy_index(arguments: &[Json], around: &Around<'_>) -> Answer {
    let number = around.copy.ok_or("`copyIndex` is used outside of a copy")?;
    let offset = arguments.iter().find_map(Json::as_u64).unwrap_or_default();
    Ok(json!(number.saturating_add(offset)))
}

/// A value as `concat` and `string` write it.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `{0}`, and `{0:D2}` for a number with leading zeros; doubled braces are braces.
fn formatted(pattern: &str, values: &[Json]) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, here) = rest.split_at(at);
        out.push_str(before);
        if here.starts_with("{{") || here.starts_with("}}") {
            out.push_str(&here[..1]);
            rest = &here[2..];
            continue;
        }
        let (slot, after) =
            here[1..].split_once('}').ok_or_else(|| format!("`format` cannot read {pattern:?}"))?;
        let (index, width) = slot.split_once(":D").map_or((slot, "0"), |(index, width)| (index, width));
        let value = index.parse::<usize>().ok().and_then(|at| values.get(at));
        let (value, width) = value
            .zip(width.parse::<u8>().ok())
            .ok_or_else(|| format!("`format` has no value for `{{{slot}}}`"))?;
        out.push_str(&padded(&plain(value), i64::from(width), Some(&json!("0"))));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn substring(text: &str, start: i64, length: Option<&Json>) -> Result<String, String> {
    let all = text.chars().count();
    let start = count(start);
    let length = length.map_or(all.saturating_sub(start), |n| count(n.as_i64().unwrap_or_default()));
    if start.saturating_add(length) > all {
        return Err(format!("`substring` goes beyond the end of {text:?}"));
    }
    Ok(text.chars().skip(start).take(length).collect())
}

fn padded(text: &str, width: i64, filler: Option<&Json>) -> String {
    const WIDTH_MAX: usize = 256;
    let filler = filler.and_then(Json::as_str).unwrap_or(" ");
    let missing = count(width).min(WIDTH_MAX).saturating_sub(text.chars().count());
    filler.repeat(missing) + text
}

fn length(value: &Json) -> usize {
    match value {
        Json::String(text) => text.chars().count(),
        Json::Array(list) => list.len(),
        Json::Object(map) => map.len(),
        _ => 0,
    }
}

fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

fn whole(number: Option<i64>, name: &str) -> Answer {
    number.map(Json::from).ok_or_else(|| format!("`{name}` has no result"))
}

#[cfg(test)]
mod tests {
    use model::ArmId;

    use super::super::expression::evaluate;
    use super::*;

    #[test]
    fn functions_give_what_arm_gives() {
        let nothing = Json::Null;
        let group = ArmId::group("s", "ml");
        let around = Around::new(&nothing, &nothing, &group);
        for (text, expected) in [
            ("plain", json!("plain")),
            ("[[literal]", json!("[literal]")),
            ("[concat('it''s ', 1)]", json!("it's 1")),
            ("[format('{0}-{1:D2}{{}}', 'a', 7)]", json!("a-07{}")),
            ("[substring('abcdef', 2, 3)]", json!("cde")),
            ("[padLeft(7, 3, '0')]", json!("007")),
            ("[last(split('a/b', '/'))]", json!("b")),
            ("[if(equals(mod(7, 2), 1), 'odd', 'even')]", json!("odd")),
            ("[resourceGroup().name]", json!("ml")),
            ("[createArray('a', 'b')[ 1 ]]", json!("b")),
        ] {
            assert_eq!(evaluate(text, &around), Ok(expected), "{text}");
        }
        for text in [
            "[div(1, 0)]",
            "[substring('a', 1, 5)]",
            "[newGuid()]",
            "[if(1, 2, 3)]",
            "[add(9223372036854775807, 1)]",
            "[]",
            "['a' 'b']",
            "[format('{3}')]",
        ] {
            assert!(evaluate(text, &around).is_err(), "{text}");
        }
    }
}
