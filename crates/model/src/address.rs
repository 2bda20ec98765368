//! Addresses: our stable names, `kind/parent/id` or `kind/id`, with `["key"]` for one of a `for_each`.
//!
//! An address is one shared string, so that graphs of many thousands of resources copy it freely.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The stable name of one resource, unique in one state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

impl Address {
    /// Joins the parts: `kind`, the parent's id where ARM nests, the document's id, the `for_each` key.
    pub fn new(kind: &str, parent: Option<&str>, id: &str, key: Option<&str>) -> Self {
        let mut text = String::with_capacity(kind.len() + id.len() + 24);
        text.push_str(kind);
        for part in parent.into_iter().chain([id]) {
            text.push('/');
            text.push_str(part);
        }
        if let Some(key) = key {
            text.push('[');
            text.push_str(&serde_json::Value::from(key).to_string());
            text.push(']');
        }
        Self(text.into())
    }

    /// Reads an address as written by a user or a state file; `None` when it has no such shape.
    pub fn parse(text: &str) -> Option<Self> {
        let address = Self(text.into());
        let segments = address.stem().split('/').count();
        let whole = (2..=3).contains(&segments) && address.stem().split('/').all(|s| !s.is_empty());
        let bare = !text.contains('[') || address.key().is_some();
        (whole && bare && !text.chars().any(char::is_control)).then_some(address)
    }

    /// The whole text, `instance/research/ci["alice"]`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind's name, `instance`.
    pub fn kind(&self) -> &str {
        self.stem().split('/').next().unwrap_or_default()
    }

    /// The parent's id where ARM nests this resource, `research`.
    pub fn parent(&self) -> Option<&str> {
        let mut parts = self.stem().split('/');
        let (_, parent, last) = (parts.next(), parts.next(), parts.next());
        last.and(parent)
    }

    /// The document's id, `ci`.
    pub fn id(&self) -> &str {
        self.stem().rsplit('/').next().unwrap_or_default()
    }

    /// The key of a `for_each` element, `alice`.
    pub fn key(&self) -> Option<String> {
        let open = self.0.find('[')?;
        let inner = self.0[open + 1..].strip_suffix(']')?;
        serde_json::from_str(inner).ok()
    }

    /// The address without its `for_each` key.
    pub fn stem(&self) -> &str {
        self.0.split('[').next().unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Address::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not an address")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_as_they_went_in() {
        let address = Address::new("instance", Some("research"), "ci", Some("a]\"[b"));
        assert_eq!(address.as_str(), r#"instance/research/ci["a]\"[b"]"#);
        let again = Address::parse(address.as_str()).expect("an address");
        assert_eq!(again.kind(), "instance");
        assert_eq!(again.parent(), Some("research"));
        assert_eq!(again.id(), "ci");
        assert_eq!(again.key().as_deref(), Some("a]\"[b"));
    }

    #[test]
    fn a_resource_without_a_parent_has_two_parts() {
        let address = Address::new("workspace", None, "research", None);
        assert_eq!(address.parent(), None);
        assert_eq!(address.id(), "research");
        assert_eq!(address.key(), None);
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for text in ["", "cluster", "cluster/", "a/b/c/d", "a/b[\"x", "a/b[x]", "a/\u{1b}b"] {
            assert!(Address::parse(text).is_none(), "{text:?}");
        }
    }
}
