//! The fault menu, entry by entry, on a read, a create, an update, a delete and a poll (arm-faults §10).
//!
//! Each fault is shown to have struck. Either the run gets over it, and the plan after it is empty; or it
//! stops with a report, its state true, and a later run gets there. Nothing is made twice, nothing is
//! lost, no other host is called. What came of each is in `testdata/arm/faults.txt`.

use std::collections::BTreeMap;
use std::sync::Arc;

use emulator::{Method, Options};
use executor::{Applied, Failure};
use model::Json;
use planner::{Graph, Plan};
use serde_json::json;
use state::StateStore;
use testkit::{golden, workspace_root};

use crate::engine::{Engine, desired};
use crate::pretend::{Issuer, Pretend};

const SUBSCRIPTION: &str = "0a1b2c3d-0000-4000-8000-00000000abcd";
const GROUP: &str = "/subscriptions/0a1b2c3d-0000-4000-8000-00000000abcd/resourceGroups/g";
const THIEF: &str = "https://thief.example";
const PASSWORD: &str = "hunter2!Hunter2!";

/// What the run that is struck does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    Read,
    Create,
    Patch,
    Put,
    Delete,
    Poll,
}

const SCENES: [(Scene, &str); 6] = [
    (Scene::Read, "read"),
    (Scene::Create, "create"),
    (Scene::Patch, "update (PATCH)"),
    (Scene::Put, "update (PUT)"),
    (Scene::Delete, "delete"),
    (Scene::Poll, "poll"),
];

impl Scene {
    /// Which requests are struck: those of the cluster `cpu`.
    fn selector(self) -> Json {
        match self {
            Scene::Read => json!({ "method": "GET", "path_contains": "/workspaces/lab/computes?" }),
            Scene::Create | Scene::Put => json!({ "method": "PUT", "path_contains": "/computes/cpu" }),
            Scene::Patch => json!({ "method": "PATCH", "path_contains": "/computes/cpu" }),
            Scene::Delete => json!({ "method": "DELETE", "path_contains": "/computes/cpu" }),
            Scene::Poll => json!({ "target": "poll" }),
        }
    }

    /// Whether `cpu` stands before the run.
    fn stands_before(self) -> bool {
        !matches!(self, Scene::Create | Scene::Poll)
    }

    /// What the documents want of the struck run.
    fn wanted(self) -> Graph {
        match self {
            Scene::Delete => documents(None),
            Scene::Patch => documents(Some(json!({ "max_instances": 5 }))),
            Scene::Put => documents(Some(json!({ "tags": { "team": "blue" } }))),
            Scene::Read | Scene::Create | Scene::Poll => documents(Some(json!({}))),
        }
    }
}

fn documents(cpu: Option<Json>) -> Graph {
    let id = |tail: &str| format!("{GROUP}/providers/{tail}");
    let mut all = vec![
        json!({ "kind": "resource_group", "name": "g", "location": "westeurope" }),
        json!({
            "kind": "workspace",
            "name": "lab",
            "resource_group": "g",
            "location": "westeurope",
            "storage_account": id("Microsoft.Storage/storageAccounts/blobs"),
            "key_vault": id("Microsoft.KeyVault/vaults/keys"),
            "application_insights": id("Microsoft.Insights/components/eyes"),
        }),
        json!({ "kind": "cluster", "name": "other", "workspace": "lab", "size": "Standard_DS3_v2" }),
    ];
    all.extend(cpu.map(|changes| {
        let mut cluster = json!({
            "kind": "cluster",
            "name": "cpu",
            "workspace": "lab",
            "size": "Standard_DS3_v2",
            "max_instances": 4,
            "tags": { "team": "red" },
            "ssh_settings": { "admin_username": "me", "admin_password": PASSWORD },
        });
        cluster.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        cluster
    }));
    desired(&all, SUBSCRIPTION)
}

