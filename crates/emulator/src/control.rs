//! `/_emulator/`: what tests and people do to the cloud behind its users' backs.
//!
//! | Request | What it does |
//! |---|---|
//! | `GET requests`, `DELETE requests` | the request log; clears it and the counters |
//! | `GET counters` | requests by method |
//! | `GET clock`, `POST clock {"advance_seconds": n, "advance_to": time, "speed": n}` | the cloud's time and speed; sets them |
//! | `PATCH resource?id=` | JSON merge patch on a stored body, and nothing else moves |
//! | `DELETE resource?id=` | the resource and all below it vanish at once |
//! | `POST faults {…}`, `GET faults`, `DELETE faults` | adds a rule (`Fault`); lists and drops them |
//!
//! Each needs the header `x-emulator-token`.

use std::io;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clock::ClockSetting;
use crate::emulator::{Emulator, not_saved};
use crate::error::{ArmError, Reply, bad_content, method_not_allowed, no_such_route};
use crate::gate::is_loopback;
use crate::json;
use crate::wire::{Method, Request, Response};
use crate::world::World;

/// Answers a control request.
pub(crate) fn handle(emulator: &Emulator, request: &Request) -> Response {
    let reply = admit(emulator, request).and_then(|()| route(emulator, request));
    reply.unwrap_or_else(|error| error.response())
}

fn admit(emulator: &Emulator, request: &Request) -> Result<(), ArmError> {
    if !request.header_value("host").is_some_and(is_loopback) {
        return Err(ArmError::gateway(
            403,
            "HostNotAllowed",
            "The emulator answers on loopback host names only.",
        ));
    }
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
    let answer = match (request.method, what(request).as_str()) {
        (Method::Get, "requests") => json!({ "value": world.log.requests() }),
        (Method::Delete, "requests") => {
            world.log.clear();
            Value::Null
        }
        (Method::Get, "counters") => world.log.counters(),
        (Method::Patch, "resource") => {
            let patch = body(request)?;
            let key = resource_key(request)?;
            let mut resource = world.store.get(&key).cloned().ok_or_else(|| not_here(&key))?;
            json::merge_patch(&mut resource.body, &patch);
            let body = resource.body.clone();
            world.put(resource);
            body
        }
        (Method::Delete, "resource") => {
            let key = resource_key(request)?;
            if !world.remove(&key) {
                return Err(not_here(&key));
            }
            Value::Null
        }
        (Method::Get, "faults") => json!({ "value": world.faults.rules }),
        (Method::Delete, "faults") => {
            world.faults.rules.clear();
            Value::Null
        }
        (Method::Post, "faults") => {
            world.faults.rules.push(parsed(request)?);
            Value::Null
        }
        (method, "requests" | "counters" | "resource" | "faults") => {
            return Err(method_not_allowed(method.name()));
        }
        _ => return Err(no_such_route(&request.path)),
    };
    Ok(if answer.is_null() { Response::empty(204) } else { Response::json(200, &answer) })
}

fn parsed<T: DeserializeOwned>(request: &Request) -> Result<T, ArmError> {
    serde_json::from_slice(&request.body).map_err(|error| bad_content(error.to_string()))
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
