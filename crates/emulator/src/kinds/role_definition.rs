//! `Microsoft.Authorization/roleDefinitions`: built-in roles, and custom ones that belong to a subscription.
//!
//! Whatever scope a request names, a definition's id stands below its subscription, as the service has it.

use serde_json::{Value, json};

use crate::arm::filter::{Fields, Filter};
use crate::arm::listing;
use crate::error::{ArmError, Reply};
use crate::json;
use crate::kinds::built_in_roles::ROLES;
use crate::kinds::{Kind, PLAIN, PutStyle, plain};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::wire::Response;
use crate::world::{Call, World};

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.Authorization/roleDefinitions",
    id_type: "Microsoft.Authorization/roleDefinitions",
    tracked: false,
    on_any_scope: true,
    put_style: PutStyle::AtOnce(201),
    defaults: || {
        json!({ "properties": {
            "type": "CustomRole", "description": "", "permissions": [], "assignableScopes": [],
        }})
    },
    generated: &[("/properties/createdOn", "{time}")],
    stamped: &[("/properties/updatedOn", "{time}")],
    check,
    get,
    list,
    put,
    delete,
    ..PLAIN
};

/// All definitions are at or above every scope, so the word changes nothing.
const FIELDS: Fields =
    &[("rolename", "/properties/roleName"), ("type", "/properties/type"), ("atscopeandbelow", "")];

/// The same definition where it is kept: at its subscription.
fn home(target: &Target) -> Target {
    Target { scope: home_scope(&target.subscription), ..target.clone() }
}

/// The id of a subscription; that of the tenant is empty.
fn home_scope(subscription: &str) -> String {
    if subscription.is_empty() { String::new() } else { format!("/subscriptions/{subscription}") }
}

/// The definition that an id names, wherever it was read: a body and nothing of its place.
pub(super) fn find(world: &World, subscription: &str, id: &str) -> Option<Value> {
    let name = id.rsplit('/').next().unwrap_or("").to_ascii_lowercase();
    let scope = home_scope(subscription);
    let key = format!("{scope}/providers/{}/{name}", KIND.id_type).to_ascii_lowercase();
    let built_in = ROLES.iter().find(|role| role.id == name).map(|role| role.definition(&scope));
    built_in.or_else(|| world.store.get(&key).map(|custom| custom.body.clone()))
}

fn get(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let found = find(world, &target.subscription, target.name());
    found.map(|body| Response::json(200, &body)).ok_or_else(|| {
        let message = format!("The specified role definition with ID '{}' does not exist.", target.name());
        ArmError::service(404, "RoleDefinitionDoesNotExist", message)
    })
}

fn list(world: &mut World, call: &Call, target: &Target) -> Reply {
    let filter = Filter::of(call, FIELDS)?;
    let scope = home_scope(&target.subscription);
    let custom = world.store.list(&home(target).collection(), None);
    let mut found: Vec<(String, Value)> = ROLES
        .iter()
        .map(|role| role.definition(&scope))
        .chain(custom.map(|custom| custom.body.clone()))
        .filter(|body| filter.takes(body))
        .map(|body| (json::text(&body, "/name").to_ascii_lowercase(), body))
        .collect();
    found.sort_by(|left, right| left.0.cmp(&right.0));
    let after = listing::continuation(call).unwrap_or_default();
    Ok(listing::page(world, call, found.into_iter().filter(|(name, _)| *name > after)))
}

fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    // An update answers 201 too: it is the only success that clients take.
    plain::put(world, call, &home(target)).map(|response| Response { status: 201, ..response })
}

/// Codes and texts are those of the service as people report them.
fn check(world: &World, target: &Target, body: &Value, _existing: Option<&Resource>) -> Result<(), ArmError> {
    let (id, name) = (target.name(), json::text(body, "/properties/roleName"));
    if uuid::Uuid::parse_str(id).is_err() {
        let message = format!("The role definition ID '{id}' is not valid. It must be a GUID.");
        return Err(ArmError::service(400, "InvalidRoleDefinitionId", message));
    }
    if ROLES.iter().any(|role| role.id.eq_ignore_ascii_case(id)) {
        let message = "The built-in role definitions cannot be changed.";
        return Err(ArmError::service(403, "RoleDefinitionUpdateNotPermitted", message));
    }
    if name.is_empty() {
        let message = "The role definition needs a name.";
        return Err(ArmError::service(400, "InvalidRoleDefinitionName", message).about("properties.roleName"));
    }
    if body["properties"]["assignableScopes"].as_array().is_none_or(Vec::is_empty) {
        let message = "The role definition has no assignable scope.";
        return Err(
            ArmError::service(400, "MissingAssignableScopes", message).about("properties.assignableScopes")
        );
    }
    let others = world.store.list(&target.collection(), None);
    let is_taken = others
        .filter(|other| !other.name().eq_ignore_ascii_case(id))
        .map(|other| json::text(&other.body, "/properties/roleName"))
        .chain(ROLES.iter().map(|role| role.name))
        .any(|other| other.eq_ignore_ascii_case(name));
    if is_taken {
        let message = format!("A custom role with the same name already exists in this directory: '{name}'.");
        return Err(ArmError::service(409, "RoleDefinitionWithSameNameExists", message));
    }
    Ok(())
}

fn delete(world: &mut World, _call: &Call, target: &Target) -> Reply {
    if ROLES.iter().any(|role| role.id.eq_ignore_ascii_case(target.name())) {
        let message = "The built-in role definitions cannot be deleted.";
        return Err(ArmError::service(403, "RoleDefinitionDeleteNotPermitted", message));
    }
    let key = home(target).key();
    let Some(custom) = world.store.get(&key) else { return Ok(Response::empty(204)) };
    let id = custom.id.to_ascii_lowercase();
    let names_it = |assignment: &Resource| {
        json::text(&assignment.body, "/properties/roleDefinitionId").eq_ignore_ascii_case(&id)
    };
    if world.store.of_type("", super::role_assignment::KIND.resource_type).any(names_it) {
        let message =
            "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).";
        return Err(ArmError::service(400, "RoleDefinitionHasAssignments", message));
    }
    let response = Response::json(200, &custom.body);
    world.remove(&key);
    Ok(response)
}
