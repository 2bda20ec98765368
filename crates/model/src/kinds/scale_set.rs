//! Virtual machine scale sets (Microsoft.Compute, 2024-07-01; dsvm-pool facts §4).
//!
//! A PUT mixes into what stands, and so does a PATCH. A change of the model reaches the machines that run only where
//! the upgrade policy carries it there.

use super::common::{SECURITY_GROUP, SUBNET, flag, location, resource_group, tags};
use crate::rule::Rule;
use crate::schema::{
    Attribute, Change, Compare, Computed, Default, Form, Kind, Placement, Reference, Sensitivity, Type,
    Variant, Wire, variant,
};

const UPGRADES: &[Variant] =
    &[variant("Manual", "Manual"), variant("Automatic", "Automatic"), variant("Rolling", "Rolling")];

const PRIORITIES: &[Variant] =
    &[variant("Regular", "Regular"), variant("Spot", "Spot"), variant("Low", "Low")];

const EVICTIONS: &[Variant] = &[variant("Deallocate", "Deallocate"), variant("Delete", "Delete")];

const CACHING: &[Variant] =
    &[variant("None", "None"), variant("ReadOnly", "ReadOnly"), variant("ReadWrite", "ReadWrite")];

/// A part of a load balancer, by its full id.
const fn part_of_balancer(kind: &'static str, resource_type: &'static str) -> Type {
    Type::Reference(Reference { kind, resource_type, form: Form::Id, may_stand: false })
}

const POOL: Type = part_of_balancer("backend_pool", "Microsoft.Network/loadBalancers/backendAddressPools");

const NAT_POOL: Type = part_of_balancer("nat_pool", "Microsoft.Network/loadBalancers/inboundNatPools");

const PROBE: Type = part_of_balancer("probe", "Microsoft.Network/loadBalancers/probes");

const CONFIGURATION: &[Attribute] = &[
    Attribute::new("name", Type::String, "name", "Its name.").compare(Compare::CaseInsensitive).required(),
    Attribute::new("subnet", SUBNET, "properties.subnet.id", "The subnet that machines get addresses in.")
        .compare(Compare::ArmId)
        .required(),
    Attribute::new(
        "backend_pools",
        Type::List(&POOL),
        "properties.loadBalancerBackendAddressPools",
        "Backend pools that machines join: `${load_balancer[\"NAME\"].id}/backendAddressPools/POOL`.",
    )
    .wire(Wire::Each("id"))
    .compare(Compare::Set),
    Attribute::new(
        "nat_pools",
        Type::List(&NAT_POOL),
        "properties.loadBalancerInboundNatPools",
        "Ranges of ports that machines get one of: `${load_balancer[\"NAME\"].id}/inboundNatPools/POOL`.",
    )
    .wire(Wire::Each("id"))
    .compare(Compare::Set),
];

const INTERFACE: &[Attribute] = &[
    Attribute::new("name", Type::String, "name", "Its name.").compare(Compare::CaseInsensitive).required(),
    flag("primary", "properties.primary", true, "Whether it is the first of each machine."),
    flag(
        "accelerated_networking",
        "properties.enableAcceleratedNetworking",
        false,
        "Whether the host is passed by; not every size can.",
    ),
    Attribute::new(
        "network_security_group",
        SECURITY_GROUP,
        "properties.networkSecurityGroup.id",
        "Whose rules decide what may come in and go out.",
    )
    .compare(Compare::ArmId),
    Attribute::new(
        "ip_configurations",
        Type::List(&Type::Object(CONFIGURATION)),
        "properties.ipConfigurations",
        "Its addresses.",
    )
    .rules(&[Rule::Unique("name")])
    .required(),
];

const SSH_KEY: &[Attribute] = &[
    Attribute::new("path", Type::String, "path", "Where it goes: `/home/USER/.ssh/authorized_keys`.")
        .required(),
    Attribute::new("key", Type::String, "keyData", "The public key.")
        .rules(&[Rule::SshKey])
        .compare(Compare::SshKey)
        .required(),
];

