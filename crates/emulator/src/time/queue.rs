//! What time will bring: one queue of due events, in the order of their times.
//!
//! The queue follows from what the world stores, so a cloud file does not keep it: whoever stores or removes a thing
//! adds and removes its events here.

use std::collections::BTreeSet;

use jiff::Timestamp;

/// Something that happens by itself, with the key of the thing it happens to. At the same time, in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A leaving resource is gone.
    Gone(String),
    /// A resource's kind has something to do to it.
    Turn(String),
    /// The status URLs of an operation are no more.
    Forget(String),
    /// The name of a soft-deleted workspace is free again.
    Free(String),
}

/// The events to come.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    events: BTreeSet<(Timestamp, Due)>,
}

impl Queue {
    /// Expects an event.
    pub(crate) fn add(&mut self, at: Timestamp, due: Due) {
        self.events.insert((at, due));
    }

    /// Expects it no longer.
    pub(crate) fn remove(&mut self, at: Timestamp, due: Due) {
        self.events.remove(&(at, due));
    }

    /// Takes the first event that should have happened by `now`.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<(Timestamp, Due)> {
        if self.events.first()?.0 > now {
            return None;
        }
        self.events.pop_first()
    }
}
