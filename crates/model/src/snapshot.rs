//! The state's content: what the last applies set, resource by resource.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Address, ArmId, Attributes, Json, Kind, kinds};

/// The state of one environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// A random id, made once; two states with different lineages never replace each other.
    pub lineage: String,
    /// Grows by one with each write.
    pub serial: u64,
    /// The cloud and subscription that it is about.
    pub cloud: String,
    /// The environment's name; empty without one.
    pub environment: String,
    /// Every resource plumb made or adopted.
    pub resources: BTreeMap<Address, ResourceState>,
    /// Which key the hashes of secrets are made with, as a hash by that key; empty in a state without any yet.
    #[serde(default)]
    pub seal: String,
    /// Outputs of the last apply.
    #[serde(default)]
    pub outputs: BTreeMap<String, Json>,
}

/// What the state keeps of one resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResourceState {
    /// Its kind's name.
    pub kind: String,
    /// Its id in ARM; none for kinds that are not there.
    pub arm_id: Option<ArmId>,
    /// The api-version it was written with.
    pub api_version: String,
    /// What the last apply set, secrets and write-only values excepted.
    pub applied: Attributes,
    /// Values that ARM made up.
    pub observed: BTreeMap<String, Json>,
    /// Keyed hashes of secret and write-only values.
    pub secrets: BTreeMap<String, String>,
    /// What it depends on, so that deletes are ordered without its document.
    pub depends_on: Vec<Address>,
    /// `prevent_destroy`, which outlives its document.
    pub protected: bool,
    /// `destroy: false`, which outlives its document: it is forgotten, never deleted.
    #[serde(skip_serializing_if = "is_false")]
    pub retained: bool,
    /// Whether a replacement is made before it is deleted, as its document or that of a dependent asked.
    #[serde(skip_serializing_if = "is_false")]
    pub create_before_destroy: bool,
    /// Older objects of the same address that still wait for their deletion, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deposed: Vec<ResourceState>,
    /// Whether it stands as applied.
    pub status: Status,
    /// `file:line` of the document that made it.
    pub source: String,
}

/// Whether a resource stands as applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Done and read back.
    #[default]
    Ready,
    /// A create left it behind half made; the next plan replaces it.
    Tainted,
    /// A change did not end, or did not take; the next plan compares it again.
    Incomplete,
}

impl Snapshot {
    /// Takes in how one object of an address ended up: as `entry` says, or gone.
    ///
    /// An address has one current object. A new one with another id deposes it; when the current one goes and an
    /// older one is left, that is current again. So whatever ends a run half-way, each object is in the state once.
    pub fn settle(&mut self, address: &Address, arm_id: Option<&ArmId>, entry: Option<ResourceState>) {
        let mut objects = self.resources.remove(address).map(ResourceState::into_objects).unwrap_or_default();
        match (objects.iter().position(|o| o.has_id(arm_id)), entry) {
            (Some(at), Some(entry)) => objects[at] = entry,
            (Some(at), None) => drop(objects.remove(at)),
            (None, Some(entry)) => objects.insert(0, entry),
            (None, None) => {}
        }
        if !objects.is_empty() {
            let deposed = objects.split_off(1);
            let current = objects.pop().expect("BUG: just seen");
            self.resources.insert(address.clone(), ResourceState { deposed, ..current });
        }
    }

    /// Every object, old ones included, with its address.
    pub fn objects(&self) -> impl Iterator<Item = (&Address, &ResourceState)> {
        let all = self.resources.iter();
        all.flat_map(|(address, entry)| entry.objects().map(move |object| (address, object)))
    }

    /// Gives everything of an address another one; nothing happens when the state has none of it.
    pub fn rename(&mut self, from: &Address, to: &Address) {
        if let Some(entry) = self.resources.remove(from) {
            self.resources.insert(to.clone(), entry);
        }
    }
}

impl ResourceState {
    /// An object of which nothing but its identity is known.
    pub fn new(kind: &Kind, arm_id: Option<ArmId>) -> Self {
        Self {
            kind: kind.name.to_owned(),
            arm_id,
            api_version: kind.api_version().to_owned(),
            applied: Attributes::new(),
            observed: BTreeMap::new(),
            secrets: BTreeMap::new(),
            depends_on: Vec::new(),
            protected: false,
            retained: false,
            create_before_destroy: false,
            deposed: Vec::new(),
            status: Status::Ready,
            source: String::new(),
        }
    }

    /// Whether it is the object with this id.
    pub fn has_id(&self, arm_id: Option<&ArmId>) -> bool {
        match (&self.arm_id, arm_id) {
            (Some(own), Some(other)) => own.same(other.as_str()),
            (own, other) => own.is_none() && other.is_none(),
        }
    }

    /// The current object, then those that it deposed.
    pub fn objects(&self) -> impl Iterator<Item = &ResourceState> {
        std::iter::once(self).chain(&self.deposed)
    }

    /// The object by itself, then those that it deposed.
    fn into_objects(mut self) -> Vec<ResourceState> {
        let deposed = std::mem::take(&mut self.deposed);
        [vec![self], deposed].concat()
    }

