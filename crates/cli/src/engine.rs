//! The rooms joined: cloud, state and plan, for the commands that need them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use executor::{
    Applied, Context, Event, Events, Proposed, Provider, ReadOnly, Recovered, Settings as Patience, Wanted,
    propose, take_up,
};
use model::{Address, Diagnostic, Diagnostics, Seal, Snapshot};
use planner::preflight::{Answer, Counted, Location, Region, Share};
use planner::{
    Action, Approval, Asked, Change, Ground, Made, Options, Plan, Reason, Step, Verb, adoption, judged,
};
use state::{Holder, LocalStore, Lock, Run, StateStore, replay};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::args::Planning;
use crate::cloud::Cloud;
use crate::commit;
use crate::failure::Failure;
use crate::output::flight::Flight;
use crate::output::progress::{self, Mode};
use crate::session::{Manifests, Session};
use crate::signals;

/// Everything a command needs to read, plan and apply.
pub struct Engine<'a> {
    session: &'a Session,
    planning: &'a Planning,
    context: Context,
    cloud: Cloud,
    teller: JoinHandle<()>,
    flight: Flight,
}

/// Quotas, and what a plan takes of them.
pub struct Quotas {
    /// The regions, as far as they could be read.
    pub regions: BTreeMap<Location, Answer<Region>>,
    /// What the plan takes.
    pub shares: BTreeMap<(Location, Counted), Vec<Share>>,
}

/// The snapshot as it is in the files, with what a killed run is known to have finished.
pub async fn snapshot(session: &Session) -> Result<Snapshot, Failure> {
    let stored = store(session, false).read().await?;
    Ok(replay(stored.snapshot.as_ref(), &stored.journal)?.snapshot.unwrap_or_default())
}

/// The key of the state's hashes, which saved plans are sealed with.
pub async fn seal(session: &Session) -> Result<Seal, Failure> {
    Ok(Seal::new(&store(session, false).seal_key().await?))
}

/// Where the state lives.
pub fn store(session: &Session, accept_older: bool) -> LocalStore {
    let file = session.state_file();
    let directory = file.parent().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let store = LocalStore::new(directory, file).accept_older(accept_older);
    store.keep_history(session.project.state.history)
}

impl<'a> Engine<'a> {
    /// For commands that only look: whatever they do, the cloud cannot be written to.
    pub async fn read_only(
        session: &'a Session,
        planning: &'a Planning,
        mode: Mode,
    ) -> Result<Self, Failure> {
        let mut engine = Self::start(session, planning, mode).await?;
        engine.context.provider = Arc::new(ReadOnly(engine.context.provider));
        Ok(engine)
    }

    /// Connects to the cloud and opens the state's place; begins to tell events.
    pub async fn start(session: &'a Session, planning: &'a Planning, mode: Mode) -> Result<Self, Failure> {
        let store = Arc::new(store(session, planning.accept_older_state));
        let (sender, receiver) = unbounded_channel::<Event>();
        let events = Events::new(sender);
        let cloud = match Cloud::connect(session, &events).await {
            Ok(cloud) => cloud,
            Err(error) => return Err(beside(error, store.as_ref()).await.into()),
        };
        let (cancel, flight) = (CancellationToken::new(), Flight::default());
        let teller = tokio::spawn(progress::tell(receiver, mode, flight.clone(), cancel.clone()));
        let seal = Seal::new(&store.seal_key().await?);
        let context = Context {
            provider: match planning.refresh_only {
                true => Arc::new(ReadOnly(cloud.provider())),
                false => cloud.provider(),
            },
            store,
            seal,
            run: run(session, cloud.name()),
            settings: Patience {
                parallelism: planning.parallelism.into(),
                read_back_attempts: 8,
                read_back_delay: cloud.read_back_delay(),
                ready_timeout: Duration::from_secs(30 * 60),
            },
            events,
            cancel,
            clock: Arc::new(jiff::Timestamp::now),
        };
        Ok(Self { session, planning, context, cloud, teller, flight })
    }

    /// The cloud, for commands that only look.
    pub fn provider(&self) -> &dyn Provider {
        self.context.provider.as_ref()
    }

    /// Ends the cloud and waits until every event was told.
    pub async fn stop(self) {
        let Self { context, cloud, teller, .. } = self;
        drop(context);
        // It tells events, too.
        cloud.stop().await;
        // The teller ends when the last sender is gone; a panic in it must not hide the result.
        _ = teller.await;
    }

