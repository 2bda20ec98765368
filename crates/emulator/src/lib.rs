//! A pretend Azure Resource Manager, to try things on and to test against.
//!
//! The way of a request: `face` (HTTP) → `emulator` (time, cloud file) → `world` (`passage`, `faults`, `router`) →
//! `anonymous`, `groups`, `subscriptions`, `providers`, `locations`, `listing`, `operation`, or one of the `kinds` → `store`.
//! `template` is the language of deployments. Everything from `world` on is pure: request and time in, response out.
//! `control` answers under `/_emulator/`. `passage` is the table of contents of what may refuse a request.
//!
//! It knows no other crate of the workspace, so that neither side's mistakes hide the other's.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod anonymous;
mod budgets;
mod call;
mod capacity;
mod certificate;
mod change;
mod clock;
mod cloud_file;
mod control;
mod cuttable;
mod delivery;
mod denials;
mod emulator;
mod error;
mod export;
mod face;
mod faults;
mod filter;
mod gate;
mod governance;
mod groups;
mod happenings;
mod json;
mod kinds;
mod links;
mod listing;
mod location;
mod locations;
mod locks;
mod log;
mod names;
mod operation;
mod options;
mod passage;
mod policies;
mod providers;
mod queue;
mod random;
mod registration;
mod resource;
mod router;
mod script_log;
mod store;
mod subject;
mod subscriptions;
mod tag_names;
mod template;
mod time_zones;
mod timing;
mod token_endpoint;
mod tokens;
mod usage;
mod versions;
mod vm_sizes;
mod wire;
mod world;

pub use budgets::{BudgetClock, BudgetReport, BudgetSetting, Rate, Rates};
pub use clock::ClockSetting;
pub use emulator::{Emulator, Running, Secure};
pub use faults::{Fault, FaultReport, table as fault_table};
pub use options::{DEFAULT_SUBSCRIPTION, DEFAULT_TOKEN, Options, UpdateSchedules};
pub use wire::{Delivery, Method, Request, Response};
pub use world::World;
