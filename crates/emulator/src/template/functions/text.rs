//! Functions that make and take apart text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Function, MANY, array_at, asking, count_at, plain, text_at, wanted};

/// The namespace of the guids that ARM's `guid` makes, as Bicep's sources and users report it.
const NAMESPACE: Uuid = Uuid::from_u128(0x11fb_06fb_712d_4ddd_98c7_e71b_bd58_8830);

/// Longer padding than any name could need is refused.
const PADDING_MAX: usize = 1_000;

pub(super) const TABLE: &[Function] = &[
    plain("concat", (1, MANY), concat),
    plain("string", (1, 1), |arguments| Ok(json!(text_of(&arguments[0])))),
    plain("toLower", (1, 1), |arguments| Ok(json!(text_at(arguments, 0)?.to_lowercase()))),
    plain("toUpper", (1, 1), |arguments| Ok(json!(text_at(arguments, 0)?.to_uppercase()))),
    plain("trim", (1, 1), |arguments| Ok(json!(text_at(arguments, 0)?.trim()))),
    plain("format", (1, MANY), format),
    plain("split", (2, 2), split),
    plain("join", (2, 2), |arguments| {
        let parts: Vec<String> = array_at(arguments, 0)?.iter().map(text_of).collect();
        Ok(json!(parts.join(text_at(arguments, 1)?)))
    }),
    plain("replace", (3, 3), |arguments| {
        let (text, from, to) = (text_at(arguments, 0)?, text_at(arguments, 1)?, text_at(arguments, 2)?);
        if from.is_empty() {
            return Err(wanted(1, "text that is not empty"));
        }
        Ok(json!(text.replace(from, to)))
    }),
    plain("substring", (2, 3), substring),
    plain("startsWith", (2, 2), |arguments| {
        Ok(json!(lower_at(arguments, 0)?.starts_with(&lower_at(arguments, 1)?)))
    }),
    plain("endsWith", (2, 2), |arguments| {
        Ok(json!(lower_at(arguments, 0)?.ends_with(&lower_at(arguments, 1)?)))
    }),
    plain("indexOf", (2, 2), |arguments| {
        let text = lower_at(arguments, 0)?;
        Ok(position(&text, text.find(&lower_at(arguments, 1)?)))
    }),
    plain("lastIndexOf", (2, 2), |arguments| {
        let text = lower_at(arguments, 0)?;
        Ok(position(&text, text.rfind(&lower_at(arguments, 1)?)))
    }),
    plain("padLeft", (2, 3), |arguments| {
        let length = count_at(arguments, 1)?.min(PADDING_MAX);
        let pad = if arguments.len() > 2 { text_at(arguments, 2)? } else { " " };
        let text = text_of(&arguments[0]);
        let missing = length.saturating_sub(text.chars().count());
        Ok(json!(format!("{}{text}", pad.repeat(missing))))
    }),
    plain("base64", (1, 1), |arguments| Ok(json!(STANDARD.encode(text_at(arguments, 0)?)))),
    plain("base64ToString", (1, 1), |arguments| {
        let bytes = STANDARD.decode(text_at(arguments, 0)?).ok();
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(|text| json!(text)).ok_or_else(|| wanted(0, "text in base64"))
    }),
    plain("uriComponent", (1, 1), |arguments| {
        let escaped: String =
            url::form_urlencoded::byte_serialize(text_at(arguments, 0)?.as_bytes()).collect();
        Ok(json!(escaped.replace('+', "%20")))
    }),
    plain("guid", (1, MANY), |arguments| {
        Ok(json!(Uuid::new_v5(&NAMESPACE, joined(arguments)?.as_bytes()).to_string()))
    }),
    plain("uniqueString", (1, MANY), |arguments| Ok(json!(unique(&joined(arguments)?)))),
    asking("newGuid", (0, 0), |evaluator, _| {
        if evaluator.in_default {
            Ok(json!(evaluator.surroundings.new_guid()))
        } else {
            Err("The template function 'newGuid' is only for default values of parameters.".into())
        }
    }),
    asking("utcNow", (0, 1), |evaluator, arguments| {
        if !evaluator.in_default {
            return Err("The template function 'utcNow' is only for default values of parameters.".into());
        }
        let wanted = arguments.first().map_or(Some("yyyyMMddTHHmmssZ"), Value::as_str).unwrap_or("");
        Ok(json!(evaluator.surroundings.now().strftime(&time_format(wanted)?).to_string()))
    }),
];

