//! One request, carried through: token, gate, headers, retries.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use executor::provider::{CloudError, Outcome};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use model::{ArmId, Json, Secret};
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use crate::claims;
use crate::clock_skew;
use crate::endpoint::Endpoint;
use crate::judge::{Reply, Verdict, judge, no_reply};
use crate::pace::{Bucket, Circuit, Gate, Landing, Return, http_date, retry_after};
use crate::random::Random;
use crate::redact::Redactor;
use crate::settings::Settings;
use crate::token::{TokenCache, TokenError, TokenSource};
use crate::trace;
use crate::transport::{Transport, TransportError};

/// Our own code of an error: the region is down.
pub(crate) const REGION_DOWN: &str = "RegionDown";

/// Our own code of an error: there is no token, so nothing can be asked.
pub(crate) const NOT_SIGNED_IN: &str = "NotSignedIn";

const SIGN_IN: &str = "Sign in, for example with `az login`, or choose another `[cloud] credential`.";

const BACK_OFF_MAX: Duration = Duration::from_secs(60);

/// The ARM client: one for a run.
pub struct Client {
    pub(crate) endpoint: Endpoint,
    pub(crate) settings: Settings,
    pub(crate) redactor: Redactor,
    pub(crate) transport: Arc<dyn Transport>,
    tokens: TokenCache,
    /// Tokens for the data plane of storage accounts; asked for only where one is needed.
    storage_tokens: TokenCache,
    gate: Gate,
    pub(crate) circuit: Circuit,
    pub(crate) random: Random,
    correlation: Uuid,
    /// What the last reply said about the time, and when it came.
    told_time: Mutex<Option<(Timestamp, Instant)>>,
}

/// A request to make.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) body: Option<Json>,
    /// Whether sending it twice is the same as once, so that an unknown outcome does not matter.
    pub(crate) reads: bool,
    /// The region that the resource lies in, where that is known.
    pub(crate) place: Option<String>,
}

impl Call {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, body: None, reads: true, place: None }
    }

    pub(crate) fn new(method: Method, url: Url, body: Option<Json>) -> Self {
        Self { method, url, body, reads: false, place: None }
    }

    /// The subscription that the request is counted for; empty when it names none.
    fn subscription(&self) -> &str {
        self.after("subscriptions").unwrap_or_default()
    }

    /// The region that answers: as the caller said, or as an operation's URL says.
    pub(crate) fn region(&self) -> Option<String> {
        self.place.clone().or_else(|| self.after("locations").map(str::to_owned))
    }

    fn after(&self, segment: &str) -> Option<&str> {
        let mut segments = self.url.path().split('/');
        segments.find(|s| s.eq_ignore_ascii_case(segment))?;
        segments.next()
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
            storage_tokens: TokenCache::new(tokens.clone(), endpoint.storage_scope(), !settings.seed),
            tokens: TokenCache::new(tokens, endpoint.scope(), !settings.seed),
            gate: Gate::new(settings.concurrency),
            circuit: Circuit::new(settings.outage_pause),
            correlation: random.uuid(),
            told_time: Mutex::default(),
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
            let region = call.region().filter(|_| !call.reads);
            if let Some(region) = region.filter(|region| !self.circuit.admits(region)) {
                return Err(region_down(&region));
            }
            let sent = self.send(call, attempt).await?;
            let (error, throttled) = match sent.verdict {
                Verdict::Good(reply) => return Ok(reply),
                Verdict::NewToken(error) if renewed => return Err(with_clock(error, &sent.headers)),
                Verdict::NewToken(_) => {
                    renewed = true;
                    self.tokens.refuse(&sent.token, claims::demanded(&sent.headers));
                    continue;
                }
                Verdict::Unknown(error) if call.reads => (error, false),
                Verdict::Again(error) => (error, false),
                Verdict::Throttled(error) => (error, true),
                Verdict::Unknown(error) | Verdict::Refused(error) => return Err(error),
            };
            let pause = self.pause(retry_after(&sent.headers), attempt);
            if attempt >= self.settings.attempts_max || start.elapsed() + pause > self.settings.retry_window {
                return Err(error);
            }
            if throttled {
                self.gate.close(call.subscription(), Bucket::of(&call.method), pause);
            }
            trace::pause(call, pause, &error.message);
            tokio::time::sleep(pause).await;
        }
    }

    /// How long to wait before the next attempt: as told, else 1, 2, 4 … 60 s; spread.
    pub(crate) fn pause(&self, told: Option<Duration>, attempt: u32) -> Duration {
        let back_off = Duration::from_secs(1 << (attempt - 1).min(6)).min(BACK_OFF_MAX);
        self.random.spread(told.unwrap_or(back_off))
    }

    /// One attempt: the gate, a token, the wire, and what the gate and the circuit learn from it.
    async fn send(&self, call: &Call, attempt: u32) -> Result<Sent, CloudError> {
        let pass = self.gate.enter(call.subscription(), Bucket::of(&call.method)).await;
        let token = self.tokens.token().await.map_err(not_signed_in)?;
        // An emulator's own token is a word that may be said.
        if !self.endpoint.is_loopback() {
            self.redactor.learn(&Json::from(token.expose()));
        }
        let request = self.request(call, &token);
        let headers = request.headers().clone();
        let start = Instant::now();
        let reply = self.transport.send(request).await;
        trace::exchange(call, &headers, &reply, attempt, start.elapsed());
        let verdict = judge(&reply);
        pass.back(&returned(&reply, &verdict));
        if let Some(region) = call.region() {
            self.circuit.learn(&region, !in_trouble(&verdict));
        }
        let headers = reply.map(|r| r.into_parts().0.headers).unwrap_or_default();
        self.learn_time(&headers);
        Ok(Sent { verdict, headers, token })
    }

    /// The time by Azure's clock, as far as a reply has told.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        let told = *self.told_time.lock().expect("BUG: a holder of the lock panicked");
        let (then, at) = told?;
        then.checked_add(SignedDuration::try_from(at.elapsed()).ok()?).ok()
    }

    fn learn_time(&self, headers: &HeaderMap) {
        if let Some(time) = headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?)) {
            let mut told = self.told_time.lock().expect("BUG: a holder of the lock panicked");
            *told = Some((time, Instant::now()));
        }
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

    /// Has the next request use a new token: an old one does not know a role that was given since.
    pub(crate) async fn renew_token(&self) {
        if let Ok(token) = self.tokens.token().await {
            self.tokens.refuse(&token, None);
        }
    }

    /// A token for the data plane of storage accounts.
    pub(crate) async fn storage_token(&self) -> Result<Secret, CloudError> {
        self.storage_tokens.token().await.map_err(not_signed_in)
    }

    /// An error without the secrets that this process sent.
    pub(crate) fn scrubbed(&self, error: CloudError) -> CloudError {
        CloudError {
            message: self.redactor.scrub(error.message),
            code: self.redactor.scrub(error.code),
            facts: error
                .facts
                .into_iter()
                .map(|(label, value)| (label, self.redactor.scrub(value)))
                .collect(),
            ..error
        }
    }
}

