//! What this directory last saw of its state, so that an older one does not pass for it. Written
//! by those who hold the lock; reading a state writes nothing.

use super::directory;
use super::storage::Storage;
use crate::{Seen, StateError};

impl Storage {
    /// Refuses a state that is older than, or not, the one last seen; `None` is a missing file.
    pub(super) fn check_seen(&self, seen: Option<Seen>, found: Option<&Seen>) -> Result<(), StateError> {
        let Some(seen) = seen else { return Ok(()) };
        let goes_on = match found {
            Some(found) if found.lineage == seen.lineage && found.serial == seen.serial => {
                found.digest == seen.digest
            }
            Some(found) => found.lineage == seen.lineage && found.serial > seen.serial,
            None => false,
        };
        if goes_on || self.accept_older {
            return Ok(());
        }
        let found = found.cloned().map(Box::new);
        let (path, copy) = (self.state_file().to_owned(), self.kept_copy());
        Err(StateError::RolledBack { path, seen: Box::new(seen), found, copy })
    }

    /// Remembers what was written or started from.
    pub(super) fn remember(&self, seen: &Seen) -> Result<(), StateError> {
        let bytes = serde_json::to_vec(seen).expect("BUG: what was seen has a JSON form");
        directory::replace(self.disk(), &self.path("seen.json"), &bytes, "noting the state's serial in")
    }

    /// The note. An unreadable one is none: the state has a checksum of its own.
    pub(super) fn seen(&self) -> Result<Option<Seen>, StateError> {
        let bytes = directory::read(self.disk(), &self.path("seen.json"), "reading")?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}
