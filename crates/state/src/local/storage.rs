//! Reading and writing the state file and the journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Snapshot;

use super::directory;
use super::lock::Fence;
use crate::disk::{Disk, DiskFile, Identity, Links, Open};
use crate::journal::Sink;
use crate::journal_file::{self, Chain};
use crate::replay::{Standing, Steps, not_folded, standing};
use crate::{Damage, Record, Report, Run, Seen, StateError, Stored, checked, integrity, state_file};

/// Room that must be there when a run begins, beyond that for another snapshot.
const PROBE_BYTES: usize = 256 * 1024;

/// How many runs the history keeps unless told otherwise.
const HISTORY_DEFAULT: usize = 100;

const WRITING: &str = "writing the state file";
const WRITING_JOURNAL: &str = "writing the journal";

/// The files of one state.
#[derive(Debug, Clone)]
pub(super) struct Storage {
    pub(super) disk: Arc<dyn Disk>,
    dir: PathBuf,
    state_file: PathBuf,
    pub(super) accept_older: bool,
    /// How many runs the history keeps.
    pub(super) keep: usize,
}

/// A snapshot that is about to be written.
pub(super) struct Next {
    pub(super) bytes: Vec<u8>,
    lineage: String,
    pub(super) serial: u64,
}

impl Next {
    /// Checks a snapshot first: what could not be read back must not be written.
    pub(super) fn new(snapshot: &Snapshot) -> Result<Self, StateError> {
        let bad =
            |what| format!("and this run give a state that contradicts itself: {what}\nplease report this");
        integrity::check(snapshot).map_err(|what| StateError::Inconsistent { what: bad(what) })?;
        let Snapshot { lineage, serial, .. } = snapshot;
        Ok(Self { bytes: state_file::encode(snapshot), lineage: lineage.clone(), serial: *serial })
    }

    /// What the directory remembers of it once it is written.
    pub(super) fn seen(&self) -> Seen {
        let digest = checked::digest_of(&self.bytes).expect("BUG: fresh bytes have their checksum");
        Seen { lineage: self.lineage.clone(), serial: self.serial, digest }
    }
}

/// A journal that is ready for records.
pub(super) struct OpenJournal {
    pub file: JournalFile,
    pub chain: Chain,
    pub steps: Steps,
}

/// The journal's file, written only while the lock is ours.
pub(super) struct JournalFile {
    storage: Storage,
    file: Box<dyn DiskFile>,
    fence: Fence,
    /// The state file that the run started from.
    state: Option<Identity>,
}

impl JournalFile {
    /// Fails unless the lock is ours and the state file is the one that the run started from.
    fn check(&self) -> Result<(), StateError> {
        self.fence.check()?;
        if self.storage.state_identity() == self.state {
            return Ok(());
        }
        Err(StateError::Replaced { path: self.storage.state_file.clone() })
    }
}

impl Sink for JournalFile {
    fn write(&mut self, line: &[u8]) -> Result<(), StateError> {
        self.check()?;
        let written = self.file.append(line).and_then(|()| self.file.sync());
        written.map_err(|error| StateError::io(WRITING_JOURNAL, self.storage.journal_path(), error))?;
        // Whoever took the lock meanwhile may have read the journal without this line.
        self.fence.check()
    }

    fn never_waits(&self) -> bool {
        self.storage.disk.never_waits()
    }
}

