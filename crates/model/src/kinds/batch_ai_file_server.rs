//! Batch AI file servers (batch-ai facts §4). Nothing of one can change.

use super::batch_ai::{ACCOUNT, NAME, VERSION, account, size, subnet, workspace};
use crate::rule::Rule;
use crate::schema::{Attribute, Compare, Computed, Default, Kind, Placement, Type, Variant, variant};

const STORAGE: &[Variant] = &[variant("Standard_LRS", "Standard_LRS"), variant("Premium_LRS", "Premium_LRS")];
const CACHING: &[Variant] =
    &[variant("none", "none"), variant("read_only", "readonly"), variant("read_write", "readwrite")];

const SSH: [Attribute; 3] = account(
    "properties.sshConfiguration.userAccountSettings.adminUserName",
    "properties.sshConfiguration.userAccountSettings.adminUserPassword",
    "properties.sshConfiguration.userAccountSettings.adminUserSshPublicKey",
);

/// A file server of Batch AI.
pub static KIND: Kind = Kind {
    name: "batch_ai_file_server",
    summary: "A file server (NFS) of Batch AI, the retired service, which its clusters mount.",
    placement: Placement::InParent {
        parent: "batch_ai_workspace",
        collection: "fileservers",
        api_version: VERSION,
        discriminator: None,
    },
    name_rules: NAME,
    attributes: &[
        workspace(),
        size(),
        SSH[0],
        SSH[1],
        SSH[2],
        Attribute::new(
            "public_ips_to_allow",
            Type::List(&Type::String),
            "properties.sshConfiguration.publicIPsToAllow",
            "Addresses and ranges that may sign in; everybody when not given.",
        )
        .compare(Compare::Set)
        .rules(&[Rule::Length(0, 400)]),
        Attribute::new(
            "data_disks.size_gb",
            Type::Integer,
            "properties.dataDisks.diskSizeInGB",
            "The size of each disk in GB.",
        )
        .rules(&[Rule::Between(1, 4095)])
        .required(),
        Attribute::new(
            "data_disks.count",
            Type::Integer,
            "properties.dataDisks.diskCount",
            "How many disks.",
        )
        .rules(&[Rule::Between(1, 64)])
        .required(),
        Attribute::new(
            "data_disks.storage_account_type",
            Type::Enum(STORAGE),
            "properties.dataDisks.storageAccountType",
            "`Standard_LRS`, or `Premium_LRS` with a size that takes premium disks.",
        )
        .default(Default::String("Standard_LRS")),
        Attribute::new(
            "data_disks.caching",
            Type::Enum(CACHING),
            "properties.dataDisks.cachingType",
            "How the machine caches the disks.",
        )
        .default(Default::String("none")),
        subnet(),
    ],
    computed: &[
        Computed::new("mount_point", "properties.mountSettings.mountPoint", "The folder that it shares."),
        Computed::new(
            "public_ip",
            "properties.mountSettings.fileServerPublicIP",
            "Its public address; SSH is on port 22.",
        ),
        Computed::new("private_ip", "properties.mountSettings.fileServerInternalIP", "Its private address."),
    ],
    constants: &[],
    read_only: &[],
    checks: &[ACCOUNT],
    dropped: &[],
    aliases: &[],
    loses: Some("the data on its disks is lost"),
};
