//! Batch AI workspaces (batch-ai facts §1, §2): a location, and tags, which a PATCH takes.

use super::batch_ai::{NAME, VERSION};
use super::common::{location, resource_group, tags};
use crate::schema::{Change, Kind, Placement};

/// A workspace of Batch AI.
pub static KIND: Kind = Kind {
    name: "batch_ai_workspace",
    summary: "A workspace of Batch AI, the retired service: its clusters and file servers lie in it.",
    placement: Placement::InGroup { resource_type: "Microsoft.BatchAI/workspaces", api_version: VERSION },
    name_rules: NAME,
    attributes: &[resource_group(), location(), tags(Change::Patch)],
    computed: &[],
    constants: &[],
    read_only: &[],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("its clusters, file servers and experiments go with it"),
};
