//! Container registries (Microsoft.ContainerRegistry, 2023-07-01).

use super::common::{ENABLED_DISABLED, flag, location, resource_group, tags};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Computed, Default, Kind, Placement, Type, Variant, variant};

const SKUS: &[Variant] =
    &[variant("Basic", "Basic"), variant("Standard", "Standard"), variant("Premium", "Premium")];

/// A container registry. A workspace needs its admin user on (machine-learning facts §7.2).
pub static KIND: Kind = Kind {
    name: "container_registry",
    summary: "A container registry for a workspace's images.",
    placement: Placement::InGroup {
        resource_type: "Microsoft.ContainerRegistry/registries",
        api_version: "2023-07-01",
    },
    name_rules: &[Rule::Length(5, 50), Rule::Alphabet("")],
    attributes: &[
        resource_group(),
        location(),
        Attribute::new("sku", Type::Enum(SKUS), "sku.name", "The registry's tier.")
            .default(Default::String("Standard"))
            .compare(Compare::CaseInsensitive)
            .change(Change::Patch),
        flag("admin_user", "properties.adminUserEnabled", true, "The admin user, which a workspace needs.")
            .change(Change::Patch),
        Attribute::new(
            "public_network_access",
            Type::Enum(ENABLED_DISABLED),
            "properties.publicNetworkAccess",
            "Whether it can be reached from the internet.",
        )
        .initial(Default::String("Enabled"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Patch),
        tags(Change::Patch),
    ],
    computed: &[Computed::new("login_server", "properties.loginServer", "The registry's host name.")],
    constants: &[],
    read_only: &[
        "id",
        "name",
        "type",
        "systemData",
        "properties.provisioningState",
        "properties.loginServer",
        "properties.creationDate",
        "properties.status",
    ],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("its images are deleted with it"),
};
