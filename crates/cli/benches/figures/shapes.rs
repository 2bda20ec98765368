//! The projects that are measured: many clusters in one workspace that stands.

use std::fmt::Write as _;

use crate::project::Project;

const SETTINGS: &str = "[project]\nname = \"figures\"\n\n[cloud]\nendpoint = \"embedded\"\n";
const WORKSPACE_ID: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml/providers/\
                            Microsoft.MachineLearningServices/workspaces/research";
const LAYERS: usize = 10;
/// A manifest of a size that people would split.
const CLUSTERS_PER_FILE: usize = 500;

/// A project of these manifests.
pub fn project_of(manifests: &[String]) -> Project {
    let project = Project::empty();
    project.write("plumb.toml", SETTINGS);
    for (at, text) in manifests.iter().enumerate() {
        project.write(&format!("manifests/{at:03}.yaml"), text);
    }
    project
}

/// The workspace that the clusters lie in, with its group; a project of its own.
pub fn workspace() -> Vec<String> {
    let group = "kind: resource_group\nname: ml\nlocation: westeurope\n";
    let workspace = "kind: workspace\nname: research\nresource_group: ml\nlocation: westeurope\n";
    vec![format!("{group}---\n{workspace}")]
}

/// Clusters that need nothing but the workspace.
pub fn independent(count: usize) -> Vec<String> {
    files((0..count).map(|number| cluster(number, &[])))
}

/// As many in ten layers: each cluster needs two of the layer before.
pub fn layered(count: usize) -> Vec<String> {
    let width = count / LAYERS;
    let needed = |number: usize| -> Vec<usize> {
        let Some(layer) = (number / width).checked_sub(1) else { return Vec::new() };
        let at = number % width;
        [at, (at + 1) % width].map(|at| layer * width + at).to_vec()
    };
    files((0..count).map(|number| cluster(number, &needed(number))))
}

fn files(clusters: impl Iterator<Item = String>) -> Vec<String> {
    let clusters: Vec<String> = clusters.collect();
    clusters.chunks(CLUSTERS_PER_FILE).map(|some| some.join("---\n")).collect()
}

fn cluster(number: usize, needed: &[usize]) -> String {
    let mut text = format!(
        "kind: cluster\nname: c{number:05}\nworkspace: {WORKSPACE_ID}\nlocation: westeurope\nsize: Standard_DS3_v2\n\
         tier: low_priority\nmin_instances: 0\nmax_instances: 4\nidle_time_before_scale_down: 2m\n\
         tags: {{ team: data-science, purpose: experiments }}\n"
    );
    if !needed.is_empty() {
        text.push_str("depends_on:\n");
    }
    for number in needed {
        writeln!(text, "  - cluster/research/c{number:05}").expect("a text takes text");
    }
    text
}