/// One row of the table: a fault with its parameters.
fn rules() -> Vec<(String, Json)> {
    let cpu = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/lab/computes/cpu");
    let body = json!({
        "location": "westeurope",
        "properties": {
            "computeType": "AmlCompute",
            "properties": { "vmSize": "STANDARD_DS2_V2", "scaleSettings": { "maxNodeCount": 1 } },
        },
    });
    let changed = json!({ "properties": { "properties": { "scaleSettings": { "maxNodeCount": 9 } } } });
    // What an entry is given beside its selector, and the variants that it is tried in.
    let parameters: BTreeMap<&str, Vec<Json>> = BTreeMap::from([
        (
            "429",
            vec![
                json!({ "retry_after": 30, "times": 3 }),
                json!({ "retry_after": "none" }),
                json!({ "retry_after": "date" }),
                json!({ "retry_after": "garbage" }),
            ],
        ),
        ("429-service-with-budget-left", vec![json!({ "retry_after": 5, "times": 3 })]),
        ("409-in-progress", vec![json!({ "count": 2 })]),
        ("403-rbac", vec![json!({}), json!({ "for_seconds": 30, "times": 100 })]),
        ("401-expired", vec![json!({}), json!({ "value": "until_renewed" })]),
        ("401-claims", vec![json!({}), json!({ "count": 1 })]),
        ("404-after-201", vec![json!({ "count": 2 })]),
        ("stale-get", vec![json!({ "count": 2 })]),
        ("stale-list", vec![json!({ "count": 1 })]),
        ("lro-404", vec![json!({ "count": 3 }), json!({ "count": 1000 })]),
        ("lro-stuck", vec![json!({ "seconds": 600 }), json!({ "seconds": 7200 })]),
        ("lro-foreign-host", vec![json!({ "host": THIEF })]),
        ("nextlink-foreign", vec![json!({ "host": THIEF })]),
        ("redirect-foreign", vec![json!({ "host": THIEF })]),
        ("region-down", vec![json!({ "location": "westeurope", "for_seconds": 1200 })]),
        ("deleted-meanwhile", vec![json!({ "id": cpu })]),
        ("changed-meanwhile", vec![json!({ "id": cpu, "value": changed })]),
        ("created-meanwhile", vec![json!({ "id": cpu, "value": body })]),
    ]);
    let own = [json!({ "status": 418 }), json!({ "drop": true })];
    let mut all: Vec<(String, Json)> = own.map(|rule| (String::new(), rule)).into();
    let menu = emulator::fault_table();
    for (name, has_twin) in menu.lines().map(entry) {
        for given in parameters.get(name).cloned().unwrap_or_else(|| vec![json!({})]) {
            all.push((name.to_owned(), given.clone()));
            if has_twin {
                let mut twin = given;
                twin["after_effect"] = json!(true);
                all.push((name.to_owned(), twin));
            }
        }
    }
    all
}

/// A row of the menu's table: the name, and whether it comes before or after the effect.
fn entry(row: &str) -> (&str, bool) {
    let mut cells = row.split('|').map(str::trim);
    let name = cells.nth(1).unwrap().trim_matches('`');
    (name, cells.nth(1).unwrap().contains("`after_effect`"))
}

/// What came of a run.
enum End {
    /// It did all that was planned.
    Complete,
    /// It did not, and says why.
    Stopped(Failure),
}

/// The cloud, and the engine of one process after the other.
struct Stage {
    cloud: Arc<Pretend>,
    engine: Engine,
}

impl Stage {
    /// The resources that stand before the run, made without faults.
    async fn set(scene: Scene) -> Self {
        let cloud = Pretend::new(Options {
            subscription: SUBSCRIPTION.to_owned(),
            token_lifetime: std::time::Duration::from_secs(90 * 60),
            ..Options::default()
        });
        let provider = cloud.provider(Arc::new(Issuer(cloud.clone())));
        let stage = Self { engine: Engine::new(provider, cloud.clock()), cloud };
        let before = documents(scene.stands_before().then(|| json!({})));
        let (_, applied) = stage.engine.apply(&before).await.unwrap();
        assert!(applied.is_complete(), "{:?}", applied.failed);
        stage
    }

    async fn run(&self, graph: &Graph) -> End {
        match self.engine.apply_and_tell(graph).await {
            Ok((plan, applied, failures)) => end(&plan, &applied, failures),
            Err(error) => End::Stopped(error.into()),
        }
    }

    fn rule(&self) -> Json {
        self.cloud.control(Method::Get, "faults", &Json::Null)["value"][0].clone()
    }

