//! What a reply means for the request: by status, code and header, never by a message's text, which
//! Azure translates (arm-faults §1, rules 1 to 3).

use bytes::Bytes;
use executor::provider::{CloudError, Outcome};
use http::{HeaderMap, Response, StatusCode};
use model::Json;

use crate::fault::{self, Fault};
use crate::pace::asks_for_a_queue;
use crate::transport::TransportError;

/// What to do when a reply sends us to another host.
pub(crate) const ELSEWHERE: &str =
    "Only Azure's own address gets a token. A proxy or gateway may stand in between: look at HTTPS_PROXY.";

/// A complete reply that is no refusal.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body; null when there is none.
    pub(crate) body: Json,
}

/// What to do with a reply.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is good.
    Good(Reply),
    /// The token was refused; the request was not carried out.
    NewToken(CloudError),
    /// It was not carried out; the same request may be sent again.
    Again(CloudError),
    /// The same, and everybody of the bucket waits: more requests would be refused too.
    Throttled(CloudError),
    /// It may have been carried out.
    Unknown(CloudError),
    /// It was refused for good.
    Refused(CloudError),
}

/// Judges what the transport brought.
pub(crate) fn judge(reply: &Result<Response<Bytes>, TransportError>) -> Verdict {
    match reply {
        Ok(reply) => judge_reply(reply),
        Err(error) => judge_failure(error),
    }
}

fn judge_failure(error: &TransportError) -> Verdict {
    let with = |outcome| no_reply(outcome, error.to_string());
    match error {
        TransportError::Unreachable(_) => Verdict::Again(with(Outcome::NotDone)),
        TransportError::Untrusted(_) => Verdict::Refused(with(Outcome::NotDone)),
        TransportError::Lost(_) => Verdict::Unknown(with(Outcome::Unknown)),
    }
}

fn judge_reply(reply: &Response<Bytes>) -> Verdict {
    let status = reply.status();
    if status.is_success() {
        return judge_success(reply);
    }
    let fault = Fault::of_body(reply.body());
    let error = |outcome| fault::cloud_error(outcome, status, reply.headers(), &fault);
    match status.as_u16() {
        // Another operation is in the way: no matter of quota, whatever the status (arm-faults §3).
        _ if asks_for_a_queue(fault.code()) => Verdict::Refused(error(Outcome::NotDone)),
        401 => Verdict::NewToken(error(Outcome::NotDone)),
        424 => Verdict::Again(error(Outcome::NotDone)),
        429 => Verdict::Throttled(error(Outcome::NotDone)),
        408 | 500..=599 => Verdict::Unknown(error(Outcome::Unknown)),
        // A redirect goes elsewhere, and the token does not (arm-faults §8).
        300..=399 => Verdict::Refused(redirected(error(Outcome::NotDone), reply.headers())),
        _ => Verdict::Refused(error(Outcome::NotDone)),
    }
}

/// A 2xx counts only when its body can be read: a proxy's login page is 200 too (arm-faults §8).
fn judge_success(reply: &Response<Bytes>) -> Verdict {
    let body = reply.body().trim_ascii();
    let parsed = if body.is_empty() { Ok(Json::Null) } else { serde_json::from_slice(body) };
    match parsed {
        Ok(body) => Verdict::Good(Reply { status: reply.status(), headers: reply.headers().clone(), body }),
        Err(_) => {
            let messages = vec!["the reply is not JSON; a proxy may stand between us and Azure".to_owned()];
            let fault = Fault { messages, ..Fault::default() };
            Verdict::Unknown(fault::cloud_error(Outcome::Unknown, reply.status(), reply.headers(), &fault))
        }
    }
}

fn redirected(mut error: CloudError, headers: &HeaderMap) -> CloudError {
    let target = headers.get(http::header::LOCATION).and_then(|l| url::Url::parse(l.to_str().ok()?).ok());
    let origin = target.map_or("elsewhere".to_owned(), |t| t.origin().ascii_serialization());
    error.message = format!("the reply redirects to {origin}, which does not get our token");
    error.advice = Some(ELSEWHERE.to_owned());
    error
}

/// An error without a reply.
pub(crate) fn no_reply(outcome: Outcome, message: impl Into<String>) -> CloudError {
    CloudError {
        outcome,
        status: None,
        code: String::new(),
        message: message.into(),
        advice: None,
        facts: Vec::new(),
        request_ids: Box::default(),
    }
}
