//! Custom roles (Microsoft.Authorization, 2022-04-01).
//!
//! Azure keeps a role at its subscription, whatever scope a request names, and knows it by a GUID.

use super::common::{ANYTHING, scope};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Kind, Naming, Placement, Type};

const TEXTS: Type = Type::List(&Type::String);

const PERMISSION: &[Attribute] = &[
    Attribute::new("actions", TEXTS, "actions", "What it may do: `Microsoft.Compute/*/read`.")
        .compare(Compare::Set),
    Attribute::new("not_actions", TEXTS, "notActions", "What of that it may not do.").compare(Compare::Set),
    Attribute::new("data_actions", TEXTS, "dataActions", "What it may do with the data inside.")
        .compare(Compare::Set),
    Attribute::new("not_data_actions", TEXTS, "notDataActions", "What of that it may not do.")
        .compare(Compare::Set),
];

/// A custom role.
pub static KIND: Kind = Kind {
    name: "role_definition",
    summary: "A role of one's own: a set of things that may be done.",
    placement: Placement::OnScope {
        resource_type: "Microsoft.Authorization/roleDefinitions",
        api_version: "2022-04-01",
        naming: Naming::Guid,
    },
    name_rules: &[Rule::Length(1, 128)],
    attributes: &[
        scope().optional().rules(&[Rule::SubscriptionId]),
        Attribute::new(
            "role_name",
            Type::String,
            "properties.roleName",
            "Its name, as people see it; no two roles of a tenant share one.",
        )
        .rules(&[Rule::Length(1, 512)])
        .change(Change::Put)
        .required(),
        Attribute::new("description", Type::String, "properties.description", "What it is for.")
            .compare(Compare::EmptyIsAbsent)
            .change(Change::Put),
        Attribute::new(
            "permissions",
            Type::List(&Type::Object(PERMISSION)),
            "properties.permissions",
            "What it may do.",
        )
        .rules(&[Rule::Length(1, 100)])
        .change(Change::Put)
        .required(),
        Attribute::new(
            "assignable_scopes",
            Type::List(&ANYTHING),
            "properties.assignableScopes",
            "The subscriptions and groups in which it may be assigned.",
        )
        .rules(&[Rule::Length(1, 2000)])
        .compare(Compare::Set)
        .change(Change::Put)
        .required(),
    ],
    computed: &[],
    constants: &[("properties.type", "CustomRole")],
    read_only: &[
        "id",
        "name",
        "type",
        "properties.createdOn",
        "properties.updatedOn",
        "properties.createdBy",
        "properties.updatedBy",
    ],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: None,
};
