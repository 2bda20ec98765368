//! `Microsoft.Storage/storageAccounts`. A new one answers 202 with `Location` only (seen with the official SDKs).
//!
//! Keys follow from the account's id and from how often each was renewed; no read of the account shows them.

use serde_json::{Value, json};

use crate::arm::names::Naming;
use crate::arm::operation::{self, Long};
use crate::error::{ArmError, Reply};
use crate::json;
use crate::kinds::{Kind, PLAIN, PutStyle, storage_services};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::time::timing::Work;
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
            "sku": { "name": "Standard_LRS" },
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
        ("/properties/keyCreationTime/key1", "{time}"),
        ("/properties/keyCreationTime/key2", "{time}"),
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
        (
            "/sku/name",
            &[
                "Standard_LRS",
                "Standard_GRS",
                "Standard_RAGRS",
                "Standard_ZRS",
                "Standard_GZRS",
                "Standard_RAGZRS",
                "Premium_LRS",
                "Premium_ZRS",
                "StandardV2_LRS",
                "StandardV2_GRS",
                "StandardV2_ZRS",
                "StandardV2_GZRS",
                "PremiumV2_LRS",
                "PremiumV2_ZRS",
            ],
        ),
        ("/properties/accessTier", &["Hot", "Cool", "Cold", "Premium"]),
        ("/properties/minimumTlsVersion", &["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"]),
        ("/properties/publicNetworkAccess", &["Enabled", "Disabled", "SecuredByPerimeter"]),
        ("/properties/networkAcls/defaultAction", &["Allow", "Deny"]),
        ("/properties/largeFileSharesState", &["Enabled", "Disabled"]),
    ],
    check: |_, _, body, existing| {
        let place = "/properties/largeFileSharesState";
        let was = existing.map_or("", |existing| json::text(&existing.body, place));
        match was == "Enabled" && json::text(body, place) != was {
            true => {
                let message = "Large file shares cannot be disabled once they are enabled.";
                Err(ArmError::service(400, "AccountPropertyCannotBeUpdated", message)
                    .about("largeFileSharesState"))
            }
            false => Ok(()),
        }
    },
    fixed: &[
        "/properties/isHnsEnabled",
        "/properties/isNfsV3Enabled",
        "/properties/dnsEndpointType",
        "/sku/tier",
    ],
    fixed_refusal: (
        "AccountPropertyCannotBeUpdated",
        "The property '{field}' was specified in the input, but it cannot be updated as it is read-only. For more \
         information, see - https://aka.ms/storageaccountupdate",
    ),
    naming: Some(Naming {
        is_name,
        invalid: (
            "AccountNameInvalid",
            "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in \
             length and use numbers and lower-case letters only.",
        ),
        taken: ("StorageAccountAlreadyTaken", "The storage account named {name} is already taken."),
        held: None,
    }),
    brings: &[
        (storage_services::BLOB_SERVICE.resource_type, "default"),
        (storage_services::FILE_SERVICE.resource_type, "default"),
    ],
    finish: |_, _, body| {
        let tier = if json::text(body, "/sku/name").starts_with("Premium") { "Premium" } else { "Standard" };
        json::set(body, "/sku/tier", json!(tier));
        for rules in ["ipRules", "virtualNetworkRules"] {
            json::for_each(body, &format!("/properties/networkAcls/{rules}/*"), &mut |rule| {
                json::set(rule, "/action", json!("Allow"));
            });
        }
    },
    actions: &[("listkeys", list_keys), ("regeneratekey", renew_key)],
    ..PLAIN
};

/// The names of an account's keys.
const KEYS: [&str; 2] = ["key1", "key2"];

fn is_name(name: &str) -> bool {
    let allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    (3..=24).contains(&name.len()) && name.chars().all(allowed)
}

/// A key of the account with that id, which need not be there.
pub(crate) fn key(world: &World, id: &str, name: &str) -> String {
    let account = world.store.get(&id.to_ascii_lowercase());
    let renewed = account.and_then(|account| json::at(&account.hidden, &format!("/renewed/{name}")).as_i64());
    match renewed {
        None => world.secret_of(id, name),
        Some(times) => world.secret_of(id, &format!("{name}#{times}")),
    }
}

fn list_keys(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let account = world.existing(target)?;
    Ok(Response::json(200, &keys(world, account)))
}

fn keys(world: &World, account: &Resource) -> Value {
    let keys = KEYS.map(|name| {
        json!({
            "keyName": name,
            "value": key(world, &account.id, name),
            "permissions": "FULL",
            "creationTime": json::at(&account.body, &format!("/properties/keyCreationTime/{name}")),
        })
    });
    json!({ "keys": keys })
}

fn renew_key(world: &mut World, call: &Call, target: &Target) -> Reply {
    let sent = call.object()?;
    let wanted = json::text(&sent, "/keyName");
    let mut account = world.existing(target)?.clone();
    let Some(name) = KEYS.into_iter().find(|name| name.eq_ignore_ascii_case(wanted)) else {
        let message = "Values for request parameters are invalid: keyName.";
        return Err(ArmError::service(400, "InvalidValuesForRequestParameters", message).about("keyName"));
    };
    let place = format!("/renewed/{name}");
    let times = json::at(&account.hidden, &place).as_i64().unwrap_or(0) + 1;
    json::set(&mut account.hidden, &place, json!(times));
    json::set(&mut account.body, &format!("/properties/keyCreationTime/{name}"), json!(call.now.to_string()));
    world.put(account.clone());
    Ok(Response::json(200, &keys(world, &account)))
}
