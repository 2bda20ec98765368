//! From what stands in Azure to documents that ask for just that.
//!
//! A document says what nobody would assume: what equals a default, or what Azure has when nobody asks, is left out.
//! What Azure does not tell (secrets, texts of scripts) cannot be written, and is said in a comment.

use std::collections::{BTreeMap, BTreeSet};

use model::compare::same;
use model::schema::{Default as TableDefault, Form, Need, Reference, Type};
use model::{
    Address, ArmId, Attribute, Attributes, Change, Compare, Json, Kind, Observed, Placement, Under, body,
    kinds,
};

use crate::write::Document;

/// A live resource of a known kind.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its kind.
    pub kind: &'static Kind,
    /// What was read of it.
    pub observed: Observed,
}

/// What the new documents stand among.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// The subscription of what names none.
    pub subscription: String,
    /// Resources that have a document already, by folded ARM id.
    pub described: BTreeMap<String, Known>,
    /// Addresses that are taken.
    pub taken: BTreeSet<Address>,
    /// What documents are to be called, the last part of their addresses, by folded ARM id.
    pub called: BTreeMap<String, String>,
    /// Attributes to leave out: folded ARM id and path.
    pub without: BTreeSet<(String, String)>,
}

/// A resource that a document can refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The last part of its address.
    pub id: String,
    /// Its region, where it has one.
    pub location: Option<String>,
}

/// A document for a resource that stands.
#[derive(Debug, Clone)]
pub struct Described {
    /// The resource.
    pub arm_id: ArmId,
    /// What plumb will call it.
    pub address: Address,
    /// The document.
    pub document: Document,
    /// Paths whose values Azure does not tell.
    pub untold: Vec<&'static str>,
}

/// Documents for what stands, in the same order.
pub fn describe(standing: &[Standing], around: &Around) -> Vec<Described> {
    let mut known = around.described.clone();
    let mut taken = around.taken.clone();
    let mut ids = Vec::with_capacity(standing.len());
    for found in standing {
        let id = around.called.get(&found.observed.arm_id.folded()).cloned();
        let id = id.unwrap_or_else(|| free_id(found, &mut taken));
        let location = found.observed.attributes.get("location").and_then(Json::as_str).map(str::to_owned);
        known.insert(found.observed.arm_id.folded(), Known { id: id.clone(), location });
        ids.push(id);
    }
    let names = Names { known: &known, around };
    standing.iter().zip(ids).map(|(found, id)| names.described(found, id)).collect()
}

/// The name, unless something else has that address; then the name with its group's.
fn free_id(found: &Standing, taken: &mut BTreeSet<Address>) -> String {
    let arm_id = &found.observed.arm_id;
    let name = arm_id.name();
    if found.kind.parent().is_some() {
        // Names are unique in their parent.
        return name.to_owned();
    }
    let group = arm_id.resource_group().unwrap_or_default();
    let candidates = [name.to_owned(), format!("{name}-{group}")].into_iter();
    let numbered = (2..).map(|n| format!("{name}-{group}-{n}"));
    let free = |id: &String| taken.insert(Address::new(found.kind.name, None, id, None));
    candidates.chain(numbered).find(free).expect("BUG: there are numbers without end")
}

/// How resources are called in documents.
struct Names<'a> {
    known: &'a BTreeMap<String, Known>,
    around: &'a Around,
}

