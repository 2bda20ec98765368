//! Machine-learning workspaces (machine-learning facts §7, az ml facts §8).
//!
//! What the PATCH body of facts §7.3 has goes by PATCH; the rest is fixed at creation.

use super::common::{
    ALLOW_DENY, ENABLED_DISABLED, IP_RULE, ML_VERSION, flag, identity_list, identity_type, location,
    resource_group, tags,
};
use crate::check::Check;
use crate::rule::Rule;
use crate::schema::{
    Attribute, Change, Compare, Computed, Default, Form, Kind, Placement, Reference, Type, Variant, variant,
};

const fn by_id(kind: &'static str, resource_type: &'static str) -> Type {
    Type::Reference(Reference { kind, resource_type, form: Form::Id, may_stand: false })
}

const COMPUTE: Type = Type::Reference(Reference {
    kind: "cluster",
    resource_type: "Microsoft.MachineLearningServices/workspaces/computes",
    form: Form::Name,
    may_stand: true,
});

const KINDS: &[Variant] = &[
    variant("default", "Default"),
    variant("hub", "Hub"),
    variant("project", "Project"),
    variant("feature_store", "FeatureStore"),
];

const DATASTORE_AUTH: &[Variant] = &[
    variant("access_key", "AccessKey"),
    variant("identity", "Identity"),
    variant("user_delegation_sas", "UserDelegationSAS"),
];

const ISOLATION: &[Variant] = &[
    variant("disabled", "Disabled"),
    variant("allow_internet_outbound", "AllowInternetOutbound"),
    variant("allow_only_approved_outbound", "AllowOnlyApprovedOutbound"),
];

const FIREWALLS: &[Variant] = &[variant("standard", "Standard"), variant("basic", "Basic")];

