//! `make kills N=40`: real processes, killed at seeded moments, and what a person has to do afterwards.
//!
//! Fifty clusters that take a second each, ten at once. A run is ended by SIGKILL, SIGHUP, a reader of its output that
//! goes away, or two interrupts; half of the runs make everything, half change, delete and add. Then `plan` and
//! `apply` as anybody would, and cloud and state are compared. Everything asked for here is zero; a figure that is
//! not ends the program with an error.
//!
//! For comparison: Terraform 1.11.4 loses 332 of 958 objects in 34 of 34 such runs, each to be imported by hand.

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/main/cloud.rs"]
mod cloud;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/main/project.rs"]
mod project;
mod run;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::run::{End, Found, Work, killed, whole};

/// The moments are the same in each series.
const SEED: u64 = 20_261_121;
/// Runs side by side: nearly all of a run is waiting.
const SIDE_BY_SIDE: usize = 4;
const RUNS: u64 = 40;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).filter(|text| !text.starts_with('-'));
    let runs = argument.map_or(RUNS, |text| text.parse().expect("how many runs"));
    let lengths = Work::ALL.map(|work| (work, whole(work)));
    for (work, length) in lengths {
        println!("a run that {} takes {:.1} s when nobody ends it", work.words(), length.as_secs_f64());
    }
    let (next, found) = (AtomicU64::new(0), Mutex::new(BTreeMap::<End, Found>::new()));
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        return;
                    }
                    let (end, work) = (End::ALL[number as usize % 4], Work::ALL[(number / 4) as usize % 2]);
                    let length = lengths.iter().find(|(w, _)| *w == work).expect("each was measured").1;
                    let one = killed(SEED + number, end, work, length);
                    found.lock().expect("no thread panics").entry(end).or_default().add(&one);
                }
            });
        }
    });
    report(&found.into_inner().expect("no thread panics"))
}

fn report(found: &BTreeMap<End, Found>) -> ExitCode {
    println!(
        "\n{:<16}{:>6}{:>9}{:>11}{:>6}{:>7}{:>18}{:>14}{:>15}",
        "ended by",
        "runs",
        "mid-run",
        "in flight",
        "lost",
        "twice",
        "wrongly complete",
        "manual steps",
        "next apply ≠ 0"
    );
    let mut all = Found::default();
    for (end, one) in found {
        line(end.words(), one);
        all.add(one);
    }
    line("all", &all);
    all.complaints.iter().for_each(|words| println!("{words}"));
    if all.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(name: &str, found: &Found) {
    println!(
        "{name:<16}{:>6}{:>9}{:>11}{:>6}{:>7}{:>18}{:>14}{:>15}",
        found.runs,
        found.mid_run,
        found.in_flight,
        found.lost,
        found.twice,
        found.wrongly_complete,
        found.manual_steps,
        found.next_apply_failed
    );
}
