//! How many requests are in flight: few at first, more while replies come, half as many when a server
//! struggles (5xx, lost connections, refusals of a service whose budget ARM's headers do not show).

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

const START: usize = 4;
const LEAST: usize = 2;

/// Troubles of one moment count once.
const MOMENT: Duration = Duration::from_secs(1);

/// How a request in flight ended, as far as it says something about how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Landing {
    Good,
    /// The server struggles.
    Trouble,
}

/// The places for requests in flight.
#[derive(Debug)]
pub(crate) struct Flight {
    places: Semaphore,
    limit: Mutex<Limit>,
}

#[derive(Debug)]
struct Limit {
    now: usize,
    most: usize,
    /// Places to take away as they become free.
    owed: usize,
    /// Good landings since the limit grew.
    good: usize,
    /// When there was trouble last; until the first, the limit grows with each landing.
    trouble: Option<Instant>,
}

/// A place in flight, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    flight: &'a Flight,
    permit: Option<SemaphorePermit<'a>>,
}

impl Flight {
    /// At most so many at once.
    pub(crate) fn new(most: usize) -> Self {
        let most = most.max(1);
        let now = START.min(most);
        let limit = Limit { now, most, owed: 0, good: 0, trouble: None };
        Self { places: Semaphore::new(now), limit: Mutex::new(limit) }
    }

    /// Waits for a place; first come, first served.
    pub(crate) async fn enter(&self) -> Place<'_> {
        let permit = self.places.acquire().await.expect("BUG: nobody closes the semaphore");
        Place { flight: self, permit: Some(permit) }
    }

    /// Learns from how a request ended.
    pub(crate) fn landed(&self, landing: Landing) {
        let mut limit = self.limit.lock().expect("BUG: a holder of the lock panicked");
        match landing {
            Landing::Good => self.grow(&mut limit),
            Landing::Trouble => shrink(&mut limit),
        }
    }

    fn grow(&self, limit: &mut Limit) {
        limit.good += 1;
        let enough = if limit.trouble.is_none() { 1 } else { limit.now };
        if limit.good < enough || limit.now >= limit.most {
            return;
        }
        limit.good = 0;
        limit.now += 1;
        if limit.owed > 0 {
            limit.owed -= 1;
        } else {
            self.places.add_permits(1);
        }
    }
}

fn shrink(limit: &mut Limit) {
    let now = Instant::now();
    if limit.trouble.is_some_and(|last| now < last + MOMENT) {
        return;
    }
    limit.trouble = Some(now);
    limit.good = 0;
    let least = LEAST.min(limit.most);
    let less = (limit.now / 2).max(least);
    limit.owed += limit.now - less;
    limit.now = less;
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut limit = self.flight.limit.lock().expect("BUG: a holder of the lock panicked");
        if limit.owed > 0 {
            limit.owed -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(flight: &Flight) -> usize {
        flight.limit.lock().expect("a lock").now
    }

    #[tokio::test(start_paused = true)]
    async fn it_grows_with_replies_and_halves_on_trouble() {
        let flight = Flight::new(16);
        assert_eq!(limit(&flight), START);
        (0..40).for_each(|_| flight.landed(Landing::Good));
        assert_eq!(limit(&flight), 16);
        let places: Vec<Place> = futures_util::future::join_all((0..16).map(|_| flight.enter())).await;
        flight.landed(Landing::Trouble);
        flight.landed(Landing::Trouble);
        assert_eq!(limit(&flight), 8);
        drop(places);
        assert_eq!(flight.places.available_permits(), 8);
        // After trouble it takes a round of good replies to gain one place.
        (0..7).for_each(|_| flight.landed(Landing::Good));
        assert_eq!(limit(&flight), 8);
        flight.landed(Landing::Good);
        assert_eq!((limit(&flight), flight.places.available_permits()), (9, 9));
    }

    #[tokio::test(start_paused = true)]
    async fn two_stay_however_bad_it_is() {
        let flight = Flight::new(16);
        for _ in 0..9 {
            flight.landed(Landing::Trouble);
            tokio::time::advance(MOMENT).await;
        }
        assert_eq!(limit(&flight), LEAST);
        let flight = Flight::new(1);
        flight.landed(Landing::Trouble);
        assert_eq!(limit(&flight), 1);
    }
}
