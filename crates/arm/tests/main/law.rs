//! The round-trip law (design §4), for every kind in ARM: what was asked for reads back as the same, so
//! that the second plan is empty, and so is a plan that adopts; and after a change in place it is empty again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arm::{ArmProvider, Client, Endpoint, HttpTransport, Settings, StaticToken};
use emulator::{Emulator, Options, Running};
use executor::{Applied, Provider};
use manifest::{Around, Standing, describe, write};
use model::compare::same;
use model::{Json, Kind, Resource, Secret, Snapshot, kinds};
use planner::{Action, Effect, Graph, Plan};
use serde_json::json;
use testkit::Random;

use crate::engine::{self, Engine};
use crate::fitting::beside;
use crate::generate::{Case, GROUP, LOCATION, SUBSCRIPTION, WORKSPACE, is_in_place};

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

/// Of an `arm` document the table follows from the document, so there is none to make a document from: the lives of
/// several unlike ones are in `kinds.rs`.
const BY_HAND: [&str; 1] = ["arm"];

async fn law(seed: u64, options: &Options) {
    let cases = std::env::var("SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(40);
    let mut complaints = Vec::new();
    // Local kinds have no body that could be read back.
    let only = std::env::var("KIND").unwrap_or_default();
    let by_chance = |k: &&'static Kind| {
        k.in_arm() && !k.is_on_share() && !BY_HAND.contains(&k.name) && k.name.starts_with(&only)
    };
    for kind in kinds::KINDS.into_iter().filter(by_chance) {
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
        let (plan, applied) = bench.engine.apply(&graph).await.unwrap();
        let said = [
            remade(&plan),
            failures(&applied),
            bench.unlike(&graph).await,
            bench.engine.not_settled(&graph).await,
        ];
        complaints.extend(said.concat().into_iter().map(|c| format!("{words}: {c}")));
        let respelled: Vec<Case> = cases.iter().map(|case| case.respelled(&mut random)).collect();
        let said = bench.engine.not_settled(&desired(&respelled, false)).await;
        complaints.extend(said.into_iter().map(|c| format!("{words}, in other words: {c}")));
        let adopted = bench.engine.plan(&desired(cases, true), &Snapshot::default()).await.unwrap();
        complaints.extend(not_as_adopted(&adopted).into_iter().map(|c| format!("{words}, adopted: {c}")));
        let imported = bench.imported(&desired(cases, false)).await;
        complaints.extend(imported.into_iter().map(|c| format!("{words}, imported: {c}")));
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

/// Where the cases lie, and what they may name.
fn surroundings(kind: &Kind, adopt: bool) -> Vec<Json> {
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
        json!({
            "kind": "batch_ai_workspace",
            "name": "bench",
            "adopt": adopt,
            "resource_group": GROUP,
            "location": LOCATION,
        }),
        json!({
            "kind": "batch_ai_file_server",
            "name": "nfs",
            "adopt": adopt,
            "batch_ai_workspace": "bench",
            "size": "Standard_D2",
            "ssh_settings": { "admin_username": "me", "admin_password": "secret" },
            "data_disks": { "size_gb": 10, "count": 2 },
        }),
    ];
    documents.push(json!({ "kind": "storage_account", "name": "lawfiles", "adopt": adopt, "resource_group": GROUP, "location": LOCATION }));
    let others = beside(kind.name).into_iter().map(|mut document| {
        document["adopt"] = json!(adopt);
        document
    });
    documents.extend(others);
    if kind.name == "outbound_rule" {
        documents[3]["managed_network"] = json!({ "isolation_mode": "allow_only_approved_outbound" });
    }
    if !adopt {
        documents.iter_mut().filter_map(Json::as_object_mut).for_each(|d| _ = d.remove("adopt"));
    }
    documents
}

/// What the documents want, with the group, the workspace and the scripts that they may name.
fn desired(cases: &[Case], adopt: bool) -> Graph {
    let documents: Vec<Json> = surroundings(cases[0].kind, adopt)
        .into_iter()
        .chain(cases.iter().map(|case| case.document(adopt)))
        .collect();
    engine::desired(&documents, SUBSCRIPTION)
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

pub fn failures(applied: &Applied) -> Vec<String> {
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

/// A pretend ARM over HTTP, and the engine on it.
pub struct Bench {
    pub cloud: Running,
    pub engine: Engine,
}

impl Bench {
    pub async fn start(options: Options) -> Self {
        let options = Options {
            speed: 5000.0,
            subscription: SUBSCRIPTION.to_owned(),
            core_limit: 1 << 40,
            // Batch AI gives little otherwise.
            core_limits: ["standardNCFamily", "standardDSv3Family"]
                .map(|name| (name.to_owned(), 1 << 30))
                .into(),
            // The law is about what is sent; a day takes seventeen seconds here, and schedules would fire.
            background: false,
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
        let provider = ArmProvider::new(Client::new(endpoint, transport, tokens, settings));
        Self { cloud, engine: Engine::new(provider, Arc::new(jiff::Timestamp::now)) }
    }

    pub async fn stop(self) {
        drop(self.engine);
        self.cloud.stop().await.unwrap();
    }

    /// What a plan would do to resources whose documents plumb has written itself, from what stands, beyond taking
    /// them in.
    pub async fn imported(&self, graph: &Graph) -> Vec<String> {
        let mut standing = Vec::new();
        for resource in graph.resources().iter().filter(|r| r.kind.in_arm()) {
            let id = resource.arm_id.as_ref().unwrap();
            let Some(observed) = self.engine.provider.get(resource.kind, id).await.unwrap() else {
                return vec![format!("{} is not there", resource.address)];
            };
            standing.push(Standing { kind: resource.kind, observed });
        }
        let around = Around { subscription: SUBSCRIPTION.to_owned(), ..Around::default() };
        let described = describe(&standing, &around);
        let documents: Vec<_> = described.iter().map(|d| d.document.clone()).collect();
        let graph = engine::written(write(&documents), SUBSCRIPTION);
        let addresses = graph.resources().iter().map(|r| r.address.clone()).collect();
        assert_eq!(described.iter().map(|d| d.address.clone()).collect::<BTreeSet<_>>(), addresses);
        let plan = self.engine.plan(&graph.adopting(&addresses), &Snapshot::default()).await.unwrap();
        not_as_adopted(&plan)
    }

    /// Attributes that ARM answers, and that are not as asked.
    async fn unlike(&self, graph: &Graph) -> Vec<String> {
        let mut wrong = Vec::new();
        for resource in graph.resources() {
            let Some(id) = &resource.arm_id else { continue };
            match self.engine.provider.get(resource.kind, id).await.unwrap() {
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
