//! What can go wrong with a state, each with the file it is about and what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Holder, Objection};

/// Why the state cannot be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// Somebody else holds the lock.
    #[error("the state is locked by {}\nwait for it to end; `plumb unlock` shows who it is and can end its right to write", holder_text(.holder.as_deref()))]
    Locked {
        /// Who, unless it has just taken it.
        holder: Option<Box<Holder>>,
    },
    /// The lock that a write was made under is no longer ours.
    #[error(
        "lock {id} was lost ({why}): nothing more is written\nlet whoever has it finish, then run `plumb plan`; it takes up what this run left open"
    )]
    LockLost {
        /// Our lock's id.
        id: String,
        /// What happened to it.
        why: String,
    },
    /// No lock with this id is held.
    #[error("no lock with the id {id:?} is held; {}", holder_text(.holder.as_deref()))]
    NoSuchLock {
        /// The id asked for.
        id: String,
        /// Who holds it instead.
        holder: Option<Box<Holder>>,
    },
    /// The disk failed us.
    #[error("{doing} {path:?}")]
    Io {
        /// `writing the state file`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// The state file is not what plumb wrote.
    #[error("the state file {path:?} {damage}\n{}", damage.advice(path, .copy.as_deref()))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
        /// A good copy of the last state that was here.
        copy: Option<PathBuf>,
    },
    /// The journal is not what plumb wrote.
    #[error(
        "the journal {path:?} {what}\nit says what a killed run was doing: put an undamaged copy back; without one, see in Azure what that run made, move the journal away, and run `plumb plan`"
    )]
    JournalDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        what: String,
    },
    /// The records of a journal cannot follow each other, or do not fit the snapshot.
    #[error("the journal {what}")]
    Inconsistent {
        /// What does not fit, and what to do.
        what: String,
    },
    /// The journal belongs to another state.
    #[error(
        "{what}\n{}, and run `plumb plan`; do not remove the journal: it says what that run made",
        put_back(.base.as_deref(), "put that state back")
    )]
    ForeignJournal {
        /// Whose it is, and what is there instead.
        what: String,
        /// A good copy of the state that it goes on from.
        base: Option<PathBuf>,
    },
    /// The state is older than, or not, the one last seen here.
    #[error(
        "the state file {path:?} {}, but this directory last saw {seen}\n{}, or, if this is the one you want, say `--accept-older-state`",
        found_text(.found.as_deref(), seen), put_back(.copy.as_deref(), "put the newer one back")
    )]
    RolledBack {
        /// The file.
        path: PathBuf,
        /// What was last seen.
        seen: Box<Seen>,
        /// What is there.
        found: Option<Box<Seen>>,
        /// A good copy of the one last seen.
        copy: Option<PathBuf>,
    },
    /// Somebody put another state file in the place of the one that the run started from.
    #[error(
        "the state file {path:?} was replaced while this run was going on: nothing more is sent\nrun `plumb plan`: it says what to do with the file that is there, and takes up what this run left open"
    )]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// A state is not pushed.
    #[error("this state is not pushed{}\nsay --force to push it all the same", listed(objections))]
    Refused {
        /// What speaks against it.
        objections: Vec<Objection>,
    },
    /// The state could not be saved at the end of a run.
    #[error("the state is not saved: {}\n{}", told(why), saved_elsewhere(.recovery.as_deref()))]
    Unsaved {
        /// Why.
        why: Box<StateError>,
        /// Where it was written instead.
        recovery: Option<PathBuf>,
    },
    /// The journal could not be written in the middle of a run.
    #[error(
        "the journal is not written: {}\nnothing more was sent to Azure; the journal has everything that was. Then run `plumb apply`: it looks at how each change ended, and goes on",
        told(why)
    )]
    Halted {
        /// Why.
        why: Box<StateError>,
    },
    /// A lock is not broken in the middle of a write.
    #[error("the holder is writing the state at this moment\ntry again")]
    Writing,
    /// The snapshot to write does not follow the one that is there.
    #[error(
        "the state moved: serial {expected} of lineage {lineage} was to be written next, not serial {serial} of lineage {other}\nrun `plumb plan` again"
    )]
    Conflict {
        /// The lineage that is there.
        lineage: String,
        /// The serial that comes next.
        expected: u64,
        /// The lineage that was to be written.
        other: String,
        /// The serial that was to be written.
        serial: u64,
    },
    /// A snapshot was to be written although changes are in flight.
    #[error(
        "the state is not written while {count} changes are open in the journal, first {first}\nrun `plumb plan`: it looks at how they ended"
    )]
    OpenIntents {
        /// How many.
        count: usize,
        /// The first one's sequence number and record.
        first: String,
    },
    /// A file of the history is not what plumb wrote.
    #[error(
        "the history's file {path:?} {damage}\nnothing else depends on it: put your own copy back, or move it away to see the other runs"
    )]
    HistoryDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// No run with this number is in the history.
    #[error("there is no run {number} in the history{}", numbers_text(*.numbers))]
    NoSuchRun {
        /// The number asked for.
        number: u64,
        /// The first and the last that there are.
        numbers: Option<(u64, u64)>,
    },
    /// The state after a run is not there any more, or never was.
    #[error(
        "the state after run {number} is not in the history; `plumb history` lists the runs that wrote one"
    )]
    NotKept {
        /// The run.
        number: u64,
    },
    /// A record was to be appended after the journal's end.
    #[error("the journal has ended: the snapshot was written, and a change must not start after it")]
    JournalEnded,
    /// A directory or file that somebody else could have put there.
    #[error(
        "{path:?} {why}; plumb keeps its state only in a directory of your own: move it away, then run the command again"
    )]
    Unsafe {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key that secrets are hashed with is unreadable.
    #[error(
        "the key file {path:?} does not hold 64 hexadecimal digits\nput the right one back, or remove it: then every secret counts as changed once"
    )]
    SealKey {
        /// The file.
        path: PathBuf,
    },
}

