//! What ARM says now.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{Address, ArmId, Attributes, Json};

/// One live resource, in manifest terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Its id, with the casing that ARM answered.
    pub arm_id: ArmId,
    /// Its attributes by manifest path; those that ARM does not answer are absent.
    pub attributes: Attributes,
    /// Values that ARM made up, by name.
    pub computed: BTreeMap<&'static str, Json>,
    /// How its last provisioning went.
    pub provisioning: Provisioning,
    /// When it was created, in seconds since 1970, if ARM says.
    pub created: Option<i64>,
}

/// `properties.provisioningState`; absent means succeeded (ARM contract).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provisioning {
    /// It stands.
    Succeeded,
    /// It exists, may cost, and holds its name; the words say why it failed.
    Failed(String),
    /// Somebody is working on it; the word is ARM's.
    InProgress(String),
}

/// Live resources by address; an address that is not here was not found.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// What was read.
    pub resources: BTreeMap<Address, Observed>,
    /// Addresses that could not be read, and why; nothing is planned for them.
    pub unreadable: BTreeMap<Address, String>,
    /// What the schedules of instances asked for last, where that can be told.
    pub due: BTreeMap<Address, Due>,
}

/// The power that a schedule asked for, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// `running` or `stopped`.
    pub power: &'static str,
    /// When it fired.
    pub at: Timestamp,
}

impl Due {
    /// Whether it fired after a time that Azure told; after no time at all is after none.
    pub fn is_after(&self, time: &str) -> bool {
        time.parse::<Timestamp>().is_ok_and(|time| self.at > time)
    }
}

impl Live {
    /// The live resource of an address.
    pub fn get(&self, address: &Address) -> Option<&Observed> {
        self.resources.get(address)
    }
}
