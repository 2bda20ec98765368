//! The kinds' attribute tables, indexed by path.

use std::collections::{BTreeSet, HashMap};

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
        self.0.get(kind.name)?.get(path).copied()
    }
}

fn index(kind: &'static Kind) -> HashMap<&'static str, Slot> {
    let mut slots = HashMap::new();
    for attribute in kind.attributes.iter().filter(|a| !a.derived) {
        for (dot, _) in attribute.path.match_indices('.') {
            slots.entry(&attribute.path[..dot]).or_insert(Slot::Group);
        }
        slots.insert(attribute.path, Slot::Leaf(attribute));
    }
    slots
}

/// The keys that may stand below a group (or at the top, for an empty one), for "did you mean".
pub(super) fn keys_below(kind: &'static Kind, group: &str) -> BTreeSet<&'static str> {
    let attributes = kind.attributes.iter().filter(|a| !a.derived);
    attributes
        .filter_map(|a| {
            let rest =
                if group.is_empty() { a.path } else { a.path.strip_prefix(group)?.strip_prefix('.')? };
            rest.split('.').next()
        })
        .collect()
}

/// Whether `path` is a group of the kind or one of its attributes; header keys name them.
pub(super) fn names_attribute(kind: &Kind, path: &str) -> bool {
    kind.attributes
        .iter()
        .any(|a| a.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}
