//! Documents of the kind `arm`, which say their own type: the table that follows from one, and what its directions
//! (`compare`, `ignore`, `secret`) mean.
//!
//! The table follows from how the document is written, not from values: it is the same for every element of a
//! `for_each`, whatever its expressions come to.

use std::collections::{BTreeMap, BTreeSet};

use model::accept::{described, known_keys, quoted};
use model::kinds::arm::{BODY, DIRECTIONS, Leaf, Shape, is_segment, is_version, lies_in};
use model::{Diagnostic, Diagnostics, Kind, Place, Resource, Under, Value};

use super::Load;
use super::draft;
use crate::yaml::{Node, Yaml};

/// A body with more leaves than these is compared by the keys at its top.
const LEAVES_MAX: usize = 1_000;

/// Keys of ARM's envelope that are no part of a body here, and where they are said.
const ELSEWHERE: [(&str, &str); 4] =
    [("apiVersion", "api_version"), ("id", "name"), ("name", "name"), ("type", "type")];

const PLACES: [(&str, Under); 3] =
    [("resource_group", Under::Group), ("parent", Under::Parent), ("scope", Under::Scope)];

/// Reads what says the table; `None` after a diagnostic.
pub(super) fn read(root: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<&'static Kind> {
    let mut reader = Reader { secret: root.entry("secret").is_some(), found: Vec::new() };
    let read = reader.read(root);
    let good = reader.found.is_empty();
    diagnostics.extend(reader.found);
    read.filter(|_| good)
}

struct Reader {
    /// Whether lines of the document may show a secret.
    secret: bool,
    found: Vec<Diagnostic>,
}

impl Reader {
    fn error(&mut self, words: impl Into<String>, help: impl Into<String>, place: Place) {
        let diagnostic = Diagnostic::error(words).help(help).at(place);
        self.found.push(Diagnostic { secret: self.secret, ..diagnostic });
    }

    fn read(&mut self, root: &Node<'_>) -> Option<&'static Kind> {
        let resource_type =
            self.needed(root, "type", "write its ARM type, `type: Microsoft.OperationalInsights/workspaces`");
        let version =
            self.needed(root, "api_version", "write the version of its API, `api_version: 2023-09-01`");
        let resource_type = resource_type.and_then(|node| self.resource_type(node));
        let version = version.and_then(|node| self.version(node));
        let under = self.place(root, resource_type.as_deref());
        let help = "write what is sent: `body: { location: westeurope, properties: { … } }`";
        let mut leaves = match root.entry("existing") {
            // Of what others look after, nothing is sent.
            Some(_) if root.entry("body").is_none() => BTreeMap::new(),
            _ => self.needed(root, "body", help).map(|body| self.leaves(body))?,
        };
        self.directions(root, &mut leaves);
        Some(Shape { leaves, ..Shape::new(&resource_type?, &version?, under?) }.kind())
    }

    fn needed<'n, 't>(&mut self, root: &'n Node<'t>, key: &str, help: &str) -> Option<&'n Node<'t>> {
        let found = root.entry(key).map(|entry| &entry.node);
        if found.is_none() {
            let near =
                root.entries().into_iter().flatten().find(|e| model::rule::nearest(&e.key, [key]).is_some());
            self.error(format!("an arm document needs `{key}`"), help, near.map_or(root.place, |e| e.place));
        }
        found
    }

    fn resource_type(&mut self, node: &Node<'_>) -> Option<String> {
        let text = node.text().unwrap_or_default();
        let word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        };
        let mut segments = text.split('/');
        let namespace = segments.next().unwrap_or_default();
        let is_good = namespace.contains('.')
            && namespace.split('.').all(word)
            && text.contains('/')
            && segments.all(word);
        if is_good {
            return Some(text.to_owned());
        }
        let help = match text.split_once('@') {
            Some((own, version)) => format!("write `type: {own}` and `api_version: {version}`"),
            None => "write it out, with its namespace: `Microsoft.OperationalInsights/workspaces`; it takes no expression".to_owned(),
        };
        self.error(
            format!("`type` must be an ARM type, and is {}", described(&node.to_json())),
            help,
            node.place,
        );
        None
    }

    fn version(&mut self, node: &Node<'_>) -> Option<String> {
        let text = node.text().unwrap_or_default();
        if is_version(text) {
            return Some(text.to_owned());
        }
        let words = format!("`api_version` must be a date, and is {}", described(&node.to_json()));
        self.error(words, "write it as the type's reference does: `2023-09-01` or `2023-09-01-preview`; it takes no expression", node.place);
        None
    }

