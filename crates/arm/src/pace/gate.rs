//! One gate for the whole process, before the wire: budgets of requests by subscription and kind, then
//! places in flight (arm-faults §3).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::budget::{Bucket, Budget, Wait};
use super::flight::{Flight, Landing, Place};

/// One budget and the queue before it.
#[derive(Debug)]
struct Lane {
    bucket: Bucket,
    budget: Mutex<Budget>,
    /// Whose turn it is; the others wait in the order they came.
    turn: tokio::sync::Mutex<()>,
    /// Told when one came back.
    back: Notify,
}

impl Lane {
    fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            budget: Mutex::new(Budget::new(bucket, Instant::now())),
            turn: Default::default(),
            back: Notify::new(),
        }
    }

    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().expect("BUG: a holder of the lock panicked")
    }

    /// Waits until the budget lets one go, and takes it.
    async fn take(&self) {
        let _turn = self.turn.lock().await;
        loop {
            let taken = self.budget().take(Instant::now());
            match taken {
                Ok(()) => return,
                Err(Wait::Until(later)) => sleep_until(later).await,
                Err(Wait::Reply) => self.back.notified().await,
            }
        }
    }

    /// One came back; `with` learns from it.
    fn came_back(&self, with: impl FnOnce(&mut Budget)) {
        with(&mut self.budget());
        self.back.notify_one();
    }
}

#[derive(Debug)]
pub(crate) struct Gate {
    lanes: Mutex<BTreeMap<(String, Bucket), Arc<Lane>>>,
    flight: Flight,
}

/// The right to send one request.
pub(crate) struct Pass<'a> {
    lane: Arc<Lane>,
    gate: &'a Gate,
    _place: Place<'a>,
    back: bool,
}

impl Gate {
    /// At most so many requests in flight.
    pub(crate) fn new(concurrency: usize) -> Self {
        Self { lanes: Mutex::default(), flight: Flight::new(concurrency) }
    }

    /// Waits for the budget of a subscription and for a place in flight.
    pub(crate) async fn enter(&self, subscription: &str, bucket: Bucket) -> Pass<'_> {
        let lane = self.lane(subscription, bucket);
        loop {
            lane.take().await;
            let place = self.flight.enter().await;
            // It may have closed while we queued.
            if lane.budget().closed(Instant::now()).is_none() {
                return Pass { lane, gate: self, _place: place, back: false };
            }
            lane.came_back(Budget::was_lost);
        }
    }

    /// Closes a bucket for everybody.
    pub(crate) fn close(&self, subscription: &str, bucket: Bucket, pause: Duration) {
        self.lane(subscription, bucket).budget().close(Instant::now() + pause);
    }

    fn lane(&self, subscription: &str, bucket: Bucket) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().expect("BUG: a holder of the lock panicked");
        let key = (subscription.to_ascii_lowercase(), bucket);
        lanes.entry(key).or_insert_with(|| Arc::new(Lane::new(bucket))).clone()
    }
}

/// What came back for a pass.
pub(crate) enum Return<'a> {
    /// A reply; whether it shows that the server struggles.
    Reply(&'a HeaderMap, Landing),
    /// ARM's own refusal: the bucket is empty.
    Throttled(&'a HeaderMap),
    /// No reply that could be read.
    Lost,
}

impl Pass<'_> {
    /// The request came back.
    pub(crate) fn back(mut self, with: &Return<'_>) {
        self.back = true;
        let now = Instant::now();
        let bucket = self.lane.bucket;
        match with {
            Return::Reply(headers, landing) => {
                self.lane.came_back(|budget| budget.came_back(bucket.remaining(headers), now));
                self.gate.flight.landed(*landing);
            }
            Return::Throttled(headers) => self.lane.came_back(|budget| {
                budget.came_back(Some(bucket.remaining(headers).unwrap_or_default()), now);
                budget.slow_down(now);
            }),
            Return::Lost => {
                self.lane.came_back(Budget::was_lost);
                self.gate.flight.landed(Landing::Trouble);
            }
        }
    }
}

impl Drop for Pass<'_> {
    /// A request that nobody waits for any more.
    fn drop(&mut self) {
        if !self.back {
            self.lane.came_back(Budget::was_lost);
        }
    }
}
