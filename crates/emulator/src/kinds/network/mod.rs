//! `Microsoft.Network`: the neighbourhood that computes and scale sets stand in.
//!
//! A write answers the resource in state `Updating` with `Azure-AsyncOperation` (dsvm-pool §3); a PATCH takes tags only.

mod addresses;
pub(super) mod interface;
pub(super) mod load_balancer;
pub(super) mod private_endpoint;
pub(super) mod public_address;
pub(super) mod security_group;
pub(super) mod virtual_network;

use serde_json::Value;

use crate::arm::operation::{self, Long};
use crate::error::{ArmError, Reply, method_not_allowed};
use crate::json;
use crate::kinds::{Inline, Kind, PLAIN, PutStyle, Reference, Referrer};
use crate::route::router::Target;
use crate::time::timing::Work;
use crate::world::{Call, World};

/// What all kinds of networks share.
const NETWORK: Kind = Kind {
    put_style: PutStyle::Begun(Long {
        style: &operation::NETWORK,
        work: Work::NetworkWrite,
        creating: "Updating",
    }),
    delete_style: Some(Long {
        style: &operation::NETWORK_DELETE,
        work: Work::NetworkDelete,
        creating: "Updating",
    }),
    generated: &[("/properties/resourceGuid", "{guid}")],
    stamped: &[("/etag", "W/\"{guid}\"")],
    patchable: &["/tags"],
    ..PLAIN
};

/// What all of their children share: they are shown by their parent.
const CHILD: Kind = Kind { tracked: false, generated: &[], ..NETWORK };

/// Children that only a PUT of the parent writes.
const PART: Kind = Kind { put: refuse_write, patch: refuse_write, delete: refuse_write, ..CHILD };

/// Shown at a pointer; a PUT of the parent without the list removes them.
const fn at(pointer: &'static str) -> Option<Inline> {
    Some(Inline { pointer, outlives_silence: false })
}

const fn names(at: &'static str) -> Reference {
    Reference { at, is_checked: true }
}

const fn named_by(at: &'static str, resource_type: &'static str) -> Referrer {
    Referrer { at, resource_type, is_single: false }
}

fn refuse_write(_world: &mut World, call: &Call, _target: &Target) -> Reply {
    Err(method_not_allowed(call.request.method.name()))
}

/// 400 by the network service.
fn refused(code: &str, message: impl Into<String>) -> ArmError {
    ArmError::service(400, code, message)
}

/// Refuses a body without one of these values.
fn require(body: &Value, pointers: &[&str]) -> Result<(), ArmError> {
    match pointers.iter().find(|pointer| json::at(body, pointer).is_null()) {
        None => Ok(()),
        Some(missing) => {
            let field = missing.trim_start_matches('/').replace('/', ".");
            let message =
                format!("Required property '{field}' of '{}' is missing.", json::text(body, "/name"));
            Err(refused("InvalidRequestFormat", message).about(&field))
        }
    }
}
