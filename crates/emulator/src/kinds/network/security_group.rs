//! `Microsoft.Network/networkSecurityGroups` and their rules. The rules keep nobody out.

use serde_json::{Value, json};

use super::{CHILD, NETWORK, at, named_by, refused, require};
use crate::error::ArmError;
use crate::json;
use crate::kinds::Kind;
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::World;

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Network/networkSecurityGroups",
    id_type: "Microsoft.Network/networkSecurityGroups",
    referrers: &[
        named_by("/properties/subnets", "Microsoft.Network/virtualNetworks/subnets"),
        named_by("/properties/networkInterfaces", "Microsoft.Network/networkInterfaces"),
    ],
    read_only: &["/properties/subnets", "/properties/networkInterfaces", "/properties/defaultSecurityRules"],
    in_use: Some((
        "InUseNetworkSecurityGroupCannotBeDeleted",
        "Network security group {id} cannot be deleted because it is in use by the following resources: {users}. In \
         order to delete the network security group, remove the association with the resources.",
    )),
    finish: add_default_rules,
    check,
    ..NETWORK
};

pub(crate) const RULE: Kind = Kind {
    resource_type: "Microsoft.Network/networkSecurityGroups/securityRules",
    id_type: "Microsoft.Network/networkSecurityGroups/securityRules",
    inline: at("/properties/securityRules"),
    defaults: || {
        json!({ "properties": {
            "sourceAddressPrefixes": [],
            "destinationAddressPrefixes": [],
            "sourcePortRanges": [],
            "destinationPortRanges": [],
        }})
    },
    enums: &[
        ("/properties/protocol", &["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"]),
        ("/properties/access", &["Allow", "Deny"]),
        ("/properties/direction", &["Inbound", "Outbound"]),
    ],
    check: check_rule,
    ..CHILD
};

/// Name, priority, access, direction, source and destination of the rules that every group has.
const DEFAULTS: [(&str, i64, &str, &str, &str, &str); 6] = [
    ("AllowVnetInBound", 65_000, "Allow", "Inbound", "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", 65_001, "Allow", "Inbound", "AzureLoadBalancer", "*"),
    ("DenyAllInBound", 65_500, "Deny", "Inbound", "*", "*"),
    ("AllowVnetOutBound", 65_000, "Allow", "Outbound", "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", 65_001, "Allow", "Outbound", "*", "Internet"),
    ("DenyAllOutBound", 65_500, "Deny", "Outbound", "*", "*"),
];

fn add_default_rules(_world: &World, _target: &Target, body: &mut Value) {
    let id = json::text(body, "/id").to_owned();
    let rules = DEFAULTS.map(|(name, priority, access, direction, source, destination)| {
        json!({
            "id": format!("{id}/defaultSecurityRules/{name}"),
            "name": name,
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "etag": body["etag"],
            "properties": {
                "provisioningState": "Succeeded",
                "protocol": "*",
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "sourceAddressPrefix": source,
                "destinationAddressPrefix": destination,
                "access": access,
                "priority": priority,
                "direction": direction,
            },
        })
    });
    json::set(body, "/properties/defaultSecurityRules", json!(rules));
}

/// No two rules of one direction share a priority.
fn check(_world: &World, _target: &Target, body: &Value, _stands: Option<&Resource>) -> Result<(), ArmError> {
    let rules = json::every(body, "/properties/securityRules/*");
    for (index, rule) in rules.iter().enumerate() {
        let same = |other: &&&Value| {
            ["/properties/priority", "/properties/direction"]
                .iter()
                .all(|pointer| json::at(other, pointer) == json::at(rule, pointer))
        };
        if let Some(other) = rules[..index].iter().find(same) {
            let message = format!(
                "Security rule {} conflicts with rule {}. Rules cannot have the same Priority and Direction.",
                json::text(rule, "/name"),
                json::text(other, "/name")
            );
            return Err(refused("SecurityRuleConflict", message));
        }
    }
    Ok(())
}

fn check_rule(
    _world: &World,
    target: &Target,
    body: &Value,
    _stands: Option<&Resource>,
) -> Result<(), ArmError> {
    require(
        body,
        &["/properties/protocol", "/properties/access", "/properties/direction", "/properties/priority"],
    )?;
    let priority = json::at(body, "/properties/priority").as_i64();
    if !priority.is_some_and(|priority| (100..=4096).contains(&priority)) {
        let message = format!(
            "Security rule has invalid priority. Value provided: {}. Allowed range 100-4096: {}.",
            json::at(body, "/properties/priority"),
            target.name()
        );
        return Err(refused("SecurityRuleInvalidPriority", message));
    }
    Ok(())
}