impl Names<'_> {
    fn described(&self, found: &Standing, id: String) -> Described {
        let arm_id = found.observed.arm_id.clone();
        let name = arm_id.name().to_owned();
        let parent = found.kind.parent().and_then(|_| arm_id.parent());
        let above = parent.map(|parent| match self.known.get(&parent.folded()) {
            Some(known) => known.id.clone(),
            None => parent.name().to_owned(),
        });
        let address = Address::new(found.kind.name, above.as_deref(), &id, None);
        let attributes = self.attributes(found);
        let untold = untold(found);
        let comments = match untold.is_empty() {
            true => Vec::new(),
            false => {
                vec![format!("Azure does not tell, so this document does not say: {}", untold.join(", "))]
            }
        };
        let id = (id != name).then_some(id);
        let document = Document { kind: found.kind, name, id, attributes, comments };
        Described { arm_id, address, document, untold }
    }

    fn attributes(&self, found: &Standing) -> Attributes {
        let mut said = Attributes::new();
        let open = found.kind.attributes.iter().filter(|a| !a.derived && !a.is_hidden());
        // What follows from a group's being given comes after the group.
        let (late, early): (Vec<&Attribute>, Vec<&Attribute>) =
            open.partition(|a| matches!(a.default, TableDefault::TrueUnless(_)));
        for attribute in early.into_iter().chain(late) {
            let key = (found.observed.arm_id.folded(), attribute.path.to_owned());
            if self.around.without.contains(&key) {
                continue;
            }
            if let Some(value) = self.value(attribute, found, &said) {
                said.insert(attribute.path, value);
            }
        }
        said.extend(self.with_their_groups(found, &said));
        said
    }

    /// What must be given when its group is, also where it is as one would assume.
    fn with_their_groups(&self, found: &Standing, said: &Attributes) -> Attributes {
        let begun = |group: &str| said.keys().any(|path| is_below(path, group));
        let needed = found.kind.attributes.iter().filter(|a| a.need == Need::WithGroup && !a.derived);
        let missing = needed.filter(|a| !said.contains_key(a.path) && a.group().is_some_and(begun));
        let arm_id = &found.observed.arm_id;
        let value = |a: &Attribute| {
            let live = found.observed.attributes.get(a.path).filter(|_| !a.is_hidden())?;
            Some((a.path, self.referring(&a.value, arm_id, live)))
        };
        missing.filter_map(value).collect()
    }

    /// What the document has to say of an attribute.
    fn value(&self, attribute: &Attribute, found: &Standing, said: &Attributes) -> Option<Json> {
        let live = &found.observed.attributes;
        let arm_id = &found.observed.arm_id;
        if let Some(place) = self.place(attribute, found) {
            return Some(Json::from(place));
        }
        if matches!(attribute.value, Type::Script) {
            return script(attribute, live);
        }
        let Some(value) = live.get(attribute.path).filter(|value| !is_nothing(attribute, value)) else {
            // Without a word there would be the default.
            let none = attribute.compare == Compare::NoneIsAbsent && body::default_of(attribute).is_some();
            return none.then(|| Json::from("none"));
        };
        let elsewhere = || !arm_id.subscription().eq_ignore_ascii_case(&self.around.subscription);
        let assumed = match attribute.default {
            TableDefault::Parent => {
                let parent = arm_id.parent().and_then(|parent| self.known.get(&parent.folded()));
                parent.and_then(|parent| parent.location.clone()).map(Json::from)
            }
            TableDefault::TrueUnless(group) => {
                Some(Json::from(!said.keys().any(|path| is_below(path, group))))
            }
            TableDefault::None => body::initial_of(attribute),
            _ => body::default_of(attribute),
        };
        let is_assumed = same(attribute, assumed.as_ref(), Some(value));
        let unmanaged =
            attribute.change == Change::Power || (attribute.path == "subscription" && !elsewhere());
        (!is_assumed && !unmanaged).then(|| self.referring(&attribute.value, arm_id, value))
    }

    /// The text of the attribute that says where a resource lies.
    fn place(&self, attribute: &Attribute, found: &Standing) -> Option<String> {
        let parent = match (found.kind.placement, attribute.path) {
            (Placement::InGroup { .. }, "resource_group") => found.observed.arm_id.parent()?,
            (Placement::InParent { parent, .. }, path) if path == parent => found.observed.arm_id.parent()?,
            (Placement::OnScope { .. }, "scope") => {
                return found.observed.arm_id.parent().map(|scope| scope.as_str().to_owned());
            }
            (Placement::Typed { resource_type, .. }, "type") => return Some(resource_type.to_owned()),
            (Placement::Typed { api_version, .. }, "api_version") => return Some(api_version.to_owned()),
            (Placement::Typed { under: Under::Group, .. }, "resource_group") => {
                found.observed.arm_id.parent()?
            }
            (Placement::Typed { under: Under::Parent, .. }, "parent")
            | (Placement::Typed { under: Under::Scope, .. }, "scope") => {
                return found.observed.arm_id.above().map(|above| above.as_str().to_owned());
            }
            _ => return None,
        };
        let by_name = parent.subscription().eq_ignore_ascii_case(&self.around.subscription);
        Some(match self.known.get(&parent.folded()) {
            Some(known) => known.id.clone(),
            // A group without a document is taken to stand; anything else is named in full.
            None if attribute.path == "resource_group" && by_name => parent.name().to_owned(),
            None => parent.as_str().to_owned(),
        })
    }

    /// A value with the names of documents instead of ids, where there are such documents.
    fn referring(&self, value_type: &Type, own: &ArmId, value: &Json) -> Json {
        match (value_type, value) {
            (Type::Reference(reference), Json::String(text)) => {
                Json::from(self.reference(reference, own, text))
            }
            (Type::List(element), Json::Array(list)) => {
                list.iter().map(|v| self.referring(element, own, v)).collect()
            }
            _ => value.clone(),
        }
    }

    fn reference(&self, reference: &Reference, own: &ArmId, text: &str) -> String {
        if kinds::find(reference.kind).is_none() {
            // Of any kind, or a part of a resource: only its id says which.
            return text.to_owned();
        }
        let target = match reference.form {
            Form::Id => ArmId::parse(text),
            Form::Name => match kinds::find(reference.kind).map(|kind| kind.placement) {
                Some(Placement::InParent { collection, .. }) => Some(own.child(collection, text)),
                _ => None,
            },
        };
        let known = target.and_then(|target| self.known.get(&target.folded()));
        known.map_or_else(|| text.to_owned(), |known| known.id.clone())
    }
}

/// Whether a value is as good as none.
fn is_nothing(attribute: &Attribute, value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => {
            text.is_empty() || (attribute.compare == Compare::NoneIsAbsent && text == "none")
        }
        Json::Array(list) => list.is_empty(),
        Json::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn is_below(path: &str, group: &str) -> bool {
    path.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'))
}

/// az ml's mapping for a script on the workspace's share; the text of an inline one is not told.
fn script(attribute: &Attribute, live: &Attributes) -> Option<Json> {
    let part = |name: &str| live.iter().find(|(path, _)| **path == format!("{}.{name}", attribute.path));
    let path = part("path").map(|(_, value)| value.clone())?;
    let timeout = part("timeout_minutes").map(|(_, value)| ("timeout_minutes".to_owned(), value.clone()));
    Some(Json::Object([("path".to_owned(), path)].into_iter().chain(timeout).collect()))
}

/// Hidden attributes that may have a value: those of groups that have others, and of scripts that are there.
fn untold(found: &Standing) -> Vec<&'static str> {
    let live = &found.observed.attributes;
    let hidden = found.kind.attributes.iter().filter(|a| a.is_hidden());
    let may_be =
        hidden.filter(|a| a.group().is_none_or(|group| live.keys().any(|path| is_below(path, group))));
    let inline = |a: &&Attribute| {
        a.when.is_none_or(|(sibling, word)| {
            live.get(sibling).and_then(Json::as_str).is_some_and(|w| w.eq_ignore_ascii_case(word))
        })
    };
    may_be.filter(inline).map(|a| a.path).collect()
}
