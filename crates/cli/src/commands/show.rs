//! `plumb show`: what the state has, one resource as it is live, or a saved plan.

use std::fmt::Write as _;
use std::path::Path;

use model::{Address, Json, Observed, ResourceState, Snapshot, kinds};
use planner::Made;
use planner::render::{self, Paint, escape, inline};
use serde_json::json;

use crate::args::{self, Planning};
use crate::commands::state::find;
use crate::engine::{self, Engine};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::saved;
use crate::session::Session;

/// Prints the whole state, one resource with its live values, or a saved plan.
pub async fn run(args: &args::Show, session: &Session) -> Result<Exit, Failure> {
    if let Some(file) = args.what.as_deref().filter(|what| !is_address(what)) {
        output::result(&saved_plan(Path::new(file), args.json, session).await?);
        return Ok(Exit::Done);
    }
    let snapshot = engine::snapshot(session).await?;
    let text = match &args.what {
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

/// Whether a text can be meant as an address only.
fn is_address(what: &str) -> bool {
    let of_a_kind = Address::parse(what).is_some_and(|address| kinds::find(address.kind()).is_some());
    of_a_kind || (what.contains('/') && !Path::new(what).exists())
}

/// A plan as it was when it was saved, and who made it.
async fn saved_plan(path: &Path, json: bool, session: &Session) -> Result<String, Failure> {
    let approval = saved::open(path, session).await?.approval;
    let plan = approval.shown();
    let Made { owner, host, time } = &approval.made;
    if json {
        let mut value = render::json(&plan);
        value["plumb"]["made"] = json!({ "owner": owner, "host": host, "time": time });
        return Ok(output::json(&value));
    }
    let made = format!(
        "A plan that {owner} made on {host} at {time}, on serial {} of the state.",
        plan.ground.serial
    );
    let shown = render::human(&plan, Paint(session.settings.color));
    Ok(format!("{}\n\n{shown}", escape::terminal(&made)))
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
    let resources = snapshot.resources.iter();
    resources.map(|(address, resource)| entry(address.as_str(), resource) + "\n").collect()
}

/// What the state keeps of a resource.
pub fn entry(address: &str, entry: &ResourceState) -> String {
    let mut out = format!("# {}\n", escape::terminal(address));
    for (path, value) in &entry.applied {
        let _ = writeln!(out, "  {path} = {}", shortened(value));
    }
    for path in entry.secrets.keys() {
        let _ = writeln!(out, "  {path} = (sensitive value)");
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
