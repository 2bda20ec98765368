//! A scripted wire: requests must come in order, each gets the reply written beside it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arm::{ArmProvider, Client, Endpoint, Settings, StaticToken, TokenSource, Transport, TransportError};
use async_trait::async_trait;
use bytes::Bytes;
use executor::provider::{CloudError, Provider, Request, Sent};
use model::{ArmId, Json, Kind, Secret, kinds};
use planner::Verb;

pub const WORKSPACE: &str =
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws";
pub const ML: &str = "?api-version=2026-05-01";
pub const OPERATION: &str = "https://management.azure.com/subscriptions/s/op/1?api-version=x&t=1&s=a%2Bb";

const NOT_FOUND: &str = r#"{"error":{"code":"ResourceNotFound","message":"not here"}}"#;

/// What the wire does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    Reply(u16, Vec<(&'static str, String)>, String),
    Lost,
    Unreachable,
}

pub fn reply(status: u16, body: Json) -> Answer {
    Answer::Reply(status, Vec::new(), if body.is_null() { String::new() } else { body.to_string() })
}

pub fn with(answer: Answer, name: &'static str, value: &str) -> Answer {
    let Answer::Reply(status, mut headers, body) = answer else { return answer };
    headers.push((name, value.to_owned()));
    Answer::Reply(status, headers, body)
}

pub fn error(status: u16, code: &str) -> Answer {
    reply(status, serde_json::json!({ "error": { "code": code, "message": format!("{code} happened") } }))
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub body: Json,
    pub headers: http::HeaderMap,
    pub at: Duration,
}

#[derive(Clone)]
pub struct Wire {
    script: Arc<Mutex<VecDeque<(String, Answer)>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    last: Arc<Mutex<String>>,
    start: tokio::time::Instant,
}

impl Wire {
    /// `GET /path?query` and the answer, in order. Paths that begin with `~` lie in [`WORKSPACE`].
    pub fn new<const N: usize>(script: [(&str, Answer); N]) -> Self {
        let script = script.into_iter().map(|(line, answer)| (line.replace('~', WORKSPACE), answer));
        Self {
            script: Arc::new(Mutex::new(script.collect())),
            seen: Arc::default(),
            last: Arc::default(),
            start: tokio::time::Instant::now(),
        }
    }

    pub fn provider(&self) -> ArmProvider {
        self.provider_with(Arc::new(StaticToken::new(Secret::new("the-token"))))
    }

    pub fn provider_with(&self, tokens: Arc<dyn TokenSource>) -> ArmProvider {
        let settings = Settings { seed: 7, ..Settings::azure() };
        let endpoint = Endpoint::named("azure").unwrap();
        ArmProvider::new(Client::new(endpoint, Arc::new(self.clone()), tokens, settings))
    }

    /// A create looks before it is sent and after it was refused; no script needs to say so, and what it is
    /// told is that nothing is there.
    fn is_look_of_a_create(&self, line: &str) -> bool {
        let script = self.script.lock().unwrap();
        let next = script.front().map(|(next, _)| next.as_str());
        let put = line.replacen("GET ", "PUT ", 1);
        let before = next == Some(&put);
        let after = *self.last.lock().unwrap() == put && next != Some(line);
        line.starts_with("GET ") && (before || after)
    }

    /// What came, once all that was expected has.
    pub fn end(&self) -> Vec<Seen> {
        let left = self.script.lock().unwrap();
        assert!(left.is_empty(), "never asked: {left:#?}");
        self.seen.lock().unwrap().clone()
    }

    /// The body of the last request.
    pub fn last_body(&self) -> Json {
        self.end().last().unwrap().body.clone()
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        assert_eq!(request.uri().authority().unwrap(), "management.azure.com");
        let line = format!("{} {}", request.method(), request.uri().path_and_query().unwrap());
        if self.is_look_of_a_create(&line) {
            return Ok(http::Response::builder().status(404).body(Bytes::from(NOT_FOUND)).unwrap());
        }
        let next = self.script.lock().unwrap().pop_front();
        *self.last.lock().unwrap() = line.clone();
        let (expected, answer) = next.unwrap_or_else(|| panic!("nothing more was expected, but {line} came"));
        assert_eq!(line, expected);
        let body = serde_json::from_slice(request.body()).unwrap_or(Json::Null);
        let seen = Seen { body, headers: request.headers().clone(), at: self.start.elapsed() };
        self.seen.lock().unwrap().push(seen);
        match answer {
            Answer::Lost => Err(TransportError::Lost("reset".to_owned())),
            Answer::Unreachable => Err(TransportError::Unreachable("refused".to_owned())),
            Answer::Reply(status, headers, body) => {
                let mut response = http::Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                Ok(response.body(Bytes::from(body)).unwrap())
            }
        }
    }
}

pub fn kind(name: &str) -> &'static Kind {
    kinds::find(name).unwrap()
}

pub fn workspace() -> ArmId {
    ArmId::parse(WORKSPACE).unwrap()
}

pub fn compute(name: &str) -> ArmId {
    workspace().child("computes", name)
}

/// A change to send.
pub struct Asked {
    kind: &'static Kind,
    arm_id: ArmId,
    verb: Verb,
    attributes: BTreeMap<&'static str, Json>,
    paths: Vec<&'static str>,
}

impl Asked {
    /// The change of a kind; every attribute in `paths` by default.
    pub fn new(name: &str, arm_id: &ArmId, verb: Verb, attributes: Json) -> Self {
        let kind = kind(name);
        let path = |text: &String| kind.attribute(text).unwrap().path;
        let attributes: BTreeMap<_, _> =
            attributes.as_object().unwrap().iter().map(|(k, v)| (path(k), v.clone())).collect();
        let paths = attributes.keys().copied().collect();
        Self { kind, arm_id: arm_id.clone(), verb, attributes, paths }
    }

    pub fn only(mut self, paths: &[&'static str]) -> Self {
        self.paths = paths.to_vec();
        self
    }

    pub async fn send(&self, provider: &ArmProvider) -> Result<Sent, CloudError> {
        let request = Request {
            kind: self.kind,
            arm_id: &self.arm_id,
            verb: self.verb,
            attributes: &self.attributes,
            paths: &self.paths,
        };
        provider.send(&request).await
    }
}
