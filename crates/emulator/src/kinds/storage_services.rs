//! The services of a storage account, which come with it, and what is made in them: file shares and blob containers.
//!
//! A PUT of a share or container shows what was sent; a GET shows all of it.

use serde_json::{Value, json};

use crate::arm::filter::Fields;
use crate::arm::names::check_label;
use crate::error::{ArmError, Reply};
use crate::json;
use crate::kinds::{Kind, PLAIN, PutStyle, plain};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::wire::Response;
use crate::world::{Call, World};

const SERVICE: Kind = Kind { tracked: false, check: check_service, ..PLAIN };

pub(super) const BLOB_SERVICE: Kind = Kind {
    resource_type: "Microsoft.Storage/storageAccounts/blobServices",
    id_type: "Microsoft.Storage/storageAccounts/blobServices",
    defaults: || json!({ "properties": { "cors": { "corsRules": [] }, "deleteRetentionPolicy": { "enabled": false } } }),
    ..SERVICE
};

pub(super) const FILE_SERVICE: Kind = Kind {
    resource_type: "Microsoft.Storage/storageAccounts/fileServices",
    id_type: "Microsoft.Storage/storageAccounts/fileServices",
    defaults: || {
        json!({ "properties": {
            "cors": { "corsRules": [] },
            "protocolSettings": { "smb": {} },
            "shareDeleteRetentionPolicy": { "enabled": true, "days": 7 },
        }})
    },
    ..SERVICE
};

/// What shares and containers have in common.
const STORE: Kind = Kind {
    tracked: false,
    put_style: PutStyle::AtOnce(201),
    stamped: &[("/etag", "\"0x8{hex}\""), ("/properties/lastModifiedTime", "{time}")],
    patchable: &["/properties", "/properties/metadata"],
    filters: NAMES,
    put: put_and_echo,
    patch: patch_and_echo,
    ..PLAIN
};

const NAMES: Fields = &[("name", "/name")];

pub(super) const SHARE: Kind = Kind {
    resource_type: "Microsoft.Storage/storageAccounts/fileServices/shares",
    id_type: "Microsoft.Storage/storageAccounts/fileServices/shares",
    defaults: || {
        json!({ "properties": {
            "accessTier": "TransactionOptimized",
            "enabledProtocols": "SMB",
            "leaseState": "available",
            "leaseStatus": "unlocked",
            "shareQuota": 5120,
        }})
    },
    enums: &[
        ("/properties/accessTier", &["TransactionOptimized", "Hot", "Cool", "Premium"]),
        ("/properties/enabledProtocols", &["SMB", "NFS"]),
        ("/properties/rootSquash", &["NoRootSquash", "RootSquash", "AllSquash"]),
    ],
    fixed: &["/properties/enabledProtocols"],
    check: check_share,
    ..STORE
};

pub(super) const CONTAINER: Kind = Kind {
    resource_type: "Microsoft.Storage/storageAccounts/blobServices/containers",
    id_type: "Microsoft.Storage/storageAccounts/blobServices/containers",
    defaults: || {
        json!({ "properties": {
            "defaultEncryptionScope": "$account-encryption-key",
            "denyEncryptionScopeOverride": false,
            "deleted": false,
            "hasImmutabilityPolicy": false,
            "hasLegalHold": false,
            "leaseState": "Available",
            "leaseStatus": "Unlocked",
            "publicAccess": "None",
            "remainingRetentionDays": 0,
        }})
    },
    enums: &[("/properties/publicAccess", &["None", "Blob", "Container"])],
    check: |_, target, _, _| match target.name() {
        "$root" | "$web" | "$logs" => Ok(()),
        name => check_label(name),
    },
    ..STORE
};

fn check_service(
    _world: &World,
    target: &Target,
    _body: &Value,
    _stands: Option<&Resource>,
) -> Result<(), ArmError> {
    if target.name().eq_ignore_ascii_case("default") {
        return Ok(());
    }
    let message = format!("The service '{}' is not there: its name is 'default'.", target.name());
    Err(ArmError::service(400, "InvalidResourceName", message))
}

/// The bounds of a share are those of an account with large file shares.
fn check_share(
    _world: &World,
    target: &Target,
    body: &Value,
    _stands: Option<&Resource>,
) -> Result<(), ArmError> {
    check_label(target.name())?;
    let quota = &body["properties"]["shareQuota"];
    if quota.as_i64().is_some_and(|quota| (1..=102_400).contains(&quota)) {
        return Ok(());
    }
    let message = format!("The value '{quota}' for property 'shareQuota' is invalid: 1 to 102400 GiB.");
    Err(ArmError::service(400, "InvalidRequestPropertyValue", message).about("shareQuota"))
}

fn put_and_echo(world: &mut World, call: &Call, target: &Target) -> Reply {
    echo(plain::put(world, call, target)?, &call.object()?)
}

fn patch_and_echo(world: &mut World, call: &Call, target: &Target) -> Reply {
    echo(plain::patch(world, call, target)?, &call.object()?)
}

/// The same response with only those properties that were sent.
fn echo(mut response: Response, sent: &Value) -> Reply {
    let mut body = response.value();
    if let Some(properties) = body["properties"].as_object_mut() {
        properties.retain(|key, _| sent["properties"].get(key).is_some());
    }
    json::remove(&mut body, "/etag");
    response.body = body.to_string().into_bytes();
    Ok(response)
}
