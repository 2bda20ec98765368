//! `Microsoft.Network/virtualNetworks` and their subnets, which are one truth in two views.

use serde_json::{Value, json};

use super::addresses::{Range, is_version_6};
use super::{CHILD, NETWORK, named_by, names, refused, require};
use crate::error::ArmError;
use crate::json;
use crate::kinds::{Inline, Kind};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::World;

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Network/virtualNetworks",
    id_type: "Microsoft.Network/virtualNetworks",
    defaults: || json!({ "properties": { "enableDdosProtection": false, "virtualNetworkPeerings": [] } }),
    check,
    ..NETWORK
};

pub(crate) const SUBNET: Kind = Kind {
    resource_type: "Microsoft.Network/virtualNetworks/subnets",
    id_type: "Microsoft.Network/virtualNetworks/subnets",
    // A PUT that does not speak of subnets used to remove them; today's service keeps them.
    inline: Some(Inline { pointer: "/properties/subnets", outlives_silence: true }),
    defaults: || {
        json!({ "properties": {
            "delegations": [],
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
        }})
    },
    enums: &[
        (
            "/properties/privateEndpointNetworkPolicies",
            &["Enabled", "Disabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled"],
        ),
        ("/properties/privateLinkServiceNetworkPolicies", &["Enabled", "Disabled"]),
    ],
    references: &[
        names("/properties/networkSecurityGroup/id"),
        names("/properties/routeTable/id"),
        names("/properties/natGateway/id"),
    ],
    referrers: &[
        named_by("/properties/ipConfigurations", "Microsoft.Network/loadBalancers/frontendIPConfigurations"),
        named_by("/properties/ipConfigurations", "Microsoft.Network/networkInterfaces/ipConfigurations"),
        named_by("/properties/ipConfigurations", "Microsoft.Compute/virtualMachineScaleSets"),
        named_by("/properties/privateEndpoints", "Microsoft.Network/privateEndpoints"),
    ],
    read_only: &["/properties/ipConfigurations", "/properties/privateEndpoints"],
    in_use: Some((
        "InUseSubnetCannotBeDeleted",
        "Subnet {name} is in use by {users} and cannot be deleted. In order to delete the subnet, delete all the \
         resources within the subnet. See aka.ms/deletesubnet.",
    )),
    check: check_subnet,
    ..CHILD
};

/// The ranges at a pointer to a list, or to one text.
fn texts<'a>(body: &'a Value, pointers: [&str; 2]) -> Vec<&'a str> {
    let values = pointers.iter().flat_map(|pointer| json::every(body, pointer));
    values.filter_map(Value::as_str).collect()
}

/// The ranges of a subnet, in either of the two forms.
pub(super) fn prefixes(subnet: &Value) -> Vec<&str> {
    texts(subnet, ["/properties/addressPrefixes/*", "/properties/addressPrefix"])
}

/// Gives what names a subnet an address there; the first four are Azure's own.
pub(super) fn place(world: &World, target: &Target, body: &mut Value) {
    let subnet = json::text(body, "/properties/subnet/id").to_ascii_lowercase();
    let Some(stands) = world.store.get(&subnet) else { return };
    let key = target.key();
    let others = world.links.users(&subnet).filter(|user| *user != key).count();
    let place = 4 + u32::try_from(others).unwrap_or(0);
    let range = prefixes(&stands.body).into_iter().find_map(Range::parse);
    let address = range.map(|range| range.address(place).to_string());
    json::fill(body, &json!({ "properties": { "privateIPAddress": address } }));
}

fn ranges(texts: &[&str], what: &str) -> Result<Vec<Range>, ArmError> {
    let version_4 = texts.iter().filter(|text| !is_version_6(text));
    version_4
        .map(|text| {
            Range::parse(text).ok_or_else(|| {
                let message = format!(
                    "The address prefix {text} in {what} is not a valid IPv4 range in CIDR notation."
                );
                refused("InvalidCIDRNotation", message)
            })
        })
        .collect()
}

/// Every subnet lies in the address space, and no two overlap.
fn check(_world: &World, target: &Target, body: &Value, _stands: Option<&Resource>) -> Result<(), ArmError> {
    let (network, space) = (target.name(), json::every(body, "/properties/addressSpace/addressPrefixes/*"));
    let space: Vec<&str> = space.into_iter().filter_map(Value::as_str).collect();
    if space.is_empty() {
        let message = format!("Virtual network {network} has no address space.");
        return Err(refused("NoAddressPrefixOrPoolProvided", message).about("properties.addressSpace"));
    }
    let space = ranges(&space, network)?;
    let mut taken: Vec<Range> = Vec::new();
    for subnet in json::every(body, "/properties/subnets/*") {
        let name = json::text(subnet, "/name");
        for range in ranges(&prefixes(subnet), name)? {
            if !space.iter().any(|space| space.holds(range)) {
                let message = format!(
                    "Subnet '{name}' is not valid because its IP address range is outside the IP address range of \
                     virtual network '{network}'."
                );
                return Err(refused("NetcfgSubnetRangeOutsideVnet", message));
            }
            if taken.iter().any(|other| other.overlaps(range)) {
                let message = format!(
                    "Subnet '{name}' is not valid because its IP address range overlaps with that of an existing \
                     subnet in virtual network '{network}'."
                );
                return Err(refused("NetcfgSubnetRangesOverlap", message));
            }
            taken.push(range);
        }
    }
    Ok(())
}

fn check_subnet(
    world: &World,
    target: &Target,
    body: &Value,
    stands: Option<&Resource>,
) -> Result<(), ArmError> {
    let sent = prefixes(body);
    if sent.is_empty() {
        require(body, &["/properties/addressPrefix"])?;
    }
    if ranges(&sent, target.name())?.iter().any(|range| !range.is_big_enough()) {
        let message = format!("Subnet '{}' is too small: its prefix must be /29 or shorter.", target.name());
        return Err(refused("SubnetAddressPrefixTooSmall", message));
    }
    let is_used = world.links.users(&target.key()).next().is_some();
    if stands.is_some_and(|stands| is_used && prefixes(&stands.body) != sent) {
        let message = format!(
            "IpPrefix {} on Subnet {} has active allocations and cannot be deleted.",
            sent.join(", "),
            target.name()
        );
        return Err(refused("InUsePrefixCannotBeDeleted", message));
    }
    Ok(())
}
