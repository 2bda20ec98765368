//! Virtual networks (Microsoft.Network, 2024-05-01; dsvm-pool facts §5).
//!
//! A PUT with subnets replaces them. Subnets are documents of their own, so a change sends back those that stand.

use super::common::{NETWORK_NAME, NETWORK_VERSION, location, resource_group, tags};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Kind, Placement, Type};

/// A virtual network.
pub static KIND: Kind = Kind {
    name: "virtual_network",
    summary: "A virtual network; its subnets are documents of their own.",
    placement: Placement::InGroup {
        resource_type: "Microsoft.Network/virtualNetworks",
        api_version: NETWORK_VERSION,
    },
    name_rules: NETWORK_NAME,
    attributes: &[
        resource_group(),
        location(),
        Attribute::new(
            "address_prefixes",
            Type::List(&Type::String),
            "properties.addressSpace.addressPrefixes",
            "The ranges of its addresses, `10.0.0.0/16`.",
        )
        .rules(&[Rule::Length(1, 100)])
        .compare(Compare::Set)
        .change(Change::Put)
        .required(),
        Attribute::new(
            "dns_servers",
            Type::List(&Type::String),
            "properties.dhcpOptions.dnsServers",
            "Addresses of DNS servers, in order; Azure's own without any.",
        )
        .change(Change::Put),
        tags(Change::Patch),
    ],
    computed: &[],
    constants: &[],
    read_only: &["id", "name", "type", "etag", "properties.provisioningState", "properties.resourceGuid"],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: None,
};
