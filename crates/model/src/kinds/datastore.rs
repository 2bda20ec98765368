//! Datastores of a workspace: the blob containers and file shares that jobs read and write. They are what the mounts of
//! Batch AI's clusters become (batch-ai facts §8).
//!
//! The names are those of az ml's datastore YAML; the body is that of the service's public description
//! (`workspaces/datastores`). The facts at hand have no traffic of it, so nothing is expected of an answer beyond what
//! was sent. Secrets never come back: a PUT says them again.

use super::attached::read_only;
use super::cluster::WORKSPACE;
use super::common::{ML_VERSION, TEXT_MAP};
use crate::rule::Rule;
use crate::schema::{
    Attribute, Change, Compare, Default, Kind, Placement, Sensitivity, Type, Variant, Wire, variant,
};

const TYPES: &[Variant] = &[variant("azure_blob", "AzureBlob"), variant("azure_file", "AzureFile")];

const CREDENTIALS: &[Variant] =
    &[variant("none", "None"), variant("account_key", "AccountKey"), variant("sas", "Sas")];

/// A secret, with the word that says what it is of. A document can do without it: what was imported has none, and needs
/// none until it changes.
const fn secret(path: &'static str, of: &'static str, wire: Wire, doc: &'static str) -> Attribute {
    Attribute::new(path, Type::String, "properties.credentials.secrets", doc)
        .wire(wire)
        .sensitivity(Sensitivity::Secret)
        .when("credentials.type", of)
        .change(Change::Put)
}

/// A datastore.
pub static KIND: Kind = Kind {
    name: "datastore",
    summary: "A blob container or file share that a workspace's jobs read and write.",
    placement: Placement::InParent {
        parent: "workspace",
        collection: "datastores",
        api_version: ML_VERSION,
        discriminator: None,
    },
    name_rules: &[Rule::Length(1, 255), Rule::StartsAlphanumeric, Rule::Alphabet("_-")],
    attributes: &[
        Attribute::new("workspace", WORKSPACE, "", "The workspace it lies in.")
            .compare(Compare::CaseInsensitive)
            .required(),
        Attribute::new("type", Type::Enum(TYPES), "properties.datastoreType", "What it stands for.")
            .compare(Compare::CaseInsensitive)
            .required(),
        Attribute::new("description", Type::String, "properties.description", "A description.")
            .compare(Compare::EmptyIsAbsent)
            .change(Change::Put),
        Attribute::new("account_name", Type::String, "properties.accountName", "The storage account.")
            .rules(&[Rule::Length(3, 24), Rule::LowerAlphanumeric])
            .change(Change::Put)
            .required(),
        Attribute::new("container_name", Type::String, "properties.containerName", "The blob container.")
            .when("type", "azure_blob")
            .rules(&[Rule::Length(3, 63)])
            .change(Change::Put)
            .required(),
        Attribute::new("file_share_name", Type::String, "properties.fileShareName", "The file share.")
            .when("type", "azure_file")
            .rules(&[Rule::Length(3, 63)])
            .change(Change::Put)
            .required(),
        Attribute::new(
            "endpoint",
            Type::String,
            "properties.endpoint",
            "The end of the storage account's host name.",
        )
        .default(Default::String("core.windows.net"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Put),
        Attribute::new(
            "protocol",
            Type::String,
            "properties.protocol",
            "How it is reached: `https` or `wasbs`.",
        )
        .default(Default::String("https"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Put),
        Attribute::new(
            "credentials.type",
            Type::Enum(CREDENTIALS),
            "properties.credentials.credentialsType",
            "What it is opened with; `none` leaves it to the identity of whoever runs a job.",
        )
        .default(Default::String("none"))
        .compare(Compare::CaseInsensitive)
        .change(Change::Put),
        secret(
            "credentials.account_key",
            "account_key",
            Wire::Tagged { tag: "secretsType", word: "AccountKey", key: "key" },
            "A key of the storage account.",
        ),
        secret(
            "credentials.sas_token",
            "sas",
            Wire::Tagged { tag: "secretsType", word: "Sas", key: "sasToken" },
            "A shared access signature.",
        ),
        Attribute::new(
            "tags",
            TEXT_MAP,
            "properties.tags",
            "Tags of the datastore; the whole map is managed.",
        )
        .rules(&[Rule::Tags])
        .change(Change::Put),
    ],
    computed: &[],
    constants: &[],
    read_only: read_only!("properties.isDefault", "properties.credentials.secrets"),
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("jobs no longer find it; the container or share itself stays"),
};