/// A value as text; booleans are written as .NET does.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn lower_at(arguments: &[Value], index: usize) -> Result<String, String> {
    text_at(arguments, index).map(str::to_lowercase)
}

fn position(text: &str, at: Option<usize>) -> Value {
    at.map_or(json!(-1), |at| json!(text[..at].chars().count()))
}

fn joined(arguments: &[Value]) -> Result<String, String> {
    let parts: Result<Vec<&str>, String> =
        (0..arguments.len()).map(|index| text_at(arguments, index)).collect();
    Ok(parts?.join("-"))
}

fn concat(arguments: &[Value]) -> Result<Value, String> {
    if arguments.iter().all(Value::is_array) {
        let items = arguments.iter().filter_map(Value::as_array).flatten();
        return Ok(items.cloned().collect());
    }
    match arguments.iter().position(|value| value.is_array() || value.is_object()) {
        Some(index) => Err(wanted(index, "text, or arrays as all arguments")),
        None => Ok(json!(arguments.iter().map(text_of).collect::<String>())),
    }
}

/// 13 characters that always belong to these arguments. ARM's own hash is not published; only its form is kept.
fn unique(text: &str) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut number = Uuid::new_v5(&NAMESPACE, text.as_bytes()).as_u128();
    let next = |_| {
        let character = char::from(ALPHABET[(number % 32) as usize]);
        number /= 32;
        character
    };
    (0..13).map(next).collect()
}

fn substring(arguments: &[Value]) -> Result<Value, String> {
    let characters: Vec<char> = text_at(arguments, 0)?.chars().collect();
    let start = count_at(arguments, 1)?;
    let left = characters.len().checked_sub(start).ok_or_else(|| wanted(1, "a place inside the text"))?;
    let length = if arguments.len() > 2 { count_at(arguments, 2)? } else { left };
    if length > left {
        return Err(wanted(2, "a length that ends inside the text"));
    }
    Ok(json!(characters[start..start + length].iter().collect::<String>()))
}

fn split(arguments: &[Value]) -> Result<Value, String> {
    let text = text_at(arguments, 0)?;
    let several = arguments[1].as_array().cloned().unwrap_or_else(|| vec![arguments[1].clone()]);
    let delimiters: Option<Vec<&str>> = several.iter().map(Value::as_str).collect();
    let delimiters = delimiters.filter(|delimiters| delimiters.iter().all(|delimiter| !delimiter.is_empty()));
    let delimiters = delimiters.ok_or_else(|| wanted(1, "a delimiter, or an array of them"))?;
    let mut parts = vec![text.to_owned()];
    for delimiter in delimiters {
        parts = parts.iter().flat_map(|part| part.split(delimiter)).map(str::to_owned).collect();
    }
    Ok(json!(parts))
}

/// `{0}`, `{1}` … by their values; two braces stand for one.
fn format(arguments: &[Value]) -> Result<Value, String> {
    let pattern = text_at(arguments, 0)?;
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        let (place, after) =
            rest.split_once('}').filter(|_| brace == "{").ok_or_else(|| wanted(0, "paired braces"))?;
        let value = place.parse::<usize>().ok().and_then(|place| arguments.get(place.checked_add(1)?));
        let value = value
            .ok_or_else(|| format!("has no value for '{{{place}}}'; its places are plain numbers here"))?;
        text.push_str(&text_of(value));
        rest = after;
    }
    text.push_str(rest);
    Ok(json!(text))
}

/// A .NET date format as the clock's library has it; only the parts that templates use.
fn time_format(wanted: &str) -> Result<String, String> {
    const PARTS: [(&str, &str); 8] = [
        ("yyyy", "%Y"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("mm", "%M"),
        ("ss", "%S"),
        ("T", "T"),
        ("Z", "Z"),
    ];
    let mut format = String::new();
    let mut rest = match wanted {
        "u" => "yyyy-MM-dd HH:mm:ssZ",
        "d" => "MM/dd/yyyy",
        other => other,
    };
    while let Some(first) = rest.chars().next() {
        let part = PARTS.iter().find(|(part, _)| rest.starts_with(part));
        match part {
            Some((part, code)) => {
                format.push_str(code);
                rest = &rest[part.len()..];
            }
            None if first.is_ascii_alphabetic() || first == '%' => {
                return Err(format!("The template function 'utcNow' does not know the format '{wanted}'."));
            }
            None => {
                format.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    Ok(format)
}
