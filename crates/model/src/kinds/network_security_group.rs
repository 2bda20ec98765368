//! Network security groups (Microsoft.Network, 2024-05-01; dsvm-pool facts §5, §7).

use super::common::{NETWORK_NAME, NETWORK_VERSION, location, resource_group, tags};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Default, Kind, Placement, Type, Variant, variant};

const DIRECTIONS: &[Variant] = &[variant("Inbound", "Inbound"), variant("Outbound", "Outbound")];

const ACCESS: &[Variant] = &[variant("Allow", "Allow"), variant("Deny", "Deny")];

const PROTOCOLS: &[Variant] = &[
    variant("Tcp", "Tcp"),
    variant("Udp", "Udp"),
    variant("Icmp", "Icmp"),
    variant("Esp", "Esp"),
    variant("Ah", "Ah"),
    variant("*", "*"),
];

const TEXTS: Type = Type::List(&Type::String);

const RULE: &[Attribute] = &[
    Attribute::new("name", Type::String, "name", "Its name.").compare(Compare::CaseInsensitive).required(),
    Attribute::new("description", Type::String, "properties.description", "What it is for.")
        .compare(Compare::EmptyIsAbsent)
        .rules(&[Rule::Length(0, 140)]),
    Attribute::new(
        "priority",
        Type::Integer,
        "properties.priority",
        "Lower numbers come first; no two rules of one direction share one.",
    )
    .rules(&[Rule::Between(100, 4096)])
    .required(),
    Attribute::new("direction", Type::Enum(DIRECTIONS), "properties.direction", "Which way it looks.")
        .default(Default::String("Inbound")),
    Attribute::new("access", Type::Enum(ACCESS), "properties.access", "What it does.")
        .default(Default::String("Allow")),
    Attribute::new("protocol", Type::Enum(PROTOCOLS), "properties.protocol", "The protocol; `*` for any.")
        .default(Default::String("Tcp")),
    Attribute::new(
        "source_address_prefix",
        Type::String,
        "properties.sourceAddressPrefix",
        "Where it comes from: a range, a service tag, or `*`.",
    ),
    Attribute::new(
        "source_address_prefixes",
        TEXTS,
        "properties.sourceAddressPrefixes",
        "Where it comes from: several ranges.",
    )
    .compare(Compare::Set),
    Attribute::new("source_port_range", Type::String, "properties.sourcePortRange", "From which ports.")
        .default(Default::String("*")),
    Attribute::new(
        "destination_address_prefix",
        Type::String,
        "properties.destinationAddressPrefix",
        "Where it goes: a range, a service tag, or `*`.",
    ),
    Attribute::new(
        "destination_address_prefixes",
        TEXTS,
        "properties.destinationAddressPrefixes",
        "Where it goes: several ranges.",
    )
    .compare(Compare::Set),
    Attribute::new(
        "destination_port_range",
        Type::String,
        "properties.destinationPortRange",
        "To which port: `\"22\"`, `8000-8010`, or `*`.",
    ),
    Attribute::new(
        "destination_port_ranges",
        TEXTS,
        "properties.destinationPortRanges",
        "To which ports: several ranges.",
    )
    .compare(Compare::Set),
];

/// A network security group.
pub static KIND: Kind = Kind {
    name: "network_security_group",
    summary: "Rules on what may reach the subnets and machines that name it.",
    placement: Placement::InGroup {
        resource_type: "Microsoft.Network/networkSecurityGroups",
        api_version: NETWORK_VERSION,
    },
    name_rules: NETWORK_NAME,
    attributes: &[
        resource_group(),
        location(),
        Attribute::new(
            "rules",
            Type::List(&Type::Object(RULE)),
            "properties.securityRules",
            "Its rules; all others but Azure's own are removed.",
        )
        .rules(&[Rule::Unique("name")])
        .compare(Compare::Set)
        .change(Change::Put),
        tags(Change::Patch),
    ],
    computed: &[],
    constants: &[],
    read_only: &[
        "id",
        "name",
        "type",
        "etag",
        "properties.provisioningState",
        "properties.resourceGuid",
        "properties.defaultSecurityRules",
        "properties.subnets",
        "properties.networkInterfaces",
    ],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: None,
};
