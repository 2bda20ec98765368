//! A pretend Azure Resource Manager, to try things on and to test against.
//!
//! The way of a request: `face` (HTTP) → `emulator` (time, cloud file) → `world` (`passage`, `faults`, `route`) →
//! `identity`, `arm`, `regions`, or one of the `kinds` → `store`. `passage` is the table of contents of what may refuse
//! a request, and `governance` holds the rules. `template` is the language of deployments, `time` the cloud's clock and
//! what it brings. `files` is the data plane of file shares. `control` answers under `/_emulator/`. Everything from `world` on is pure: request and time in,
//! response out.
//!
//! It knows no other crate of the workspace, so that neither side's mistakes hide the other's.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod arm;
mod cloud_file;
mod control;
mod emulator;
mod error;
mod face;
mod faults;
mod files;
mod gate;
mod governance;
mod identity;
mod json;
mod kinds;
mod options;
mod passage;
mod random;
mod regions;
mod route;
mod store;
mod template;
mod time;
mod versions;
mod wire;
mod world;

pub use emulator::{Emulator, Running, Secure};
pub use faults::{Fault, FaultReport, table as fault_table};
pub use governance::budgets::{BudgetClock, BudgetReport, BudgetSetting, Rate, Rates};
pub use options::{DEFAULT_SUBSCRIPTION, DEFAULT_TOKEN, Options, UpdateSchedules};
pub use time::clock::ClockSetting;
pub use wire::{Delivery, Method, Request, Response};
pub use world::World;
