//! Key vaults (Microsoft.KeyVault, 2023-07-01).

use super::common::{flag, location, resource_group, tags};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Computed, Default, Kind, Placement, Type, Variant, variant};

const SKUS: &[Variant] = &[variant("standard", "standard"), variant("premium", "premium")];

/// A key vault.
pub static KIND: Kind = Kind {
    name: "key_vault",
    summary: "A key vault, such as the one behind a workspace.",
    placement: Placement::InGroup { resource_type: "Microsoft.KeyVault/vaults", api_version: "2023-07-01" },
    name_rules: &[
        Rule::Length(3, 24),
        Rule::StartsWithLetter,
        Rule::Alphabet("-"),
        Rule::NotEndingIn('-'),
        Rule::NoDoubleHyphen,
    ],
    attributes: &[
        resource_group(),
        location(),
        Attribute::new(
            "sku",
            Type::Enum(SKUS),
            "properties.sku.name",
            "`standard`, or `premium` with hardware keys.",
        )
        .default(Default::String("standard"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch),
        Attribute::new(
            "tenant_id",
            Type::String,
            "properties.tenantId",
            "The Entra tenant that the vault trusts; the subscription's by default.",
        )
        .rules(&[Rule::Guid])
        .kept()
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch),
        flag(
            "rbac_authorization",
            "properties.enableRbacAuthorization",
            true,
            "Access by Azure roles instead of access policies.",
        )
        .change(Change::Patch),
        Attribute::new(
            "soft_delete_retention_days",
            Type::Integer,
            "properties.softDeleteRetentionInDays",
            "How long a deleted vault can be recovered.",
        )
        .rules(&[Rule::Between(7, 90)])
        .default(Default::Integer(90)),
        Attribute::new(
            "purge_protection",
            Type::Boolean,
            "properties.enablePurgeProtection",
            "Nobody can purge it before the retention ends; cannot be switched off again.",
        )
        .change(Change::Patch),
        tags(Change::Patch),
    ],
    computed: &[Computed::new("vault_uri", "properties.vaultUri", "The vault's address.")],
    constants: &[("properties.sku.family", "A")],
    read_only: &["id", "name", "type", "systemData", "properties.provisioningState", "properties.vaultUri"],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("its keys and secrets are deleted with it, and its name is taken until the retention ends"),
};
