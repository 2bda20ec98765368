//! Everything of one play that outlives its processes: disk, cloud, clock, and the law over them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use model::Json;
use state::{Replayed, StateStore, replay};
use testkit::Random;

use crate::cloud::Cloud;
use crate::disk::{Platter, SimulatedDisk, Trouble};
use crate::documents::Documents;
use crate::law::{Law, Rule};
use crate::life::Life;
use crate::process::store;
use crate::tally::Tally;
use crate::trace::Trace;

/// One world.
pub struct World {
    /// What happened.
    pub trace: Trace,
    /// What struck.
    pub tally: Tally,
    /// What must hold.
    pub law: Law,
    /// The disk.
    pub platter: Arc<Platter>,
    /// The cloud.
    pub cloud: Arc<Cloud>,
    /// How many requests are on their way.
    pub(crate) on_the_way: Arc<AtomicUsize>,
    random: Mutex<Random>,
    processes: AtomicU64,
    ahead: AtomicI64,
}

impl World {
    /// A world of this seed; `honest` says whether its disk keeps what was synced.
    pub fn new(seed: u64, honest: bool, tally: Tally) -> Self {
        let mut random = Random::new(seed);
        let (trace, law) = (Trace::begin(), Law::default());
        let cloud = Cloud::new(Random::new(random.bits()), law.clone(), trace.clone());
        Self {
            platter: Platter::new(&["/", "/project"], law.clone(), honest),
            cloud,
            law,
            trace,
            tally,
            on_the_way: Arc::default(),
            random: Mutex::new(random),
            processes: AtomicU64::new(0),
            ahead: AtomicI64::new(0),
        }
    }

    /// Randomness of its own for something.
    pub fn random(&self) -> Random {
        let mut random = self.random.lock().expect("BUG: a holder of the lock panicked");
        Random::new(random.bits())
    }

    /// This machine's clock is now so many seconds ahead of Azure's.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn clock_ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    pub(crate) fn next_name(&self) -> String {
        format!("p{}", self.processes.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The disk as a process sees it.
    pub(crate) fn disk(&self, life: &Arc<Life>, trouble: Option<(u64, Trouble)>) -> SimulatedDisk {
        let (platter, random) = (self.platter.clone(), self.random());
        SimulatedDisk::new(platter, life.clone(), random, trouble, self.tally.clone())
    }

    /// What the state and the journal say, read as the next run would.
    pub async fn state(&self) -> Option<Replayed> {
        let life = Life::new("judge".to_owned(), None, self.trace.clone(), self.tally.clone());
        let read = store(self.disk(&life, None)).read().await;
        let replayed = read.and_then(|stored| replay(stored.snapshot.as_ref(), &stored.journal));
        match replayed {
            Ok(replayed) => Some(replayed),
            Err(error) => {
                self.law.broken(Rule::Unreadable, error.to_string());
                None
            }
        }
    }

    /// Between two runs: the state reads, does not go back, and knows all that is ours.
    pub async fn judge(&self) {
        let Some(replayed) = self.state().await else { return };
        self.law.stands_at(replayed.snapshot.as_ref().map_or(0, |snapshot| snapshot.serial));
        let known = known(&replayed);
        for object in
            self.cloud.standing().into_iter().filter(|object| object.ours && !known.contains(&object.id))
        {
            self.law
                .broken(Rule::Lost, format!("{} stands, and neither state nor journal knows it", object.id));
        }
    }

    /// At the very end: the state, the cloud and the documents say the same.
    pub async fn judge_end(&self, documents: &Documents) {
        // An instance may still be on its way to rest.
        self.cloud.settle();
        self.judge().await;
        let Some(replayed) = self.state().await else { return };
        if let Some(open) = replayed.open.first() {
            self.law.broken(Rule::Unfinished, format!("{} of {} is open for ever", open.step, open.address));
        }
        let standing: BTreeSet<String> = self.cloud.standing().into_iter().map(|object| object.id).collect();
        for id in known(&replayed).difference(&standing) {
            self.law.broken(Rule::Untrue, format!("the state has {id}, which does not stand"));
        }
        for resource in documents.graph.resources() {
            let Some(id) = &resource.arm_id else { continue };
            let wrong = match self.cloud.body(id.as_str()) {
                None => Some("is not there".to_owned()),
                Some(body) => unlike(resource, &body),
            };
            if let Some(wrong) = wrong {
                self.law.broken(Rule::Unfinished, format!("{} {wrong}", resource.address));
            }
        }
    }
}

/// The ids that the snapshot or an open intent has.
pub(crate) fn known(replayed: &Replayed) -> BTreeSet<String> {
    let objects = replayed.snapshot.iter().flat_map(|snapshot| snapshot.objects());
    let ids = objects.filter_map(|(_, object)| object.arm_id.as_ref());
    ids.chain(replayed.open.iter().filter_map(|open| open.arm_id.as_ref())).map(|id| id.folded()).collect()
}

/// Attributes that the judge knows by itself, and where bodies have them.
const JUDGED: &[(&str, &str)] = &[
    ("max_instances", "/properties/properties/scaleSettings/maxNodeCount"),
    ("min_instances", "/properties/properties/scaleSettings/minNodeCount"),
    ("size", "/properties/properties/vmSize"),
    ("tags", "/tags"),
    ("power", "/properties/properties/state"),
    ("description", "/properties/description"),
    ("display_name", "/properties/friendlyName"),
];

/// How a body is not as its document says.
fn unlike(resource: &model::Resource, body: &Json) -> Option<String> {
    let held = |attribute: &model::Attribute| attribute.change == model::Change::Held;
    JUDGED.iter().find_map(|(path, pointer)| {
        let attribute = resource.kind.attribute(path)?;
        let model::Value::Known(wanted) = resource.attributes.get(path)? else { return None };
        let ignored = model::Lifecycle::covers(&resource.lifecycle.ignore_changes, path);
        let found = body.pointer(pointer).unwrap_or(&Json::Null);
        let text = |json: &Json| json.to_string().to_lowercase();
        let same = text(wanted) == text(found) || *wanted == "unmanaged" || (empty(wanted) && empty(found));
        (!same && !ignored && !held(attribute)).then(|| format!("has {path} {found}, and {wanted} is wanted"))
    })
}

fn empty(json: &Json) -> bool {
    json.is_null() || json.as_object().is_some_and(|map| map.is_empty()) || json == ""
}
