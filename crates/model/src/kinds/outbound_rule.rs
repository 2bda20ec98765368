//! Outbound rules of a workspace's managed network (machine-learning facts §7.4, az ml facts §8).
//!
//! The service adds rules of its own, which it calls required; only the user's are of this kind.

use super::attached::read_only;
use super::cluster::WORKSPACE;
use super::common::ML_VERSION;
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Default, Kind, Placement, Type, Variant, variant};

const TYPES: &[Variant] = &[
    variant("fqdn", "FQDN"),
    variant("private_endpoint", "PrivateEndpoint"),
    variant("service_tag", "ServiceTag"),
];

const ACTIONS: &[Variant] = &[variant("allow", "Allow"), variant("deny", "Deny")];

/// What belongs to rules of one type only.
const fn of(
    rule_type: &'static str,
    path: &'static str,
    arm: &'static str,
    value: Type,
    doc: &'static str,
) -> Attribute {
    Attribute::new(path, value, arm, doc).when("type", rule_type).change(Change::Put)
}

/// An outbound rule.
pub static KIND: Kind = Kind {
    name: "outbound_rule",
    summary: "A rule of a workspace's managed network: what its computes may reach.",
    placement: Placement::InParent {
        parent: "workspace",
        collection: "outboundRules",
        api_version: ML_VERSION,
        discriminator: Some(("properties.category", "UserDefined")),
    },
    name_rules: &[Rule::Length(1, 80), Rule::StartsAlphanumeric, Rule::Alphabet("-_.")],
    attributes: &[
        Attribute::new("workspace", WORKSPACE, "", "The workspace whose network it is for.")
            .compare(Compare::CaseInsensitive)
            .required(),
        Attribute::new("type", Type::Enum(TYPES), "properties.type", "What it lets through.")
            .compare(Compare::CaseInsensitive)
            .required(),
        of("fqdn", "destination", "properties.destination", Type::String, "The host name, `*.pkg.test`.")
            .required(),
        of(
            "private_endpoint",
            "destination.service_resource_id",
            "properties.destination.serviceResourceId",
            Type::String,
            "The resource to reach, by ARM id.",
        )
        .rules(&[Rule::ArmId])
        .compare(Compare::ArmId)
        .required(),
        of(
            "private_endpoint",
            "destination.subresource_target",
            "properties.destination.subresourceTarget",
            Type::String,
            "The part of it, `blob`.",
        )
        .required(),
        of(
            "private_endpoint",
            "destination.spark_enabled",
            "properties.destination.sparkEnabled",
            Type::Boolean,
            "Whether Spark jobs may reach it, too.",
        )
        .default(Default::Boolean(false)),
        of(
            "private_endpoint",
            "fqdns",
            "properties.fqdns",
            Type::List(&Type::String),
            "Host names by which it is reached.",
        )
        .compare(Compare::Set),
        of(
            "service_tag",
            "destination.service_tag",
            "properties.destination.serviceTag",
            Type::String,
            "The service tag, `AzureMonitor`.",
        )
        .required(),
        of(
            "service_tag",
            "destination.protocol",
            "properties.destination.protocol",
            Type::String,
            "`TCP`, `UDP`, `ICMP` or `*`.",
        ),
        of(
            "service_tag",
            "destination.port_ranges",
            "properties.destination.portRanges",
            Type::String,
            "Ports and ranges of ports, `80,443,8000-8080`; quote it.",
        ),
        of(
            "service_tag",
            "destination.address_prefixes",
            "properties.destination.addressPrefixes",
            Type::List(&Type::String),
            "Addresses instead of those of the tag, in CIDR form.",
        )
        .compare(Compare::Set),
        of(
            "service_tag",
            "destination.action",
            "properties.destination.action",
            Type::Enum(ACTIONS),
            "Whether to let it through.",
        )
        .compare(Compare::CaseInsensitive),
    ],
    computed: &[],
    constants: &[("properties.category", "UserDefined")],
    read_only: read_only!(
        "properties.status",
        "properties.parentRuleNames",
        "properties.errorInformation",
        "properties.destination.sparkStatus"
    ),
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("the workspace's computes no longer reach what it lets through"),
};
