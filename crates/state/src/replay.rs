//! Folds a journal into the snapshot it started from. Pure: the same on every machine.

use std::collections::BTreeMap;

use model::{Address, ArmId, ResourceState, Snapshot};

use crate::{Intent, Outcome, Record, Run, Seen, StateError, integrity};

/// What a snapshot and a journal say together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replayed {
    /// The snapshot with everything that ended folded in, its serial unchanged; `None` if there is
    /// neither snapshot nor journal.
    pub snapshot: Option<Snapshot>,
    /// What was begun and did not end, in order of sequence.
    pub open: Vec<OpenIntent>,
}

/// An intent of unknown outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenIntent {
    /// Its number, by which it is ended.
    pub sequence: u64,
    /// The resource.
    pub address: Address,
    /// `create`, `put`, `patch`, `action NAME`, `start`, `stop`, `delete`, `record`.
    pub step: String,
    /// The resource's id in ARM.
    pub arm_id: Option<ArmId>,
    /// What the state will say once it is done.
    pub entry: Option<ResourceState>,
    /// The address that the resource had before; forgotten once it is done.
    pub moved_from: Option<Address>,
    /// Where to poll, if ARM had answered.
    pub operation_url: Option<String>,
    /// When it was announced, RFC 3339.
    pub time: String,
}

/// Folds `records` into `snapshot`. Records that the snapshot already has are left out.
pub fn replay(snapshot: Option<&Snapshot>, records: &[Record]) -> Result<Replayed, StateError> {
    let at = snapshot.map(|snapshot| (snapshot.lineage.as_str(), snapshot.serial));
    let mut steps = Steps::default();
    let mut folded = snapshot.cloned();
    let mut open: BTreeMap<u64, (&Intent, Option<&str>)> = BTreeMap::new();
    for record in records {
        steps.take(record)?;
        match record {
            Record::Begin(run) => match standing(at, run)? {
                Standing::Folded => return Ok(Replayed { snapshot: folded, open: Vec::new() }),
                Standing::Live => folded = folded.or_else(|| Some(first_snapshot(run))),
            },
            Record::Intent(intent) => {
                open.insert(intent.sequence, (intent, None));
            }
            Record::Operation { sequence, url } => {
                open.entry(*sequence).and_modify(|(_, known)| *known = Some(url));
            }
            Record::Done { sequence, outcome } | Record::Failed { sequence, outcome, .. } => {
                let intent = open.remove(sequence).map(|(intent, _)| intent);
                if let (Some(intent), Some(snapshot)) = (intent, folded.as_mut()) {
                    check(intent, outcome)?;
                    fold(snapshot, intent, outcome);
                }
            }
        }
    }
    Ok(Replayed { snapshot: folded, open: open.into_values().map(opened).collect() })
}

/// Whether a journal goes on from a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// What it says comes after the snapshot.
    Live,
    /// The snapshot has it already: the process died between writing one and removing the other.
    Folded,
}

/// Places a run's journal before or after the snapshot with this lineage and serial, or refuses it.
pub(crate) fn standing(snapshot: Option<(&str, u64)>, run: &Run) -> Result<Standing, StateError> {
    let (lineage, serial) = snapshot.unwrap_or((&run.lineage, 0));
    if lineage != run.lineage {
        return Err(foreign(run, format!("the state beside it has lineage {lineage}")));
    }
    match run.base_serial {
        base if base < serial => Ok(Standing::Folded),
        base if base == serial => Ok(Standing::Live),
        _ if snapshot.is_none() => Err(foreign(run, "the state file is missing".to_owned())),
        _ => Err(foreign(run, format!("the state beside it is older, serial {serial}"))),
    }
}

/// A journal that a state has left behind without taking it in.
pub(crate) fn not_folded(run: &Run, head: Option<&Seen>) -> StateError {
    let serial = head.map_or(0, |head| head.serial);
    foreign(run, format!("the state beside it, serial {serial}, went on without it"))
}

fn foreign(run: &Run, found: String) -> StateError {
    let Run { time, lineage, base_serial, command, .. } = run;
    let what = format!(
        "a run of `{command}` at {time} left a journal that goes on from serial {base_serial} of lineage {lineage}, but {found}"
    );
    StateError::ForeignJournal { what, base: None }
}

fn first_snapshot(run: &Run) -> Snapshot {
    Snapshot {
        lineage: run.lineage.clone(),
        cloud: run.cloud.clone(),
        environment: run.environment.clone(),
        ..Snapshot::default()
    }
}

/// Folds what a journal says has ended over a state that it need not belong to.
pub(crate) fn fold_over(mut snapshot: Snapshot, records: &[Record]) -> Result<Snapshot, StateError> {
    let mut begun: BTreeMap<u64, &Intent> = BTreeMap::new();
    for record in records {
        match record {
            Record::Intent(intent) => _ = begun.insert(intent.sequence, intent),
            Record::Done { sequence, outcome } | Record::Failed { sequence, outcome, .. } => {
                if let Some(intent) = begun.get(sequence) {
                    check(intent, outcome)?;
                    fold(&mut snapshot, intent, outcome);
                }
            }
            Record::Begin(_) | Record::Operation { .. } => {}
        }
    }
    Ok(snapshot)
}

