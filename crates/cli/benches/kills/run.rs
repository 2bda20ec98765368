//! One run that does not get to its end, and what is found afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use emulator::{Method, Options};
use serde_json::Value;
use testkit::Random;

use crate::cloud::Cloud;
use crate::project::Project;

const CLUSTERS: usize = 50;
/// A cluster takes ten seconds of the cloud's time.
const SPEED: f64 = 10.0;
const LATENCY: Duration = Duration::from_millis(10);
const APPLY: [&str; 4] = ["apply", "--auto-approve", "--parallelism", "10"];
/// The pause between two interrupts, as of somebody who loses patience.
const IMPATIENCE: Duration = Duration::from_millis(300);
/// How often a person would try again before asking for help.
const TRIES: usize = 3;
const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml";

/// What a run that is ended was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Make everything.
    Make,
    /// Change some, delete some, make some.
    Change,
}

impl Work {
    pub const ALL: [Work; 2] = [Work::Make, Work::Change];

    pub fn words(self) -> &'static str {
        match self {
            Work::Make => "makes 50 clusters",
            Work::Change => "changes 20, deletes 15 and makes 15",
        }
    }

    /// How many clusters leave the documents; as many come.
    fn leaves(self) -> usize {
        match self {
            Work::Make => 0,
            Work::Change => 15,
        }
    }

    /// The most nodes of a cluster, by which the work shows.
    fn nodes(self) -> u64 {
        match self {
            Work::Make => 2,
            Work::Change => 4,
        }
    }
}

/// How it is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    Kill,
    Hangup,
    ClosedPipe,
    TwoInterrupts,
}

impl End {
    pub const ALL: [End; 4] = [End::Kill, End::Hangup, End::ClosedPipe, End::TwoInterrupts];

    pub fn words(self) -> &'static str {
        match self {
            End::Kill => "SIGKILL",
            End::Hangup => "SIGHUP",
            End::ClosedPipe => "closed pipe",
            End::TwoInterrupts => "SIGINT, SIGINT",
        }
    }
}

/// What was found, of one run or of many.
#[derive(Debug, Default)]
pub struct Found {
    pub runs: usize,
    /// Those that had not ended by themselves.
    pub mid_run: usize,
    /// Changes that the cloud was working on when the run ended.
    pub in_flight: usize,
    /// Clusters that stand and are in no state.
    pub lost: usize,
    /// Clusters that were made more than once.
    pub twice: usize,
    /// Clusters that the state had as done, and the cloud had not.
    pub wrongly_complete: usize,
    /// Commands beyond `plan` and `apply`.
    pub manual_steps: usize,
    pub next_apply_failed: usize,
    pub complaints: Vec<String>,
}

impl Found {
    pub fn add(&mut self, other: &Found) {
        self.runs += other.runs;
        self.mid_run += other.mid_run;
        self.in_flight += other.in_flight;
        self.lost += other.lost;
        self.twice += other.twice;
        self.wrongly_complete += other.wrongly_complete;
        self.manual_steps += other.manual_steps;
        self.next_apply_failed += other.next_apply_failed;
        self.complaints.extend(other.complaints.iter().cloned());
    }

    pub fn is_clean(&self) -> bool {
        self.lost + self.twice + self.wrongly_complete + self.manual_steps + self.next_apply_failed == 0
            && self.complaints.is_empty()
    }
}

/// A cloud, and a project in it that is about to do its work.
fn stage(work: Work) -> (Cloud, Project) {
    let options = Options { speed: SPEED, latency: LATENCY, background: false, ..Options::default() };
    let cloud = Cloud::as_asked(options);
    let mut project = Project::empty();
    project.endpoint = Some(cloud.endpoint());
    project.write("plumb.toml", "[project]\nname = \"kills\"\n");
    project.write("manifests/all.yaml", &manifests(0..0, 2));
    project.ok(&APPLY);
    if work == Work::Change {
        cloud.control(Method::Post, "clock", Some(&serde_json::json!({ "speed": 2000.0 })));
        project.write("manifests/all.yaml", &manifests(0..CLUSTERS - work.leaves(), 2));
        project.ok(&APPLY);
        cloud.control(Method::Post, "clock", Some(&serde_json::json!({ "speed": SPEED })));
    }
    project.write("manifests/all.yaml", &manifests(work.leaves()..CLUSTERS, work.nodes()));
    (cloud, project)
}

