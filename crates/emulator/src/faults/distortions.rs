//! Faults that change what a reply says, or what a request asked for, and leave the rest as it is.

use std::time::Duration;

use serde_json::{Value, json};

use super::strike::Strike;
use crate::arm::subscriptions::REGIONS;
use crate::json;
use crate::wire::{Delivery, Request, Response};

/// A host that is nobody's.
pub(super) const FOREIGN: &str = "https://management.azure.example";

const OPERATION_HEADERS: [&str; 2] = ["Azure-AsyncOperation", "Location"];

/// Fewer bytes than promised.
pub(super) fn truncate_body(strike: &mut Strike) -> Response {
    let reply = strike.pass();
    let length = reply.body.len();
    if length == 0 {
        return strike.miss(reply);
    }
    let asked = strike.fault.value.as_u64().and_then(|bytes| usize::try_from(bytes).ok());
    let delivery = Delivery::Truncated(asked.unwrap_or(length / 2).min(length - 1));
    Response { delivery, ..reply }
}

/// The same bytes, one after the other.
pub(super) fn slow_body(strike: &mut Strike) -> Response {
    let reply = strike.pass();
    if reply.body.is_empty() {
        return strike.miss(reply);
    }
    let time = Duration::try_from_secs_f64(strike.fault.seconds.unwrap_or(10.0)).unwrap_or_default();
    Response { delivery: Delivery::Slow(time), ..reply }
}

/// An operation that nobody can poll.
pub(super) fn no_header(strike: &mut Strike) -> Response {
    let reply = strike.pass();
    if OPERATION_HEADERS.iter().all(|name| reply.header(name).is_none()) {
        return strike.miss(reply);
    }
    ["Azure-AsyncOperation", "Location", "Retry-After"].into_iter().fold(reply, Response::without)
}

/// An operation that is to be polled at another host.
pub(super) fn foreign_operation(strike: &mut Strike) -> Response {
    let mut reply = strike.pass();
    let (ours, host) = (strike.call.request.origin(), foreign(strike));
    let mut is_moved = false;
    for (name, value) in &mut reply.headers {
        let is_ours = OPERATION_HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name));
        if let Some(rest) = value.strip_prefix(&ours).filter(|_| is_ours) {
            *value = format!("{host}{rest}");
            is_moved = true;
        }
    }
    if is_moved { reply } else { strike.miss(reply) }
}

/// A list that goes on at another host.
pub(super) fn foreign_next_link(strike: &mut Strike) -> Response {
    let host = foreign(strike);
    next_link(strike, &host)
}

/// A list whose next page is itself.
pub(super) fn looping_next_link(strike: &mut Strike) -> Response {
    let ours = strike.call.request.origin();
    next_link(strike, &ours)
}

fn next_link(strike: &mut Strike, origin: &str) -> Response {
    let reply = strike.pass();
    let mut body = reply.value();
    if !body["value"].is_array() {
        return strike.miss(reply);
    }
    body["nextLink"] = json!(format!("{origin}{}", target(strike.call.request)));
    Response { body: body.to_string().into_bytes(), ..reply }
}

/// A policy adds to what was sent.
pub(super) fn policy_modifies(strike: &mut Strike) -> Response {
    let Ok(mut body) = strike.call.object() else { return strike.miss_and_pass() };
    let own = json!({ "tags": { "policy": "modified" } });
    json::overlay(&mut body, if strike.fault.value.is_object() { &strike.fault.value } else { &own });
    let request = strike.call.request.clone().json(&body);
    super::descend(strike.world, &strike.call.instead(&request), strike.index + 1)
}

/// The same reply in another casing.
pub(super) fn casing_changes(strike: &mut Strike) -> Response {
    let reply = strike.pass();
    let (before, mut body) = (reply.value(), reply.value());
    recase("", &mut body);
    if reply.status >= 400 || body == before {
        return strike.miss(reply);
    }
    Response { body: body.to_string().into_bytes(), ..reply }
}

/// Lower-cases ids and types and spells locations out.
fn recase(key: &str, value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| recase(key, item)),
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| recase(key, value)),
        Value::String(text) => {
            let region = REGIONS.iter().find(|(name, _)| name == text);
            let is_id =
                text.starts_with("/subscriptions/") || (key == "type" && text.starts_with("Microsoft."));
            match region {
                Some((_, display)) if key.to_ascii_lowercase().ends_with("location") => {
                    *text = (*display).to_owned()
                }
                _ if is_id => text.make_ascii_lowercase(),
                _ => {}
            }
        }
        _ => {}
    }
}

/// The origin that the rule names, or one that is nobody's.
pub(super) fn foreign(strike: &Strike) -> String {
    strike.fault.host.clone().unwrap_or_else(|| FOREIGN.to_owned())
}

/// Path and query as they came.
pub(super) fn target(request: &Request) -> String {
    if request.query.is_empty() {
        request.path.clone()
    } else {
        format!("{}?{}", request.path, request.query)
    }
}