    /// Tells whether the run was asked to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.context.cancel
    }

    /// Takes the state's lock, and from now on stops on signals.
    pub async fn lock(&self) -> Result<Lock, Failure> {
        let lock = self.context.store.lock(&holder(self.session)).await?;
        let flight = self.flight.clone();
        signals::watch(&self.context.cancel, move || left_at_once(&flight));
        signals::watch_readers(&self.context.cancel);
        Ok(lock)
    }

    /// Gives the lock back.
    pub async fn unlock(&self, lock: Lock) -> Result<(), Failure> {
        Ok(self.context.store.unlock(lock).await?)
    }

    /// Reads the state and settles what a killed run left open.
    pub async fn recover(&self) -> Result<Recovered, Failure> {
        let accepted = self.planning.accept_other_cloud.as_deref();
        let taken = take_up(&self.context, self.planning.trust_secrets, accepted);
        Ok(self.unless_stopped(taken).await??)
    }

    /// Reading may be given up at any time: it changes nothing.
    async fn unless_stopped<T>(&self, reading: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => Err(anyhow::anyhow!("stopped before anything was begun").into()),
            read = reading => Ok(read),
        }
    }

    /// Reads what must be read, and plans.
    pub async fn propose(&self, destroy: bool) -> Result<Proposed, Failure> {
        let options = Options { destroy, ..self.options()? };
        let mut proposed = self.plan(&options).await?;
        self.preflight(&mut proposed).await?;
        Ok(proposed)
    }

    /// Looks at what would stop the plan halfway, unless nobody wants to know.
    async fn preflight(&self, proposed: &mut Proposed) -> Result<(), Failure> {
        if self.planning.skip_preflight {
            return Ok(());
        }
        self.unless_stopped(proposed.preflight(&self.context)).await
    }

    /// The quotas of the plan's regions and of further ones, and what the plan takes of each.
    pub async fn quotas(&self, further: &BTreeSet<Location>) -> Result<Quotas, Failure> {
        let proposed = self.plan(&self.options()?).await?;
        let facts = self.unless_stopped(proposed.facts(&self.context, further)).await?;
        let shares = proposed.shares(&facts);
        Ok(Quotas { regions: facts.regions, shares })
    }

    /// Plans as an approved plan was made; why that is not what was approved, if it is not.
    pub async fn propose_again(&self, approved: &Approval) -> Result<(Proposed, Vec<Diagnostic>), Failure> {
        let options = Options {
            cloud: self.context.run.cloud.clone(),
            environment: self.session.settings.environment.clone(),
            max_deletes: approved.asked.max_deletes.or(self.session.max_deletes()),
            ..approved.options.clone()
        };
        let mut proposed = self.plan(&options).await?;
        let (made, asked) = (approved.made.clone(), approved.asked.clone());
        let now = proposed.approval(&self.context, &options, made, asked);
        let now = now.expect("BUG: the cloud is read for a plan that was approved");
        self.preflight(&mut proposed).await?;
        Ok((proposed, approved.moved(&now)))
    }

    /// The approval of a plan that was just proposed, and its sealed text.
    pub fn approve(
        &self,
        proposed: &Proposed,
        destroy: bool,
        asked: Asked,
    ) -> Result<(Approval, String), Failure> {
        let options = Options { destroy, ..self.options()? };
        let Holder { owner, host, .. } = holder(self.session);
        let made = Made { owner, host, time: self.to_the_second() };
        let approval = proposed.approval(&self.context, &options, made, asked);
        let approval = approval.expect("BUG: the cloud is read for a plan that is saved");
        let text = approval.encode(&self.context.seal);
        Ok((approval, text))
    }

    /// A plan for its drift only, and what is not as it should be beside it.
    pub async fn drift(&self, all: bool) -> Result<(Arc<Plan>, Diagnostics), Failure> {
        let options = Options { show_unmanaged: all, ..self.options()? };
        let proposed = self.plan(&options).await?;
        let behind = self.unless_stopped(proposed.behind(&self.context)).await?;
        Ok((proposed.plan, behind))
    }

    /// Now, as people read it.
    fn to_the_second(&self) -> String {
        let now = (self.context.clock)();
        jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
    }

    /// A plan that takes these resources into the state as they stand, by the documents of `session`.
    pub async fn adoption(
        &self,
        session: &Session,
        addresses: &BTreeSet<Address>,
    ) -> Result<Proposed, Failure> {
        let Manifests { graph, outputs, .. } = &session.manifests;
        let graph = graph.adopting(addresses);
        let wanted = Wanted { graph: &graph, outputs };
        let mut proposed = self.plan_for(wanted, &self.options()?).await?;
        let plan = adoption(&proposed.plan, addresses).map_err(|wrong| session.refused(wrong))?;
        proposed.plan = Arc::new(plan);
        Ok(proposed)
    }

    /// What the next plan says of these resources, by the documents of `session`.
    pub async fn next(&self, session: &Session, addresses: &BTreeSet<Address>) -> Result<Plan, Failure> {
        let Manifests { graph, outputs, .. } = &session.manifests;
        let proposed = self.plan_for(Wanted { graph, outputs }, &self.options()?).await?;
        Ok(proposed.plan.of_only(addresses))
    }

    async fn plan(&self, options: &Options) -> Result<Proposed, Failure> {
        let Manifests { graph, outputs, .. } = &self.session.manifests;
        self.plan_for(Wanted { graph, outputs }, options).await
    }

    async fn plan_for(&self, wanted: Wanted<'_>, options: &Options) -> Result<Proposed, Failure> {
        let proposed = propose(&self.context, wanted, self.planning.refresh, options);
        let mut proposed = self.unless_stopped(proposed).await??;
        if let Some(back) = &self.session.past {
            proposed.plan = Arc::new(judged(Plan::clone(&proposed.plan), &back.snapshot));
        }
        Ok(proposed)
    }

    fn options(&self) -> Result<Options, Failure> {
        let address = |text: &String| {
            Address::parse(text).ok_or_else(|| {
                anyhow::anyhow!("--replace: {text:?} is not an address such as cluster/research/cpu")
            })
        };
        let replace = self.planning.replace.iter().map(address).collect::<Result<_, _>>()?;
        Ok(Options {
            cloud: self.context.run.cloud.clone(),
            environment: self.session.settings.environment.clone(),
            replace,
            targets: self.planning.target.iter().cloned().collect(),
            excludes: self.planning.exclude.iter().cloned().collect(),
            refresh_only: self.planning.refresh_only,
            allow_empty: self.planning.allow_empty,
            accept_cloud: self.planning.accept_other_cloud.clone(),
            destroy: false,
            revert: self.session.past.as_ref().map(|back| back.past.clone()),
            max_deletes: self.planning.max_deletes.or(self.session.max_deletes()),
            allow_missing: self.planning.allow_missing,
            trust_secrets: self.planning.trust_secrets,
            show_unmanaged: false,
        })
    }

    /// Carries a plan out.
    pub async fn apply(&self, lock: &Lock, proposed: Proposed) -> Result<Applied, Failure> {
        Ok(proposed.apply(&self.context, lock, &self.session.manifests.outputs).await?)
    }

    /// Starts, stops or restarts instances, by a plan that does nothing else.
    pub async fn power(
        &self,
        lock: &Lock,
        recovered: Recovered,
        addresses: Vec<Address>,
        action: Action,
    ) -> Result<Applied, Failure> {
        let plan = power_plan(&recovered.snapshot, addresses, action);
        self.apply(lock, Proposed::of(plan, recovered)).await
    }
}

