//! What the files of other tools call a resource: ARM ids out of a Terraform state, a folder of az ml YAML, or an
//! ARM template.
//!
//! Only names are taken from them. What the resources look like is read from Azure, so that the documents made of them
//! say what stands there, whatever the file says.

mod az_ml;
mod template;
mod terraform;

pub use az_ml::{AzMlPlaces, az_ml};
pub use template::template;
pub use terraform::terraform;

use model::ArmId;

/// What such files name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Resources, in the order of the file, each with what the file calls it.
    pub named: Vec<Named>,
    /// What no ARM id follows from, each with why.
    pub skipped: Vec<String>,
}

/// A resource in a file of another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub arm_id: ArmId,
    /// What the file calls it: `azurerm_machine_learning_compute_cluster.cpu`, `compute.yml`.
    pub label: String,
}

impl Inventory {
    fn name(&mut self, label: String, arm_id: ArmId) {
        // One resource may be named twice, such as one of a template and of the template within it.
        if !self.named.iter().any(|named| named.arm_id.same(arm_id.as_str())) {
            self.named.push(Named { arm_id, label });
        }
    }

    fn skip(&mut self, label: &str, why: impl std::fmt::Display) {
        self.skipped.push(format!("{label}: {why}"));
    }
}

/// Where a file is wrong that is not JSON.
pub(crate) fn json(text: &str) -> Result<model::Json, String> {
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))
}
