//! TOML text to the same tree as YAML, so that one set of functions reads both.

use std::borrow::Cow;

use model::{Diagnostic, Place, SourceId};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::yaml::{Entry, Node, Yaml};

/// The whole file as a mapping.
pub(super) fn parse(text: &str, source: SourceId) -> Result<Node<'static>, Box<Diagnostic>> {
    let parsed = DeTable::parse(text).map_err(|error| Box::new(syntax(&error, text, source)))?;
    Ok(Node { place: place(source, parsed.span()), yaml: table(parsed.get_ref(), source) })
}

fn table(table: &DeTable<'_>, source: SourceId) -> Yaml<'static> {
    let mut entries: Vec<Entry<'static>> = table.iter().map(|(k, v)| entry(k, v, source)).collect();
    entries.sort_by_key(|e| e.place.start);
    Yaml::Map(entries)
}

fn entry(key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>, source: SourceId) -> Entry<'static> {
    let key_place = place(source, key.span());
    Entry {
        key: Cow::Owned(key.get_ref().to_string()),
        place: key_place,
        node: node(value, source, key_place),
    }
}

fn node(value: &Spanned<DeValue<'_>>, source: SourceId, key: Place) -> Node<'static> {
    let mut own = place(source, value.span());
    let yaml = match value.get_ref() {
        DeValue::String(text) => Yaml::Text { text: Cow::Owned(text.to_string()), plain: false },
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            i64::from_str_radix(&digits, number.radix()).map_or(Yaml::Null, Yaml::Integer)
        }
        DeValue::Float(number) => number.as_str().replace('_', "").parse().map_or(Yaml::Null, Yaml::Float),
        DeValue::Boolean(yes) => Yaml::Boolean(*yes),
        DeValue::Datetime(time) => Yaml::Text { text: Cow::Owned(time.to_string()), plain: true },
        DeValue::Array(array) => Yaml::List(array.iter().map(|v| node(v, source, key)).collect()),
        DeValue::Table(inner) => {
            own = key;
            table(inner, source)
        }
    };
    Node { place: own, yaml }
}

fn place(source: SourceId, span: std::ops::Range<usize>) -> Place {
    let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Place { source, start: byte(span.start), end: byte(span.end) }
}

/// The TOML crate's message names tokens, not what to do; only its place and the commonest cases are kept.
fn syntax(error: &toml::de::Error, text: &str, source: SourceId) -> Diagnostic {
    let span = error.span().unwrap_or(text.len()..text.len());
    let message = error.message();
    let (words, help) = if message.contains("duplicate key") {
        ("a key is given twice", "remove one of them")
    } else if message.contains("string") || message.contains("quote") {
        ("a text is not closed, or not in quotes", "write texts in double quotes, in one line")
    } else {
        ("this is not valid TOML", "write `key = value`, texts in double quotes, sections as `[name]`")
    };
    Diagnostic::error(words).help(help).at(place(source, span))
}
