//! The integration tests of `planner`, one binary.

mod approval;
mod case;
mod escaping;
mod golden;
mod laws;
