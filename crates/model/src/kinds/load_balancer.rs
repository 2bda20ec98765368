//! Load balancers (Microsoft.Network, 2024-05-01; dsvm-pool facts §1, §5).
//!
//! A PUT says all of one. Its parts name each other by ids in it, which manifests write as names.

use super::common::{NETWORK_NAME, NETWORK_VERSION, SUBNET, flag, location, resource_group, tags};
use crate::rule::Rule;
use crate::schema::{
    Attribute, Change, Compare, Default, Form, Kind, Placement, Reference, Type, Variant, Wire, variant,
};

const SKUS: &[Variant] = &[variant("Standard", "Standard"), variant("Basic", "Basic")];

const PROTOCOLS: &[Variant] = &[variant("Tcp", "Tcp"), variant("Udp", "Udp"), variant("All", "All")];

const PROBE_PROTOCOLS: &[Variant] =
    &[variant("Tcp", "Tcp"), variant("Http", "Http"), variant("Https", "Https")];

const DISTRIBUTIONS: &[Variant] = &[
    variant("Default", "Default"),
    variant("SourceIP", "SourceIP"),
    variant("SourceIPProtocol", "SourceIPProtocol"),
];

const PUBLIC_IP: Type = Type::Reference(Reference {
    kind: "public_ip",
    resource_type: "Microsoft.Network/publicIPAddresses",
    form: Form::Id,
    may_stand: false,
});

const fn name() -> Attribute {
    Attribute::new("name", Type::String, "name", "Its name, by which others of this load balancer call it.")
        .compare(Compare::CaseInsensitive)
        .rules(&[Rule::Length(1, 80), Rule::Alphabet("-_.")])
        .required()
}

/// Another part of the same load balancer.
const fn part(
    path: &'static str,
    arm: &'static str,
    collection: &'static str,
    doc: &'static str,
) -> Attribute {
    Attribute::new(path, Type::String, arm, doc)
        .wire(Wire::Part(collection))
        .compare(Compare::CaseInsensitive)
}

const fn frontend() -> Attribute {
    part(
        "frontend",
        "properties.frontendIPConfiguration.id",
        "frontendIPConfigurations",
        "The frontend's name.",
    )
    .required()
}

const fn port(path: &'static str, arm: &'static str, doc: &'static str) -> Attribute {
    Attribute::new(path, Type::Integer, arm, doc).rules(&[Rule::Between(0, 65_535)]).required()
}

const fn idle_timeout() -> Attribute {
    Attribute::new(
        "idle_timeout_minutes",
        Type::Integer,
        "properties.idleTimeoutInMinutes",
        "How long an idle connection is kept.",
    )
    .rules(&[Rule::Between(4, 100)])
    .default(Default::Integer(4))
}

const fn protocol() -> Attribute {
    Attribute::new("protocol", Type::Enum(PROTOCOLS), "properties.protocol", "The protocol.")
        .default(Default::String("Tcp"))
}

const FRONTEND: &[Attribute] = &[
    name(),
    Attribute::new("public_ip", PUBLIC_IP, "properties.publicIPAddress.id", "Its public address.")
        .compare(Compare::ArmId),
    Attribute::new("subnet", SUBNET, "properties.subnet.id", "The subnet it has a private address in.")
        .compare(Compare::ArmId),
];

const PROBE: &[Attribute] = &[
    name(),
    Attribute::new("protocol", Type::Enum(PROBE_PROTOCOLS), "properties.protocol", "How it asks.")
        .default(Default::String("Tcp")),
    port("port", "properties.port", "The port it asks."),
    Attribute::new(
        "request_path",
        Type::String,
        "properties.requestPath",
        "The path it asks for, over HTTP.",
    )
    .compare(Compare::EmptyIsAbsent),
    Attribute::new(
        "interval_seconds",
        Type::Integer,
        "properties.intervalInSeconds",
        "How often it asks, in seconds.",
    )
    .rules(&[Rule::Between(5, 2_147_483_646)])
    .default(Default::Integer(15)),
    Attribute::new("probe_count", Type::Integer, "properties.numberOfProbes", "How many answers decide.")
        .rules(&[Rule::Between(1, 2_147_483_646)])
        .default(Default::Integer(2)),
];

