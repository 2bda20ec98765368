//! Attached HDInsight clusters (machine-learning facts §3.7).

use super::attached::{self, SSH_SETTINGS, attached_tags, description, resource_id, workspace};
use super::cluster::COMPUTE_NAME;
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Kind, Type};

const CLUSTERS: &[Rule] = &[Rule::ArmIdOf(&["Microsoft.HDInsight/clusters"])];

/// An attached HDInsight cluster.
pub static KIND: Kind = Kind {
    name: "hdinsight",
    summary: "An HDInsight cluster that is attached to a workspace.",
    placement: attached::placement("HDInsight"),
    name_rules: COMPUTE_NAME,
    attributes: &[
        workspace(),
        resource_id(CLUSTERS, "The HDInsight cluster, by ARM id."),
        description(),
        Attribute::new(
            "address",
            Type::String,
            "properties.properties.address",
            "The host name of its SSH endpoint.",
        )
        .change(Change::Put),
        SSH_SETTINGS[0],
        SSH_SETTINGS[1],
        SSH_SETTINGS[2],
        SSH_SETTINGS[3],
        SSH_SETTINGS[4],
        attached_tags(),
    ],
    computed: &[],
    constants: &[("properties.computeType", "HDInsight")],
    read_only: attached::read_only!("properties.properties.administratorAccount"),
    checks: &[],
    dropped: attached::DROPPED,
    aliases: attached::SSH_ALIASES,
    loses: Some("it is detached from the workspace; the HDInsight cluster itself stays"),
};
