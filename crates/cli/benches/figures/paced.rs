//! What the client makes of a budget of requests, and of a slow line.

use std::path::Path;
use std::time::{Duration, Instant};

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::child::measure;
use crate::cloud::Cloud;
use crate::project::Project;
use crate::requests;
use crate::shapes::{independent, project_of, workspace};
use crate::table::{Row, print};

const CLUSTERS: usize = 500;
const WRITES_PER_SECOND: u32 = 10;
/// No burst hides what the pace is.
const BUCKET: u32 = 10;

const READ_CLUSTERS: usize = 1_000;
const LATENCY: Duration = Duration::from_millis(50);

/// An apply under a budget of ten writes a second, in a cloud as slow as Azure: how much of the budget is
/// used, and how often it is overdrawn.
pub fn budget() {
    let cloud = Cloud::as_asked(Options { speed: 20.0, ..Options::default() });
    let project = below(&cloud, CLUSTERS);
    let rate = json!({ "bucket": BUCKET, "refill": WRITES_PER_SECOND });
    cloud.control(Method::Post, "clock", Some(&json!({ "speed": 1.0 })));
    cloud.control(Method::Post, "budgets", Some(&json!({ "writes": rate })));
    let took = run(&project, &["apply", "--auto-approve"], &format!("{CLUSTERS} added"));
    let report = writes(&cloud.control(Method::Get, "budgets", None));
    let figure = |key: &str| report[key].as_f64().expect("a figure of the budget");
    let name = format!("apply, {CLUSTERS} at {WRITES_PER_SECOND} writes a second");
    print(&[
        Row::new(&format!("{name}: wall"), took, "s"),
        Row::at_least(&format!("{name}: of the budget used"), figure("busy") * 100.0, 90.0, "%"),
        Row::held_to(&format!("{name}: answered 429"), figure("throttled") * 100.0, 2.0, "%"),
    ]);
}

/// The caller's own bucket of writes.
fn writes(report: &Value) -> Value {
    let buckets = report["value"].as_array().expect("a list of buckets");
    let smallest = |bucket: &&Value| bucket["kind"] == "writes" && bucket["bucket"] == BUCKET;
    buckets.iter().find(smallest).expect("the budget that was set").clone()
}

/// A plan of clusters that all stand, when every request takes 50 ms.
pub fn latency() {
    let room = Project::empty();
    let file = room.root.join("cloud.json");
    let options = || Options { cloud_file: Some(file.clone()), log_size: 0, ..Options::default() };
    let first = Cloud::start(options());
    let project = below(&first, READ_CLUSTERS);
    run(&project, &["apply", "--auto-approve"], &format!("{READ_CLUSTERS} added"));
    // The state belongs to the cloud at this address.
    let port = first.endpoint().rsplit(':').next().and_then(|port| port.parse().ok());
    drop(first);
    let cloud = Cloud::start(Options { latency: LATENCY, port, ..options() });
    let took = run(&project, &["plan"], "No changes.");
    let sent = requests(&cloud).iter().map(|(_, number)| number).sum();
    let name = format!("plan with refresh, {READ_CLUSTERS} at {} ms a request", LATENCY.as_millis());
    print(&[
        Row::held_to(&format!("{name}: wall"), took, 1.0, "s"),
        Row::new(&format!("{name}: sent"), sent, "requests"),
    ]);
}

/// Runs plumb, which must say so; how long it took, in seconds.
fn run(project: &Project, args: &[&str], says: &str) -> f64 {
    let printed: &Path = &project.root.join("printed");
    let started = Instant::now();
    let (_, text) = measure(project.command(args), printed, || {});
    let took = started.elapsed().as_secs_f64();
    assert!(text.contains(says), "{args:?} does not say {says}: {text}");
    took
}

/// Documents of so many clusters, in a workspace that stands.
fn below(cloud: &Cloud, count: usize) -> Project {
    let mut below = project_of(&workspace());
    below.endpoint = Some(cloud.endpoint());
    below.ok(&["apply", "--auto-approve"]);
    let mut project = project_of(&independent(count));
    project.endpoint = below.endpoint.clone();
    project
}
