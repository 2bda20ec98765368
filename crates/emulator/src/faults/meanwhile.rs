//! What somebody else does to the cloud just before a request, or just after it.

use serde_json::json;

use super::strike::Strike;
use crate::wire::{Method, Request, Response};

/// Somebody deletes the resource.
pub(super) fn deleted(strike: &mut Strike) -> Response {
    beside(strike, |strike, id| strike.world.remove(&id.to_ascii_lowercase()))
}

/// Somebody changes the resource.
pub(super) fn changed(strike: &mut Strike) -> Response {
    beside(strike, |strike, id| {
        let own = json!({ "tags": { "changed": "meanwhile" } });
        let patch = if strike.fault.value.is_null() { &own } else { &strike.fault.value };
        strike.world.edit(&id.to_ascii_lowercase(), patch).is_some()
    })
}

/// Somebody creates the resource, and is done with it by now.
pub(super) fn created(strike: &mut Strike) -> Response {
    beside(strike, |strike, id| {
        let key = id.to_ascii_lowercase();
        if strike.world.store.get(&key).is_some() {
            return false;
        }
        let body = strike.fault.value.clone();
        let mut request = Request { method: Method::Put, path: id.to_owned(), ..strike.call.request.clone() };
        if !body.is_null() {
            request = request.json(&body);
        }
        let reply = strike.world.answer(&strike.call.instead(&request));
        strike.world.finish(&key);
        reply.status < 400
    })
}

/// Does it before the request or after it, as the rule says.
fn beside(strike: &mut Strike, act: impl FnOnce(&mut Strike, &str) -> bool) -> Response {
    let id = strike.fault.id.clone().unwrap_or_else(|| strike.call.subject.scope.clone());
    if strike.fault.after_effect {
        let reply = strike.pass();
        return if act(strike, &id) { reply } else { strike.miss(reply) };
    }
    if act(strike, &id) { strike.pass() } else { strike.miss_and_pass() }
}
