//! Settling what a killed run left open: poll its operations on, look at what stands, and say how each
//! step ended. ARM ids are ours to choose, so one GET settles any intent.

use model::{Address, ArmId, Kind, Live, Provisioning, ResourceState, Snapshot, Status, kinds};
use planner::Verb;
use state::{Intent, OpenIntent, Outcome as Ending, Record, StateError, Stored, fold, replay};

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
    for open in replayed.open {
        let settled = settle(context, &open).await;
        match settled {
            Settled::Ended(ending, words) => {
                fold(&mut recovered.snapshot, &Intent::from(&open), &ending);
                recovered.records.push(Record::Done { sequence: open.sequence, outcome: ending });
                recovered.settled.push(open.address.clone());
                context.events.tell(Event::Recovered { address: open.address, words });
            }
            Settled::Open(words) => {
                context.events.tell(Event::Recovered { address: open.address.clone(), words });
                recovered.open.push(open);
            }
        }
    }
    Ok(recovered)
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

async fn settle(context: &Context, open: &OpenIntent) -> Settled {
    let kind = kinds::find(open.address.kind()).expect("BUG: journals name known kinds only");
    let Some(arm_id) = open.arm_id.as_ref().filter(|_| !Verb::NOTES.contains(&open.step.as_str())) else {
        return Settled::Ended(Ending::as_intended(), "was noted".to_owned());
    };
    if let Some(url) = &open.operation_url {
        let operation =
            Operation { url: Some(url.clone()), arm_id: arm_id.clone(), deletes: open.entry.is_none() };
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

async fn settle_delete(context: &Context, kind: &'static Kind, arm_id: &ArmId) -> Settled {
    let mut found = context.provider.get(kind, arm_id).await;
    if let Ok(Some(observed)) = &found
        && matches!(observed.provisioning, Provisioning::InProgress(_))
    {
        // Without an operation to poll, the resource itself tells when it is gone.
        let operation = Operation { url: None, arm_id: arm_id.clone(), deletes: true };
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
        // Azure had answered our PUT with an operation, so it is ours, whatever became of its values.
        Err(Shortfall::NotApplied(observed, attributes)) if create && open.operation_url.is_some() => {
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
    let operation = Operation { url: None, arm_id: expected.arm_id.clone(), deletes: false };
    match context.provider.wait(&operation).await {
        Err(error) if error.outcome == Outcome::Unknown => Err(Shortfall::Unreadable(error)),
        _ => read_back(context, expected).await,
    }
}

/// Whether a resource can be the one that the intent asked for: made after it, as far as clocks tell.
fn made_after(open: &OpenIntent, created: Option<i64>) -> bool {
    let intended = open.time.parse::<jiff::Timestamp>().map(|t| t.as_second()).unwrap_or(i64::MIN);
    created.is_none_or(|created| created + CLOCK_SKEW_SECONDS >= intended)
}
