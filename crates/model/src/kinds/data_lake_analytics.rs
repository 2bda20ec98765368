//! Attached Data Lake Analytics accounts (machine-learning facts §3.7).

use super::attached::{self, attached_tags, description, resource_id, workspace};
use super::cluster::COMPUTE_NAME;
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Kind, Type};

const ACCOUNTS: &[Rule] = &[Rule::ArmIdOf(&["Microsoft.DataLakeAnalytics/accounts"])];

/// An attached Data Lake Analytics account.
pub static KIND: Kind = Kind {
    name: "data_lake_analytics",
    summary: "A Data Lake Analytics account that is attached to a workspace.",
    placement: attached::placement("DataLakeAnalytics"),
    name_rules: COMPUTE_NAME,
    attributes: &[
        workspace(),
        resource_id(ACCOUNTS, "The Data Lake Analytics account, by ARM id."),
        description(),
        Attribute::new(
            "data_lake_store_account_name",
            Type::String,
            "properties.properties.dataLakeStoreAccountName",
            "The name of its Data Lake Store.",
        )
        .change(Change::Put),
        attached_tags(),
    ],
    computed: &[],
    constants: &[("properties.computeType", "DataLakeAnalytics")],
    read_only: attached::read_only!(),
    checks: &[],
    dropped: attached::DROPPED,
    aliases: &[],
    loses: Some("it is detached from the workspace; the Data Lake Analytics account itself stays"),
};
