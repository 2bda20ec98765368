//! Values as plans write them.

use model::Json;

use super::escape;
use crate::plan::Shown;

/// A value on one line: `"text"`, `4`, `[1, 2]`, `{ a = 1 }`.
pub fn inline(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(value) => value.to_string(),
        Json::String(text) => escape::quoted(text),
        Json::Array(list) => format!("[{}]", list.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Json::Object(map) if map.is_empty() => "{}".to_owned(),
        Json::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(k, v)| format!("{} = {}", key(k), inline(v))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A map's key: bare where it is a plain word.
pub(super) fn key(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if plain { text.to_owned() } else { escape::quoted(text) }
}

/// A value as a plan may show it, on one line.
pub fn shown(value: &Shown) -> String {
    match value {
        Shown::Absent => "null".to_owned(),
        Shown::Known(json) => inline(json),
        Shown::Unknown => "(known after apply)".to_owned(),
        Shown::Sensitive => "(sensitive value)".to_owned(),
        Shown::WriteOnly => "(write-only value)".to_owned(),
    }
}

/// A value on one line that is about to go, or has gone: a longer text is only counted.
pub(super) fn brief(value: &Shown) -> String {
    match value {
        Shown::Known(Json::String(text)) if text.contains('\n') => {
            format!("({})", counted(text.lines().count(), "line"))
        }
        other => shown(other),
    }
}

/// `1 line`, `2 lines`.
pub(super) fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// `key = value` for each entry, the signs one below the other.
pub(super) fn aligned(entries: Vec<(String, String)>) -> impl Iterator<Item = String> {
    let width = entries.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    entries.into_iter().map(move |(key, value)| format!("{key:width$} = {value}"))
}
