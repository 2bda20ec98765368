//! Storage accounts, as far as a workspace needs them (Microsoft.Storage, 2023-05-01).

use super::common::{ALLOW_DENY, ENABLED_DISABLED, IP_RULE, SUBNET, flag, location, resource_group, tags};
use crate::rule::Rule;
use crate::schema::{
    Attribute, Change, Compare, Computed, Default, Kind, Listed, Placement, Type, Variant, Wire, variant,
};

const SKUS: &[Variant] = &[
    variant("Standard_LRS", "Standard_LRS"),
    variant("Standard_GRS", "Standard_GRS"),
    variant("Standard_RAGRS", "Standard_RAGRS"),
    variant("Standard_ZRS", "Standard_ZRS"),
    variant("Standard_GZRS", "Standard_GZRS"),
    variant("Standard_RAGZRS", "Standard_RAGZRS"),
];

const KINDS: &[Variant] = &[
    variant("StorageV2", "StorageV2"),
    variant("Storage", "Storage"),
    variant("BlobStorage", "BlobStorage"),
];

const TIERS: &[Variant] = &[variant("Hot", "Hot"), variant("Cool", "Cool")];

const TLS: &[Variant] = &[variant("TLS1_2", "TLS1_2"), variant("TLS1_3", "TLS1_3")];

/// Azure writes several in a list, in this order.
const BYPASS: &[Variant] = &[
    variant("AzureServices", "AzureServices"),
    variant("Logging", "Logging"),
    variant("Metrics", "Metrics"),
    variant("Logging, Metrics", "Logging, Metrics"),
    variant("Logging, AzureServices", "Logging, AzureServices"),
    variant("Metrics, AzureServices", "Metrics, AzureServices"),
    variant("Logging, Metrics, AzureServices", "Logging, Metrics, AzureServices"),
    variant("None", "None"),
];

/// A storage account. Premium accounts are left out: a workspace cannot use one (machine-learning facts §7.2).
pub static KIND: Kind = Kind {
    name: "storage_account",
    summary: "A storage account, such as the one behind a workspace.",
    placement: Placement::InGroup {
        resource_type: "Microsoft.Storage/storageAccounts",
        api_version: "2023-05-01",
    },
    name_rules: &[Rule::Length(3, 24), Rule::LowerAlphanumeric],
    attributes: &[
        resource_group(),
        location(),
        Attribute::new("sku", Type::Enum(SKUS), "sku.name", "Redundancy.")
            .default(Default::String("Standard_LRS"))
            .compare(Compare::CaseInsensitive)
            .change(Change::Patch),
        Attribute::new("account_kind", Type::Enum(KINDS), "kind", "The kind of account.")
            .default(Default::String("StorageV2"))
            .compare(Compare::CaseInsensitive),
        Attribute::new("access_tier", Type::Enum(TIERS), "properties.accessTier", "The tier of blobs.")
            .initial(Default::String("Hot"))
            .compare(Compare::CaseInsensitive)
            .change(Change::Patch),
        Attribute::new(
            "minimum_tls_version",
            Type::Enum(TLS),
            "properties.minimumTlsVersion",
            "The oldest TLS that clients may use.",
        )
        .default(Default::String("TLS1_2"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch),
        flag("https_only", "properties.supportsHttpsTrafficOnly", true, "Refuse plain HTTP.")
            .change(Change::Patch),
        flag(
            "allow_blob_public_access",
            "properties.allowBlobPublicAccess",
            false,
            "Whether containers may be made public.",
        )
        .change(Change::Patch),
        flag(
            "allow_shared_key_access",
            "properties.allowSharedKeyAccess",
            true,
            "Whether account keys may be used.",
        )
        .change(Change::Patch),
        Attribute::new(
            "public_network_access",
            Type::Enum(ENABLED_DISABLED),
            "properties.publicNetworkAccess",
            "Whether it is reached from the public internet, as far as `network_acls` lets.",
        )
        .initial(Default::String("Enabled"))
        .compare(Compare::CaseInsensitive)
        .sometimes_answered()
        .change(Change::Patch),
        Attribute::new(
            "network_acls.default_action",
            Type::Enum(ALLOW_DENY),
            "properties.networkAcls.defaultAction",
            "What happens to requests that no rule names.",
        )
        .initial(Default::String("allow"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch)
        .required_with_group(),
        Attribute::new(
            "network_acls.bypass",
            Type::Enum(BYPASS),
            "properties.networkAcls.bypass",
            "Which of Azure's own traffic passes by the rules.",
        )
        .initial(Default::String("AzureServices"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch),
        Attribute::new(
            "network_acls.ip_rules",
            Type::List(&Type::Object(IP_RULE)),
            "properties.networkAcls.ipRules",
            "Addresses that may reach it.",
        )
        .compare(Compare::Set)
        .change(Change::Patch),
        Attribute::new(
            "network_acls.virtual_network_rules",
            Type::List(&SUBNET),
            "properties.networkAcls.virtualNetworkRules",
            "Subnets that may reach it; each needs the service endpoint `Microsoft.Storage`.",
        )
        .wire(Wire::Each("id"))
        .compare(Compare::Set)
        .change(Change::Patch),
        Attribute::new(
            "large_file_shares",
            Type::Boolean,
            "properties.largeFileSharesState",
            "Whether file shares may grow to 100 TiB; nobody can switch it off again.",
        )
        .wire(Wire::Enabled)
        .sometimes_answered()
        .kept()
        .change(Change::Patch),
        Attribute::new(
            "hierarchical_namespace",
            Type::Boolean,
            "properties.isHnsEnabled",
            "Data Lake Storage Gen2; a workspace's own account must not have it.",
        ),
        tags(Change::Patch),
    ],
    computed: &[
        Computed::new("blob_endpoint", "properties.primaryEndpoints.blob", "The blob service's address."),
        Computed::new("file_endpoint", "properties.primaryEndpoints.file", "The file service's address."),
        Computed::secret(
            "key",
            Listed { action: "listKeys", pointer: "/keys/0/value", moves_with: "key_created" },
            "The first access key: a secret, read only by the apply that sends it on.",
        ),
        Computed::new(
            "key_created",
            "properties.keyCreationTime.key1",
            "When the first access key was made, or last made anew.",
        ),
    ],
    constants: &[],
    read_only: &[
        "id",
        "name",
        "type",
        "properties.provisioningState",
        "properties.creationTime",
        "properties.keyCreationTime",
        "properties.primaryEndpoints",
        "properties.primaryLocation",
        "properties.statusOfPrimary",
    ],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("its blobs and file shares, notebooks among them, are deleted with it"),
};
