//! Locks on resources, groups and subscriptions (Microsoft.Authorization, 2020-05-01).

use super::common::scope;
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Kind, Naming, Placement, Type, Variant, variant};

const LEVELS: &[Variant] = &[variant("CanNotDelete", "CanNotDelete"), variant("ReadOnly", "ReadOnly")];

/// A lock.
pub static KIND: Kind = Kind {
    name: "lock",
    summary: "A lock that keeps what it lies on from being deleted or changed.",
    placement: Placement::OnScope {
        resource_type: "Microsoft.Authorization/locks",
        api_version: "2020-05-01",
        naming: Naming::Own,
    },
    name_rules: &[Rule::Length(1, 90), Rule::Alphabet("-_.()"), Rule::NotEndingIn('.')],
    attributes: &[
        scope(),
        Attribute::new(
            "level",
            Type::Enum(LEVELS),
            "properties.level",
            "What it forbids; under either, clusters of a locked group neither grow nor shrink.",
        )
        .change(Change::Put)
        .required(),
        Attribute::new("notes", Type::String, "properties.notes", "Why it is there.")
            .rules(&[Rule::Length(0, 512)])
            .compare(Compare::EmptyIsAbsent)
            .change(Change::Put),
    ],
    computed: &[],
    constants: &[],
    read_only: &["id", "name", "type", "systemData"],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: None,
};
