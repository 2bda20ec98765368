//! One origin gets the token: whatever a reply names, and over real sockets, nobody else is ever called.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arm::{ArmProvider, Client, Endpoint, HttpTransport, Settings, StaticToken};
use emulator::{Emulator, Method, Options, Running};
use model::{Json, Secret};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::engine::{Engine, desired};

const SUBSCRIPTION: &str = "0a1b2c3d-0000-4000-8000-00000000abcd";

/// Someone who would like to have a token.
struct Thief {
    origin: String,
    calls: Arc<AtomicU32>,
}

impl Thief {
    async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicU32::new(0));
        let counter = calls.clone();
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::Relaxed);
                let mut request = vec![0; 64 * 1024];
                let length = socket.read(&mut request).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&request[..length]).to_ascii_lowercase();
                assert!(!text.contains("authorization"), "a token was stolen: {text}");
            }
        });
        Self { origin, calls }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_ever_called() {
    let thief = Thief::listen().await;
    let cloud = Emulator::start(Options {
        speed: 1000.0,
        subscription: SUBSCRIPTION.to_owned(),
        page_size: 1,
        ..Options::default()
    })
    .await
    .unwrap();
    let lures = [
        json!({ "fault": "lro-foreign-host", "method": "PUT", "path_contains": "/computes/" }),
        json!({ "fault": "lro-foreign-host", "method": "DELETE", "path_contains": "/computes/" }),
        json!({ "fault": "lro-foreign-host", "method": "PUT", "path_contains": "/workspaces/lab?" }),
        json!({ "fault": "nextlink-foreign", "method": "GET", "path_contains": "/computes?" }),
        json!({ "fault": "redirect-foreign", "method": "GET", "path_contains": "/computes?", "nth": 2 }),
        json!({ "fault": "redirect-foreign", "method": "PUT", "path_contains": "/computes/", "nth": 2, "status": 308 }),
        json!({ "fault": "redirect-foreign", "target": "poll", "status": 302 }),
    ];
    for lure in &lures {
        let mut lure = lure.clone();
        lure["host"] = json!(thief.origin);
        control(&cloud, Method::Post, &lure);
    }
    let engine = Engine::new(provider(&cloud), Arc::new(jiff::Timestamp::now));
    // How each run ends is another test's matter; in the end all is there, and then nothing is.
    for count in [2, 2, 2, 2, 0, 0] {
        _ = engine.apply(&documents(count)).await;
    }
    assert!(engine.not_settled(&documents(0)).await.is_empty());
    let rules = control(&cloud, Method::Get, &Json::Null);
    let idle: Vec<&Json> = rules["value"].as_array().unwrap().iter().filter(|r| r["fired"] == 0).collect();
    assert!(idle.is_empty(), "never struck: {idle:?}");
    assert_eq!(thief.calls.load(Ordering::Relaxed), 0);
    cloud.stop().await.unwrap();
}

/// A group, a workspace and so many clusters.
fn documents(clusters: u32) -> planner::Graph {
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers");
    let mut all = vec![
        json!({ "kind": "resource_group", "name": "g", "location": "westeurope" }),
        json!({
            "kind": "workspace",
            "name": "lab",
            "resource_group": "g",
            "location": "westeurope",
            "storage_account": format!("{group}/Microsoft.Storage/storageAccounts/blobs"),
            "key_vault": format!("{group}/Microsoft.KeyVault/vaults/keys"),
            "application_insights": format!("{group}/Microsoft.Insights/components/eyes"),
        }),
    ];
    all.extend((0..clusters).map(|n| {
        json!({ "kind": "cluster", "name": format!("cpu{n}"), "workspace": "lab", "size": "Standard_DS3_v2" })
    }));
    desired(&all, SUBSCRIPTION)
}

fn provider(cloud: &Running) -> ArmProvider {
    let endpoint = Endpoint::loopback(&cloud.endpoint()).unwrap();
    let settings = Settings { seed: 3, poll_interval: Duration::from_millis(5), ..Settings::of(&endpoint) };
    let tokens = Arc::new(StaticToken::new(Secret::new(cloud.token.clone())));
    let transport = Arc::new(HttpTransport::loopback(None).unwrap());
    ArmProvider::new(Client::new(endpoint, transport, tokens, settings))
}

fn control(cloud: &Running, method: Method, body: &Json) -> Json {
    let request = emulator::Request::new(method, "/_emulator/faults")
        .header("host", "127.0.0.1")
        .header("x-emulator-token", &cloud.control_token);
    let request = if body.is_null() { request } else { request.json(body) };
    let response = cloud.emulator.handle(&request);
    assert!(response.status < 300, "{body}: {}", String::from_utf8_lossy(&response.body));
    serde_json::from_slice(&response.body).unwrap_or_default()
}
