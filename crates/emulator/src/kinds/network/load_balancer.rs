//! `Microsoft.Network/loadBalancers` and their parts. A PUT says all of it; backend pools and NAT rules can be written alone.

use serde_json::{Value, json};

use super::{CHILD, NETWORK, PART, at, named_by, names, refused, require, virtual_network};
use crate::error::ArmError;
use crate::json;
use crate::kinds::{Kind, Referrer};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::World;

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Network/loadBalancers",
    id_type: "Microsoft.Network/loadBalancers",
    defaults: || json!({ "sku": { "name": "Basic", "tier": "Regional" } }),
    enums: &[("/sku/name", &["Basic", "Standard", "Gateway"]), ("/sku/tier", &["Regional", "Global"])],
    fixed: &["/sku/name", "/sku/tier"],
    in_use: Some((
        "LoadBalancerInUseByVirtualMachineScaleSet",
        "Cannot delete load balancer since its child resource {id} is in use by {users}.",
    )),
    check,
    ..NETWORK
};

pub(crate) const FRONTEND: Kind = Kind {
    resource_type: "Microsoft.Network/loadBalancers/frontendIPConfigurations",
    id_type: "Microsoft.Network/loadBalancers/frontendIPConfigurations",
    inline: at("/properties/frontendIPConfigurations"),
    defaults: || json!({ "properties": { "privateIPAllocationMethod": "Dynamic" } }),
    references: &[names("/properties/subnet/id"), names("/properties/publicIPAddress/id")],
    referrers: &[
        named_by("/properties/loadBalancingRules", "Microsoft.Network/loadBalancers/loadBalancingRules"),
        named_by("/properties/inboundNatRules", "Microsoft.Network/loadBalancers/inboundNatRules"),
        named_by("/properties/inboundNatPools", "Microsoft.Network/loadBalancers/inboundNatPools"),
        named_by("/properties/outboundRules", "Microsoft.Network/loadBalancers/outboundRules"),
    ],
    finish: virtual_network::place,
    check: |_, _, body, _| {
        let is_placed = ["subnet", "publicIPAddress", "publicIPPrefix"]
            .iter()
            .any(|place| !json::text(body, &format!("/properties/{place}/id")).is_empty());
        if is_placed { Ok(()) } else { require(body, &["/properties/subnet/id"]) }
    },
    ..PART
};

pub(crate) const POOL: Kind = Kind {
    resource_type: "Microsoft.Network/loadBalancers/backendAddressPools",
    id_type: "Microsoft.Network/loadBalancers/backendAddressPools",
    inline: at("/properties/backendAddressPools"),
    defaults: || json!({ "properties": { "loadBalancerBackendAddresses": [] } }),
    referrers: &[
        named_by("/properties/loadBalancingRules", "Microsoft.Network/loadBalancers/loadBalancingRules"),
        Referrer {
            at: "/properties/outboundRule",
            resource_type: "Microsoft.Network/loadBalancers/outboundRules",
            is_single: true,
        },
        named_by("/properties/backendIPConfigurations", "Microsoft.Compute/virtualMachineScaleSets"),
        named_by(
            "/properties/backendIPConfigurations",
            "Microsoft.Network/networkInterfaces/ipConfigurations",
        ),
    ],
    // The texts of the next two are reported; their codes are our choice.
    in_use: Some((
        "BackendAddressPoolInUse",
        "Cannot remove backend address pool {name} from load balancer since it is in use by {users}.",
    )),
    ..CHILD
};

pub(crate) const NAT_POOL: Kind = Kind {
    resource_type: "Microsoft.Network/loadBalancers/inboundNatPools",
    id_type: "Microsoft.Network/loadBalancers/inboundNatPools",
    inline: at("/properties/inboundNatPools"),
    defaults: || nat_defaults(),
    enums: &[("/properties/protocol", PROTOCOLS)],
    references: &[names("/properties/frontendIPConfiguration/id")],
    in_use: Some((
        "InboundNatPoolInUse",
        "Cannot remove inbound nat pool {name} from load balancer since it is in use by {users}.",
    )),
    check: |_, _, body, _| {
        require(
            body,
            &[
                "/properties/protocol",
                "/properties/frontendPortRangeStart",
                "/properties/frontendPortRangeEnd",
                "/properties/backendPort",
            ],
        )
    },
    ..PART
};

pub(crate) const RULE: Kind = Kind {
    resource_type: "Microsoft.Network/loadBalancers/loadBalancingRules",
    id_type: "Microsoft.Network/loadBalancers/loadBalancingRules",
    inline: at("/properties/loadBalancingRules"),
    defaults: || {
        json!({ "properties": {
            "loadDistribution": "Default",
            "idleTimeoutInMinutes": 4,
            "enableFloatingIP": false,
            "enableTcpReset": false,
            "disableOutboundSnat": false,
        }})
    },
    enums: &[
        ("/properties/protocol", PROTOCOLS),
        ("/properties/loadDistribution", &["Default", "SourceIP", "SourceIPProtocol"]),
    ],
    references: &[
        names("/properties/frontendIPConfiguration/id"),
        names("/properties/backendAddressPool/id"),
        names("/properties/backendAddressPools/*/id"),
        names("/properties/probe/id"),
    ],
    finish: name_pools_twice,
    check: |_, _, body, _| require(body, &["/properties/protocol", "/properties/frontendPort"]),
    ..PART
};