    /// What it lies in or on: one of three keys says it, and a nested type has a parent.
    fn place(&mut self, root: &Node<'_>, resource_type: Option<&str>) -> Option<Under> {
        let given: Vec<_> =
            PLACES.iter().filter_map(|(key, under)| Some((root.entry(key)?, *under))).collect();
        let names = PLACES.map(|(key, _)| key);
        let (first, under) = match given.as_slice() {
            [] => {
                let help = format!("write one of {}", quoted(names));
                self.error("an arm document needs to say where it lies", help, root.place);
                return None;
            }
            [only] => *only,
            [(first, _), (second, _), ..] => {
                let words = format!("`{}` and `{}` both say where it lies", first.key, second.key);
                let help = "keep `parent` for a nested type, `scope` for what extends another resource, else `resource_group`";
                self.error(words, help, second.place);
                return None;
            }
        };
        let is_nested = resource_type.map(|t| t.matches('/').count() > 1);
        match (is_nested, under) {
            (Some(true), Under::Group | Under::Scope) => {
                let words = format!(
                    "`{}` is a nested type, which lies in a parent",
                    resource_type.unwrap_or_default()
                );
                self.error(words, "write `parent:` with the ARM id of what it lies in, as `${virtual_network[\"NAME\"].id}`", first.place);
                None
            }
            (Some(false), Under::Parent) => {
                let words = format!(
                    "`{}` is no nested type, so it has no `parent`",
                    resource_type.unwrap_or_default()
                );
                self.error(
                    words,
                    "write `resource_group:`, or `scope:` for what extends another resource",
                    first.place,
                );
                None
            }
            _ => Some(under),
        }
    }

    /// The leaves of the body, by path.
    fn leaves(&mut self, body: &Node<'_>) -> BTreeMap<String, Leaf> {
        let mut leaves = BTreeMap::new();
        let Some(entries) = body.entries() else {
            let words = format!("`body` must be a mapping, and is {}", described(&body.to_json()));
            self.error(words, "write its keys out; their values may be expressions", body.place);
            return leaves;
        };
        for entry in entries {
            let elsewhere = ELSEWHERE.iter().find(|(key, _)| *key == entry.key);
            if let Some((key, own)) = elsewhere {
                let help = format!("remove it: the document's own `{own}` says that");
                self.error(format!("`body.{key}` is no part of a body"), help, entry.place);
            } else if is_segment(&entry.key) {
                self.keys(&entry.node);
                collect(&entry.node, entry.key.to_string(), &mut leaves);
            } else {
                let words = format!("`{}` is no key of a body", entry.key.escape_debug());
                self.error(
                    words,
                    "ARM's are `location`, `tags`, `sku`, `properties` and the like",
                    entry.place,
                );
            }
        }
        if leaves.len() > LEAVES_MAX {
            leaves = entries.iter().map(|entry| (entry.key.to_string(), Leaf::Plain)).collect();
        }
        leaves
    }

    /// Keys have no expressions, and one that looks like it would be sent as it stands.
    fn keys(&mut self, node: &Node<'_>) {
        match &node.yaml {
            Yaml::Map(entries) => {
                for entry in entries {
                    if entry.key.contains("${") {
                        let help = "write the mapping as one expression: `${{ user_assigned_identity.NAME.id: {} }}`";
                        self.error("a key takes no expression", help, entry.place);
                    }
                    self.keys(&entry.node);
                }
            }
            Yaml::List(list) => list.iter().for_each(|node| self.keys(node)),
            _ => {}
        }
    }

    /// Marks what is secret, and what is not compared.
    fn directions(&mut self, root: &Node<'_>, leaves: &mut BTreeMap<String, Leaf>) {
        let [compared, ignored, secret] = DIRECTIONS.map(|key| self.paths(root, key, leaves));
        for (path, place) in &secret {
            if compared.iter().any(|(other, _)| lies_in(other, path)) {
                let words = format!("`{path}` is secret, so it cannot be compared with what Azure has");
                self.error(words, "take it out of `compare`: its own change is found by its hash", *place);
            }
        }
        let is_in =
            |paths: &[(String, Place)], path: &str| paths.iter().any(|(group, _)| lies_in(path, group));
        for (path, leaf) in leaves {
            // Where it is, is what it is: another region is found whatever is compared.
            let is_left_out =
                root.entry("compare").is_some() && path != "location" && !is_in(&compared, path);
            *leaf = match () {
                () if is_in(&secret, path) => Leaf::Secret,
                () if is_left_out || is_in(&ignored, path) => Leaf::Unseen,
                () => Leaf::Plain,
            };
        }
    }

