//! What a run tells while it goes on. The cli prints it; nobody else does.

use std::time::Duration;

use model::Address;
use planner::Verb;
use tokio::sync::mpsc::UnboundedSender;

use crate::failure::Failure;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The cloud knows who we are.
    SignedIn {
        /// How we signed in, and as whom, in one line.
        words: String,
        /// The credential that was taken, by its name in plumb.toml.
        credential: &'static str,
    },
    /// Reading Azure begins, for so many resources.
    RefreshStart(usize),
    /// Reading Azure ended.
    RefreshComplete,
    /// Nothing shows yet of what a killed run may have sent.
    LooksAgain {
        /// How many steps that are.
        count: usize,
        /// How long is waited before the second look.
        after: Duration,
    },
    /// What a killed run had left open was settled.
    Recovered {
        /// The resource.
        address: Address,
        /// How it was settled.
        words: String,
    },
    /// A step begins.
    StepStart {
        /// The resource.
        address: Address,
        /// What is done.
        verb: Verb,
    },
    /// A step is done and read back.
    StepDone {
        /// The resource.
        address: Address,
        /// What was done.
        verb: Verb,
        /// Its ARM id.
        arm_id: Option<String>,
    },
    /// A step failed, or nobody knows how it ended.
    StepFailed {
        /// The resource.
        address: Address,
        /// What was done.
        verb: Verb,
        /// `file:line` of its document; of a resource without one, where it last had one.
        source: String,
        /// What went wrong.
        failure: Failure,
    },
    /// A step was not begun, because one that it needs failed or the run was stopped.
    Skipped {
        /// The resource.
        address: Address,
        /// What would have been done.
        verb: Verb,
        /// Why not.
        because: String,
    },
    /// The run was asked to stop: nothing new begins, so many steps are waited for.
    Stopping(usize),
}

/// Where events go. A reader that went away does not matter.
#[derive(Debug, Clone)]
pub struct Events(UnboundedSender<Event>);

impl Events {
    /// Events to this channel.
    pub fn new(sender: UnboundedSender<Event>) -> Self {
        Self(sender)
    }

    /// Tells one.
    pub fn tell(&self, event: Event) {
        // The reader may have ended first; the run does not depend on being watched.
        _ = self.0.send(event);
    }
}
