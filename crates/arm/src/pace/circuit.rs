//! Regions that are down: after many failures within a minute and nothing good between them, nothing new
//! is sent there for a while; then one write goes first, to see (arm-faults §8). Reads and polls go on,
//! the polls rarely.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// So many failures open the circuit …
const FAILURES: usize = 8;
/// … if they lie within this time.
const WINDOW: Duration = Duration::from_secs(60);

/// The circuits of all regions.
#[derive(Debug)]
pub(crate) struct Circuit {
    pause: Duration,
    regions: Mutex<BTreeMap<String, Region>>,
}

#[derive(Debug, Default)]
struct Region {
    failures: VecDeque<Instant>,
    closed_again_at: Option<Instant>,
    /// A write is on its way to see whether the region is back.
    probing: bool,
}

impl Circuit {
    /// Circuits that stay open for `pause`.
    pub(crate) fn new(pause: Duration) -> Self {
        Self { pause, regions: Mutex::default() }
    }

    /// Whether a write to a region may be sent.
    pub(crate) fn admits(&self, region: &str) -> bool {
        let mut regions = self.regions.lock().expect("BUG: a holder of the lock panicked");
        let Some(region) = regions.get_mut(&folded(region)) else { return true };
        match region.closed_again_at {
            None => true,
            Some(at) if at > Instant::now() || region.probing => false,
            Some(_) => {
                region.probing = true;
                true
            }
        }
    }

    /// Whether a region counts as down now.
    pub(crate) fn is_open(&self, region: &str) -> bool {
        let regions = self.regions.lock().expect("BUG: a holder of the lock panicked");
        regions.get(&folded(region)).is_some_and(|r| r.closed_again_at.is_some())
    }

    /// The region answered: whether well or in trouble.
    pub(crate) fn learn(&self, region: &str, good: bool) {
        let mut regions = self.regions.lock().expect("BUG: a holder of the lock panicked");
        if good {
            regions.remove(&folded(region));
            return;
        }
        let now = Instant::now();
        let region = regions.entry(folded(region)).or_default();
        region.failures.push_back(now);
        while region.failures.front().is_some_and(|at| *at + WINDOW < now) {
            region.failures.pop_front();
        }
        if region.probing || region.failures.len() >= FAILURES {
            region.closed_again_at = Some(now + self.pause);
            region.probing = false;
        }
    }
}

/// `West Europe` is `westeurope`.
fn folded(region: &str) -> String {
    region.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_region_that_only_fails_gets_no_writes_until_one_comes_through() {
        let circuit = Circuit::new(Duration::from_secs(60));
        (1..FAILURES).for_each(|_| circuit.learn("westeurope", false));
        assert!(circuit.admits("West Europe"));
        circuit.learn("West Europe", false);
        assert!(!circuit.admits("westeurope") && circuit.is_open("westeurope"));
        assert!(circuit.admits("northeurope"));
        tokio::time::advance(Duration::from_secs(60)).await;
        // One goes first; while it is on its way the others wait.
        assert!(circuit.admits("westeurope") && !circuit.admits("westeurope"));
        circuit.learn("westeurope", false);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(!circuit.admits("westeurope"));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(circuit.admits("westeurope"));
        circuit.learn("westeurope", true);
        assert!(circuit.admits("westeurope") && !circuit.is_open("westeurope"));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_far_apart_or_with_good_replies_between_them_are_no_outage() {
        let circuit = Circuit::new(Duration::from_secs(60));
        for _ in 0..3 * FAILURES {
            circuit.learn("a", false);
            tokio::time::advance(Duration::from_secs(9)).await;
        }
        for at in 0..3 * FAILURES {
            circuit.learn("b", at % 4 == 0);
        }
        assert!(circuit.admits("a") && circuit.admits("b"));
    }
}
