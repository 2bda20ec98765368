//! `Microsoft.BatchAI/workspaces/experiments`: a name and nothing else. Their jobs are not served.

use serde_json::json;

use super::{COMMON, long, tagged};
use crate::error::Reply;
use crate::kinds::{Kind, plain};
use crate::route::router::Target;
use crate::time::timing::Work;
use crate::world::{Call, World};

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.BatchAI/workspaces/experiments",
    id_type: "Microsoft.BatchAI/workspaces/experiments",
    patchable: &[],
    delete_style: Some(long(Work::BatchAiWorkspaceDelete)),
    put,
    ..COMMON
};

/// A PUT has no body.
fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let reply = plain::put_body(world, call, target, json!({}));
    tagged(world, target, reply)
}
