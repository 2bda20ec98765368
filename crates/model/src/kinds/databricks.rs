//! Attached Databricks workspaces (machine-learning facts §3.7).

use super::attached::{self, attached_tags, description, resource_id, secret, workspace};
use super::cluster::COMPUTE_NAME;
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Kind, Type};

const WORKSPACES: &[Rule] = &[Rule::ArmIdOf(&["Microsoft.Databricks/workspaces"])];

/// An attached Databricks workspace.
pub static KIND: Kind = Kind {
    name: "databricks",
    summary: "A Databricks workspace that is attached to a workspace.",
    placement: attached::placement("Databricks"),
    name_rules: COMPUTE_NAME,
    attributes: &[
        workspace(),
        resource_id(WORKSPACES, "The Databricks workspace, by ARM id."),
        description(),
        Attribute::new(
            "workspace_url",
            Type::String,
            "properties.properties.workspaceUrl",
            "The address of the Databricks workspace.",
        )
        .change(Change::Put),
        secret(
            "access_token",
            "properties.properties.databricksAccessToken",
            "A personal access token of the Databricks workspace.",
        ),
        attached_tags(),
    ],
    computed: &[],
    constants: &[("properties.computeType", "Databricks")],
    read_only: attached::read_only!("properties.properties.databricksAccessToken"),
    checks: &[],
    dropped: attached::DROPPED,
    aliases: &[],
    loses: Some("it is detached from the workspace; the Databricks workspace itself stays"),
};
