//! Public addresses (Microsoft.Network, 2024-05-01; dsvm-pool facts §5, §7).
//!
//! Addresses of the SKU `Standard` are static, and Basic ones can no longer be made, so there is nothing to choose.

use super::common::{NETWORK_NAME, NETWORK_VERSION, location, resource_group, tags};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Computed, Default, Kind, Placement, Type, Variant, variant};

const SKUS: &[Variant] = &[variant("Standard", "Standard"), variant("Basic", "Basic")];

const VERSIONS: &[Variant] = &[variant("IPv4", "IPv4"), variant("IPv6", "IPv6")];

/// A public address.
pub static KIND: Kind = Kind {
    name: "public_ip",
    summary: "A public IP address.",
    placement: Placement::InGroup {
        resource_type: "Microsoft.Network/publicIPAddresses",
        api_version: NETWORK_VERSION,
    },
    name_rules: NETWORK_NAME,
    attributes: &[
        resource_group(),
        location(),
        Attribute::new(
            "sku",
            Type::Enum(SKUS),
            "sku.name",
            "That of the load balancer it is for; Azure has retired `Basic`.",
        )
        .default(Default::String("Standard")),
        Attribute::new(
            "zones",
            Type::List(&Type::String),
            "zones",
            "The zones it lives in: `[\"1\", \"2\"]`.",
        )
        .compare(Compare::Set),
        Attribute::new("version", Type::Enum(VERSIONS), "properties.publicIPAddressVersion", "The protocol.")
            .default(Default::String("IPv4")),
        Attribute::new(
            "idle_timeout_minutes",
            Type::Integer,
            "properties.idleTimeoutInMinutes",
            "How long an idle connection is kept.",
        )
        .rules(&[Rule::Between(4, 30)])
        .default(Default::Integer(4))
        .change(Change::Put),
        Attribute::new(
            "domain_name_label",
            Type::String,
            "properties.dnsSettings.domainNameLabel",
            "Its name in DNS: `LABEL.REGION.cloudapp.azure.com`.",
        )
        .rules(&[Rule::Length(3, 63), Rule::StartsWithLetter, Rule::Alphabet("-"), Rule::NotEndingIn('-')])
        .compare(Compare::CaseInsensitive)
        .change(Change::Put),
        tags(Change::Patch),
    ],
    computed: &[
        Computed::new("ip_address", "properties.ipAddress", "The address."),
        Computed::new("fqdn", "properties.dnsSettings.fqdn", "Its whole name in DNS."),
    ],
    constants: &[("properties.publicIPAllocationMethod", "Static")],
    read_only: &[
        "id",
        "name",
        "type",
        "etag",
        "properties.provisioningState",
        "properties.resourceGuid",
        "properties.ipAddress",
        "properties.ipConfiguration",
        "properties.dnsSettings.fqdn",
    ],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("its address is given to somebody else"),
};
