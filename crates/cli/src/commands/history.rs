//! `plumb history`: what every run did.

use std::fmt::Write as _;

use anyhow::anyhow;
use model::Json;
use planner::render::escape;
use serde_json::json;
use state::{PastRun, StateStore, Went};

use crate::args::History;
use crate::engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Digits of a commit that tell it from others.
const COMMIT_DIGITS: usize = 7;

/// Lists the runs, the last first, or shows one.
pub async fn run(args: &History, session: &Session) -> Result<Exit, Failure> {
    let runs = engine::store(session, false).history().await?;
    let text = match args.number {
        Some(number) => {
            let past = runs.iter().find(|past| past.number == number);
            let past = past.ok_or_else(|| {
                anyhow!("there is no run {number} in the history; `plumb history` lists them")
            })?;
            if args.json { output::json(&one_json(past)) } else { one(past) }
        }
        None if args.json => output::json(&runs.iter().rev().map(one_json).collect()),
        None if runs.is_empty() => "No run has written the state yet.\n".to_owned(),
        None => table(&runs),
    };
    output::result(&text);
    Ok(Exit::Done)
}

fn table(runs: &[PastRun]) -> String {
    let rows: Vec<[String; 7]> = runs.iter().rev().map(row).collect();
    let head = ["RUN", "WHEN", "WHO", "COMMIT", "ENDED", "CHANGES", "COMMAND"].map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    for row in [&head].into_iter().chain(&rows) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    out
}

fn row(past: &PastRun) -> [String; 7] {
    let run = &past.report.run;
    let commit = run.commit.as_deref().map_or("-".to_owned(), |c| c.chars().take(COMMIT_DIGITS).collect());
    let who = escape::terminal(&format!("{}@{}", run.owner, run.host));
    let when = run.time.split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned() + "Z";
    [
        past.number.to_string(),
        escape::terminal(&when),
        who,
        escape::terminal(&commit),
        past.report.end.word().to_owned(),
        escape::terminal(&counted(past)),
        escape::terminal(&run.command),
    ]
}

/// `2 create, 1 update`; `-` if nothing was done.
fn counted(past: &PastRun) -> String {
    let counts: Vec<String> =
        past.counts().iter().map(|(action, count)| format!("{count} {action}")).collect();
    if counts.is_empty() { "-".to_owned() } else { counts.join(", ") }
}

fn one(past: &PastRun) -> String {
    let report = &past.report;
    let run = &report.run;
    let mut out = format!("Run {}: {}\n", past.number, escape::terminal(&run.command));
    let ended = match &report.ended {
        Some(ended) => format!("{ended} ({})", report.end.word()),
        None => format!("({})", report.end.word()),
    };
    let environment = if run.environment.is_empty() { "-" } else { &run.environment };
    for (label, value) in [
        ("who", format!("{} on {}", run.owner, run.host)),
        ("began", run.time.clone()),
        ("ended", ended),
        ("commit", run.commit.clone().unwrap_or_else(|| "-".to_owned())),
        ("cloud", run.cloud.clone()),
        ("environment", environment.to_owned()),
        ("serial", format!("{} -> {}", run.base_serial, past.serial)),
        ("lineage", run.lineage.clone()),
        ("version", run.tool.clone()),
    ] {
        let _ = writeln!(out, "  {label:12} {}", escape::terminal(&value));
    }
    for changed in &report.changes {
        let went = if changed.went == Went::Done { "" } else { changed.went.word() };
        let line = format!("  {:12} {} {went}", escape::terminal(&changed.action), changed.address);
        let _ = writeln!(out, "{}", escape::terminal(line.trim_end()));
    }
    out
}

fn one_json(past: &PastRun) -> Json {
    let report = &past.report;
    let run = &report.run;
    let changes: Vec<Json> = report
        .changes
        .iter()
        .map(|c| json!({ "address": c.address, "action": c.action, "went": c.went.word() }))
        .collect();
    json!({
        "number": past.number,
        "command": run.command,
        "owner": run.owner,
        "host": run.host,
        "commit": run.commit,
        "began": run.time,
        "ended": report.ended,
        "end": report.end.word(),
        "cloud": run.cloud,
        "environment": run.environment,
        "lineage": run.lineage,
        "serial_before": run.base_serial,
        "serial_after": past.serial,
        "counts": past.counts(),
        "changes": changes,
        "tool": run.tool,
    })
}
