//! One document's header: what it says whatever its kind.

use model::accept::{described, known_keys};
use model::{Address, Adopt, ArmId, Diagnostic, Diagnostics, Kind, Lifecycle, Place, kinds};

use super::{table, typed};
use crate::project::Project;
use crate::yaml::{Entry, Node, Yaml};

/// A document whose header could be read.
pub(super) struct Document<'t> {
    pub(super) kind: &'static Kind,
    pub(super) root: Node<'t>,
    pub(super) line: usize,
    /// az ml's own header: read-only keys are dropped, and the workspace is the project's default.
    pub(super) az_ml: bool,
    pub(super) workspace: Option<String>,
    pub(super) id: Option<(String, Place)>,
    /// Addresses, or names of uses for all that a component makes.
    pub(super) depends_on: Vec<(String, Place)>,
    pub(super) lifecycle: Lifecycle,
    /// What `replace_on` names beyond attributes of its own kind: addresses, or attributes of those.
    pub(super) replace_on_others: Vec<(String, Place)>,
    pub(super) moved_from: Vec<Former>,
    pub(super) adopt: Option<Adopt>,
}

/// An earlier address, of all elements or of the one with this key.
pub(super) struct Former {
    pub(super) key: Option<String>,
    pub(super) address: Address,
    pub(super) place: Place,
}

impl<'t> Document<'t> {
    /// Where the document is pointed at: its name, or its beginning.
    pub(super) fn place(&self) -> Place {
        self.root.place
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node<'t>> {
        self.root.entry(key).map(|e| &e.node)
    }
}

/// Keys at the top of every document that are no attributes.
pub(super) const HEADER_KEYS: [&str; 11] = [
    "kind",
    "name",
    "id",
    "for_each",
    "when",
    "depends_on",
    "lifecycle",
    "moved_from",
    "existing",
    "adopt",
    "$schema",
];

/// Reads the header; `None` after a diagnostic that leaves nothing to go on with.
pub(super) fn read<'t>(
    root: Node<'t>,
    line: usize,
    project: &Project,
    diagnostics: &mut Diagnostics,
) -> Option<Document<'t>> {
    let mut header = Header { diagnostics };
    if root.entries().is_none() {
        let words = format!("a document must be a mapping, and is {}", described(&root.to_json()));
        header.error(words, "write `kind: …` and its other keys", root.place);
        return None;
    }
    let (kind, az_ml) = header.kind(&root)?;
    let kind = if kind.is_typed() { typed::read(&root, header.diagnostics)? } else { kind };
    let workspace =
        if az_ml && kind.parent().is_some() { header.default_workspace(&root, project) } else { None };
    let lifecycle = root.entry("lifecycle").map(|e| header.lifecycle(&e.node, kind));
    let (lifecycle, replace_on_others) = lifecycle.unwrap_or_default();
    let depends_on =
        root.entry("depends_on").map(|e| header.names(&e.node, "depends_on")).unwrap_or_default();
    let moved_from = root.entry("moved_from").map(|e| header.moved_from(&e.node, kind)).unwrap_or_default();
    let adopt = root.entry("adopt").and_then(|e| header.adopt(&e.node, kind));
    let id = root.entry("id").filter(|_| !az_ml).and_then(|e| header.id(&e.node));
    Some(Document {
        kind,
        root,
        line,
        az_ml,
        workspace,
        id,
        depends_on,
        lifecycle,
        replace_on_others,
        moved_from,
        adopt,
    })
}

/// The types of az ml's compute YAML (az ml facts §1), and our kinds.
pub(crate) const AZ_ML_TYPES: [(&str, &str); 5] = [
    ("amlcompute", "cluster"),
    ("computeinstance", "instance"),
    ("virtualmachine", "virtual_machine"),
    ("kubernetes", "kubernetes"),
    ("synapsespark", "synapse_spark"),
];

