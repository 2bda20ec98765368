//! What is said in advance about setup scripts, and what they wrote when they ran.
//!
//! Azure keeps the output on the workspace's file share, in `Logs/{instance}`; here it lies under the same name.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::json;
use crate::kinds::compute::script::Ending;
use crate::store::resource::{Resource, long_time};

/// Runs of one instance's scripts that are remembered.
const RUNS_MAX: usize = 50;

/// One run of a script.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// `creationScript` or `startupScript`.
    pub(crate) script: String,
    pub(crate) begins: Timestamp,
    pub(crate) ends: Timestamp,
    pub(crate) ending: Ending,
}

/// Both, for all workspaces.
#[derive(Debug, Default)]
pub(crate) struct ScriptLog {
    /// How scripts end, by `instance_key` or `path_key`.
    pub(crate) foretold: BTreeMap<String, Ending>,
    /// Runs by folder, oldest first.
    pub(crate) runs: BTreeMap<String, Vec<Run>>,
}

/// The key for all scripts of one instance.
pub(crate) fn instance_key(id: &str) -> String {
    id.trim_end_matches('/').to_ascii_lowercase()
}

/// The key for a script on the share, whatever its workspace.
pub(crate) fn path_key(path: &str) -> String {
    format!("path {}", path.trim_start_matches("./").trim_start_matches('/'))
}

/// Where the output of an instance's scripts lies.
pub(crate) fn folder(workspace: &Resource, instance: &str) -> String {
    format!("{}/logs/{instance}", json::text(&workspace.body, "/properties/storageAccount"))
        .to_ascii_lowercase()
}

impl ScriptLog {
    /// The runs in a folder after one more.
    pub(crate) fn with(&self, folder: &str, run: Run) -> Vec<Run> {
        let runs = self.runs.get(folder).map_or(&[][..], Vec::as_slice);
        let kept = runs.len().saturating_sub(RUNS_MAX - 1);
        runs[kept..].iter().cloned().chain([run]).collect()
    }

    /// What has been written into a folder by now.
    pub(crate) fn shown(&self, folder: &str, now: Timestamp) -> Vec<Value> {
        let runs = self.runs.get(folder).map_or(&[][..], Vec::as_slice);
        runs.iter().filter(|run| run.begins <= now).map(|run| run.shown(now)).collect()
    }
}

impl Run {
    fn shown(&self, now: Timestamp) -> Value {
        let over = (self.ends <= now).then_some(self);
        json!({
            "script": self.script,
            "startTime": long_time(self.begins),
            "endTime": over.map(|run| long_time(run.ends)),
            "exitCode": over.map(|run| run.ending.exit_code),
            "output": over.map_or("", |run| &run.ending.output),
        })
    }
}
