//! The kinds' attribute tables, indexed by path.

use std::collections::{BTreeSet, HashMap};

use model::kinds::arm::BODY;
use model::{Attribute, Kind, kinds};

/// What a path in a document is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    /// An attribute.
    Leaf(&'static Attribute),
    /// A mapping with attributes below.
    Group,
}

/// One index for each kind.
pub(super) struct Tables(HashMap<&'static str, HashMap<&'static str, Slot>>);

impl Tables {
    pub(super) fn new() -> Self {
        Self(kinds::KINDS.iter().map(|kind| (kind.name, index(kind))).collect())
    }

    pub(super) fn slot(&self, kind: &Kind, path: &str) -> Option<Slot> {
        if kind.is_typed() {
            // A table of one document is read once.
            let leaf = kind.attribute(path).map(Slot::Leaf);
            let is_group = || path == BODY.trim_end_matches('.') || is_group(kind, path);
            return leaf.or_else(|| is_group().then_some(Slot::Group));
        }
        self.0.get(kind.name)?.get(path).copied()
    }
}

fn index(kind: &'static Kind) -> HashMap<&'static str, Slot> {
    let mut slots = HashMap::new();
    let open = kind.attributes.iter().filter(|a| !a.derived);
    for path in open.clone().map(|a| a.path).chain(kind.aliases.iter().map(|(old, _)| *old)) {
        for (dot, _) in path.match_indices('.') {
            slots.entry(&path[..dot]).or_insert(Slot::Group);
        }
    }
    slots.extend(open.map(|a| (a.path, Slot::Leaf(a))));
    slots
}

/// The keys that may stand below a group (or at the top, for an empty one), for "did you mean".
pub(super) fn keys_below(kind: &'static Kind, group: &str) -> BTreeSet<&'static str> {
    let attributes = kind.attributes.iter().filter(|a| !a.derived).map(|a| a.path);
    // Other names are told only where az ml has a whole group of them.
    let aliases = kind.aliases.iter().map(|(old, _)| *old).filter(|_| !group.is_empty());
    attributes
        .chain(aliases)
        .filter_map(|path| {
            let rest = if group.is_empty() { path } else { path.strip_prefix(group)?.strip_prefix('.')? };
            rest.split('.').next()
        })
        .collect()
}

/// Whether attributes that a document may give stand below `path`.
pub(super) fn is_group(kind: &Kind, path: &str) -> bool {
    let open = kind.attributes.iter().filter(|a| !a.derived);
    open.into_iter().any(|a| a.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// Whether `path` is a group of the kind or one of its attributes; header keys name them.
pub(super) fn names_attribute(kind: &Kind, path: &str) -> bool {
    kind.attributes
        .iter()
        .any(|a| a.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}
