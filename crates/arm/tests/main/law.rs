//! The round-trip law (design §4), for every kind in ARM: what was asked for reads back as the same, so
//! that the second plan is empty, and so is a plan that adopts; and after a change in place it is empty again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arm::{ArmProvider, Client, Endpoint, HttpTransport, Settings, StaticToken};
use emulator::{Emulator, Options, Running};
use executor::{Applied, Context, Events, Provider, apply, recover, refresh};
use manifest::{Inputs, NoFiles, Project, load};
use model::compare::same;
use model::{Json, Kind, Live, Resource, Seal, Secret, Snapshot, Sources, kinds};
use planner::{Action, Effect, Graph, Plan};
use serde_json::json;
use state::{Holder, LocalStore, Run};
use tempfile::TempDir;
use testkit::Random;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use crate::generate::{Case, GROUP, LOCATION, SUBSCRIPTION, WORKSPACE, is_in_place};

const CLOUD: &str = "law";
const SEED: u64 = 20_261_121;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_reads_back_as_the_same() {
    law(SEED, &Options::default()).await;
}

/// What nobody has seen of the service, or what it documents and does not do (facts §2.2, §8).
#[tokio::test(flavor = "multi_thread")]
async fn it_does_so_where_the_service_may_answer_otherwise() {
    let otherwise =
        Options { patch_status: 202, echo_scripts: true, rewrite_durations: false, ..Options::default() };
    law(SEED + 1, &otherwise).await;
}

