//! Documents as YAML: what is written loads back to the same values.
//!
//! Keys stand in the order of `plumb explain`. What a document would have anyway, by its defaults, is left to whoever
//! makes the document; here everything given is written.

mod scalar;

use model::compare::get;
use model::schema::{Default as TableDefault, Type};
use model::{Attribute, Attributes, Json, Kind, body};

/// A document to write.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its kind.
    pub kind: &'static Kind,
    /// The resource's name in Azure.
    pub name: String,
    /// The last part of its address, where that is not the name.
    pub id: Option<String>,
    /// Its values by path. A reference is a name or an ARM id; a script on the workspace's share has its parts.
    pub attributes: Attributes,
    /// Lines to stand above it.
    pub comments: Vec<String>,
}

/// A tree of keys and values, in the order in which they are written.
enum Tree {
    Scalar(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

/// The text of a file with these documents.
pub fn write(documents: &[Document]) -> String {
    documents.iter().map(document).collect::<Vec<_>>().join("---\n")
}

fn document(document: &Document) -> String {
    let mut root = Tree::Map(Vec::new());
    root.insert("kind", Tree::Scalar(document.kind.name.to_owned()));
    root.insert("name", Tree::Scalar(scalar::value(&document.name)));
    if let Some(id) = &document.id {
        root.insert("id", Tree::Scalar(scalar::value(id)));
    }
    for attribute in document.kind.attributes {
        if let Some(value) = document.attributes.get(attribute.path) {
            root.insert(attribute.path, tree(&attribute.value, value));
        }
    }
    let comments = document.comments.iter().map(|words| format!("# {}\n", one_line(words)));
    let mut out: String = comments.collect();
    root.write(0, &mut out);
    out
}

/// Words that stay within their comment.
pub(crate) fn one_line(words: &str) -> String {
    words
        .chars()
        .map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c })
        .collect()
}

fn tree(value_type: &Type, value: &Json) -> Tree {
    match (value_type, value) {
        (Type::Object(fields), Json::Object(_)) => object(fields, value),
        (Type::List(element), Json::Array(list)) => {
            Tree::List(list.iter().map(|v| tree(element, v)).collect())
        }
        (Type::Map(element), Json::Object(map)) => {
            Tree::Map(map.iter().map(|(k, v)| (scalar::key(k), tree(element, v))).collect())
        }
        (_, Json::Array(list)) => Tree::List(list.iter().map(|v| tree(&Type::Scalar, v)).collect()),
        (_, Json::Object(map)) => {
            Tree::Map(map.iter().map(|(k, v)| (scalar::key(k), tree(&Type::Scalar, v))).collect())
        }
        (_, scalar) => Tree::Scalar(scalar::scalar(scalar)),
    }
}

/// A mapping inside a list; what it has by default is left out.
fn object(fields: &'static [Attribute], value: &Json) -> Tree {
    let mut root = Tree::Map(Vec::new());
    for field in fields.iter().filter(|f| !f.derived && body::applies(f, value)) {
        let given = get(value, field.path).filter(|v| !v.is_null());
        let constant = !matches!(field.default, TableDefault::None);
        if let Some(given) = given.filter(|v| !(constant && body::default_of(field).as_ref() == Some(v))) {
            root.insert(field.path, tree(&field.value, given));
        }
    }
    root
}

impl Tree {
    /// Puts a value at a path; the keys above it are made where they are missing.
    fn insert(&mut self, path: &str, value: Tree) {
        let Tree::Map(entries) = self else { return };
        let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
        match (rest, entries.iter().position(|(key, _)| key == head)) {
            (None, _) => entries.push((head.to_owned(), value)),
            (Some(rest), Some(at)) => entries[at].1.insert(rest, value),
            (Some(rest), None) => {
                let mut below = Tree::Map(Vec::new());
                below.insert(rest, value);
                entries.push((head.to_owned(), below));
            }
        }
    }

    /// Block style, two spaces a level.
    fn write(&self, indent: usize, out: &mut String) {
        let pad = " ".repeat(indent);
        match self {
            Tree::Scalar(text) => out.push_str(&format!("{pad}{text}\n")),
            Tree::List(list) => {
                for element in list {
                    let mut below = String::new();
                    element.write(indent + 2, &mut below);
                    match element.inline() {
                        Some(text) => out.push_str(&format!("{pad}- {text}\n")),
                        // The first key stands beside the dash.
                        None => out.push_str(&format!("{pad}- {}", &below[indent + 2..])),
                    }
                }
            }
            Tree::Map(entries) => {
                for (key, value) in entries {
                    match value.inline() {
                        Some(text) => out.push_str(&format!("{pad}{key}: {text}\n")),
                        None => {
                            out.push_str(&format!("{pad}{key}:\n"));
                            value.write(indent + 2, out);
                        }
                    }
                }
            }
        }
    }

    /// What fits beside its key.
    fn inline(&self) -> Option<&str> {
        match self {
            Tree::Scalar(text) => Some(text),
            Tree::List(list) if list.is_empty() => Some("[]"),
            Tree::Map(entries) if entries.is_empty() => Some("{}"),
            Tree::List(_) | Tree::Map(_) => None,
        }
    }
}
