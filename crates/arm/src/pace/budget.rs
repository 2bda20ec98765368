//! What may still be sent, as ARM's token buckets have it (arm-faults §3): a burst while the bucket is
//! full, and below a reserve no faster than it fills. Each reply tells how much is left, so nothing has
//! to be known about a subscription's limits beforehand.
//!
//! Pure: time is passed in.

use std::time::Duration;

use http::{HeaderMap, Method};
use tokio::time::Instant;

/// What ARM counts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bucket {
    Reads,
    Writes,
    Deletes,
}

/// The share of a bucket that is not sent in a burst: others live from the same one.
const RESERVE: f64 = 0.2;

/// How many may be on their way before the first reply tells how much is left.
const UNHEARD: u32 = 4;

/// The slowest pace that refusals can bring a budget to, in requests a second.
const REFILL_MIN: f64 = 0.2;

impl Bucket {
    /// The bucket that a method is taken from; POST counts as a write even where it only reads.
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Bucket::Reads,
            Method::DELETE => Bucket::Deletes,
            _ => Bucket::Writes,
        }
    }

    /// Requests a second that a full subscription's bucket gains (arm-faults §3); where a bucket gains
    /// less, refusals teach it.
    fn refill(self) -> f64 {
        match self {
            Bucket::Reads => 25.0,
            Bucket::Writes | Bucket::Deletes => 10.0,
        }
    }

    /// What a reply says is left: the least of what it says of the subscription, of all its principals
    /// together, and of the tenant.
    pub(crate) fn remaining(self, headers: &HeaderMap) -> Option<f64> {
        let said = self.headers().iter().filter_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?;
            value.trim().parse::<u32>().ok()
        });
        said.min().map(f64::from)
    }

    fn headers(self) -> &'static [&'static str] {
        match self {
            Bucket::Reads => &[
                "x-ms-ratelimit-remaining-subscription-reads",
                "x-ms-ratelimit-remaining-subscription-global-reads",
                "x-ms-ratelimit-remaining-tenant-reads",
            ],
            Bucket::Writes => &[
                "x-ms-ratelimit-remaining-subscription-writes",
                "x-ms-ratelimit-remaining-subscription-global-writes",
                "x-ms-ratelimit-remaining-tenant-writes",
            ],
            Bucket::Deletes => &[
                "x-ms-ratelimit-remaining-subscription-deletes",
                "x-ms-ratelimit-remaining-subscription-global-deletes",
                "x-ms-ratelimit-remaining-tenant-deletes",
            ],
        }
    }
}

/// What a request has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A time.
    Until(Instant),
    /// One on its way to come back.
    Reply,
}

/// One bucket of one subscription, as far as we know it.
#[derive(Debug)]
pub(crate) struct Budget {
    /// What may be sent now; none until a reply has told, and for good where none tells.
    level: Option<f64>,
    /// Whether there was any reply.
    heard: bool,
    /// The most that a reply has shown.
    capacity: f64,
    /// Requests a second that it gains.
    refill: f64,
    /// When `level` was true.
    at: Instant,
    /// When the last request was let go.
    last: Option<Instant>,
    closed_until: Option<Instant>,
    in_flight: u32,
}

impl Budget {
    pub(crate) fn new(bucket: Bucket, now: Instant) -> Self {
        Self {
            level: None,
            heard: false,
            capacity: 0.0,
            refill: bucket.refill(),
            at: now,
            last: None,
            closed_until: None,
            in_flight: 0,
        }
    }

