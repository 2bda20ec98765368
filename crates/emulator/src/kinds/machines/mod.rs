//! `Microsoft.Compute`: scale sets, their instances and extensions, and what the service says of its regions.
//!
//! A scale set's profile is the model; each instance was made after one, and shows whether it still is the latest. Facts
//! are those of dsvm-pool §3 and §4 and wire-traces §7.

mod actions;
pub(super) mod extension;
pub(crate) mod images;
pub(super) mod instance;
mod model;
pub(crate) mod regional;
pub(crate) mod scale_set;

use crate::arm::operation::{self, Long};
use crate::error::ArmError;
use crate::time::timing::Work;

/// Work on a scale set as a PUT or PATCH announces it.
const fn write(work: Work) -> Long {
    Long { style: &operation::MACHINES, work, creating: "Creating" }
}

/// Work as an action or DELETE announces it.
const fn action(work: Work) -> Long {
    Long { style: &operation::MACHINES_ACTION, work, creating: "Creating" }
}

/// 400 for a value that the service does not take.
fn invalid(target: &str, message: impl Into<String>) -> ArmError {
    ArmError::service(400, "InvalidParameter", message).about(target)
}
