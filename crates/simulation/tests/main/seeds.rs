//! Seeds: what they show, and that the same seed shows the same.

use simulation::play::play;
use simulation::scenario::generate::generate;
use simulation::tally::{Tally, never_struck};

use crate::support::all_good;

/// As many as `make sim` plays by itself.
const SEEDS: u64 = 500;

/// Seeds that once showed a mistake, each with what it was.
const REMEMBERED: &[(u64, &str)] = &[
    (405, "a stop was called done while the instance was still stopping"),
    (1159, "a journal whose last byte alone had not reached the disk counted as damaged"),
    (1764, "a create that was sent again after a lost reply, and refused, counted as not done"),
];

#[test]
fn no_rule_is_broken_and_everything_strikes() {
    let tally = Tally::default();
    all_good((0..SEEDS).map(|seed| (format!("make sim SEED={seed}"), generate(seed))), &tally);
    let idle = never_struck(&tally.counts());
    assert!(idle.is_empty(), "these prove nothing, for they never struck: {idle:?}");
}

#[test]
fn what_once_went_wrong_stays_right() {
    for (seed, words) in REMEMBERED {
        let played = play(&generate(*seed), true, &Tally::default());
        assert!(played.is_good(), "seed {seed}, {words}: {:?}", played.breaches);
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    for seed in 0..12 {
        let trace = || play(&generate(seed), true, &Tally::default()).trace;
        let (first, again) = (trace(), trace());
        let differs = first.iter().zip(&again).find(|(a, b)| a != b);
        assert!(first == again, "seed {seed}: {differs:?}");
        assert!(first.len() > 50, "seed {seed}: {} lines", first.len());
    }
}