    /// Takes one, or says when to ask again.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Wait> {
        self.fill(now);
        let not_before = [self.closed_until, self.slot(now)].into_iter().flatten().max();
        if let Some(later) = not_before.filter(|at| *at > now) {
            return Err(Wait::Until(later));
        }
        if !self.heard && self.in_flight >= UNHEARD {
            return Err(Wait::Reply);
        }
        if let Some(level) = &mut self.level {
            *level -= 1.0;
        }
        self.last = Some(now);
        self.in_flight += 1;
        Ok(())
    }

    /// A request came back without a reply.
    pub(crate) fn was_lost(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A request came back; `remaining` is what its reply says is left.
    pub(crate) fn came_back(&mut self, remaining: Option<f64>, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.heard = true;
        let Some(remaining) = remaining else { return };
        self.capacity = self.capacity.max(remaining + 1.0);
        // Those on their way may not have been counted yet.
        self.level = Some(remaining - f64::from(self.in_flight));
        self.at = now;
    }

    /// Nobody sends until then: a request sent earlier would be refused again.
    pub(crate) fn close(&mut self, until: Instant) {
        self.closed_until = Some(self.closed_until.map_or(until, |standing| standing.max(until)));
    }

    /// The bucket was empty although we paced: it fills slower than we thought. Refusals that come
    /// while it is closed are of the same moment, and teach nothing more.
    pub(crate) fn slow_down(&mut self, now: Instant) {
        if self.closed_until.is_none_or(|until| until <= now) && self.level.is_some() {
            self.refill = (self.refill * 0.7).max(REFILL_MIN);
        }
    }

    /// Until when it is closed, if it is.
    pub(crate) fn closed(&self, now: Instant) -> Option<Instant> {
        self.closed_until.filter(|until| *until > now)
    }

    fn fill(&mut self, now: Instant) {
        let gained = self.refill * now.duration_since(self.at).as_secs_f64();
        self.level = self.level.map(|level| (level + gained).min(self.capacity));
        self.at = now;
    }

    /// When the next one may go. Above the reserve: at once. Below: at the pace of the refill, somewhat
    /// slower the emptier the bucket is and faster the fuller, so that it settles at half the reserve
    /// whatever the true refill is.
    fn slot(&self, now: Instant) -> Option<Instant> {
        let level = self.level?;
        let reserve = (self.capacity * RESERVE).max(1.0);
        if level >= reserve.max(2.0) {
            return None;
        }
        let pace = self.refill * (0.5 + (level / reserve).clamp(0.0, 1.0));
        let spaced = self.last.map(|last| last + seconds(1.0 / pace));
        let filled = (level < 1.0).then(|| now + seconds((1.0 - level) / self.refill));
        [spaced, filled].into_iter().flatten().max()
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, 600.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server's bucket.
    struct Server {
        level: f64,
        capacity: f64,
        refill: f64,
        at: Instant,
        refused: u32,
    }

    impl Server {
        fn new(capacity: f64, refill: f64, at: Instant) -> Self {
            Self { level: capacity, capacity, refill, at, refused: 0 }
        }

        /// What is left, after taking one; none when it is refused.
        fn take(&mut self, now: Instant) -> Option<f64> {
            let gained = self.refill * (now - self.at).as_secs_f64();
            self.level = (self.level + gained).min(self.capacity);
            self.at = now;
            if self.level < 1.0 {
                self.refused += 1;
                return None;
            }
            self.level -= 1.0;
            Some(self.level.floor())
        }
    }

    /// Sends `count` requests that take `latency` each; returns the time they took and the refusals.
    fn send(count: u32, latency: Duration, capacity: f64, refill: f64) -> (f64, u32) {
        let start = Instant::now();
        let mut now = start;
        let mut server = Server::new(capacity, refill, start);
        let mut budget = Budget::new(Bucket::Writes, start);
        let mut flying: std::collections::VecDeque<(Instant, Option<f64>)> = Default::default();
        // As many in flight as landed before, as `Flight` has it.
        let mut places = 4;
        let mut left = count;
        while left > 0 || !flying.is_empty() {
            let slot = if left == 0 || flying.len() >= places { None } else { Some(budget.take(now)) };
            match slot {
                Some(Ok(())) => {
                    left -= 1;
                    flying.push_back((now + latency, server.take(now)));
                    continue;
                }
                Some(Err(Wait::Until(later))) if flying.front().is_none_or(|(at, _)| *at > later) => {
                    now = later;
                    continue;
                }
                _ => {}
            }
            let Some((at, remaining)) = flying.pop_front() else { continue };
            now = now.max(at);
            places = (places + 1).min(32);
            match remaining {
                Some(_) => budget.came_back(remaining, now),
                None => {
                    left += 1;
                    budget.came_back(Some(0.0), now);
                    budget.slow_down(now);
                    budget.close(now + Duration::from_secs(1));
                }
            }
        }
        ((now - start).as_secs_f64(), server.refused)
    }

    #[test]
    fn a_budget_is_used_up_and_not_overdrawn() {
        for latency in [1, 50, 400].map(Duration::from_millis) {
            for (capacity, refill) in [(200.0, 10.0), (20.0, 10.0), (10.0, 10.0), (10.0, 5.0), (50.0, 20.0)] {
                let (took, refused) = send(500, latency, capacity, refill);
                let best = (500.0 - capacity) / refill;
                let words =
                    format!("{latency:?} {capacity} {refill}: {took} s of {best} s, {refused} refused");
                assert!(best / took >= 0.9, "{words}");
                assert!(refused <= 10, "{words}");
            }
        }
    }

    #[test]
    fn a_reply_tells_the_least_of_what_is_left() {
        let mut headers = HeaderMap::new();
        assert_eq!(Bucket::Reads.remaining(&headers), None);
        headers
            .insert("x-ms-ratelimit-remaining-subscription-global-reads", "3749".parse().expect("a value"));
        headers.insert("x-ms-ratelimit-remaining-subscription-reads", "249".parse().expect("a value"));
        assert_eq!(Bucket::Reads.remaining(&headers), Some(249.0));
        assert_eq!(Bucket::Writes.remaining(&headers), None);
    }

    #[test]
    fn few_go_before_the_first_reply_tells_what_is_left() {
        let now = Instant::now();
        let mut budget = Budget::new(Bucket::Writes, now);
        let gone = (0..128).take_while(|_| budget.take(now).is_ok()).count();
        assert_eq!((gone, budget.take(now)), (4, Err(Wait::Reply)));
        budget.was_lost();
        assert_eq!((budget.take(now), budget.take(now)), (Ok(()), Err(Wait::Reply)));
        budget.came_back(None, now);
        assert!((0..128).all(|_| budget.take(now).is_ok()), "a cloud that tells nothing sets no bound");
    }

    #[test]
    fn a_closed_bucket_lets_nothing_go() {
        let now = Instant::now();
        let mut budget = Budget::new(Bucket::Reads, now);
        let until = now + Duration::from_secs(9);
        budget.close(until);
        budget.close(now);
        assert_eq!(budget.take(now), Err(Wait::Until(until)));
        assert_eq!(budget.take(until), Ok(()));
    }
}
