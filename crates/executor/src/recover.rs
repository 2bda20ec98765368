//! Settling what a killed run left open: poll its operations on, look at what stands, and say how each
//! step ended. ARM ids are ours to choose, so one GET settles any intent.

use model::{Address, ArmId, Kind, Live, Provisioning, ResourceState, Snapshot, Status, kinds};
use planner::Verb;
use state::{Intent, OpenIntent, Outcome as Ending, Record, StateError, Stored, fold, replay};
use tokio::time::sleep;

use crate::event::Event;
use crate::provider::{Operation, Outcome};
use crate::read_back::{Expected, Shortfall, kept, look, read_back};
use crate::run::Context;

/// A create counts as made after its intent although clocks differ by so many seconds.
const CLOCK_SKEW_SECONDS: i64 = 300;

/// The state as it is after what was left open is settled.
#[derive(Debug, Default, Clone)]
pub struct Recovered {
    /// The snapshot, with everything that is known now.
    pub snapshot: Snapshot,
    /// The journal's records that say how each open step ended; apply writes them under its lock.
    pub records: Vec<Record>,
    /// The resources that those steps are about.
    pub settled: Vec<Address>,
    /// Steps of which nobody can tell yet.
    pub open: Vec<OpenIntent>,
    /// Whether the snapshot is not what its file has: the journal held ended steps, or its cloud got another name.
    pub replayed_any: bool,
}

/// Replays the journal over the snapshot, then settles what is open. Reads the cloud, writes nothing.
pub async fn recover(context: &Context, stored: Stored) -> Result<Recovered, StateError> {
    if stored.journal.is_empty() {
        return Ok(Recovered { snapshot: stored.snapshot.unwrap_or_default(), ..Recovered::default() });
    }
    let replayed = replay(stored.snapshot.as_ref(), &stored.journal)?;
    let replayed_any = stored.snapshot != replayed.snapshot;
    let snapshot = replayed.snapshot.unwrap_or_default();
    let mut recovered = Recovered { snapshot, replayed_any, ..Recovered::default() };
    for (open, settled) in settle_all(context, replayed.open, &recovered.snapshot).await {
        recovered.end(context, open, settled);
    }
    Ok(recovered)
}

/// How each open step ended. What may still be on its way is looked at again, once for all of them.
async fn settle_all(
    context: &Context,
    open: Vec<OpenIntent>,
    snapshot: &Snapshot,
) -> Vec<(OpenIntent, Settled)> {
    let mut all = Vec::with_capacity(open.len());
    for open in open {
        let settled = settle(context, &open, snapshot).await;
        all.push((open, settled));
    }
    let count = all.iter().filter(|(open, settled)| settled.is_doubtful(open)).count();
    if count > 0 {
        let after = context.provider.gone_proof_interval();
        context.events.tell(Event::LooksAgain { count, after });
        sleep(after).await;
    }
    for (open, settled) in all.iter_mut().filter(|(open, settled)| settled.is_doubtful(open)) {
        *settled = settle(context, open, snapshot).await;
    }
    all
}

impl Recovered {
    /// Takes in what became of an open step.
    fn end(&mut self, context: &Context, open: OpenIntent, settled: Settled) {
        let address = open.address.clone();
        let words = match settled {
            Settled::Ended(ending, words) => {
                fold(&mut self.snapshot, &Intent::from(&open), &ending);
                self.records.push(Record::Done { sequence: open.sequence, outcome: ending });
                self.settled.push(open.address);
                words
            }
            Settled::Open(words) => {
                self.open.push(open);
                words
            }
        };
        context.events.tell(Event::Recovered { address, words });
    }
}

/// Resources that nothing may be planned for, because a step of theirs is still open.
pub fn mark_open(live: &mut Live, open: &[OpenIntent]) {
    for intent in open {
        // The state still has it under the address that it had before.
        for address in intent.moved_from.iter().chain([&intent.address]) {
            live.resources.remove(address);
            live.unreadable
                .insert(address.clone(), "a step of an earlier run on it has not ended".to_owned());
        }
    }
}

enum Settled {
    Ended(Ending, String),
    Open(String),
}

impl Settled {
    /// Nothing shows that the request was carried out, and Azure never answered it: it may still be on its way,
    /// or what it did may not show yet (arm-faults §6).
    fn is_doubtful(&self, open: &OpenIntent) -> bool {
        open.operation_url.is_none() && matches!(self, Settled::Ended(Ending::Unchanged, _))
    }
}

async fn settle(context: &Context, open: &OpenIntent, snapshot: &Snapshot) -> Settled {
    let kind = kind_of(open, snapshot);
    let Some(arm_id) = open.arm_id.as_ref().filter(|_| !Verb::NOTES.contains(&open.step.as_str())) else {
        return Settled::Ended(Ending::as_intended(), "was noted".to_owned());
    };
    if let Some(url) = &open.operation_url {
        let operation = Operation { url: Some(url.clone()), ..operation(kind, arm_id, open.entry.is_none()) };
        if let Err(error) = context.provider.wait(&operation).await
            && error.outcome == Outcome::Unknown
        {
            return Settled::Open(format!("is still in flight: {error}"));
        }
    }
    match &open.entry {
        None => settle_delete(context, kind, arm_id).await,
        Some(entry) => settle_set(context, open, kind, arm_id, entry).await,
    }
}

/// The kind of what a step was about: of the entry that it was to leave, or of the one that it was to remove.
fn kind_of(open: &OpenIntent, snapshot: &Snapshot) -> &'static Kind {
    let is_it = |object: &&ResourceState| object.has_id(open.arm_id.as_ref());
    let standing = snapshot.resources.get(&open.address).and_then(|entry| entry.objects().find(is_it));
    let entry = open.entry.as_ref().or(standing).map(ResourceState::kind);
    entry.or_else(|| kinds::find(open.address.kind())).expect("BUG: journals name known kinds only")
}

