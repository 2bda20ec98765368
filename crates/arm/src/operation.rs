//! Long-running operations: which one a reply starts, and what a poll of it says (arm-faults §4).

use executor::provider::{CloudError, Operation, Outcome, Request};
use http::{HeaderMap, Method, StatusCode};
use model::Json;
use model::compare::get;

use crate::client::NOT_SIGNED_IN;
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::judge::{Reply, no_reply};
use crate::report;

const ASYNC_OPERATION: &str = "azure-asyncoperation";

/// The operation that a reply to a write starts; `None` when all is done (rules 1, 5 and 9).
pub(crate) fn begin(
    endpoint: &Endpoint,
    method: &Method,
    reply: &Reply,
    request: &Request<'_>,
) -> Option<Operation> {
    if reply.status == StatusCode::NO_CONTENT {
        return None;
    }
    let deletes = *method == Method::DELETE;
    let going = reply.status == StatusCode::ACCEPTED || state(&reply.body) == State::Running;
    let named = header(&reply.headers, ASYNC_OPERATION);
    let named = named.or_else(|| header(&reply.headers, "location").filter(|_| going));
    // A delete's end is that the resource is not found, even when Azure calls it done.
    let begins = named.is_some() || going || deletes;
    let url = named.filter(|url| endpoint.admit(url).is_ok()).map(str::to_owned);
    let (arm_id, api_version) = (request.arm_id.clone(), request.kind.api_version());
    begins.then_some(Operation { url, arm_id, deletes, api_version })
}

/// What one poll says.
#[derive(Debug, PartialEq)]
pub(crate) enum Progress {
    /// It goes on.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended badly.
    Failed(CloudError),
    /// The URL is not known: it is too fresh, or too old (rules 7 and 8).
    Missing,
    /// This URL says nothing; the resource does.
    AskResource,
    /// It could not be read now; it may be later.
    Unreadable,
    /// Nothing can be read any more, for as long as this lasts.
    GivenUp(CloudError),
}

/// Reads the reply to a poll of an operation URL: an `Azure-AsyncOperation` answers 200 and a
/// `status`, a `Location` 202 until it answers what a synchronous reply would have been (rules 3, 4).
pub(crate) fn progress(reply: &Reply) -> Progress {
    if let Some(word) = reply.body.get("status").and_then(Json::as_str) {
        return match word_state(word) {
            State::Running => Progress::Running,
            State::Succeeded => Progress::Succeeded,
            State::Failed(_) => Progress::Failed(failure(&reply.body)),
        };
    }
    match state(&reply.body) {
        _ if reply.status == StatusCode::ACCEPTED => Progress::Running,
        State::Succeeded => Progress::Succeeded,
        State::Running => Progress::AskResource,
        State::Failed(_) => Progress::Failed(failure(&reply.body)),
    }
}

/// Reads a poll that failed, which says nothing of the operation itself (rule 3).
pub(crate) fn failed_progress(error: CloudError) -> Progress {
    match error.status {
        None if error.code == NOT_SIGNED_IN => Progress::GivenUp(error),
        Some(401) => Progress::GivenUp(error),
        Some(404) => Progress::Missing,
        None | Some(..=299 | 408 | 424 | 429 | 500..) => Progress::Unreadable,
        Some(_) => Progress::AskResource,
    }
}

/// How a body's `provisioningState` stands; absent means succeeded (rule 5).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not at an end; unknown words count as that.
    Running,
    Succeeded,
    /// `Failed` or `Canceled`.
    Failed(String),
}

pub(crate) fn state(body: &Json) -> State {
    get(body, "properties.provisioningState").and_then(Json::as_str).map_or(State::Succeeded, word_state)
}

fn word_state(word: &str) -> State {
    match word.to_ascii_lowercase().as_str() {
        "succeeded" => State::Succeeded,
        "failed" | "canceled" | "cancelled" => State::Failed(word.to_owned()),
        _ => State::Running,
    }
}

/// Why an operation failed, from its status body or the resource's.
pub(crate) fn failure(body: &Json) -> CloudError {
    let fault = match get(body, "error") {
        Some(_) => Fault::of_json(body),
        None => provisioning_fault(body),
    };
    let (code, words) = (fault.code(), fault.message());
    let message = match (words.is_empty(), code.is_empty()) {
        (true, _) => "the operation failed, and Azure does not say why".to_owned(),
        (false, true) => words,
        (false, false) => format!("{words} ({code})"),
    };
    let report = report::of(200, &fault);
    CloudError {
        code: code.to_owned(),
        facts: report.facts,
        advice: report.advice,
        ..no_reply(Outcome::Failed, message)
    }
}

/// The errors that a failed resource carries (machine-learning facts §3.1).
fn provisioning_fault(body: &Json) -> Fault {
    let errors = get(body, "properties.provisioningErrors").and_then(Json::as_array);
    let mut all = Fault::default();
    for fault in errors.into_iter().flatten().map(Fault::of_json) {
        let Fault { codes, messages, targets, info } = fault;
        all.codes.extend(codes);
        all.messages.extend(messages);
        all.targets.extend(targets);
        all.info.extend(info);
    }
    all
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|t| !t.is_empty())
}
