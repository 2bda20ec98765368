//! `Microsoft.BatchAI`, the retired service of training clusters: workspaces, clusters, file servers and experiments, after
//! the facts of batch-ai §1 to §6.
//!
//! Its ways differ from those of other services: only workspaces are tracked, states are lower case, what is not there is
//! left out rather than null, a secret never comes back, and the etag is a header that stands for the configuration alone.

pub(crate) mod cluster;
mod cluster_rules;
pub(crate) mod experiment;
pub(crate) mod file_server;
pub(crate) mod nodes;
pub(crate) mod regional;
pub(crate) mod workspace;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arm::operation::{self, Long};
use crate::error::{ArmError, Reply};
use crate::json;
use crate::kinds::{Kind, PLAIN, plain};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::time::timing::Work;
use crate::world::{Call, World};

/// What its kinds have in common.
const COMMON: Kind = Kind {
    tracked: false,
    read_only: &["/properties/creationTime", "/properties/provisioningStateTransitionTime", "/lastModified"],
    stamped: &[("/etag", "W/\"0x8D{hex}\""), ("/lastModified", "{http_time}")],
    check: |_, target, _, _| check_name(target),
    finish: |world, target, body| finish(world, target, body),
    view: |_, _, body| show(body),
    get,
    put,
    patch,
    delete,
    ..PLAIN
};

/// Work as it announces it.
const fn long(work: Work) -> Long {
    Long { style: &operation::BATCH_AI, work, creating: "creating" }
}

/// Times, and no nulls.
fn finish(world: &World, target: &Target, body: &mut Value) {
    let stands = world.store.get(&target.key());
    let created = stands.and_then(|stands| stands.body.pointer("/properties/creationTime")).cloned();
    let now = json!(time(world.time()));
    json::set(body, "/properties/creationTime", created.unwrap_or_else(|| now.clone()));
    json::set(body, "/properties/provisioningStateTransitionTime", now);
    json::drop_nulls(body);
}

/// Three fraction digits without the zeros at their end, as recorded: `…46.18Z`.
fn time(time: Timestamp) -> String {
    let text = time.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string();
    format!("{}Z", text.trim_end_matches('0').trim_end_matches('.'))
}

/// The last touch on what a read shows: the etag is no part of a body, and states are lower case.
fn show(body: &mut Value) {
    for pointer in ["/etag", "/lastModified"] {
        json::remove(body, pointer);
    }
    let state = json::text(body, "/properties/provisioningState").to_ascii_lowercase();
    json::set(body, "/properties/provisioningState", json!(state));
}

fn get(world: &mut World, call: &Call, target: &Target) -> Reply {
    found(world, target)?;
    let reply = plain::get(world, call, target);
    tagged(world, target, reply)
}

fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let reply = plain::put(world, call, target);
    tagged(world, target, reply)
}

fn patch(world: &mut World, call: &Call, target: &Target) -> Reply {
    found(world, target)?;
    let reply = plain::patch(world, call, target);
    tagged(world, target, reply)
}

/// A delete takes longer when something is in the way: children of a workspace, nodes of a cluster.
fn delete(world: &mut World, call: &Call, target: &Target) -> Reply {
    let key = target.key();
    let is_empty = world.store.below(&key).is_empty()
        && world.store.get(&key).is_none_or(|resource| nodes::count(resource) == 0);
    let work = match target.kind.delete_style {
        Some(long) if is_empty => long.work,
        Some(_) => Work::BatchAiFullDelete,
        None => return plain::delete(world, call, target),
    };
    plain::delete_with(world, call, target, Some(long(work)))
}

/// The service's own words for what is not there: the code names the type (batch-ai §6).
fn found<'a>(world: &'a World, target: &Target) -> Result<&'a Resource, ArmError> {
    let what = match target.short_type() {
        "workspaces" => "workspace",
        "workspaces/clusters" => "cluster",
        "workspaces/experiments" => "experiment",
        _ => "file server",
    };
    world.store.get(&target.key()).ok_or_else(|| {
        let words = what.split(' ').map(|word| [&word[..1].to_ascii_uppercase(), &word[1..]].concat());
        let code = format!("{}NotFound", words.collect::<String>());
        ArmError::service(404, &code, format!("The specified {what} {} is not found", target.name()))
    })
}

/// A reply with the headers that tell the configuration's version.
fn tagged(world: &World, target: &Target, reply: Reply) -> Reply {
    let response = reply?;
    let stands = world.store.get(&target.key()).filter(|_| response.status == 200);
    let header = |pointer: &str| stands.map(|stands| json::text(&stands.body, pointer).to_owned());
    Ok(match header("/etag").zip(header("/lastModified")) {
        Some((etag, modified)) => response.with("ETag", &etag).with("Last-Modified", &modified),
        None => response,
    })
}

/// Source: the patterns of the specification.
fn check_name(target: &Target) -> Result<(), ArmError> {
    let name = target.name();
    let is_good = (1..=64).contains(&name.chars().count())
        && name.chars().all(|character| character.is_alphanumeric() || matches!(character, '-' | '_'));
    if is_good {
        return Ok(());
    }
    let message = format!(
        "The name '{name}' is not valid: it has 1 to 64 letters, digits, '-' and '_'. Type: {}.",
        target.resource_type
    );
    Err(invalid("name", message))
}

/// 400 for a value that the service does not take; the code is our choice, none was recorded.
fn invalid(field: &str, message: impl Into<String>) -> ArmError {
    ArmError::service(400, "InvalidParameter", message).about(field)
}

/// Refuses what needs a value and has none.
fn check_required(body: &Value, pointers: &[&str]) -> Result<(), ArmError> {
    for pattern in pointers {
        // The part before the last one says whether the value is needed at all.
        let (holder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        let lacking = json::every(body, holder).into_iter().any(|holder| holder[name].is_null());
        if lacking {
            let field = pattern.trim_start_matches('/').replace('/', ".");
            return Err(invalid(&field, format!("The value of '{field}' is required.")));
        }
    }
    Ok(())
}

/// Refuses a user account that nobody could sign in with.
fn check_account(account: &Value) -> Result<(), ArmError> {
    let has = |name: &str| account[name].as_str().is_some_and(|text| !text.is_empty());
    if has("adminUserName") && (has("adminUserSshPublicKey") || has("adminUserPassword")) {
        return Ok(());
    }
    let message = "A user account needs a name, and a password or an SSH public key.";
    Err(invalid("userAccountSettings", message))
}
