//! What lies above resource groups: tenants, subscriptions, and their locations. Fixed data.

use serde_json::{Value, json};

use crate::wire::Response;
use crate::world::World;

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

/// A subscription as replies and templates show it.
pub(crate) fn body(world: &World, subscription: &str) -> Value {
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

/// The tenant as lists and templates show it.
pub(crate) fn tenant(world: &World) -> Value {
    let tenant = &world.options.tenant;
    json!({
        "id": format!("/tenants/{tenant}"),
        "tenantId": tenant,
        "displayName": "Emulator",
        "tenantCategory": "Home",
        "domains": ["emulator.onmicrosoft.com"],
        "defaultDomain": "emulator.onmicrosoft.com",
    })
}

/// All tenants: there is one.
pub(crate) fn tenants(world: &World) -> Response {
    Response::json(200, &json!({ "value": [tenant(world)] }))
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
            "subscriptionId": subscription,
            "name": name,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": display,
            "metadata": { "regionType": "Physical", "regionCategory": "Recommended" },
        })
    });
    Response::json(200, &json!({ "value": all }))
}
