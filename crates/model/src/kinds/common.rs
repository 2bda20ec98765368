//! Attributes that several kinds share.

use crate::rule::Rule;
use crate::schema::{Action, Attribute, Change, Compare, Default, Form, Reference, Type, Variant, variant};

/// The stable api-version of workspaces and computes (machine-learning facts §1.1).
pub const ML_VERSION: &str = "2026-05-01";

/// The newest preview for which the instance actions were seen (machine-learning facts §2.3).
pub const ML_PREVIEW: &str = "2025-10-01-preview";

/// Identity types; ARM's words compare without case and spaces (machine-learning facts §3.2).
pub const IDENTITY_TYPES: &[Variant] = &[
    variant("none", "None"),
    variant("system_assigned", "SystemAssigned"),
    variant("user_assigned", "UserAssigned"),
    variant("system_assigned,user_assigned", "SystemAssigned,UserAssigned"),
];

/// What a network's rules say of whom they do not name.
pub const ALLOW_DENY: &[Variant] = &[variant("allow", "Allow"), variant("deny", "Deny")];

/// An address that may come in.
pub const IP_RULE: &[Attribute] =
    &[Attribute::new("value", Type::String, "value", "An address, or a range of them in CIDR form.")
        .required()];

/// `Enabled` and `Disabled`, as az ml writes them on workspaces.
pub const ENABLED_DISABLED: &[Variant] = &[variant("Enabled", "Enabled"), variant("Disabled", "Disabled")];

/// A resource group by name; a group without a document is taken to stand already.
pub const RESOURCE_GROUP: Type = Type::Reference(Reference {
    kind: "resource_group",
    resource_type: "Microsoft.Resources/resourceGroups",
    form: Form::Name,
    may_stand: true,
});

/// A user-assigned identity by ARM id.
pub const IDENTITY: Type = Type::Reference(Reference {
    kind: "user_assigned_identity",
    resource_type: "Microsoft.ManagedIdentity/userAssignedIdentities",
    form: Form::Id,
    may_stand: false,
});

/// A list of user-assigned identities.
pub const IDENTITIES: Type = Type::List(&IDENTITY);

/// A map from text to text.
pub const TEXT_MAP: Type = Type::Map(&Type::String);

/// `resource_group`, on everything that lies in one.
pub const fn resource_group() -> Attribute {
    Attribute::new(
        "resource_group",
        RESOURCE_GROUP,
        "",
        "The resource group it lies in: the name of a document, or of a group that stands already.",
    )
    .compare(Compare::CaseInsensitive)
    .required()
}

/// `location`, which a document must give.
pub const fn location() -> Attribute {
    Attribute::new("location", Type::String, "location", "The Azure region, `westeurope` or `West Europe`.")
        .compare(Compare::Location)
        .rules(LOCATION)
        .required()
}

/// What a region's name looks like.
pub const LOCATION: &[Rule] = &[Rule::Length(2, 64), Rule::StartsWithLetter, Rule::Alphabet(" ()-")];

/// `tags`, changed in the given way.
pub const fn tags(change: Change) -> Attribute {
    Attribute::new("tags", TEXT_MAP, "tags", "Tags in Azure; the whole map is managed.")
        .rules(&[Rule::Tags])
        .change(change)
}

/// `identity.type`, changed in the given way.
pub const fn identity_type(change: Change) -> Attribute {
    Attribute::new(
        "identity.type",
        Type::Enum(IDENTITY_TYPES),
        "identity.type",
        "Which managed identities it has.",
    )
    .compare(Compare::NoneIsAbsent)
    .change(change)
    .required_with_group()
}

/// `identity.user_assigned_identities`, changed in the given way.
pub const fn identity_list(change: Change) -> Attribute {
    Attribute::new(
        "identity.user_assigned_identities",
        IDENTITIES,
        "identity.userAssignedIdentities",
        "User-assigned identities: names of documents, ARM ids, or az ml's `resource_id` mappings.",
    )
    .wire(crate::schema::Wire::KeyedById)
    .compare(Compare::Set)
    .change(change)
}

/// An instance action that a preview api-version publishes.
pub const fn action(name: &'static str, key: &'static str) -> Change {
    Change::Action(Action { name, key, api_version: ML_PREVIEW, tentative: false, removal: None })
}

/// `scope`, on what lies on other resources.
pub const fn scope() -> Attribute {
    Attribute::new(
        "scope",
        ANYTHING,
        "",
        "What it lies on: `${workspace[\"NAME\"].id}`, or the ARM id of any resource, group or subscription.",
    )
    .compare(Compare::ArmId)
    .required()
}

/// Any resource, by ARM id.
pub const ANYTHING: Type =
    Type::Reference(Reference { kind: "resource", resource_type: "", form: Form::Id, may_stand: false });

/// A network security group by ARM id.
pub const SECURITY_GROUP: Type = Type::Reference(Reference {
    kind: "network_security_group",
    resource_type: "Microsoft.Network/networkSecurityGroups",
    form: Form::Id,
    may_stand: false,
});

/// A subnet by ARM id.
pub const SUBNET: Type = Type::Reference(Reference {
    kind: "subnet",
    resource_type: "Microsoft.Network/virtualNetworks/subnets",
    form: Form::Id,
    may_stand: false,
});

/// The api-version of Microsoft.Network.
pub const NETWORK_VERSION: &str = "2024-05-01";

/// What networks take as names.
pub const NETWORK_NAME: &[Rule] = &[Rule::Length(1, 80), Rule::StartsAlphanumeric, Rule::Alphabet("-_.")];

/// An optional boolean with a default.
pub const fn flag(path: &'static str, arm: &'static str, default: bool, doc: &'static str) -> Attribute {
    Attribute::new(path, Type::Boolean, arm, doc).default(Default::Boolean(default))
}
