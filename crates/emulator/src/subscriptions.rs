//! What lies above resource groups: tenants, subscriptions, their locations and their providers. Fixed data.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::{ArmError, Reply};
use crate::kinds::KINDS;
use crate::registration;
use crate::wire::Response;
use crate::world::{Call, World};

/// The regions the emulator offers: name and display name.
pub(crate) const REGIONS: [(&str, &str); 12] = [
    ("australiaeast", "Australia East"),
    ("centralus", "Central US"),
    ("eastus", "East US"),
    ("eastus2", "East US 2"),
    ("francecentral", "France Central"),
    ("germanywestcentral", "Germany West Central"),
    ("northeurope", "North Europe"),
    ("southcentralus", "South Central US"),
    ("swedencentral", "Sweden Central"),
    ("uksouth", "UK South"),
    ("westeurope", "West Europe"),
    ("westus2", "West US 2"),
];

/// Newest first: `az` takes the first one when its user names none.
const API_VERSIONS: [&str; 4] = ["2026-05-01", "2025-12-01", "2025-06-01", "2024-04-01"];

fn body(world: &World, subscription: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}"),
        "subscriptionId": subscription,
        "tenantId": world.options.tenant,
        "displayName": "Emulator",
        "state": if world.is_disabled(subscription) { "Disabled" } else { "Enabled" },
        "subscriptionPolicies": { "locationPlacementId": "Public_2014-09-01", "quotaId": "Emulator", "spendingLimit": "Off" },
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
    })
}

/// The tenant.
pub(crate) fn tenants(world: &World) -> Response {
    let tenant = &world.options.tenant;
    Response::json(200, &json!({ "value": [{ "id": format!("/tenants/{tenant}"), "tenantId": tenant }] }))
}

/// All subscriptions.
pub(crate) fn list(world: &World) -> Response {
    let all: Vec<Value> =
        world.options.subscriptions().map(|subscription| body(world, subscription)).collect();
    Response::json(200, &json!({ "value": all, "count": { "type": "Total", "value": all.len() } }))
}

/// One subscription.
pub(crate) fn get(world: &World, subscription: &str) -> Response {
    Response::json(200, &body(world, subscription))
}

/// The regions of a subscription.
pub(crate) fn locations(subscription: &str) -> Response {
    let all = REGIONS.map(|(name, display)| {
        json!({
            "id": format!("/subscriptions/{subscription}/locations/{name}"),
            "name": name,
            "displayName": display,
            "regionalDisplayName": display,
            "metadata": { "regionType": "Physical", "regionCategory": "Recommended" },
        })
    });
    Response::json(200, &json!({ "value": all }))
}

/// All resource providers.
pub(crate) fn providers(world: &World, call: &Call, subscription: &str) -> Response {
    let mut namespaces: Vec<&str> = KINDS.iter().map(|kind| kind.namespace()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let all: Vec<Value> =
        namespaces.iter().map(|namespace| provider_body(world, call.now, subscription, namespace)).collect();
    Response::json(200, &json!({ "value": all }))
}

/// One resource provider, registered or unregistered if the path ends so.
pub(crate) fn provider(world: &mut World, call: &Call, subscription: &str, namespace: &str) -> Reply {
    let known = KINDS.iter().map(|kind| kind.namespace()).find(|known| known.eq_ignore_ascii_case(namespace));
    let Some(known) = known else {
        let message = format!("The resource namespace '{namespace}' is invalid.");
        return Err(ArmError::gateway(404, "InvalidResourceNamespace", message));
    };
    let action = call.subject.action.to_ascii_lowercase();
    if action.ends_with("/unregister/action") {
        registration::unregister(world, subscription, known);
    } else if action.ends_with("/register/action") {
        registration::register(world, call, subscription, known);
    }
    Ok(Response::json(200, &provider_body(world, call.now, subscription, known)))
}

fn provider_body(world: &World, now: Timestamp, subscription: &str, namespace: &str) -> Value {
    let kinds = KINDS.iter().filter(|kind| kind.namespace() == namespace);
    let types: Vec<Value> = kinds
        .map(|kind| {
            json!({
                "resourceType": kind.short_type(),
                "locations": REGIONS.map(|(_, display)| display),
                "apiVersions": API_VERSIONS,
            })
        })
        .collect();
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{namespace}"),
        "namespace": namespace,
        "registrationState": registration::state(world, subscription, namespace, now),
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": types,
    })
}
