//! A project in a temporary directory beside a pretended cloud: each run is a process of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use executor::{Applied, Context, Event, Events, Settings, Wanted, propose};
use manifest::{Inputs, NoFiles, Project, load};
use model::{Address, Seal, Snapshot, Sources};
use planner::{Graph, Options, Plan};
use state::{
    Disk, Holder, Journal, LocalStore, Lock, OsDisk, PastRun, Pushed, Report, Run, StateError, StateStore,
    Stored, replay,
};
use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use crate::world::World;

const CLOUD: &str = "pretended/s1";

/// A group and a workspace, which most tests need.
pub const WORKSPACE: &str = "kind: resource_group
name: ml
location: westeurope
---
kind: workspace
name: research
resource_group: ml
location: westeurope
storage_account: /subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/blobs
key_vault: /subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/keys
application_insights: /subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/components/eyes
";

/// A project and its cloud.
pub struct Bench {
    root: TempDir,
    pub world: Arc<World>,
    pub cancel: CancellationToken,
    pub parallelism: usize,
    /// Where files are; the machine's own disk unless told.
    pub disk: Arc<dyn Disk>,
    /// What the user asks for beside the documents.
    pub options: Options,
}

/// What one run did.
pub struct Ran {
    pub plan: Arc<Plan>,
    pub applied: Applied,
    pub events: Vec<Event>,
}

impl Bench {
    pub fn new() -> Self {
        // Memory, where there is such a place: thousands of runs would wait for a disk.
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let root = root.expect("a temporary directory");
        let world = Arc::new(World::default());
        world.now.store(1_800_000_000, Ordering::Relaxed);
        *world.journal.lock().expect("journal") = Some(root.path().join(".plumb"));
        let options =
            Options { cloud: CLOUD.to_owned(), allow_missing: true, allow_empty: true, ..Options::default() };
        let disk = Arc::new(OsDisk);
        Self { root, world, cancel: CancellationToken::new(), parallelism: 4, disk, options }
    }

    /// One step at a time, so that every run goes the same way.
    pub fn alone() -> Self {
        Self { parallelism: 1, ..Self::new() }
    }

    pub fn dir(&self) -> PathBuf {
        self.root.path().join(".plumb")
    }

    fn local(&self) -> LocalStore {
        let store = LocalStore::on(self.disk.clone(), self.dir(), self.dir().join("state.json"));
        store.refuges(vec![self.root.path().join("refuge")])
    }

    /// What the files say now.
    pub fn stored(&self) -> Stored {
        runtime().block_on(self.local().read()).expect("the state reads")
    }

    /// The state, with the journal folded in.
    pub fn snapshot(&self) -> Snapshot {
        let stored = self.stored();
        replay(stored.snapshot.as_ref(), &stored.journal).expect("it replays").snapshot.unwrap_or_default()
    }

    /// Applies these documents; a run that dies on the way is a mistake of the test.
    pub fn apply(&self, documents: &str) -> Ran {
        self.run(documents).expect("the run ends")
    }

    /// Applies these documents with a flag or two, once.
    pub fn apply_with(&mut self, documents: &str, ask: impl FnOnce(&mut Options)) -> Ran {
        let before = self.options.clone();
        ask(&mut self.options);
        let ran = self.apply(documents);
        self.options = before;
        ran
    }

