//! What happens to computes without anybody asking Azure: control requests that play it.
//!
//! | Request | What it does |
//! |---|---|
//! | `POST nodes {"id", "preempt": n, "unusable": n, "run": n, "seconds": s}` | nodes of a cluster are taken away, break, or run a job |

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{ArmError, Reply, bad_content, method_not_allowed};
use crate::json;
use crate::kinds::compute::nodes;
use crate::resource::Resource;
use crate::wire::{Method, Request, Response};
use crate::world::World;

type Happening = fn(&mut World, &Request) -> Result<Value, ArmError>;

const HAPPENINGS: [(Method, &str, Happening); 1] = [(Method::Post, "nodes", nodes)];

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
        other => Err(bad_content(format!("A compute of type '{other}' has no nodes."))),
    }
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
