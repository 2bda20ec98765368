//! The integration tests of `planner`, one binary.

mod case;
mod escaping;
mod golden;
mod laws;
