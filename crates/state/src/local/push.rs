//! Putting another state in the place of the one that is there, and a last resort for one that cannot be saved.

use std::path::{Path, PathBuf};

use model::Snapshot;

use super::directory;
use super::lock::Fence;
use super::storage::{Next, Storage, walk};
use crate::disk::Links;
use crate::push::{judge, objections};
use crate::{Changed, Pushed, Report, Seen, StateError, checked, integrity, state_file};

const RESCUING: &str = "writing the recovery file";

/// How many files of one name there may be.
const NAMES_MAX: usize = 1000;

impl Storage {
    /// Puts a state in the place of the one that is there, if nothing speaks against it or `force` is given.
    ///
    /// The last state that was here is put back as it was, with its journal: nothing has changed then.
    pub(super) fn push(
        &self,
        fence: &Fence,
        bytes: &[u8],
        force: bool,
        report: &Report,
    ) -> Result<Pushed, StateError> {
        let damaged = |damage| StateError::Damaged { path: "(the pushed state)".into(), damage, copy: None };
        let pushed = state_file::decode(bytes).map_err(damaged)?;
        let digest = checked::digest_of(bytes).map_err(damaged)?;
        self.prepare()?;
        let (there, head) = self.there()?;
        if head.as_ref().is_some_and(|head| head.digest == digest) {
            return Ok(Pushed::Already);
        }
        let seen = self.seen()?;
        if seen.as_ref().is_some_and(|seen| seen.digest == digest) {
            self.note(report, None)?;
            self.put(fence, bytes, there && head.is_none())?;
            return Ok(Pushed::Restored);
        }
        let here = newest(head.clone(), seen);
        let journal = self.live_part(here.as_ref(), self.read_journal()?)?;
        walk(&journal)?.expect_ended()?;
        let overridden = judge(objections(here.as_ref(), &journal, &report.run, &pushed), force)?;
        self.note_interrupted(&journal)?;
        let before = self.read_snapshot().unwrap_or_default();
        let serial = here.as_ref().map_or(1, |here| here.serial.saturating_add(1)).max(pushed.serial);
        let next = Next::new(&Snapshot { serial, ..pushed.clone() })?;
        let mut report = Report { changes: differences(&before, &pushed), ..report.clone() };
        report.run.base_serial = here.as_ref().map_or(0, |here| here.serial);
        report.run.lineage = here.map_or(pushed.lineage, |here| here.lineage);
        self.drop_unpublished();
        self.note(&report, Some(&next))?;
        self.put(fence, &next.bytes, there && head.is_none()).inspect_err(|_| self.drop_unpublished())?;
        self.remember(&next.seen())?;
        directory::remove(self.disk(), &self.journal_path(), "ending the journal")?;
        Ok(Pushed::Written { serial, overridden })
    }

    /// Gives bytes the state file's name. What had it becomes the backup, or if it was damaged is set aside.
    fn put(&self, fence: &Fence, bytes: &[u8], was_damaged: bool) -> Result<(), StateError> {
        let backup = match was_damaged {
            true => self.free_name(self.state_file(), ".damaged")?,
            false => self.backup_path(),
        };
        let file = directory::temporary(self.disk(), self.state_file(), bytes, "writing the state file")?;
        self.publish(fence, file, &backup)
    }

    /// Whether there is a state file, and what it is if it is a good one.
    fn there(&self) -> Result<(bool, Option<Seen>), StateError> {
        let bytes = self.read_bytes()?;
        let head = bytes.as_deref().and_then(|bytes| state_file::head(bytes).ok());
        Ok((bytes.is_some(), head))
    }

    /// The snapshot that is there, if it can be read.
    fn read_snapshot(&self) -> Option<Snapshot> {
        state_file::decode(&self.read_bytes().ok()??).ok()
    }

    /// Writes a state that could not be saved to the first of these places that takes it; where that is.
    pub(super) fn rescue(&self, snapshot: &Snapshot, refuges: &[PathBuf]) -> Result<PathBuf, StateError> {
        let bad = |what| StateError::Inconsistent { what };
        integrity::check(snapshot).map_err(bad)?;
        let bytes = state_file::encode(snapshot);
        let beside = directory::parent(self.state_file()).to_owned();
        let mut first = None;
        for directory in std::iter::once(&beside).chain(refuges) {
            match self.rescue_to(&directory.join(format!("state-recovery-{}.json", snapshot.serial)), &bytes)
            {
                Ok(path) => return Ok(path),
                Err(error) => _ = first.get_or_insert(error),
            }
        }
        Err(first.expect("BUG: there is a place to try"))
    }

    /// Writes a file that is not there yet, durably, beside this name if it is taken.
    fn rescue_to(&self, path: &Path, bytes: &[u8]) -> Result<PathBuf, StateError> {
        let path = self.free_name(path, "")?;
        let failed = |error| StateError::io(RESCUING, &path, error);
        let file = directory::temporary(self.disk(), &path, bytes, RESCUING)?;
        file.rename_to_free(&path).map_err(failed)?;
        self.disk().sync_directory(directory::parent(&path)).map_err(failed)?;
        Ok(path)
    }

    /// The name with this ending, or with the first number that makes it a free one.
    fn free_name(&self, path: &Path, ending: &str) -> Result<PathBuf, StateError> {
        for number in 1..NAMES_MAX {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            if number > 1 {
                name.push(format!(".{number}"));
            }
            let there = self.disk().look(Path::new(&name), Links::Stay);
            if there.map_err(|error| StateError::io("looking for a free name for", path, error))?.is_none() {
                return Ok(name.into());
            }
        }
        Err(StateError::io("looking for a free name for", path, std::io::ErrorKind::AlreadyExists.into()))
    }
}

/// The later of two; a state that was swapped for another under its serial does not count.
fn newest(head: Option<Seen>, seen: Option<Seen>) -> Option<Seen> {
    match (head, seen) {
        (Some(head), Some(seen)) if head.lineage == seen.lineage && head.serial > seen.serial => Some(head),
        (head, seen) => seen.or(head),
    }
}

/// Every address of which two states say other things.
fn differences(before: &Snapshot, after: &Snapshot) -> Vec<Changed> {
    let addresses: std::collections::BTreeSet<_> =
        before.resources.keys().chain(after.resources.keys()).collect();
    let moved = addresses.into_iter().filter(|a| before.resources.get(a) != after.resources.get(a));
    moved.map(|address| Changed::done(address.clone(), "push")).collect()
}
