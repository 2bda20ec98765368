//! A request on its way through the world, and the requests that the cloud sends to itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ArmError, bad_content};
use crate::route::subject::Subject;
use crate::time::timing::Work;
use crate::wire::{Method, Request};

/// A request on its way through the world.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) now: Timestamp,
    pub(crate) api_version: String,
    /// The id that the reply carries as `x-ms-request-id`.
    pub(crate) id: &'a str,
    pub(crate) subject: Subject,
    /// The object id of whoever sent it.
    pub(crate) principal: String,
}

/// Whose errand it is, and under which scheme and host that client reached the cloud.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sender {
    pub(crate) is_https: bool,
    pub(crate) host: String,
    pub(crate) principal: String,
}

impl Sender {
    /// The sender of a request.
    pub(crate) fn of(call: &Call) -> Sender {
        let host = call.request.header_value("host").unwrap_or("localhost").to_owned();
        Sender { is_https: call.request.scheme == "https", host, principal: call.principal.clone() }
    }
}

/// A request that the cloud sends to itself.
pub(crate) struct Errand<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) api_version: &'a str,
    pub(crate) body: &'a Value,
}

impl<'a> Call<'a> {
    /// A request at this moment, of nobody and without an api-version.
    pub(crate) fn new(request: &'a Request, now: Timestamp, id: &'a str) -> Call<'a> {
        let subject = Subject::of(request);
        Call { request, now, api_version: String::new(), id, subject, principal: String::new() }
    }

    /// Another request in the place of this one, at the same moment.
    pub(crate) fn instead(&self, request: &'a Request) -> Call<'a> {
        Call {
            api_version: self.api_version.clone(),
            principal: self.principal.clone(),
            ..Call::new(request, self.now, self.id)
        }
    }

    /// The same with what became of its request, if anything did.
    pub(crate) fn changed(&self, request: Option<&'a Request>) -> Call<'a> {
        Call { request: request.unwrap_or(self.request), ..self.clone() }
    }

    /// Whether it needs no token, as requests for tokens do.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.api_version.is_empty()
    }

    /// The moment on the clients' clock: what `Retry-After` and `Date` are about.
    pub(crate) fn machine(&self) -> Timestamp {
        self.request.received.unwrap_or(self.now)
    }

    /// The JSON object in the body.
    pub(crate) fn object(&self) -> Result<Value, ArmError> {
        let body = self.any()?;
        if body.is_object() {
            Ok(body)
        } else {
            Err(bad_content("The request content must be a JSON object."))
        }
    }

    /// The JSON in the body; null when there is none.
    pub(crate) fn any(&self) -> Result<Value, ArmError> {
        if self.request.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.request.body).map_err(|error| {
            bad_content(format!("The request content was invalid and could not be deserialized: '{error}'."))
        })
    }

    /// When work begun now is done.
    pub(crate) fn after(&self, work: Work) -> Timestamp {
        self.now.saturating_add(work.time()).unwrap_or(Timestamp::MAX)
    }
}