/// A scale set.
pub static KIND: Kind = Kind {
    name: "scale_set",
    summary: "A scale set: virtual machines that are all alike.",
    placement: Placement::InGroup {
        resource_type: "Microsoft.Compute/virtualMachineScaleSets",
        api_version: "2024-07-01",
    },
    name_rules: &[Rule::Length(1, 64), Rule::StartsAlphanumeric, Rule::Alphabet("-_.")],
    attributes: &[
        resource_group(),
        location(),
        Attribute::new("size", Type::String, "sku.name", "The VM size.")
            .compare(Compare::CaseInsensitive)
            .change(Change::Patch)
            .required(),
        Attribute::new(
            "instances",
            Type::Integer,
            "sku.capacity",
            "How many machines to begin with, and again when this number changes; what an autoscale setting or people make of it meanwhile is left alone.",
        )
        .rules(&[Rule::Between(0, 100)])
        .default(Default::Integer(1))
        .sensitivity(Sensitivity::WriteOnly)
        .change(Change::Patch),
        Attribute::new("zones", Type::List(&Type::String), "zones", "The zones that machines live in.")
            .compare(Compare::Set),
        Attribute::new(
            "upgrade_policy",
            Type::Enum(UPGRADES),
            "properties.upgradePolicy.mode",
            "How machines that run get a new model; with `Manual` they keep the old one until somebody upgrades them.",
        )
        .default(Default::String("Manual"))
        .change(Change::Patch),
        flag(
            "overprovision",
            "properties.overprovision",
            false,
            "Whether more machines are made than asked for, and the slowest removed.",
        )
        .change(Change::Patch),
        Attribute::new(
            "priority",
            Type::Enum(PRIORITIES),
            "properties.virtualMachineProfile.priority",
            "`Spot` machines cost less and may be taken away.",
        ),
        Attribute::new(
            "eviction_policy",
            Type::Enum(EVICTIONS),
            "properties.virtualMachineProfile.evictionPolicy",
            "What becomes of a Spot machine that is taken away.",
        ),
        Attribute::new(
            "computer_name_prefix",
            Type::String,
            "properties.virtualMachineProfile.osProfile.computerNamePrefix",
            "What the names of machines begin with.",
        )
        .rules(&[Rule::Length(1, 15), Rule::Alphabet("-")])
        .required(),
        Attribute::new(
            "admin_username",
            Type::String,
            "properties.virtualMachineProfile.osProfile.adminUsername",
            "The first user.",
        )
        .rules(&[Rule::Length(1, 64)])
        .required(),
        Attribute::new(
            "admin_password",
            Type::String,
            "properties.virtualMachineProfile.osProfile.adminPassword",
            "The first user's password; a new one reaches new machines only.",
        )
        .rules(&[Rule::Length(6, 72)])
        .sensitivity(Sensitivity::Secret)
        .change(Change::Put),
        Attribute::new(
            "custom_data",
            Type::String,
            "properties.virtualMachineProfile.osProfile.customData",
            "What cloud-init is given, as plain text; it reaches new machines only.",
        )
        .wire(Wire::Base64)
        .sensitivity(Sensitivity::Secret)
        .change(Change::Put),
        Attribute::new(
            "ssh_keys",
            Type::List(&Type::Object(SSH_KEY)),
            "properties.virtualMachineProfile.osProfile.linuxConfiguration.ssh.publicKeys",
            "SSH public keys.",
        )
        .change(Change::Put),
        Attribute::new(
            "disable_password_authentication",
            Type::Boolean,
            "properties.virtualMachineProfile.osProfile.linuxConfiguration.disablePasswordAuthentication",
            "Whether passwords open nothing.",
        )
        .initial(Default::Boolean(false))
        .change(Change::Put),
        image("image.publisher", "publisher", "Who publishes the image."),
        image("image.offer", "offer", "The image's offer."),
        image("image.sku", "sku", "The image's SKU.").change(Change::Put),
        image("image.version", "version", "The image's version, or `latest`.").change(Change::Put),
        image("image.id", "id", "An image of one's own, by ARM id, instead of the other four.")
            .compare(Compare::ArmId)
            .change(Change::Put),
        Attribute::new("plan.name", Type::String, "plan.name", "The marketplace plan of the image, if it has one.")
            .required_with_group(),
        Attribute::new("plan.publisher", Type::String, "plan.publisher", "Who sells it.").required_with_group(),
        Attribute::new("plan.product", Type::String, "plan.product", "The product.").required_with_group(),
        Attribute::new(
            "os_disk.caching",
            Type::Enum(CACHING),
            "properties.virtualMachineProfile.storageProfile.osDisk.caching",
            "How the system disk is cached.",
        )
        .initial(Default::String("ReadWrite"))
        .change(Change::Put),
        Attribute::new(
            "os_disk.size_gb",
            Type::Integer,
            "properties.virtualMachineProfile.storageProfile.osDisk.diskSizeGB",
            "How large the system disk is; the image's own size without it.",
        )
        .rules(&[Rule::Between(30, 4095)])
        .kept()
        .change(Change::Put),
        Attribute::new(
            "os_disk.type",
            Type::String,
            "properties.virtualMachineProfile.storageProfile.osDisk.managedDisk.storageAccountType",
            "The kind of disk, `Premium_LRS`; what suits the size without it.",
        )
        .compare(Compare::CaseInsensitive)
        .kept(),
        Attribute::new(
            "network_interfaces",
            Type::List(&Type::Object(INTERFACE)),
            "properties.virtualMachineProfile.networkProfile.networkInterfaceConfigurations",
            "How each machine is connected.",
        )
        .rules(&[Rule::Length(1, 8), Rule::Unique("name")])
        .change(Change::Put)
        .required(),
        Attribute::new(
            "health_probe",
            PROBE,
            "properties.virtualMachineProfile.networkProfile.healthProbe.id",
            "The probe that says which machines are well: `${load_balancer[\"NAME\"].id}/probes/PROBE`.",
        )
        .compare(Compare::ArmId),
        tags(Change::Patch),
    ],
    computed: &[Computed::new("capacity", "sku.capacity", "How many machines it has, or is to have.")],
    constants: &[
        ("properties.orchestrationMode", "Uniform"),
        ("properties.virtualMachineProfile.storageProfile.osDisk.createOption", "FromImage"),
    ],
    read_only: &[
        "id",
        "name",
        "type",
        "etag",
        "properties.provisioningState",
        "properties.uniqueId",
        "properties.timeCreated",
        "properties.virtualMachineProfile.timeCreated",
        "properties.virtualMachineProfile.extensionProfile",
    ],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("its machines and their disks are deleted with it"),
};

/// A part of the image's name.
const fn image(path: &'static str, key: &'static str, doc: &'static str) -> Attribute {
    let arm = match key.as_bytes() {
        b"publisher" => "properties.virtualMachineProfile.storageProfile.imageReference.publisher",
        b"offer" => "properties.virtualMachineProfile.storageProfile.imageReference.offer",
        b"sku" => "properties.virtualMachineProfile.storageProfile.imageReference.sku",
        b"version" => "properties.virtualMachineProfile.storageProfile.imageReference.version",
        _ => "properties.virtualMachineProfile.storageProfile.imageReference.id",
    };
    Attribute::new(path, Type::String, arm, doc)
}
