//! What the service remembers of an instance and shows nobody: what its scripts do, and since when it is idle.
//!
//! Neither the text nor the arguments of a script are kept: they may hold secrets, and this goes into the cloud file.

use std::collections::BTreeMap;

use base64::Engine;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::script::Ending;
use crate::control::script_log::{ScriptLog, instance_key, path_key};
use crate::files;
use crate::json;
use crate::store::resource::Resource;
use crate::world::World;

/// The memory of one instance.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Its setup scripts by name (`creationScript`, `startupScript`).
    #[serde(default)]
    pub(super) scripts: BTreeMap<String, Script>,
    /// When its schedules were set.
    #[serde(default)]
    pub(super) scheduled: Option<Timestamp>,
    /// Until when somebody works on it.
    #[serde(default)]
    pub(super) active_until: Option<Timestamp>,
}

/// A setup script.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Script {
    /// Where it lies on the workspace's file share; an inline one lies nowhere.
    path: Option<String>,
    timeout: String,
    /// How it ends unless something else was foretold.
    left_alone: Ending,
}

impl Memory {
    /// What is remembered of an instance.
    pub(super) fn of(instance: &Resource) -> Memory {
        serde_json::from_value(instance.hidden.clone()).unwrap_or_default()
    }

    /// Remembers it.
    pub(super) fn keep(&self, instance: &mut Resource) {
        instance.hidden = serde_json::to_value(self).expect("BUG: a memory is plain data");
    }
}

impl Script {
    /// Reads a script as a request sends it. One on the file share is read when it runs.
    pub(super) fn read(sent: &Value) -> Script {
        let text = json::text(sent, "/scriptData");
        let is_inline = json::text(sent, "/scriptSource").eq_ignore_ascii_case("inline");
        let left_alone = if is_inline { inline(text) } else { Ending::default() };
        let path = (!is_inline).then(|| text.to_owned());
        Script { path, timeout: json::text(sent, "/timeout").to_owned(), left_alone }
    }

    /// How it ends on an instance of a workspace: as foretold for its path or the instance, or as its text says. What the
    /// service says to one that is not on the share is not known; here it ends as in a shell. One on a share that is not
    /// in this cloud is taken to succeed at once.
    pub(super) fn ending(&self, world: &World, workspace: Option<&Resource>, instance: &str) -> Ending {
        let log: &ScriptLog = &world.script_log;
        let by_path = self.path.as_ref().and_then(|path| log.foretold.get(&path_key(path)));
        let foretold = by_path.or_else(|| log.foretold.get(&instance_key(instance)));
        let own = || match (&self.path, workspace) {
            (Some(path), Some(workspace)) if files::has_share(world, workspace) => {
                match files::text_of(world, workspace, path) {
                    Some(text) => Ending::of(&text),
                    None => Ending {
                        exit_code: 127,
                        seconds: 0.0,
                        output: format!("{path}: No such file or directory\n"),
                    },
                }
            }
            _ => self.left_alone.clone(),
        };
        foretold.cloned().unwrap_or_else(own).within(&self.timeout)
    }
}

/// What is no base64 is taken, and no shell can run it; what the service says to it is unknown.
fn inline(text: &str) -> Ending {
    let packed: String = text.split_whitespace().collect();
    match base64::engine::general_purpose::STANDARD.decode(packed) {
        Ok(bytes) => Ending::of(&String::from_utf8_lossy(&bytes)),
        Err(_) => Ending { exit_code: 127, seconds: 0.0, output: "The script is not base64.\n".to_owned() },
    }
}
