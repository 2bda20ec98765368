//! `Microsoft.BatchAI/workspaces/clusters`. The create is over when the cluster exists; its nodes come later. A PATCH takes
//! scale settings alone, and answers with the state of the moment before it is taken up.

use serde_json::{Value, json};

use super::{COMMON, check_account, cluster_rules, finish, found, invalid, long, nodes, show, tagged};
use crate::error::Reply;
use crate::json;
use crate::kinds::whole::Whole;
use crate::kinds::{Kind, PutStyle, Reference, plain};
use crate::route::router::Target;
use crate::time::timing::Work;
use crate::world::{Call, World};

const SCALE: &str = "/properties/scaleSettings";

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.BatchAI/workspaces/clusters",
    id_type: "Microsoft.BatchAI/workspaces/clusters",
    put_style: PutStyle::Accepted(long(Work::BatchAiClusterCreate)),
    defaults: || {
        json!({
            "properties": {
                "vmPriority": "dedicated",
                "virtualMachineConfiguration": { "imageReference": { "version": "latest" } },
            },
        })
    },
    enums: &[
        ("/properties/vmPriority", &["dedicated", "lowpriority"]),
        (
            "/properties/scaleSettings/manual/nodeDeallocationOption",
            &["requeue", "terminate", "waitforjobcompletion"],
        ),
    ],
    read_only: &[
        "/properties/creationTime",
        "/properties/provisioningStateTransitionTime",
        "/properties/allocationState",
        "/properties/allocationStateTransitionTime",
        "/properties/currentNodeCount",
        "/properties/nodeStateCounts",
        "/properties/errors",
        "/properties/nodeSetup/setupTask/stdOutErrPathSuffix",
        "/lastModified",
    ],
    // What a second PUT did is not established; that it cannot change what a PATCH cannot is our choice.
    fixed: &[
        "/properties/vmSize",
        "/properties/vmPriority",
        "/properties/virtualMachineConfiguration",
        "/properties/userAccountSettings",
        "/properties/nodeSetup",
        "/properties/subnet",
    ],
    patchable: &[SCALE],
    check: cluster_rules::check,
    finish: |world, target, body| settle(world, target, body),
    references: &[Reference {
        at: "/properties/nodeSetup/mountVolumes/fileServers/*/fileServer/id",
        is_checked: true,
    }],
    view: |_, _, body| show(body),
    delete_style: Some(long(Work::BatchAiClusterDelete)),
    put,
    patch,
    actions: &[("listremotelogininformation", nodes::logins)],
    next: |_, cluster| nodes::next(cluster),
    turn: nodes::turn,
    ..COMMON
};

fn settle(world: &World, target: &Target, body: &mut Value) {
    let image = json::at(body, "/properties/virtualMachineConfiguration/imageReference");
    if json::text(image, "/publisher").is_empty() && json::text(image, "/virtualMachineImageId").is_empty() {
        let image = json!({ "publisher": "microsoft-dsvm", "offer": "azureml", "sku": "runtime", "version": "latest" });
        json::set(body, "/properties/virtualMachineConfiguration/imageReference", image);
    }
    cluster_rules::settle(world, target, body);
    let runtime = world.store.get(&target.key()).map_or_else(nodes::none, nodes::shown);
    json::overlay(&mut body["properties"], &runtime);
    json::set(body, "/properties/provisioningState", json!("succeeded"));
    finish(world, target, body);
}

fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let sent = call.object()?;
    check_account(json::at(&sent, "/properties/userAccountSettings"))?;
    let reply = plain::put_body(world, call, target, sent)?;
    let reply = tagged(world, target, Ok(reply));
    nodes::take_up(world, target, call.now);
    reply
}

fn patch(world: &mut World, call: &Call, target: &Target) -> Reply {
    let existing = found(world, target)?.clone();
    plain::refuse_change(world, call, target, Some(&existing))?;
    let sent = call.object()?;
    let Some(scale) = sent.pointer(SCALE).filter(|scale| scale.is_object()) else {
        return Err(invalid("scaleSettings", "An update takes scale settings, and nothing else."));
    };
    let mut body = existing.body.clone();
    json::set(&mut body, SCALE, scale.clone());
    let whole = Whole::compose(world, call, target, body, Some(existing))?;
    whole.check(world, call)?;
    let reply = plain::keep(world, call, whole, None, 200);
    let reply = tagged(world, target, reply);
    nodes::take_up(world, target, call.now);
    reply
}
