//! A resource on its way: an element of a document, with what is known of it so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::expression::Known;
use model::{Address, ArmId, Attribute, Dependency, Expression, Kind, Place, Trigger, Value};

/// One resource to be.
pub(super) struct Draft {
    pub(super) kind: &'static Kind,
    /// Its document; of an implied resource, that of the one it was made for.
    pub(super) document: usize,
    /// The scope that its names and references belong to.
    pub(super) scope: usize,
    pub(super) each: Option<Each>,
    pub(super) name: String,
    pub(super) name_place: Place,
    /// Whether its name is good; without one it is only looked at for more mistakes.
    pub(super) named: bool,
    pub(super) id: String,
    /// Set when its place in ARM is known; a draft without one is broken and has been reported.
    pub(super) home: Option<Home>,
    pub(super) leaves: BTreeMap<&'static str, Leaf>,
    pub(super) places: Vec<(&'static str, Place)>,
    pub(super) dependencies: Vec<Dependency>,
    /// Other resources whose change replaces it.
    pub(super) triggers: Vec<Trigger>,
    pub(super) implied_by: Option<usize>,
    /// Whether it stands without plumb, and is only looked at.
    pub(super) existing: bool,
}

/// The element of a `for_each`.
#[derive(Clone)]
pub(super) struct Each {
    pub(super) text: String,
    pub(super) key: Arc<Known>,
    pub(super) value: Arc<Known>,
}

/// Where a resource lies.
pub(super) struct Home {
    pub(super) address: Address,
    pub(super) arm_id: Option<ArmId>,
    /// The draft it lies in, if a document describes it.
    pub(super) parent: Option<usize>,
}

/// The value of an attribute, as far as it is known.
pub(super) enum Leaf {
    Value(Value),
    /// It rests on attributes of other drafts.
    Pending(Box<Pending>),
    /// It equals another draft's attribute.
    Same(usize, &'static str),
    /// Something was wrong with it, which has been reported.
    Broken,
}

/// A compiled expression and the attributes that its pending slots stand for, by their numbers.
pub(super) struct Pending {
    pub(super) expression: Expression,
    pub(super) targets: Vec<(usize, &'static str)>,
    pub(super) place: Place,
    /// Whether inputs take part: a name among them means what it means where the component is used.
    pub(super) handed: bool,
    /// Where its computation stands: the text with `${…}`, if it is the only one.
    pub(super) computed: Place,
}

impl Draft {
    /// Its address; only for drafts that have a home.
    pub(super) fn address(&self) -> Option<&Address> {
        self.home.as_ref().map(|h| &h.address)
    }

    pub(super) fn arm_id(&self) -> Option<&ArmId> {
        self.home.as_ref()?.arm_id.as_ref()
    }

    /// The part of its children's addresses: its id, or its name where several share the id.
    pub(super) fn as_parent(&self) -> &str {
        if self.each.is_some() { &self.name } else { &self.id }
    }

    /// Adds an edge, once.
    pub(super) fn depend(&mut self, address: &Address, place: Place) {
        if !self.dependencies.iter().any(|d| d.address == *address) {
            self.dependencies.push(Dependency { address: address.clone(), place });
        }
    }

    /// Remembers where an attribute stands.
    pub(super) fn stands(&mut self, path: &'static str, place: Place) {
        self.places.push((path, place));
    }

    /// Of what stands without plumb nothing is asked: its document only says where it lies.
    pub(super) fn keep_place_only(&mut self) {
        let placed_by = self.kind.placed_by();
        self.leaves.retain(|path, _| Some(*path) == placed_by);
    }

    /// Takes an attribute for one that its document does not give.
    pub(super) fn leave_out(&mut self, path: &str) {
        self.leaves.remove(path);
        self.places.retain(|(stands, _)| *stands != path);
    }

    pub(super) fn place_of(&self, path: &str) -> Option<Place> {
        self.places.iter().find(|(p, _)| *p == path).map(|(_, place)| *place)
    }

    /// Whether an attribute of a union belongs to the member that this is; true while that is not known.
    pub(super) fn takes(&self, attribute: &Attribute) -> bool {
        let of_this = |(sibling, word): (&str, &str)| {
            self.known_text(sibling).is_none_or(|text| text.eq_ignore_ascii_case(word))
        };
        attribute.derived || attribute.when.is_none_or(of_this)
    }

    pub(super) fn known_text(&self, path: &str) -> Option<&str> {
        match self.leaves.get(path)? {
            Leaf::Value(value) => value.known()?.as_str(),
            _ => None,
        }
    }
}