/// The last words of a run that leaves at once.
fn left_at_once(flight: &Flight) -> String {
    match flight.words().as_str() {
        "" => "Left at once; nothing was in flight.".to_owned(),
        words => format!(
            "Left at once, in flight: {words}. The journal has all of it; the next plan or apply looks at how it ended."
        ),
    }
}

/// A cloud that cannot be had because another plumb works here: who that is.
async fn beside(error: anyhow::Error, store: &LocalStore) -> anyhow::Error {
    match store.holder().await {
        Ok(Some(holder)) => error.context(format!("the state is locked by {holder}")),
        _ => error,
    }
}

fn power_plan(snapshot: &Snapshot, addresses: Vec<Address>, action: Action) -> Plan {
    let verb = match action {
        Action::Start => Verb::Start,
        Action::Stop => Verb::Stop,
        _ => Verb::Restart,
    };
    let change = |address: &Address| {
        let prior = snapshot.resources[address].clone();
        Change {
            address: address.clone(),
            kind: prior.kind(),
            action,
            reason: Some(Reason::Requested),
            previous: None,
            arm_id: prior.arm_id.clone(),
            differences: Vec::new(),
            unchanged: Vec::new(),
            notes: Vec::new(),
            implied_by: None,
            desired: None,
            prior: Some(prior),
            deposed: false,
        }
    };
    let ground = Ground {
        cloud: snapshot.cloud.clone(),
        environment: snapshot.environment.clone(),
        lineage: snapshot.lineage.clone(),
        serial: snapshot.serial,
        reverts_to: None,
    };
    Plan {
        steps: addresses
            .iter()
            .enumerate()
            .map(|(change, a)| Step {
                change,
                address: a.clone(),
                verb,
                paths: Vec::new(),
                moved_from: None,
                after: Vec::new(),
            })
            .collect(),
        changes: addresses.iter().map(change).collect(),
        ..Plan::nothing(ground)
    }
}

/// This run, as the journal and the history name it.
pub fn run(session: &Session, cloud: &str) -> Run {
    let Holder { id: _, owner, host, command, since } = holder(session);
    Run {
        id: uuid::Uuid::new_v4().to_string(),
        time: since,
        command,
        owner,
        host,
        commit: commit::of(&session.settings.root, variable),
        cloud: cloud.to_owned(),
        environment: session.settings.environment.clone(),
        lineage: uuid::Uuid::new_v4().to_string(),
        base_serial: 0,
        tool: concat!("plumb ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

/// Who we are, for those who meet our lock.
pub fn holder(session: &Session) -> Holder {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|h| h.trim().to_owned());
    Holder {
        id: uuid::Uuid::new_v4().to_string(),
        owner: variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "somebody".to_owned()),
        host: host.or_else(|| variable("HOSTNAME")).unwrap_or_else(|| "this machine".to_owned()),
        command: session.settings.command.clone(),
        since: jiff::Timestamp::now().to_string(),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
