//! Refresh, apply and recovery through the [`Provider`] that this room owns; it reports events and prints nothing.

mod apply;
mod calendar;
mod engine;
mod event;
mod failure;
mod logs;
mod preflight;
pub mod provider;
mod queue;
mod read_back;
mod read_only;
mod recover;
mod refresh;
mod run;
mod step;
mod survey;
mod working;

pub use apply::{Applied, apply};
pub use engine::{Proposed, RunError, Wanted, propose, take_up};
pub use event::{Event, Events};
pub use failure::Failure;
pub use logs::{LOG_BYTES_MAX, Log, Tail, logs, tail};
pub use preflight::facts;
pub use provider::{
    CloudError, Collection, FileEntry, FileText, Item, Node, Operation, Outcome, Provider, Request, Sent,
};
pub use read_only::ReadOnly;
pub use recover::{Recovered, mark_open, recover};
pub use refresh::refresh;
pub use run::{Clock, Context, Settings};
pub use survey::{Scope, Survey, survey};
