//! Extensions of scale sets (Microsoft.Compute, 2024-07-01; dsvm-pool facts §4): what runs on each machine.
//!
//! A resource of its own, so that extensions which a policy adds to the set are nobody's business here.

use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Form, Kind, Placement, Reference, Sensitivity, Type, Wire};

use super::common::flag;

/// The set that an extension lies in.
const SET: Type = Type::Reference(Reference {
    kind: "scale_set",
    resource_type: "Microsoft.Compute/virtualMachineScaleSets",
    form: Form::Name,
    may_stand: false,
});

const SETTINGS: Type = Type::Map(&Type::Anything);

/// An extension of a scale set.
pub static KIND: Kind = Kind {
    name: "scale_set_extension",
    summary: "An extension of a scale set: a script, or an agent, on each of its machines.",
    placement: Placement::InParent {
        parent: "scale_set",
        collection: "extensions",
        api_version: "2024-07-01",
        discriminator: None,
    },
    name_rules: &[Rule::Length(1, 80), Rule::Alphabet("-_.")],
    attributes: &[
        Attribute::new("scale_set", SET, "", "The scale set it lies in.")
            .compare(Compare::CaseInsensitive)
            .required(),
        Attribute::new(
            "publisher",
            Type::String,
            "properties.publisher",
            "Who publishes it: `Microsoft.Azure.Extensions`.",
        )
        .compare(Compare::CaseInsensitive)
        .required(),
        Attribute::new("type", Type::String, "properties.type", "What it is: `CustomScript`.")
            .compare(Compare::CaseInsensitive)
            .required(),
        Attribute::new("version", Type::String, "properties.typeHandlerVersion", "Its version: `\"2.1\"`.")
            .change(Change::Put)
            .required(),
        flag(
            "auto_upgrade_minor_version",
            "properties.autoUpgradeMinorVersion",
            true,
            "Whether newer minor versions are taken.",
        )
        .change(Change::Put),
        Attribute::new(
            "settings",
            SETTINGS,
            "properties.settings",
            "What it is told, for everybody to see; changed settings run it again.",
        )
        .change(Change::Put),
        Attribute::new(
            "protected_settings",
            SETTINGS,
            "properties.protectedSettings",
            "What it is told in secret; a key is here or in `settings`, not in both.",
        )
        .sensitivity(Sensitivity::Secret)
        .change(Change::Put),
        Attribute::new(
            "script",
            Type::String,
            "properties.protectedSettings.script",
            "The shell script that a `CustomScript` runs, as plain text; it is sent in the protected settings, so it may have a secret in it.",
        )
        .wire(Wire::Base64)
        .rules(&[Rule::Length(1, 196_608)])
        .sensitivity(Sensitivity::Secret)
        .change(Change::Put),
        Attribute::new(
            "force_update_tag",
            Type::String,
            "properties.forceUpdateTag",
            "Another text here runs it again with the same settings.",
        )
        .compare(Compare::EmptyIsAbsent)
        .change(Change::Put),
    ],
    computed: &[],
    constants: &[],
    // A PUT without protected settings takes them away, and no GET answers them: they go along with each.
    read_only: &["id", "properties.provisioningState", "properties.protectedSettings"],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: None,
};
