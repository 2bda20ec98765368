//! What happens to computes without anybody asking Azure: control requests that play it.
//!
//! | Request | What it does |
//! |---|---|
//! | `POST nodes {"id", "preempt": n, "unusable": n, "run": n, "seconds": s}` | nodes of a cluster are taken away, break, or run a job; the one of an instance breaks |
//! | `POST activity {"id", "seconds": s}` | somebody works on a running instance, which is not idle for so long |
//! | `POST scripts {"instance" or "path", "exit_code", "seconds", "output"}` | how the setup scripts of an instance, or those at a path of the file share, end whenever they start from now on |
//! | `GET scripts`, `DELETE scripts` | lists all that; takes it back |
//! | `GET logs?id=` | what the setup scripts of an instance wrote |
//! | `POST images {"version"}` | a newer image of instances is published; those that stand keep theirs |

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::control::script_log::{self, instance_key, path_key};
use crate::error::{ArmError, Reply, bad_content, method_not_allowed};
use crate::json;
use crate::kinds::compute::script::Ending;
use crate::kinds::compute::{nodes, power};
use crate::store::resource::Resource;
use crate::wire::{Method, Request, Response};
use crate::world::World;

type Happening = fn(&mut World, &Request) -> Result<Value, ArmError>;

const HAPPENINGS: [(Method, &str, Happening); 7] = [
    (Method::Post, "nodes", nodes),
    (Method::Post, "activity", activity),
    (Method::Post, "scripts", foretell),
    (Method::Get, "scripts", foretold),
    (Method::Delete, "scripts", take_back),
    (Method::Get, "logs", logs),
    (Method::Post, "images", publish),
];

/// Answers a control request if it is one of these.
pub(crate) fn handle(world: &mut World, request: &Request, what: &str) -> Option<Reply> {
    let mut named = HAPPENINGS.iter().filter(|(_, name, _)| *name == what).peekable();
    named.peek()?;
    let Some((_, _, happen)) = named.find(|(method, _, _)| *method == request.method) else {
        return Some(Err(method_not_allowed(request.method.name())));
    };
    Some(happen(world, request).map(|answer| match answer {
        Value::Null => Response::empty(204),
        answer => Response::json(200, &answer),
    }))
}

fn nodes(world: &mut World, request: &Request) -> Result<Value, ArmError> {
    let wish: nodes::Wish = parsed(request)?;
    let compute = compute(world, &wish.id)?;
    match json::text(&compute.body, "/properties/computeType") {
        "AmlCompute" => nodes::wish(world, compute, &wish),
        "ComputeInstance" if wish.breaks_one() => power::break_down(world, compute).map(|()| Value::Null),
        other => Err(bad_content(format!("A compute of type '{other}' has no nodes."))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Activity {
    id: String,
    seconds: u32,
}

fn activity(world: &mut World, request: &Request) -> Result<Value, ArmError> {
    let activity: Activity = parsed(request)?;
    let compute = compute(world, &activity.id)?;
    power::keep_busy(world, compute, activity.seconds).map(|()| Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Foretold {
    instance: Option<String>,
    path: Option<String>,
    #[serde(default)]
    exit_code: i64,
    #[serde(default)]
    seconds: f64,
    #[serde(default)]
    output: String,
}

fn foretell(world: &mut World, request: &Request) -> Result<Value, ArmError> {
    let Foretold { instance, path, exit_code, seconds, output } = parsed(request)?;
    let key = match (instance, path) {
        (Some(instance), None) => instance_key(&instance),
        (None, Some(path)) => path_key(&path),
        _ => return Err(bad_content("The body needs either 'instance', an ARM id, or 'path'.")),
    };
    world.foretell(key, Some(Ending { exit_code, seconds, output }));
    Ok(Value::Null)
}

fn foretold(world: &mut World, _request: &Request) -> Result<Value, ArmError> {
    Ok(json!({ "value": world.script_log.foretold }))
}

fn take_back(world: &mut World, _request: &Request) -> Result<Value, ArmError> {
    let keys: Vec<String> = world.script_log.foretold.keys().cloned().collect();
    keys.into_iter().for_each(|key| world.foretell(key, None));
    Ok(Value::Null)
}

/// The instance may be gone: what it wrote stays on the share of its workspace.
fn logs(world: &mut World, request: &Request) -> Result<Value, ArmError> {
    let id = request.parameter("id").unwrap_or_default();
    let place = id.to_ascii_lowercase().rfind("/computes/");
    let workspace = place.and_then(|place| world.store.get(&id[..place].to_ascii_lowercase()));
    let Some(workspace) = workspace else {
        return Err(bad_content("The query needs 'id', the ARM id of an instance in a workspace."));
    };
    let name = id.rsplit('/').next().unwrap_or("");
    let runs = world.script_log.shown(&script_log::folder(workspace, name), world.time());
    Ok(json!({ "folder": format!("Logs/{name}"), "value": runs }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    version: String,
}

fn publish(world: &mut World, request: &Request) -> Result<Value, ArmError> {
    let Image { version } = parsed(request)?;
    world.publish_image(&version);
    let is_instance = |resource: &&Resource| resource.body["properties"]["computeType"] == "ComputeInstance";
    let instances: Vec<Resource> = world.store.all().filter(is_instance).cloned().collect();
    for mut instance in instances {
        let image = &mut instance.body["properties"]["properties"]["osImageMetadata"];
        image["latestImageVersion"] = json!(version);
        image["isLatestOsImageVersion"] = json!(image["currentImageVersion"] == json!(version));
        world.put(instance);
    }
    Ok(Value::Null)
}

/// The compute with that ARM id, unless it is on its way out.
fn compute(world: &World, id: &str) -> Result<Resource, ArmError> {
    let key = id.trim_end_matches('/').to_ascii_lowercase();
    let compute = world.store.get(&key).filter(|resource| !resource.is_leaving());
    let compute =
        compute.filter(|resource| !json::text(&resource.body, "/properties/computeType").is_empty());
    compute
        .cloned()
        .ok_or_else(|| ArmError::gateway(404, "ResourceNotFound", format!("There is no compute '{key}'.")))
}

fn parsed<T: DeserializeOwned>(request: &Request) -> Result<T, ArmError> {
    serde_json::from_slice(&request.body).map_err(|error| bad_content(error.to_string()))
}
