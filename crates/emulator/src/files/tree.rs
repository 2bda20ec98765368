//! The tree of a share: what was put there, and the logs that instances wrote to it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Entry, File, Files, Place, share_key_of};
use crate::control::script_log;
use crate::store::resource::Resource;
use crate::world::World;

/// The key of what lies at a path of a share.
pub(super) fn key(share: &str, path: &str) -> String {
    format!("{share}/{}", path.to_lowercase())
}

/// Whether the share is there: made over ARM, or a workspace's own.
pub(super) fn has_share(world: &World, place: &Place) -> bool {
    world.store.get(&place.share).is_some() || workspace_of(world, place).is_some()
}

/// The workspace whose own share it is.
fn workspace_of<'w>(world: &'w World, place: &Place) -> Option<&'w Resource> {
    let is_workspace = |resource: &&Resource| {
        resource.kind.eq_ignore_ascii_case("Microsoft.MachineLearningServices/workspaces")
    };
    world
        .store
        .all()
        .filter(is_workspace)
        .find(|workspace| share_key_of(workspace).as_ref() == Some(&place.share))
}

/// Everything on a share by lower-case path. Log files are made up when they are asked for: what a script has written
/// is known only when it has run. Their names are our choice.
pub(super) fn entries(world: &World, place: &Place, now: Timestamp) -> BTreeMap<String, Entry> {
    let prefix = format!("{}/", place.share);
    let kept: &Files = &world.files;
    let mut all: BTreeMap<String, Entry> = kept
        .range(prefix.clone()..)
        .take_while(|(key, _)| key.starts_with(&prefix))
        .map(|(key, entry)| (key[prefix.len()..].to_owned(), entry.clone()))
        .collect();
    let Some(workspace) = workspace_of(world, place) else { return all };
    let folder = script_log::folder(workspace, "");
    for (key, runs) in
        world.script_log.runs.range(folder.clone()..).take_while(|(key, _)| key.starts_with(&folder))
    {
        let instance = &key[folder.len()..];
        for run in runs.iter().filter(|run| run.begins <= now) {
            let name = format!("{}_{}.log", run.begins.strftime("%Y%m%dT%H%M%SZ"), run.script);
            let path = format!("Logs/{instance}/{name}");
            let is_over = run.ends <= now;
            let content = if is_over { run.ending.output.clone().into_bytes() } else { Vec::new() };
            let file = File { content, created: run.begins, md5: None };
            let modified = if is_over { run.ends } else { run.begins };
            all.insert(path.to_lowercase(), Entry { path, file: Some(file), modified });
        }
        for path in ["Logs".to_owned(), format!("Logs/{instance}")] {
            all.entry(path.to_lowercase()).or_insert(Entry { path, file: None, modified: now });
        }
    }
    all
}
