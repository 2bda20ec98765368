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

impl ResourceState {
    /// Its kind, which loading has checked.
    pub fn kind(&self) -> &'static Kind {
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
    applied: BTreeMap<String, Json>,
    observed: BTreeMap<String, Json>,
    secrets: BTreeMap<String, String>,
    depends_on: Vec<Address>,
    protected: bool,
    status: Status,
    source: String,
}

impl<'de> Deserialize<'de> for ResourceState {
    /// Refuses kinds and attributes that this version does not know: dropping them would lose them.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let raw = RawResourceState::deserialize(deserializer)?;
        let kind =
            kinds::find(&raw.kind).ok_or_else(|| D::Error::custom(format!("unknown kind `{}`", raw.kind)))?;
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
            status: raw.status,
            source: raw.source,
        })
    }
}
