//! Attached Spark pools of Azure Synapse (machine-learning facts §3.7, az ml facts §6).
//!
//! Only the pool's id and the identity are sent; the rest is read from the pool.

use super::attached::{self, attached_tags, description, resource_id, workspace};
use super::cluster::COMPUTE_NAME;
use super::common::{identity_list, identity_type};
use crate::rule::Rule;
use crate::schema::{Change, Computed, Kind};

const POOLS: &[Rule] = &[Rule::ArmIdOf(&["Microsoft.Synapse/workspaces/bigDataPools"])];

/// An attached Spark pool.
pub static KIND: Kind = Kind {
    name: "synapse_spark",
    summary: "A Spark pool of Azure Synapse that is attached to a workspace.",
    placement: attached::placement("SynapseSpark"),
    name_rules: COMPUTE_NAME,
    attributes: &[
        workspace(),
        resource_id(POOLS, "The Spark pool, by ARM id."),
        description(),
        identity_type(Change::Put),
        identity_list(Change::Put),
        attached_tags(),
    ],
    computed: &[
        attached::PRINCIPAL_ID,
        Computed::new("pool_name", "properties.properties.poolName", "The pool's name."),
        Computed::new("synapse_workspace", "properties.properties.workspaceName", "The pool's workspace."),
        Computed::new("pool_resource_group", "properties.properties.resourceGroup", "The pool's group."),
        Computed::new(
            "pool_subscription",
            "properties.properties.subscriptionId",
            "The pool's subscription.",
        ),
        Computed::new("spark_version", "properties.properties.sparkVersion", "The version of Spark."),
        Computed::new("node_family", "properties.properties.nodeSizeFamily", "The family of its nodes."),
        Computed::new("node_size", "properties.properties.nodeSize", "The size of its nodes."),
        Computed::new("node_count", "properties.properties.nodeCount", "How many nodes it has."),
        Computed::new(
            "auto_scale_enabled",
            "properties.properties.autoScaleProperties.enabled",
            "Whether it scales by itself.",
        ),
        Computed::new(
            "min_node_count",
            "properties.properties.autoScaleProperties.minNodeCount",
            "The number of nodes it never goes below.",
        ),
        Computed::new(
            "max_node_count",
            "properties.properties.autoScaleProperties.maxNodeCount",
            "The number of nodes it never goes above.",
        ),
        Computed::new(
            "auto_pause_enabled",
            "properties.properties.autoPauseProperties.enabled",
            "Whether it pauses when idle.",
        ),
        Computed::new(
            "auto_pause_delay_in_minutes",
            "properties.properties.autoPauseProperties.delayInMinutes",
            "After how many idle minutes it pauses.",
        ),
    ],
    constants: &[("properties.computeType", "SynapseSpark")],
    read_only: attached::read_only!("properties.properties"),
    checks: &[],
    dropped: &[
        "type",
        "location",
        "created_on",
        "provisioning_state",
        "provisioning_errors",
        "node_family",
        "node_size",
        "spark_version",
        "node_count",
        "scale_settings",
        "auto_pause_settings",
    ],
    aliases: &[],
    loses: Some("it is detached from the workspace; the Spark pool itself stays"),
};
