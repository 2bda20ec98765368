//! The lock: the operating system's, on a file, so that the death of its holder frees it. Who holds it, and
//! the fencing number, stand in a file beside it.
//!
//! Before each write the holder looks whether both files are still as it left them: a lock file
//! that was replaced, or a number that went on, means that somebody else may be writing. Breaking a lock does
//! both. It waits for a write that has begun, so that none is published by one who has lost the lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::directory;
use super::storage::Storage;
use crate::disk::{Disk, DiskFile, Identity, Links, Open, Share};
use crate::{Holder, StateError};

/// What the file beside the lock says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deed {
    fencing: u64,
    /// None: the lock was broken.
    holder: Option<Holder>,
}

/// By which a holder knows whether its lock is still its own.
#[derive(Debug, Clone)]
pub(super) struct Fence {
    pub id: String,
    pub fencing: u64,
    disk: Arc<dyn Disk>,
    deed_path: PathBuf,
    lock_path: PathBuf,
    /// The file that is locked.
    file: Identity,
}

impl Fence {
    /// Fails unless the lock is still ours.
    pub(super) fn check(&self) -> Result<(), StateError> {
        let lost = |why: &str| Err(StateError::LockLost { id: self.id.clone(), why: why.to_owned() });
        let standing = self.disk.look(&self.lock_path, Links::Follow).ok().flatten();
        if standing.map(|look| look.identity) != Some(self.file) {
            return lost("its file was removed or replaced");
        }
        match read_deed(self.disk.as_ref(), &self.deed_path) {
            Some(Deed { fencing, holder: Some(holder) })
                if fencing == self.fencing && holder.id == self.id =>
            {
                Ok(())
            }
            Some(Deed { holder: Some(holder), .. }) => lost(&format!("now {holder} has it")),
            Some(Deed { holder: None, .. }) => lost("it was broken by `plumb unlock`"),
            None => lost("the record of its holder is gone"),
        }
    }
}

impl Storage {
    /// Takes the lock; it lasts as long as the file is open.
    pub(super) fn lock(&self, holder: &Holder) -> Result<(Box<dyn DiskFile>, Fence), StateError> {
        directory::prepare(self.disk(), self.dir())?;
        let lock_path = self.lock_path();
        let file = self.open_lock()?;
        let given = file.try_lock(Share::Alone);
        if !given.map_err(|error| StateError::io("locking", &lock_path, error))? {
            let holder = self.deed().and_then(|deed| deed.holder).map(Box::new);
            return Err(StateError::Locked { holder });
        }
        let fencing = self.deed().map_or(1, |deed| deed.fencing + 1);
        self.write_deed(&Deed { fencing, holder: Some(holder.clone()) })?;
        let identity = file.identity();
        let fence = Fence {
            id: holder.id.clone(),
            fencing,
            disk: Arc::clone(&self.disk),
            deed_path: self.deed_path(),
            file: identity.map_err(|error| StateError::io("looking at the lock", &lock_path, error))?,
            lock_path,
        };
        // The file may have been replaced between opening and locking it.
        fence.check()?;
        Ok((file, fence))
    }

    /// Who holds the lock now; what a dead holder left does not count.
    pub(super) fn holder(&self) -> Result<Option<Holder>, StateError> {
        let failed = |error| StateError::io("looking at the lock", self.lock_path(), error);
        let is_there = || self.disk().look(&self.lock_path(), Links::Follow).map_err(failed);
        if !directory::check_own(self.disk(), self.dir())? || is_there()?.is_none() {
            return Ok(None);
        }
        let is_free = self.open_lock()?.try_lock(Share::Together).map_err(failed)?;
        Ok(if is_free { None } else { self.deed().and_then(|deed| deed.holder) })
    }

    /// Moves the fencing number on, so that the holder's next write is refused, and puts a new lock file in
    /// the place of the one that the holder has.
    pub(super) fn break_lock(&self, id: &str) -> Result<(), StateError> {
        let holder = self.holder()?;
        let deed = self.deed().filter(|_| holder.as_ref().is_some_and(|holder| holder.id == id));
        let Some(deed) = deed else {
            return Err(StateError::NoSuchLock { id: id.to_owned(), holder: holder.map(Box::new) });
        };
        let _writing = self.writing_file()?.ok_or(StateError::Writing)?;
        self.write_deed(&Deed { fencing: deed.fencing + 1, holder: None })?;
        directory::replace(self.disk(), &self.lock_path(), b"", "replacing the lock")
    }

    /// Keeps the lock from being broken while what this returns is kept; fails unless the lock is still ours.
    pub(super) fn writing(&self, fence: &Fence) -> Result<Box<dyn DiskFile>, StateError> {
        let lost = || StateError::LockLost { id: fence.id.clone(), why: "it is being broken".to_owned() };
        let file = self.writing_file()?.ok_or_else(lost)?;
        fence.check()?;
        Ok(file)
    }

    /// The file that is locked while something is published, if it can be had.
    fn writing_file(&self) -> Result<Option<Box<dyn DiskFile>>, StateError> {
        let path = self.path("state.writing");
        let failed = |error| StateError::io("locking", &path, error);
        let file = self.disk().open(&path, Open::Either).map_err(failed)?;
        Ok(file.try_lock(Share::Alone).map_err(failed)?.then_some(file))
    }

    fn open_lock(&self) -> Result<Box<dyn DiskFile>, StateError> {
        let path = self.lock_path();
        let opened = self.disk().open(&path, Open::Either);
        opened.map_err(|error| StateError::io("opening the lock", path, error))
    }

    fn lock_path(&self) -> PathBuf {
        self.path("state.lock")
    }

    fn deed_path(&self) -> PathBuf {
        self.path("state.lock.json")
    }

    fn deed(&self) -> Option<Deed> {
        read_deed(self.disk(), &self.deed_path())
    }

    fn write_deed(&self, deed: &Deed) -> Result<(), StateError> {
        let bytes = serde_json::to_vec(deed).expect("BUG: a lock's holder has a JSON form");
        directory::replace(self.disk(), &self.deed_path(), &bytes, "writing the lock's holder to")
    }
}

/// What the file says; an unreadable one says nothing, for the lock itself is the operating system's.
fn read_deed(disk: &dyn Disk, path: &Path) -> Option<Deed> {
    serde_json::from_slice(&disk.read(path).ok()?).ok()
}
