//! Jitter and request ids, from one seed, so that a simulation can repeat them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use uuid::Uuid;

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A SplitMix64 sequence that many tasks may draw from.
#[derive(Debug)]
pub(crate) struct Random(AtomicU64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A GUID for request headers.
    pub(crate) fn uuid(&self) -> Uuid {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// `pause` and up to a quarter more.
    pub(crate) fn spread(&self, pause: Duration) -> Duration {
        let share = (self.next() >> 32) as f64 / f64::from(u32::MAX);
        pause + pause.mul_f64(share / 4.0)
    }
}
