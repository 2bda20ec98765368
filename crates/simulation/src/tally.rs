//! How often each kind of fault and death struck: what never strikes proves nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Loss, Trouble};
use crate::fault::Fault;
use crate::life::{Effect, Side};

/// Counts by kind.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<String, u64>>>);

impl Tally {
    /// Counts one.
    pub fn count(&self, kind: impl Into<String>) {
        *self.counts_mut().entry(kind.into()).or_default() += 1;
    }

    /// The counts, by kind.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts_mut().clone()
    }

    fn counts_mut(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().expect("BUG: a holder of the lock panicked")
    }
}

/// What must have struck in any large number of seeds, and did not.
pub fn never_struck(counts: &BTreeMap<String, u64>) -> Vec<String> {
    let faults = Fault::ALL.iter().map(|fault| fault.word());
    let losses = Loss::ALL.iter().map(|loss| format!("loss {loss}"));
    let troubles = Trouble::ALL.iter().map(|trouble| format!("disk {trouble:?}"));
    let deaths = [Side::Before, Side::After]
        .into_iter()
        .flat_map(|side| Effect::ALL.iter().map(move |effect| format!("death {side:?} {effect:?}")));
    let all = faults
        .chain(losses)
        .chain(troubles)
        .chain(deaths)
        .chain(OTHERS.iter().map(|kind| (*kind).to_owned()));
    all.filter(|kind| !counts.contains_key(kind)).collect()
}

/// What else must strike.
const OTHERS: &[&str] = &[
    "death Amid Append",
    "second run locked out",
    "interrupt",
    "clock jump",
    "edit Make",
    "edit Set",
    "edit Remove",
    "action Create",
    "action Update",
    "action Replace",
    "action Replace, create first",
    "action Delete",
    "action Adopt",
    "action Move",
];
