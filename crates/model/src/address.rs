//! Addresses: our stable names, `kind/parent/id` or `kind/id`, with `["key"]` for one of a `for_each`.
//!
//! What a component makes has the names of its uses in front, outermost first: `team-a/cluster/research/cpu`,
//! `team["alice"]/cluster/research/cpu`. No use is called as a kind is, so the kind is the first segment that is one.
//! An address is one shared string, so that graphs of many thousands of resources copy it freely.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Listed, kinds};

/// The stable name of one resource, unique in one state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

impl Address {
    /// Joins the parts: `kind`, the parent's id where ARM nests, the document's id, the `for_each` key.
    pub fn new(kind: &str, parent: Option<&str>, id: &str, key: Option<&str>) -> Self {
        Self::inside("", kind, parent, id, key)
    }

    /// The same for what a component makes: `uses` are the names of its uses, each with a slash, `team-a/`.
    pub fn inside(uses: &str, kind: &str, parent: Option<&str>, id: &str, key: Option<&str>) -> Self {
        let mut text = String::with_capacity(uses.len() + kind.len() + id.len() + 24);
        text.push_str(uses);
        text.push_str(kind);
        for part in parent.into_iter().chain([id]) {
            text.push('/');
            text.push_str(part);
        }
        push_key(&mut text, key);
        Self(text.into())
    }

    /// Reads an address as written by a user or a state file; `None` when it has no such shape.
    pub fn parse(text: &str) -> Option<Self> {
        let address = Self(text.into());
        let local = address.local();
        let segments = address.local_stem().split('/').count();
        let whole = (2..=3).contains(&segments) && address.local_stem().split('/').all(|s| !s.is_empty());
        let bare = !local.contains('[') || address.key().is_some();
        let used = address.uses().is_empty() || uses_of(address.uses()).is_some();
        (whole && bare && used && !text.chars().any(char::is_control)).then_some(address)
    }

    /// The same resource with another parent and another key.
    pub fn with(&self, parent: Option<&str>, key: Option<&str>) -> Self {
        Self::inside(self.uses(), self.kind(), parent, self.id(), key)
    }

    /// The same in one more component use, or several: `uses` are their names, each with a slash.
    pub fn within(&self, uses: &str) -> Self {
        Self(format!("{uses}{}", self.0).into())
    }

    /// The whole text, `instance/research/ci["alice"]`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names of the component uses it lies in, each with a slash, `team["alice"]/disks/`; empty for what the
    /// manifests themselves describe.
    pub fn uses(&self) -> &str {
        &self.0[..self.0.len() - self.local().len()]
    }

    /// The address as the component itself would write it, `cluster/research/cpu`.
    pub fn local(&self) -> &str {
        local(&self.0)
    }

    /// The kind's name, `instance`.
    pub fn kind(&self) -> &str {
        self.local_stem().split('/').next().unwrap_or_default()
    }

    /// How a secret value that ARM makes up for this resource is read; `None` for a value that a GET answers.
    pub fn listed(&self, name: &str) -> Option<Listed> {
        kinds::find(self.kind())?.computed(name)?.listed
    }

    /// The parent's id where ARM nests this resource, `research`.
    pub fn parent(&self) -> Option<&str> {
        let mut parts = self.local_stem().split('/');
        let (_, parent, last) = (parts.next(), parts.next(), parts.next());
        last.and(parent)
    }

    /// The document's id, `ci`.
    pub fn id(&self) -> &str {
        self.local_stem().rsplit('/').next().unwrap_or_default()
    }

    /// The key of a `for_each` element, `alice`.
    pub fn key(&self) -> Option<String> {
        let local = self.local();
        let open = local.find('[')?;
        let inner = local[open + 1..].strip_suffix(']')?;
        serde_json::from_str(inner).ok()
    }

    /// The address without its `for_each` key; keys of the component uses it lies in stay.
    pub fn stem(&self) -> &str {
        &self.0[..self.uses().len() + self.local_stem().len()]
    }