/// How the `$schema` of az ml's workspace YAML ends, which has no `type` (az ml facts §8), and our word for its kind.
pub(crate) const AZ_ML_WORKSPACES: [(&str, &str); 3] =
    [("/workspace.schema.json", "default"), ("/hub.schema.json", "hub"), ("/project.schema.json", "project")];

pub(super) struct Header<'d> {
    pub(super) diagnostics: &'d mut Diagnostics,
}

impl Header<'_> {
    pub(super) fn error(&mut self, words: impl Into<String>, help: impl Into<String>, place: Place) {
        self.diagnostics.push(Diagnostic::error(words).help(help).at(place));
    }

    fn kind(&mut self, root: &Node<'_>) -> Option<(&'static Kind, bool)> {
        match (root.entry("kind"), root.entry("type")) {
            (Some(entry), _) => self.own_kind(&entry.node).map(|kind| (kind, false)),
            (None, _) if az_ml_workspace(root).is_some() => kinds::find("workspace").map(|kind| (kind, true)),
            (None, Some(entry)) => self.az_ml_kind(&entry.node).map(|kind| (kind, true)),
            (None, None) => {
                let names = written();
                let near =
                    root.entries().into_iter().flatten().find(|e| {
                        model::rule::nearest(&e.key, ["kind"]).is_some() && e.node.text().is_some()
                    });
                let place = near.map_or(root.place, |e| e.place);
                let help = format!("write `kind: …`: one of {}", model::accept::quoted(names));
                self.error("the document has no `kind`", help, place);
                None
            }
        }
    }

    fn own_kind(&mut self, node: &Node<'_>) -> Option<&'static Kind> {
        let found = node.text().and_then(kinds::find).filter(|kind| !kind.is_on_share());
        if found.is_none() {
            let given = node.text().unwrap_or_default();
            let words = format!(
                "there is no kind {}",
                node.text().map_or(described(&node.to_json()), |t| format!("`{t}`"))
            );
            let help = match kinds::find(given) {
                Some(_) => {
                    "write a `setup_script` with `source: workspace_storage`: plumb keeps its file".to_owned()
                }
                None => known_keys(given, written()),
            };
            self.error(words, help, node.place);
        }
        found
    }

    fn az_ml_kind(&mut self, node: &Node<'_>) -> Option<&'static Kind> {
        let word = node.text().unwrap_or_default().to_ascii_lowercase();
        let found = AZ_ML_TYPES.iter().find(|(theirs, _)| *theirs == word);
        if found.is_none() {
            let words = format!("`type` is {}, which is no compute of az ml", described(&node.to_json()));
            let types = model::accept::quoted(AZ_ML_TYPES.map(|(theirs, _)| theirs));
            self.error(words, format!("write `kind: …`, or one of az ml's types: {types}"), node.place);
        }
        kinds::find(found?.1)
    }

    fn default_workspace(&mut self, root: &Node<'_>, project: &Project) -> Option<String> {
        let own = root.entry("workspace").is_some();
        if project.default_workspace.is_none() && !own {
            let place = root.entry("type").map_or(root.place, |e| e.node.place);
            let help = "set `default_workspace` below `[project]` in plumb.toml, or write `kind: …` and `workspace: …`";
            self.error(
                "an az ml document has no workspace of its own, and the project names none",
                help,
                place,
            );
        }
        project.default_workspace.clone().filter(|_| !own)
    }

    fn id(&mut self, node: &Node<'_>) -> Option<(String, Place)> {
        match node.text().filter(|t| is_id(t)) {
            Some(text) => Some((text.to_owned(), node.place)),
            None => {
                let words = format!(
                    "`id` must be the last part of an address, and is {}",
                    described(&node.to_json())
                );
                self.error(words, "use letters, digits, `-`, `_` and `.`; no expressions", node.place);
                None
            }
        }
    }

    /// The block, and what its `replace_on` names beyond attributes of the kind.
    fn lifecycle(&mut self, node: &Node<'_>, kind: &'static Kind) -> (Lifecycle, Vec<(String, Place)>) {
        const KEYS: [&str; 5] =
            ["prevent_destroy", "ignore_changes", "replace_on", "create_before_destroy", "destroy"];
        let (mut lifecycle, mut others) = (Lifecycle::default(), Vec::new());
        let Some(entries) = node.entries() else {
            self.error(
                "`lifecycle` must be a mapping",
                "write `lifecycle: { prevent_destroy: true }`",
                node.place,
            );
            return (lifecycle, others);
        };
        for entry in entries {
            match entry.key.as_ref() {
                "prevent_destroy" => lifecycle.prevent_destroy = self.boolean(entry),
                "create_before_destroy" => lifecycle.create_before_destroy = self.boolean(entry),
                "destroy" => lifecycle.retain = !self.boolean(entry),
                "ignore_changes" => {
                    let all = self.texts(&entry.key, &entry.node);
                    lifecycle.ignore_changes = self.attributes(all, kind);
                }
                "replace_on" => {
                    let is_other = |node: &&Node<'_>| node.text().is_some_and(|t| t.contains('/'));
                    let all = self.texts(&entry.key, &entry.node);
                    let (addresses, own): (Vec<_>, Vec<_>) = all.into_iter().partition(is_other);
                    lifecycle.replace_on = self.attributes(own, kind);
                    others = addresses.iter().filter_map(|n| Some((n.text()?.to_owned(), n.place))).collect();
                }
                key => {
                    let words = format!("unknown key `{key}` in `lifecycle`");
                    self.error(words, known_keys(key, KEYS), entry.place);
                }
            }
        }
        (lifecycle, others)
    }

    fn boolean(&mut self, entry: &Entry<'_>) -> bool {
        match entry.node.yaml {
            Yaml::Boolean(yes) => yes,
            _ => {
                let words = format!(
                    "`{}` must be `true` or `false`, and is {}",
                    entry.key,
                    described(&entry.node.to_json())
                );
                self.error(
                    words,
                    "it has no effect on resources, so it takes no expression",
                    entry.node.place,
                );
                false
            }
        }
    }

    fn attributes(&mut self, nodes: Vec<&Node<'_>>, kind: &'static Kind) -> Vec<String> {
        let mut paths = Vec::new();
        for node in nodes {
            let path = node.text().unwrap_or_default();
            if table::names_attribute(kind, path) {
                paths.push(path.to_owned());
            } else {
                let words = format!("a {} has no attribute `{path}`", kind.name);
                let all =
                    kind.attributes.iter().filter(|a| !a.derived).flat_map(|a| [Some(a.path), a.group()]);
                self.error(words, known_keys(path, all.flatten()), node.place);
            }
        }
        paths
    }

    /// Earlier addresses, by key where the document says so.
    fn moved_from(&mut self, node: &Node<'_>, kind: &'static Kind) -> Vec<Former> {
        let by_key: Vec<(Option<String>, &Node<'_>)> = match node.entries() {
            Some(entries) => entries.iter().map(|e| (Some(e.key.to_string()), &e.node)).collect(),
            None => vec![(None, node)],
        };
        let mut former = Vec::new();
        for (key, node) in by_key {
            for (address, place) in self.addresses(node, "moved_from") {
                if address.kind() == kind.name {
                    former.push(Former { key: key.clone(), address, place });
                } else {
                    let words = format!("a {} cannot have been the {} {address}", kind.name, address.kind());
                    self.error(words, "another kind is another resource; drop the entry", place);
                }
            }
        }
        former
    }

    /// Addresses, or names of component uses.
    pub(super) fn names(&mut self, node: &Node<'_>, key: &str) -> Vec<(String, Place)> {
        let mut found = Vec::new();
        for node in self.texts(key, node) {
            let text = node.text().unwrap_or_default();
            let is_address = Address::parse(text).is_some_and(|a| kinds::find(a.kind()).is_some());
            match is_address || model::address::uses_of(text).is_some_and(|uses| uses.len() == 1) {
                true => found.push((text.to_owned(), node.place)),
                false => self.no_address(text, key, node.place),
            }
        }
        found
    }

    fn no_address(&mut self, text: &str, key: &str, place: Place) {
        let words = format!("`{text}` in `{key}` is no address");
        let help =
            "write `kind/id`, or `kind/workspace/id` for a cluster or instance: `cluster/research/cpu`";
        self.error(words, help, place);
    }

    pub(super) fn addresses(&mut self, node: &Node<'_>, key: &str) -> Vec<(Address, Place)> {
        let mut found = Vec::new();
        for node in self.texts(key, node) {
            let text = node.text().unwrap_or_default();
            match Address::parse(text).filter(|a| kinds::find(a.kind()).is_some()) {
                Some(address) => found.push((address, node.place)),
                None => self.no_address(text, key, node.place),
            }
        }
        found
    }

    /// The texts of a text or a list of texts.
    fn texts<'n, 't>(&mut self, key: &str, node: &'n Node<'t>) -> Vec<&'n Node<'t>> {
        let all: Vec<&Node<'t>> = match &node.yaml {
            Yaml::List(list) => list.iter().collect(),
            _ => vec![node],
        };
        let (good, bad): (Vec<_>, Vec<_>) = all.into_iter().partition(|n| n.text().is_some());
        for node in bad {
            let words =
                format!("`{key}` must be a text or a list of texts, and has {}", described(&node.to_json()));
            self.error(words, "write it in quotes", node.place);
        }
        good
    }

    fn adopt(&mut self, node: &Node<'_>, kind: &Kind) -> Option<Adopt> {
        match (&node.yaml, node.text().and_then(ArmId::parse)) {
            // A script's file may stand.
            (Yaml::Boolean(true), _) if kind.in_arm() || kind.name == "setup_script" => Some(Adopt::Named),
            (Yaml::Boolean(false), _) => None,
            (_, Some(id)) if kind.in_arm() => Some(Adopt::Id(id)),
            _ => {
                let words =
                    format!("`adopt` must be `true` or an ARM id, and is {}", described(&node.to_json()));
                let help = match kind.in_arm() {
                    true => "an id looks like `/subscriptions/…/resourceGroups/…/providers/…`",
                    false => "this kind does not exist in Azure; leave the key out",
                };
                self.error(words, help, node.place);
                None
            }
        }
    }
}

