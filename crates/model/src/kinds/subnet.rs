//! Subnets (Microsoft.Network, 2024-05-01; dsvm-pool facts §5).

use super::common::{NETWORK_NAME, NETWORK_VERSION, SECURITY_GROUP};
use crate::schema::{
    Attribute, Change, Compare, Default, Form, Kind, Placement, Reference, Type, Variant, Wire, variant,
};

/// The network that a subnet lies in.
const NETWORK: Type = Type::Reference(Reference {
    kind: "virtual_network",
    resource_type: "Microsoft.Network/virtualNetworks",
    form: Form::Name,
    may_stand: false,
});

const POLICIES: &[Variant] = &[
    variant("Disabled", "Disabled"),
    variant("Enabled", "Enabled"),
    variant("NetworkSecurityGroupEnabled", "NetworkSecurityGroupEnabled"),
    variant("RouteTableEnabled", "RouteTableEnabled"),
];

/// A subnet.
pub static KIND: Kind = Kind {
    name: "subnet",
    summary: "A subnet of a virtual network.",
    placement: Placement::InParent {
        parent: "virtual_network",
        collection: "subnets",
        api_version: NETWORK_VERSION,
        discriminator: None,
    },
    name_rules: NETWORK_NAME,
    attributes: &[
        Attribute::new("virtual_network", NETWORK, "", "The network it lies in.")
            .compare(Compare::CaseInsensitive)
            .required(),
        Attribute::new(
            "address_prefix",
            Type::String,
            "properties.addressPrefix",
            "The range of its addresses, `10.0.0.0/24`, inside the network's; it cannot change while it is used.",
        )
        .change(Change::Put)
        .required(),
        Attribute::new(
            "network_security_group",
            SECURITY_GROUP,
            "properties.networkSecurityGroup.id",
            "Whose rules decide what may come in and go out.",
        )
        .compare(Compare::ArmId)
        .change(Change::Put),
        Attribute::new(
            "service_endpoints",
            Type::List(&Type::String),
            "properties.serviceEndpoints",
            "Services that are reached without leaving Azure's network, `Microsoft.Storage`.",
        )
        .wire(Wire::Each("service"))
        .compare(Compare::Set)
        .change(Change::Put),
        Attribute::new(
            "private_endpoint_network_policies",
            Type::Enum(POLICIES),
            "properties.privateEndpointNetworkPolicies",
            "Which policies private endpoints in it obey.",
        )
        .initial(Default::String("Disabled"))
        .change(Change::Put),
    ],
    computed: &[],
    constants: &[],
    read_only: &[
        "id",
        "name",
        "type",
        "etag",
        "properties.provisioningState",
        "properties.ipConfigurations",
        "properties.privateEndpoints",
    ],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: None,
};
