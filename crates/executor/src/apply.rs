//! Carrying out a plan. It chooses nothing: every choice is in the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Address, Json, Live, Seal, Snapshot, Value};
use planner::{Action, Change, Plan, Shown, Step, entry};
use state::{Changed, End, Lock, Report, StateError, Went};
use tokio::task::JoinSet;

use crate::event::Event;
use crate::failure::Failure;
use crate::queue::ReadyQueue;
use crate::recover::Recovered;
use crate::run::Context;
use crate::step::{StepError, perform};
use crate::working::Working;

/// What is said of a step whose end nobody knows.
const OPEN: &str = "\nIt is recorded as open; the next plan or apply looks at how it ended.";

/// What an apply did.
#[derive(Debug, Default)]
pub struct Applied {
    /// The state afterwards.
    pub snapshot: Snapshot,
    /// Steps that ended well.
    pub done: usize,
    /// What failed, and why.
    pub failed: Vec<(Address, String)>,
    /// What was not begun.
    pub skipped: Vec<Address>,
    /// Steps whose outcome nobody knows yet; the journal has them, and the next run settles them.
    pub open: Vec<Address>,
    /// Whether it was asked to stop.
    pub stopped: bool,
}

impl Applied {
    /// Resources whose change is not done, or not wholly.
    pub fn undone(&self) -> BTreeSet<&Address> {
        self.failed.iter().map(|(address, _)| address).chain(&self.skipped).chain(&self.open).collect()
    }

    /// Whether everything the plan asked for is done.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.skipped.is_empty() && self.open.is_empty()
    }
}

/// Carries out `plan` under `lock`, starting from what `recovered` settled, and writes the state once.
pub async fn apply(
    context: &Context,
    lock: &Lock,
    plan: Arc<Plan>,
    live: Option<&Live>,
    recovered: Recovered,
    outputs: &BTreeMap<String, Value>,
) -> Result<Applied, StateError> {
    let recovered_any = !recovered.records.is_empty() || recovered.replayed_any;
    if plan.steps.is_empty() && !recovered_any && !is_stale(&plan, &recovered.snapshot) {
        return Ok(Applied { snapshot: recovered.snapshot, ..Applied::default() });
    }
    let journal = context.store.journal(lock, &context.run).await?;
    for record in &recovered.records {
        journal.append(record.clone()).await?;
    }
    let (settled, unsettled) = (recovered.settled, !recovered.open.is_empty());
    let working = Arc::new(Working::new(journal, recovered.snapshot, live));
    let mut applied = work_off(context, &working, &plan).await.map_err(halted)?;
    let mut snapshot = working.snapshot();
    let changed =
        applied.done > 0 || recovered_any || !applied.failed.is_empty() || is_stale(&plan, &snapshot);
    finish(&plan, &mut snapshot, outputs, &context.seal, &working);
    let report = report(context, &plan, &applied, settled);
    if changed && applied.open.is_empty() && !unsettled {
        snapshot.serial += 1;
        snapshot.seal = context.seal.fingerprint();
        save(context, lock, &snapshot, &report).await?;
    } else {
        context.store.note(&report).await?;
    }
    applied.snapshot = snapshot;
    Ok(applied)
}

/// A journal that could not be written. Whoever lost the lock has nothing more to write.
fn halted(error: StateError) -> StateError {
    match error {
        error if error.is_lock_lost() => error,
        why => StateError::Halted { why: Box::new(why) },
    }
}

/// Writes the state, or else puts it where there is room: what was done must not be known to the journal alone.
async fn save(
    context: &Context,
    lock: &Lock,
    snapshot: &Snapshot,
    report: &Report,
) -> Result<(), StateError> {
    let Err(error) = context.store.write(lock, snapshot, report).await else { return Ok(()) };
    if !matches!(error, StateError::Io { .. } | StateError::Unsafe { .. }) {
        // Somebody else has the state.
        return Err(error);
    }
    let recovery = context.store.rescue(snapshot).await.ok();
    Err(StateError::Unsaved { why: Box::new(error), recovery })
}

/// What the history keeps of this run.
fn report(context: &Context, plan: &Plan, applied: &Applied, settled: Vec<Address>) -> Report {
    let mut undone: BTreeMap<&Address, Went> = BTreeMap::new();
    undone.extend(applied.skipped.iter().map(|address| (address, Went::Skipped)));
    undone.extend(applied.open.iter().map(|address| (address, Went::Open)));
    undone.extend(applied.failed.iter().map(|(address, _)| (address, Went::Failed)));
    let planned = plan.changes.iter().filter(|change| change.action != Action::NoOp).map(|change| Changed {
        address: change.address.clone(),
        action: change.action.word().to_owned(),
        went: undone.get(&change.address).copied().unwrap_or(Went::Done),
    });
    let settled = settled.into_iter().map(|address| Changed::done(address, "recover"));
    let mut changes: Vec<Changed> = planned.chain(settled).collect();
    changes.sort_by(|a, b| a.address.cmp(&b.address));
    let end = match () {
        () if applied.is_complete() => End::Complete,
        () if applied.stopped => End::Stopped,
        () => End::Incomplete,
    };
    Report { run: context.run.clone(), ended: Some(context.time()), end, changes }
}