/// An error with its causes, in one line, and what to do on a line of its own.
fn told(error: &StateError) -> String {
    let mut text = error.to_string();
    if let StateError::Io { source, .. } = error {
        text = format!("{text}: {source}");
    }
    match error.remedy() {
        Some(remedy) => format!("{text}\n{remedy}"),
        None => text,
    }
}

fn saved_elsewhere(recovery: Option<&Path>) -> String {
    match recovery {
        Some(path) => format!(
            "what this run made is in the journal, and whole in {path:?}: run `plumb apply`, which takes the journal up, or where the journal is lost, `plumb state push {}`",
            quoted(path)
        ),
        None => "no other place took it either; what this run made is in the journal: run `plumb apply`, which takes it up".to_owned(),
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn put_back(copy: Option<&Path>, otherwise: &str) -> String {
    match copy {
        Some(copy) => format!("put that one back with `plumb state push {}`", quoted(copy)),
        None => otherwise.to_owned(),
    }
}

fn listed(objections: &[Objection]) -> String {
    objections.iter().map(|objection| format!("\n- {objection}")).collect()
}

impl StateError {
    /// What to do when the system refuses; none for errors that say it themselves.
    pub fn remedy(&self) -> Option<&'static str> {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        match self {
            _ if self.is_out_of_space() => Some("make room there first"),
            StateError::Io { source, .. }
                if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem) =>
            {
                Some("make that place writable for you first")
            }
            _ => None,
        }
    }

    /// Wraps what the system said.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        StateError::Io { doing, path: path.into(), source: Arc::new(source) }
    }

    /// Whether somebody else holds the lock.
    pub fn is_locked(&self) -> bool {
        matches!(self, StateError::Locked { .. })
    }

    /// Whether our lock is gone, so that no cloud write may follow.
    pub fn is_lock_lost(&self) -> bool {
        matches!(self, StateError::LockLost { .. })
    }

    /// Whether a file is not what plumb wrote.
    pub fn is_damaged(&self) -> bool {
        matches!(
            self,
            StateError::Damaged { .. }
                | StateError::JournalDamaged { .. }
                | StateError::Inconsistent { .. }
                | StateError::HistoryDamaged { .. }
        )
    }

    /// Whether the state is older than the one last seen.
    pub fn is_rolled_back(&self) -> bool {
        matches!(self, StateError::RolledBack { .. })
    }

    /// Whether the state moved under us.
    pub fn is_conflict(&self) -> bool {
        matches!(self, StateError::Conflict { .. })
    }

    /// Whether the disk is full.
    pub fn is_out_of_space(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match self {
            StateError::Io { source, .. } => {
                matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
            }
            _ => false,
        }
    }
}

