//! What stands in the way of putting another state in the place of the one that is there. Pure.

use std::fmt;

use model::{Address, Snapshot};

use crate::{Record, Run, Seen, StateError, replay};

/// One reason not to push a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// It is another state's.
    Lineage {
        /// The lineage that is here.
        here: String,
        /// The one to be pushed.
        pushed: String,
    },
    /// It is older than what is here.
    Older {
        /// The serial that is here.
        here: u64,
        /// The one to be pushed.
        pushed: u64,
    },
    /// It has the serial that is here, and other content.
    SameSerial(u64),
    /// It is about another cloud or subscription.
    Cloud {
        /// The one this is.
        here: String,
        /// The one it is about.
        pushed: String,
    },
    /// It is of another environment.
    Environment {
        /// The one this is.
        here: String,
        /// The one it is of.
        pushed: String,
    },
    /// A killed run changed this resource, and it does not know that.
    Journal(Address),
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objection::Lineage { here, pushed } => {
                write!(f, "it is another state's: its lineage is {pushed}, and here it is {here}")
            }
            Objection::Older { here, pushed } => {
                write!(f, "it is older: its serial is {pushed}, and here it is {here}")
            }
            Objection::SameSerial(serial) => {
                write!(f, "it has serial {serial} as the state here, and other content")
            }
            Objection::Cloud { here, pushed } => write!(f, "it is about {pushed}, and this is {here}"),
            Objection::Environment { here, pushed } => {
                write!(f, "it is of environment {pushed:?}, and this is {here:?}")
            }
            Objection::Journal(address) => write!(
                f,
                "a killed run has changed {address} since, which only the journal knows (`plumb apply` takes that up)"
            ),
        }
    }
}

/// What became of a pushed state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// It is what is there.
    Already,
    /// It was the last one here, and is so again; the serial and the journal stay as they are.
    Restored,
    /// It was written, under this serial, in spite of these objections.
    Written {
        /// The serial.
        serial: u64,
        /// What `force` overrode.
        overridden: Vec<Objection>,
    },
}

/// Every reason not to push a state where `here` was the last one, in an order that does not change.
pub(crate) fn objections(
    here: Option<&Seen>,
    journal: &[Record],
    run: &Run,
    pushed: &Snapshot,
) -> Vec<Objection> {
    let mut all = Vec::new();
    if let Some(here) = here {
        match () {
            () if here.lineage != pushed.lineage => {
                all.push(Objection::Lineage { here: here.lineage.clone(), pushed: pushed.lineage.clone() })
            }
            () if here.serial > pushed.serial => {
                all.push(Objection::Older { here: here.serial, pushed: pushed.serial });
            }
            () if here.serial == pushed.serial => all.push(Objection::SameSerial(here.serial)),
            () => {}
        }
    }
    if run.cloud != pushed.cloud {
        all.push(Objection::Cloud { here: run.cloud.clone(), pushed: pushed.cloud.clone() });
    }
    if run.environment != pushed.environment {
        let (here, pushed) = (run.environment.clone(), pushed.environment.clone());
        all.push(Objection::Environment { here, pushed });
    }
    all.extend(unknown_to(pushed, journal).into_iter().map(Objection::Journal));
    all
}

/// The first resource of which a journal says something else than a state.
fn unknown_to(pushed: &Snapshot, journal: &[Record]) -> Option<Address> {
    let folded = replay::fold_over(pushed.clone(), journal).ok()?;
    let addresses = folded.resources.keys().chain(pushed.resources.keys());
    addresses.filter(|address| folded.resources.get(address) != pushed.resources.get(address)).min().cloned()
}

/// Refuses what `force` does not override.
pub(crate) fn judge(objections: Vec<Objection>, force: bool) -> Result<Vec<Objection>, StateError> {
    if objections.is_empty() || force { Ok(objections) } else { Err(StateError::Refused { objections }) }
}
