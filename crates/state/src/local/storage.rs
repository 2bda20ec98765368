//! Reading and writing the state file and the journal.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Snapshot;

use super::directory;
use super::lock::Fence;
use crate::disk::{Disk, DiskFile, Links, Open};
use crate::journal::Sink;
use crate::journal_file::{self, Chain, Text};
use crate::replay::{Standing, Steps, standing};
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
}

/// A journal that is ready for records.
pub(super) struct OpenJournal {
    pub file: JournalFile,
    pub chain: Chain,
    pub steps: Steps,
}

/// The journal's file, written only while the lock is ours.
pub(super) struct JournalFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    fence: Fence,
    never_waits: bool,
}

impl Sink for JournalFile {
    fn write(&mut self, line: &[u8]) -> Result<(), StateError> {
        self.fence.check()?;
        let written = self.file.append(line).and_then(|()| self.file.sync());
        written.map_err(|error| StateError::io(WRITING_JOURNAL, &self.path, error))
    }

    fn never_waits(&self) -> bool {
        self.never_waits
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
        let journal = match journal {
            Some(text) if is_live(head.as_ref(), &text.records)? => text.records,
            _ => Vec::new(),
        };
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
        self.note(report, Some(next))?;
        self.publish(fence, file).inspect_err(|_| self.drop_unpublished())?;
        // From here on the journal counts as folded in, whether it can be removed or not.
        let digest = checked::digest_of(&next.bytes).expect("BUG: fresh bytes have their checksum");
        self.remember(&Seen { lineage: next.lineage.clone(), serial: next.serial, digest })?;
        directory::remove(self.disk(), &self.journal_path(), "ending the journal")
    }

    /// Puts the new state in the place of the one that is there, which becomes the backup.
    fn publish(&self, fence: &Fence, file: directory::Temporary<'_>) -> Result<(), StateError> {
        let backup = self.backup_path();
        directory::keep_as(self.disk(), &self.state_file, &backup, "keeping the state before as")?;
        fence.check()?;
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
        let text = self.read_journal()?;
        let head = self.read_state()?.map(|(_, head)| head);
        if standing(place(head.as_ref()), run)? == Standing::Folded {
            return Err(started_from_older(run, head.as_ref()));
        }
        self.probe()?;
        if let Some(head) = &head {
            self.remember(head)?;
        }
        match text {
            Some(text) if is_live(head.as_ref(), &text.records)? => {
                self.note_interrupted(&text.records)?;
                self.go_on(fence, run, text)
            }
            _ => self.begin(fence, run),
        }
    }

    /// A new journal, there with its first record or not at all.
    fn begin(&self, fence: Fence, run: &Run) -> Result<OpenJournal, StateError> {
        let record = Record::Begin(run.clone());
        let steps = walk(std::slice::from_ref(&record))?;
        let (bytes, chain) = journal_file::begin(&[journal_file::to_json(&record)]);
        directory::replace(self.disk(), &self.journal_path(), &bytes, WRITING_JOURNAL)?;
        let file = self.open_at(bytes.len(), fence)?;
        Ok(OpenJournal { file, chain, steps })
    }

    /// The journal that is there, without its torn end, and this run's begin after it.
    fn go_on(&self, fence: Fence, run: &Run, text: Text) -> Result<OpenJournal, StateError> {
        let record = Record::Begin(run.clone());
        let mut steps = walk(&text.records)?;
        steps.take(&record)?;
        let mut chain = text.chain;
        let line = chain.line(&[journal_file::to_json(&record)]);
        let mut file = self.open_at(text.length, fence)?;
        file.write(&line)?;
        Ok(OpenJournal { file, chain, steps })
    }

    /// The journal's file, cut to its good length and ready to append.
    fn open_at(&self, length: usize, fence: Fence) -> Result<JournalFile, StateError> {
        let path = self.journal_path();
        let open = || -> io::Result<Box<dyn DiskFile>> {
            let mut file = self.disk.open(&path, Open::Standing)?;
            file.set_len(length as u64)?;
            file.sync()?;
            Ok(file)
        };
        let file = open().map_err(|error| StateError::io(WRITING_JOURNAL, &path, error))?;
        Ok(JournalFile { file, path, fence, never_waits: self.disk.never_waits() })
    }

    /// Makes the directories and clears them of what a killed process left; under the lock.
    fn prepare(&self) -> Result<(), StateError> {
        let beside = directory::parent(&self.state_file);
        directory::prepare(self.disk(), &self.dir)?;
        directory::make(self.disk(), beside)?;
        directory::remove_leftovers(self.disk(), &self.dir);
        directory::remove_leftovers(self.disk(), beside);
        directory::remove_leftovers(self.disk(), &self.history_dir());
        Ok(())
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
        let follows = head.lineage == next.lineage && head.serial.checked_add(1) == Some(next.serial);
        if follows { Ok(()) } else { conflict(&head.lineage, head.serial.saturating_add(1)) }
    }

    fn read_bytes(&self) -> Result<Option<Vec<u8>>, StateError> {
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

    fn read_journal(&self) -> Result<Option<Text>, StateError> {
        let path = self.journal_path();
        let bytes = directory::read(self.disk(), &path, "reading the journal")?;
        let text = bytes.map(|bytes| journal_file::decode(&bytes)).transpose();
        text.map_err(|what| StateError::JournalDamaged { path, what })
    }

    fn damaged(&self, damage: Damage) -> StateError {
        StateError::Damaged { path: self.state_file.clone(), damage }
    }

    fn journal_path(&self) -> PathBuf {
        self.path("journal")
    }

    fn backup_path(&self) -> PathBuf {
        let mut path = self.state_file.clone().into_os_string();
        path.push(".backup");
        path.into()
    }
}

/// Whether a journal's records come after the snapshot.
fn is_live(head: Option<&Seen>, records: &[Record]) -> Result<bool, StateError> {
    match records.first() {
        Some(Record::Begin(run)) => Ok(standing(place(head), run)? == Standing::Live),
        // Whoever replays it says what is wrong.
        _ => Ok(true),
    }
}

fn place(head: Option<&Seen>) -> Option<(&str, u64)> {
    head.map(|head| (head.lineage.as_str(), head.serial))
}

fn walk(records: &[Record]) -> Result<Steps, StateError> {
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
