//! A plain model of Azure: objects by id, operations that end in their time, and what was there before.
//!
//! It knows neither the client nor the emulator, and is the judge of both the client and the engine: what it
//! holds is so.

mod bodies;
mod facts;
mod path;
mod reading;
mod serve;
mod writing;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::Json;
use serde_json::json;
use testkit::Random;
use tokio::time::Instant;

use crate::law::{Law, Rule};
use crate::trace::Trace;

pub use facts::Standing;
pub use serve::{Ask, Author, Reply, Twist};

/// When every play begins.
const START: &str = "2026-11-21T04:00:00Z";

/// An operation that never ends by itself lasts so long.
const FOR_EVER: Duration = Duration::from_secs(100 * 24 * 3600);

/// The cloud.
pub struct Cloud {
    model: Mutex<Model>,
    began: Instant,
    law: Law,
    trace: Trace,
}

struct Model {
    /// By folded id.
    objects: BTreeMap<String, Object>,
    operations: BTreeMap<u64, Operation>,
    /// What readings showed, and since when, by folded id.
    past: BTreeMap<String, Vec<(Instant, Option<Json>)>>,
    /// Readings do not find these until then.
    hidden: BTreeMap<String, Instant>,
    /// When each object was last read well, by process and folded id.
    read: BTreeMap<(String, String), Instant>,
    /// Objects that the state let go on purpose.
    forgotten: Vec<String>,
    count: u64,
    random: Random,
}

/// Something that stands, or is on its way to.
#[derive(Debug, Clone)]
struct Object {
    id: String,
    body: Json,
    maker: Maker,
    /// The operation that runs on it.
    operation: Option<u64>,
    /// When somebody else last touched it.
    touched: Option<Instant>,
    /// When we last wrote to it.
    written: Option<Instant>,
}

/// Who made an object.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Maker {
    /// A run of ours, under this intent.
    Ours(Option<(u64, u64)>),
    Stranger,
}

#[derive(Debug, Clone)]
struct Operation {
    object: String,
    ends: Instant,
    end: End,
    /// Whether its address is known.
    known: bool,
    /// Its last word, once it has ended.
    failed: Option<bool>,
}

/// What an operation comes to.
#[derive(Debug, Clone)]
enum End {
    /// The object stands, with this body.
    Stands(Json),
    /// It failed, and the object says so, with this body.
    Fails(Json),
    /// It is gone, and everything in it.
    Gone,
}

impl Cloud {
    /// An empty cloud.
    pub fn new(random: Random, law: Law, trace: Trace) -> Arc<Self> {
        let model = Mutex::new(Model {
            objects: BTreeMap::new(),
            operations: BTreeMap::new(),
            past: BTreeMap::new(),
            hidden: BTreeMap::new(),
            read: BTreeMap::new(),
            forgotten: Vec::new(),
            count: 0,
            random,
        });
        Arc::new(Self { model, began: Instant::now(), law, trace })
    }

    /// The time, as Azure has it.
    pub fn now(&self) -> Timestamp {
        let start: Timestamp = START.parse().expect("BUG: the start is a time");
        start + SignedDuration::try_from(self.began.elapsed()).expect("BUG: a play lasts no ages")
    }

    /// Every operation ends now, as it was to end.
    pub fn settle(&self) {
        let mut model = self.model();
        let now = Instant::now();
        model.operations.values_mut().filter(|o| o.failed.is_none()).for_each(|o| o.ends = o.ends.min(now));
        model.hidden.clear();
        model.advance(now);
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().expect("BUG: a holder of the lock panicked")
    }
}

impl Model {
    /// Ends every operation whose time has come, in the order of their ends.
    fn advance(&mut self, now: Instant) {
        loop {
            let open = self.operations.iter().filter(|(_, o)| o.failed.is_none() && o.ends <= now);
            let Some((_, number)) = open.map(|(number, o)| (o.ends, *number)).min() else { return };
            self.finish(number);
        }
    }

    fn finish(&mut self, number: u64) {
        let operation = self.operations.get_mut(&number).expect("BUG: operations stay");
        operation.failed = Some(matches!(operation.end, End::Fails(_)));
        let Operation { object, end, ends, .. } = operation.clone();
        let running = self.objects.get(&object).is_some_and(|o| o.operation == Some(number));
        if !running {
            return;
        }
        match end {
            End::Gone => self.remove(&object, ends),
            End::Stands(body) | End::Fails(body) => {
                let standing = self.objects.get_mut(&object).expect("BUG: just found");
                standing.body = body;
                standing.operation = None;
                self.show(&object, ends);
            }
        }
    }

    /// Takes an object away, with everything in it.
    fn remove(&mut self, id: &str, now: Instant) {
        let inside = format!("{id}/");
        let gone: Vec<String> =
            self.objects.keys().filter(|at| *at == id || at.starts_with(&inside)).cloned().collect();
        for id in gone {
            self.objects.remove(&id);
            self.show(&id, now);
        }
    }

    /// From now on readings show an object as it is.
    fn show(&mut self, id: &str, now: Instant) {
        let body = self.objects.get(id).map(|object| object.body.clone());
        self.past.entry(id.to_owned()).or_default().push((now, body));
    }

    /// Begins an operation.
    fn begin(&mut self, object: &str, end: End, lasts: Duration) -> u64 {
        self.count += 1;
        let number = self.count;
        let operation = Operation {
            object: object.to_owned(),
            ends: Instant::now() + lasts,
            end,
            known: true,
            failed: None,
        };
        self.operations.insert(number, operation);
        if let Some(standing) = self.objects.get_mut(object) {
            standing.operation = Some(number);
        }
        number
    }

    /// How long an operation takes.
    fn duration(&mut self) -> Duration {
        Duration::from_millis(1500 + self.random.below(90_000))
    }

    fn guid(&mut self) -> String {
        let (a, b) = (self.random.bits(), self.random.bits());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }
}

/// An id as one compares it.
fn folded(id: &str) -> String {
    id.to_ascii_lowercase()
}

/// An error as ARM words it.
fn refusal(status: u16, code: &str, message: &str) -> Reply {
    Reply::new(status, json!({ "error": { "code": code, "message": message } }))
}

impl Cloud {
    fn broken(&self, rule: Rule, words: String) {
        self.law.broken(rule, words);
    }
}
