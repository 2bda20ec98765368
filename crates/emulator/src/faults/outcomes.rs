//! Faults of operations: the write is taken and announced as always, and then comes to another end.
//!
//! What a failure leaves follows arm-faults §4: a failed create stays and holds its name; a failed update or action
//! goes back to the properties before it (the contract's wish), unless the rule says that it keeps the new ones.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::replies::failure;
use super::strike::Strike;
use crate::arm::operation::{self, Operation};
use crate::json;
use crate::store::resource::{Phase, Resource};
use crate::wire::{Method, Response};

const CODE: &str = "BadArgument";
const MESSAGE: &str = "The operation could not be completed.";

/// The operation that a write began, and the resource before and after.
struct Begun {
    operation: Operation,
    before: Option<Resource>,
    after: Option<Resource>,
}

/// The operation ends in `Failed`.
pub(super) fn failed(strike: &mut Strike) -> Response {
    unfinished(strike, "Failed", (CODE, MESSAGE))
}

/// The operation ends in `Canceled`.
pub(super) fn canceled(strike: &mut Strike) -> Response {
    unfinished(strike, "Canceled", ("OperationCanceled", "The operation was canceled."))
}

/// A compute fails to come up; what the ML service then does with its name is in the kind itself.
pub(super) fn held_by_failure(strike: &mut Strike) -> Response {
    let subject = &strike.call.subject;
    let is_new_compute =
        subject.resource_type.ends_with("/computes") && strike.world.store.get(&subject.key()).is_none();
    if is_new_compute { failed(strike) } else { strike.miss_and_pass() }
}

fn unfinished(strike: &mut Strike, end: &str, (code, message): (&str, &str)) -> Response {
    let error = failure(strike, code, message);
    around(strike, |strike, begun| {
        begun.operation.failure = Some(error.clone());
        begun.operation.is_canceled = end == "Canceled";
        let reverts = strike.fault.reverts.unwrap_or(true);
        leave(strike, begun, end, &error, reverts);
    })
}

/// The operation ends well and the resource does not.
pub(super) fn resource_failed(strike: &mut Strike) -> Response {
    let error = failure(strike, CODE, MESSAGE);
    around(strike, |strike, begun| leave(strike, begun, "Failed", &error, false))
}

/// The operation does not end, or later than it should.
pub(super) fn stuck(strike: &mut Strike) -> Response {
    let length = strike.fault.seconds.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
    let later = move |time: Timestamp| match length {
        Some(length) => time.saturating_add(length).unwrap_or(Timestamp::MAX),
        None => Timestamp::MAX,
    };
    around(strike, |_, begun| {
        begun.operation.ends_at = later(begun.operation.ends_at);
        if let Some(resource) = &mut begun.after {
            resource.phases.iter_mut().for_each(|phase| phase.until = later(phase.until));
            resource.busy_until = resource.busy_until.map(later);
            resource.gone_at = resource.gone_at.map(later);
        }
    })
}

/// Lets the write through and changes the operation it began, if it did, and its resource.
fn around(strike: &mut Strike, change: impl FnOnce(&mut Strike, &mut Begun)) -> Response {
    let key = strike.call.subject.key();
    let before = strike.world.store.get(&key).cloned();
    let reply = strike.pass();
    // One whose end is open ends with its resource, which is not ours to end.
    let closed = |operation: &&Operation| operation.ends_at < Timestamp::MAX;
    let Some(operation) = operation::announced(strike.world, &reply).filter(closed).cloned() else {
        return strike.miss(reply);
    };
    let after = strike.world.store.get(&key).cloned();
    let after = after.filter(|resource| resource.operation.as_ref() == Some(&operation.id));
    let mut begun = Begun { operation, before, after };
    change(strike, &mut begun);
    strike.world.remember(begun.operation);
    if let Some(resource) = begun.after {
        strike.world.put(resource);
    }
    reply
}

/// Sets what the resource will be when the operation has failed; until then it shows what it would have shown.
fn leave(strike: &mut Strike, begun: &mut Begun, end: &str, error: &Value, reverts: bool) {
    let Some(after) = &mut begun.after else { return };
    let method = strike.call.request.method;
    let expected = after.body.clone();
    let goes_back = reverts || method == Method::Delete;
    let is_marked = match &begun.before {
        Some(before) if goes_back => {
            after.body.clone_from(&before.body);
            after.hidden.clone_from(&before.hidden);
            !reverts
        }
        Some(_) => true,
        None => {
            empty(&mut after.body);
            after.hidden = Value::Null;
            true
        }
    };
    if is_marked {
        mark(&mut after.body, end, error);
    }
    blame(&mut after.body, &expected, method);
    meanwhile(after, &expected, begun.operation.ends_at);
    if after.gone_at.take().is_some() {
        strike.world.purge(&after.key());
    }
}

/// The state of a resource that failed; the ML service also says why.
fn mark(body: &mut Value, end: &str, error: &Value) {
    json::set(body, "/properties/provisioningState", json!(end));
    if body["properties"].get("computeType").is_some() {
        json::set(body, "/properties/provisioningErrors", json!([{ "error": error }]));
    }
}

/// A compute that failed to come up has no machine.
fn empty(body: &mut Value) {
    let inner = "/properties/properties";
    match json::text(body, "/properties/computeType") {
        "AmlCompute" => {
            for count in ["currentNodeCount", "targetNodeCount"] {
                json::set(body, &format!("{inner}/{count}"), json!(0));
            }
            json::for_each(body, &format!("{inner}/nodeStateCounts/*"), &mut |count| *count = json!(0));
        }
        "ComputeInstance" => {
            json::set(body, &format!("{inner}/state"), json!("CreateFailed"));
            for key in ["applications", "connectivityEndpoints"] {
                json::set(body, &format!("{inner}/{key}"), Value::Null);
            }
        }
        _ => {}
    }
}

/// What an instance says of the operation that failed.
fn blame(body: &mut Value, expected: &Value, method: Method) {
    const LAST: &str = "/properties/properties/lastOperation";
    let mut last = json::at(expected, LAST).clone();
    if last.is_object() && matches!(method, Method::Post | Method::Put) {
        let name = json::text(&last, "/operationName").to_owned();
        json::set(&mut last, "/operationStatus", json!(format!("{name}Failed")));
        json::set(body, LAST, last);
    }
}

/// Until the operation ends the resource looks as if all went well.
fn meanwhile(resource: &mut Resource, expected: &Value, ends_at: Timestamp) {
    resource.phases.retain(|phase| phase.until <= ends_at);
    if resource.phases.last().is_none_or(|phase| phase.until < ends_at) {
        resource.phases.push(Phase { until: ends_at, shows: json!({}) });
    }
    for phase in &mut resource.phases {
        let mut shows = expected.clone();
        json::overlay(&mut shows, &phase.shows);
        phase.shows = shows;
    }
}
