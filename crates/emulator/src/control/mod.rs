//! `/_emulator/`: what tests and people do to the cloud behind its users' backs.
//!
//! | Request | What it does |
//! |---|---|
//! | `GET requests`, `DELETE requests` | the request log; clears it and the counters |
//! | `GET counters` | requests by method |
//! | `GET clock`, `POST clock {"advance_seconds": n, "advance_to": time, "speed": n}` | the cloud's time and speed; sets them |
//! | `GET tokens`, `POST tokens {"lifetime_seconds": n, "revoke": true}` | how long issued tokens are good; changes it, and refuses all issued so far |
//! | `PATCH resource?id=` | JSON merge patch on a stored body, and nothing else moves |
//! | `DELETE resource?id=` | the resource and all below it vanish at once |
//! | `GET budgets`, `POST budgets {…}`, `DELETE budgets` | what became of the request budgets; sets them (`BudgetSetting`); counts nothing |
//! | `POST faults {"fault": name, …}`, `GET faults`, `DELETE faults` | adds a rule (`Fault`); lists what became of them; drops them |
//!
//! What happens to computes is in `happenings.rs`, what is laid down for everybody in `governance.rs`. Each needs the header `x-emulator-token`.

pub(crate) mod happenings;
pub(crate) mod log;
pub(crate) mod script_log;

use std::io;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::emulator::{Emulator, not_saved};
use crate::error::{ArmError, Reply, bad_content, method_not_allowed, no_such_route};
use crate::gate::check_host;
use crate::governance;
use crate::identity::tokens::Tokens;
use crate::time::clock::ClockSetting;
use crate::wire::{Method, Request, Response};
use crate::world::World;

/// Answers a control request.
pub(crate) fn handle(emulator: &Emulator, request: &Request) -> Response {
    let reply = admit(emulator, request).and_then(|()| route(emulator, request));
    reply.unwrap_or_else(|error| error.response())
}

fn admit(emulator: &Emulator, request: &Request) -> Result<(), ArmError> {
    check_host(request)?;
    if request.header_value("x-emulator-token") != Some(emulator.control_token()) {
        return Err(ArmError::gateway(
            401,
            "AuthenticationFailed",
            "The header 'x-emulator-token' is missing or wrong.",
        ));
    }
    Ok(())
}

fn route(emulator: &Emulator, request: &Request) -> Reply {
    let saved = if what(request) == "clock" {
        clock(emulator, request)
    } else {
        emulator.with_world(|world, _| act(world, request))
    };
    saved.unwrap_or_else(|error| Ok(not_saved(&error)))
}

fn what(request: &Request) -> String {
    request.path.rsplit('/').next().unwrap_or("").to_ascii_lowercase()
}

fn clock(emulator: &Emulator, request: &Request) -> io::Result<Reply> {
    match request.method {
        Method::Get => {}
        Method::Post => {
            let setting = match parsed::<ClockSetting>(request) {
                Ok(setting) => setting,
                Err(error) => return Ok(Err(error)),
            };
            if let Err(reason) = emulator.set_clock(&setting)? {
                return Ok(Err(bad_content(reason)));
            }
        }
        method => return Ok(Err(method_not_allowed(method.name()))),
    }
    let (now, speed) = emulator.clock();
    Ok(Ok(Response::json(200, &json!({ "now": now, "speed": speed }))))
}

/// Everything but the clock: what is done to the world, at its present time.
pub(crate) fn act(world: &mut World, request: &Request) -> Reply {
    let what = what(request);
    let other = happenings::handle(world, request, &what);
    if let Some(reply) = other.or_else(|| governance::handle(world, request, &what)) {
        return reply;
    }
    let answer = match (request.method, what.as_str()) {
        (Method::Get, "requests") => json!({ "value": world.log.requests() }),
        (Method::Delete, "requests") => {
            world.log.clear();
            Value::Null
        }
        (Method::Get, "counters") => world.log.counters(),
        (Method::Get, "tokens") => json!({ "lifetime_seconds": world.tokens.lifetime.as_secs() }),
        (Method::Post, "tokens") => {
            parsed::<TokenChange>(request)?.apply(&mut world.tokens);
            Value::Null
        }
        (Method::Patch, "resource") => {
            let patch = body(request)?;
            let key = resource_key(request)?;
            world.edit(&key, &patch).ok_or_else(|| not_here(&key))?
        }
        (Method::Delete, "resource") => {
            let key = resource_key(request)?;
            if !world.remove(&key) {
                return Err(not_here(&key));
            }
            Value::Null
        }
        (Method::Get, "budgets") => {
            json!({ "setting": world.budgets.setting(), "value": world.budgets() })
        }
        (Method::Post, "budgets") => {
            world.budgets.set(Some(parsed(request)?))?;
            Value::Null
        }
        (Method::Delete, "budgets") => {
            world.budgets.set(None)?;
            Value::Null
        }
        (Method::Get, "faults") => json!({ "value": world.faults(world.time()) }),
        (Method::Delete, "faults") => {
            world.clear_faults();
            Value::Null
        }
        (Method::Post, "faults") => {
            let now = world.time();
            json!({ "id": world.faults.add(parsed(request)?, now)? })
        }
        (method, "requests" | "counters" | "tokens" | "resource" | "budgets" | "faults") => {
            return Err(method_not_allowed(method.name()));
        }
        _ => return Err(no_such_route(&request.path)),
    };
    Ok(if answer.is_null() { Response::empty(204) } else { Response::json(200, &answer) })
}

fn parsed<T: DeserializeOwned>(request: &Request) -> Result<T, ArmError> {
    serde_json::from_slice(&request.body).map_err(|error| bad_content(error.to_string()))
}

/// What a request may do to tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenChange {
    /// How long the next ones are good.
    lifetime_seconds: Option<u32>,
    /// Whether all that were issued are refused from here on.
    #[serde(default)]
    revoke: bool,
}

impl TokenChange {
    fn apply(&self, tokens: &mut Tokens) {
        if let Some(seconds) = self.lifetime_seconds {
            tokens.lifetime = SignedDuration::from_secs(i64::from(seconds));
        }
        if self.revoke {
            tokens.revoke();
        }
    }
}

fn body(request: &Request) -> Result<Value, ArmError> {
    serde_json::from_slice(&request.body)
        .map_err(|error| bad_content(format!("The body is not JSON: {error}.")))
}

fn resource_key(request: &Request) -> Result<String, ArmError> {
    let id = request
        .parameter("id")
        .ok_or_else(|| bad_content("The query needs 'id', the ARM id of a resource."))?;
    Ok(id.trim_end_matches('/').to_ascii_lowercase())
}

fn not_here(key: &str) -> ArmError {
    ArmError::gateway(404, "ResourceNotFound", format!("There is no resource '{key}'."))
}
