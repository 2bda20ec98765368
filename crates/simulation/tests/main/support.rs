//! Playing many scenarios in tests.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use simulation::play::play;
use simulation::scenario::Scenario;
use simulation::tally::Tally;

/// Plays all; each breaks no rule. A failure names the command that shows it.
pub fn all_good(cases: impl Iterator<Item = (String, Scenario)>, tally: &Tally) {
    let cases: Vec<(String, Scenario)> = cases.collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((command, scenario)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let played = play(scenario, true, tally);
            if !played.is_good() {
                let words = format!("{command}: {:?} {:?}", played.breaches.first(), played.invalid);
                wrong.lock().expect("no panic elsewhere").push(words);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| _ = scope.spawn(work));
    });
    let wrong = wrong.into_inner().expect("no panic elsewhere");
    assert!(wrong.is_empty(), "{} of {} broke a rule:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
