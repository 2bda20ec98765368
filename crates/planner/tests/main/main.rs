//! The integration tests of `planner`, one binary.

mod case;
mod golden;
mod laws;