fn manifests(clusters: std::ops::Range<usize>, nodes: u64) -> String {
    let mut text = String::from("kind: resource_group\nname: ml\nlocation: westeurope\n---\n");
    text.push_str("kind: workspace\nname: research\nresource_group: ml\nlocation: westeurope\n");
    for index in clusters {
        let name = name_of(index);
        let _ =
            write!(text, "---\nkind: cluster\nname: {name}\nworkspace: research\nmax_instances: {nodes}\n");
    }
    text
}

fn name_of(index: usize) -> String {
    format!("c{index:02}x")
}

/// How long the work takes when nobody ends it.
pub fn whole(work: Work) -> Duration {
    let (_cloud, project) = stage(work);
    let started = Instant::now();
    project.ok(&APPLY);
    started.elapsed()
}

/// One run, ended at a moment that the seed gives, and what is found then.
pub fn killed(seed: u64, end: End, work: Work, length: Duration) -> Found {
    let (cloud, project) = stage(work);
    let moment = length.mul_f64(Random::new(seed).below(1_000) as f64 / 1_000.0);
    let mut child =
        project.command(&APPLY).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("plumb starts");
    let readers = Readers::of(&mut child, end);
    thread::sleep(moment);
    let mid_run = child.try_wait().expect("a child").is_none();
    finish(end, &mut child, readers);
    // The cloud first: what it has ended later is no excuse.
    let (standing, recorded) = (clusters(&cloud), recorded(&project));
    let mut found = Found { runs: 1, mid_run: usize::from(mid_run), ..Found::default() };
    found.in_flight = standing.values().filter(|cluster| !cluster.settled).count();
    let claimed = |cluster: &&Cluster| cluster.nodes == work.nodes();
    let done = |name: &String| standing.get(name).is_some_and(|s| s.settled && s.nodes == work.nodes());
    let made = recorded.iter().filter(|(name, cluster)| claimed(cluster) && !done(name)).count();
    let left = (0..work.leaves()).map(name_of);
    let gone = left.filter(|name| !recorded.contains_key(name) && standing.contains_key(name)).count();
    found.wrongly_complete = made + gone;
    let name = format!("seed {seed}, {}, {work:?} after {:.2} s", end.words(), moment.as_secs_f64());
    go_on(&project, &mut found, &name);
    compare(&cloud, &project, &mut found, &name);
    if !found.is_clean() {
        found.complaints.push(format!("{name}: the state had {recorded:?}, Azure {standing:?}"));
    }
    found
}

/// As anybody would: look, then finish.
fn go_on(project: &Project, found: &mut Found, name: &str) {
    let plan = project.run(&["plan", "--detailed-exitcode"]);
    if ![0, 2].contains(&plan.code) {
        found.manual_steps += 1;
        found.complaints.push(format!("{name}: plan: {}", plan.stderr));
    }
    for attempt in 0..TRIES {
        let apply = project.run(&APPLY);
        if apply.code == 0 {
            return;
        }
        found.next_apply_failed += usize::from(attempt == 0);
        found.manual_steps += 1;
        found.complaints.push(format!("{name}: apply {attempt}: {}{}", apply.stdout, apply.stderr));
    }
}

