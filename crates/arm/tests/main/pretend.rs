//! The pretend cloud behind the client's transport, without sockets, on tokio's clock: an hour of waiting
//! passes in a moment when the clock is paused, and the cloud's hour with it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arm::{
    ArmProvider, Claims, Client, Endpoint, Settings, Token, TokenError, TokenSource, Transport,
    TransportError,
};
use async_trait::async_trait;
use bytes::Bytes;
use emulator::{DEFAULT_TOKEN, Delivery, Method, Options, World};
use executor::Clock;
use jiff::{SignedDuration, Timestamp};
use model::{Json, Secret};
use tokio::time::{Instant, sleep};

pub const ORIGIN: &str = "https://127.0.0.1:8443";
const START: &str = "2026-11-21T04:00:00Z";

/// A request's way there and back.
const LATENCY: Duration = Duration::from_millis(20);
/// When the transport gives up a silent connection, as `HttpTransport` does.
const READ_TIMEOUT: Duration = Duration::from_secs(80);

/// The cloud, and what was sent elsewhere.
pub struct Pretend {
    world: Mutex<World>,
    began: Instant,
    /// Requests to other hosts: the address, and whether a token went along.
    pub strays: Mutex<Vec<(String, bool)>>,
}

impl Pretend {
    pub fn new(options: Options) -> Arc<Self> {
        let (world, began) = (Mutex::new(World::new(options)), Instant::now());
        Arc::new(Self { world, began, strays: Mutex::default() })
    }

    /// The cloud's time.
    pub fn now(&self) -> Timestamp {
        let start: Timestamp = START.parse().unwrap();
        start + SignedDuration::try_from(self.began.elapsed()).unwrap()
    }

    pub fn clock(self: &Arc<Self>) -> Clock {
        let cloud = self.clone();
        Arc::new(move || cloud.now())
    }

    /// A provider as a new process has it, with Azure's own patience.
    pub fn provider(self: &Arc<Self>, tokens: Arc<dyn TokenSource>) -> ArmProvider {
        let endpoint = Endpoint::loopback(ORIGIN).unwrap();
        // Sooner than an operation of the pretend cloud ends, so that it is seen to run.
        let poll_interval = Duration::from_secs(2);
        let settings = Settings { seed: 7, poll_interval, ..Settings::azure() };
        ArmProvider::new(Client::new(endpoint, self.clone(), tokens, settings))
    }

    /// A control request, by method, path below `/_emulator/` and body.
    pub fn control(&self, method: Method, path: &str, body: &Json) -> Json {
        let request = emulator::Request::new(method, &format!("/_emulator/{path}")).json(body);
        let response = self.world.lock().unwrap().control(&request, self.now());
        let text = String::from_utf8_lossy(&response.body).into_owned();
        assert!(response.status < 300, "{method:?} {path} {body}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A request of somebody else, with the run's own token; the reply's status and body.
    pub fn ask(&self, method: Method, target: &str, body: &Json) -> (u16, Json) {
        let request = emulator::Request::new(method, target)
            .header("authorization", &format!("Bearer {DEFAULT_TOKEN}"))
            .header("host", "127.0.0.1:8443");
        let request = if body.is_null() { request } else { request.json(body) };
        let response = self.world.lock().unwrap().handle(&request, self.now());
        (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
    }
}

#[async_trait]
impl Transport for Pretend {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let uri = request.uri();
        if !ORIGIN.ends_with(uri.authority().unwrap().as_str()) {
            let token = request.headers().contains_key("authorization");
            self.strays.lock().unwrap().push((uri.to_string(), token));
            return Err(TransportError::Unreachable("nobody there".to_owned()));
        }
        sleep(LATENCY / 2).await;
        let response = self.world.lock().unwrap().handle(&carried(&request), self.now());
        sleep(LATENCY / 2).await;
        let lost = |words: &str| Err(TransportError::Lost(words.to_owned()));
        match response.delivery {
            Delivery::Whole => Ok(returned(response)),
            Delivery::Slow(time) => {
                sleep(time).await;
                Ok(returned(response))
            }
            Delivery::Reset => lost("reset"),
            Delivery::Truncated(_) => lost("the body ended early"),
            Delivery::Hang => {
                sleep(READ_TIMEOUT).await;
                lost("no byte in 80 s")
            }
        }
    }
}

fn carried(request: &http::Request<Bytes>) -> emulator::Request {
    let target = request.uri().path_and_query().unwrap().as_str();
    let mut sent = emulator::Request::new(Method::parse(request.method().as_str()).unwrap(), target);
    sent.scheme = "https";
    for (name, value) in request.headers() {
        sent = sent.header(name.as_str(), value.to_str().unwrap());
    }
    sent.body = request.body().to_vec();
    sent.header("host", request.uri().authority().unwrap().as_str())
}

fn returned(response: emulator::Response) -> http::Response<Bytes> {
    let mut builder = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder.body(Bytes::from(response.body)).unwrap()
}

/// Tokens of the cloud's own endpoint, each one new.
pub struct Issuer(pub Arc<Pretend>);

#[async_trait]
impl TokenSource for Issuer {
    async fn token(&self, scope: &str, claims: Option<&Claims>) -> Result<Token, TokenError> {
        let mut request = emulator::Request::new(Method::Post, "/tenant/oauth2/v2.0/token")
            .header("host", "127.0.0.1:8443")
            .header("content-type", "application/x-www-form-urlencoded");
        request.body =
            format!("grant_type=client_credentials&client_id=me&client_secret=s&scope={scope}").into_bytes();
        if let Some(claims) = claims {
            let encoded: String = url::form_urlencoded::byte_serialize(claims.json().as_bytes()).collect();
            request.body.extend_from_slice(format!("&claims={encoded}").as_bytes());
        }
        let response = self.0.world.lock().unwrap().handle(&request, self.0.now());
        let body: Json = serde_json::from_slice(&response.body).unwrap_or_default();
        let text = body["access_token"]
            .as_str()
            .ok_or_else(|| TokenError { message: body.to_string(), ..TokenError::default() })?;
        // Its end is not told, so that only a refusal shows it.
        Ok(Token { secret: Secret::new(text), expires: None })
    }
}