/// What an attempt brought.
struct Sent {
    verdict: Verdict,
    /// The reply's; none without a reply.
    headers: HeaderMap,
    token: Secret,
}

/// What the gate learns from an attempt.
fn returned<'a>(reply: &'a Result<Response<Bytes>, TransportError>, verdict: &Verdict) -> Return<'a> {
    let Ok(reply) = reply else { return Return::Lost };
    // ARM's own budget is not what a service refuses for while some is left (arm-faults §3).
    let of_arm = |bucket: Bucket| bucket.remaining(reply.headers()).is_none_or(|left| left < 1.0);
    match verdict {
        Verdict::Throttled(_) if [Bucket::Reads, Bucket::Writes, Bucket::Deletes].into_iter().all(of_arm) => {
            Return::Throttled(reply.headers())
        }
        Verdict::Throttled(_) | Verdict::Unknown(_) => Return::Reply(reply.headers(), Landing::Trouble),
        _ => Return::Reply(reply.headers(), Landing::Good),
    }
}

/// Whether an attempt says that the region, or ARM in it, struggles.
fn in_trouble(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Unknown(_))
}

fn region_down(region: &str) -> CloudError {
    let words = format!("{region} has only answered with errors lately: nothing new is sent there for now");
    CloudError {
        code: REGION_DOWN.to_owned(),
        facts: vec![("region", region.to_owned())],
        advice: Some(
            "Look at Azure's status page, and run the command again; it goes on where this run stopped."
                .to_owned(),
        ),
        ..no_reply(Outcome::NotDone, words)
    }
}

fn not_signed_in(error: TokenError) -> CloudError {
    let TokenError { message, advice, ids, transient: _, retry_after: _ } = error;
    CloudError {
        code: NOT_SIGNED_IN.to_owned(),
        advice: Some(advice.unwrap_or_else(|| SIGN_IN.to_owned())),
        request_ids: ids.into(),
        ..no_reply(Outcome::NotDone, format!("no token: {message}"))
    }
}

/// A new token was refused, too: perhaps the clock is wrong.
fn with_clock(error: CloudError, headers: &HeaderMap) -> CloudError {
    match clock_skew::advice(headers) {
        None => error,
        advice => CloudError { advice, ..error },
    }
}
