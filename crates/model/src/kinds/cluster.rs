//! Compute clusters: `AmlCompute` (machine-learning facts §3.3, az ml facts §2).
//!
//! Scale goes by PATCH, which takes nothing else; tags and identity by GET-change-PUT; whatever else
//! differs needs a new cluster.

use super::common::{LOCATION, ML_VERSION, identity_list, identity_type, tags};
use crate::check::Check;
use crate::rule::Rule;
use crate::schema::{
    Attribute, Change, Compare, Computed, Default, Form, Kind, Placement, Reference, Sensitivity, Type, Unit,
    Variant, Wire, variant,
};

/// The workspace that a compute lies in.
pub const WORKSPACE: Type = Type::Reference(Reference {
    kind: "workspace",
    resource_type: "Microsoft.MachineLearningServices/workspaces",
    form: Form::Name,
    may_stand: false,
});

/// What a new compute may be called. The sources contradict each other for clusters; this is the rule
/// that all of them accept (machine-learning facts §4.1).
pub const COMPUTE_NAME: &[Rule] = &[
    Rule::Length(3, 24),
    Rule::StartsWithLetter,
    Rule::Alphabet("-"),
    Rule::NotEndingIn('-'),
    Rule::NoNumberedTail,
];

const TIERS: &[Variant] = &[variant("dedicated", "Dedicated"), variant("low_priority", "LowPriority")];

const SYSTEMS: &[Variant] = &[variant("linux", "Linux"), variant("windows", "Windows")];

