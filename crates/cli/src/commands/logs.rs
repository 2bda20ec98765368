//! `plumb logs`: what the setup scripts of an instance wrote.

use std::fmt::Write as _;

use anyhow::anyhow;
use executor::{CloudError, Log, Provider, Tail, logs, tail};
use model::{Address, ArmId, ResourceState};
use planner::render::escape;
use serde_json::json;

use crate::args::{Logs, Planning, ScriptRole};
use crate::commands::state::find;
use crate::engine::{self, Engine};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Lists them, and prints the latest, or all.
pub async fn run(args: &Logs, session: &Session) -> Result<Exit, Failure> {
    let snapshot = engine::snapshot(session).await?;
    let address = find(&snapshot, &args.address)?;
    let entry = &snapshot.resources[address];
    let id = entry.arm_id.as_ref().filter(|_| entry.kind == "instance");
    let id = id.ok_or_else(|| anyhow!("{address} is no instance: only instances run setup scripts"))?;
    let planning = Planning::reading();
    let engine = Engine::read_only(session, &planning, output::progress::Mode::Quiet).await?;
    let read = read(args, engine.provider(), id).await;
    engine.stop().await;
    let (listed, tails) = read?;
    let text = match () {
        () if args.json => json(&listed, &tails),
        () if listed.is_empty() => nothing(args, address, id, entry),
        () => text(&listed, &tails),
    };
    output::result(&text);
    Ok(Exit::Done)
}

/// The logs that are asked for, and the text of those that are shown.
async fn read(args: &Logs, provider: &dyn Provider, id: &ArmId) -> Result<(Vec<Log>, Vec<Tail>), CloudError> {
    let mut listed = logs(provider, id).await?;
    listed.retain(|log| args.script.is_none_or(|role| is_of(log, role)));
    let shown = if args.all { 0 } else { listed.len().saturating_sub(1) };
    let mut tails = Vec::new();
    for log in &listed[shown..] {
        tails.extend(tail(provider, id, log, args.tail.unwrap_or(usize::MAX)).await?);
    }
    Ok((listed, tails))
}

/// Whether a log is of that script, as far as its name tells.
fn is_of(log: &Log, role: ScriptRole) -> bool {
    let name = log.path.rsplit('/').next().unwrap_or_default().to_lowercase();
    name.contains(match role {
        ScriptRole::Creation => "creation",
        ScriptRole::Startup => "startup",
    })
}

fn nothing(args: &Logs, address: &Address, id: &ArmId, entry: &ResourceState) -> String {
    let folder = format!("Logs/{}", id.name());
    let scripts = entry.applied.keys().any(|path| path.starts_with("setup_scripts."));
    let why = match (args.script, scripts) {
        (Some(_), _) => "without --script all that there are are listed",
        (None, true) => "they come when a setup script begins to run",
        (None, false) => "it was made without setup scripts",
    };
    format!(
        "{address} has no such logs: there are none in {folder} on the file share of its workspace; {why}.\n"
    )
}

fn text(listed: &[Log], tails: &[Tail]) -> String {
    let mut out = String::new();
    for log in listed {
        let time = log.modified.map_or_else(|| "-".to_owned(), |time| time.to_string());
        let _ = writeln!(out, "{time:20} {:>9} bytes  {}", log.length, escape::terminal(&log.path));
    }
    for tail in tails {
        let _ = writeln!(out, "\n==> {}", escape::terminal(&tail.path));
        if tail.is_cut {
            out.push_str("…\n");
        }
        if tail.lines.is_empty() {
            out.push_str("(nothing was written)\n");
        }
        tail.lines.iter().for_each(|line| out.push_str(&format!("{}\n", escape::terminal(line))));
    }
    out
}

fn json(listed: &[Log], tails: &[Tail]) -> String {
    let logs: Vec<model::Json> = listed
        .iter()
        .map(|log| {
            let tail = tails.iter().find(|tail| tail.path == log.path);
            json!({
                "path": log.path,
                "modified": log.modified.map(|time| time.to_string()),
                "length": log.length,
                "lines": tail.map(|tail| &tail.lines),
                "is_cut": tail.map(|tail| tail.is_cut),
            })
        })
        .collect();
    output::json(&json!(logs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_wrote_commands_no_terminal_and_no_runner() {
        let log = Log { path: "Logs/ci/a\u{1b}[2J.log".to_owned(), modified: None, length: 9 };
        let lines = ["\u{1b}[31mred", "::set-output name=x::y", "##vso[task.setvariable]z", "plain"];
        let tail = Tail { path: log.path.clone(), lines: lines.map(str::to_owned).to_vec(), is_cut: true };
        let shown = text(&[log], &[tail]);
        assert!(!shown.contains('\u{1b}') && shown.contains("\nplain\n") && shown.contains("…\n"), "{shown}");
        assert!(shown.lines().all(|line| !line.starts_with("::") && !line.contains("##vso[")), "{shown}");
    }
}
