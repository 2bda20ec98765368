//! The state in files beside the project, under `.plumb`.

mod directory;
mod history;
mod lock;
mod os_disk;
mod push;
mod seal_key;
mod seen;
mod storage;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use model::Snapshot;

use crate::disk::{Disk, work_on_files};
use crate::journal::{self, Journal, Request, Sender};
use crate::{Holder, Lock, PastRun, Pushed, Report, Run, StateError, StateStore, Stored};
use lock::Fence;
pub use os_disk::OsDisk;
use storage::{Next, Storage};

/// One environment's state in local files.
///
/// The directory holds `state.lock`, `state.lock.json` (holder and fencing number), `journal`,
/// `seen.json`, `seal.key` and `history/`; the state file may lie elsewhere, with its `.backup` beside it.
#[derive(Debug)]
pub struct LocalStore {
    storage: Arc<Storage>,
    /// Where a state goes that cannot be saved in its own place.
    refuges: Vec<PathBuf>,
    active: Mutex<Active>,
}

/// What this process has open.
#[derive(Debug, Default)]
struct Active {
    fence: Option<Fence>,
    journal: Option<Sender>,
}

impl LocalStore {
    /// A store in `dir` (`.plumb`, or a directory of its own for each environment) and `state_file`.
    pub fn new(dir: PathBuf, state_file: PathBuf) -> Self {
        Self::on(Arc::new(OsDisk), dir, state_file)
    }

    /// The same on another disk.
    pub fn on(disk: Arc<dyn Disk>, dir: PathBuf, state_file: PathBuf) -> Self {
        let refuges = vec![PathBuf::from("."), std::env::temp_dir()];
        Self { storage: Arc::new(Storage::new(disk, dir, state_file)), refuges, active: Mutex::default() }
    }

    /// Takes a state that is older than, or not, the one last seen here.
    #[must_use]
    pub fn accept_older(self, accept: bool) -> Self {
        let mut storage = Storage::clone(&self.storage);
        storage.accept_older = accept;
        Self { storage: Arc::new(storage), ..self }
    }

    /// How many runs the history keeps, at least one; 100 unless told.
    #[must_use]
    pub fn keep_history(self, runs: usize) -> Self {
        let mut storage = Storage::clone(&self.storage);
        storage.keep = runs.max(1);
        Self { storage: Arc::new(storage), ..self }
    }

    /// Where a state goes that cannot be saved in its own place nor beside it: the working directory, then that
    /// for temporary files, unless told.
    #[must_use]
    pub fn refuges(self, refuges: Vec<PathBuf>) -> Self {
        Self { refuges, ..self }
    }

    fn with_active<T>(&self, work: impl FnOnce(&mut Active) -> T) -> T {
        work(&mut self.active.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn fence(&self, lock: &Lock) -> Result<Fence, StateError> {
        let fence = self.with_active(|active| active.fence.clone());
        fence.filter(|fence| fence.id == lock.id && fence.fencing == lock.fencing).ok_or_else(|| {
            StateError::LockLost { id: lock.id.clone(), why: "this store has not given it".to_owned() }
        })
    }

    /// Does work on the files.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Storage) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let storage = Arc::clone(&self.storage);
        let done = work_on_files(storage.disk().never_waits(), move || work(&storage)).await;
        done.unwrap_or_else(|stopped| {
            Err(StateError::io("working on", self.storage.dir(), std::io::Error::other(stopped)))
        })
    }

    /// The journal that this process has open, if any.
    fn open_journal(&self) -> Option<Sender> {
        self.with_active(|active| active.journal.clone())
    }
}

#[async_trait]
impl StateStore for LocalStore {
    async fn lock(&self, holder: &Holder) -> Result<Lock, StateError> {
        let holder = holder.clone();
        let (file, fence) = self.blocking(move |storage| storage.lock(&holder)).await?;
        let lock = Lock::new(&fence.id, fence.fencing, file);
        self.with_active(|active| *active = Active { fence: Some(fence), journal: None });
        Ok(lock)
    }

    async fn unlock(&self, lock: Lock) -> Result<(), StateError> {
        self.with_active(|active| {
            if active.fence.as_ref().is_some_and(|fence| fence.id == lock.id) {
                *active = Active::default();
            }
        });
        lock.release();
        Ok(())
    }

    async fn holder(&self) -> Result<Option<Holder>, StateError> {
        self.blocking(Storage::holder).await
    }

    async fn break_lock(&self, id: &str) -> Result<(), StateError> {
        let id = id.to_owned();
        self.blocking(move |storage| storage.break_lock(&id)).await
    }

    async fn read(&self) -> Result<Stored, StateError> {
        self.blocking(Storage::read).await
    }

    async fn write(&self, lock: &Lock, snapshot: &Snapshot, report: &Report) -> Result<(), StateError> {
        let fence = self.fence(lock)?;
        let (next, report) = (Next::new(snapshot)?, report.clone());
        let open = self.open_journal();
        if let Some(journal) = &open {
            journal::close(journal, Request::End).await?;
        }
        self.blocking(move |storage| {
            if open.is_none() {
                storage.take_over_ended_journal()?;
            }
            storage.write(&fence, &next, &report)
        })
        .await
    }

    async fn push(
        &self,
        lock: &Lock,
        bytes: &[u8],
        force: bool,
        report: &Report,
    ) -> Result<Pushed, StateError> {
        let fence = self.fence(lock)?;
        let (bytes, report) = (bytes.to_vec(), report.clone());
        if let Some(journal) = self.open_journal() {
            journal::close(&journal, Request::End).await?;
        }
        self.blocking(move |storage| storage.push(&fence, &bytes, force, &report)).await
    }

    async fn rescue(&self, snapshot: &Snapshot) -> Result<PathBuf, StateError> {
        let (snapshot, refuges) = (snapshot.clone(), self.refuges.clone());
        self.blocking(move |storage| storage.rescue(&snapshot, &refuges)).await
    }

    async fn note(&self, report: &Report) -> Result<(), StateError> {
        let report = report.clone();
        self.blocking(move |storage| storage.note(&report, None)).await
    }

    async fn history(&self) -> Result<Vec<PastRun>, StateError> {
        self.blocking(Storage::history).await
    }

    async fn snapshot_at(&self, number: u64) -> Result<Snapshot, StateError> {
        self.blocking(move |storage| storage.snapshot_at(number)).await
    }

    async fn journal(&self, lock: &Lock, run: &Run) -> Result<Journal, StateError> {
        let fence = self.fence(lock)?;
        let run = run.clone();
        if let Some(journal) = self.open_journal() {
            journal::close(&journal, Request::Stop).await?;
        }
        let open = self.blocking(move |storage| storage.open_journal(fence, &run)).await?;
        let (journal, sender) = Journal::start(open.file, open.chain, open.steps);
        self.with_active(|active| active.journal = Some(sender));
        Ok(journal)
    }

    async fn seal_key(&self) -> Result<[u8; 32], StateError> {
        self.blocking(Storage::seal_key).await
    }
}
