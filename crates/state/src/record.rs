//! The journal's records: what is about to be done to the cloud, and how it ended.
//!
//! A create costs its entry once: the intent carries what the state will say, and the end adds only
//! what ARM made up.

use std::collections::BTreeMap;

use model::{Address, ArmId, Json, ResourceState};
use serde::{Deserialize, Serialize};

/// One record of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// A run begins; always the journal's first record.
    Begin(Run),
    /// A request is about to be sent.
    Intent(Box<Intent>),
    /// ARM answered with an operation to poll.
    Operation {
        /// The intent's number.
        sequence: u64,
        /// Where to poll.
        url: String,
    },
    /// It is done and read back.
    Done {
        /// The intent's number.
        sequence: u64,
        /// What the state says from now on.
        outcome: Outcome,
    },
    /// It failed for good.
    Failed {
        /// The intent's number.
        sequence: u64,
        /// What the state says from now on.
        outcome: Outcome,
        /// Why, for people.
        error: String,
    },
}

impl Record {
    /// The intent's number; a run's begin has none.
    pub fn sequence(&self) -> Option<u64> {
        match self {
            Record::Begin(_) => None,
            Record::Intent(intent) => Some(intent.sequence),
            Record::Operation { sequence, .. }
            | Record::Done { sequence, .. }
            | Record::Failed { sequence, .. } => Some(*sequence),
        }
    }

    /// The record's name in the file.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Record::Begin(_) => "begin",
            Record::Intent(_) => "intent",
            Record::Operation { .. } => "operation",
            Record::Done { .. } => "done",
            Record::Failed { .. } => "failed",
        }
    }
}

/// One run of a command that writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// A random id.
    pub id: String,
    /// When it began, RFC 3339.
    pub time: String,
    /// The command line.
    pub command: String,
    /// The user; empty in journals of before it was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// The machine; empty in journals of before it was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The git commit of the project, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The cloud and subscription, as in the snapshot.
    pub cloud: String,
    /// The environment's name; empty without one.
    pub environment: String,
    /// The lineage of the snapshot that it starts from; of the first one if there is none yet.
    pub lineage: String,
    /// The serial of the snapshot that it starts from; 0 if there is none yet.
    pub base_serial: u64,
    /// `plumb 0.1.0`.
    pub tool: String,
}

/// What is about to be done to one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// A number used once in a journal; see [`crate::Journal::next_sequence`].
    pub sequence: u64,
    /// The resource.
    pub address: Address,
    /// `create`, `put`, `patch`, an action's name, `start`, `stop`, `restart`, `delete`, `record`.
    pub step: String,
    /// The resource's id in ARM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm_id: Option<ArmId>,
    /// What the state will say once it is done; `None` if the resource will be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<ResourceState>,
    /// The address that the resource had before; forgotten once it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Address>,
    /// When it was written, by the cloud's clock if that was known, RFC 3339.
    pub time: String,
}

/// What the state says of an address after a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// What the intent said, with these values that ARM made up.
    AsIntended {
        /// Joins the entry's own observed values.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        observed: BTreeMap<String, Json>,
    },
    /// This instead, such as a tainted entry.
    Entry(Box<ResourceState>),
    /// Nothing: the resource is not there.
    Gone,
    /// What it said before the intent.
    Unchanged,
}

impl Outcome {
    /// As intended, with nothing to add.
    pub fn as_intended() -> Self {
        Outcome::AsIntended { observed: BTreeMap::new() }
    }
}
