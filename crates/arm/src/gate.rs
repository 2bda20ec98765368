//! One gate for the whole process: how many requests are in flight, and a pause for every request of
//! a kind when Azure refused one of it (arm-faults §3).

use std::sync::Mutex;
use std::time::Duration;

use http::Method;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// What ARM counts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    Reads,
    Writes,
    Deletes,
}

impl Bucket {
    /// The bucket that a method is taken from; POST counts as a write even where it only reads.
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Bucket::Reads,
            Method::DELETE => Bucket::Deletes,
            _ => Bucket::Writes,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Gate {
    places: Semaphore,
    closed_until: Mutex<[Option<Instant>; 3]>,
}

impl Gate {
    pub(crate) fn new(concurrency: usize) -> Self {
        Self { places: Semaphore::new(concurrency.max(1)), closed_until: Mutex::new([None; 3]) }
    }

    /// Waits for the bucket to be open and for a place in flight.
    pub(crate) async fn enter(&self, bucket: Bucket) -> SemaphorePermit<'_> {
        loop {
            if let Some(until) = self.closed(bucket) {
                sleep_until(until).await;
            }
            let permit = self.places.acquire().await.expect("BUG: nobody closes the semaphore");
            // It may have closed while we queued.
            if self.closed(bucket).is_none() {
                return permit;
            }
        }
    }

    /// Closes a bucket for everybody; a request sent earlier would be refused again.
    pub(crate) fn close(&self, bucket: Bucket, pause: Duration) {
        let until = Instant::now() + pause;
        let mut closed = self.closed_until.lock().expect("BUG: a holder of the lock panicked");
        let at = &mut closed[bucket as usize];
        *at = Some(at.map_or(until, |standing| standing.max(until)));
    }

    fn closed(&self, bucket: Bucket) -> Option<Instant> {
        let closed = self.closed_until.lock().expect("BUG: a holder of the lock panicked");
        closed[bucket as usize].filter(|until| *until > Instant::now())
    }
}
