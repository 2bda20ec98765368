//! From a document's keys to the attributes of its drafts.

use model::accept::known_keys;
use model::kinds::arm::DIRECTIONS;
use model::schema::{Default as TableDefault, Type};
use model::{Attribute, Diagnostic, Json, Place, Secret, Sensitivity, Value, body};

use super::Load;
use super::document::HEADER_KEYS;
use super::draft::{Leaf, Pending};
use super::expression::{Names, Resources};
use super::host::{self, PROBLEMS_MAX, Walker};
use super::table::{self, Slot};
use crate::built_in;
use crate::yaml::{Entry, Node, Yaml};

/// Keys that az ml prints and drops again, beside those of the kinds.
const AZ_ML_READ_ONLY: [&str; 5] = [
    "id",
    "identity.principal_id",
    "identity.tenant_id",
    "network_settings.public_ip_address",
    "network_settings.private_ip_address",
];

/// Another name of an attribute that ends so names a file with its text.
const FILE: &str = "_file";

/// The group whose content az ml hands on unread.
const HANDED_ON: &str = "properties.";

/// The largest file that an attribute's text may come from, in bytes: a private key has a few thousand.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// What all expressions of a run may make, in bytes: a large variable may be repeated by `for_each`.
const MADE_MAX: usize = 64 * 1024 * 1024;

/// How one value is to be read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    /// As az ml reads it.
    lenient: bool,
    secret: bool,
    /// Whether inputs of a component take part in it.
    handed: bool,
}

