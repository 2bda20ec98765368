//! From documents to the resources they want, by the real loader.

use std::collections::BTreeMap;

use manifest::{Inputs, NoFiles, Project, load};
use model::{ArmId, Json, Sources, Value};
use planner::Graph;

/// The subscription of every play.
pub const SUBSCRIPTION: &str = "5e9c1f4a-3a0e-4a86-9d5c-000000000001";

/// What documents want.
pub struct Documents {
    /// Their resources.
    pub graph: Graph,
    /// Their outputs.
    pub outputs: BTreeMap<String, Value>,
}

/// Loads documents; the error is what is wrong with them.
pub fn read(documents: &[Json]) -> Result<Documents, String> {
    let text = documents.iter().map(Json::to_string).collect::<Vec<_>>().join("\n---\n");
    let mut sources = Sources::default();
    let source = sources.add("all.yaml", text);
    let project = Project::default();
    let inputs = Inputs {
        project: &project,
        environment: "",
        variables: Vec::new(),
        subscription: SUBSCRIPTION,
        files: &NoFiles,
    };
    let loaded = load(&mut sources, &[source], &inputs);
    if loaded.diagnostics.has_errors() {
        return Err(said(loaded.diagnostics.sorted().iter().map(|d| d.summary.clone())));
    }
    let group_of = |id: &ArmId| id.as_str().split('/').take(5).collect::<Vec<_>>().join("/");
    let ids: Vec<&ArmId> = loaded.resources.iter().filter_map(|resource| resource.arm_id.as_ref()).collect();
    if let Some(id) = ids.iter().find(|id| !ids.iter().any(|group| group.same(&group_of(id)))) {
        return Err(format!("nobody makes the group of {id}"));
    }
    match Graph::build(loaded.resources) {
        Ok(graph) => Ok(Documents { graph, outputs: loaded.outputs }),
        Err(wrong) => Err(said(wrong.sorted().iter().map(|d| d.summary.clone()))),
    }
}

fn said(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("; ")
}
