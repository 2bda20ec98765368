//! `plumb graph`: what depends on what, as a tree, for Graphviz, or for Mermaid.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use model::Address;
use planner::Graph;
use planner::render::escape;

use crate::args::{self, GraphFormat};
use crate::exit::Exit;
use crate::output;
use crate::session::Session;

/// Prints the graph of the manifests.
pub fn run(args: &args::Graph, session: &Session) -> Exit {
    let graph = &session.manifests.graph;
    output::result(&match args.format {
        GraphFormat::Tree => tree(graph),
        GraphFormat::Dot => dot(graph),
        GraphFormat::Mermaid => mermaid(graph),
    });
    Exit::Done
}

/// Each resource below what it needs; one that was shown before is marked and not shown again.
fn tree(graph: &Graph) -> String {
    let mut dependents: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for resource in graph.resources() {
        for dependency in &resource.dependencies {
            dependents.entry(&dependency.address).or_default().push(&resource.address);
        }
    }
    let mut out = String::new();
    let mut shown = BTreeSet::new();
    for root in graph.resources().iter().filter(|r| r.dependencies.is_empty()) {
        // A stack of lines to come, so that a deep graph needs no deep recursion.
        let mut open = vec![(&root.address, 0)];
        while let Some((address, depth)) = open.pop() {
            let below = dependents.get(address).map(Vec::as_slice).unwrap_or_default();
            let again = !shown.insert(address) && !below.is_empty();
            let mark = if again { " (see above)" } else { "" };
            let _ = writeln!(out, "{}{}{mark}", "  ".repeat(depth), escape::terminal(address.as_str()));
            if !again {
                open.extend(below.iter().rev().map(|a| (*a, depth + 1)));
            }
        }
    }
    out
}

fn edges(graph: &Graph) -> impl Iterator<Item = (&Address, &Address)> {
    graph.resources().iter().flat_map(|r| r.dependencies.iter().map(|d| (&r.address, &d.address)))
}

fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph plumb {\n  rankdir = \"RL\"\n  node [shape = \"box\"]\n");
    for resource in graph.resources() {
        let _ = writeln!(out, "  {}", escape::quoted(resource.address.as_str()));
    }
    for (from, to) in edges(graph) {
        let _ = writeln!(out, "  {} -> {}", escape::quoted(from.as_str()), escape::quoted(to.as_str()));
    }
    out.push_str("}\n");
    out
}

fn mermaid(graph: &Graph) -> String {
    let index: BTreeMap<&Address, usize> =
        graph.resources().iter().enumerate().map(|(i, r)| (&r.address, i)).collect();
    let mut out = String::from("flowchart RL\n");
    for (address, at) in &index {
        let label = escape::markdown(address.as_str()).replace('"', "&quot;");
        let _ = writeln!(out, "  n{at}[\"{label}\"]");
    }
    for (from, to) in edges(graph) {
        let _ = writeln!(out, "  n{} --> n{}", index[from], index[to]);
    }
    out
}
