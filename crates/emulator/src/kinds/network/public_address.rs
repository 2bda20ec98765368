//! `Microsoft.Network/publicIPAddresses`. The addresses are made up, in a range that nobody routes.

use serde_json::{Value, json};

use super::{NETWORK, refused};
use crate::error::ArmError;
use crate::json;
use crate::kinds::{Kind, Referrer};
use crate::random::guid_of;
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::World;

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Network/publicIPAddresses",
    id_type: "Microsoft.Network/publicIPAddresses",
    // New Basic addresses have been refused since 2025; old templates still ask for them, and get them here.
    defaults: || {
        json!({
            "sku": { "name": "Basic", "tier": "Regional" },
            "properties": { "publicIPAddressVersion": "IPv4", "idleTimeoutInMinutes": 4, "ipTags": [] },
        })
    },
    enums: &[
        ("/sku/name", &["Basic", "Standard", "StandardV2"]),
        ("/sku/tier", &["Regional", "Global"]),
        ("/properties/publicIPAllocationMethod", &["Static", "Dynamic"]),
        ("/properties/publicIPAddressVersion", &["IPv4", "IPv6"]),
    ],
    referrers: &[
        holder("Microsoft.Network/loadBalancers/frontendIPConfigurations"),
        holder("Microsoft.Network/networkInterfaces/ipConfigurations"),
    ],
    read_only: &["/properties/ipConfiguration", "/properties/ipAddress"],
    in_use: Some((
        "PublicIPAddressCannotBeDeleted",
        "Public IP address {id} can not be deleted since it is still allocated to resource {users}. In order to \
         delete the public IP, disassociate/detach the Public IP address from the resource.",
    )),
    fixed: &["/sku/name", "/properties/publicIPAddressVersion"],
    finish,
    check,
    view,
    ..NETWORK
};

const fn holder(resource_type: &'static str) -> Referrer {
    Referrer { at: "/properties/ipConfiguration", resource_type, is_single: true }
}

fn finish(_world: &World, _target: &Target, body: &mut Value) {
    let is_basic = json::text(body, "/sku/name") == "Basic";
    let method = if is_basic { "Dynamic" } else { "Static" };
    json::fill(body, &json!({ "properties": { "publicIPAllocationMethod": method } }));
    let number = u32::from_str_radix(&guid_of(json::text(body, "/id"))[..8], 16).unwrap_or(0);
    let address = format!("198.{}.{}.{}", 18 + (number >> 16) % 2, (number >> 8) % 256, number % 256);
    json::set(body, "/properties/ipAddress", json!(address));
    let (label, location) =
        (json::text(body, "/properties/dnsSettings/domainNameLabel"), json::text(body, "/location"));
    if !label.is_empty() {
        let name = format!("{label}.{location}.cloudapp.azure.com");
        json::set(body, "/properties/dnsSettings/fqdn", json!(name));
    }
}

/// A dynamic address is there only while somebody has it.
fn view(_world: &World, _resource: &Resource, body: &mut Value) {
    let is_dynamic = json::text(body, "/properties/publicIPAllocationMethod") == "Dynamic";
    if is_dynamic && json::at(body, "/properties/ipConfiguration").is_null() {
        json::remove(body, "/properties/ipAddress");
    }
}

/// The code of the second refusal is our choice; it was not recorded.
fn check(world: &World, target: &Target, body: &Value, _stands: Option<&Resource>) -> Result<(), ArmError> {
    let name = json::text(body, "/properties/dnsSettings/fqdn");
    let others = world.store.of_type("", KIND.resource_type).filter(|other| other.key() != target.key());
    let is_taken =
        |other: &Resource| json::text(&other.body, "/properties/dnsSettings/fqdn").eq_ignore_ascii_case(name);
    if !name.is_empty() && others.into_iter().any(is_taken) {
        let message = format!("DNS record {name} is already used by another public IP.");
        return Err(refused("DnsRecordInUse", message));
    }
    let is_dynamic = json::text(body, "/properties/publicIPAllocationMethod") == "Dynamic";
    if is_dynamic && json::text(body, "/sku/name") != "Basic" {
        let message = format!(
            "Standard sku publicIp {} must have AllocationMethod set to Static.",
            json::text(body, "/id")
        );
        return Err(refused("StandardSkuPublicIPAddressMustBeStatic", message));
    }
    Ok(())
}
