//! What a child process costs.
//!
//! CPU is the time that the kernel adds to ours when a child is waited for: exact in sum, told in hundredths of a
//! second. The peak is the last one seen while the child ran. Finer figures need `unsafe` or another dependency.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a running child is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// Linux tells processor time in this unit on every machine.
const TICKS_PER_SECOND: f64 = 100.0;
const RUNS: usize = 10;

/// What a run of plumb cost.
#[derive(Clone, Copy)]
pub struct Cost {
    /// CPU seconds, user and system.
    pub cpu: f64,
    /// Peak resident memory in MiB.
    pub peak: f64,
}

/// Runs a command that must succeed, with `look` called now and then; its cost and what it printed.
pub fn measure(mut command: Command, printed: &Path, mut look: impl FnMut()) -> (Cost, String) {
    let before = children_cpu();
    let out = File::create(printed).expect("files can be made");
    let mut child = command.stdout(out).stderr(Stdio::null()).spawn().expect("plumb starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    let ended = loop {
        peak = peak_of(&status).unwrap_or(peak);
        look();
        match child.try_wait().expect("children can be waited for") {
            Some(ended) => break ended,
            None => thread::sleep(LOOK),
        }
    };
    let text = fs::read_to_string(printed).expect("plumb writes UTF-8");
    assert!(ended.success(), "{command:?}: {ended}\n{text}");
    (Cost { cpu: children_cpu() - before, peak }, text)
}

/// Runs a command ten times: the shortest wall time and the mean CPU time, in milliseconds.
pub fn quickest(command: impl Fn() -> Command) -> (f64, f64) {
    let before = children_cpu();
    let mut wall = Duration::MAX;
    for _ in 0..RUNS {
        let started = Instant::now();
        let ended = command().stdout(Stdio::null()).stderr(Stdio::null()).status().expect("plumb starts");
        wall = wall.min(started.elapsed());
        assert!(ended.success(), "{:?}: {ended}", command());
    }
    (wall.as_secs_f64() * 1e3, (children_cpu() - before) * 1e3 / RUNS as f64)
}

/// CPU seconds of every child that was waited for.
fn children_cpu() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let (_, after_name) = text.rsplit_once(')').expect("the name stands in brackets");
    // Fields 16 and 17 of proc_pid_stat(5); the first after the name is the third.
    let ticks = |field: usize| -> f64 {
        let word = after_name.split_whitespace().nth(field - 3).expect("the fields are there");
        word.parse().expect("a number")
    };
    (ticks(16) + ticks(17)) / TICKS_PER_SECOND
}

fn peak_of(status: &str) -> Option<f64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib / 1024.0)
}