/// Takes into the snapshot how an intent ended; the state grows by this alone, in a run and in its replay.
pub fn fold(snapshot: &mut Snapshot, intent: &Intent, outcome: &Outcome) {
    let entry = match outcome {
        Outcome::Unchanged => return,
        Outcome::Gone => None,
        Outcome::Entry(entry) => Some(ResourceState::clone(entry)),
        Outcome::AsIntended { observed } => intent.entry.clone().map(|mut entry| {
            entry.observed.extend(observed.clone());
            entry
        }),
    };
    if let Some(former) = &intent.moved_from {
        snapshot.rename(former, &intent.address);
    }
    snapshot.settle(&intent.address, intent.arm_id.as_ref(), entry);
}

/// Refuses what the state must not say.
fn check(intent: &Intent, outcome: &Outcome) -> Result<(), StateError> {
    let entry = match outcome {
        Outcome::Unchanged | Outcome::Gone => None,
        Outcome::Entry(entry) => Some(&**entry),
        Outcome::AsIntended { .. } => intent.entry.as_ref(),
    };
    let checked = entry.map_or(Ok(()), |entry| integrity::check_entry(&intent.address, entry));
    checked.map_err(|what| inconsistent(&what))
}

fn opened((intent, url): (&Intent, Option<&str>)) -> OpenIntent {
    let Intent { sequence, address, step, arm_id, entry, moved_from, time } = intent.clone();
    let operation_url = url.map(str::to_owned);
    OpenIntent { sequence, address, step, arm_id, entry, moved_from, operation_url, time }
}

impl From<&OpenIntent> for Intent {
    fn from(open: &OpenIntent) -> Self {
        let OpenIntent { sequence, address, step, arm_id, entry, moved_from, operation_url: _, time } =
            open.clone();
        Intent { sequence, address, step, arm_id, entry, moved_from, time }
    }
}

fn inconsistent(what: &str) -> StateError {
    let what = format!("contradicts itself: {what}\nkeep a copy of it; no plumb writes such a journal");
    StateError::Inconsistent { what }
}

/// How far an intent has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Announced,
    Polling,
    Ended,
}

/// The legal steps of an intent; whatever is not here is corruption.
fn next_status(status: Option<Status>, record: &Record) -> Option<Status> {
    use Status::{Announced, Ended, Polling};
    match (status, record) {
        (None, Record::Intent(_)) => Some(Announced),
        (Some(Announced | Polling), Record::Operation { .. }) => Some(Polling),
        (Some(Announced | Polling), Record::Done { .. } | Record::Failed { .. }) => Some(Ended),
        _ => None,
    }
}

/// Watches that records follow each other legally, when they are read and before they are written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps {
    start: Option<(String, u64)>,
    status: BTreeMap<u64, Status>,
    open: BTreeMap<u64, Address>,
}

impl Steps {
    /// Takes the next record, if it may follow.
    pub(crate) fn take(&mut self, record: &Record) -> Result<(), StateError> {
        match (record, &self.start) {
            (Record::Begin(run), None) => self.start = Some((run.lineage.clone(), run.base_serial)),
            (Record::Begin(run), Some((lineage, serial))) => {
                if (&run.lineage, &run.base_serial) != (lineage, serial) {
                    return Err(inconsistent("two of its runs start from different states"));
                }
            }
            (_, None) => return Err(inconsistent("it does not begin with a run")),
            (_, Some(_)) => self.step(record)?,
        }
        Ok(())
    }

    fn step(&mut self, record: &Record) -> Result<(), StateError> {
        let sequence = record.sequence().expect("BUG: only a begin has no sequence");
        let status = self.status.get(&sequence).copied();
        let Some(next) = next_status(status, record) else {
            let what = format!("`{}` of number {sequence} cannot follow {status:?}", record.name());
            return Err(inconsistent(&what));
        };
        self.status.insert(sequence, next);
        match record {
            Record::Intent(intent) => {
                self.open.insert(sequence, intent.address.clone());
            }
            _ if next == Status::Ended => {
                self.open.remove(&sequence);
            }
            _ => {}
        }
        Ok(())
    }

    /// The first number that no record has used.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.status.last_key_value().map_or(1, |(last, _)| last + 1)
    }

    /// Refuses while an intent is open.
    pub(crate) fn expect_ended(&self) -> Result<(), StateError> {
        match self.open.first_key_value() {
            None => Ok(()),
            Some((sequence, address)) => Err(StateError::OpenIntents {
                count: self.open.len(),
                first: format!("number {sequence}, {address}"),
            }),
        }
    }
}
