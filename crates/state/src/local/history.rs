//! The history's files: `history/12.json` is run 12, `history/12.state.json` the state that it wrote.
//!
//! A run that writes is noted before its state is published, with the checksum of that state: the note
//! counts once the state does, and whoever has the lock next takes a note away that never came to count.

use std::io::ErrorKind;
use std::path::PathBuf;

use model::Snapshot;

use super::directory;
use super::storage::{Next, Storage};
use crate::history::{self, decode, encode, interrupted};
use crate::{PastRun, Record, Report, Run, StateError, checked, state_file};

const NOTING: &str = "noting the run in the history";
const KEEPING: &str = "keeping the state in the history";
const READING: &str = "reading the history";

/// How often a number is taken again when another process was faster.
const NUMBERS_TRIED: usize = 16;

/// What is known of the state that is there.
#[derive(Debug, Default)]
struct Standing {
    serial: u64,
    /// The checksums of the state file and of the one last seen here: what they name was published.
    digests: Vec<String>,
}

impl Storage {
    /// Every run that is kept, in order. One whose state was never published is none.
    pub(super) fn history(&self) -> Result<Vec<PastRun>, StateError> {
        // First what is published, then the notes: a writer may go on meanwhile, and notes before it publishes.
        let standing = self.standing();
        let mut runs = Vec::new();
        for number in self.numbers()? {
            runs.extend(self.past_run(number)?);
        }
        if let Some(at) = unpublished(&runs, &standing) {
            runs.remove(at);
        }
        Ok(runs)
    }

    /// The state after a run.
    pub(super) fn snapshot_at(&self, number: u64) -> Result<Snapshot, StateError> {
        let runs = self.history()?;
        let Some(past) = runs.iter().find(|past| past.number == number) else {
            let numbers = runs.first().map(|run| run.number).zip(runs.last().map(|run| run.number));
            return Err(StateError::NoSuchRun { number, numbers });
        };
        let missing = || StateError::NotKept { number };
        let path = self.snapshot_path(past.snapshot.ok_or_else(missing)?);
        let bytes = directory::read(self.disk(), &path, READING)?.ok_or_else(missing)?;
        let damaged = |damage| StateError::HistoryDamaged { path: path.clone(), damage };
        if Some(checked::digest_of(&bytes).map_err(damaged)?) != past.digest {
            return Err(missing());
        }
        state_file::decode_checked(&bytes).map_err(damaged)
    }

    /// Notes a run: one that is about to write `next`, or one that leaves the state as it is.
    pub(super) fn note(&self, report: &Report, next: Option<&Next>) -> Result<(), StateError> {
        directory::prepare(self.disk(), self.dir())?;
        directory::make(self.disk(), &self.history_dir())?;
        for _ in 0..NUMBERS_TRIED {
            if self.try_note(report, next)? {
                return Ok(());
            }
        }
        Err(StateError::io(NOTING, self.history_dir(), ErrorKind::AlreadyExists.into()))
    }

    /// Notes it under the next number; `false` if that number was taken meanwhile.
    fn try_note(&self, report: &Report, next: Option<&Next>) -> Result<bool, StateError> {
        let number = self.numbers()?.last().map_or(1, |last| last + 1);
        let past = match next {
            Some(next) => {
                directory::replace(self.disk(), &self.snapshot_path(number), &next.bytes, KEEPING)?;
                let digest = checked::digest_of(&next.bytes).expect("BUG: fresh bytes have their checksum");
                let (serial, snapshot) = (next.serial, Some(number));
                PastRun { number, report: report.clone(), serial, digest: Some(digest), snapshot }
            }
            None => self.unwritten(number, report),
        };
        let path = self.run_path(number);
        let file = directory::temporary(self.disk(), &path, &encode(&past), NOTING)?;
        match file.rename_to_free(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(StateError::io(NOTING, path, error)),
        }
        let synced = self.disk().sync_directory(&self.history_dir());
        synced.map_err(|error| StateError::io(NOTING, path, error))?;
        self.prune();
        Ok(true)
    }

    /// A run after which the state is what it was.
    fn unwritten(&self, number: u64, report: &Report) -> PastRun {
        let standing = self.standing();
        let digest = standing.digests.into_iter().next();
        let same = self.readable().into_iter().rev().find(|past| digest.is_some() && past.digest == digest);
        let snapshot = same.and_then(|past| past.snapshot);
        PastRun { number, report: report.clone(), serial: standing.serial, digest, snapshot }
    }

    /// Notes the runs of a journal that came to no end of their own. Under the lock.
    pub(super) fn note_interrupted(&self, records: &[Record]) -> Result<(), StateError> {
        if records.is_empty() {
            return Ok(());
        }
        let (reports, known) = (interrupted(records), self.readable());
        let is_new = |report: &&Report| !known.iter().any(|past| past.report.run.id == report.run.id);
        reports.iter().filter(is_new).try_for_each(|report| self.note(report, None))
    }

    /// The history's copy of the last state that was here, if it is a good one.
    pub(super) fn kept_copy(&self) -> Option<PathBuf> {
        let seen = self.seen().ok()??;
        let past =
            self.readable().into_iter().rev().find(|past| past.digest.as_ref() == Some(&seen.digest))?;
        let path = self.snapshot_path(past.snapshot?);
        let bytes = directory::read(self.disk(), &path, READING).ok()??;
        (checked::digest_of(&bytes).ok()? == seen.digest).then_some(path)
    }

