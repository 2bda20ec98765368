//! The seam between the engine and wherever the state lives.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use model::Snapshot;
use serde::{Deserialize, Serialize};

use crate::{Journal, PastRun, Pushed, Record, Report, Run, StateError};

/// Where one environment's state lives, with its journal and its lock.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Takes the lock; the error names who has it.
    async fn lock(&self, holder: &Holder) -> Result<Lock, StateError>;

    /// Gives the lock back, as dropping it does.
    async fn unlock(&self, lock: Lock) -> Result<(), StateError>;

    /// Who holds the lock now.
    async fn holder(&self) -> Result<Option<Holder>, StateError>;

    /// Ends somebody else's right to write: whatever the holder with this id writes next is refused, and
    /// the lock is free for the next.
    async fn break_lock(&self, id: &str) -> Result<(), StateError>;

    /// The verified snapshot and what a killed run left in the journal. Takes no lock, writes nothing.
    async fn read(&self) -> Result<Stored, StateError>;

    /// Replaces the snapshot by the one with the next serial, durably and together with the run's report
    /// in the history, and ends the journal. What the report says of the state before is found out here.
    ///
    /// Refused while the journal holds an open intent: with the journal it would be forgotten.
    async fn write(&self, lock: &Lock, snapshot: &Snapshot, report: &Report) -> Result<(), StateError>;

    /// Puts the state in these bytes of a state file in the place of the one that is there, which may be
    /// damaged or missing, and ends the journal. What speaks against it is refused, or with `force` told.
    ///
    /// Refused whatever is said while the journal holds an open intent. The last state that was here is put
    /// back as it was, and the journal kept. What the report says of changes and of the state before is
    /// found out here.
    async fn push(
        &self,
        lock: &Lock,
        bytes: &[u8],
        force: bool,
        report: &Report,
    ) -> Result<Pushed, StateError>;

    /// Writes a snapshot that could not be saved to a file of its own, wherever there is room; where that is.
    async fn rescue(&self, snapshot: &Snapshot) -> Result<PathBuf, StateError>;

    /// Notes a run in the history that wrote no state. Takes no lock.
    async fn note(&self, report: &Report) -> Result<(), StateError>;

    /// The runs that are kept, the oldest first. Takes no lock, writes nothing, reads no snapshot.
    async fn history(&self) -> Result<Vec<PastRun>, StateError>;

    /// The state after the run with this number. Takes no lock, writes nothing.
    async fn snapshot_at(&self, number: u64) -> Result<Snapshot, StateError>;

    /// Opens the journal for a run, after trying that there is room to write. Records that a killed
    /// run left stay in it, and can be ended by their sequence number.
    async fn journal(&self, lock: &Lock, run: &Run) -> Result<Journal, StateError>;

    /// The key that [`model::Seal`] hashes secrets with; random, made at first use, never in the state.
    async fn seal_key(&self) -> Result<[u8; 32], StateError>;
}

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stored {
    /// The last snapshot; `None` when there never was one.
    pub snapshot: Option<Snapshot>,
    /// What happened since, for [`crate::replay()`].
    pub journal: Vec<Record>,
}

/// Who holds a lock, for the person who meets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// A random id, by which `plumb unlock` names this lock.
    pub id: String,
    /// The user.
    pub owner: String,
    /// The machine.
    pub host: String,
    /// The command line.
    pub command: String,
    /// When it was taken, RFC 3339.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder { id, owner, host, command, since } = self;
        write!(f, "{owner} on {host}, running `{command}` since {since} (lock id {id})")
    }
}

/// A lock that is held until this is dropped or the process ends.
pub struct Lock {
    /// The holder's id.
    pub id: String,
    /// Grows with each lock taken; a write under an older number is refused.
    pub fencing: u64,
    guard: Box<dyn Send + Sync>,
}

impl Lock {
    /// A lock that ends when `guard` is dropped.
    pub(crate) fn new(id: &str, fencing: u64, guard: impl Send + Sync + 'static) -> Self {
        Self { id: id.to_owned(), fencing, guard: Box::new(guard) }
    }

    /// Lets go of it.
    pub(crate) fn release(self) {
        drop(self.guard);
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("id", &self.id).field("fencing", &self.fencing).finish_non_exhaustive()
    }
}
