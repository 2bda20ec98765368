//! `Microsoft.Network/privateEndpoints`: kept and placed in a subnet; every connection is approved.

use serde_json::{Value, json};

use super::{NETWORK, names, require};
use crate::json;
use crate::kinds::Kind;
use crate::route::router::Target;
use crate::world::World;

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Network/privateEndpoints",
    id_type: "Microsoft.Network/privateEndpoints",
    defaults: || {
        json!({ "properties": {
            "privateLinkServiceConnections": [],
            "manualPrivateLinkServiceConnections": [],
            "customDnsConfigs": [],
            "networkInterfaces": [],
        }})
    },
    references: &[names("/properties/subnet/id")],
    finish: approve,
    check: |_, _, body, _| require(body, &["/properties/subnet/id"]),
    ..NETWORK
};

fn approve(_world: &World, _target: &Target, body: &mut Value) {
    let id = json::text(body, "/id").to_owned();
    for list in ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"] {
        json::for_each(body, &format!("/properties/{list}/*"), &mut |connection| {
            let name = json::text(connection, "/name").to_owned();
            json::set(connection, "/id", json!(format!("{id}/{list}/{name}")));
            let state = json!({ "status": "Approved", "description": "", "actionsRequired": "None" });
            json::set(connection, "/properties/privateLinkServiceConnectionState", state);
            json::set(connection, "/properties/provisioningState", json!("Succeeded"));
        });
    }
}
