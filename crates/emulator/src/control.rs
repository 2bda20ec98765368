//! `/_emulator/`: what tests and people do to the cloud behind its users' backs.
//!
//! | Request | What it does |
//! |---|---|
//! | `GET requests`, `DELETE requests` | the request log; clears it and the counters |
//! | `GET counters` | requests by method |
//! | `GET clock`, `POST clock {"advance_seconds": n}` | the cloud's time; moves it forward |
//! | `PATCH resource?id=` | JSON merge patch on a stored body, and nothing else moves |
//! | `DELETE resource?id=` | the resource and all below it vanish at once |
//! | `POST faults {…}`, `GET faults`, `DELETE faults` | adds a rule (`Fault`); lists and drops them |
//!
//! Each needs the header `x-emulator-token`.

use serde_json::{Value, json};

use crate::emulator::{Emulator, not_saved};
use crate::error::{ArmError, Reply, bad_content, method_not_allowed, no_such_route};
use crate::faults::Fault;
use crate::gate::is_loopback;
use crate::json;
use crate::wire::{Method, Request, Response};

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
    let what = request.path.rsplit('/').next().unwrap_or("").to_ascii_lowercase();
    let reply = match (request.method, what.as_str()) {
        (Method::Get, "requests") => {
            emulator.with_world(|world, _| Ok(json!({ "value": world.log.requests() })))
        }
        (Method::Delete, "requests") => emulator.with_world(|world, _| {
            world.log.clear();
            Ok(Value::Null)
        }),
        (Method::Get, "counters") => emulator.with_world(|world, _| Ok(world.log.counters())),
        (Method::Get, "clock") => Ok(Ok(json!({ "now": emulator.now() }))),
        (Method::Post, "clock") => {
            let seconds = body(request)?["advance_seconds"].as_f64().unwrap_or(0.0);
            emulator.advance(seconds).map(|now| Ok(json!({ "now": now })))
        }
        (Method::Patch, "resource") => {
            let patch = body(request)?;
            emulator.with_world(|world, _| {
                let key = resource_key(request)?;
                let mut resource = world.store.get(&key).cloned().ok_or_else(|| not_here(&key))?;
                json::merge_patch(&mut resource.body, &patch);
                let body = resource.body.clone();
                world.put(resource);
                Ok(body)
            })
        }
        (Method::Delete, "resource") => emulator.with_world(|world, _| {
            let key = resource_key(request)?;
            if world.remove(&key) { Ok(Value::Null) } else { Err(not_here(&key)) }
        }),
        (Method::Get, "faults") => emulator.with_world(|world, _| Ok(json!({ "value": world.faults.rules }))),
        (Method::Delete, "faults") => emulator.with_world(|world, _| {
            world.faults.rules.clear();
            Ok(Value::Null)
        }),
        (Method::Post, "faults") => {
            let fault: Fault =
                serde_json::from_value(body(request)?).map_err(|error| bad_content(error.to_string()))?;
            emulator.with_world(|world, _| {
                world.faults.rules.push(fault);
                Ok(Value::Null)
            })
        }
        (method, "requests" | "counters" | "clock" | "resource" | "faults") => {
            return Err(method_not_allowed(method.name()));
        }
        _ => return Err(no_such_route(&request.path)),
    };
    Ok(match reply {
        Ok(answer) => match answer? {
            Value::Null => Response::empty(204),
            value => Response::json(200, &value),
        },
        Err(error) => not_saved(&error),
    })
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