async fn law(seed: u64, options: &Options) {
    let cases = std::env::var("SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(40);
    let mut complaints = Vec::new();
    // Local kinds have no body that could be read back.
    for kind in kinds::KINDS.into_iter().filter(|k| k.in_arm()) {
        complaints.extend(law_of(kind, cases, seed, options).await);
    }
    assert!(complaints.is_empty(), "seed {seed}, {cases} cases:\n{}", complaints.join("\n"));
}

/// The law for generated resources of one kind; what breaks it, in words.
async fn law_of(kind: &'static Kind, count: u64, seed: u64, options: &Options) -> Vec<String> {
    let mut random = Random::new(seed);
    let cases: Vec<Case> = (0..count).map(|number| Case::new(kind, number, &mut random)).collect();
    let edited: Vec<Case> = cases.iter().map(|case| case.edited(&mut random)).collect();
    let bench = Bench::start(options.clone()).await;
    let mut complaints = untouched(kind, &cases, &edited);
    for (words, cases) in [("created", &cases), ("edited", &edited)] {
        let graph = desired(cases, false);
        let (plan, applied) = bench.apply(&graph).await;
        let said =
            [remade(&plan), failures(&applied), bench.unlike(&graph).await, bench.not_settled(&graph).await];
        complaints.extend(said.concat().into_iter().map(|c| format!("{words}: {c}")));
        let respelled: Vec<Case> = cases.iter().map(|case| case.respelled(&mut random)).collect();
        let said = bench.not_settled(&desired(&respelled, false)).await;
        complaints.extend(said.into_iter().map(|c| format!("{words}, in other words: {c}")));
        let adopted = bench.plan(&desired(cases, true), &Snapshot::default()).await.0;
        complaints.extend(not_as_adopted(&adopted).into_iter().map(|c| format!("{words}, adopted: {c}")));
    }
    bench.stop().await;
    // The documents of the first resource complained of; the others are often of the same cause.
    let about = |case: &&Case| complaints.first().is_some_and(|c| c.contains(&format!("/{} ", case.name)));
    let both = [cases.iter().find(about), edited.iter().find(about)];
    complaints.extend(both.into_iter().flatten().map(|case| case.document(false).to_string()));
    complaints
}

/// Attributes that no case gives, and those that could change in place and never did: the law would say
/// nothing of them.
fn untouched(kind: &'static Kind, cases: &[Case], edited: &[Case]) -> Vec<String> {
    let open = kind.attributes.iter().filter(|a| !a.derived);
    let given = |path: &str| cases.iter().any(|case| case.values.contains_key(path));
    let changed =
        |path: &str| cases.iter().zip(edited).any(|(x, y)| x.values.get(path) != y.values.get(path));
    let never = open.filter(|a| !given(a.path) || (is_in_place(a) && !changed(a.path)));
    never.map(|a| format!("no case says anything of {}.{}", kind.name, a.path)).collect()
}

/// What the documents want, with the group, the workspace and the scripts that they may name.
fn desired(cases: &[Case], adopt: bool) -> Graph {
    let id = |tail: &str| format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/{tail}");
    let script = "#!/bin/bash\necho ready\n";
    let mut documents = vec![
        json!({ "kind": "resource_group", "name": GROUP, "location": LOCATION, "adopt": adopt }),
        json!({ "kind": "setup_script", "name": "begin", "content": script }),
        json!({ "kind": "setup_script", "name": "prepare", "content": script, "args": ["a b", "c"], "timeout": "90s" }),
        json!({
            "kind": "workspace",
            "name": WORKSPACE,
            "adopt": adopt,
            "resource_group": GROUP,
            "location": LOCATION,
            "storage_account": id("Microsoft.Storage/storageAccounts/blobs"),
            "key_vault": id("Microsoft.KeyVault/vaults/keys"),
            "application_insights": id("Microsoft.Insights/components/eyes"),
        }),
    ];
    if !adopt {
        documents.iter_mut().filter_map(Json::as_object_mut).for_each(|d| _ = d.remove("adopt"));
    }
    documents.extend(cases.iter().map(|case| case.document(adopt)));
    let text = documents.iter().map(Json::to_string).collect::<Vec<_>>().join("\n---\n");
    let mut sources = Sources::default();
    let source = sources.add("law.yaml", text);
    let project = Project::default();
    let inputs = Inputs {
        project: &project,
        environment: "",
        variables: Vec::new(),
        subscription: SUBSCRIPTION,
        files: &NoFiles,
    };
    let loaded = load(&sources, &[source], &inputs);
    let diagnostics = loaded.diagnostics;
    assert!(!diagnostics.has_errors(), "what was generated is not valid: {:#?}", diagnostics.sorted());
    Graph::build(loaded.resources).unwrap()
}

/// Replacements, which no edit of what changes in place may need.
fn remade(plan: &Plan) -> Vec<String> {
    let wrong = |action| matches!(action, Action::Replace { .. } | Action::Delete);
    let of_changes = plan.changes.iter().filter(|c| wrong(c.action)).map(|c| {
        let because = c.differences.iter().filter(|d| d.effect == Effect::Replace);
        let because: Vec<_> = because.map(|d| (d.attribute.path, &d.before, &d.after)).collect();
        format!("{} would be remade: {because:?}", c.address)
    });
    of_changes.chain(plan.diagnostics.clone().sorted().into_iter().map(|d| format!("{d:?}"))).collect()
}

fn failures(applied: &Applied) -> Vec<String> {
    let failed = applied.failed.iter().map(|(address, words)| format!("{address} failed: {words}"));
    failed.chain(applied.open.iter().map(|address| format!("{address} is open"))).collect()
}

/// What a plan would do to resources that were just adopted, beyond taking them in.
fn not_as_adopted(plan: &Plan) -> Vec<String> {
    let in_arm = plan.changes.iter().filter(|c| c.kind.in_arm());
    let wrong = in_arm.filter_map(|change| {
        let differences = change.differences.iter().filter(|d| d.effect != Effect::Held);
        let shown: Vec<_> = differences.map(|d| (d.attribute.path, &d.before, &d.after)).collect();
        (change.action != Action::Adopt || !shown.is_empty())
            .then(|| format!("{} {:?}: {shown:?}", change.address, change.action))
    });
    wrong.collect()
}

/// A pretend ARM over HTTP, the real provider on it, and a state of its own.
struct Bench {
    cloud: Running,
    provider: Arc<ArmProvider>,
    directory: TempDir,
}

impl Bench {
    async fn start(options: Options) -> Self {
        let options = Options {
            speed: 5000.0,
            subscription: SUBSCRIPTION.to_owned(),
            core_limit: 1 << 40,
            // Lists have pages.
            page_size: 7,
            ..options
        };
        let cloud = Emulator::start(options).await.unwrap();
        let endpoint = Endpoint::loopback(&cloud.endpoint()).unwrap();
        let settings =
            Settings { seed: SEED, poll_interval: Duration::from_millis(20), ..Settings::of(&endpoint) };
        let tokens = Arc::new(StaticToken::new(Secret::new(cloud.token.clone())));
        let transport = Arc::new(HttpTransport::loopback(None).unwrap());
        let provider = Arc::new(ArmProvider::new(Client::new(endpoint, transport, tokens, settings)));
        // Memory, where there is such a place: a disk's syncs are not what is tested here.
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        Self { cloud, provider, directory: directory.unwrap() }
    }

    async fn stop(self) {
        drop(self.provider);
        self.cloud.stop().await.unwrap();
    }

    fn context(&self) -> Context {
        let directory = self.directory.path().join(".plumb");
        let state = directory.join("state.json");
        Context {
            provider: self.provider.clone(),
            store: Arc::new(LocalStore::new(directory, state)),
            seal: Seal::new(&[7; 32]),
            run: run(),
            settings: executor::Settings {
                parallelism: 16,
                read_back_attempts: 4,
                read_back_delay: Duration::from_millis(20),
            },
            events: Events::new(unbounded_channel().0),
            cancel: CancellationToken::new(),
            clock: Arc::new(jiff::Timestamp::now),
        }
    }

    /// A plan, and the reading that it stands on.
    async fn plan(&self, graph: &Graph, snapshot: &Snapshot) -> (Plan, Live) {
        let context = self.context();
        let live = refresh(&*self.provider, graph, snapshot, 16, &context.events).await.unwrap();
        let options = planner::Options { cloud: CLOUD.to_owned(), ..planner::Options::default() };
        let plan = planner::plan(graph, &BTreeMap::new(), snapshot, Some(&live), &context.seal, &options);
        (plan, live)
    }

    /// Plans and applies, as the program does.
    async fn apply(&self, graph: &Graph) -> (Arc<Plan>, Applied) {
        let mut context = self.context();
        let lock = context.store.lock(&holder()).await.unwrap();
        let mut recovered = recover(&context, context.store.read().await.unwrap()).await.unwrap();
        if recovered.snapshot.lineage.is_empty() {
            recovered.snapshot.lineage = context.run.lineage.clone();
            recovered.snapshot.cloud = CLOUD.to_owned();
        }
        let (plan, live) = self.plan(graph, &recovered.snapshot).await;
        let plan = Arc::new(plan);
        context.run.base_serial = recovered.snapshot.serial;
        let applied = apply(&context, &lock, plan.clone(), Some(&live), recovered, &BTreeMap::new()).await;
        context.store.unlock(lock).await.unwrap();
        (plan, applied.unwrap())
    }

    /// What the plan after an apply would still do.
    async fn not_settled(&self, graph: &Graph) -> Vec<String> {
        let snapshot = self.context().store.read().await.unwrap().snapshot.unwrap_or_default();
        let (plan, _) = self.plan(graph, &snapshot).await;
        let steps =
            plan.steps.iter().map(|s| format!("{} has a step: {} {:?}", s.address, s.verb.word(), s.paths));
        let differing = plan.changes.iter().filter(|c| !c.differences.is_empty());
        let differing = differing.map(|c| {
            let shown = c.differences.iter().map(|d| (d.attribute.path, &d.before, &d.after, d.effect));
            format!("{} differs: {:?}", c.address, shown.collect::<Vec<_>>())
        });
        let drifted = plan.drift.iter().map(|drift| {
            let moved =
                drift.attributes.iter().map(|(attribute, applied, live)| (attribute.path, applied, live));
            format!("{} drifted: {:?}", drift.address, moved.collect::<Vec<_>>())
        });
        steps.chain(differing).chain(drifted).collect()
    }

    /// Attributes that ARM answers, and that are not as asked.
    async fn unlike(&self, graph: &Graph) -> Vec<String> {
        let mut wrong = Vec::new();
        for resource in graph.resources() {
            let Some(id) = &resource.arm_id else { continue };
            match self.provider.get(resource.kind, id).await.unwrap() {
                None => wrong.push(format!("{} is not there", resource.address)),
                Some(observed) => wrong.extend(differences(resource, &observed.attributes)),
            }
        }
        wrong
    }
}

fn differences(resource: &Resource, live: &BTreeMap<&'static str, Json>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, value) in &resource.attributes {
        let attribute = resource.kind.attribute(path).unwrap();
        let (asked, read) = (value.known(), live.get(path));
        let unsaid =
            attribute.arm.is_empty() || attribute.is_hidden() || (!attribute.answered && read.is_none());
        let left_alone = *path == "power" && asked == Some(&json!("unmanaged"));
        if !unsaid && !left_alone && !same(attribute, asked, read) {
            wrong.push(format!("{} reads back otherwise: `{path}` {asked:?} as {read:?}", resource.address));
        }
    }
    wrong
}

fn holder() -> Holder {
    let text = |text: &str| text.to_owned();
    Holder {
        id: text("l1"),
        owner: text("me"),
        host: text("here"),
        command: text("apply"),
        since: text("now"),
    }
}

fn run() -> Run {
    Run {
        id: "r1".to_owned(),
        time: "2026-11-21T04:00:00Z".to_owned(),
        command: "plumb apply".to_owned(),
        cloud: CLOUD.to_owned(),
        environment: String::new(),
        lineage: "6f1c9a52-0c1e-4c8f-9d59-3f6a3f2f0001".to_owned(),
        base_serial: 0,
        tool: "plumb 0.1.0".to_owned(),
    }
}
