//! The lock: the operating system's, on a file that is never renamed or removed, so that the death
//! of its holder frees it. Who holds it, and the fencing number, stand in a file beside it.
//!
//! Before each write the holder looks whether both files are still as it left them: a lock file
//! that was replaced, or a number that went on, means that somebody else may be writing.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::directory;
use super::storage::Storage;
use crate::{Holder, StateError};

/// How often and how long a lock is tried: asking who holds it takes it for an instant.
const TRIES: u32 = 6;
const TRY_DELAY: Duration = Duration::from_millis(15);

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
    deed_path: PathBuf,
    lock_path: PathBuf,
    /// Device and inode of the file that is locked.
    file: (u64, u64),
}

impl Fence {
    /// Fails unless the lock is still ours.
    pub(super) fn check(&self) -> Result<(), StateError> {
        let lost = |why: &str| Err(StateError::LockLost { id: self.id.clone(), why: why.to_owned() });
        if std::fs::metadata(&self.lock_path).map(|m| identity(&m)).ok() != Some(self.file) {
            return lost("its file was removed or replaced");
        }
        match read_deed(&self.deed_path) {
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
    pub(super) fn lock(&self, holder: &Holder) -> Result<(File, Fence), StateError> {
        directory::prepare(self.dir())?;
        let path = self.path("state.lock");
        let file = self.open_lock()?;
        if !try_lock(&path, || file.try_lock())? {
            let holder = read_deed(&self.deed_path()).and_then(|deed| deed.holder).map(Box::new);
            return Err(StateError::Locked { holder });
        }
        let fencing = read_deed(&self.deed_path()).map_or(1, |deed| deed.fencing + 1);
        self.write_deed(&Deed { fencing, holder: Some(holder.clone()) })?;
        let metadata =
            file.metadata().map_err(|error| StateError::io("looking at the lock", &path, error))?;
        let fence = Fence {
            id: holder.id.clone(),
            fencing,
            deed_path: self.deed_path(),
            lock_path: path,
            file: identity(&metadata),
        };
        // The file may have been replaced between opening and locking it.
        fence.check()?;
        Ok((file, fence))
    }

    /// Who holds the lock now; what a dead holder left does not count.
    pub(super) fn holder(&self) -> Result<Option<Holder>, StateError> {
        if !directory::check_own(self.dir())? || !self.path("state.lock").exists() {
            return Ok(None);
        }
        let file = self.open_lock()?;
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(read_deed(&self.deed_path()).and_then(|deed| deed.holder)),
            Err(TryLockError::Error(error)) => {
                Err(StateError::io("looking at the lock", self.path("state.lock"), error))
            }
        }
    }

    /// Moves the fencing number on, so that the holder's next write is refused.
    pub(super) fn break_lock(&self, id: &str) -> Result<(), StateError> {
        let holder = self.holder()?;
        match read_deed(&self.deed_path()) {
            Some(deed) if holder.as_ref().is_some_and(|holder| holder.id == id) => {
                self.write_deed(&Deed { fencing: deed.fencing + 1, holder: None })
            }
            _ => Err(StateError::NoSuchLock { id: id.to_owned(), holder: holder.map(Box::new) }),
        }
    }

    fn open_lock(&self) -> Result<File, StateError> {
        let path = self.path("state.lock");
        let mut options = File::options();
        let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        opened.map_err(|error| StateError::io("opening the lock", path, error))
    }

    fn deed_path(&self) -> PathBuf {
        self.path("state.lock.json")
    }

    fn write_deed(&self, deed: &Deed) -> Result<(), StateError> {
        let bytes = serde_json::to_vec(deed).expect("BUG: a lock's holder has a JSON form");
        directory::replace(&self.deed_path(), &bytes, "writing the lock's holder to")
    }
}

/// Tries for a short while; whether it was given.
fn try_lock(path: &Path, take: impl Fn() -> Result<(), TryLockError>) -> Result<bool, StateError> {
    for attempt in 0..TRIES {
        match take() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(StateError::io("locking", path, error)),
            Err(TryLockError::WouldBlock) if attempt + 1 < TRIES => thread::sleep(TRY_DELAY),
            Err(TryLockError::WouldBlock) => {}
        }
    }
    Ok(false)
}

/// What the file says; an unreadable one says nothing, for the lock itself is the operating system's.
fn read_deed(path: &Path) -> Option<Deed> {
    let bytes: io::Result<Vec<u8>> = std::fs::read(path);
    serde_json::from_slice(&bytes.ok()?).ok()
}

fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