    /// The paths that a direction names, each of which the body must have.
    fn paths(&mut self, root: &Node<'_>, key: &str, leaves: &BTreeMap<String, Leaf>) -> Vec<(String, Place)> {
        let Some(entry) = root.entry(key) else { return Vec::new() };
        let nodes: Vec<&Node<'_>> = match &entry.node.yaml {
            Yaml::List(list) => list.iter().collect(),
            _ => vec![&entry.node],
        };
        let mut found = Vec::new();
        for node in nodes {
            let text = node.text().unwrap_or_default();
            let path = text.strip_prefix(BODY).unwrap_or(text);
            if leaves.keys().any(|leaf| lies_in(leaf, path)) {
                found.push((path.to_owned(), node.place));
                continue;
            }
            let above = leaves.keys().find(|leaf| lies_in(path, leaf));
            let help = match above {
                Some(above) => format!("`{above}` is one value as the body is written; name it whole"),
                None => known_keys(path, leaves.keys().map(String::as_str)),
            };
            let words =
                format!("`{key}` names {}, and the body has no such path", described(&node.to_json()));
            self.error(words, help, node.place);
        }
        found
    }
}

/// The leaves at and below a value.
fn collect(node: &Node<'_>, path: String, leaves: &mut BTreeMap<String, Leaf>) {
    match node.entries() {
        // Tags are one value, as they are for other kinds.
        Some(entries)
            if path != "tags" && !entries.is_empty() && entries.iter().all(|e| is_segment(&e.key)) =>
        {
            entries.iter().for_each(|e| collect(&e.node, format!("{path}.{}", e.key), leaves));
        }
        _ => _ = leaves.insert(path, Leaf::Plain),
    }
}

impl Load<'_, '_> {
    /// What comes from a secret is one, whatever the document says of its path.
    pub(super) fn secret_leaves(&mut self) {
        for draft in self.drafts.iter_mut().filter(|draft| draft.kind.is_typed()) {
            let is_secret = |leaf: &draft::Leaf| match leaf {
                draft::Leaf::Value(Value::Secret(_)) => true,
                draft::Leaf::Value(Value::Deferred(expression)) => expression.is_secret(),
                _ => false,
            };
            let secret = draft.leaves.iter().filter(|(_, leaf)| is_secret(leaf)).map(|(path, _)| *path);
            let mut shape = Shape::of(draft.kind);
            let leaves = secret.filter_map(|path| Some((path.strip_prefix(BODY)?.to_owned(), Leaf::Secret)));
            shape.leaves.extend(leaves.collect::<Vec<_>>());
            draft.kind = shape.kind();
        }
    }
}

/// Gives each resource of a type of its own the computed values that others refer to: the state keeps these, and
/// nothing else of what Azure answers.
pub(super) fn refer(resources: &mut [Resource], outputs: &BTreeMap<String, Value>) {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    {
        let values =
            resources.iter().flat_map(|resource| resource.attributes.values()).chain(outputs.values());
        let expressions = values.filter_map(|value| match value {
            Value::Deferred(expression) => Some(expression),
            _ => None,
        });
        let mut note = |address: &model::Address, name: &str| {
            told.entry(address.to_string()).or_default().insert(name.to_owned());
        };
        expressions.flat_map(|e| e.references()).for_each(|(address, name)| note(address, name));
        let triggers = resources.iter().flat_map(|r: &Resource| &r.lifecycle.triggers);
        triggers.for_each(|t| t.path.iter().for_each(|path| note(&t.address, path)));
    }
    for resource in resources.iter_mut().filter(|resource| resource.kind.is_typed()) {
        let Some(names) = told.remove(resource.address.as_str()) else { continue };
        let computed = names.into_iter().filter(|name| !is_own(resource.kind, name)).collect();
        resource.kind = Shape { computed, ..Shape::of(resource.kind) }.kind();
    }
}

/// Whether a path is one of the document's own attributes, or a group of them.
fn is_own(kind: &Kind, path: &str) -> bool {
    kind.attributes.iter().any(|a| lies_in(a.path, path))
}