    fn local_stem(&self) -> &str {
        self.local().split('[').next().unwrap_or_default()
    }
}

/// The name of a component's use as addresses have it, `team["alice"]`.
pub fn use_name(name: &str, key: Option<&str>) -> String {
    let mut text = name.to_owned();
    push_key(&mut text, key);
    text
}

/// The names of uses that a text such as `team["alice"]/disks/` joins; `None` when it has no such shape.
pub fn uses_of(text: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = text.strip_suffix('/').unwrap_or(text);
    loop {
        let end = segment(rest);
        let name = &rest[..end];
        let (bare, key) = name.split_at(name.find('[').unwrap_or(end));
        let keyed =
            key.is_empty() || key.strip_prefix('[').and_then(|k| k.strip_suffix(']')).is_some_and(is_quoted);
        if bare.is_empty() || kinds::find(bare).is_some() || !keyed {
            return None;
        }
        names.push(name);
        match rest[end..].strip_prefix('/') {
            Some(after) => rest = after,
            None => return Some(names),
        }
    }
}

fn push_key(text: &mut String, key: Option<&str>) {
    if let Some(key) = key {
        text.push('[');
        text.push_str(&serde_json::Value::from(key).to_string());
        text.push(']');
    }
}

fn is_quoted(text: &str) -> bool {
    serde_json::from_str::<String>(text).is_ok()
}

/// What follows the names of component uses: from the first segment that is a kind; all of it when none is.
fn local(text: &str) -> &str {
    let mut rest = text;
    loop {
        let end = segment(rest);
        if kinds::find(&rest[..end]).is_some() {
            return rest;
        }
        match rest[end..].strip_prefix('/') {
            Some(after) => rest = after,
            None => return text,
        }
    }
}

/// Where the first segment ends: at a slash that is in no key.
fn segment(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'/' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
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
    fn what_a_component_makes_has_its_uses_in_front() {
        let text = r#"team["a/\"b]"]/disks/instance/research/ci["x/y"]"#;
        let address = Address::parse(text).expect("an address");
        assert_eq!(address.uses(), r#"team["a/\"b]"]/disks/"#);
        assert_eq!(uses_of(address.uses()), Some(vec![r#"team["a/\"b]"]"#, "disks"]));
        assert_eq!(address.local(), r#"instance/research/ci["x/y"]"#);
        assert_eq!(address.kind(), "instance");
        assert_eq!((address.parent(), address.id()), (Some("research"), "ci"));
        assert_eq!(address.key().as_deref(), Some("x/y"));
        assert_eq!(address.stem(), r#"team["a/\"b]"]/disks/instance/research/ci"#);
        assert_eq!(address.with(Some("lab"), None).as_str(), r#"team["a/\"b]"]/disks/instance/lab/ci"#);
        assert_eq!(Address::inside("team-a/", "workspace", None, "w", None).as_str(), "team-a/workspace/w");
    }

    #[test]
    fn the_first_segment_that_is_a_kind_is_the_kind() {
        let parsed = |text| Address::parse(text).map(|a| (a.uses().to_owned(), a.kind().to_owned()));
        let found = |uses: &str, kind: &str| Some((uses.to_owned(), kind.to_owned()));
        assert_eq!(parsed("cluster/cluster/cluster"), found("", "cluster"));
        assert_eq!(parsed("team/cluster/workspace/cpu"), found("team/", "cluster"));
        assert_eq!(parsed("unheard/of/here"), found("", "unheard"));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for text in [
            "",
            "cluster",
            "cluster/",
            "a/b/c/d",
            "a/b[\"x",
            "a/b[x]",
            "a/\u{1b}b",
            "/cluster/a/b",
            "team//cluster/a/b",
            "team[x]/cluster/a/b",
            "team[\"x/cluster/a/b",
            "team/cluster/a/b/c",
        ] {
            assert!(Address::parse(text).is_none(), "{text:?}");
        }
    }
}