    /// The history's copy of the state that a run started from.
    fn base_copy(&self, run: &Run) -> Option<PathBuf> {
        let is_base = |past: &PastRun| past.wrote() && past.serial == run.base_serial;
        let past = self.readable().into_iter().rev().find(is_base)?;
        let state = self.snapshot_at(past.number).ok()?;
        (state.lineage == run.lineage).then(|| self.snapshot_path(past.number))
    }

    /// Says of a journal that does not fit how the state is put back that it goes on from.
    pub(super) fn with_base(&self, error: StateError, run: &Run) -> StateError {
        match error {
            StateError::ForeignJournal { what, .. } => {
                StateError::ForeignJournal { what, base: self.base_copy(run) }
            }
            other => other,
        }
    }

    /// Whether a state was published here that goes on from where this run's journal does: it has the journal
    /// folded in, for nothing is written here without it.
    pub(super) fn was_folded(&self, run: &Run) -> bool {
        let (standing, runs) = (self.standing(), self.readable());
        let unpublished = unpublished(&runs, &standing);
        let goes_on = |past: &PastRun| {
            let Run { base_serial, lineage, .. } = &past.report.run;
            past.wrote() && (base_serial, lineage) == (&run.base_serial, &run.lineage)
        };
        runs.iter().enumerate().any(|(at, past)| goes_on(past) && Some(at) != unpublished)
    }

    /// Takes a note away whose state was never published: its writer died. Under the lock.
    pub(super) fn drop_unpublished(&self) {
        let standing = self.standing();
        let newest = self.numbers().unwrap_or_default().into_iter().rev();
        let mut readable = newest.filter_map(|number| self.past_run(number).ok().flatten());
        let Some(past) = readable.find(PastRun::wrote) else { return };
        if unpublished(std::slice::from_ref(&past), &standing).is_some() {
            // What cannot be removed is not counted either.
            let _ = self.disk().remove(&self.run_path(past.number));
            let _ = self.disk().remove(&self.snapshot_path(past.number));
        }
    }

    /// Removes what is older than the runs that are kept.
    fn prune(&self) {
        let numbers = self.numbers().unwrap_or_default();
        let Some(first) = numbers.len().checked_sub(self.keep).map(|at| numbers[at.min(numbers.len() - 1)])
        else {
            return;
        };
        // A run that wrote nothing has its state from an older one.
        let Ok(Some(oldest)) = self.past_run(first) else { return };
        let from = oldest.snapshot.unwrap_or(first);
        for name in self.disk().list(&self.history_dir()).unwrap_or_default() {
            let name = name.to_string_lossy();
            let old = match (number_of(&name, ".state.json"), number_of(&name, ".json")) {
                (Some(number), _) => number < from,
                (None, Some(number)) => number < first,
                (None, None) => false,
            };
            if old {
                // What cannot be removed does no harm.
                let _ = self.disk().remove(&self.history_dir().join(name.as_ref()));
            }
        }
    }

    /// The numbers of all notes, in order.
    fn numbers(&self) -> Result<Vec<u64>, StateError> {
        let names = match self.disk().list(&self.history_dir()) {
            Ok(names) => names,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StateError::io(READING, self.history_dir(), error)),
        };
        let mut numbers: Vec<u64> =
            names.iter().filter_map(|name| number_of(&name.to_string_lossy(), ".json")).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// One run; none if it is not kept any more.
    fn past_run(&self, number: u64) -> Result<Option<PastRun>, StateError> {
        let path = self.run_path(number);
        let Some(bytes) = directory::read(self.disk(), &path, READING)? else { return Ok(None) };
        let renamed = |past: &PastRun| history::renamed(number, past.number);
        let past = decode(&bytes).and_then(|past| match past.number == number {
            true => Ok(past),
            false => Err(renamed(&past)),
        });
        past.map(Some).map_err(|damage| StateError::HistoryDamaged { path, damage })
    }

    /// The runs that can be read: writing a new one does not depend on the old.
    fn readable(&self) -> Vec<PastRun> {
        let numbers = self.numbers().unwrap_or_default();
        numbers.into_iter().filter_map(|number| self.past_run(number).ok().flatten()).collect()
    }

    /// What is there, as far as it can be read: the history serves those whose state is damaged, too.
    fn standing(&self) -> Standing {
        let bytes = directory::read(self.disk(), self.state_file(), READING).ok().flatten();
        let head = bytes.and_then(|bytes| state_file::head(&bytes).ok());
        let seen = self.seen().ok().flatten();
        let serial = head.as_ref().or(seen.as_ref()).map_or(0, |seen| seen.serial);
        Standing { serial, digests: head.into_iter().chain(seen).map(|seen| seen.digest).collect() }
    }

    pub(super) fn history_dir(&self) -> PathBuf {
        self.path("history")
    }

    fn run_path(&self, number: u64) -> PathBuf {
        self.history_dir().join(format!("{number}.json"))
    }

    fn snapshot_path(&self, number: u64) -> PathBuf {
        self.history_dir().join(format!("{number}.state.json"))
    }
}

/// The last run that was to write a state, if that state is not the one that is there, nor was.
fn unpublished(runs: &[PastRun], standing: &Standing) -> Option<usize> {
    let last = runs.iter().rposition(PastRun::wrote)?;
    let digest = runs[last].digest.as_ref()?;
    (!standing.digests.contains(digest)).then_some(last)
}

/// `12` of `12.json`.
fn number_of(name: &str, ending: &str) -> Option<u64> {
    let digits = name.strip_suffix(ending)?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}
