//! One run of plumb, as the program does it: lock, take up, plan, apply, unlock; on a disk and a network that may
//! fail it, and with a life that may end at any effect.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arm::{ArmProvider, Client, Endpoint, Settings};
use executor::{Applied, Context, Events, RunError, Settings as Patience, Wanted, propose};
use http::Method;
use jiff::SignedDuration;
use model::Seal;
use planner::render::{self, Paint};
use planner::{Action, Change, Options, Plan};
use state::{Disk, Holder, LocalStore, Run, StateError, StateStore};
use testkit::Random;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::cloud::Author;
use crate::disk::{SimulatedDisk, Trouble};
use crate::documents::Documents;
use crate::fault::Fault;
use crate::journal::announced;
use crate::law::Rule;
use crate::life::{Death, Effect, Life};
use crate::listener::Listener;
use crate::network::{Herald, Inner, Network, Tokens};
use crate::world::World;

/// Where the state is.
pub(crate) const DIRECTORY: &str = "/project/.plumb";

/// The cloud's name in the state.
const CLOUD: &str = "simulated";

/// No run lasts longer, whatever happens; an operation is waited for an hour.
const LONGEST: Duration = Duration::from_secs(4 * 24 * 3600);

/// What one run meets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weather {
    /// When it dies.
    pub death: Option<Death>,
    /// Faults of its network, each for the first request that it suits from this number on.
    pub faults: Vec<(u64, Fault)>,
    /// Trouble with its disk, from one of its effects on.
    pub trouble: Option<(u64, Trouble)>,
    /// After how many milliseconds it is asked to stop.
    pub interrupt: Option<u64>,
    /// How many steps it may have in flight.
    pub parallelism: usize,
    /// Whether more than half of the state may be gone.
    pub allow_missing: bool,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// It did all that it planned.
    Complete,
    /// It did not, and says why.
    Incomplete(String),
    /// The plan cannot be applied.
    Blocked(String),
    /// It could not go on.
    Failed(String),
    /// Another one runs.
    Locked,
    /// It died.
    Died,
}

/// A run that has ended.
pub struct Ran {
    /// How.
    pub end: End,
    /// The effects it had.
    pub effects: Vec<Effect>,
}

/// What a process works with.
struct Process<'a> {
    world: &'a World,
    life: Arc<Life>,
    context: Context,
    allow_missing: bool,
    /// Ids that its plan deletes.
    deletes: Arc<Mutex<BTreeSet<String>>>,
    listener: Arc<Listener>,
}

/// Runs plumb once.
pub(crate) async fn run(world: &World, documents: &Documents, weather: &Weather) -> Ran {
    let life = Life::new(world.next_name(), weather.death, world.trace.clone(), world.tally.clone());
    let disk = world.disk(&life, weather.trouble);
    let process = Process::start(world, &life, disk, weather).await;
    let end = match process {
        Err(end) => end,
        Ok(process) => {
            let ended = tokio::select! {
                biased;
                () = life.death() => End::Died,
                ended = timeout(LONGEST, process.apply(documents)) => ended.unwrap_or_else(|_| {
                    world.law.broken(Rule::Broken, format!("{} does not end", life.name));
                    End::Failed("no end".to_owned())
                }),
                () = interrupted(&process.context.cancel, weather.interrupt) => unreachable!("BUG: it waits for ever"),
            };
            process.listener.close();
            ended
        }
    };
    let end = if life.is_dead() { End::Died } else { end };
    let effects = life.effects();
    life.end();
    world.platter.release(&life.name);
    world.trace.note(format_args!("{} ends: {end:?}", life.name));
    Ran { end, effects }
}

/// Asks a run to stop, and then waits for ever.
async fn interrupted(cancel: &CancellationToken, after: Option<u64>) {
    if let Some(after) = after {
        sleep(Duration::from_millis(after)).await;
        cancel.cancel();
    }
    std::future::pending().await
}

impl<'a> Process<'a> {
    async fn start(
        world: &'a World,
        life: &Arc<Life>,
        disk: SimulatedDisk,
        weather: &Weather,
    ) -> Result<Self, End> {
        let store = store(disk);
        let key = store.seal_key().await.map_err(|error| End::Failed(words(&error)))?;
        let deletes: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let mut random = world.random();
        let provider = provider(world, life, weather, herald(world, life, &deletes), &mut random);
        let (sender, receiver) = unbounded_channel();
        let listener = Listener::start(receiver, life, world);
        let cloud = world.cloud.clone();
        let ahead = SignedDuration::from_secs(world.clock_ahead());
        let clock: executor::Clock = Arc::new(move || cloud.now() + ahead);
        let context = Context {
            provider: Arc::new(provider),
            store: Arc::new(store),
            seal: Seal::new(&key),
            run: identity(&life.name, clock().to_string(), &mut random),
            settings: Patience {
                parallelism: weather.parallelism.max(1),
                read_back_attempts: 8,
                read_back_delay: Duration::from_secs(1),
                ready_timeout: Duration::from_secs(60),
            },
            events: Events::new(sender),
            cancel: CancellationToken::new(),
            clock,
        };
        let (life, allow_missing) = (life.clone(), weather.allow_missing);
        Ok(Self { world, life, context, allow_missing, deletes, listener })
    }

    /// What `plumb apply --auto-approve` does.
    async fn apply(&self, documents: &Documents) -> End {
        match self.locked(documents).await {
            Err(RunError::State(StateError::Locked { .. })) => End::Locked,
            Err(error) => End::Failed(words(&error)),
            Ok(end) => end,
        }
    }

