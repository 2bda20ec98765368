//! `Microsoft.Compute/virtualMachineScaleSets/extensions`: part of the model, alone or with their set. What is protected in
//! them is dropped at the door, for nothing answers it.

use serde_json::Value;

use super::{action, instance, invalid, write};
use crate::error::{ArmError, Reply};
use crate::json;
use crate::kinds::{Inline, Kind, PLAIN, PutStyle, plain};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::time::timing::Work;
use crate::wire::Response;
use crate::world::{Call, World};

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Compute/virtualMachineScaleSets/extensions",
    id_type: "Microsoft.Compute/virtualMachineScaleSets/extensions",
    tracked: false,
    inline: Some(Inline {
        pointer: "/properties/virtualMachineProfile/extensionProfile/extensions",
        outlives_silence: true,
    }),
    put_style: PutStyle::Begun(write(Work::MachinesChange)),
    patchable: &["/properties"],
    read_only: &["/properties/protectedSettings"],
    check,
    put: |world, call, target| changed(plain::put(world, call, target), world, call, target),
    patch: |world, call, target| changed(plain::patch(world, call, target), world, call, target),
    delete,
    ..PLAIN
};

/// Tells the instances of another model.
fn changed(reply: Reply, world: &mut World, call: &Call, target: &Target) -> Reply {
    if reply.is_ok() {
        let set = target.parent().expect("BUG: an extension lies in a set");
        instance::model_changed(world, &set, call.after(Work::MachinesChange));
    }
    reply
}

/// It leaves the model at once; the set is busy telling its instances.
fn delete(world: &mut World, call: &Call, target: &Target) -> Reply {
    let Some(existing) = world.store.get(&target.key()) else { return Ok(Response::empty(204)) };
    plain::refuse_change(world, call, target, Some(existing))?;
    let set = target.parent().expect("BUG: an extension lies in a set");
    let mut stands = world.existing(&set)?.clone();
    let operation = plain::begin(world, call, &set, &mut stands, action(Work::MachinesChange), "Updating");
    world.put(stands);
    world.remove(&target.key());
    instance::model_changed(world, &set, operation.ends_at);
    Ok(plain::hand_over(world, call, Some(operation), Response::empty(202)))
}

fn check(_world: &World, target: &Target, body: &Value, _stands: Option<&Resource>) -> Result<(), ArmError> {
    for name in ["publisher", "type", "typeHandlerVersion"] {
        if json::text(body, &format!("/properties/{name}")).is_empty() {
            let message =
                format!("Required parameter '{name}' of extension '{}' is missing (null).", target.name());
            return Err(invalid(&format!("extension.properties.{name}"), message));
        }
    }
    Ok(())
}
