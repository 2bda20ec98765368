//! The engine on a provider: documents in, plans and applies out, with a state of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arm::ArmProvider;
use executor::{
    Applied, Clock, CloudError, Context, Event, Events, Failure, RunError, Wanted, propose, refresh,
};
use manifest::{Inputs, NoFiles, Project, load};
use model::{Json, Seal, Snapshot, Sources};
use planner::{Graph, Plan};
use state::{Holder, LocalStore, Run, StateStore};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// The cloud's name in the state.
const CLOUD: &str = "pretended";

/// The engine on a provider.
pub struct Engine {
    pub provider: Arc<ArmProvider>,
    clock: Clock,
    directory: TempDir,
}

impl Engine {
    pub fn new(provider: ArmProvider, clock: Clock) -> Self {
        // Memory, where there is such a place: a disk's syncs are not what is tested here.
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        Self { provider: Arc::new(provider), clock, directory: directory.unwrap() }
    }

    /// Goes on with another provider on the same state, as a new process does.
    pub fn restart(&mut self, provider: ArmProvider) {
        self.provider = Arc::new(provider);
    }

    pub fn store(&self) -> LocalStore {
        let directory = self.directory.path().join(".plumb");
        let state = directory.join("state.json");
        LocalStore::new(directory, state)
    }

    /// What the state has.
    pub async fn snapshot(&self) -> Snapshot {
        self.store().read().await.unwrap().snapshot.unwrap_or_default()
    }

    fn context(&self) -> Context {
        self.watched().0
    }

    /// What a run works with, and the events it tells.
    fn watched(&self) -> (Context, UnboundedReceiver<Event>) {
        let (sender, events) = unbounded_channel();
        let context = Context {
            provider: self.provider.clone(),
            store: Arc::new(self.store()),
            seal: Seal::new(&[7; 32]),
            run: run(),
            settings: executor::Settings {
                parallelism: 16,
                read_back_attempts: 4,
                read_back_delay: Duration::from_millis(20),
                ready_timeout: Duration::from_secs(60),
            },
            events: Events::new(sender),
            cancel: CancellationToken::new(),
            clock: self.clock.clone(),
        };
        (context, events)
    }

    /// What a plan would do, from a state.
    pub async fn plan(&self, graph: &Graph, snapshot: &Snapshot) -> Result<Arc<Plan>, CloudError> {
        let context = self.context();
        let live = refresh(&*self.provider, graph, snapshot, 16, &context.events).await?;
        let options = planner::Options { cloud: CLOUD.to_owned(), ..planner::Options::default() };
        let plan = planner::plan(graph, &BTreeMap::new(), snapshot, Some(&live), &context.seal, &options);
        Ok(Arc::new(plan))
    }

    /// Plans and applies, as the program does: recovery first, nothing carried out that has an error.
    pub async fn apply(&self, graph: &Graph) -> Result<(Arc<Plan>, Applied), CloudError> {
        self.apply_and_tell(graph).await.map(|(plan, applied, _)| (plan, applied))
    }

    /// The same, with the failures that it told.
    pub async fn apply_and_tell(
        &self,
        graph: &Graph,
    ) -> Result<(Arc<Plan>, Applied, Vec<Failure>), CloudError> {
        let (context, mut events) = self.watched();
        let lock = context.store.lock(&holder()).await.unwrap();
        let done = self.apply_under(&lock, context, graph).await;
        self.store().unlock(lock).await.unwrap();
        let mut failures = Vec::new();
        while let Ok(event) = events.try_recv() {
            if let Event::StepFailed { failure, .. } = event {
                failures.push(failure);
            }
        }
        done.map(|(plan, applied)| (plan, applied, failures))
    }

    async fn apply_under(
        &self,
        lock: &state::Lock,
        context: Context,
        graph: &Graph,
    ) -> Result<(Arc<Plan>, Applied), CloudError> {
        let wanted = Wanted { graph, outputs: &BTreeMap::new() };
        let options = planner::Options { cloud: CLOUD.to_owned(), ..planner::Options::default() };
        let proposed = match propose(&context, wanted, true, &options).await {
            Ok(proposed) => proposed,
            Err(RunError::Cloud(error)) => return Err(error),
            Err(other) => panic!("{other}"),
        };
        let plan = proposed.plan.clone();
        if plan.diagnostics.has_errors() {
            return Ok((plan, Applied::default()));
        }
        let applied = proposed.apply(&context, lock, &BTreeMap::new()).await;
        Ok((plan, applied.unwrap()))
    }

    /// What the plan after an apply would still do, in words.
    pub async fn not_settled(&self, graph: &Graph) -> Vec<String> {
        let plan = self.plan(graph, &self.snapshot().await).await.unwrap();
        let steps =
            plan.steps.iter().map(|s| format!("{} has a step: {} {:?}", s.address, s.verb.word(), s.paths));
        let differing = plan.changes.iter().filter(|c| !c.differences.is_empty());
        let differing = differing.map(|c| {
            let shown = c.differences.iter().map(|d| (d.attribute.path, &d.before, &d.after, d.effect));
            format!("{} differs: {:?}", c.address, shown.collect::<Vec<_>>())
        });
        let drifted = plan.drift.iter().map(|drift| {
            let moved =
                drift.attributes.iter().map(|(attribute, applied, live)| (attribute.path, applied, live));
            format!("{} drifted: {:?}", drift.address, moved.collect::<Vec<_>>())
        });
        steps.chain(differing).chain(drifted).collect()
    }
}

/// What documents want.
pub fn desired(documents: &[Json], subscription: &str) -> Graph {
    written(documents.iter().map(Json::to_string).collect::<Vec<_>>().join("\n---\n"), subscription)
}

/// What the documents of a text want.
pub fn written(text: String, subscription: &str) -> Graph {
    let mut sources = Sources::default();
    let source = sources.add("all.yaml", text);
    let project = Project::default();
    let inputs =
        Inputs { project: &project, environment: "", variables: Vec::new(), subscription, files: &NoFiles };
    let loaded = load(&mut sources, &[source], &inputs);
    let diagnostics = loaded.diagnostics;
    assert!(!diagnostics.has_errors(), "the documents are not valid: {:#?}", diagnostics.sorted());
    Graph::build(loaded.resources).unwrap()
}

fn holder() -> Holder {
    let text = |text: &str| text.to_owned();
    Holder {
        id: text("l1"),
        owner: text("me"),
        host: text("here"),
        command: text("apply"),
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
