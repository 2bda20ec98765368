//! Refresh, apply and recovery through the [`Provider`] that this room owns; it reports events and prints nothing.

pub mod provider;

pub use provider::{CloudError, Collection, Node, Operation, Outcome, Provider, Request, Sent};
