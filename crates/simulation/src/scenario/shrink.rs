//! Makes a failing scenario small: whatever can go while it still fails goes.

use super::{Round, Scenario};
use crate::disk::Loss;
use crate::life::Side;

/// How many candidates are tried at most.
const TRIES: usize = 3000;

/// The smallest scenario found that still fails; `fails` says whether one does.
pub fn shrink(scenario: &Scenario, fails: impl Fn(&Scenario) -> bool) -> Scenario {
    let mut best = scenario.clone();
    let mut tries = 0;
    'again: loop {
        for candidate in smaller(&best) {
            tries += 1;
            if tries > TRIES {
                return best;
            }
            if fails(&candidate) {
                best = candidate;
                continue 'again;
            }
        }
        return best;
    }
}

/// Every scenario that is one step smaller, the boldest steps first.
fn smaller(scenario: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    for at in 0..scenario.rounds.len() {
        let mut less = scenario.clone();
        less.rounds.remove(at);
        all.push(less);
    }
    for (at, round) in scenario.rounds.iter().enumerate() {
        for round in smaller_rounds(round) {
            let mut less = scenario.clone();
            less.rounds[at] = round;
            all.push(less);
        }
    }
    all.retain(|less| !less.rounds.is_empty());
    all
}

fn smaller_rounds(round: &Round) -> Vec<Round> {
    let mut all = Vec::new();
    let mut without = |change: &dyn Fn(&mut Round)| {
        let mut less = round.clone();
        change(&mut less);
        if less != *round {
            all.push(less);
        }
    };
    without(&|r| r.second = None);
    without(&|r| r.trouble = None);
    without(&|r| r.interrupt = None);
    without(&|r| r.clock_ahead = None);
    without(&|r| r.parallelism = 1);
    (0..round.deaths.len()).for_each(|at| without(&|r| _ = r.deaths.remove(at)));
    (0..round.faults.len()).for_each(|at| without(&|r| _ = r.faults.remove(at)));
    (0..round.before.len()).for_each(|at| without(&|r| drop(r.before.remove(at))));
    (0..round.meanwhile.len()).for_each(|at| without(&|r| drop(r.meanwhile.remove(at))));
    (0..round.documents.len()).for_each(|at| without(&|r| drop(r.documents.remove(at))));
    for (at, document) in round.documents.iter().enumerate() {
        for key in document.as_object().into_iter().flat_map(|map| map.keys()) {
            without(&|r| drop(r.documents[at].as_object_mut().and_then(|map| map.remove(key))));
        }
    }
    for at in 0..round.deaths.len() {
        without(&|r| r.deaths[at].1 = Loss::Nothing);
        without(&|r| r.deaths[at].1 = Loss::Dropped);
        without(&|r| r.deaths[at].0.side = Side::Before);
    }
    all
}
