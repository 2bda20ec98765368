//! How patient the client is: pauses, deadlines and limits, all in one place.

use std::time::Duration;

use uuid::Uuid;

use crate::endpoint::Endpoint;

/// Pauses, deadlines and limits of a client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The pause before the first poll of an operation, when the reply names none.
    pub poll_interval: Duration,
    /// What that pause grows to.
    pub poll_interval_max: Duration,
    /// How long an operation is waited for. The operation itself goes on (arm-faults §4, rule 10).
    pub deadline: Duration,
    /// How long reads may lag: a fresh status URL or resource that is not found yet, a deleted one
    /// that still shows.
    pub settle_window: Duration,
    /// How long one request is tried again.
    pub retry_window: Duration,
    /// How long another operation on the same resource is waited for.
    pub conflict_window: Duration,
    /// How long a region that is down gets no new writes, and the least pause between polls of its
    /// operations meanwhile (arm-faults §8).
    pub outage_pause: Duration,
    /// How often one request is sent at most.
    pub attempts_max: u32,
    /// How many requests are in flight at most.
    pub concurrency: usize,
    /// How long two readings of "not found" must lie apart before a resource counts as gone
    /// (arm-faults §6).
    pub gone_proof_interval: Duration,
    /// Where jitter and request ids start from; the same seed gives the same ones.
    pub seed: u64,
}

impl Settings {
    /// The settings that suit an endpoint.
    pub fn of(endpoint: &Endpoint) -> Self {
        if endpoint.is_loopback() { Self::loopback() } else { Self::azure() }
    }

    /// For Azure: recorded clients poll every 30 s (machine-learning facts §6.1); azurerm waits 30
    /// minutes for an operation (§5.4), we an hour, since some deletes are slow.
    pub fn azure() -> Self {
        Self {
            poll_interval: Duration::from_secs(30),
            poll_interval_max: Duration::from_secs(30),
            deadline: Duration::from_secs(60 * 60),
            settle_window: Duration::from_secs(5 * 60),
            retry_window: Duration::from_secs(10 * 60),
            conflict_window: Duration::from_secs(10 * 60),
            outage_pause: Duration::from_secs(60),
            attempts_max: 16,
            concurrency: 32,
            gone_proof_interval: Duration::from_secs(30),
            seed: random_seed(),
        }
    }

    /// For an emulator on this machine, whose operations end soon.
    pub fn loopback() -> Self {
        Self {
            poll_interval: Duration::from_millis(50),
            poll_interval_max: Duration::from_millis(500),
            gone_proof_interval: Duration::ZERO,
            settle_window: Duration::from_secs(60),
            retry_window: Duration::from_secs(2 * 60),
            conflict_window: Duration::from_secs(2 * 60),
            outage_pause: Duration::from_secs(5),
            ..Self::azure()
        }
    }
}

fn random_seed() -> u64 {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    high ^ low
}
