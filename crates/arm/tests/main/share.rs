//! Setup scripts on the file share of a workspace, from documents to the pretend cloud's share, on a network that dies.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arm::{ArmProvider, Client, Endpoint, Settings, TokenSource, Transport, TransportError};
use async_trait::async_trait;
use bytes::Bytes;
use emulator::{DEFAULT_SUBSCRIPTION, Method, Options};
use executor::Provider;
use model::kinds::script_file;
use model::{ArmId, Json};
use planner::Graph;
use serde_json::json;

use crate::engine::{Engine, written};
use crate::pretend::{Issuer, ORIGIN, Pretend};

const BASE: &str = "
kind: resource_group
name: ml
location: westeurope
---
kind: workspace
name: research
resource_group: ml
location: westeurope
";

fn documents(text: &str) -> Graph {
    written(
        format!(
            "{BASE}---
kind: setup_script
name: conda
source: workspace_storage
content: |
  #!/bin/bash
  {text}
---
kind: instance
name: ci-alice
workspace: research
setup_scripts: {{ creation_script: conda }}
"
        ),
        DEFAULT_SUBSCRIPTION,
    )
}

fn workspace() -> ArmId {
    ArmId::group(DEFAULT_SUBSCRIPTION, "ml")
        .in_group("Microsoft.MachineLearningServices/workspaces", "research")
}

/// The way to the cloud. It dies with one of the requests to a share, before that arrives or before its reply does, and
/// stays dead.
struct Wire {
    cloud: Arc<Pretend>,
    seen: AtomicUsize,
    dies_at: Option<(usize, bool)>,
    /// Where requests went, each with the scheme of its `Authorization`.
    log: Mutex<Vec<(String, String)>>,
}

impl Wire {
    fn new(cloud: &Arc<Pretend>, dies_at: Option<(usize, bool)>) -> Arc<Self> {
        Arc::new(Self { cloud: cloud.clone(), seen: AtomicUsize::new(0), dies_at, log: Mutex::default() })
    }

    fn provider(self: &Arc<Self>) -> ArmProvider {
        let endpoint = Endpoint::loopback(ORIGIN).unwrap();
        let settings = Settings { seed: 7, attempts_max: 3, ..Settings::azure() };
        let tokens: Arc<dyn TokenSource> = Arc::new(Issuer(self.cloud.clone()));
        ArmProvider::new(Client::new(endpoint, self.clone(), tokens, settings))
    }

    fn schemes(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        let mut schemes: Vec<String> = log.iter().map(|(_, scheme)| scheme.clone()).collect();
        schemes.dedup();
        schemes
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let lost = || Err(TransportError::Lost("the network is down".to_owned()));
        let to_share = request.uri().path().starts_with("/_files/");
        let number = if to_share { self.seen.fetch_add(1, Ordering::SeqCst) } else { usize::MAX };
        if to_share {
            let scheme =
                request.headers()["authorization"].to_str().unwrap().split(' ').next().unwrap().to_owned();
            self.log.lock().unwrap().push((request.uri().to_string(), scheme));
        }
        match self.dies_at {
            Some((point, before)) if to_share && (number > point || (number == point && before)) => {
                return lost();
            }
            Some((point, _)) if !to_share && self.seen.load(Ordering::SeqCst) > point => return lost(),
            _ => {}
        }
        let mut response = self.cloud.send(request).await?;
        let date = self.cloud.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().insert("date", date.parse().unwrap());
        if to_share && self.dies_at == Some((number, false)) { lost() } else { Ok(response) }
    }
}

async fn text_on_share(provider: &ArmProvider) -> Option<String> {
    let file = provider.file(&workspace(), "plumb/conda.sh", 1 << 20).await.unwrap()?;
    Some(String::from_utf8(file.bytes).unwrap())
}

async fn base(cloud: &Arc<Pretend>) -> Engine {
    let engine = Engine::new(Wire::new(cloud, None).provider(), cloud.clock());
    let (_, applied) = engine.apply(&written(BASE.to_owned(), DEFAULT_SUBSCRIPTION)).await.unwrap();
    assert!(applied.is_complete(), "{:?}", applied.failed);
    engine
}

async fn settles(engine: &Engine, graph: &Graph, context: &str) {
    let (plan, applied) = engine.apply(graph).await.unwrap();
    let wrong = plan.diagnostics.clone().sorted();
    assert!(wrong.iter().all(|d| d.severity != model::Severity::Error), "{context}: {wrong:#?}");
    assert!(applied.is_complete(), "{context}: {:?} {:?}", applied.failed, applied.open);
    assert_eq!(engine.not_settled(graph).await, Vec::<String>::new(), "{context}");
}