pub(crate) const PROBE: Kind = Kind {
    resource_type: "Microsoft.Network/loadBalancers/probes",
    id_type: "Microsoft.Network/loadBalancers/probes",
    inline: at("/properties/probes"),
    defaults: || json!({ "properties": { "intervalInSeconds": 15, "numberOfProbes": 2, "probeThreshold": 1 } }),
    enums: &[("/properties/protocol", &["Tcp", "Http", "Https"])],
    referrers: &[named_by(
        "/properties/loadBalancingRules",
        "Microsoft.Network/loadBalancers/loadBalancingRules",
    )],
    in_use: Some((
        "CannotRemoveRuleUsedByProbeUsedByVMSS",
        "Cannot remove probe {name} from load balancer since it is in use by {users}.",
    )),
    check: |_, _, body, _| require(body, &["/properties/protocol", "/properties/port"]),
    ..PART
};

pub(crate) const NAT_RULE: Kind = Kind {
    resource_type: "Microsoft.Network/loadBalancers/inboundNatRules",
    id_type: "Microsoft.Network/loadBalancers/inboundNatRules",
    inline: at("/properties/inboundNatRules"),
    defaults: || nat_defaults(),
    enums: &[("/properties/protocol", PROTOCOLS)],
    references: &[
        names("/properties/frontendIPConfiguration/id"),
        names("/properties/backendAddressPool/id"),
    ],
    ..CHILD
};

pub(crate) const OUTBOUND_RULE: Kind = Kind {
    resource_type: "Microsoft.Network/loadBalancers/outboundRules",
    id_type: "Microsoft.Network/loadBalancers/outboundRules",
    inline: at("/properties/outboundRules"),
    defaults: || json!({ "properties": { "allocatedOutboundPorts": 0, "idleTimeoutInMinutes": 4, "enableTcpReset": false } }),
    enums: &[("/properties/protocol", PROTOCOLS)],
    references: &[
        names("/properties/frontendIPConfigurations/*/id"),
        names("/properties/backendAddressPool/id"),
    ],
    ..PART
};

const PROTOCOLS: &[&str] = &["Tcp", "Udp", "All"];

fn nat_defaults() -> Value {
    json!({ "properties": { "idleTimeoutInMinutes": 4, "enableFloatingIP": false, "enableTcpReset": false } })
}

/// Old versions name one pool, new ones a list; both are answered.
fn name_pools_twice(_world: &World, _target: &Target, body: &mut Value) {
    let (one, many) =
        (json::at(body, "/properties/backendAddressPool"), json::at(body, "/properties/backendAddressPools"));
    if many.as_array().is_none_or(Vec::is_empty) && one.is_object() {
        json::set(body, "/properties/backendAddressPools", json!([one]));
    } else if let Some([single]) = many.as_array().map(Vec::as_slice) {
        json::set(body, "/properties/backendAddressPool", single.clone());
    }
}

/// Addresses of another SKU do not fit, and ports serve one rule each. Codes are as people report them.
fn check(world: &World, target: &Target, body: &Value, _stands: Option<&Resource>) -> Result<(), ArmError> {
    let sku = json::text(body, "/sku/name");
    for id in json::every(body, "/properties/frontendIPConfigurations/*/properties/publicIPAddress/id") {
        let key = id.as_str().unwrap_or("").to_ascii_lowercase();
        let other = world.store.get(&key).map_or(sku, |address| json::text(&address.body, "/sku/name"));
        if (other == "Basic") != (sku == "Basic") {
            let message = format!(
                "Load balancer {} has sku {sku} and public IP address {} has sku {other}; both must be the same.",
                target.name(),
                id.as_str().unwrap_or("")
            );
            return Err(refused("DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed", message));
        }
    }
    let rules = json::every(body, "/properties/loadBalancingRules/*");
    let served = |rule: &Value| {
        let at = |name: &str| json::at(rule, &format!("/properties/{name}")).to_string().to_ascii_lowercase();
        (
            json::text(rule, "/properties/frontendIPConfiguration/id").to_ascii_lowercase(),
            at("frontendPort"),
            at("protocol"),
        )
    };
    for (index, rule) in rules.iter().enumerate() {
        if let Some(other) = rules[..index].iter().find(|other| served(other) == served(rule)) {
            let message = format!(
                "Load balancing rules {} and {} use the same frontend, port and protocol.",
                json::text(other, "/name"),
                json::text(rule, "/name")
            );
            return Err(refused("RulesUseSameFrontendPortProtocolAndIPConfiguration", message));
        }
    }
    Ok(())
}
