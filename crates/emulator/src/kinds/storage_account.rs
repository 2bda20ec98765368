//! `Microsoft.Storage/storageAccounts`. A new one answers 202 with `Location` only (seen with the official SDKs).

use serde_json::json;

use crate::error::Reply;
use crate::kinds::{Kind, PLAIN, PutStyle};
use crate::operation::{self, Long};
use crate::router::Target;
use crate::timing::Work;
use crate::wire::Response;
use crate::world::{Call, World};

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.Storage/storageAccounts",
    id_type: "Microsoft.Storage/storageAccounts",
    put_style: PutStyle::Accepted(Long {
        style: &operation::STORAGE,
        work: Work::StorageCreate,
        creating: "Creating",
    }),
    defaults: || {
        json!({
            "kind": "StorageV2",
            "sku": { "name": "Standard_LRS", "tier": "Standard" },
            "properties": {
                "accessTier": "Hot",
                "allowBlobPublicAccess": false,
                "encryption": { "keySource": "Microsoft.Storage" },
                "minimumTlsVersion": "TLS1_0",
                "networkAcls": { "bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": [] },
                "privateEndpointConnections": [],
                "statusOfPrimary": "available",
                "supportsHttpsTrafficOnly": true,
            },
        })
    },
    generated: &[
        ("/properties/creationTime", "{time}"),
        ("/properties/primaryLocation", "{location}"),
        ("/properties/primaryEndpoints/blob", "https://{lower}.blob.core.windows.net/"),
        ("/properties/primaryEndpoints/dfs", "https://{lower}.dfs.core.windows.net/"),
        ("/properties/primaryEndpoints/file", "https://{lower}.file.core.windows.net/"),
        ("/properties/primaryEndpoints/queue", "https://{lower}.queue.core.windows.net/"),
        ("/properties/primaryEndpoints/table", "https://{lower}.table.core.windows.net/"),
        ("/properties/primaryEndpoints/web", "https://{lower}.z6.web.core.windows.net/"),
    ],
    enums: &[
        ("/kind", &["Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage"]),
        ("/properties/accessTier", &["Hot", "Cool", "Cold", "Premium"]),
    ],
    actions: &[("listkeys", list_keys)],
    ..PLAIN
};

fn list_keys(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let account = world.existing(target)?.id.clone();
    let key = |name: &str| json!({ "keyName": name, "value": world.secret_of(&account, name), "permissions": "FULL" });
    Ok(Response::json(200, &json!({ "keys": [key("key1"), key("key2")] })))
}
