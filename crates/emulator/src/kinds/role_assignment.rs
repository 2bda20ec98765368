//! `Microsoft.Authorization/roleAssignments`, on any scope. What they permit is not enforced.

use serde_json::{Value, json};

use crate::arm::filter::{Fields, Filter};
use crate::arm::listing;
use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::kinds::{Kind, PLAIN, PutStyle, plain, role_definition};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::wire::Response;
use crate::world::{Call, World};

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.Authorization/roleAssignments",
    id_type: "Microsoft.Authorization/roleAssignments",
    tracked: false,
    on_any_scope: true,
    put_style: PutStyle::AtOnce(201),
    generated: &[("/properties/createdOn", "{time}")],
    stamped: &[("/properties/updatedOn", "{time}")],
    enums: &[("/properties/principalType", &["User", "Group", "ServicePrincipal", "ForeignGroup", "Device"])],
    check,
    list,
    put,
    delete,
    ..PLAIN
};

const FIELDS: Fields =
    &[("principalid", "/properties/principalId"), ("assignedto", "/properties/principalId"), ("atscope", "")];

/// What cannot change under one assignment's name.
const FIXED: [&str; 3] = ["/properties/principalId", "/properties/roleDefinitionId", "/properties/scope"];

fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let mut sent = call.object()?;
    let role = json::text(&sent, "/properties/roleDefinitionId");
    let principal = json::text(&sent, "/properties/principalId").to_owned();
    for (name, value) in [("roleDefinitionId", role), ("principalId", principal.as_str())] {
        if value.is_empty() {
            let message = format!("The role assignment needs '{name}'.");
            return Err(bad_content(message).about(&format!("properties.{name}")));
        }
    }
    let role = role_definition::find(world, &target.subscription, role).ok_or_else(|| {
        let name = role.rsplit('/').next().unwrap_or("");
        let message = format!("The specified role definition with ID '{name}' does not exist.");
        ArmError::service(400, "RoleDefinitionDoesNotExist", message)
    })?;
    if json::at(&sent, "/properties/principalType").is_null() && world.is_new_principal(&principal, call.now)
    {
        let message = format!(
            "Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If you are \
             creating this principal and then immediately assigning a role, this error might be related to a \
             replication delay. In this case, set the role assignment principalType property to a value, such as \
             ServicePrincipal, User, or Group. See https://aka.ms/docs-principaltype",
            principal.replace('-', ""),
            world.options.tenant
        );
        return Err(ArmError::service(400, "PrincipalNotFound", message));
    }
    let principal_type = if is_identity(world, &principal) { "ServicePrincipal" } else { "User" };
    let scope = world
        .store
        .get(&target.scope.to_ascii_lowercase())
        .map_or(target.scope.clone(), |scope| scope.id.clone());
    sent["properties"]["roleDefinitionId"] = role["id"].clone();
    sent["properties"]["scope"] = json!(if scope.is_empty() { "/" } else { scope.as_str() });
    json::fill(
        &mut sent,
        &json!({ "properties": { "principalType": principal_type, "condition": null, "conditionVersion": null } }),
    );
    plain::put_body(world, call, target, sent)
}

/// Whether the principal is one that the emulator made; all others are taken for people.
fn is_identity(world: &World, principal: &str) -> bool {
    let has = |resource: &Resource| resource.principals().any(|own| own.eq_ignore_ascii_case(principal));
    world.store.all().any(|resource| resource.kind != KIND.resource_type && has(resource))
}

/// Codes and texts are those of the service as people report them.
fn check(world: &World, target: &Target, body: &Value, existing: Option<&Resource>) -> Result<(), ArmError> {
    if uuid::Uuid::parse_str(target.name()).is_err() {
        let message = format!(
            "The role assignment ID '{}' is not valid. The role assignment ID must be a GUID.",
            target.name()
        );
        return Err(ArmError::service(400, "InvalidRoleAssignmentId", message));
    }
    if let Some(existing) = existing {
        if FIXED.iter().any(|pointer| json::at(&existing.body, pointer) != json::at(body, pointer)) {
            let message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
            return Err(ArmError::service(400, "RoleAssignmentUpdateNotPermitted", message));
        }
        return Ok(());
    }
    let mut others = world.store.list(&target.collection(), None);
    let same = |other: &Resource| {
        FIXED.iter().all(|pointer| json::at(&other.body, pointer) == json::at(body, pointer))
    };
    match others.find(|other| same(other)) {
        None => Ok(()),
        Some(other) => {
            let message = format!(
                "The role assignment already exists. The ID of the existing role assignment is {}.",
                other.name().replace('-', "")
            );
            Err(ArmError::service(409, "RoleAssignmentExists", message))
        }
    }
}

/// At the scope, above and below it; `atScope()` leaves out what is below.
fn list(world: &mut World, call: &Call, target: &Target) -> Reply {
    world.check_parents(target, "read")?;
    let filter = Filter::of(call, FIELDS)?;
    let scope = target.scope.to_ascii_lowercase();
    let here = format!("{scope}/providers/{}/", KIND.id_type).to_ascii_lowercase();
    let subscription = format!("/subscriptions/{}", target.subscription).to_ascii_lowercase();
    let is_shown = |resource: &&Resource| {
        let holder = json::text(&resource.body, "/properties/scope").to_ascii_lowercase();
        let is_above = scope == holder || scope.starts_with(&format!("{holder}/"));
        let is_below = resource.key().starts_with(&format!("{scope}/"));
        let is_near =
            is_above || if filter.says("atscope") { resource.key().starts_with(&here) } else { is_below };
        is_near && filter.takes(&resource.body)
    };
    let mut found: Vec<&Resource> =
        world.store.of_type(&subscription, KIND.resource_type).filter(is_shown).collect();
    found.sort_by_key(|resource| resource.key());
    let after = listing::continuation(call).unwrap_or_default();
    let later = found.into_iter().filter(|resource| resource.key() > after);
    Ok(listing::page(world, call, later.map(|resource| (resource.key(), resource.view(call.now)))))
}

fn delete(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let Some(assignment) = world.store.get(&target.key()) else { return Ok(Response::empty(204)) };
    let response = Response::json(200, &assignment.body);
    world.remove(&target.key());
    Ok(response)
}