/// A workspace.
pub static KIND: Kind = Kind {
    name: "workspace",
    summary: "An Azure Machine Learning workspace.",
    placement: Placement::InGroup {
        resource_type: "Microsoft.MachineLearningServices/workspaces",
        api_version: ML_VERSION,
    },
    name_rules: &[Rule::Length(3, 33), Rule::StartsAlphanumeric, Rule::Alphabet("-_")],
    attributes: &[
        resource_group(),
        location(),
        Attribute::new("workspace_kind", Type::Enum(KINDS), "kind", "What kind of workspace it is.")
            .default(Default::String("default"))
            .compare(Compare::CaseInsensitive),
        Attribute::new("display_name", Type::String, "properties.friendlyName", "The name people see.")
            .compare(Compare::EmptyIsAbsent)
            .change(Change::Patch),
        Attribute::new("description", Type::String, "properties.description", "A description.")
            .compare(Compare::EmptyIsAbsent)
            .change(Change::Patch),
        Attribute::new(
            "storage_account",
            by_id("storage_account", "Microsoft.Storage/storageAccounts"),
            "properties.storageAccount",
            "Its storage account; one of its own when not given. Cannot be changed later.",
        )
        .compare(Compare::ArmId),
        Attribute::new(
            "key_vault",
            by_id("key_vault", "Microsoft.KeyVault/vaults"),
            "properties.keyVault",
            "Its key vault; one of its own when not given. Cannot be changed later.",
        )
        .compare(Compare::ArmId),
        Attribute::new(
            "application_insights",
            by_id("application_insights", "Microsoft.Insights/components"),
            "properties.applicationInsights",
            "Its Application Insights component; one of its own when not given.",
        )
        .compare(Compare::ArmId)
        .change(Change::Patch),
        Attribute::new(
            "container_registry",
            by_id("container_registry", "Microsoft.ContainerRegistry/registries"),
            "properties.containerRegistry",
            "Its container registry; Azure makes one when first needed.",
        )
        .compare(Compare::ArmId)
        .change(Change::Patch),
        identity_type(Change::Patch).optional().default(Default::String("system_assigned")),
        identity_list(Change::Patch),
        Attribute::new(
            "primary_user_assigned_identity",
            super::common::IDENTITY,
            "properties.primaryUserAssignedIdentity",
            "The user-assigned identity it acts as.",
        )
        .compare(Compare::ArmId)
        .change(Change::Patch),
        Attribute::new(
            "image_build_compute",
            COMPUTE,
            "properties.imageBuildCompute",
            "The cluster that builds images, by name.",
        )
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch),
        Attribute::new(
            "public_network_access",
            Type::Enum(ENABLED_DISABLED),
            "properties.publicNetworkAccess",
            "Whether it can be reached from the internet.",
        )
        .default(Default::String("Enabled"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch),
        flag(
            "hbi_workspace",
            "properties.hbiWorkspace",
            false,
            "High business impact: less telemetry, more encryption.",
        ),
        flag("v1_legacy_mode", "properties.v1LegacyMode", false, "Only the old v1 API.")
            .change(Change::Patch),
        Attribute::new(
            "allow_public_access_when_behind_vnet",
            Type::Boolean,
            "properties.allowPublicAccessWhenBehindVnet",
            "Public access although it is behind a virtual network.",
        ),
        Attribute::new(
            "enable_data_isolation",
            Type::Boolean,
            "properties.enableDataIsolation",
            "Whether data are isolated.",
        )
        .initial(Default::Boolean(false))
        .change(Change::Patch),
        Attribute::new(
            "enable_service_side_cmk_encryption",
            Type::Boolean,
            "properties.enableServiceSideCMKEncryption",
            "Customer-managed keys on the service's side.",
        ),
        Attribute::new(
            "allow_roleassignment_on_rg",
            Type::Boolean,
            "properties.allowRoleAssignmentOnRG",
            "Whether the workspace may be given roles on its group. A preview feature.",
        ),
        Attribute::new(
            "provision_network_now",
            Type::Boolean,
            "properties.provisionNetworkNow",
            "Build the managed network at once instead of at first use.",
        )
        .sensitivity(crate::Sensitivity::WriteOnly),
        Attribute::new(
            "system_datastores_auth_mode",
            Type::Enum(DATASTORE_AUTH),
            "properties.systemDatastoresAuthMode",
            "How the workspace's own datastores are reached.",
        )
        .initial(Default::String("access_key"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch),
        Attribute::new(
            "workspace_hub",
            by_id("workspace", "Microsoft.MachineLearningServices/workspaces"),
            "properties.hubResourceId",
            "The hub that a project belongs to.",
        )
        .compare(Compare::ArmId),
        Attribute::new(
            "customer_managed_key.key_vault",
            by_id("key_vault", "Microsoft.KeyVault/vaults"),
            "properties.encryption.keyVaultProperties.keyVaultArmId",
            "The vault of the workspace's own key.",
        )
        .compare(Compare::ArmId)
        .required_with_group(),
        Attribute::new(
            "customer_managed_key.key_uri",
            Type::String,
            "properties.encryption.keyVaultProperties.keyIdentifier",
            "The key's address; the one part of it that can change later.",
        )
        .change(Change::Patch)
        .required_with_group(),
        Attribute::new(
            "customer_managed_key.cosmosdb_id",
            Type::String,
            "properties.encryption.cosmosDbResourceId",
            "A Cosmos DB account of your own for the encrypted data.",
        )
        .rules(&[Rule::ArmId])
        .compare(Compare::ArmId),
        Attribute::new(
            "customer_managed_key.storage_id",
            Type::String,
            "properties.encryption.storageAccountResourceId",
            "A storage account of your own for the encrypted data.",
        )
        .rules(&[Rule::ArmId])
        .compare(Compare::ArmId),
        Attribute::new(
            "customer_managed_key.search_id",
            Type::String,
            "properties.encryption.searchAccountResourceId",
            "A search service of your own for the encrypted data.",
        )
        .rules(&[Rule::ArmId])
        .compare(Compare::ArmId),
        Attribute::new(
            "managed_network.isolation_mode",
            Type::Enum(ISOLATION),
            "properties.managedNetwork.isolationMode",
            "How far its managed network is closed.",
        )
        .initial(Default::String("disabled"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch)
        .required_with_group(),
        Attribute::new(
            "managed_network.firewall_sku",
            Type::Enum(FIREWALLS),
            "properties.managedNetwork.firewallSku",
            "The firewall's tier.",
        )
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch),
        Attribute::new(
            "network_acls.default_action",
            Type::Enum(ALLOW_DENY),
            "properties.networkAcls.defaultAction",
            "What happens to requests from addresses that no rule names. A preview feature.",
        )
        .compare(Compare::CaseInsensitive)
        .change(Change::Put)
        .required_with_group(),
        Attribute::new(
            "network_acls.ip_rules",
            Type::List(&Type::Object(IP_RULE)),
            "properties.networkAcls.ipRules",
            "Addresses that may reach it. A preview feature.",
        )
        .compare(Compare::Set)
        .change(Change::Put),
        Attribute::new(
            "serverless_compute.custom_subnet",
            Type::String,
            "properties.serverlessComputeSettings.serverlessComputeCustomSubnet",
            "The subnet of serverless compute, by ARM id.",
        )
        .rules(&[Rule::ArmId])
        .compare(Compare::ArmId)
        .change(Change::Patch),
        Attribute::new(
            "serverless_compute.no_public_ip",
            Type::Boolean,
            "properties.serverlessComputeSettings.serverlessComputeNoPublicIP",
            "Whether serverless compute has no public address.",
        )
        .change(Change::Patch),
        Attribute::new(
            "purge_on_delete",
            Type::Boolean,
            "",
            "Purge it when it is deleted. Otherwise Azure keeps it soft-deleted for a while, which blocks its name.",
        )
        .default(Default::Boolean(false))
        .change(Change::Local),
        tags(Change::Patch),
    ],
    computed: &[
        Computed::new(
            "principal_id",
            "identity.principalId",
            "The object id of its system-assigned identity.",
        ),
        Computed::new("workspace_id", "properties.workspaceId", "Its immutable id."),
        Computed::new("tenant_id", "properties.tenantId", "Its Entra tenant."),
        Computed::new("discovery_url", "properties.discoveryUrl", "Where its services are found."),
        Computed::new("mlflow_tracking_uri", "properties.mlFlowTrackingUri", "Its MLflow tracking address."),
    ],
    constants: &[("sku.name", "Basic"), ("sku.tier", "Basic")],
    read_only: &["id", "name", "type", "systemData", "etag", "identity.principalId", "identity.tenantId"],
    checks: &[
        Check::Needs("primary_user_assigned_identity", "identity.user_assigned_identities"),
        Check::Needs("workspace_hub", "workspace_kind"),
    ],
    dropped: &["mlflow_tracking_uri", "discovery_url", "type"],
    aliases: &[],
    loses: Some("its jobs, models, endpoints and history are lost"),
};
