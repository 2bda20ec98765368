//! What all attached computes share: something made elsewhere, by its ARM id, that a workspace may use
//! (machine-learning facts §3.7).
//!
//! A delete detaches it and leaves it where it is. A changed tag, identity or property goes by GET-change-PUT: the
//! specification has PUT overwrite a compute that stands, and the read-back tells whether the service did. What it is
//! attached to can only change by detaching it and attaching the other.

use super::cluster::WORKSPACE;
use super::common::{ML_VERSION, tags};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Computed, Default, Placement, Sensitivity, Type};

/// In the computes of a workspace, told from the others by its type.
pub const fn placement(compute_type: &'static str) -> Placement {
    Placement::InParent {
        parent: "workspace",
        collection: "computes",
        api_version: ML_VERSION,
        discriminator: Some(("properties.computeType", compute_type)),
    }
}

/// `workspace`.
pub const fn workspace() -> Attribute {
    Attribute::new("workspace", WORKSPACE, "", "The workspace it is attached to.")
        .compare(Compare::CaseInsensitive)
        .required()
}

/// `resource_id`: what is attached, which has one of these types.
pub const fn resource_id(types: &'static [Rule], doc: &'static str) -> Attribute {
    Attribute::new("resource_id", Type::String, crate::schema::ATTACHED_TO, doc)
        .compare(Compare::ArmId)
        .rules(types)
        .required()
}

/// `description`.
pub const fn description() -> Attribute {
    Attribute::new("description", Type::String, "properties.description", "A description.")
        .compare(Compare::EmptyIsAbsent)
        .change(Change::Put)
}

/// `tags`.
pub const fn attached_tags() -> Attribute {
    tags(Change::Put)
}

/// The object id of its own identity.
pub const PRINCIPAL_ID: Computed =
    Computed::new("principal_id", "identity.principalId", "The object id of its system-assigned identity.");

/// A secret that Azure never answers.
pub const fn secret(path: &'static str, arm: &'static str, doc: &'static str) -> Attribute {
    Attribute::new(path, Type::String, arm, doc).sensitivity(Sensitivity::Secret).change(Change::Put)
}

/// `ssh_settings`, as az ml writes the administrator's account of a virtual machine (az ml facts §4).
pub const SSH_SETTINGS: [Attribute; 5] = [
    Attribute::new(
        "ssh_settings.admin_username",
        Type::String,
        "properties.properties.administratorAccount.username",
        "The administrator's name on the machine.",
    )
    .rules(&[Rule::Length(1, 64)])
    .change(Change::Put)
    .required_with_group(),
    secret(
        "ssh_settings.admin_password",
        "properties.properties.administratorAccount.password",
        "The administrator's password.",
    ),
    secret(
        "ssh_settings.ssh_private_key",
        "properties.properties.administratorAccount.privateKeyData",
        "The administrator's SSH private key; `ssh_private_key_file` names a file below the project instead.",
    ),
    Attribute::new(
        "ssh_settings.ssh_public_key",
        Type::String,
        "properties.properties.administratorAccount.publicKeyData",
        "The administrator's SSH public key.",
    )
    .sensitivity(Sensitivity::WriteOnly)
    .change(Change::Put),
    Attribute::new("ssh_settings.ssh_port", Type::Integer, "properties.properties.sshPort", "The SSH port.")
        .rules(&[Rule::Between(1, 65_535)])
        .default(Default::Integer(22))
        .change(Change::Put),
];

/// Other keys of `ssh_settings`: az ml names a file with the private key.
pub const SSH_ALIASES: &[(&str, &str)] =
    &[("ssh_settings.ssh_private_key_file", "ssh_settings.ssh_private_key")];

/// Keys of az ml's YAML that say nothing here; the location is always the workspace's (az ml facts §1).
pub const DROPPED: &[&str] =
    &["type", "location", "compute_location", "created_on", "provisioning_state", "provisioning_errors"];

/// What the service writes by itself (machine-learning facts §3.1).
macro_rules! read_only {
    ($($more:literal),*) => {
        &[
            "id",
            "name",
            "type",
            "systemData",
            "identity.principalId",
            "identity.tenantId",
            "properties.provisioningState",
            "properties.provisioningErrors",
            "properties.provisioningWarnings",
            "properties.createdOn",
            "properties.modifiedOn",
            "properties.isAttachedCompute",
            $($more),*
        ]
    };
}
pub(super) use read_only;