/// What a step started, told by the resource alone.
fn operation(kind: &Kind, arm_id: &ArmId, deletes: bool) -> Operation {
    Operation { url: None, arm_id: arm_id.clone(), deletes, api_version: kind.api_version() }
}

async fn settle_delete(context: &Context, kind: &'static Kind, arm_id: &ArmId) -> Settled {
    let mut found = context.provider.get(kind, arm_id).await;
    if let Ok(Some(observed)) = &found
        && matches!(observed.provisioning, Provisioning::InProgress(_))
    {
        // Without an operation to poll, the resource itself tells when it is gone.
        let operation = operation(kind, arm_id, true);
        // However that ended, the next reading says what is so.
        _ = context.provider.wait(&operation).await;
        found = context.provider.get(kind, arm_id).await;
    }
    match found {
        Ok(None) => Settled::Ended(Ending::Gone, "is deleted".to_owned()),
        Ok(Some(observed)) => match observed.provisioning {
            Provisioning::InProgress(word) => Settled::Open(format!("is still being deleted ({word})")),
            Provisioning::Succeeded | Provisioning::Failed(_) => {
                Settled::Ended(Ending::Unchanged, "was not deleted".to_owned())
            }
        },
        Err(error) => Settled::Open(format!("cannot be read: {error}")),
    }
}

async fn settle_set(
    context: &Context,
    open: &OpenIntent,
    kind: &'static Kind,
    arm_id: &ArmId,
    entry: &ResourceState,
) -> Settled {
    let create = open.step == "create";
    // The power state of a new instance is a step of its own.
    let mut values = entry.applied.clone();
    if create {
        values.remove("power");
    }
    let expected = Expected { kind, arm_id, values: &values };
    let reading = match open.operation_url {
        Some(_) => read_back(context, &expected).await,
        None => wait_until_settled(context, &expected).await,
    };
    let reading = match reading {
        // What is on its way comes by itself.
        Err(Shortfall::Unready(unready)) => Ok(unready.observed),
        reading => reading,
    };
    match reading {
        Ok(observed) if create && !made_after(open, observed.created) => Settled::Ended(
            Ending::Unchanged,
            "stands as intended, but was there before this run; `adopt: true` takes it over".to_owned(),
        ),
        Ok(observed) => Settled::Ended(
            Ending::AsIntended { observed: kept(&observed) },
            format!("is done: {}", open.step),
        ),
        Err(Shortfall::Missing) => Settled::Ended(Ending::Unchanged, format!("was not begun: {}", open.step)),
        Err(Shortfall::Failed(observed, why)) if create => {
            let left = ResourceState { status: Status::Tainted, observed: kept(&observed), ..entry.clone() };
            Settled::Ended(Ending::Entry(Box::new(left)), format!("failed and left something behind: {why}"))
        }
        // Azure had answered our PUT with an operation, so it is ours, whatever became of its values; a file is made
        // before its text is written.
        Err(Shortfall::NotApplied(observed, attributes)) if create && is_ours(open, kind, &observed) => {
            let paths: Vec<&str> = attributes.iter().map(|a| a.path).collect();
            let left =
                ResourceState { status: Status::Incomplete, observed: kept(&observed), ..entry.clone() };
            Settled::Ended(
                Ending::Entry(Box::new(left)),
                format!("stands, but not wholly as intended ({})", paths.join(", ")),
            )
        }
        Err(Shortfall::NotApplied(_, attributes)) => {
            let paths: Vec<&str> = attributes.iter().map(|a| a.path).collect();
            Settled::Ended(
                Ending::Unchanged,
                format!("stands, but not as intended ({}): {}", paths.join(", "), open.step),
            )
        }
        Err(Shortfall::Failed(_, why)) => Settled::Ended(Ending::Unchanged, format!("failed: {why}")),
        Err(Shortfall::Unreadable(error)) => Settled::Open(format!("cannot be read: {error}")),
        Err(Shortfall::Unready(_)) => unreachable!("BUG: taken as read above"),
        Err(Shortfall::Unsettled(word)) => Settled::Open(format!("is still in flight ({word})")),
    }
}

/// Without an operation to poll, the resource's own provisioning state is waited for.
async fn wait_until_settled(
    context: &Context,
    expected: &Expected<'_>,
) -> Result<model::Observed, Shortfall> {
    let first = look(context, expected).await;
    let Err(Shortfall::Unsettled(_)) = first else { return first };
    let operation = operation(expected.kind, expected.arm_id, false);
    match context.provider.wait(&operation).await {
        Err(error) if error.outcome == Outcome::Unknown => Err(Shortfall::Unreadable(error)),
        _ => read_back(context, expected).await,
    }
}

/// Whether what stands otherwise than intended was made by the intent all the same.
fn is_ours(open: &OpenIntent, kind: &Kind, observed: &model::Observed) -> bool {
    let made = observed.created.is_some() && made_after(open, observed.created);
    open.operation_url.is_some() || (kind.is_on_share() && made)
}

/// Whether a resource can be the one that the intent asked for: made after it, as far as clocks tell.
fn made_after(open: &OpenIntent, created: Option<i64>) -> bool {
    let intended = open.time.parse::<jiff::Timestamp>().map(|t| t.as_second()).unwrap_or(i64::MIN);
    created.is_none_or(|created| created + CLOCK_SKEW_SECONDS >= intended)
}
