//! What is in flight, shared by whoever tells it and whoever leaves at once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use model::Address;
use planner::Verb;
use planner::render::escape;

/// How many steps one line names; the rest is counted.
const NAMED_MAX: usize = 8;

/// The steps in flight.
#[derive(Debug, Clone, Default)]
pub struct Flight(Arc<Mutex<BTreeMap<Address, Flying>>>);

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct Flying {
    /// What is done.
    pub verb: Verb,
    /// Since when.
    pub since: Instant,
}

impl Flight {
    /// A step has begun.
    pub fn begin(&self, address: &Address, verb: Verb) {
        self.lock().insert(address.clone(), Flying { verb, since: Instant::now() });
    }

    /// A step has ended; returns it.
    pub fn land(&self, address: &Address) -> Option<Flying> {
        self.lock().remove(address)
    }

    /// The steps, in order of address.
    pub fn steps(&self) -> Vec<(Address, Flying)> {
        self.lock().iter().map(|(address, flying)| (address.clone(), *flying)).collect()
    }

    /// `2 steps: cluster/research/a (creating, 12 s), cluster/research/b (creating, 3 s)`; empty if there is none.
    pub fn words(&self) -> String {
        let steps = self.steps();
        let mut text = match steps.len() {
            0 => return String::new(),
            1 => "1 step: ".to_owned(),
            count => format!("{count} steps: "),
        };
        for (index, (address, flying)) in steps.iter().take(NAMED_MAX).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let (doing, seconds) = (doing(flying.verb).to_lowercase(), flying.since.elapsed().as_secs());
            _ = write!(text, "{comma}{} ({doing}, {seconds} s)", escape::terminal(address.as_str()));
        }
        if steps.len() > NAMED_MAX {
            _ = write!(text, " and {} more", steps.len() - NAMED_MAX);
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Address, Flying>> {
        // A list is as good after a panic elsewhere as before it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What goes on, as a line begins with it.
pub fn doing(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "Creating",
        Verb::Put | Verb::Patch => "Modifying",
        Verb::Act(action) if action.name == "resize" => "Resizing",
        Verb::Act(_) => "Modifying",
        Verb::Start => "Starting",
        Verb::Stop => "Stopping",
        Verb::Restart => "Restarting",
        Verb::Delete => "Destroying",
        Verb::Record => "Recording",
        Verb::Move => "Moving",
        Verb::Forget => "Forgetting",
    }
}
