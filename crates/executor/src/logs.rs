//! The logs of setup scripts: what instances wrote to `Logs/{instance}` on their workspace's file share
//! (machine-learning facts §3.5). How the files are called is nobody's promise: all are looked at, also in folders below.

use jiff::Timestamp;
use model::{ArmId, Json, Kind};

use crate::provider::{CloudError, Provider};

/// A log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its path on the share.
    pub path: String,
    /// When it was last written, if the service says.
    pub modified: Option<Timestamp>,
    /// How many bytes it has.
    pub length: u64,
}

/// The last lines of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The log's path on the share.
    pub path: String,
    /// The lines, as they are: whoever shows them makes them harmless.
    pub lines: Vec<String>,
    /// Whether there are lines before them.
    pub is_cut: bool,
}

/// How many lines the report of a failed script has.
const FAILURE_LINES: usize = 20;

/// Folders below folders are looked into so deep.
const DEPTH_MAX: usize = 3;

/// No more of a log is read than this.
pub const LOG_BYTES_MAX: u64 = 1 << 20;

/// States that a failed setup script leads to.
const FAILED: [&str; 2] = ["UserSetupFailed", "SetupFailed"];

/// The logs of an instance, the oldest first.
pub async fn logs(provider: &dyn Provider, instance: &ArmId) -> Result<Vec<Log>, CloudError> {
    let Some(workspace) = instance.parent() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut folders = vec![(format!("Logs/{}", instance.name()), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in provider.files(&workspace, &folder).await? {
            let path = format!("{folder}/{}", entry.name);
            if !entry.is_folder {
                found.push(Log { path, modified: entry.modified, length: entry.length });
            } else if depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            }
        }
    }
    found.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
    Ok(found)
}

/// The last lines of a log of an instance; `None` when it is gone meanwhile.
pub async fn tail(
    provider: &dyn Provider,
    instance: &ArmId,
    log: &Log,
    most: usize,
) -> Result<Option<Tail>, CloudError> {
    let Some(workspace) = instance.parent() else { return Ok(None) };
    let found = provider.file(&workspace, &log.path, LOG_BYTES_MAX).await?;
    Ok(found.map(|file| {
        let text = String::from_utf8_lossy(&file.bytes);
        let all: Vec<String> = text.lines().map(last_written).collect();
        let kept = all.len().saturating_sub(most);
        let is_cut = kept > 0 || file.length > LOG_BYTES_MAX;
        Tail { path: log.path.clone(), lines: all[kept..].to_vec(), is_cut }
    }))
}

/// Of a line that was written over and over, as progress bars are, what a terminal shows in the end.
fn last_written(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    line.rsplit('\r').next().unwrap_or(line).replace('\t', "    ")
}

/// What a failed setup script wrote at last, if that is why a step on an instance failed. It is for the screen alone:
/// a script may have written secrets.
pub(crate) async fn of_failure(provider: &dyn Provider, kind: &'static Kind, id: &ArmId) -> Option<Tail> {
    if kind.name != "instance" {
        return None;
    }
    let observed = provider.get(kind, id).await.ok()??;
    let state = observed.computed.get("state").and_then(Json::as_str)?;
    if !FAILED.iter().any(|failed| failed.eq_ignore_ascii_case(state)) {
        return None;
    }
    let latest = logs(provider, id).await.ok()?.pop()?;
    tail(provider, id, &latest, FAILURE_LINES).await.ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_progress_bar_leaves_its_last_state() {
        assert_eq!(last_written("10 %\r50 %\r100 %\r"), "100 %");
        assert_eq!(last_written("a\tb"), "a    b");
        assert_eq!(last_written(""), "");
    }
}
