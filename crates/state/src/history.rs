//! The history: every run that wrote, numbered, with who ran it and what it changed. Pure.
//!
//! A run that was killed says nothing of itself; what it did is read off the journal that it left.

use std::collections::BTreeMap;

use model::Address;
use serde::{Deserialize, Serialize};

use crate::checked::{self, digest_of, unknown};
use crate::{Damage, Intent, Record, Run};

/// What a run says of itself when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The run. Its base serial is that of the state before it.
    pub run: Run,
    /// When it ended, RFC 3339; none if it was killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// How it ended.
    pub end: End,
    /// What it was to change, and how that went; in order of address.
    pub changes: Vec<Changed>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Everything that it was to do is done.
    Complete,
    /// Something failed, or nobody knows yet how it ended.
    Incomplete,
    /// It was asked to stop before everything was done.
    Stopped,
    /// It was killed; the next run took up what it left.
    Interrupted,
}

impl End {
    /// `complete`, `incomplete`, `stopped`, `interrupted`.
    pub fn word(self) -> &'static str {
        match self {
            End::Complete => "complete",
            End::Incomplete => "incomplete",
            End::Stopped => "stopped",
            End::Interrupted => "interrupted",
        }
    }
}

/// One resource's part of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// The resource.
    pub address: Address,
    /// `create`, `update`, `replace`, `delete`, `move`, `taint`, and so on.
    pub action: String,
    /// How that went.
    pub went: Went,
}

impl Changed {
    /// A change that is done.
    pub fn done(address: Address, action: &str) -> Self {
        Self { address, action: action.to_owned(), went: Went::Done }
    }
}

/// How a change went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Went {
    /// It is done.
    Done,
    /// It was not begun.
    Skipped,
    /// Nobody knew how it ended when the run did.
    Open,
    /// It failed.
    Failed,
}

impl Went {
    /// `done`, `skipped`, `open`, `failed`.
    pub fn word(self) -> &'static str {
        match self {
            Went::Done => "done",
            Went::Skipped => "skipped",
            Went::Open => "open",
            Went::Failed => "failed",
        }
    }
}

/// One numbered run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastRun {
    /// Its number: they grow, from 1.
    pub number: u64,
    /// What it said of itself, or what its journal said.
    pub report: Report,
    /// The serial of the state after it; that of the state before it if it wrote none.
    pub serial: u64,
    /// The checksum of the state after it; none if there was no state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The number of the run whose snapshot is the state after this one; its own if it wrote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<u64>,
}

impl PastRun {
    /// Whether it wrote a state.
    pub fn wrote(&self) -> bool {
        self.snapshot == Some(self.number)
    }

    /// How many changes of each action are done.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for changed in self.report.changes.iter().filter(|changed| changed.went == Went::Done) {
            *counts.entry(changed.action.as_str()).or_default() += 1;
        }
        counts
    }
}

/// The bytes of a history file.
pub(crate) fn encode(past: &PastRun) -> Vec<u8> {
    checked::encode(&past)
}

/// The run in the bytes of a history file, after every check.
pub(crate) fn decode(bytes: &[u8]) -> Result<PastRun, Damage> {
    digest_of(bytes)?;
    let ReadBack { number, report, serial, digest, snapshot, .. } =
        serde_json::from_slice(bytes).map_err(|error| unknown(bytes, &error))?;
    Ok(PastRun { number, report, serial, digest, snapshot })
}

/// All fields of a history file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadBack {
    #[serde(rename = "format")]
    _format: u64,
    #[serde(rename = "checksum")]
    _checksum: String,
    number: u64,
    report: Report,
    serial: u64,
    digest: Option<String>,
    snapshot: Option<u64>,
}

/// A file that says it is another run than its name says.
pub(crate) fn renamed(name: u64, number: u64) -> Damage {
    Damage::Contradiction(format!("its name says run {name}, and it holds run {number}"))
}

/// What the runs of a journal say of themselves although none of them came to its end.
pub(crate) fn interrupted(records: &[Record]) -> Vec<Report> {
    let mut ends: BTreeMap<u64, Went> = BTreeMap::new();
    for record in records {
        match record {
            Record::Done { sequence, .. } => _ = ends.insert(*sequence, Went::Done),
            Record::Failed { sequence, .. } => _ = ends.insert(*sequence, Went::Failed),
            Record::Begin(_) | Record::Intent(_) | Record::Operation { .. } => {}
        }
    }
    let mut reports: Vec<Report> = Vec::new();
    for record in records {
        match (record, reports.last_mut()) {
            (Record::Begin(run), _) => reports.push(Report {
                run: run.clone(),
                ended: None,
                end: End::Interrupted,
                changes: Vec::new(),
            }),
            (Record::Intent(intent), Some(report)) => {
                let went = ends.get(&intent.sequence).copied().unwrap_or(Went::Open);
                let (address, action) = (intent.address.clone(), action_of(intent).to_owned());
                report.changes.push(Changed { address, action, went });
            }
            _ => {}
        }
    }
    for report in &mut reports {
        report.changes.sort_by(|a, b| a.address.cmp(&b.address));
    }
    reports
}

/// What one step does, in the words for changes.
fn action_of(intent: &Intent) -> &str {
    match intent.step.as_str() {
        step @ ("create" | "delete" | "start" | "stop" | "restart") => step,
        "record" if intent.moved_from.is_some() => "move",
        "record" if intent.entry.is_none() => "forget",
        "record" => "note",
        // PUT, PATCH, and actions by their names.
        _ => "update",
    }
}
