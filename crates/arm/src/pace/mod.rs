//! How fast requests go out, and what is waited for: budgets, places in flight, regions that are down,
//! pauses that replies ask for, and refusals that end by themselves (arm-faults §3, §5, §6, §8).

mod budget;
mod circuit;
mod flight;
mod gate;
mod patience;
mod retry_after;

pub(crate) use budget::Bucket;
pub(crate) use circuit::Circuit;
pub(crate) use flight::Landing;
pub(crate) use gate::{Gate, Return};
pub(crate) use patience::{Wait, Young, asks_for_a_queue};
pub(crate) use retry_after::{http_date, retry_after};
