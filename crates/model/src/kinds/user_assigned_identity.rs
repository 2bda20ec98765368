//! User-assigned managed identities (Microsoft.ManagedIdentity, 2023-01-31).

use super::common::{location, resource_group, tags};
use crate::rule::Rule;
use crate::schema::{Change, Computed, Kind, Placement};

/// A user-assigned managed identity.
pub static KIND: Kind = Kind {
    name: "user_assigned_identity",
    summary: "A managed identity that clusters, instances and workspaces can share.",
    placement: Placement::InGroup {
        resource_type: "Microsoft.ManagedIdentity/userAssignedIdentities",
        api_version: "2023-01-31",
    },
    name_rules: &[Rule::Length(3, 128), Rule::StartsAlphanumeric, Rule::Alphabet("-_")],
    attributes: &[resource_group(), location(), tags(Change::Patch)],
    computed: &[
        Computed::new("principal_id", "properties.principalId", "The object id of its service principal."),
        Computed::new("client_id", "properties.clientId", "Its application id."),
        Computed::new("tenant_id", "properties.tenantId", "Its Entra tenant."),
    ],
    constants: &[],
    read_only: &["id", "name", "type", "systemData", "properties"],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("its role assignments stop working, also when one of the same name is made again"),
};
