//! `plumb show`: what the state has, or one resource as it is live.

use std::fmt::Write as _;

use model::{Json, Observed, ResourceState, Snapshot};
use planner::render::{escape, inline};
use serde_json::json;

use crate::args::{self, Planning};
use crate::commands::state::find;
use crate::engine::{self, Engine};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Prints the whole state, or one resource with its live values.
pub async fn run(args: &args::Show, session: &Session) -> Result<Exit, Failure> {
    let snapshot = engine::snapshot(session).await?;
    let text = match &args.address {
        None if args.json => output::json(&serde_json::to_value(&snapshot).map_err(anyhow::Error::from)?),
        None => all(&snapshot),
        Some(address) => {
            let address = find(&snapshot, address)?;
            let entry = &snapshot.resources[address];
            let live = live(session, entry).await?;
            if args.json {
                output::json(&one_json(entry, live.as_ref()))
            } else {
                one(address.as_str(), entry, live.as_ref())
            }
        }
    };
    output::result(&text);
    Ok(Exit::Done)
}

async fn live(session: &Session, entry: &ResourceState) -> Result<Option<Observed>, Failure> {
    let Some(arm_id) = &entry.arm_id else { return Ok(None) };
    let planning = Planning::reading();
    let engine = Engine::read_only(session, &planning, output::progress::Mode::Quiet).await?;
    let found = engine.provider().get(entry.kind(), arm_id).await;
    engine.stop().await;
    Ok(found?)
}

fn all(snapshot: &Snapshot) -> String {
    if snapshot.resources.is_empty() {
        return "The state is empty.\n".to_owned();
    }
    let mut out = String::new();
    for (address, entry) in &snapshot.resources {
        let _ = writeln!(out, "# {}", escape::terminal(address.as_str()));
        for (path, value) in &entry.applied {
            let _ = writeln!(out, "  {path} = {}", shortened(value));
        }
        for path in entry.secrets.keys() {
            let _ = writeln!(out, "  {path} = (sensitive value)");
        }
        out.push('\n');
    }
    out
}

fn one(address: &str, entry: &ResourceState, live: Option<&Observed>) -> String {
    let mut out = format!("# {}\n", escape::terminal(address));
    if let Some(id) = &entry.arm_id {
        let _ = writeln!(out, "  id = {}", escape::quoted(id.as_str()));
    }
    let nothing = Default::default();
    let now = live.map_or(&nothing, |l| &l.attributes);
    for attribute in entry.kind().attributes {
        let (applied, live) = (entry.applied.get(attribute.path), now.get(attribute.path));
        match (applied, live) {
            _ if entry.secrets.contains_key(attribute.path) => {
                _ = writeln!(out, "  {} = (sensitive value)", attribute.path)
            }
            (None, None) => {}
            (Some(a), Some(l)) if !model::compare::same(attribute, Some(a), Some(l)) => {
                let _ = writeln!(out, "  {} = {} (applied: {})", attribute.path, inline(l), inline(a));
            }
            (applied, live) => {
                _ = writeln!(
                    out,
                    "  {} = {}",
                    attribute.path,
                    live.or(applied).map(shortened).unwrap_or_default()
                )
            }
        }
    }
    for (name, value) in live.map(|l| &l.computed).into_iter().flatten() {
        let _ = writeln!(out, "  {name} = {}", inline(value));
    }
    if entry.arm_id.is_some() && live.is_none() {
        out.push_str("  (not found in Azure)\n");
    }
    out
}

fn shortened(value: &Json) -> String {
    match value {
        Json::String(text) if text.contains('\n') => format!("({} lines)", text.lines().count()),
        value => inline(value),
    }
}

fn one_json(entry: &ResourceState, live: Option<&Observed>) -> Json {
    json!({
        "kind": entry.kind,
        "arm_id": entry.arm_id,
        "applied": entry.applied,
        "live": live.map(|l| {
            let open = l.attributes.iter().filter(|(path, _)| !entry.secrets.contains_key(**path));
            json!({ "attributes": open.collect::<std::collections::BTreeMap<_, _>>(), "computed": l.computed })
        }),
    })
}