fn compare(cloud: &Cloud, project: &Project, found: &mut Found, name: &str) {
    let recorded: BTreeSet<String> = recorded(project).into_keys().collect();
    let standing: BTreeSet<String> = clusters(cloud).into_keys().collect();
    found.lost = standing.difference(&recorded).count();
    found.wrongly_complete += recorded.difference(&standing).count();
    found.twice = made(cloud).values().filter(|times| **times > 1).count();
    let plan = project.run(&["plan", "--detailed-exitcode"]);
    if plan.code != 0 {
        found.complaints.push(format!("{name}: the last plan is not empty: {}{}", plan.stdout, plan.stderr));
    }
}

/// What reads the child's output; nobody would fill the pipe.
struct Readers(Vec<thread::JoinHandle<()>>);

impl Readers {
    /// Readers of both outputs; the one that is to go away reads nothing.
    fn of(child: &mut Child, end: End) -> Self {
        let mut readers = Vec::new();
        if end != End::ClosedPipe {
            let mut out = child.stdout.take().expect("a pipe");
            readers.push(thread::spawn(move || _ = out.read_to_end(&mut Vec::new())));
        }
        let mut err = child.stderr.take().expect("a pipe");
        readers.push(thread::spawn(move || _ = err.read_to_end(&mut Vec::new())));
        Self(readers)
    }
}

/// Ends the run, and waits until it is over.
fn finish(end: End, child: &mut Child, readers: Readers) {
    match end {
        End::Kill => _ = child.kill(),
        End::Hangup => signal(child, "HUP"),
        End::ClosedPipe => drop(child.stdout.take()),
        End::TwoInterrupts => {
            signal(child, "INT");
            thread::sleep(IMPATIENCE);
            signal(child, "INT");
        }
    }
    child.wait().expect("it ends");
    readers.0.into_iter().for_each(|reader| reader.join().expect("a reader"));
}

fn signal(child: &Child, name: &str) {
    // It may have ended by itself.
    _ = Command::new("kill").args(["-s", name, &child.id().to_string()]).stderr(Stdio::null()).status();
}

/// A cluster, as the state or the cloud has it.
#[derive(Debug, PartialEq)]
struct Cluster {
    nodes: u64,
    /// Whether nothing is going on with it.
    settled: bool,
}

/// The clusters that the state has, with what a killed run is known to have done.
fn recorded(project: &Project) -> BTreeMap<String, Cluster> {
    let shown: Value = serde_json::from_str(&project.ok(&["show", "--json"]).stdout).expect("JSON");
    let entries = shown["resources"].as_object().cloned().unwrap_or_default();
    let clusters = entries.into_iter().filter_map(|(address, entry)| {
        let name = address.strip_prefix("cluster/research/")?.to_owned();
        let nodes = entry["applied"]["max_instances"].as_u64()?;
        Some((name, Cluster { nodes, settled: entry["status"] == "ready" }))
    });
    clusters.collect()
}

/// The clusters that stand.
fn clusters(cloud: &Cloud) -> BTreeMap<String, Cluster> {
    let workspace = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research");
    let listed = cloud.read(&format!("{workspace}/computes"));
    let items = listed["value"].as_array().cloned().unwrap_or_default();
    let cluster = |item: &Value| {
        let nodes = item["properties"]["properties"]["scaleSettings"]["maxNodeCount"].as_u64()?;
        let settled = item["properties"]["provisioningState"] == "Succeeded";
        Some((item["name"].as_str()?.to_owned(), Cluster { nodes, settled }))
    };
    items.iter().filter_map(cluster).collect()
}

/// How often each cluster was made.
fn made(cloud: &Cloud) -> BTreeMap<String, usize> {
    let requests = cloud.control(Method::Get, "requests", None);
    let mut made = BTreeMap::new();
    for request in requests["value"].as_array().into_iter().flatten() {
        let path = request["path"].as_str().unwrap_or_default();
        if request["method"] == "PUT" && path.contains("/computes/") && request["status"] == 201 {
            *made.entry(path.to_owned()).or_default() += 1;
        }
    }
    made
}
