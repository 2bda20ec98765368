//! Whatever a server answers, the client comes to an end: no panic, no other host, and words for what went wrong.

use std::sync::Arc;
use std::time::Duration;

use arm::{ArmProvider, Client, Endpoint, Settings, StaticToken, Transport, TransportError};
use async_trait::async_trait;
use bytes::Bytes;
use executor::provider::{CloudError, Collection, Operation, Provider};
use model::{Json, Secret};
use planner::Verb;
use serde_json::json;
use testkit::Random;

use crate::support::{Asked, WORKSPACE, compute, kind, workspace};

const CASES: u64 = 400;
const TOKEN: &str = "the-token-itself";

/// A server that answers anything.
struct Anything {
    random: std::sync::Mutex<Random>,
}

const STATUSES: [u16; 24] = [
    200, 200, 200, 201, 202, 202, 204, 206, 301, 302, 307, 400, 401, 403, 404, 404, 409, 412, 429, 500, 502,
    503, 504, 599,
];

/// Keys that the client looks at.
const KEYS: [&str; 30] = [
    "id",
    "name",
    "type",
    "status",
    "properties",
    "provisioningState",
    "error",
    "code",
    "message",
    "details",
    "innererror",
    "value",
    "nextLink",
    "location",
    "tags",
    "identity",
    "computeType",
    "scaleSettings",
    "maxNodeCount",
    "state",
    "resourceId",
    "additionalInfo",
    "sku",
    "principalId",
    "systemData",
    "createdAt",
    "target",
    "vmSize",
    "schedules",
    "computeStartStop",
];

const WORDS: [&str; 34] = [
    "",
    "Succeeded",
    "Failed",
    "Canceled",
    "InProgress",
    "Accepted",
    "Creating",
    "Deleting",
    "Updating",
    "succeeded",
    "AmlCompute",
    "ComputeInstance",
    "Kubernetes",
    "Running",
    "Stopped",
    "westeurope",
    WORKSPACE,
    "/",
    "//",
    "?",
    "https://evil.example/steal?a=b",
    "//evil.example/x",
    "https://management.azure.com@evil.example/",
    "\u{0}",
    "\u{202e}",
    "ResourceNotFound",
    "Conflict",
    "TooManyRequests",
    "AuthorizationFailed",
    "SkuNotAvailable",
    "2026-11-21T00:00:00Z",
    "99999999999999999999",
    "-1",
    "https://management.azure.com/subscriptions/s/op/1?api-version=x",
];

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize]
}

fn value(random: &mut Random, depth: u64) -> Json {
    match random.below(if depth == 0 { 5 } else { 9 }) {
        0 => Json::Null,
        1 => json!(random.below(2) == 0),
        2 => json!(random.below(1 << 40) as i64 - (1 << 20)),
        3 | 4 => json!(pick(random, &WORDS)),
        5 => Json::Array((0..random.below(4)).map(|_| value(random, depth - 1)).collect()),
        _ => {
            let members = 1 + random.below(8);
            (0..members).map(|_| (pick(random, &KEYS).to_owned(), value(random, depth - 1))).collect()
        }
    }
}

fn body(random: &mut Random) -> Vec<u8> {
    match random.below(10) {
        0 => Vec::new(),
        1 => (0..random.below(64)).map(|_| random.below(256) as u8).collect(),
        2 => b"<html><body>Bad gateway".to_vec(),
        3 => "[".repeat(100_000).into_bytes(),
        4 => {
            let mut text = value(random, 4).to_string().into_bytes();
            text.truncate(random.below(text.len() as u64 + 1) as usize);
            text
        }
        5 => json!({ "value": [value(random, 5), value(random, 5)] }).to_string().into_bytes(),
        6 => json!({ "id": compute("cpu").as_str(), "name": "cpu", "properties": value(random, 5) })
            .to_string()
            .into_bytes(),
        _ => value(random, 6).to_string().into_bytes(),
    }
}

const HEADERS: [&str; 9] = [
    "azure-asyncoperation",
    "location",
    "retry-after",
    "retry-after-ms",
    "x-ms-retry-after-ms",
    "x-ms-ratelimit-remaining-subscription-reads",
    "x-ms-request-id",
    "www-authenticate",
    "content-type",
];

#[async_trait]
impl Transport for Anything {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        assert_eq!(request.uri().authority().unwrap(), "management.azure.com", "{}", request.uri());
        let mut random = self.random.lock().unwrap();
        match random.below(20) {
            0 => return Err(TransportError::Lost("reset".to_owned())),
            1 => return Err(TransportError::Unreachable("refused".to_owned())),
            _ => {}
        }
        let mut response = http::Response::builder().status(pick(&mut random, &STATUSES));
        for _ in 0..random.below(4) {
            let name = pick(&mut random, &HEADERS);
            let word = match random.below(3) {
                0 => random.below(100_000).to_string(),
                _ => pick(&mut random, &WORDS).to_owned(),
            };
            if let Ok(value) = http::HeaderValue::from_str(&word) {
                response = response.header(name, value);
            }
        }
        Ok(response.body(Bytes::from(body(&mut random))).unwrap())
    }
}

fn provider(seed: u64) -> ArmProvider {
    let settings = Settings {
        seed,
        deadline: Duration::from_secs(1_800),
        retry_window: Duration::from_secs(300),
        conflict_window: Duration::from_secs(300),
        ..Settings::azure()
    };
    let wire = Anything { random: std::sync::Mutex::new(Random::new(seed)) };
    let tokens = Arc::new(StaticToken::new(Secret::new(TOKEN)));
    ArmProvider::new(Client::new(Endpoint::named("azure").unwrap(), Arc::new(wire), tokens, settings))
}

fn check<T>(seed: u64, result: Result<T, CloudError>) -> usize {
    let Err(error) = result else { return 0 };
    let text = format!("{error} {error:?} {}", executor::Failure::from(error.clone()));
    assert!(!text.contains(TOKEN), "seed {seed}: {text}");
    assert!(!error.to_string().trim().is_empty(), "seed {seed}: a failure without words: {error:?}");
    1
}

async fn everything(seed: u64) -> usize {
    let provider = provider(seed);
    let kinds = vec![kind("cluster"), kind("instance")];
    let mut failed = check(seed, provider.list(&Collection { kinds, parent: workspace() }).await);
    for name in ["cluster", "instance"] {
        failed += check(seed, provider.get(kind(name), &compute("cpu")).await);
    }
    failed += check(seed, provider.get(kind("workspace"), &workspace()).await);
    failed += check(seed, provider.nodes(&compute("cpu")).await);
    let values = json!({ "size": "Standard_DS3_v2", "location": "westeurope", "max_instances": 4 });
    for verb in [Verb::Create, Verb::Put, Verb::Patch, Verb::Delete] {
        let sent = Asked::new("cluster", &compute("cpu"), verb, values.clone()).send(&provider).await;
        if let Ok(Some(operation)) = sent.as_ref().map(|sent| sent.operation.clone()) {
            failed += check(seed, provider.wait(&operation).await);
        }
        failed += check(seed, sent);
    }
    for deletes in [false, true] {
        let operation = Operation {
            url: None,
            arm_id: compute("cpu"),
            deletes,
            api_version: kind("cluster").api_version(),
        };
        failed += check(seed, provider.wait(&operation).await);
    }
    failed
}

#[test]
fn any_answer_comes_to_an_end() {
    let mut failed = 0;
    for seed in 0..CASES {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        failed += runtime.block_on(everything(seed));
    }
    assert!(failed > CASES as usize, "the server was too kind: {failed} failures");
}