    async fn locked(&self, documents: &Documents) -> Result<End, RunError> {
        let lock = self.context.store.lock(&self.holder()).await?;
        let wanted = Wanted { graph: &documents.graph, outputs: &documents.outputs };
        let options =
            Options { cloud: CLOUD.to_owned(), allow_missing: self.allow_missing, ..Options::default() };
        let proposed = propose(&self.context, wanted, true, &options).await?;
        let plan = Arc::clone(&proposed.plan);
        self.world.law.said("the plan", &shown(&plan));
        if plan.diagnostics.has_errors() {
            let lines = plan.diagnostics.clone().sorted().into_iter().map(|d| d.summary);
            return Ok(End::Blocked(lines.collect::<Vec<_>>().join("; ")));
        }
        self.allow_deletes(&plan);
        self.listener.expect(&plan);
        let applied = proposed.apply(&self.context, &lock, &documents.outputs).await?;
        self.context.store.unlock(lock).await?;
        if !self.life.is_dead() {
            self.world.law.acknowledged(applied.snapshot.serial);
        }
        Ok(if applied.is_complete() { End::Complete } else { End::Incomplete(shortcomings(&applied)) })
    }

    fn holder(&self) -> Holder {
        Holder {
            id: self.life.name.clone(),
            owner: "me".to_owned(),
            host: "here".to_owned(),
            command: "plumb apply".to_owned(),
            since: self.context.time(),
        }
    }

    /// What the plan tears down, as far as the state had it.
    fn allow_deletes(&self, plan: &Plan) {
        let gone = |change: &&Change| matches!(change.action, Action::Delete | Action::Replace { .. });
        let ids = plan
            .changes
            .iter()
            .filter(gone)
            .filter_map(|c| Some(c.prior.as_ref()?.arm_id.as_ref()?.folded()));
        self.deletes.lock().expect("BUG: a holder of the lock panicked").extend(ids);
    }
}

/// The client as it is for Azure, on the simulated network.
fn provider(
    world: &World,
    life: &Arc<Life>,
    weather: &Weather,
    herald: Herald,
    random: &mut Random,
) -> ArmProvider {
    let inner = Inner {
        random: Random::new(random.bits()),
        faults: weather.faults.clone(),
        sent: 0,
        token_dead: false,
        stale: None,
    };
    let network = Network {
        life: life.clone(),
        cloud: world.cloud.clone(),
        herald,
        tally: world.tally.clone(),
        on_the_way: world.on_the_way.clone(),
        inner: Mutex::new(inner),
    };
    let endpoint = Endpoint::named("azure").expect("BUG: Azure is a cloud");
    let settings = Settings { seed: random.bits(), ..Settings::azure() };
    let tokens = Arc::new(Tokens(Mutex::new(0)));
    ArmProvider::new(Client::new(endpoint, Arc::new(network), tokens, settings))
}

/// Says at each request by what right it is sent, and complains when there is none.
fn herald(world: &World, life: &Arc<Life>, deletes: &Arc<Mutex<BTreeSet<String>>>) -> Herald {
    let (platter, law, life, deletes) =
        (world.platter.clone(), world.law.clone(), life.clone(), deletes.clone());
    Arc::new(move |method, path| {
        let process = life.name.clone();
        if *method == Method::GET {
            return Author { process, ..Author::default() };
        }
        let object =
            if *method == Method::POST { path.rsplit_once('/').map_or(path, |(id, _)| id) } else { path };
        let id = object.to_ascii_lowercase();
        let journal = platter.durable_bytes(&Path::new(DIRECTORY).join("journal")).unwrap_or_default();
        let intent = announced(&journal).into_iter().find(|intent| intent.arm_id == id);
        if intent.is_none() {
            law.broken(
                Rule::Unannounced,
                format!("{process} sends {method} {path} without a durable intent"),
            );
        }
        if !platter.is_locked_by(&Path::new(DIRECTORY).join("state.lock"), &process) {
            law.broken(Rule::Unannounced, format!("{process} sends {method} {path} without the lock"));
        }
        let may_delete = deletes.lock().expect("BUG: a holder of the lock panicked").contains(&id);
        let step = intent.as_ref().map(|intent| intent.step.clone()).unwrap_or_default();
        Author { process, intent: intent.map(|intent| intent.key), step, may_delete }
    })
}

fn identity(name: &str, time: String, random: &mut Random) -> Run {
    Run {
        id: name.to_owned(),
        time,
        command: "plumb apply".to_owned(),
        cloud: CLOUD.to_owned(),
        environment: String::new(),
        lineage: format!("lineage-{:016x}", random.bits()),
        base_serial: 0,
        tool: "plumb".to_owned(),
        owner: "me".to_owned(),
        host: "here".to_owned(),
        commit: None,
    }
}

/// A plan in every form that people and programs read.
fn shown(plan: &Plan) -> String {
    format!("{}\n{}", render::human(plan, Paint(false)), render::json(plan))
}

fn words(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn shortcomings(applied: &Applied) -> String {
    let failed = applied.failed.iter().map(|(address, words)| format!("{address}: {words}"));
    let open = applied.open.iter().map(|address| format!("{address} is open"));
    let skipped = applied.skipped.iter().map(|address| format!("{address} is skipped"));
    failed.chain(open).chain(skipped).collect::<Vec<_>>().join("; ")
}

/// A store on a disk that is only read.
pub(crate) fn store(disk: impl Disk + 'static) -> LocalStore {
    LocalStore::on(Arc::new(disk), PathBuf::from(DIRECTORY), Path::new(DIRECTORY).join("state.json"))
}
