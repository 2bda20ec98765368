//! Graph, three-way diff, drift, plan, and the plan's text. Pure: no files, clock, async or randomness.

pub mod plan;

pub use plan::{
    Action, Change, Counts, Difference, Drift, Effect, Ground, OutputChange, Plan, Reason, Shown, Step,
    TextChange, Verb,
};
