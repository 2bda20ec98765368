//! `Microsoft.OperationalInsights/workspaces`.

use serde_json::json;

use crate::error::Reply;
use crate::kinds::{Kind, PLAIN, PutStyle};
use crate::route::router::Target;
use crate::wire::Response;
use crate::world::{Call, World};

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.OperationalInsights/workspaces",
    id_type: "Microsoft.OperationalInsights/workspaces",
    put_style: PutStyle::AtOnce(201),
    defaults: || {
        json!({
            "properties": {
                "sku": { "name": "PerGB2018" },
                "retentionInDays": 30,
                "features": { "enableLogAccessUsingOnlyResourcePermissions": true },
                "publicNetworkAccessForIngestion": "Enabled",
                "publicNetworkAccessForQuery": "Enabled",
                "workspaceCapping": { "dailyQuotaGb": -1.0 },
            },
        })
    },
    generated: &[("/properties/customerId", "{guid}"), ("/properties/createdDate", "{time}")],
    stamped: &[("/properties/modifiedDate", "{time}")],
    actions: &[("sharedkeys", shared_keys)],
    ..PLAIN
};

fn shared_keys(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let id = world.existing(target)?.id.clone();
    let key = |name: &str| world.secret_of(&id, name);
    Ok(Response::json(
        200,
        &json!({ "primarySharedKey": key("primary"), "secondarySharedKey": key("secondary") }),
    ))
}
