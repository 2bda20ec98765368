//! The state as it grows during an apply, shared by the steps in flight.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use model::{Address, ArmId, Json, Live, ResourceState, Snapshot};
use planner::{Verb, stand_in};
use state::{Intent, Journal, Outcome as Ending, Record, StateError, fold};

use crate::read_back::kept;

/// The state as it grows.
pub(crate) struct Working {
    journal: Journal,
    /// The first failure of the journal: from then on no request leaves.
    broken: OnceLock<StateError>,
    sequence: AtomicU64,
    inner: Mutex<Inner>,
}

struct Inner {
    snapshot: Snapshot,
    /// Computed values, by resource, fresher than the state's.
    computed: HashMap<Address, BTreeMap<&'static str, Json>>,
    /// What adopted resources keep in the state.
    kept: HashMap<Address, BTreeMap<String, Json>>,
    touched: HashSet<Address>,
    /// What stood when the cloud was read: what is none of the state's is known by that alone.
    looked_at: HashMap<Address, ArmId>,
}

impl Inner {
    fn seen(&self, address: &Address, name: &str) -> Option<Json> {
        let fresh = self.computed.get(address).and_then(|c| c.get(name)).cloned();
        fresh.or_else(|| self.snapshot.resources.get(address)?.observed.get(name).cloned())
    }
}

impl Working {
    pub(crate) fn new(journal: Journal, snapshot: Snapshot, live: Option<&Live>) -> Self {
        let resources = || live.into_iter().flat_map(|l| &l.resources);
        let unowned = resources().filter(|(a, _)| !snapshot.resources.contains_key(a));
        let looked_at = resources().map(|(a, observed)| (a.clone(), observed.arm_id.clone())).collect();
        let kept = unowned.map(|(address, observed)| (address.clone(), kept(observed))).collect();
        let computed = resources().map(|(a, o)| (a.clone(), o.computed.clone())).collect();
        let sequence = AtomicU64::new(journal.next_sequence());
        let inner = Mutex::new(Inner { snapshot, computed, kept, touched: Default::default(), looked_at });
        Self { journal, broken: OnceLock::new(), sequence, inner }
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a record durable. Once one was not, none is, and an error is what every step gets to see: a step
    /// whose own intent is durable does not send its request either.
    pub(crate) async fn append(&self, record: Record) -> Result<(), StateError> {
        let appended = self.journal.append(record).await;
        if let Err(error) = &appended {
            self.broken.get_or_init(|| error.clone());
        }
        self.broken.get().map_or(appended, |error| Err(error.clone()))
    }

    pub(crate) fn entry(&self, address: &Address) -> Option<ResourceState> {
        self.lock().snapshot.resources.get(address).cloned()
    }

    pub(crate) fn kept(&self, address: &Address) -> BTreeMap<String, Json> {
        self.lock().kept.get(address).cloned().unwrap_or_default()
    }

    /// A computed value of a resource that stands; of a secret one what stands for it.
    pub(crate) fn computed(&self, address: &Address, name: &str) -> Option<Json> {
        let Some(listed) = address.listed(name) else { return self.lock().seen(address, name) };
        let arm_id = self.arm_id(address)?;
        Some(stand_in(&arm_id, name, self.lock().seen(address, listed.moves_with).as_ref()))
    }

    /// The id of a resource that stands.
    pub(crate) fn arm_id(&self, address: &Address) -> Option<ArmId> {
        let inner = self.lock();
        let own = inner.snapshot.resources.get(address).and_then(|entry| entry.arm_id.clone());
        own.or_else(|| inner.looked_at.get(address).cloned())
    }

    /// Takes a step's end into the state, as replaying its journal would.
    pub(crate) fn end(&self, intent: &Intent, ending: &Ending, computed: BTreeMap<&'static str, Json>) {
        if matches!(ending, Ending::Unchanged) {
            return;
        }
        let mut inner = self.lock();
        fold(&mut inner.snapshot, intent, ending);
        let address = &intent.address;
        if !computed.is_empty() {
            inner.computed.insert(address.clone(), computed);
        } else if !inner.snapshot.resources.contains_key(address) && intent.step != Verb::Forget.word() {
            // What is forgotten still stands.
            inner.computed.remove(address);
        }
        // A new address is all that a move changes: what the plan foresaw of the entry still holds.
        if intent.step != Verb::Move.word() {
            inner.touched.insert(address.clone());
        }
    }

    pub(crate) fn touched(&self, address: &Address) -> bool {
        self.lock().touched.contains(address)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.lock().snapshot.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("BUG: a step panicked while it held the state")
    }
}
