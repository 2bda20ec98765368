//! `Microsoft.Resources/deployments/operations`: what a deployment does to each of its resources. Read-only.

use serde_json::{Value, json};

use super::{Run, existing, view};
use crate::error::{ArmError, Reply, method_not_allowed};
use crate::kinds::{Handler, Kind, PLAIN};
use crate::route::router::Target;
use crate::wire::Response;
use crate::world::{Call, World};

const REFUSED: Handler = |_, call, _| Err(method_not_allowed(call.request.method.name()));

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Resources/deployments/operations",
    id_type: "Microsoft.Resources/deployments/operations",
    on_any_scope: true,
    tracked: false,
    get,
    list,
    put: REFUSED,
    patch: REFUSED,
    delete: REFUSED,
    ..PLAIN
};

/// The operations of the deployment that a target lies in.
fn of_parent(world: &World, call: &Call, target: &Target) -> Result<Vec<Value>, ArmError> {
    let parent = Target {
        kind: &super::KIND,
        resource_type: super::KIND.resource_type.to_owned(),
        names: target.names[..1].to_vec(),
        ..target.clone()
    };
    world.check_parents(&parent, "read")?;
    let resource = existing(world, &parent)?;
    Ok(Run::of(resource).map_or(Vec::new(), |run| view::operations(resource, &run, call.now)))
}

fn list(world: &mut World, call: &Call, target: &Target) -> Reply {
    let mut operations = of_parent(world, call, target)?;
    let top = call.request.parameter("$top").and_then(|top| top.parse().ok()).unwrap_or(usize::MAX);
    operations.truncate(top);
    Ok(Response::json(200, &json!({ "value": operations })))
}

fn get(world: &mut World, call: &Call, target: &Target) -> Reply {
    let operations = of_parent(world, call, target)?;
    let is_it = |operation: &&Value| {
        operation["operationId"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(target.name()))
    };
    let found = operations.iter().find(is_it);
    found.map(|operation| Response::json(200, operation)).ok_or_else(|| {
        let message = format!("The deployment operation '{}' could not be found.", target.name());
        ArmError::gateway(404, "DeploymentOperationNotFound", message)
    })
}