impl<'t> Load<'t, '_> {
    /// Reads the attributes of every draft, then their defaults. Drafts without a home are read, too,
    /// so that all their mistakes are reported in one run.
    pub(super) fn attributes(&mut self) {
        // Drafts borrow nothing of documents, so the documents step aside while drafts are filled.
        let documents = std::mem::take(&mut self.documents);
        for at in 0..self.drafts.len() {
            if self.drafts[at].implied_by.is_some() {
                continue;
            }
            let document = &documents[self.drafts[at].document];
            let before = self.diagnostics.len();
            self.unknown_keys = 0;
            for entry in document.root.entries().unwrap_or_default() {
                let directs = document.kind.is_typed() && DIRECTIONS.contains(&entry.key.as_ref());
                if !HEADER_KEYS.contains(&entry.key.as_ref()) && !directs {
                    self.entry(at, "", entry, document.az_ml);
                }
            }
            if let Some(workspace) = &document.workspace {
                let node = Node::from_json(Json::from(workspace.as_str()), document.place());
                let attribute = self.drafts[at].kind.attribute("workspace");
                attribute.into_iter().for_each(|a| self.leaf(at, a, &node, true));
            }
            match self.drafts[at].existing {
                true => self.drafts[at].keep_place_only(),
                false => self.defaults(at),
            }
            self.used_here(before, self.drafts[at].scope);
        }
        self.documents = documents;
    }

    fn entry(&mut self, at: usize, group: &str, entry: &Entry<'t>, az_ml: bool) {
        let kind = self.drafts[at].kind;
        let joined;
        let path = match group {
            "" => entry.key.as_ref(),
            _ => {
                joined = format!("{group}.{}", entry.key);
                joined.as_str()
            }
        };
        let alias = kind.aliases.iter().find(|(old, _)| *old == path);
        if let Some(attribute) =
            alias.filter(|(old, _)| old.ends_with(FILE)).and_then(|(_, new)| kind.attribute(new))
        {
            return self.leaf_from_file(at, attribute, &entry.node);
        }
        let path = alias.map_or(path, |(_, new)| new);
        if az_ml && alias.is_some_and(|(old, _)| old.starts_with(HANDED_ON)) && entry.node.yaml == Yaml::Null
        {
            return; // what is handed on as it is may be null
        }
        let slot = match self.tables.slot(kind, path) {
            // A text in one member of a union, a mapping in another.
            Some(Slot::Leaf(_)) if entry.node.entries().is_some() && table::is_group(kind, path) => {
                Some(Slot::Group)
            }
            slot => slot,
        };
        match slot {
            Some(Slot::Leaf(attribute)) => self.leaf(at, attribute, &entry.node, az_ml),
            Some(Slot::Group) => match entry.node.entries() {
                Some(entries) => entries.iter().for_each(|e| self.entry(at, path, e, az_ml)),
                None => {
                    let words = format!("`{path}` must be a mapping");
                    let below = table::keys_below(kind, path);
                    let help = format!("its keys: {}", model::accept::quoted(below));
                    self.report(at, Diagnostic::error(words).help(help).at(entry.node.place), path);
                }
            },
            None if kind.dropped.contains(&path) || AZ_ML_READ_ONLY.contains(&path) => {
                if !az_ml {
                    let words = format!("`{path}` is read-only in az ml and says nothing here");
                    self.report(at, Diagnostic::warning(words).help("remove it").at(entry.place), path);
                }
            }
            None if entry.key == "$schema" => {}
            None => self.unknown(at, group, entry),
        }
    }

    fn unknown(&mut self, at: usize, group: &str, entry: &Entry<'t>) {
        self.unknown_keys += 1;
        if self.unknown_keys > PROBLEMS_MAX {
            return;
        }
        let kind = self.drafts[at].kind;
        let mut known = table::keys_below(kind, group);
        if group.is_empty() {
            known.extend(HEADER_KEYS);
        }
        let place = match group {
            "" => format!("a {}", kind.name),
            group => format!("`{group}` of a {}", kind.name),
        };
        let words = format!("{place} has no key `{}`", entry.key);
        let help = match entry.key.as_ref() {
            "<<" => {
                "merge keys are no part of YAML 1.2; write the keys out, or repeat a whole value by its alias"
                    .to_owned()
            }
            key => known_keys(key, known),
        };
        self.report(at, Diagnostic::error(words).help(help).at(entry.place), &entry.key);
    }

    pub(super) fn report(&mut self, at: usize, diagnostic: Diagnostic, path: &str) {
        let address = self.drafts[at].address().cloned();
        self.diagnostics.push(Diagnostic { address, ..diagnostic }.attribute(path));
    }

    /// One attribute's value.
    pub(super) fn leaf(&mut self, at: usize, attribute: &'static Attribute, node: &Node<'_>, lenient: bool) {
        if self.drafts[at].home.is_none() && self.drafts[at].kind.placed_by() == Some(attribute.path) {
            return; // it is why there is no home
        }
        if self.drafts[at].leaves.contains_key(attribute.path) {
            let words = format!("`{}` is given twice, under its old and its new name", attribute.path);
            let diagnostic = Diagnostic::error(words).help("remove the old one").at(node.place);
            return self.report(at, diagnostic, attribute.path);
        }
        self.drafts[at].stands(attribute.path, node.place);
        let leaf = if matches!(attribute.value, Type::Script) {
            self.script(at, attribute, node);
            return;
        } else if node.mentions("${") {
            self.expression(at, attribute, node, lenient)
        } else {
            Some(self.accepted(at, attribute, node, Manner { lenient, ..Manner::default() }))
        };
        match leaf {
            Some(leaf) => _ = self.drafts[at].leaves.insert(attribute.path, leaf),
            None => self.drafts[at].leave_out(attribute.path),
        }
    }

    /// An attribute whose text is that of a file below the project.
    fn leaf_from_file(&mut self, at: usize, attribute: &'static Attribute, node: &Node<'_>) {
        let path = node.text().filter(|path| !path.is_empty() && !node.mentions("${"));
        let read = match path {
            Some(path) => self.read_beside(self.drafts[at].scope, path, FILE_BYTES_MAX).1,
            None => Err("is no plain path; write the path out".to_owned()),
        };
        let text =
            read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned()));
        match text {
            Ok(text) => {
                // A text from a file has no expressions.
                let node = Node::from_json(Json::from(text), node.place);
                self.drafts[at].stands(attribute.path, node.place);
                let leaf = self.accepted(at, attribute, &node, Manner::default());
                self.drafts[at].leaves.insert(attribute.path, leaf);
            }
            Err(words) => {
                let words = format!("the file `{}` {words}", path.unwrap_or_default().escape_debug());
                let help = format!(
                    "name a regular file below the project, or give `{}` from a sensitive variable",
                    attribute.path
                );
                self.report(at, Diagnostic::error(words).help(help).at(node.place), attribute.path);
                self.drafts[at].leaves.insert(attribute.path, Leaf::Broken);
            }
        }
    }

    /// Reads a file: a component's files lie in its folder, so that it can be used from anywhere. Also its whole path.
    pub(super) fn read_beside(
        &self,
        scope: usize,
        path: &str,
        limit: usize,
    ) -> (String, Result<Vec<u8>, String>) {
        let component = self.ground().component(scope);
        let whole = component.path(path);
        let read = match built_in::find(&component.name) {
            Some(found) => {
                let text = found.text(path).filter(|text| text.len() <= limit);
                text.map(|text| text.as_bytes().to_vec()).ok_or_else(|| "does not exist".to_owned())
            }
            None => self.inputs.files.read(&whole, limit),
        };
        (whole, read)
    }

    /// A value without expressions, in its canonical form.
    pub(super) fn accepted(
        &mut self,
        at: usize,
        attribute: &'static Attribute,
        node: &Node<'_>,
        manner: Manner,
    ) -> Leaf {
        let Manner { lenient, secret, handed } = manner;
        let mut walker = Walker {
            drafts: &self.drafts,
            index: &self.index,
            own: at,
            lenient,
            handed,
            secret: secret || attribute.sensitivity == Sensitivity::Secret,
            diagnostics: &mut self.diagnostics,
            problems: 0,
            edges: Vec::new(),
        };
        let Some(json) = walker.accept(attribute, node) else {
            return Leaf::Broken;
        };
        if !walker.edges.is_empty() {
            let edges = host::addresses(&self.drafts, walker.edges);
            edges.iter().for_each(|(address, place)| self.drafts[at].depend(address, *place));
        }
        Leaf::Value(value(attribute, json, secret))
    }

    /// A value with expressions: what is known is evaluated now, the rest waits. `None` for one that is null: it is
    /// as if the key were not there.
    pub(super) fn expression(
        &mut self,
        at: usize,
        attribute: &'static Attribute,
        node: &Node<'_>,
        lenient: bool,
    ) -> Option<Leaf> {
        let draft = &self.drafts[at];
        let mut names = Names::new(self.ground(), draft.scope);
        names.each = draft.each.as_ref();
        names.self_name = Some(&draft.name);
        names.resources = Some(Resources { drafts: &self.drafts, index: &self.index, own: Some(at) });
        let compiled = names.compile(node);
        let (targets, edges) = (names.targets, names.edges);
        let expression = match compiled {
            Ok(expression) => expression,
            Err((words, place)) => {
                self.say(at, words, place, attribute.path);
                return Some(Leaf::Broken);
            }
        };
        for target in edges {
            let address = self.drafts[target].address().cloned();
            address.iter().for_each(|address| self.drafts[at].depend(address, node.place));
        }
        let computed = node.computed().unwrap_or(node.place);
        let handed = node.mentions("inputs");
        let pending = Pending { expression, targets, handed, place: node.place, computed };
        match pending.targets.is_empty() {
            true => self.evaluated(at, attribute, pending, lenient),
            false => Some(Leaf::Pending(Box::new(pending))),
        }
    }

    /// An expression whose names all have their bindings; `None` for one that is null.
    pub(super) fn evaluated(
        &mut self,
        at: usize,
        attribute: &'static Attribute,
        pending: Pending,
        lenient: bool,
    ) -> Option<Leaf> {
        let Pending { expression, handed, place, computed, .. } = pending;
        if expression.is_too_deep() {
            let words = "the expression rests on too many others that are unknown, too".to_owned();
            self.say(at, words, place, attribute.path);
            return Some(Leaf::Broken);
        }
        match expression.evaluate(&|_, _| None) {
            Ok(Some(Json::Null)) => None,
            Ok(Some(json)) => {
                let before = self.made;
                self.made = before.saturating_add(weight(&json));
                if self.made > MADE_MAX {
                    if before <= MADE_MAX {
                        let words = format!("expressions make values of more than {MADE_MAX} bytes in all");
                        self.say(at, words, place, attribute.path);
                    }
                    return Some(Leaf::Broken);
                }
                let manner = Manner { lenient, secret: expression.is_secret(), handed };
                Some(self.accepted(at, attribute, &Node::from_json(json, place), manner))
            }
            Ok(None) => Some(Leaf::Value(Value::Deferred(expression.into()))),
            Err(words) => {
                self.say(at, words, computed, attribute.path);
                Some(Leaf::Broken)
            }
        }
    }

    fn say(&mut self, at: usize, words: String, place: Place, path: &str) {
        if !words.is_empty() {
            self.report(at, Diagnostic::error(words).at(place), path);
        }
    }

    /// Constant defaults, and those that follow the parent.
    pub(super) fn defaults(&mut self, at: usize) {
        let draft = &mut self.drafts[at];
        let parent = draft.home.as_ref().and_then(|h| h.parent);
        for attribute in draft.kind.attributes.iter().filter(|a| !a.derived) {
            if draft.leaves.contains_key(attribute.path) || !draft.takes(attribute) {
                continue;
            }
            let leaf = match attribute.default {
                // Nothing to manage: the same as leaving it out.
                TableDefault::String("unmanaged") => continue,
                TableDefault::Parent => parent.map(|p| Leaf::Same(p, attribute.path)),
                TableDefault::TrueUnless(group) => {
                    let given = draft.places.iter().any(|(path, _)| below(path, group));
                    Some(Leaf::Value(Value::Known(Json::from(!given))))
                }
                _ => body::default_of(attribute).map(|json| Leaf::Value(Value::Known(json))),
            };
            if let Some(leaf) = leaf {
                draft.leaves.insert(attribute.path, leaf);
            }
        }
    }
}

/// Roughly the bytes of a value.
fn weight(json: &Json) -> usize {
    match json {
        Json::String(text) => 32 + text.len(),
        Json::Array(list) => 32 + list.iter().map(weight).sum::<usize>(),
        Json::Object(map) => {
            32 + map.iter().map(|(key, value)| 32 + key.len() + weight(value)).sum::<usize>()
        }
        _ => 32,
    }
}

/// Whether `path` lies below `group`.
pub(super) fn below(path: &str, group: &str) -> bool {
    path.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'))
}

/// A known value, hidden where the attribute or its sources are.
pub(super) fn value(attribute: &Attribute, json: Json, secret: bool) -> Value {
    if !secret && attribute.sensitivity != Sensitivity::Secret {
        return Value::Known(json);
    }
    Value::Secret(Secret::new(match json {
        // Where anything may stand, a text that looks like a number is still a text.
        Json::String(text) if !matches!(attribute.value, Type::Anything) => text,
        other => other.to_string(),
    }))
}