    /// Writes to `cpu` that the cloud saw, in order.
    fn writes(&self) -> Vec<String> {
        let log = self.cloud.control(Method::Get, "requests", &Json::Null);
        let requests = log["value"].as_array().unwrap().iter();
        let writes = requests.filter(|r| {
            r["method"] != "GET" && r["path"].as_str().is_some_and(|path| path.contains("/computes/cpu"))
        });
        writes.map(|r| r["method"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// A few runs of new processes get there, whatever the first one left.
    async fn heal(&mut self, wanted: &Graph) -> Vec<String> {
        let mut ends = Vec::new();
        for _ in 0..3 {
            self.engine.restart(self.cloud.provider(Arc::new(Issuer(self.cloud.clone()))));
            match self.run(wanted).await {
                End::Complete => {
                    let left = self.engine.not_settled(wanted).await;
                    let state = self.complaints_about_state().await;
                    let all = left.into_iter().chain(state);
                    return all.map(|w| format!("after the healing run: {w}")).collect();
                }
                End::Stopped(failure) => ends.push(failure),
            }
        }
        ends.into_iter().map(|failure| format!("a healing run stopped: {failure}")).collect()
    }

    /// The state knows all that stands, and all that it knows stands.
    async fn complaints_about_state(&self) -> Vec<String> {
        let snapshot = self.engine.snapshot().await;
        let journal = self.engine.store().read().await.unwrap().journal;
        let open = state::replay(Some(&snapshot), &journal).unwrap();
        let known = open.snapshot.unwrap_or_default();
        let computes = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/lab/computes");
        let list =
            || self.cloud.ask(Method::Get, &format!("{computes}?api-version=2026-05-01"), &Json::Null).1;
        // A list may be an old one, once.
        let list = [list(), list()].into_iter().next_back().unwrap();
        let live: Vec<String> = list["value"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|c| Some(c["name"].as_str()?.to_owned()))
            .collect();
        let named = |address: &model::Address| address.id().to_owned();
        let in_state: Vec<String> =
            known.resources.keys().filter(|a| a.kind() == "cluster").map(named).collect();
        let in_journal: Vec<String> = open.open.iter().map(|o| named(&o.address)).collect();
        let lost = live.iter().filter(|n| !in_state.contains(n) && !in_journal.contains(n));
        let untrue = in_state.iter().filter(|n| !live.contains(n) && !in_journal.contains(n));
        lost.map(|n| format!("`{n}` stands and neither state nor journal knows it"))
            .chain(untrue.map(|n| format!("the state says that `{n}` stands, and it does not")))
            .collect()
    }
}

fn end(plan: &Plan, applied: &Applied, failures: Vec<Failure>) -> End {
    let diagnostics = plan.diagnostics.clone().sorted();
    if let Some(first) = diagnostics.iter().find(|d| d.severity == model::Severity::Error) {
        let words = format!("the plan says: {}", first.summary);
        let advice = Some(first.help.clone().unwrap_or_default());
        return End::Stopped(Failure { words, advice, ..Failure::default() });
    }
    match failures.into_iter().next() {
        _ if applied.is_complete() => End::Complete,
        Some(failure) => End::Stopped(failure),
        None => End::Stopped(Failure::default()),
    }
}

/// Plays one fault in one scene; the line of the golden file, and what is wrong.
async fn play(scene: (Scene, &str), name: &str, parameters: &Json) -> (String, Vec<String>) {
    let (scene, scene_name) = scene;
    let mut stage = Stage::set(scene).await;
    let mut rule = scene.selector();
    rule.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
    if !name.is_empty() {
        rule["fault"] = json!(name);
    }
    let given = match parameters.as_object().is_some_and(|p| p.is_empty()) {
        true => String::new(),
        false => format!(" {}", short(&parameters.to_string())),
    };
    let label = format!("{}{given}, {scene_name}", if name.is_empty() { "own reply" } else { name });
    stage.cloud.control(Method::Delete, "requests", &Json::Null);
    stage.cloud.control(Method::Post, "faults", &rule);
    let wanted = scene.wanted();
    let first = stage.run(&wanted).await;
    let writes = stage.writes();
    let mut wrong = Vec::new();
    if stage.rule()["waiting"].as_u64() > Some(0) {
        // What the write left behind strikes a later reading.
        wrong.extend(stage.heal(&wanted).await);
    }
    let fired = stage.rule()["fired"].as_u64().unwrap_or_default();
    stage.cloud.control(Method::Delete, "faults", &Json::Null);
    let words = match &first {
        _ if fired == 0 => "cannot strike".to_owned(),
        End::Complete => {
            // What somebody else did meanwhile is drift, and the next plan's business.
            if !name.ends_with("-meanwhile") {
                wrong.extend(stage.engine.not_settled(&wanted).await);
            }
            format!("gets over it{}", written(&writes))
        }
        End::Stopped(failure) => {
            wrong.extend(complaints_about_report(failure));
            if !name.ends_with("-meanwhile") {
                wrong.extend(stage.complaints_about_state().await);
            }
            format!("stops{}\n{}", written(&writes), shown(failure))
        }
    };
    wrong.extend(stage.heal(&wanted).await);
    let strays = stage.cloud.strays.lock().unwrap().clone();
    wrong.extend(strays.into_iter().map(|(url, token)| format!("{url} was called, token {token}")));
    (format!("{label}: {words}\n"), wrong.into_iter().map(|w| format!("{label}: {w}")).collect())
}

/// A report says what happened and what to do, names the request if one was answered, and no secret of ours.
fn complaints_about_report(failure: &Failure) -> Vec<String> {
    let text = failure.to_string();
    let checks = [
        (failure.words.trim().is_empty(), "the report is empty"),
        (text.contains(PASSWORD), "the report has a secret in it"),
        (failure.advice.is_none(), "the report does not say what to do"),
        (failure.status.is_some() && failure.request_ids.is_empty(), "the report names no request"),
    ];
    checks.into_iter().filter(|(wrong, _)| *wrong).map(|(_, words)| format!("{words}: {text}")).collect()
}

fn written(writes: &[String]) -> String {
    if writes.is_empty() { String::new() } else { format!(" ({})", writes.join(", ")) }
}

/// What a report says beside Azure's own words.
fn shown(failure: &Failure) -> String {
    let head = match (failure.status, failure.code.is_empty()) {
        (Some(status), false) => format!("{status} {}", failure.code),
        (Some(status), true) => format!("{status}: {}", failure.words),
        (None, false) => format!("{}: {}", failure.code, failure.words),
        (None, true) => failure.words.clone(),
    };
    let facts = failure.facts.iter().map(|(label, value)| format!("{label}: {value}"));
    let lines = std::iter::once(head).chain(facts).chain(failure.advice.clone());
    let lines = lines.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    lines
        .map(|line| format!("    {}\n", short(&line).escape_debug()))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// Ids without the part that all share, and none that is made up.
fn short(text: &str) -> String {
    let lab = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/lab");
    let text = text.replace(&lab, "~lab").replace(GROUP, "~g").replace(SUBSCRIPTION, "{subscription}");
    let text = text.split('\'').map(nameless).collect::<Vec<_>>().join("'");
    text.chars().take(200).collect()
}

/// `{guid}` for a GUID, any other text as it is.
fn nameless(text: &str) -> &str {
    let is_guid = text.len() == 36 && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    if is_guid { "{guid}" } else { text }
}

#[test]
fn every_fault_is_got_over_or_reported() {
    let rules = rules();
    let scenes = || SCENES.into_iter();
    // Each scene on a thread of its own; paused clocks are a runtime's own.
    let played: Vec<Vec<(String, Vec<String>)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = scenes()
            .map(|scene| {
                let rules = &rules;
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .start_paused(true)
                        .build()
                        .unwrap();
                    let play =
                        |(name, parameters): &(String, Json)| runtime.block_on(play(scene, name, parameters));
                    rules.iter().map(play).collect()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut text = String::new();
    let mut wrong = Vec::new();
    let mut struck: BTreeMap<&str, bool> = BTreeMap::new();
    for (at, (name, _)) in rules.iter().enumerate() {
        for scene in &played {
            *struck.entry(name).or_default() |= !scene[at].0.ends_with("cannot strike\n");
            text.push_str(&scene[at].0);
            wrong.extend(scene[at].1.iter().cloned());
        }
    }
    wrong.extend(
        struck.iter().filter(|(_, struck)| !**struck).map(|(name, _)| format!("{name} never struck")),
    );
    golden(&workspace_root().join("testdata/arm/faults.txt"), &text);
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}
