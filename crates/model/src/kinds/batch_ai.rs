//! What the kinds of Batch AI share. The service is retired: nobody can make anything on it any more (batch-ai facts).

use crate::check::Check;
use crate::rule::Rule;
use crate::schema::{Attribute, Compare, Form, Reference, Sensitivity, Type, Variant, variant};

/// The last api-version (batch-ai facts §1).
pub const VERSION: &str = "2018-05-01";

/// Names of all resources of the service (batch-ai facts §1).
pub const NAME: &[Rule] = &[Rule::Length(1, 64), Rule::Alphabet("-_")];

/// What plans say of the kinds.
pub const RETIRED: &str = "Azure retired Batch AI in March 2019: only the embedded cloud still serves it; a `cluster` of a `workspace` takes its place";

/// The workspace that a cluster or a file server lies in.
pub const WORKSPACE: Type = Type::Reference(Reference {
    kind: "batch_ai_workspace",
    resource_type: "Microsoft.BatchAI/workspaces",
    form: Form::Name,
    may_stand: false,
});

/// A file server by ARM id.
pub const FILE_SERVER: Type = Type::Reference(Reference {
    kind: "batch_ai_file_server",
    resource_type: "Microsoft.BatchAI/workspaces/fileservers",
    form: Form::Id,
    may_stand: false,
});

/// Priorities of nodes.
pub const TIERS: &[Variant] = &[variant("dedicated", "dedicated"), variant("low_priority", "lowpriority")];

/// `batch_ai_workspace`, which everything but a workspace lies in.
pub const fn workspace() -> Attribute {
    Attribute::new("batch_ai_workspace", WORKSPACE, "", "The Batch AI workspace it lies in.")
        .compare(Compare::CaseInsensitive)
        .required()
}

/// `size`.
pub const fn size() -> Attribute {
    Attribute::new("size", Type::String, "properties.vmSize", "The VM size.")
        .compare(Compare::CaseInsensitive)
        .rules(&[Rule::Length(2, 64), Rule::StartsWithLetter, Rule::Alphabet("_-")])
        .required()
}

/// `subnet`.
pub const fn subnet() -> Attribute {
    Attribute::new(
        "subnet",
        Type::String,
        "properties.subnet.id",
        "The subnet, by ARM id; Azure finds one if not given.",
    )
    .compare(Compare::ArmId)
    .rules(&[Rule::ArmId])
}

/// The account to sign in with, by paths in its kind's bodies.
pub const fn account(user: &'static str, password: &'static str, key: &'static str) -> [Attribute; 3] {
    [
        Attribute::new("ssh_settings.admin_username", Type::String, user, "The administrator's name.")
            .rules(&[Rule::Length(1, 32), Rule::Alphabet("-_")])
            .required(),
        Attribute::new(
            "ssh_settings.admin_password",
            Type::String,
            password,
            "The administrator's password.",
        )
        .sensitivity(Sensitivity::Secret),
        Attribute::new(
            "ssh_settings.ssh_key_value",
            Type::String,
            key,
            "The administrator's SSH public key.",
        )
        .compare(Compare::SshKey)
        .rules(&[Rule::SshKey]),
    ]
}

/// The account has a password, a key, or both.
pub const ACCOUNT: Check = Check::SomeOf(&["ssh_settings.ssh_key_value", "ssh_settings.admin_password"]);
