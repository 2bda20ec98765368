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

    /// The same clock, set going again at this moment of the machine from `cloud`, or from its own time if that is
    /// later.
    pub(crate) fn moved(&self, machine: Timestamp, cloud: Timestamp) -> Origin {
        Origin { cloud: cloud.max(self.cloud_time(machine)), machine, speed: self.speed }
    }

    /// The same clock with another speed from this moment of the machine on.
    pub(crate) fn at_speed(&self, machine: Timestamp, speed: f64) -> Origin {
        Origin { speed, ..self.moved(machine, Timestamp::MIN) }
    }
}

/// How the clock is set; it only ever goes forward.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockSetting {
    /// So many seconds ahead.
    pub advance_seconds: Option<f64>,
    /// Ahead to this moment.
    pub advance_to: Option<Timestamp>,
    /// Cloud seconds for each second of the machine from here on; 0 stands still.
    pub speed: Option<f64>,
}

impl ClockSetting {
    /// The clock after this setting, or why it cannot be set like this.
    pub(crate) fn apply(&self, origin: Origin, machine: Timestamp) -> Result<Origin, String> {
        let now = origin.cloud_time(machine);
        let is_amount = |amount: f64| amount.is_finite() && amount >= 0.0;
        if ![self.advance_seconds, self.speed].into_iter().flatten().all(is_amount) {
            return Err(
                "'advance_seconds' and 'speed' are numbers from 0 on: the clock never goes back.".into()
            );
        }
        if self.advance_to.is_some_and(|moment| moment < now) {
            return Err(format!("It is {now} already, and the clock never goes back."));
        }
        let ahead = seconds(self.advance_seconds.unwrap_or(0.0));
        let ahead = now.saturating_add(ahead).unwrap_or(Timestamp::MAX);
        let moved = origin.moved(machine, self.advance_to.unwrap_or(now).max(ahead));
        Ok(Origin { speed: self.speed.unwrap_or(origin.speed), ..moved })
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

    fn still() -> Origin {
        Origin { cloud: at("2026-01-01T00:00:00Z"), machine: at("2026-06-01T00:00:00Z"), speed: 0.0 }
    }

    fn set(setting: ClockSetting) -> Result<Origin, String> {
        setting.apply(still(), at("2026-06-02T00:00:00Z"))
    }

    #[test]
    fn a_step_moves_the_clock_and_keeps_its_speed() {
        let stepped = set(ClockSetting { advance_seconds: Some(90.0), ..ClockSetting::default() }).unwrap();
        assert_eq!(stepped.cloud_time(at("2026-07-01T00:00:00Z")), at("2026-01-01T00:01:30Z"));
    }

    #[test]
    fn a_clock_is_set_to_a_moment_and_goes_on_at_another_speed() {
        let moment = Some(at("2026-01-02T00:00:00Z"));
        let setting = ClockSetting { advance_to: moment, speed: Some(2.0), ..ClockSetting::default() };
        let moved = set(setting).unwrap();
        assert_eq!(moved.cloud_time(at("2026-06-02T00:00:30Z")), at("2026-01-02T00:01:00Z"));
    }

    #[test]
    fn a_clock_is_not_set_back() {
        let back = Some(at("2025-12-31T23:59:59Z"));
        assert!(set(ClockSetting { advance_to: back, ..ClockSetting::default() }).is_err());
        for amount in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(set(ClockSetting { advance_seconds: Some(amount), ..ClockSetting::default() }).is_err());
            assert!(set(ClockSetting { speed: Some(amount), ..ClockSetting::default() }).is_err());
        }
    }
}
