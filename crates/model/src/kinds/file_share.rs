//! File shares of storage accounts (Microsoft.Storage, 2023-05-01; dsvm-pool facts §5).

use crate::rule::Rule;
use crate::schema::{
    Attribute, Change, Compare, Default, Form, Kind, Placement, Reference, Type, Variant, variant,
};

use super::common::TEXT_MAP;

/// The account that a share lies in.
const ACCOUNT: Type = Type::Reference(Reference {
    kind: "storage_account",
    resource_type: "Microsoft.Storage/storageAccounts",
    form: Form::Name,
    may_stand: false,
});

const PROTOCOLS: &[Variant] = &[variant("SMB", "SMB"), variant("NFS", "NFS")];

const TIERS: &[Variant] = &[
    variant("TransactionOptimized", "TransactionOptimized"),
    variant("Hot", "Hot"),
    variant("Cool", "Cool"),
    variant("Premium", "Premium"),
];

/// A file share.
pub static KIND: Kind = Kind {
    name: "file_share",
    summary: "A file share of a storage account.",
    placement: Placement::InParent {
        parent: "storage_account",
        collection: "fileServices/default/shares",
        api_version: "2023-05-01",
        discriminator: None,
    },
    name_rules: &[
        Rule::Length(3, 63),
        Rule::StartsAlphanumeric,
        Rule::LowerCase,
        Rule::Alphabet("-"),
        Rule::NoDoubleHyphen,
        Rule::NotEndingIn('-'),
    ],
    attributes: &[
        Attribute::new("storage_account", ACCOUNT, "", "The account it lies in.")
            .compare(Compare::CaseInsensitive)
            .required(),
        Attribute::new("quota_gib", Type::Integer, "properties.shareQuota", "How large it may grow, in GiB.")
            .rules(&[Rule::Between(1, 102_400)])
            .initial(Default::Integer(5120))
            .change(Change::Patch),
        Attribute::new(
            "protocol",
            Type::Enum(PROTOCOLS),
            "properties.enabledProtocols",
            "How it is mounted.",
        )
        .initial(Default::String("SMB"))
        .sometimes_answered(),
        Attribute::new(
            "access_tier",
            Type::Enum(TIERS),
            "properties.accessTier",
            "What is cheap and what is not.",
        )
        .initial(Default::String("TransactionOptimized"))
        .change(Change::Patch),
        Attribute::new("metadata", TEXT_MAP, "properties.metadata", "Names and values to keep with it.")
            .change(Change::Patch),
    ],
    computed: &[],
    constants: &[],
    read_only: &["id", "name", "type", "etag"],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("its files are deleted with it"),
};
