//! A resource as the manifests want it: one document, or one element of its `for_each`.

use std::collections::BTreeMap;

use crate::{Address, ArmId, Kind, Place, Value};

/// One desired resource, expanded, validated and typed.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its stable name.
    pub address: Address,
    /// Its kind.
    pub kind: &'static Kind,
    /// Its name in Azure.
    pub name: String,
    /// Its ARM id, which follows from names; `None` for kinds that are not in ARM.
    pub arm_id: Option<ArmId>,
    /// What the document asks, plumb's defaults included.
    pub attributes: BTreeMap<&'static str, Value>,
    /// What it depends on: references first, then `depends_on`; no address twice.
    pub dependencies: Vec<Dependency>,
    /// How it may be changed.
    pub lifecycle: Lifecycle,
    /// Earlier addresses of the same resource, with the places that say so.
    pub moved_from: Vec<(Address, Place)>,
    /// Whose document asks that a replacement is made before the old one is deleted: its own, or that of a
    /// resource which depends on it. The graph finds out.
    pub create_first: Option<Address>,
    /// Whether a live resource that is in no state may be taken over.
    pub adopt: Option<Adopt>,
    /// The resource that this one was made for, when no document asks for it by itself.
    pub implied_by: Option<Address>,
    /// Whether it stands without plumb: it is looked at, for what others refer to, and nothing is done to it.
    pub existing: bool,
    /// Where its document stands.
    pub place: Place,
    /// `file:line` of the document, for the state and for reports.
    pub source: String,
    /// Where attributes stand, by path.
    pub places: Vec<(&'static str, Place)>,
}

/// An edge of the graph, with the place that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// What is depended on.
    pub address: Address,
    /// Where it is said.
    pub place: Place,
}

/// The `lifecycle` header key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// A plan that would delete or replace it fails.
    pub prevent_destroy: bool,
    /// Attribute paths (or their groups) whose differences are left alone.
    pub ignore_changes: Vec<String>,
    /// Attribute paths (or their groups) whose change replaces the resource.
    pub replace_on: Vec<String>,
    /// Other resources whose change replaces it.
    pub triggers: Vec<Trigger>,
    /// Replace by create, then delete.
    pub create_before_destroy: bool,
    /// It is never deleted: when its document leaves, plumb forgets it (`destroy: false`).
    pub retain: bool,
}

/// Another resource in `replace_on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The resource.
    pub address: Address,
    /// One of its attributes, a group of them, or a computed value; any change of it without one.
    pub path: Option<String>,
}

/// The `adopt` header key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adopt {
    /// The live resource with the id that follows from the names.
    Named,
    /// The live resource with this id, which must be the one that follows from the names.
    Id(ArmId),
}

impl Resource {
    /// Where an attribute stands, or else its document.
    pub fn place_of(&self, path: &str) -> Place {
        self.places.iter().find(|(p, _)| *p == path).map_or(self.place, |(_, place)| *place)
    }

    /// A known text attribute.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.attributes.get(path)?.known()?.as_str()
    }
}

impl Lifecycle {
    /// Whether `path` or a group it stands in is named by `paths`.
    pub fn covers(paths: &[String], path: &str) -> bool {
        paths
            .iter()
            .any(|p| path == p || path.strip_prefix(p.as_str()).is_some_and(|rest| rest.starts_with('.')))
    }
}
