//! Signals and closed pipes: the run stops beginning steps, waits for those in flight, saves, and lets go of the lock.

use std::io::{BufRead as _, BufReader};

use emulator::{Method, Options};
use serde_json::json;

use crate::cloud::Cloud;
use crate::project::Project;
use crate::running::{Running, wait_until};

const CLUSTERS: usize = 12;
const IN_FLIGHT: usize = 3;

/// A project whose workspace stands and whose clusters do not, on a cloud that will not get done with them.
fn stage() -> (Cloud, Project) {
    let cloud = Cloud::start(Options::default());
    let mut project = Project::empty();
    project.endpoint = Some(cloud.endpoint());
    project.write("plumb.toml", "[project]\nname = \"signals\"\n");
    project.write(
        "manifests/base.yaml",
        "kind: resource_group\nname: ml\nlocation: westeurope\n---\nkind: workspace\nname: research\nresource_group: ml\nlocation: westeurope\n",
    );
    project.ok(&["apply", "--auto-approve"]);
    let cluster = |n| format!("kind: cluster\nname: c{n:02}\nworkspace: research\nmax_instances: 2\n");
    project.write("manifests/clusters.yaml", &(0..CLUSTERS).map(cluster).collect::<Vec<_>>().join("---\n"));
    cloud.control(Method::Post, "clock", Some(&json!({ "speed": 0.001 })));
    (cloud, project)
}

/// Clusters that the cloud was asked to make, each as often as it was asked.
fn asked(cloud: &mut Cloud) -> usize {
    let all = cloud.control(Method::Get, "requests", None);
    let requests = all["value"].as_array().cloned().unwrap_or_default();
    let is_put = |request: &&serde_json::Value| {
        request["method"] == "PUT" && request["path"].as_str().is_some_and(|path| path.contains("/computes/"))
    };
    requests.iter().filter(is_put).count()
}

/// From now on the cloud gets done with everything.
fn go_on(cloud: &Cloud) {
    cloud.control(Method::Post, "clock", Some(&json!({ "speed": 2000.0 })));
}

fn start(project: &Project) -> std::process::Command {
    project.command(&["apply", "--auto-approve", "--parallelism", &IN_FLIGHT.to_string()])
}

/// The next apply finishes, and nothing was asked for twice.
fn finishes(cloud: &mut Cloud, project: &Project) {
    let said = project.ok(&["apply", "--auto-approve"]);
    assert!(!said.stderr.contains("locked"), "{}", said.stderr);
    project.ok(&["plan", "--detailed-exitcode"]);
    assert_eq!(asked(cloud), CLUSTERS);
    let listed = project.ok(&["state", "list"]).stdout;
    assert_eq!(listed.lines().filter(|line| line.starts_with("cluster/")).count(), CLUSTERS);
}

#[test]
fn the_first_signal_waits_for_what_is_in_flight_and_saves() {
    for signal in ["INT", "TERM", "HUP"] {
        let (mut cloud, project) = stage();
        let mut run = Running::start(start(&project));
        wait_until("the first steps", || asked(&mut cloud) == IN_FLIGHT);
        run.signal(signal);
        run.wait_for(&format!("Stopping (SIG{signal})"));
        run.wait_for("Waiting for 3 steps: cluster/research/c00 (creating, ");
        if signal == "INT" {
            // It says so again, as long as it takes.
            wait_until("a second line", || run.stderr().matches("Waiting for 3 steps: ").count() > 1);
        }
        assert!(run.runs());
        go_on(&cloud);
        assert_eq!(run.end(), 1, "{}", run.stderr());
        assert!(!run.stderr().contains("panicked"), "{}", run.stderr());
        assert_eq!(asked(&mut cloud), IN_FLIGHT, "nothing began after the signal");
        let saved = project.ok(&["state", "list", "cluster/"]).stdout;
        assert_eq!(saved.lines().count(), IN_FLIGHT, "{saved}");
        assert!(!project.root.join(".plumb/journal").exists(), "the state is saved");
        finishes(&mut cloud, &project);
    }
}

#[test]
fn the_second_signal_leaves_at_once_and_loses_nothing() {
    let (mut cloud, project) = stage();
    let mut run = Running::start(start(&project));
    wait_until("the first steps", || asked(&mut cloud) == IN_FLIGHT);
    run.signal("INT");
    run.wait_for("Waiting for 3 steps");
    run.signal("INT");
    assert_eq!(run.end(), 1, "{}", run.stderr());
    let said = run.stderr();
    assert!(said.contains("Left at once, in flight: 3 steps: cluster/research/c00"), "{said}");
    assert!(said.contains("journal"), "{said}");
    go_on(&cloud);
    finishes(&mut cloud, &project);
}

#[test]
fn a_closed_stdout_stops_the_run_as_a_signal_does() {
    let (mut cloud, project) = stage();
    let mut run = Running::start(start(&project));
    let mut lines = BufReader::new(run.stdout()).lines();
    wait_until("the first steps", || asked(&mut cloud) == IN_FLIGHT);
    lines.next().expect("a first line").expect("text");
    drop(lines);
    run.wait_for("Stopping (nobody reads stdout any more)");
    run.wait_for("Waiting for 3 steps");
    // A Ctrl-C reaches both ends of the pipe: it is the first signal, and does not leave at once.
    run.signal("INT");
    go_on(&cloud);
    assert_eq!(run.end(), 1, "{}", run.stderr());
    assert!(!run.stderr().contains("Left at once"), "{}", run.stderr());
    assert_eq!(asked(&mut cloud), IN_FLIGHT);
    finishes(&mut cloud, &project);
}

#[test]
fn a_closed_stderr_stops_the_run_and_is_no_panic() {
    let (mut cloud, project) = stage();
    let (mut run, stderr) = Running::start_unread(start(&project));
    wait_until("the first steps", || asked(&mut cloud) == IN_FLIGHT);
    drop(stderr);
    go_on(&cloud);
    assert_eq!(run.end(), 1);
    assert!(asked(&mut cloud) < CLUSTERS, "it stopped");
    finishes(&mut cloud, &project);
}

#[test]
fn a_stdout_that_is_closed_before_the_plan_begins_nothing() {
    let (mut cloud, project) = stage();
    let mut run = Running::start(start(&project));
    drop(run.stdout());
    assert_eq!(run.end(), 1, "{}", run.stderr());
    assert_eq!(asked(&mut cloud), 0);
    assert!(!run.stderr().contains("panicked"), "{}", run.stderr());
    go_on(&cloud);
    finishes(&mut cloud, &project);
}

#[test]
fn a_signal_while_azure_is_read_ends_the_run_at_once() {
    let (mut cloud, project) = stage();
    cloud.control(Method::Post, "faults", Some(&json!({ "fault": "hang", "method": "GET" })));
    let mut run = Running::start(start(&project));
    cloud.new_requests();
    wait_until("a reading", || !cloud.new_requests().is_empty());
    run.signal("TERM");
    assert_eq!(run.end(), 1);
    assert!(run.stderr().contains("stopped before anything was begun"), "{}", run.stderr());
    cloud.control(Method::Delete, "faults", None);
    go_on(&cloud);
    finishes(&mut cloud, &project);
}
