//! A tree of YAML values in which everything knows its place. Texts borrow from the source.

use std::borrow::Cow;

use model::accept::{Shape, Tree};
use model::{Json, Place};

/// One value.
#[derive(Debug, Clone)]
pub(crate) struct Node<'t> {
    pub(crate) place: Place,
    pub(crate) yaml: Yaml<'t>,
}

/// What a value is, by the core schema of YAML 1.2.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Yaml<'t> {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// `plain` is false for quoted and block text.
    Text {
        text: Cow<'t, str>,
        plain: bool,
    },
    List(Vec<Node<'t>>),
    Map(Vec<Entry<'t>>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry<'t> {
    pub(crate) key: Cow<'t, str>,
    pub(crate) place: Place,
    pub(crate) node: Node<'t>,
}

/// Places do not make values differ.
impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.yaml == other.yaml
    }
}

impl<'t> Node<'t> {
    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.yaml {
            Yaml::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub(crate) fn entries(&self) -> Option<&[Entry<'t>]> {
        match &self.yaml {
            Yaml::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry with this key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry<'t>> {
        self.entries()?.iter().find(|e| e.key == key)
    }

    /// Whether any text below has this in it; used to find expressions.
    pub(crate) fn mentions(&self, needle: &str) -> bool {
        match &self.yaml {
            Yaml::Text { text, .. } => text.contains(needle),
            Yaml::List(list) => list.iter().any(|n| n.mentions(needle)),
            Yaml::Map(entries) => entries.iter().any(|e| e.node.mentions(needle)),
            _ => false,
        }
    }

    /// Where the only text with an expression in it stands; `None` when there are several.
    pub(crate) fn computed(&self) -> Option<Place> {
        let below: Vec<&Node<'t>> = match &self.yaml {
            Yaml::List(list) => list.iter().collect(),
            Yaml::Map(entries) => entries.iter().map(|e| &e.node).collect(),
            _ => return Some(self.place),
        };
        let mut found = below.into_iter().filter(|n| n.mentions("${"));
        match (found.next(), found.next()) {
            (Some(only), None) => only.computed(),
            _ => None,
        }
    }

    /// How many values it is made of.
    pub(crate) fn size(&self) -> usize {
        match &self.yaml {
            Yaml::List(list) => 1 + list.iter().map(Node::size).sum::<usize>(),
            Yaml::Map(entries) => 1 + entries.iter().map(|e| e.node.size()).sum::<usize>(),
            _ => 1,
        }
    }

    /// The value without its places. Numbers that JSON lacks become null.
    pub(crate) fn to_json(&self) -> Json {
        match &self.yaml {
            Yaml::Null => Json::Null,
            Yaml::Boolean(yes) => Json::Bool(*yes),
            Yaml::Integer(number) => Json::from(*number),
            Yaml::Float(number) => Json::from(*number),
            Yaml::Text { text, .. } => Json::from(text.as_ref()),
            Yaml::List(list) => list.iter().map(Node::to_json).collect(),
            Yaml::Map(entries) => {
                Json::Object(entries.iter().map(|e| (e.key.to_string(), e.node.to_json())).collect())
            }
        }
    }

    /// A value that an expression made, all of it at the expression's place.
    pub(crate) fn from_json(json: Json, place: Place) -> Node<'t> {
        let yaml = match json {
            Json::Null => Yaml::Null,
            Json::Bool(yes) => Yaml::Boolean(yes),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Yaml::Integer(whole),
                None => Yaml::Float(number.as_f64().unwrap_or_default()),
            },
            Json::String(text) => Yaml::Text { text: Cow::Owned(text), plain: false },
            Json::Array(list) => Yaml::List(list.into_iter().map(|v| Node::from_json(v, place)).collect()),
            Json::Object(map) => {
                let entry =
                    |(key, value)| Entry { key: Cow::Owned(key), place, node: Node::from_json(value, place) };
                Yaml::Map(map.into_iter().map(entry).collect())
            }
        };
        Node { place, yaml }
    }
}

impl Tree for Node<'_> {
    fn shape(&self) -> Shape<'_, Self> {
        match &self.yaml {
            Yaml::List(list) => Shape::List(list.iter().collect()),
            Yaml::Map(entries) => Shape::Map(entries.iter().map(|e| (e.key.as_ref(), &e.node)).collect()),
            _ => Shape::Scalar(self.to_json()),
        }
    }
}
