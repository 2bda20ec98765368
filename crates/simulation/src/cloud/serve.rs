//! Requests and replies.

use http::Method;
use jiff::fmt::rfc2822::DateTimePrinter;
use model::Json;
use serde_json::json;
use tokio::time::Instant;

use super::path::{self, Target};
use super::{Cloud, Model, refusal};

/// Where the cloud is; operations are named by this.
pub const ORIGIN: &str = "https://management.azure.com";

/// A request, and who sent it.
#[derive(Debug, Clone)]
pub struct Ask {
    /// GET, PUT, PATCH, POST or DELETE.
    pub method: Method,
    /// Its path, decoded.
    pub path: String,
    /// What comes after the question mark.
    pub query: String,
    /// Its body; null without one.
    pub body: Json,
    /// Who sent it.
    pub author: Author,
}

/// Who sent a request, and on what ground.
#[derive(Debug, Clone, Default)]
pub struct Author {
    /// The process.
    pub process: String,
    /// The intent that announces it, by the journal's serial and its number.
    pub intent: Option<(u64, u64)>,
    /// That intent's step.
    pub step: String,
    /// What the process's plan deletes, by folded id.
    pub may_delete: bool,
}

/// What the cloud does otherwise than it should, with one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Twist {
    /// The operation that it begins fails.
    pub fails: bool,
    /// The operation does not end.
    pub sticks: bool,
    /// The address of the operation is never found.
    pub forgets_operation: bool,
    /// The reply names no operation.
    pub names_no_operation: bool,
    /// It is accepted, and a part of it is not applied.
    pub ignores: bool,
    /// Readings do not find what it makes for so many seconds.
    pub hides: u64,
    /// Readings are so many seconds old.
    pub lags: u64,
}

/// A reply.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body; null for none.
    pub body: Json,
}

impl Reply {
    /// A reply with a body.
    pub fn new(status: u16, body: Json) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    /// The same with a header more.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Cloud {
    /// Answers one request.
    pub fn serve(&self, ask: &Ask, twist: Twist) -> Reply {
        let now = Instant::now();
        let mut model = self.model();
        model.advance(now);
        let reply = match path::read(&ask.path, ask.method == Method::POST) {
            None => refusal(404, "InvalidResourceType", "there is no such path"),
            Some(Target::Subscription(id)) => Reply::new(
                200,
                json!({ "subscriptionId": id, "tenantId": "00000000-0000-0000-0000-00000000000a" }),
            ),
            Some(Target::Operation(id)) => operation(&model, &id),
            Some(Target::List(within, kind)) => model.list(&within, &kind, &ask.query, twist, now),
            Some(Target::Action(id, action)) => self.act(&mut model, &id, &action, ask, twist),
            Some(Target::Object(id)) => match ask.method {
                Method::GET => model.get(&id, ask, twist, now),
                Method::PUT => self.put(&mut model, &id, ask, twist),
                Method::PATCH => self.patch(&mut model, &id, ask, twist),
                Method::DELETE => self.delete(&mut model, &id, ask, twist),
                _ => refusal(405, "MethodNotAllowed", "not here"),
            },
        };
        model.count += 1;
        let number = model.count;
        self.trace
            .note(format_args!("cloud {} {} {} {}", ask.author.process, ask.method, ask.path, reply.status));
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.now());
        reply
            .with("date", date.expect("BUG: the year is ours"))
            .with("x-ms-request-id", format!("request-{number}"))
    }
}

/// What an operation's address answers.
fn operation(model: &Model, id: &str) -> Reply {
    let found = id.parse().ok().and_then(|number: u64| model.operations.get(&number)).filter(|o| o.known);
    match found.map(|operation| operation.failed) {
        None => refusal(404, "NotFound", "there is no such operation"),
        Some(None) => Reply::new(200, json!({ "status": "InProgress" })),
        Some(Some(false)) => Reply::new(200, json!({ "status": "Succeeded" })),
        Some(Some(true)) => {
            let error = json!({ "code": "AllocationFailed", "message": "the simulation wants it so" });
            Reply::new(200, json!({ "status": "Failed", "error": error }))
        }
    }
}
