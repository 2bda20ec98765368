//! `Microsoft.Network/networkInterfaces` and their address configurations.

use serde_json::{Value, json};

use super::{NETWORK, PART, at, names, refused, virtual_network};
use crate::error::ArmError;
use crate::json;
use crate::kinds::Kind;
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::World;

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Network/networkInterfaces",
    id_type: "Microsoft.Network/networkInterfaces",
    defaults: || {
        json!({ "properties": {
            "dnsSettings": { "dnsServers": [], "appliedDnsServers": [] },
            "enableAcceleratedNetworking": false,
            "enableIPForwarding": false,
            "nicType": "Standard",
            "tapConfigurations": [],
        }})
    },
    references: &[names("/properties/networkSecurityGroup/id")],
    check,
    ..NETWORK
};

pub(crate) const CONFIGURATION: Kind = Kind {
    resource_type: "Microsoft.Network/networkInterfaces/ipConfigurations",
    id_type: "Microsoft.Network/networkInterfaces/ipConfigurations",
    inline: at("/properties/ipConfigurations"),
    defaults: || json!({ "properties": { "privateIPAllocationMethod": "Dynamic", "privateIPAddressVersion": "IPv4" } }),
    references: &[
        names("/properties/subnet/id"),
        names("/properties/publicIPAddress/id"),
        names("/properties/loadBalancerBackendAddressPools/*/id"),
    ],
    finish: virtual_network::place,
    ..PART
};

/// Without an address there is no interface.
fn check(_world: &World, target: &Target, body: &Value, _stands: Option<&Resource>) -> Result<(), ArmError> {
    if json::every(body, "/properties/ipConfigurations/*").is_empty() {
        let message = format!("Network interface {} must have at least one IP configuration.", target.name());
        return Err(refused("NetworkInterfaceMustHaveAtLeastOneIpConfiguration", message));
    }
    Ok(())
}
