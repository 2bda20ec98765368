//! Role assignments (Microsoft.Authorization, 2022-04-01): nothing of one can change, so a change replaces it.

use super::common::scope;
use crate::rule::Rule;
use crate::schema::{Attribute, Compare, Form, Kind, Naming, Placement, Reference, Type, Variant, variant};

const ROLE: Type = Type::Reference(Reference {
    kind: "role_definition",
    resource_type: "Microsoft.Authorization/roleDefinitions",
    form: Form::Id,
    may_stand: false,
});

const PRINCIPALS: &[Variant] = &[
    variant("User", "User"),
    variant("Group", "Group"),
    variant("ServicePrincipal", "ServicePrincipal"),
    variant("ForeignGroup", "ForeignGroup"),
    variant("Device", "Device"),
];

/// A role assignment.
pub static KIND: Kind = Kind {
    name: "role_assignment",
    summary: "A role that somebody has on a resource, a group or a subscription.",
    placement: Placement::OnScope {
        resource_type: "Microsoft.Authorization/roleAssignments",
        api_version: "2022-04-01",
        naming: Naming::Guid,
    },
    name_rules: &[Rule::Length(1, 128)],
    attributes: &[
        scope(),
        Attribute::new(
            "role_definition",
            ROLE,
            "properties.roleDefinitionId",
            "The role: a document's name, or `/subscriptions/SUBSCRIPTION/providers/Microsoft.Authorization/roleDefinitions/GUID`.",
        )
        .compare(Compare::ArmId)
        .required(),
        Attribute::new(
            "principal_id",
            Type::String,
            "properties.principalId",
            "Who has it, by object id: `${user_assigned_identity[\"NAME\"].principal_id}`.",
        )
        .compare(Compare::CaseInsensitive)
        .rules(&[Rule::Guid])
        .required(),
        Attribute::new(
            "principal_type",
            Type::Enum(PRINCIPALS),
            "properties.principalType",
            "What they are; needed for an identity that was made a moment ago, which the directory may not know yet.",
        ),
        Attribute::new("description", Type::String, "properties.description", "Why they have it.")
            .compare(Compare::EmptyIsAbsent),
        Attribute::new("condition", Type::String, "properties.condition", "Under which condition they have it.")
            .compare(Compare::EmptyIsAbsent),
        Attribute::new(
            "condition_version",
            Type::String,
            "properties.conditionVersion",
            "The version of the condition's language, `2.0`.",
        )
        .compare(Compare::EmptyIsAbsent),
    ],
    computed: &[],
    constants: &[],
    read_only: &["id", "name", "type", "properties.scope"],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: None,
};
