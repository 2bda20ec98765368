//! The cloud's own time: an origin, a speed, and the time of the machine.
//!
//! It goes on while nobody runs, because the origin is kept in the cloud file.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A moment of the cloud and the same moment of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) cloud: Timestamp,
    pub(crate) machine: Timestamp,
    /// Cloud seconds for each second of the machine.
    pub(crate) speed: f64,
}

impl Origin {
    /// The cloud's time at a time of the machine; never before the origin.
    pub(crate) fn cloud_time(&self, machine: Timestamp) -> Timestamp {
        let passed = machine.duration_since(self.machine).max(SignedDuration::ZERO).as_secs_f64();
        self.cloud.saturating_add(seconds(passed * self.speed)).unwrap_or(Timestamp::MAX)
    }

    /// The same clock, read and set going again at this moment, `advance` seconds ahead and with this speed.
    pub(crate) fn rebased(&self, machine: Timestamp, advance: f64, speed: f64) -> Origin {
        let cloud =
            self.cloud_time(machine).saturating_add(seconds(advance.max(0.0))).unwrap_or(Timestamp::MAX);
        Origin { cloud, machine, speed }
    }
}

/// A length of time, cut to what a timestamp can hold: 8,000 years.
fn seconds(count: f64) -> SignedDuration {
    const MOST: f64 = 8_000.0 * 365.0 * 86_400.0;
    SignedDuration::try_from_secs_f64(count.clamp(-MOST, MOST)).unwrap_or(SignedDuration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn cloud_time_runs_at_its_own_speed_and_never_back() {
        let origin =
            Origin { cloud: at("2026-01-01T00:00:00Z"), machine: at("2026-06-01T00:00:00Z"), speed: 60.0 };
        assert_eq!(origin.cloud_time(at("2026-06-01T00:00:10Z")), at("2026-01-01T00:10:00Z"));
        assert_eq!(origin.cloud_time(at("2026-05-01T00:00:00Z")), origin.cloud);
    }

    #[test]
    fn a_step_moves_the_clock_and_keeps_its_speed() {
        let origin =
            Origin { cloud: at("2026-01-01T00:00:00Z"), machine: at("2026-06-01T00:00:00Z"), speed: 0.0 };
        let stepped = origin.rebased(at("2026-06-02T00:00:00Z"), 90.0, 0.0);
        assert_eq!(stepped.cloud_time(at("2026-07-01T00:00:00Z")), at("2026-01-01T00:01:30Z"));
    }
}
