//! `plumb nodes`: the nodes of a cluster.

use std::fmt::Write as _;

use anyhow::anyhow;
use executor::Node;
use planner::render::escape;

use crate::args::{Nodes, Planning};
use crate::commands::state::find;
use crate::engine::{self, Engine};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Lists them.
pub async fn run(args: &Nodes, session: &Session) -> Result<Exit, Failure> {
    let snapshot = engine::snapshot(session).await?;
    let address = find(&snapshot, &args.address)?;
    let entry = &snapshot.resources[address];
    let has_nodes = model::kinds::find(&entry.kind).is_some_and(|kind| kind.node_list().is_some());
    let id = entry.arm_id.as_ref().filter(|_| has_nodes);
    let id = id.ok_or_else(|| anyhow!("{address} is no cluster: only clusters have nodes"))?;
    let planning = Planning::reading();
    let engine = Engine::read_only(session, &planning, output::progress::Mode::Quiet).await?;
    let nodes = engine.provider().nodes(id).await;
    engine.stop().await;
    let nodes = nodes?;
    let text = match args.json {
        true => output::json(&serde_json::to_value(&nodes).map_err(anyhow::Error::from)?),
        false => table(&nodes),
    };
    output::result(&text);
    Ok(Exit::Done)
}

fn table(nodes: &[Node]) -> String {
    if nodes.is_empty() {
        return "The cluster has no nodes now.\n".to_owned();
    }
    let mut out = format!("{:40} {:10} {:16} {:16} {:6} RUN\n", "NODE", "STATE", "PRIVATE", "PUBLIC", "SSH");
    for node in nodes {
        let field = |value: &Option<String>| value.as_deref().map_or("-".to_owned(), escape::terminal);
        let port = node.port.map_or("-".to_owned(), |p| p.to_string());
        let _ = writeln!(
            out,
            "{:40} {:10} {:16} {:16} {port:6} {}",
            escape::terminal(&node.id),
            if node.state.is_empty() { "-".to_owned() } else { escape::terminal(&node.state) },
            field(&node.private_ip),
            field(&node.public_ip),
            field(&node.run_id)
        );
    }
    out
}