    /// Its kind, which loading has checked; of a type that a document has said, by what the entry has.
    pub fn kind(&self) -> &'static Kind {
        if self.kind == kinds::arm::KIND.name {
            return kinds::arm::of_entry(self);
        }
        kinds::find(&self.kind).expect("BUG: a loaded state has known kinds only")
    }
}

/// The serialised form of [`ResourceState`], whose attribute paths are not yet checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawResourceState {
    kind: String,
    arm_id: Option<ArmId>,
    api_version: String,
    #[serde(deserialize_with = "crate::once::each_once")]
    applied: BTreeMap<String, Json>,
    #[serde(deserialize_with = "crate::once::each_once")]
    observed: BTreeMap<String, Json>,
    #[serde(deserialize_with = "crate::once::each_once")]
    secrets: BTreeMap<String, String>,
    depends_on: Vec<Address>,
    protected: bool,
    #[serde(default)]
    retained: bool,
    #[serde(default)]
    create_before_destroy: bool,
    #[serde(default)]
    deposed: Vec<ResourceState>,
    status: Status,
    source: String,
}

impl RawResourceState {
    fn known_kind(&self) -> Option<&'static Kind> {
        let Self { kind, arm_id, api_version, applied, secrets, observed, .. } = self;
        match kind == kinds::arm::KIND.name {
            true => Some(kinds::arm::of_parts(
                arm_id.as_ref(),
                api_version,
                applied.keys().map(String::as_str),
                secrets.keys(),
                observed.keys().map(String::as_str),
            )),
            false => kinds::find(kind),
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

impl<'de> Deserialize<'de> for ResourceState {
    /// Refuses kinds and attributes that this version does not know: dropping them would lose them.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let raw = RawResourceState::deserialize(deserializer)?;
        let kind =
            raw.known_kind().ok_or_else(|| D::Error::custom(format!("unknown kind `{}`", raw.kind)))?;
        let intern = |(path, value): (String, Json)| match kind.attribute(&path) {
            Some(attribute) => Ok((attribute.path, value)),
            None => Err(D::Error::custom(format!("unknown attribute `{path}` of kind `{}`", raw.kind))),
        };
        Ok(Self {
            applied: raw.applied.into_iter().map(intern).collect::<Result<_, _>>()?,
            kind: raw.kind,
            arm_id: raw.arm_id,
            api_version: raw.api_version,
            observed: raw.observed,
            secrets: raw.secrets,
            depends_on: raw.depends_on,
            protected: raw.protected,
            retained: raw.retained,
            create_before_destroy: raw.create_before_destroy,
            deposed: raw.deposed,
            status: raw.status,
            source: raw.source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address::parse("cluster/research/cpu").expect("an address")
    }

    fn id(name: &str) -> ArmId {
        ArmId::group("s", "ml")
            .in_group("Microsoft.MachineLearningServices/workspaces", "research")
            .child("computes", name)
    }

    fn object(name: &str) -> ResourceState {
        ResourceState::new(kinds::find("cluster").expect("the kind"), Some(id(name)))
    }

    /// The names of an address's objects, the current one first.
    fn names(snapshot: &Snapshot) -> Vec<&str> {
        snapshot.objects().filter_map(|(_, object)| Some(object.arm_id.as_ref()?.name())).collect()
    }

    fn settle(snapshot: &mut Snapshot, name: &str, stands: bool) {
        snapshot.settle(&address(), Some(&id(name)), stands.then(|| object(name)));
    }

    #[test]
    fn a_new_object_deposes_the_current_one_and_each_leaves_by_its_id() {
        let mut snapshot = Snapshot::default();
        for name in ["a", "b", "c"] {
            settle(&mut snapshot, name, true);
        }
        assert_eq!(names(&snapshot), ["c", "b", "a"]);
        settle(&mut snapshot, "C", true);
        assert_eq!(names(&snapshot), ["C", "b", "a"], "ids compare without case");
        settle(&mut snapshot, "b", false);
        settle(&mut snapshot, "b", false);
        assert_eq!(names(&snapshot), ["C", "a"]);
        settle(&mut snapshot, "c", false);
        assert_eq!(names(&snapshot), ["a"], "what is left is current again");
        settle(&mut snapshot, "a", false);
        assert!(snapshot.resources.is_empty());
    }

    #[test]
    fn what_nobody_asked_for_is_not_written() {
        let plain = serde_json::to_value(object("a")).expect("JSON");
        for key in ["retained", "create_before_destroy", "deposed"] {
            assert!(plain.get(key).is_none(), "{key}");
        }
        let mut snapshot = Snapshot::default();
        settle(&mut snapshot, "a", true);
        settle(&mut snapshot, "b", true);
        let text = serde_json::to_string(&snapshot.resources).expect("JSON");
        let again: BTreeMap<Address, ResourceState> = serde_json::from_str(&text).expect("it reads");
        assert_eq!(again, snapshot.resources);
    }
}