/// The kinds that documents are written of.
fn written() -> impl Iterator<Item = &'static str> + Clone {
    kinds::KINDS.into_iter().filter(|kind| !kind.is_on_share()).map(|kind| kind.name)
}

/// Whether it describes a workspace.
pub(super) fn is_workspace(root: &Node<'_>) -> bool {
    match root.entry("kind") {
        Some(entry) => entry.node.text() == Some("workspace"),
        None => az_ml_workspace(root).is_some(),
    }
}

/// Of az ml's YAML of a workspace: which kind of workspace it is. A default one that names a hub is a project.
pub(super) fn az_ml_workspace(root: &Node<'_>) -> Option<&'static str> {
    let schema = root.entry("$schema").and_then(|e| e.node.text())?.to_ascii_lowercase();
    let (_, word) = AZ_ML_WORKSPACES.iter().find(|(end, _)| schema.ends_with(end))?;
    let of_hub = *word == "default" && root.entry("workspace_hub").is_some();
    Some(if of_hub { "project" } else { word })
}

/// Whether a text can be a part of an address.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 260
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.()".contains(c))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn header_keys_are_those_of_the_model() {
        let tops = model::header::HEADER.iter().filter_map(|key| key.path.split('.').next());
        let model: BTreeSet<&str> = tops.chain(["$schema"]).collect();
        assert_eq!(BTreeSet::from(HEADER_KEYS), model);
    }
}
