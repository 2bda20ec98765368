//! One request, carried through: token, gate, headers, retries.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use executor::provider::{CloudError, Outcome};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use model::{ArmId, Json, Secret};
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use crate::endpoint::Endpoint;
use crate::gate::{Bucket, Gate};
use crate::judge::{Reply, Verdict, judge, no_reply};
use crate::random::Random;
use crate::redact::Redactor;
use crate::retry_after::retry_after;
use crate::settings::Settings;
use crate::token::{TokenCache, TokenSource};
use crate::transport::{Transport, TransportError};

/// Our own code of an error: there is no token, so nothing can be asked.
pub(crate) const NOT_SIGNED_IN: &str = "NotSignedIn";

const BACK_OFF_MAX: Duration = Duration::from_secs(60);

/// The ARM client: one for a run.
pub struct Client {
    pub(crate) endpoint: Endpoint,
    pub(crate) settings: Settings,
    pub(crate) redactor: Redactor,
    transport: Arc<dyn Transport>,
    tokens: TokenCache,
    gate: Gate,
    random: Random,
    correlation: Uuid,
}

/// A request to make.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) body: Option<Json>,
    /// Whether sending it twice is the same as once, so that an unknown outcome does not matter.
    pub(crate) reads: bool,
}

impl Call {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, body: None, reads: true }
    }

    pub(crate) fn new(method: Method, url: Url, body: Option<Json>) -> Self {
        Self { method, url, body, reads: false }
    }
}

impl Client {
    /// A client of one endpoint. Its correlation id marks everything this run sends.
    pub fn new(
        endpoint: Endpoint,
        transport: Arc<dyn Transport>,
        tokens: Arc<dyn TokenSource>,
        settings: Settings,
    ) -> Self {
        let random = Random::new(settings.seed);
        Self {
            tokens: TokenCache::new(tokens, endpoint.scope()),
            gate: Gate::new(settings.concurrency),
            correlation: random.uuid(),
            redactor: Redactor::default(),
            endpoint,
            settings,
            transport,
            random,
        }
    }

    /// The id that support finds this run's requests by.
    pub fn correlation_id(&self) -> Uuid {
        self.correlation
    }

    /// Reads a resource, or what `tail` names below it.
    pub(crate) async fn get(&self, id: &ArmId, tail: &[&str], version: &str) -> Result<Reply, CloudError> {
        self.call(&Call::get(self.endpoint.url(id, tail, &[("api-version", version)]))).await
    }

    /// Carries a request through. What comes back as [`Outcome::Unknown`] may have been done.
    pub(crate) async fn call(&self, call: &Call) -> Result<Reply, CloudError> {
        self.attempts(call).await.map_err(|error| self.scrubbed(error))
    }

    async fn attempts(&self, call: &Call) -> Result<Reply, CloudError> {
        let start = Instant::now();
        let mut renewed = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let token = self.tokens.token().await.map_err(|e| not_signed_in(&e.to_string()))?;
            let reply = self.send(call, &token).await;
            let (error, all_wait) = match judge(&reply) {
                Verdict::Good(reply) => return Ok(reply),
                Verdict::NewToken(error) if renewed => return Err(error),
                Verdict::NewToken(_) => {
                    renewed = true;
                    self.tokens.refuse(&token).await;
                    continue;
                }
                Verdict::Unknown(error) if call.reads => (error, false),
                Verdict::Again(error, all_wait) => (error, all_wait),
                Verdict::Unknown(error) | Verdict::Refused(error) => return Err(error),
            };
            let pause = self.pause(&reply, attempt);
            if attempt >= self.settings.attempts_max || start.elapsed() + pause > self.settings.retry_window {
                return Err(error);
            }
            if all_wait {
                self.gate.close(Bucket::of(&call.method), pause);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// How long to wait before the next attempt: as told, else 1, 2, 4 … 60 s; spread.
    fn pause(&self, reply: &Result<Response<Bytes>, TransportError>, attempt: u32) -> Duration {
        let told = reply.as_ref().ok().and_then(|r| retry_after(r.headers()));
        let back_off = Duration::from_secs(1 << (attempt - 1).min(6)).min(BACK_OFF_MAX);
        self.random.spread(told.unwrap_or(back_off))
    }

    async fn send(&self, call: &Call, token: &Secret) -> Result<Response<Bytes>, TransportError> {
        let request = self.request(call, token);
        let _place = self.gate.enter(Bucket::of(&call.method)).await;
        self.transport.send(request).await
    }

    fn request(&self, call: &Call, token: &Secret) -> Request<Bytes> {
        let body = call.body.as_ref().map(|b| Bytes::from(b.to_string())).unwrap_or_default();
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(call.url.as_str())
            .header(ACCEPT, "application/json")
            .header("x-ms-client-request-id", self.random.uuid().to_string())
            .header("x-ms-correlation-request-id", self.correlation.to_string());
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        } else if call.method == Method::POST {
            request = request.header(CONTENT_LENGTH, "0");
        }
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        bearer.set_sensitive(true);
        request
            .header(AUTHORIZATION, bearer)
            .body(body)
            .expect("BUG: a URL is a URI, and the headers are plain")
    }

    /// An error without the secrets that this process sent.
    pub(crate) fn scrubbed(&self, error: CloudError) -> CloudError {
        CloudError {
            message: self.redactor.scrub(error.message),
            code: self.redactor.scrub(error.code),
            ..error
        }
    }
}

fn not_signed_in(words: &str) -> CloudError {
    CloudError {
        code: NOT_SIGNED_IN.to_owned(),
        advice: Some(
            "Sign in, for example with `az login`, or choose another `[cloud] credential`.".to_owned(),
        ),
        ..no_reply(Outcome::NotDone, words)
    }
}