/// The loop: begin what is ready, wait for what is in flight.
async fn work_off(
    context: &Context,
    working: &Arc<Working>,
    plan: &Arc<Plan>,
) -> Result<Applied, StateError> {
    let mut queue = ReadyQueue::new(plan.steps.iter().map(|s| s.after.as_slice()));
    let mut flight: JoinSet<(usize, Result<(), StepError>)> = JoinSet::new();
    let mut applied = Applied::default();
    let mut broken: Option<StateError> = None;
    loop {
        let may_begin = !context.cancel.is_cancelled() && broken.is_none();
        while may_begin && flight.len() < context.settings.parallelism.max(1) {
            let Some(index) = queue.next() else { break };
            begin(context, working, plan, index, &mut flight);
        }
        let ended = tokio::select! {
            // A run with nothing in flight was stopped all the same.
            biased;
            () = context.cancel.cancelled(), if !applied.stopped => {
                applied.stopped = true;
                context.events.tell(Event::Stopping(flight.len()));
                continue;
            }
            ended = flight.join_next() => ended,
        };
        let Some(ended) = ended else { break };
        let (index, result) = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        if let Some(error) = take_in(context, plan, &mut queue, &mut applied, index, result) {
            broken.get_or_insert(error);
        }
    }
    while let Some(index) = queue.next() {
        let dropped = queue.failed(index);
        for index in [vec![index], dropped].concat() {
            skip(context, &plan.steps[index], &mut applied, "the run was stopped");
        }
    }
    broken.map_or(Ok(applied), Err)
}

fn begin(
    context: &Context,
    working: &Arc<Working>,
    plan: &Arc<Plan>,
    index: usize,
    flight: &mut JoinSet<(usize, Result<(), StepError>)>,
) {
    let step = &plan.steps[index];
    context.events.tell(Event::StepStart { address: step.address.clone(), verb: step.verb });
    let (context, working, plan) = (context.clone(), working.clone(), plan.clone());
    flight.spawn(async move {
        let step = &plan.steps[index];
        (index, perform(&context, &working, &plan.changes[step.change], step).await)
    });
}

/// Notes how a step ended. A failure of the journal is returned: nothing more may begin.
fn take_in(
    context: &Context,
    plan: &Plan,
    queue: &mut ReadyQueue,
    applied: &mut Applied,
    index: usize,
    result: Result<(), StepError>,
) -> Option<StateError> {
    let step = &plan.steps[index];
    let (address, verb) = (step.address.clone(), step.verb);
    let error = match result {
        Ok(()) => {
            let arm_id = plan.changes[step.change].arm_id.as_ref().map(ToString::to_string);
            context.events.tell(Event::StepDone { address, verb, arm_id });
            applied.done += 1;
            queue.done(index);
            return None;
        }
        Err(error) => error,
    };
    let (failure, broken) = match error {
        StepError::Resource(failure) => {
            applied.failed.push((address.clone(), failure.to_string()));
            (failure, None)
        }
        StepError::Open(failure) => {
            applied.open.push(address.clone());
            (failure.and(OPEN), None)
        }
        StepError::State(error) => (Failure::from(error.to_string()), Some(error)),
    };
    let source = source(&plan.changes[step.change]);
    context.events.tell(Event::StepFailed { address: address.clone(), verb, source, failure });
    for dropped in queue.failed(index) {
        skip(context, &plan.steps[dropped], applied, &format!("{address} did not end well"));
    }
    broken
}

/// Where the document of a change stands, or last stood.
fn source(change: &Change) -> String {
    let desired = change.desired.as_ref().map(|resource| resource.source.clone());
    desired.or_else(|| change.prior.as_ref().map(|prior| prior.source.clone())).unwrap_or_default()
}

fn skip(context: &Context, step: &Step, applied: &mut Applied, because: &str) {
    applied.skipped.push(step.address.clone());
    let (address, verb) = (step.address.clone(), step.verb);
    context.events.tell(Event::Skipped { address, verb, because: because.to_owned() });
}

fn is_stale(plan: &Plan, snapshot: &Snapshot) -> bool {
    let notes = !(plan.refreshed.is_empty() && plan.lost.is_empty());
    notes || plan.outputs.values().any(|o| !o.is_same()) || snapshot.serial == 0
}

/// Entries that only had to follow live, and outputs.
fn finish(
    plan: &Plan,
    snapshot: &mut Snapshot,
    outputs: &BTreeMap<String, Value>,
    seal: &Seal,
    working: &Working,
) {
    for address in &plan.lost {
        let arm_id = snapshot.resources.get(address).and_then(|entry| entry.arm_id.clone());
        snapshot.settle(address, arm_id.as_ref(), None);
    }
    for (address, entry) in &plan.refreshed {
        // An entry that a step wrote is newer than what the plan foresaw.
        if !working.touched(address) && snapshot.resources.contains_key(address) {
            snapshot.settle(address, entry.arm_id.as_ref(), Some(entry.clone()));
        }
    }
    for (name, change) in &plan.outputs {
        let wanted = outputs.get(name).filter(|_| change.after != Shown::Absent);
        match wanted.and_then(|value| kept_output(name, value, seal, working)) {
            Some(json) => _ = snapshot.outputs.insert(name.clone(), json),
            None => _ = snapshot.outputs.remove(name),
        }
    }
}

/// What the state keeps of an output: the value, or of a secret its keyed hash.
fn kept_output(name: &str, value: &Value, seal: &Seal, working: &Working) -> Option<Json> {
    let sealed = |json: Json| entry::sealed_output(name, &json, seal);
    match value {
        Value::Known(json) => Some(json.clone()),
        Value::Secret(secret) => Some(sealed(Json::from(secret.expose()))),
        Value::Deferred(expression) => {
            let json =
                expression.evaluate(&|address, name| working.computed(address, name)).ok().flatten()?;
            Some(if expression.is_secret() { sealed(json) } else { json })
        }
    }
}
