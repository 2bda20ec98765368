//! What a struck request leaves behind for later ones: reads that lag behind, polls that go astray, tokens that are
//! no longer taken.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::replies;
use super::strike::Strike;
use crate::arm::operation;
use crate::error::operation_not_found;
use crate::gate;
use crate::json;
use crate::route::subject::Class;
use crate::wire::{Method, Request, Response};
use crate::world::{Call, World};

/// Something that awaits later requests.
pub(super) struct Echo {
    /// For how many of them; none is for all.
    pub(super) left: Option<u64>,
    what: What,
}

#[derive(Clone)]
enum What {
    /// Reads of this key get this reply.
    Read { key: String, reply: Response },
    /// Lists of this collection show the resource with this key like this, or not at all.
    List { collection: String, key: String, item: Option<Value> },
    /// Polls do not find this operation.
    NoOperation(String),
    /// Polls of this operation show this word instead of `InProgress`.
    Word(String, String),
    /// The token with this digest has expired.
    Token(u64),
    /// Tokens are refused that were not asked for with the claims of this challenge: good from this second on.
    Claims(i64),
}

/// The answer of a rule to a request that follows one it struck.
pub(super) fn echo(world: &mut World, call: &Call, index: usize) -> Option<Response> {
    let echoes = &world.faults.rules[index].echoes;
    let at = echoes.iter().position(|echo| echo.left != Some(0) && echo.what.concerns(world, call))?;
    let what = echoes[at].what.clone();
    let response = match what {
        What::Read { reply, .. } => reply,
        What::NoOperation(id) => operation_not_found(&id).response(),
        What::Token(_) => replies::expired_token(call).response(),
        What::Claims(from) => replies::claims(call, from).response(),
        What::List { key, item, .. } => old_list(super::descend(world, call, index + 1), &key, item),
        What::Word(_, word) => {
            let status = super::descend(world, call, index + 1);
            if status.value()["status"] != "InProgress" {
                return Some(status);
            }
            Response { body: json!({ "status": word }).to_string().into_bytes(), ..status }
        }
    };
    let rule = &mut world.faults.rules[index];
    rule.echoes[at].left = rule.echoes[at].left.map(|left| left - 1);
    rule.fire(call.id);
    Some(response)
}

impl What {
    fn concerns(&self, world: &World, call: &Call) -> bool {
        let is_read = call.request.method == Method::Get;
        let subject = &call.subject;
        match self {
            What::Read { key, .. } => is_read && subject.class == Class::Resource && *key == subject.key(),
            What::List { collection, .. } => {
                is_read && subject.class == Class::List && *collection == path_key(call.request)
            }
            What::NoOperation(id) | What::Word(id, _) => {
                subject.class == Class::Poll && subject.scope.ends_with(id.as_str())
            }
            What::Token(digest) => !call.is_anonymous() && *digest == token_digest(call.request),
            What::Claims(from) => !call.is_anonymous() && !has_claims(world, call, *from),
        }
    }
}

/// After a write, reads of the resource show what they showed before it.
pub(super) fn stale_get(strike: &mut Strike) -> Response {
    let old = read(strike);
    let reply = strike.pass();
    if reply.status >= 400 {
        return strike.miss(reply);
    }
    let key = strike.call.subject.key();
    strike.arm(Echo { left: count(strike), what: What::Read { key, reply: old } });
    reply
}

/// After a create, reads do not find the resource.
pub(super) fn not_there_yet(strike: &mut Strike) -> Response {
    let is_new = strike.world.store.get(&strike.call.subject.key()).is_none();
    if is_new { stale_get(strike) } else { strike.miss_and_pass() }
}

/// After a write, lists show what they showed before it.
pub(super) fn stale_list(strike: &mut Strike) -> Response {
    let key = strike.call.subject.key();
    let item = strike.world.store.get(&key).map(|resource| resource.view(strike.call.now));
    let reply = strike.pass();
    if reply.status >= 400 {
        return strike.miss(reply);
    }
    let collection = key.rsplit_once('/').map_or(String::new(), |(collection, _)| collection.to_owned());
    strike.arm(Echo { left: count(strike), what: What::List { collection, key, item } });
    reply
}

/// Polls of the operation that a write starts do not find it at first.
pub(super) fn missing_operation(strike: &mut Strike) -> Response {
    let reply = strike.pass();
    match operation::announced(strike.world, &reply).map(|operation| operation.id.clone()) {
        None => strike.miss(reply),
        Some(id) => {
            strike.arm(Echo { left: count(strike), what: What::NoOperation(id) });
            reply
        }
    }
}

/// Polls of the operation that a write starts show a word that means nothing but that it goes on.
pub(super) fn unknown_word(strike: &mut Strike) -> Response {
    let reply = strike.pass();
    let polled = reply.header("Azure-AsyncOperation").is_some();
    let operation = operation::announced(strike.world, &reply).filter(|_| polled);
    let Some(id) = operation.map(|operation| operation.id.clone()) else {
        return strike.miss(reply);
    };
    let word = strike.fault.value.as_str().unwrap_or("Percolating").to_owned();
    strike.arm(Echo { left: None, what: What::Word(id, word) });
    reply
}

/// The token has expired; if the rule says so it stays refused until another one comes.
pub(super) fn expired_token(strike: &mut Strike) -> Response {
    if strike.fault.value == "until_renewed" {
        let digest = token_digest(strike.call.request);
        strike.leave(Echo { left: None, what: What::Token(digest) });
    }
    strike.refuse(replies::expired_token(strike.call))
}

/// Nothing is done for a token without the claims of a challenge, until one has them.
pub(super) fn claims_challenge(strike: &mut Strike) -> Response {
    let from = strike.call.machine().as_second();
    if has_claims(strike.world, strike.call, from) {
        return strike.miss_and_pass();
    }
    let left = strike.fault.count.map(|count| count.saturating_sub(1));
    strike.leave(Echo { left, what: What::Claims(from) });
    strike.refuse(replies::claims(strike.call, from))
}

/// Whether the token was asked for with the claims of a challenge.
fn has_claims(world: &World, call: &Call, from: i64) -> bool {
    let token = gate::bearer(call.request).and_then(|token| world.tokens.check(token, call.machine()).ok());
    token.and_then(|claims| claims.challenge).is_some_and(|asked| asked >= from)
}

/// As often as the rule says, or once.
fn count(strike: &Strike) -> Option<u64> {
    Some(strike.fault.count.unwrap_or(1))
}

/// How the resource would be shown now.
fn read(strike: &mut Strike) -> Response {
    let request = Request {
        method: Method::Get,
        path: strike.call.subject.scope.clone(),
        body: Vec::new(),
        ..strike.call.request.clone()
    };
    strike.world.answer(&strike.call.instead(&request))
}

fn old_list(mut list: Response, key: &str, item: Option<Value>) -> Response {
    let mut body = list.value();
    let Some(items) = body["value"].as_array_mut() else { return list };
    let place = items.iter().position(|shown| json::text(shown, "/id").eq_ignore_ascii_case(key));
    match (place, item) {
        (Some(place), Some(item)) => items[place] = item,
        (Some(place), None) => drop(items.remove(place)),
        (None, Some(item)) => items.push(item),
        (None, None) => {}
    }
    list.body = body.to_string().into_bytes();
    list
}

fn path_key(request: &Request) -> String {
    request.path.trim_end_matches('/').to_ascii_lowercase()
}

/// Tells tokens apart without keeping any.
fn token_digest(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.header_value("authorization").hash(&mut hasher);
    hasher.finish()
}
