//! Graph, three-way diff, drift, plan, and the plan's text. Pure: no files, clock, async or randomness.

mod adoption;
mod approval;
mod build;
mod counts;
mod difference;
pub mod entry;
mod finish;
mod graph;
mod guard;
mod moves;
mod notes;
mod options;
mod order;
mod outputs;
pub mod plan;
mod power;
pub mod preflight;
mod refresh_only;
mod refusals;
pub mod render;
mod resolve;
mod revert;
mod scope;

pub use adoption::adoption;
pub use approval::{Approval, Asked, Made, Proposal, Unusable};
pub use build::plan;
pub use counts::Counts;
pub use difference::fallback;
pub use graph::Graph;
pub use options::Options;
pub use plan::{
    Action, Change, Difference, Drift, Effect, Ground, OutputChange, Plan, Reason, Shown, Step, Verb,
};
pub use resolve::{Resolved, resolve, stand_in};
pub use revert::{Past, judged, revert};
