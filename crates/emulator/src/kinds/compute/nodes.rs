//! `POST …/listNodes`: the nodes of a cluster, paged over `nodes`.

use serde_json::{Value, json};

use super::user_error;
use crate::error::Reply;
use crate::json;
use crate::listing;
use crate::random::guid_of;
use crate::router::Target;
use crate::wire::Response;
use crate::world::{Call, World};

/// The first page is asked for by POST, the next ones by GET of `nextLink`, which is absent on the last page.
pub(super) fn list(world: &mut World, call: &Call, target: &Target) -> Reply {
    let compute = world.existing(target)?;
    let compute_type = json::text(&compute.body, "/properties/computeType");
    if compute_type != "AmlCompute" {
        return Err(user_error(format!(
            "ComputeListNodes with computeType {compute_type} is not supported."
        )));
    }
    let count = compute.shown("/properties/properties/currentNodeCount", call.now).as_i64().unwrap_or(0);
    let first =
        listing::continuation(call).and_then(|token| token.parse().ok()).unwrap_or(0_i64).clamp(0, count);
    let size = i64::try_from(world.options.page_size.max(1)).unwrap_or(i64::MAX);
    let end = first.saturating_add(size).min(count);
    let nodes: Vec<Value> = (first..end).map(|index| node(&compute.id, index)).collect();
    let mut body = json!({ "computeType": compute_type, "nodes": nodes });
    if end < count {
        body["nextLink"] = json!(listing::next_link(call, &end.to_string()));
    }
    Ok(Response::json(200, &body))
}

fn node(cluster: &str, index: i64) -> Value {
    json!({
        "nodeId": format!("tvmps_{}_{index}", guid_of(cluster).replace('-', "")),
        "privateIpAddress": format!("10.1.{}.{}", index / 250, 4 + index % 250),
        "publicIpAddress": format!("203.0.113.{}", 1 + index % 250),
        "port": 50_000 + index,
        "nodeState": "idle",
        "runId": null,
    })
}