/// What is wrong with a state file, in plain words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It has no bytes.
    #[error("is empty, which plumb never writes; that does not mean that there are no resources")]
    Empty,
    /// It ends too early.
    #[error("is cut short")]
    CutShort,
    /// Something was added at its end.
    #[error("goes on after its end")]
    TrailingText,
    /// It has another encoding or encoding mark.
    #[error("is not plain UTF-8: {0}")]
    Encoding(&'static str),
    /// A merge left its marks.
    #[error("has conflict markers of a merge at line {0}; states cannot be merged as text")]
    ConflictMarkers(usize),
    /// Another format's number.
    #[error("has format {0}, which plumb {version} does not know (it knows 1)", version = env!("CARGO_PKG_VERSION"))]
    Format(String),
    /// Something else altogether.
    #[error("does not begin as a plumb state does{0}")]
    Foreign(&'static str),
    /// The checksum does not fit.
    #[error("was changed after plumb wrote it: its checksum does not fit")]
    Checksum,
    /// The checksum fits, and yet it holds what this version does not know.
    #[error("was written by {tool} and holds what plumb {version} cannot take: {what}", version = env!("CARGO_PKG_VERSION"))]
    Unknown {
        /// Who wrote it.
        tool: String,
        /// What, and where.
        what: String,
    },
    /// A resource that contradicts itself or another.
    #[error("contradicts itself: {0}")]
    Contradiction(String),
    /// Not a file, or far too large.
    #[error("{0}")]
    Shape(&'static str),
}

impl Damage {
    /// What to do about it.
    fn advice(&self, path: &Path, copy: Option<&Path>) -> String {
        match (self, copy) {
            (Damage::Format(_) | Damage::Unknown { .. }, _) => {
                "use the plumb that wrote it, or a newer one".into()
            }
            (_, Some(copy)) => format!(
                "`plumb state push {}` puts the last good one back; this file is kept beside it",
                quoted(copy)
            ),
            _ => {
                let mut backup = path.as_os_str().to_owned();
                backup.push(".backup");
                format!(
                    "keep this file, put your own copy or the state before it ({backup:?}) in its place, and run `plumb plan --accept-older-state`"
                )
            }
        }
    }
}

/// What a directory last saw of its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The lineage.
    pub lineage: String,
    /// The serial.
    pub serial: u64,
    /// The file's checksum.
    pub digest: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "serial {} of lineage {}", self.serial, self.lineage)
    }
}

fn found_text(found: Option<&Seen>, seen: &Seen) -> String {
    match found {
        None => "is missing".to_owned(),
        Some(found) if (&found.lineage, found.serial) == (&seen.lineage, seen.serial) => {
            "was replaced by one with the same serial and other content".to_owned()
        }
        Some(found) => format!("is {found}"),
    }
}

fn numbers_text(numbers: Option<(u64, u64)>) -> String {
    match numbers {
        Some((first, last)) => format!(", which has runs {first} to {last}: `plumb history` lists them"),
        None => ", which is empty".to_owned(),
    }
}

fn holder_text(holder: Option<&Holder>) -> String {
    match holder {
        Some(holder) => holder.to_string(),
        None => "nobody known".to_owned(),
    }
}