/// A compute cluster.
pub static KIND: Kind = Kind {
    name: "cluster",
    summary: "An autoscaling compute cluster of a workspace (AmlCompute).",
    placement: Placement::InParent {
        parent: "workspace",
        collection: "computes",
        api_version: ML_VERSION,
        discriminator: Some(("properties.computeType", "AmlCompute")),
    },
    name_rules: COMPUTE_NAME,
    attributes: &[
        Attribute::new("workspace", WORKSPACE, "", "The workspace it lies in.")
            .compare(Compare::CaseInsensitive)
            .required(),
        Attribute::new(
            "location",
            Type::String,
            "properties.computeLocation",
            "The region of the nodes; the workspace's by default. Another one is a preview feature.",
        )
        .compare(Compare::Location)
        .rules(LOCATION)
        .default(Default::Parent),
        Attribute::new("description", Type::String, "properties.description", "A description.")
            .compare(Compare::EmptyIsAbsent),
        Attribute::new("size", Type::String, "properties.properties.vmSize", "The VM size of the nodes.")
            .default(Default::String("STANDARD_DS3_V2"))
            .compare(Compare::CaseInsensitive)
            .rules(&[Rule::Length(2, 64), Rule::StartsWithLetter, Rule::Alphabet("_-")]),
        Attribute::new(
            "tier",
            Type::Enum(TIERS),
            "properties.properties.vmPriority",
            "Dedicated or low-priority nodes.",
        )
        .default(Default::String("dedicated"))
        .compare(Compare::CaseInsensitive),
        Attribute::new(
            "min_instances",
            Type::Integer,
            "properties.properties.scaleSettings.minNodeCount",
            "The number of nodes it never goes below.",
        )
        .default(Default::Integer(0))
        .rules(&[Rule::Between(0, 65_000)])
        .change(Change::Patch),
        Attribute::new(
            "max_instances",
            Type::Integer,
            "properties.properties.scaleSettings.maxNodeCount",
            "The number of nodes it never goes above.",
        )
        .default(Default::Integer(4))
        .rules(&[Rule::Between(0, 65_000)])
        .change(Change::Patch),
        Attribute::new(
            "idle_time_before_scale_down",
            Type::Duration(Unit::Seconds),
            "properties.properties.scaleSettings.nodeIdleTimeBeforeScaleDown",
            "How long a node may idle before it is let go: seconds, `2m` or `PT2M`.",
        )
        .wire(Wire::Iso8601)
        .default(Default::Integer(120))
        .rules(&[Rule::Between(1, 2_592_000)])
        .change(Change::Patch),
        Attribute::new(
            "ssh_public_access_enabled",
            Type::Boolean,
            "properties.properties.remoteLoginPortPublicAccess",
            "Whether the SSH port is open to the internet; Azure decides by the network when not given.",
        )
        .wire(Wire::Enabled),
        Attribute::new(
            "ssh_settings.admin_username",
            Type::String,
            "properties.properties.userAccountCredentials.adminUserName",
            "The administrator's name on each node.",
        )
        .rules(&[Rule::Length(1, 32), Rule::Alphabet("-_")])
        .required_with_group(),
        Attribute::new(
            "ssh_settings.admin_password",
            Type::String,
            "properties.properties.userAccountCredentials.adminUserPassword",
            "The administrator's password.",
        )
        .sensitivity(Sensitivity::Secret),
        Attribute::new(
            "ssh_settings.ssh_key_value",
            Type::String,
            "properties.properties.userAccountCredentials.adminUserSshPublicKey",
            "The administrator's SSH public key.",
        )
        .compare(Compare::SshKey)
        .rules(&[Rule::SshKey]),
        Attribute::new(
            "network_settings.vnet_name",
            Type::String,
            "",
            "The virtual network, in the workspace's resource group, that `subnet` is part of.",
        ),
        Attribute::new(
            "network_settings.subnet",
            Type::String,
            "properties.properties.subnet.id",
            "The subnet of the nodes: its name, with `vnet_name`, or its ARM id.",
        )
        .compare(Compare::ArmId)
        .rules(&[Rule::ArmId]),
        identity_type(Change::Put),
        identity_list(Change::Put),
        Attribute::new(
            "enable_node_public_ip",
            Type::Boolean,
            "properties.properties.enableNodePublicIp",
            "Whether nodes get public addresses.",
        )
        .default(Default::Boolean(true)),
        Attribute::new(
            "disable_local_auth",
            Type::Boolean,
            "properties.disableLocalAuth",
            "Whether logging in by SSH is off; true unless `ssh_settings` is given.",
        )
        .default(Default::TrueUnless("ssh_settings")),
        Attribute::new(
            "isolated_network",
            Type::Boolean,
            "properties.properties.isolatedNetwork",
            "Whether the network is isolated.",
        ),
        Attribute::new(
            "os_type",
            Type::Enum(SYSTEMS),
            "properties.properties.osType",
            "The operating system.",
        )
        .default(Default::String("linux"))
        .compare(Compare::CaseInsensitive),
        Attribute::new(
            "virtual_machine_image",
            Type::String,
            "properties.properties.virtualMachineImage.id",
            "The image of Windows nodes, by ARM id.",
        )
        .rules(&[Rule::ArmId])
        .compare(Compare::ArmId),
        tags(Change::Put),
    ],
    computed: &[
        Computed::new(
            "principal_id",
            "identity.principalId",
            "The object id of its system-assigned identity.",
        ),
        Computed::new(
            "current_node_count",
            "properties.properties.currentNodeCount",
            "How many nodes it has now.",
        ),
    ],
    constants: &[("properties.computeType", "AmlCompute")],
    read_only: READ_ONLY,
    checks: &[
        Check::AtMost("min_instances", "max_instances"),
        Check::NeedsOneOf("enable_node_public_ip", false, &["network_settings.subnet"]),
        Check::Needs("network_settings.vnet_name", "network_settings.subnet"),
        Check::OtherLocation(
            "a cluster in another region is a preview feature; traffic between the two costs money and time",
        ),
    ],
    dropped: &["type", "resource_id", "created_on", "provisioning_state", "provisioning_errors"],
    aliases: &[],
    loses: None,
};

/// What the service writes by itself (machine-learning facts §3.1, §3.3), and the credentials, whose password
/// comes back as null and must not be sent so.
const READ_ONLY: &[&str] = &[
    "id",
    "name",
    "type",
    "systemData",
    "identity.principalId",
    "identity.tenantId",
    "properties.provisioningState",
    "properties.provisioningErrors",
    "properties.provisioningWarnings",
    "properties.createdOn",
    "properties.modifiedOn",
    "properties.isAttachedCompute",
    "properties.resourceId",
    "properties.properties.allocationState",
    "properties.properties.allocationStateTransitionTime",
    "properties.properties.currentNodeCount",
    "properties.properties.targetNodeCount",
    "properties.properties.nodeStateCounts",
    "properties.properties.errors",
    "properties.properties.enableBatchPrivateLink",
    "properties.properties.userAccountCredentials",
];
