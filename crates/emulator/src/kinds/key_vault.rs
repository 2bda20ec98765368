//! `Microsoft.KeyVault/vaults`, and the deleted ones that hold their names until they are purged or recovered.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::arm::listing;
use crate::arm::names::Naming;
use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::kinds::{Kind, PLAIN, PutStyle, plain};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::wire::Response;
use crate::world::{Call, World};

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.KeyVault/vaults",
    id_type: "Microsoft.KeyVault/vaults",
    put_style: PutStyle::AtOnce(200),
    defaults: || {
        json!({
            "properties": {
                "sku": { "family": "A", "name": "standard" },
                "accessPolicies": [],
                "enabledForDeployment": false,
                "enableRbacAuthorization": false,
                "enableSoftDelete": true,
                "softDeleteRetentionInDays": 90,
                "publicNetworkAccess": "Enabled",
            },
        })
    },
    generated: &[
        ("/properties/vaultUri", "https://{lower}.vault.azure.net/"),
        ("/systemData/createdAt", "{time}"),
    ],
    stamped: &[("/systemData/lastModifiedAt", "{time}")],
    enums: &[
        ("/properties/sku/name", &["standard", "premium"]),
        ("/properties/publicNetworkAccess", &["Enabled", "Disabled"]),
        ("/properties/createMode", &["default", "recover"]),
    ],
    naming: Some(Naming {
        is_name,
        invalid: (
            "VaultNameNotValid",
            "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name \
             must begin with a letter, end with a letter or digit, and not contain consecutive hyphens.",
        ),
        taken: (
            "VaultAlreadyExists",
            "The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the \
             name is already taken.",
        ),
        held: Some((
            DELETED.resource_type,
            "ConflictError",
            "A vault with the same name already exists in deleted state. You need to either recover or purge existing \
             key vault.",
        )),
    }),
    check: |_, _, body, _| {
        if json::text(body, "/properties/tenantId").is_empty() {
            return Err(bad_content("The parameter tenantId is required.").about("properties.tenantId"));
        }
        Ok(())
    },
    put,
    delete,
    ..PLAIN
};

/// A deleted vault, by its region and name.
pub(super) const DELETED: Kind = Kind {
    resource_type: "Microsoft.KeyVault/locations/deletedVaults",
    id_type: "Microsoft.KeyVault/locations/deletedVaults",
    on_any_scope: true,
    tracked: false,
    put: refuse_write,
    patch: refuse_write,
    delete: refuse_write,
    actions: &[("purge", purge)],
    ..PLAIN
};

/// All deleted vaults of a subscription.
pub(super) const ALL_DELETED: Kind = Kind {
    resource_type: "Microsoft.KeyVault/deletedVaults",
    id_type: "Microsoft.KeyVault/deletedVaults",
    on_any_scope: true,
    tracked: false,
    list: list_deleted,
    put: refuse_write,
    patch: refuse_write,
    delete: refuse_write,
    ..PLAIN
};

fn is_name(name: &str) -> bool {
    let is_word = |part: &str| !part.is_empty() && part.chars().all(|each| each.is_ascii_alphanumeric());
    (3..=24).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.split('-').all(is_word)
}

/// `createMode: recover` brings a deleted vault back as it was.
fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let mut sent = call.object()?;
    let is_recovery = json::text(&sent, "/properties/createMode").eq_ignore_ascii_case("recover");
    json::remove(&mut sent, "/properties/createMode");
    if !is_recovery {
        return plain::put_body(world, call, target, sent);
    }
    let held = world.store.of_type("", DELETED.resource_type);
    let held = held
        .into_iter()
        .find(|held| json::text(&held.body, "/properties/vaultId").eq_ignore_ascii_case(&target.key()));
    let Some(held) = held.cloned() else {
        let message = format!("A deleted vault named '{}' was not found.", target.name());
        return Err(ArmError::service(404, "DeletedVaultNotFound", message));
    };
    world.remove(&held.key());
    let vault = Resource::new(KIND.resource_type, held.hidden);
    let response = Response::json(200, &vault.body);
    world.put(vault);
    Ok(response)
}

/// Every vault is deleted softly: today's service knows no other way.
fn delete(world: &mut World, call: &Call, target: &Target) -> Reply {
    let Some(vault) = world.store.get(&target.key()).cloned() else { return Ok(Response::empty(204)) };
    plain::refuse_busy(&vault, call.now)?;
    let days = json::at(&vault.body, "/properties/softDeleteRetentionInDays").as_i64().unwrap_or(90);
    let until = call.now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    let (location, name) = (json::text(&vault.body, "/location"), vault.name());
    let place = format!("/subscriptions/{}/providers/Microsoft.KeyVault/locations", target.subscription);
    let body = json!({
        "id": format!("{place}/{location}/deletedVaults/{name}"),
        "name": name,
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {
            "vaultId": vault.id,
            "location": location,
            "tags": vault.body["tags"],
            "deletionDate": call.now,
            "scheduledPurgeDate": until,
            "purgeProtectionEnabled": vault.body["properties"]["enablePurgeProtection"],
        },
    });
    let mut held = Resource::new(DELETED.resource_type, body);
    held.gone_at = Some(until);
    held.hidden = vault.body;
    world.remove(&target.key());
    world.put(held);
    Ok(Response::empty(200))
}

fn purge(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let held = world.existing(target)?;
    if json::at(&held.body, "/properties/purgeProtectionEnabled") == &Value::Bool(true) {
        let message = format!("The vault '{}' is protected against purging.", target.name());
        return Err(ArmError::service(400, "MethodNotAllowed", message));
    }
    world.remove(&target.key());
    Ok(Response::empty(202))
}

fn list_deleted(world: &mut World, call: &Call, target: &Target) -> Reply {
    let scope = target.scope.to_ascii_lowercase();
    let after = listing::continuation(call).unwrap_or_default();
    let held = world.store.of_type(&scope, DELETED.resource_type).filter(|held| held.key() > after);
    Ok(listing::page(world, call, held.map(|held| (held.key(), held.view(call.now)))))
}

fn refuse_write(_world: &mut World, call: &Call, _target: &Target) -> Reply {
    Err(crate::error::method_not_allowed(call.request.method.name()))
}
