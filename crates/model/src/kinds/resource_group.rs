//! Resource groups.

use super::common::{location, tags};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Kind, Placement, Type};

/// A resource group; it may name a subscription, and what lies in it follows.
pub static KIND: Kind = Kind {
    name: "resource_group",
    summary: "An Azure resource group.",
    placement: Placement::Group { api_version: "2022-09-01" },
    name_rules: &[Rule::Length(1, 90), Rule::Alphabet("-_.()"), Rule::NotEndingIn('.')],
    attributes: &[
        location(),
        Attribute::new(
            "subscription",
            Type::String,
            "",
            "The subscription it lies in; the project's by default.",
        )
        .rules(&[Rule::Guid])
        .compare(crate::Compare::CaseInsensitive),
        Attribute::new(
            "managed_by",
            Type::String,
            "managedBy",
            "The id of the resource that manages the group.",
        )
        .rules(&[Rule::ArmId])
        .compare(crate::Compare::ArmId),
        tags(Change::Patch),
    ],
    computed: &[],
    constants: &[],
    read_only: &["id", "name", "type", "properties"],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("everything in the group is deleted with it, also what plumb does not manage"),
};
