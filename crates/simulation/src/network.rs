//! The way between one process and the cloud. A request that has left arrives, even if its sender is dead by then.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arm::{Claims, Token, TokenError, TokenSource, Transport, TransportError};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response};
use model::{Json, Secret};
use serde_json::json;
use testkit::Random;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::cloud::{Ask, Author, Cloud, Reply, Twist};
use crate::fault::Fault;
use crate::law::TOKEN;
use crate::life::{Effect, Life};
use crate::tally::Tally;

/// How many readings a stale one is followed by that are as old.
const STALE_READS: u32 = 3;

/// Who asks, and by what right; told at the moment a request leaves.
pub(crate) type Herald = Arc<dyn Fn(&Method, &str) -> Author + Send + Sync>;

/// One process's network.
pub(crate) struct Network {
    pub(crate) life: Arc<Life>,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) herald: Herald,
    pub(crate) tally: Tally,
    /// How many requests of all processes are on their way.
    pub(crate) on_the_way: Arc<AtomicUsize>,
    pub(crate) inner: Mutex<Inner>,
}

/// What moves.
pub(crate) struct Inner {
    pub(crate) random: Random,
    /// Faults, each for the first request that it suits from this number on.
    pub(crate) faults: Vec<(u64, Fault)>,
    pub(crate) sent: u64,
    pub(crate) token_dead: bool,
    pub(crate) stale: Option<(u32, u64)>,
}

/// How one request goes.
struct Passage {
    there: Duration,
    back: Duration,
    fault: Option<Fault>,
    twist: Twist,
    token_dead: bool,
}

impl Network {
    fn passage(&self, method: &Method, path: &str) -> Passage {
        let mut inner = self.inner.lock().expect("BUG: a holder of the lock panicked");
        inner.sent += 1;
        let number = inner.sent;
        let struck =
            inner.faults.iter().position(|(from, fault)| *from <= number && fault.suits(method, path));
        let fault = struck.map(|at| inner.faults.remove(at).1);
        if let Some(fault) = fault {
            self.tally.count(fault.word());
            self.life.trace.note(format_args!("{} {fault:?} strikes {method} {path}", self.life.name));
        }
        match fault {
            Some(Fault::TokenDead) => inner.token_dead = true,
            Some(Fault::Stale(seconds)) => inner.stale = Some((STALE_READS, seconds.into())),
            _ => {}
        }
        let mut twist = fault.map(Fault::twist).unwrap_or_default();
        if *method == Method::GET
            && let Some((left, seconds)) = inner.stale.take().filter(|(left, _)| *left > 0)
        {
            twist.lags = seconds;
            inner.stale = Some((left - 1, seconds));
        }
        let mut spread = |most: u64| Duration::from_millis(5 + inner.random.below(most));
        let slow = if let Some(Fault::Slow(seconds)) = fault {
            Duration::from_secs(seconds.into())
        } else {
            Duration::ZERO
        };
        let (there, back) = (slow + spread(150), spread(150));
        Passage { there, back, fault, twist, token_dead: inner.token_dead }
    }

    /// Carries a request there; its reply comes by the channel, if anybody still listens.
    fn carry(&self, ask: Ask, passage: &Passage) -> oneshot::Receiver<Reply> {
        let (sender, receiver) = oneshot::channel();
        let (cloud, on_the_way) = (self.cloud.clone(), self.on_the_way.clone());
        let (there, twist) = (passage.there, passage.twist);
        on_the_way.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            sleep(there).await;
            let reply = cloud.serve(&ask, twist);
            on_the_way.fetch_sub(1, Ordering::Relaxed);
            // Its sender may be dead.
            _ = sender.send(reply);
        });
        receiver
    }
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let passage = self.passage(&method, &path);
        let leave = |_| {
            let author = (self.herald)(&method, &path);
            let body = serde_json::from_slice(request.body()).unwrap_or_default();
            let query = request.uri().query().unwrap_or_default().to_owned();
            let ask = Ask { method: method.clone(), path: path.clone(), query, body, author };
            passage.stops_before().is_none().then(|| self.carry(ask, &passage))
        };
        let Some(carried) = self.life.effect(Effect::Request, format_args!("{method} {path}"), leave) else {
            return nobody().await;
        };
        let reply = match carried {
            Some(reply) => reply.await.ok(),
            None => {
                sleep(passage.there).await;
                passage.stops_before().flatten().map(|(status, code)| passage.refusal(status, code, &request))
            }
        };
        sleep(passage.back).await;
        let answered = self.life.effect(Effect::Reply, format_args!("{method} {path}"), |_| ());
        if answered.is_none() {
            return nobody().await;
        }
        match (passage.fault, reply) {
            (Some(Fault::Unreachable), _) => Err(TransportError::Unreachable("no route".to_owned())),
            (Some(Fault::LostAfter | Fault::LostBefore | Fault::Truncated), _) | (_, None) => {
                Err(TransportError::Lost("reset".to_owned()))
            }
            (Some(Fault::ErrorAfter(status)), Some(_)) => {
                Ok(response(&passage.refusal(status, "GatewayTimeout", &request)))
            }
            (_, Some(reply)) => Ok(response(&reply)),
        }
    }
}

impl Passage {
    /// What keeps the request from arriving: a refusal with its status and code, or nothing at all.
    fn stops_before(&self) -> Option<Option<(u16, &'static str)>> {
        if self.token_dead {
            return Some(Some((401, "ExpiredAuthenticationToken")));
        }
        match self.fault? {
            Fault::LostBefore | Fault::Unreachable => Some(None),
            Fault::ErrorBefore(status) => Some(Some((status, "InternalServerError"))),
            Fault::Throttled(_) => Some(Some((429, "TooManyRequests"))),
            Fault::Conflict => Some(Some((409, "Conflict"))),
            Fault::Refused => Some(Some((400, "BadRequest"))),
            _ => None,
        }
    }

    fn refusal(&self, status: u16, code: &str, request: &Request<Bytes>) -> Reply {
        let echo = match self.fault {
            Some(Fault::Refused) => {
                let token =
                    request.headers().get(AUTHORIZATION).and_then(|t| t.to_str().ok()).unwrap_or_default();
                format!("cannot take {} from {token}", String::from_utf8_lossy(request.body()))
            }
            _ => "the simulation wants it so".to_owned(),
        };
        let reply = Reply::new(status, json!({ "error": { "code": code, "message": echo } }));
        let reply = reply.with("x-ms-request-id", "request-0".to_owned());
        match self.fault {
            Some(Fault::Throttled(seconds)) => reply.with("retry-after", seconds.to_string()),
            _ => reply,
        }
    }
}

/// What a dead process hears.
async fn nobody<T>() -> T {
    std::future::pending().await
}

fn response(reply: &Reply) -> Response<Bytes> {
    let mut builder = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.header(*name, value);
    }
    let body = if reply.body == Json::Null { Bytes::new() } else { Bytes::from(reply.body.to_string()) };
    builder.body(body).expect("BUG: our replies are plain")
}

/// Tokens that nobody may see.
pub(crate) struct Tokens(pub(crate) Mutex<u32>);

#[async_trait]
impl TokenSource for Tokens {
    async fn token(&self, _: &str, _: Option<&Claims>) -> Result<Token, TokenError> {
        let mut count = self.0.lock().expect("BUG: a holder of the lock panicked");
        *count += 1;
        Ok(Token { secret: Secret::new(format!("{TOKEN}{count}")), expires: None })
    }
}