#[tokio::test(start_paused = true)]
async fn a_script_is_whole_whenever_the_network_dies() {
    let (first, second) = (documents("echo one"), documents("echo two"));
    for before in [true, false] {
        let mut points = 0;
        for point in 0.. {
            let cloud = Pretend::new(Options::default());
            let mut engine = base(&cloud).await;
            let wire = Wire::new(&cloud, Some((point, before)));
            engine.restart(wire.provider());
            // However this ends: the next run finds it.
            let ended = engine.apply(&first).await;
            let died = wire.seen.load(Ordering::SeqCst) > point;
            engine.restart(Wire::new(&cloud, None).provider());
            let context = format!("request {point} died, {}", if before { "unsent" } else { "unanswered" });
            settles(&engine, &first, &context).await;
            assert_eq!(
                text_on_share(&engine.provider).await.as_deref(),
                Some("#!/bin/bash\necho one\n"),
                "{context}"
            );
            if !died {
                assert!(ended.is_ok_and(|(_, applied)| applied.is_complete()), "{context}");
                break;
            }
            points = point + 1;
        }
        assert!(points >= 5, "only {points} requests to the share");
    }
    for point in 0..6 {
        let cloud = Pretend::new(Options::default());
        let mut engine = base(&cloud).await;
        settles(&engine, &first, "at first").await;
        engine.restart(Wire::new(&cloud, Some((point, false))).provider());
        _ = engine.apply(&second).await;
        engine.restart(Wire::new(&cloud, None).provider());
        let (_, applied) = engine.apply(&second).await.unwrap();
        assert!(applied.is_complete(), "{point}: {:?}", applied.failed);
        assert_eq!(
            text_on_share(&engine.provider).await.as_deref(),
            Some("#!/bin/bash\necho two\n"),
            "{point}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_key_serves_where_it_may_be_read_and_a_token_elsewhere() {
    let deny =
        |cloud: &Pretend, action: &str| cloud.control(Method::Post, "denials", &json!({ "action": action }));
    let keys = "Microsoft.Storage/storageAccounts/listKeys/action";
    for (denied, expected) in [(false, "SharedKey"), (true, "Bearer")] {
        let cloud = Pretend::new(Options::default());
        let mut engine = base(&cloud).await;
        if denied {
            deny(&cloud, keys);
        }
        let wire = Wire::new(&cloud, None);
        engine.restart(wire.provider());
        settles(&engine, &documents("echo one"), expected).await;
        assert_eq!(wire.schemes(), [expected]);
        assert!(wire.log.lock().unwrap().iter().all(|(url, _)| url.starts_with(ORIGIN)));
    }
    let cloud = Pretend::new(Options::default());
    let engine = base(&cloud).await;
    deny(&cloud, keys);
    deny(&cloud, "Microsoft.Storage/storageAccounts/fileServices/*");
    let (plan, _) = engine.apply(&documents("echo one")).await.unwrap();
    let said = plan.diagnostics.clone().sorted();
    let said = format!("{said:#?}");
    assert!(plan.diagnostics.has_errors(), "{said}");
    for part in [keys, "Storage File Data Privileged Contributor", "script_file/research/conda"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_renewed_meanwhile_is_asked_for_again() {
    let cloud = Pretend::new(Options::default());
    let engine = base(&cloud).await;
    settles(&engine, &documents("echo one"), "at first").await;
    let shown =
        cloud.ask(Method::Get, &format!("{}?api-version=2025-06-01", workspace().as_str()), &Json::Null).1;
    let account = shown["properties"]["storageAccount"].as_str().unwrap().to_owned();
    let renewed = json!({ "keyName": "key1" });
    let target = format!("{account}/regenerateKey?api-version=2024-01-01");
    assert_eq!(cloud.ask(Method::Post, &target, &renewed).0, 200);
    assert!(text_on_share(&engine.provider).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_somebody_else_put_there_is_not_taken_over_in_silence() {
    let cloud = Pretend::new(Options::default());
    let engine = base(&cloud).await;
    settles(&engine, &documents("echo one"), "at first").await;
    // The same documents from a project that knows nothing of it.
    let other = Engine::new(Wire::new(&cloud, None).provider(), cloud.clock());
    let (plan, _) = other.apply(&documents("echo two")).await.unwrap();
    let said = format!("{:#?}", plan.diagnostics.clone().sorted());
    assert!(said.contains("script_file/research/conda exists in Azure already"), "{said}");
    let id = script_file::id(&workspace(), "plumb/conda.sh");
    let live = other.provider.get(&script_file::KIND, &id).await.unwrap().expect("it is there");
    assert_eq!(live.attributes["sha256"], script_file::sha256(b"#!/bin/bash\necho one\n"));
}