const RULE: &[Attribute] = &[
    name(),
    protocol(),
    frontend(),
    port("frontend_port", "properties.frontendPort", "The port outside."),
    port("backend_port", "properties.backendPort", "The port of the machines."),
    part(
        "backend_pool",
        "properties.backendAddressPool.id",
        "backendAddressPools",
        "The backend pool's name.",
    ),
    part(
        "probe",
        "properties.probe.id",
        "probes",
        "The name of the probe that says which machines are well.",
    ),
    Attribute::new(
        "load_distribution",
        Type::Enum(DISTRIBUTIONS),
        "properties.loadDistribution",
        "Whether a client stays with one machine: `SourceIP`.",
    )
    .default(Default::String("Default")),
    idle_timeout(),
    flag("floating_ip", "properties.enableFloatingIP", false, "Whether machines see the outer address."),
    flag("tcp_reset", "properties.enableTcpReset", false, "Whether idle connections are told that they end."),
    flag(
        "disable_outbound_snat",
        "properties.disableOutboundSnat",
        false,
        "Whether machines cannot use the rule's address to go out.",
    ),
];

const NAT_POOL: &[Attribute] = &[
    name(),
    protocol(),
    frontend(),
    port("frontend_port_start", "properties.frontendPortRangeStart", "The first port outside."),
    port(
        "frontend_port_end",
        "properties.frontendPortRangeEnd",
        "The last port outside; the range covers as many machines as there can be.",
    ),
    port("backend_port", "properties.backendPort", "The port of each machine."),
    idle_timeout(),
];

/// A load balancer.
pub static KIND: Kind = Kind {
    name: "load_balancer",
    summary: "A load balancer, in front of a scale set.",
    placement: Placement::InGroup { resource_type: "Microsoft.Network/loadBalancers", api_version: NETWORK_VERSION },
    name_rules: NETWORK_NAME,
    attributes: &[
        resource_group(),
        location(),
        Attribute::new("sku", Type::Enum(SKUS), "sku.name", "That of its addresses; Azure has retired `Basic`.")
            .default(Default::String("Standard")),
        Attribute::new(
            "frontends",
            Type::List(&Type::Object(FRONTEND)),
            "properties.frontendIPConfigurations",
            "Its addresses, each public or in a subnet.",
        )
        .rules(&[Rule::Unique("name")])
        .compare(Compare::Set)
        .change(Change::Put)
        .required(),
        Attribute::new(
            "backend_pools",
            Type::List(&Type::String),
            "properties.backendAddressPools",
            "Names of its backend pools; machines join them by `${load_balancer[\"NAME\"].id}/backendAddressPools/POOL`.",
        )
        .wire(Wire::Each("name"))
        .compare(Compare::Set)
        .change(Change::Put),
        Attribute::new("probes", Type::List(&Type::Object(PROBE)), "properties.probes", "How it finds who is well.")
            .rules(&[Rule::Unique("name")])
            .compare(Compare::Set)
            .change(Change::Put),
        Attribute::new(
            "rules",
            Type::List(&Type::Object(RULE)),
            "properties.loadBalancingRules",
            "What it forwards, and where to.",
        )
        .rules(&[Rule::Unique("name")])
        .compare(Compare::Set)
        .change(Change::Put),
        Attribute::new(
            "nat_pools",
            Type::List(&Type::Object(NAT_POOL)),
            "properties.inboundNatPools",
            "Ranges of ports, one port for each machine of a scale set.",
        )
        .rules(&[Rule::Unique("name")])
        .compare(Compare::Set)
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