    /// Applies these documents in a process of its own; none when it died on the way.
    pub fn run(&self, documents: &str) -> Option<Ran> {
        let runtime = runtime();
        let ended = runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.world.life.end() => None,
                ran = self.session(documents) => Some(ran),
            }
        });
        runtime.shutdown_timeout(Duration::from_secs(10));
        let complaints = self.world.complaints.lock().expect("complaints").clone();
        assert_eq!(complaints, Vec::<String>::new());
        ended
    }

    /// Applies these documents and returns why that could not be recorded.
    pub fn unrecorded(&self, documents: &str) -> Option<StateError> {
        runtime().block_on(async {
            let context = self.context(Events::new(unbounded_channel().0)).await;
            let (graph, outputs) = desired(documents);
            let lock = context.store.lock(&holder()).await.expect("the lock");
            let options = Options {
                cloud: CLOUD.to_owned(),
                allow_missing: true,
                allow_empty: true,
                ..Options::default()
            };
            let wanted = Wanted { graph: &graph, outputs: &outputs };
            let proposed = propose(&context, wanted, true, &options).await.expect("Azure can be read");
            proposed.apply(&context, &lock, &outputs).await.err()
        })
    }

    async fn session(&self, documents: &str) -> Ran {
        let (sender, mut receiver) = unbounded_channel();
        let context = self.context(Events::new(sender)).await;
        let (graph, outputs) = desired(documents);
        let lock = context.store.lock(&holder()).await.expect("the lock");
        let wanted = Wanted { graph: &graph, outputs: &outputs };
        let proposed = propose(&context, wanted, true, &self.options).await.expect("Azure can be read");
        let plan = proposed.plan.clone();
        let applied = match plan.diagnostics.has_errors() {
            true => Applied { snapshot: proposed.snapshot().clone(), ..Applied::default() },
            false => proposed.apply(&context, &lock, &outputs).await.expect("the state can be written"),
        };
        context.store.unlock(lock).await.expect("unlocks");
        drop(context);
        let mut events = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            events.push(event);
        }
        Ran { plan, applied, events }
    }

    pub async fn context(&self, events: Events) -> Context {
        let world = self.world.clone();
        let clock = move || {
            let second = world.now.fetch_add(1, Ordering::Relaxed);
            jiff::Timestamp::from_second(second).expect("a time")
        };
        Context {
            provider: self.world.clone(),
            store: Arc::new(Mortal { inner: self.local(), world: self.world.clone() }),
            seal: Seal::new(&[7; 32]),
            run: run(),
            settings: Settings {
                parallelism: self.parallelism,
                read_back_attempts: 2,
                read_back_delay: Duration::from_millis(1),
                ready_timeout: Duration::from_secs(1),
            },
            events,
            cancel: self.cancel.clone(),
            clock: Arc::new(clock),
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// What the documents want.
pub fn desired(documents: &str) -> (Graph, BTreeMap<String, model::Value>) {
    let mut sources = Sources::default();
    let id = sources.add("manifest.yaml", documents);
    let project = Project::default();
    let inputs = Inputs {
        project: &project,
        environment: "",
        variables: Vec::new(),
        subscription: "s1",
        files: &NoFiles,
    };
    let loaded = if documents.is_empty() { Default::default() } else { load(&mut sources, &[id], &inputs) };
    assert!(!loaded.diagnostics.has_errors(), "{:?}", loaded.diagnostics);
    (Graph::build(loaded.resources).expect("a graph"), loaded.outputs)
}

pub fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn holder() -> Holder {
    let text = |text: &str| text.to_owned();
    Holder {
        id: text("l1"),
        owner: text("alice"),
        host: text("laptop"),
        command: text("plumb apply"),
        since: text("now"),
    }
}

fn run() -> Run {
    Run {
        id: "r1".to_owned(),
        time: "2026-11-21T04:00:00Z".to_owned(),
        command: "plumb apply".to_owned(),
        cloud: CLOUD.to_owned(),
        lineage: "6f1c9a52-0c1e-4c8f-9d59-3f6a3f2f0001".to_owned(),
        tool: "plumb 0.1.0".to_owned(),
        ..Run::default()
    }
}

/// The local store of a process that may die before and after it writes.
struct Mortal {
    inner: LocalStore,
    world: Arc<World>,
}

#[async_trait]
impl StateStore for Mortal {
    async fn lock(&self, holder: &Holder) -> Result<Lock, StateError> {
        self.inner.lock(holder).await
    }

    async fn unlock(&self, lock: Lock) -> Result<(), StateError> {
        self.inner.unlock(lock).await
    }

    async fn holder(&self) -> Result<Option<Holder>, StateError> {
        self.inner.holder().await
    }

    async fn break_lock(&self, id: &str) -> Result<(), StateError> {
        self.inner.break_lock(id).await
    }

    async fn read(&self) -> Result<Stored, StateError> {
        self.inner.read().await
    }

    async fn write(&self, lock: &Lock, snapshot: &Snapshot, report: &Report) -> Result<(), StateError> {
        self.world.life.step().await;
        self.inner.write(lock, snapshot, report).await?;
        self.world.life.step().await;
        Ok(())
    }

    async fn push(
        &self,
        lock: &Lock,
        bytes: &[u8],
        force: bool,
        report: &Report,
    ) -> Result<Pushed, StateError> {
        self.inner.push(lock, bytes, force, report).await
    }

    async fn rescue(&self, snapshot: &Snapshot) -> Result<PathBuf, StateError> {
        self.inner.rescue(snapshot).await
    }

    async fn note(&self, report: &Report) -> Result<(), StateError> {
        self.inner.note(report).await
    }

    async fn history(&self) -> Result<Vec<PastRun>, StateError> {
        self.inner.history().await
    }

    async fn snapshot_at(&self, number: u64) -> Result<Snapshot, StateError> {
        self.inner.snapshot_at(number).await
    }

    async fn journal(&self, lock: &Lock, run: &Run) -> Result<Journal, StateError> {
        self.world.life.step().await;
        self.inner.journal(lock, run).await
    }

    async fn seal_key(&self) -> Result<[u8; 32], StateError> {
        self.inner.seal_key().await
    }
}
