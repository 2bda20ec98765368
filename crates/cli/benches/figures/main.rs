//! `make bench`: what plumb costs, in counts, CPU seconds and ratios, beside the bar that each is held to.
//!
//! Wall time says more about the machine than about plumb: only the two smallest commands show it. A wrong
//! answer ends the run; a figure over its bar does not.
//!
//! For comparison: Terraform 1.11.4 plans 10,000 independent resources in 14 CPU seconds and 1 GiB.

mod child;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/main/cloud.rs"]
mod cloud;
mod paced;
#[path = "../../tests/main/project.rs"]
mod project;
mod shapes;
mod table;

use std::fs;
use std::path::Path;

use emulator::{Method, Options};

use crate::child::{Cost, measure, quickest};
use crate::cloud::Cloud;
use crate::project::Project;
use crate::shapes::{independent, layered, project_of, workspace};
use crate::table::{Row, head, print};

/// Every shape is measured at these counts, and the figures at the middle one are held to bars.
const COUNTS: [usize; 3] = [1_000, 10_000, 20_000];
const HELD: usize = 10_000;

const PAGE_SIZE: usize = 100;
const RATIO_MAX: f64 = 12.0;

fn main() {
    head();
    // One part alone, by its name: `make bench ONLY=budget`.
    match std::env::args().nth(1).filter(|name| !name.starts_with('-')).as_deref() {
        Some("budget") => return paced::budget(),
        Some("latency") => return paced::latency(),
        _ => {}
    }
    small_commands();
    paced::latency();
    paced::budget();
    for count in COUNTS {
        let cost = planned(&project_of(&independent(count)), count, count);
        print(&plan_rows("plan, all new", count, cost, 0.5, Some(150.0)));
    }
    for count in COUNTS {
        let cost = planned(&project_of(&layered(count)), count, count);
        print(&plan_rows("plan, ten layers", count, cost, 1.0, None));
    }
    let applied = COUNTS.map(standing);
    let ratio = |name, of: fn(&Applied) -> f64| {
        let name = format!("apply {name}, {} : {}", COUNTS[1], COUNTS[0]);
        Row::held_to(&name, of(&applied[1]) / of(&applied[0]), RATIO_MAX, "times")
    };
    print(&[ratio("CPU", |a| a.cost.cpu), ratio("bytes", |a| a.bytes)]);
}

fn small_commands() {
    let minimal = Project::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/minimal"));
    for args in ["--version", "validate"] {
        let (wall, cpu) = quickest(|| minimal.command(&[args]));
        print(&[
            Row::held_to(&format!("plumb {args}, CPU, mean of ten"), cpu, 20.0, "ms"),
            Row::held_to(&format!("plumb {args}, wall, best of ten"), wall, 20.0, "ms"),
        ]);
    }
}

/// Plans without reading Azure; the plan must make `new` resources.
fn planned(project: &Project, count: usize, new: usize) -> Cost {
    let command = project.command(&["plan", "--refresh=false"]);
    let (cost, text) = measure(command, &project.root.join("printed"), || {});
    let wanted = if new == 0 {
        "No changes.".to_owned()
    } else {
        format!("Plan: {new} to add, 0 to change, 0 to destroy.")
    };
    assert!(text.contains(&wanted), "the plan of {count} does not say {wanted}");
    cost
}

fn plan_rows(name: &str, count: usize, cost: Cost, cpu_max: f64, peak_max: Option<f64>) -> [Row; 2] {
    let (cpu, peak) = (format!("{name}, {count}: CPU"), format!("{name}, {count}: peak"));
    let peak_max = peak_max.filter(|_| count == HELD);
    [
        if count == HELD {
            Row::held_to(&cpu, cost.cpu, cpu_max, "s")
        } else {
            Row::new(&cpu, cost.cpu, "s")
        },
        peak_max.map_or(Row::new(&peak, cost.peak, "MiB"), |max| Row::held_to(&peak, cost.peak, max, "MiB")),
    ]
}

/// What an apply cost.
struct Applied {
    cost: Cost,
    bytes: f64,
}

/// Applies the clusters to an emulator of ours, and plans again when all stands.
fn standing(count: usize) -> Applied {
    let cloud = Cloud::start(Options { log_size: 0, page_size: PAGE_SIZE, ..Options::default() });
    let mut below = project_of(&workspace());
    below.endpoint = Some(cloud.endpoint());
    below.ok(&["apply", "--auto-approve"]);
    let mut project = project_of(&independent(count));
    project.endpoint = below.endpoint.clone();

    let applied = apply(&project, &cloud, count);
    let cost = planned(&project, count, 0);
    print(&plan_rows("plan, all stands", count, cost, 0.5, Some(150.0)));
    refreshed(&project, &cloud, count);
    applied
}

fn apply(project: &Project, cloud: &Cloud, count: usize) -> Applied {
    cloud.control(Method::Delete, "requests", None);
    let command = project.command(&["apply", "--auto-approve", "--parallelism", "64"]);
    // The journal goes when the state has it all; a second name keeps what was written.
    let (journal, kept) = (project.root.join(".plumb/journal"), project.root.join("journal"));
    let keep = || _ = fs::hard_link(&journal, &kept);
    let (cost, text) = measure(command, &project.root.join("printed"), keep);
    assert!(text.contains(&format!("{count} added")), "the apply of {count} does not say so");
    let size = |path: &Path| fs::metadata(path).expect("it was written").len() as f64 / 1e6;
    let (journal, state) = (size(&kept), size(&project.root.join(".plumb/state.json")));
    let row = |name: &str, figure, unit| Row::new(&format!("apply, {count}: {name}"), figure, unit);
    print(&[
        row("CPU", cost.cpu, "s"),
        row("peak", cost.peak, "MiB"),
        row("journal", journal, "MB"),
        row("state", state, "MB"),
    ]);
    for (method, number) in requests(cloud) {
        print(&[row(&method, number, "requests")]);
    }
    Applied { cost, bytes: journal + state }
}

/// Plans with a reading of Azure, which must find nothing to do.
fn refreshed(project: &Project, cloud: &Cloud, count: usize) {
    cloud.control(Method::Delete, "requests", None);
    let (cost, text) = measure(project.command(&["plan"]), &project.root.join("printed"), || {});
    assert!(text.contains("No changes."), "the plan of {count} that stand has changes");
    let sent = requests(cloud).iter().map(|(_, number)| number).sum();
    let name = format!("plan with refresh, all stands, {count}");
    print(&[
        Row::held_to(&format!("{name}: sent"), sent, (count / PAGE_SIZE + 5) as f64, "requests"),
        Row::new(&format!("{name}: CPU"), cost.cpu, "s"),
    ]);
}

/// Requests by method since the counters were cleared.
fn requests(cloud: &Cloud) -> Vec<(String, f64)> {
    let counters = cloud.control(Method::Get, "counters", None);
    let counters = counters.as_object().expect("counters by method");
    counters.iter().map(|(method, number)| (method.clone(), number.as_f64().unwrap_or_default())).collect()
}