impl Storage {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: PathBuf, state_file: PathBuf) -> Self {
        Self { disk, dir, state_file, accept_older: false, keep: HISTORY_DEFAULT }
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn state_file(&self) -> &Path {
        &self.state_file
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The verified snapshot, and the journal's records that it does not have.
    pub(super) fn read(&self) -> Result<Stored, StateError> {
        directory::check_own(self.disk(), &self.dir)?;
        // The journal first: if a writer ends it meanwhile, the snapshot read later has it folded in.
        let journal = self.read_journal()?;
        let (bytes, head) = self.read_state()?.unzip();
        let journal = self.live_part(head.as_ref(), journal)?;
        let snapshot = bytes.map(|bytes| state_file::decode_checked(&bytes)).transpose();
        Ok(Stored { snapshot: snapshot.map_err(|damage| self.damaged(damage))?, journal })
    }

    /// Replaces the snapshot, keeps the one before as `.backup`, notes the run, and ends the journal.
    pub(super) fn write(&self, fence: &Fence, next: &Next, report: &Report) -> Result<(), StateError> {
        self.prepare()?;
        self.check_follows(next)?;
        self.drop_unpublished();
        let file = directory::temporary(self.disk(), &self.state_file, &next.bytes, WRITING)?;
        fence.check()?;
        let mut report = report.clone();
        (report.run.base_serial, report.run.lineage) = (next.serial - 1, next.lineage.clone());
        self.note(&report, Some(next))?;
        self.publish(fence, file, &self.backup_path()).inspect_err(|_| self.drop_unpublished())?;
        // From here on the journal counts as folded in, whether it can be removed or not.
        self.remember(&next.seen())?;
        directory::remove(self.disk(), &self.journal_path(), "ending the journal")
    }

    /// Puts a new state in the place of the one that is there, which gets the other name.
    pub(super) fn publish(
        &self,
        fence: &Fence,
        file: directory::Temporary<'_>,
        backup: &Path,
    ) -> Result<(), StateError> {
        directory::keep_as(self.disk(), &self.state_file, backup, "keeping the state before as")?;
        let _writing = self.writing(fence)?;
        directory::publish(file, &self.state_file, WRITING)
    }

    /// Refuses when a journal on disk has an intent whose end nobody recorded; notes the runs that left it.
    pub(super) fn take_over_ended_journal(&self) -> Result<(), StateError> {
        let stored = self.read()?;
        walk(&stored.journal)?.expect_ended()?;
        self.note_interrupted(&stored.journal)
    }

    /// Opens the journal, new or after the records that a killed run left.
    pub(super) fn open_journal(&self, fence: Fence, run: &Run) -> Result<OpenJournal, StateError> {
        fence.check()?;
        self.prepare()?;
        let journal = self.read_journal()?;
        let head = self.read_state()?.map(|(_, head)| head);
        if standing(place(head.as_ref()), run)? == Standing::Folded {
            return Err(started_from_older(run, head.as_ref()));
        }
        self.probe()?;
        self.anchor()?;
        if let Some(head) = &head {
            self.remember(head)?;
        }
        let earlier = self.live_part(head.as_ref(), journal)?;
        self.note_interrupted(&earlier)?;
        self.begin(fence, run, earlier)
    }

    /// A new journal with what killed runs left and this run's begin, there as a whole or not at all.
    ///
    /// It is a new file even where one is gone on with: whoever lost the lock may still have that one open.
    fn begin(&self, fence: Fence, run: &Run, mut records: Vec<Record>) -> Result<OpenJournal, StateError> {
        records.push(Record::Begin(run.clone()));
        let steps = walk(&records)?;
        let records: Vec<Vec<u8>> = records.iter().map(journal_file::to_json).collect();
        let (bytes, chain) = journal_file::begin(&records);
        let path = self.journal_path();
        let new = directory::temporary(self.disk(), &path, &bytes, WRITING_JOURNAL)?;
        let writing = self.writing(&fence)?;
        directory::publish(new, &path, WRITING_JOURNAL)?;
        drop(writing);
        let file = self.disk.open(&path, Open::Standing);
        let file = file.map_err(|error| StateError::io(WRITING_JOURNAL, &path, error))?;
        let state = self.state_identity();
        Ok(OpenJournal { file: JournalFile { storage: self.clone(), file, fence, state }, chain, steps })
    }

    /// Which file the state file is.
    fn state_identity(&self) -> Option<Identity> {
        self.disk.look(&self.state_file, Links::Follow).ok().flatten().map(|look| look.identity)
    }

    /// Makes the directories and clears them of what a killed process left; under the lock.
    pub(super) fn prepare(&self) -> Result<(), StateError> {
        let beside = directory::parent(&self.state_file);
        directory::prepare(self.disk(), &self.dir)?;
        directory::make(self.disk(), beside)?;
        directory::remove_leftovers(self.disk(), &self.dir);
        directory::remove_leftovers(self.disk(), beside);
        directory::remove_leftovers(self.disk(), &self.history_dir());
        Ok(())
    }

    /// Makes the names of our directories durable.
    fn anchor(&self) -> Result<(), StateError> {
        directory::anchor(self.disk(), &self.dir)?;
        let beside = directory::parent(&self.state_file);
        if beside == self.dir { Ok(()) } else { directory::anchor(self.disk(), beside) }
    }

    /// Tries that there is room for another snapshot, the history's copy of it, and some journal.
    fn probe(&self) -> Result<(), StateError> {
        const TRYING: &str = "trying for room to write the state file";
        let standing = self.disk.look(&self.state_file, Links::Follow).ok().flatten();
        let length = standing.map_or(0, |look| look.length);
        let room = vec![0; usize::try_from(length).unwrap_or(0) + PROBE_BYTES];
        directory::make(self.disk(), &self.history_dir())?;
        let state = directory::temporary(self.disk(), &self.state_file, &room, TRYING)?;
        let history = directory::temporary(self.disk(), &self.history_dir().join("copy"), &room, TRYING)?;
        // Both at once, and not one after the other.
        drop((state, history));
        Ok(())
    }

    fn check_follows(&self, next: &Next) -> Result<(), StateError> {
        let conflict = |lineage: &str, expected| {
            let (other, serial) = (next.lineage.clone(), next.serial);
            Err(StateError::Conflict { lineage: lineage.to_owned(), expected, other, serial })
        };
        let Some(bytes) = self.read_bytes()? else {
            return if next.serial == 1 { Ok(()) } else { conflict(&next.lineage, 1) };
        };
        let head = state_file::head(&bytes).map_err(|damage| self.damaged(damage))?;
        // Another state under the same serial is not the one that this run read.
        self.check_seen(self.seen()?, Some(&head))?;
        let follows = head.lineage == next.lineage && head.serial.checked_add(1) == Some(next.serial);
        if follows { Ok(()) } else { conflict(&head.lineage, head.serial.saturating_add(1)) }
    }

    pub(super) fn read_bytes(&self) -> Result<Option<Vec<u8>>, StateError> {
        directory::read(self.disk(), &self.state_file, "reading the state file")
    }

    /// The state file's bytes and what they are, if they are not older than what was seen here.
    fn read_state(&self) -> Result<Option<(Vec<u8>, Seen)>, StateError> {
        // What was seen first: a writer may move both on meanwhile, the state before the note.
        let seen = self.seen()?;
        let bytes = self.read_bytes()?;
        let head = bytes.as_deref().map(state_file::head).transpose();
        let head = head.map_err(|damage| self.damaged(damage))?;
        self.check_seen(seen, head.as_ref())?;
        Ok(bytes.zip(head))
    }

    /// The journal's records; none if there is no journal.
    pub(super) fn read_journal(&self) -> Result<Vec<Record>, StateError> {
        let path = self.journal_path();
        let bytes = directory::read(self.disk(), &path, "reading the journal")?;
        let records = bytes.map_or(Ok(Vec::new()), |bytes| journal_file::decode(&bytes));
        records.map_err(|what| StateError::JournalDamaged { path, what })
    }

    /// The records that come after the state: all of them, or none if that has them already.
    pub(super) fn live_part(
        &self,
        head: Option<&Seen>,
        records: Vec<Record>,
    ) -> Result<Vec<Record>, StateError> {
        // Whoever replays what begins otherwise says what is wrong.
        let Some(Record::Begin(run)) = records.first() else { return Ok(records) };
        match standing(place(head), run) {
            Ok(Standing::Live) => Ok(records),
            Ok(Standing::Folded) if self.was_folded(run) => Ok(Vec::new()),
            Ok(Standing::Folded) => Err(self.with_base(not_folded(run, head), run)),
            Err(error) => Err(self.with_base(error, run)),
        }
    }

    fn damaged(&self, damage: Damage) -> StateError {
        StateError::Damaged { path: self.state_file.clone(), damage, copy: self.kept_copy() }
    }

    pub(super) fn journal_path(&self) -> PathBuf {
        self.path("journal")
    }

    pub(super) fn backup_path(&self) -> PathBuf {
        let mut path = self.state_file.clone().into_os_string();
        path.push(".backup");
        path.into()
    }
}

fn place(head: Option<&Seen>) -> Option<(&str, u64)> {
    head.map(|head| (head.lineage.as_str(), head.serial))
}

pub(super) fn walk(records: &[Record]) -> Result<Steps, StateError> {
    let mut steps = Steps::default();
    records.iter().try_for_each(|record| steps.take(record))?;
    Ok(steps)
}

fn started_from_older(run: &Run, head: Option<&Seen>) -> StateError {
    StateError::Conflict {
        lineage: run.lineage.clone(),
        expected: head.map_or(1, |head| head.serial.saturating_add(1)),
        other: run.lineage.clone(),
        serial: run.base_serial.saturating_add(1),
    }
}
