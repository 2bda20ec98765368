//! Each folder of `testdata/plan` is a case; `plan.txt` is the plan as people read it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use model::{Diagnostics, Place, Severity, Sources};
use planner::Plan;
use planner::render::{self, Paint};

use crate::case::Case;

#[test]
fn plans_read_as_their_goldens_say() {
    let root = testkit::workspace_root().join("testdata/plan");
    let mut folders: Vec<_> = fs::read_dir(&root).expect("testdata").flatten().map(|e| e.path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    assert!(folders.len() > 20);
    for folder in folders {
        check(&folder);
    }
}

fn check(folder: &Path) {
    let case = Case::read(folder);
    let (text, plan) = match case.plan() {
        _ if case.diagnostics.has_errors() => (words(&case.sources, case.diagnostics), None),
        Err(diagnostics) => (words(&case.sources, diagnostics), None),
        Ok(plan) => {
            let wrong = words(&case.sources, plan.diagnostics.clone());
            (render::human(&plan, Paint(false)) + &wrong, Some(plan))
        }
    };
    testkit::golden(&folder.join("plan.txt"), &text);
    let Some(plan) = plan else { return };
    for (name, form) in FORMS {
        let path = folder.join(name);
        if path.exists() {
            testkit::golden(&path, &form(&plan));
        }
    }
    let always: [(&str, Form); 2] = [("steps.txt", steps), ("refreshed.txt", refreshed)];
    for (name, form) in always {
        let (path, text) = (folder.join(name), form(&plan));
        if !text.is_empty() || path.exists() {
            testkit::golden(&path, &text);
        }
    }
}

/// What the state takes over without a request, member by member; what stays as it is is left out.
fn refreshed(plan: &Plan) -> String {
    let mut out = String::new();
    for (address, entry) in &plan.refreshed {
        let prior = plan.change(address).and_then(|change| change.prior.as_ref());
        let json = |entry| serde_json::to_value(entry).expect("entries are JSON");
        let (before, after) = (prior.map_or_else(Default::default, json), json(entry));
        let _ = writeln!(out, "{address}");
        for (member, value) in after.as_object().expect("an object") {
            if before[member] != *value {
                let _ = writeln!(out, "    {member}: {} -> {value}", before[member]);
            }
        }
    }
    plan.lost.iter().for_each(|address| _ = writeln!(out, "{address} leaves the state"));
    plan.doubts.clone().sorted().iter().for_each(|doubt| _ = writeln!(out, "doubtful: {}", doubt.summary));
    out
}

type Form = fn(&Plan) -> String;

/// The other forms of a plan, for the cases that show them.
const FORMS: [(&str, Form); 2] = [("plan.json", json), ("plan.md", render::markdown)];

fn json(plan: &Plan) -> String {
    format!("{:#}\n", render::json(plan))
}

/// Diagnostics in plain words; the cli shows them with the lines that they are about.
fn words(sources: &Sources, diagnostics: Diagnostics) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.sorted() {
        let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
        let place = diagnostic.place.map(|p| spot(sources, p)).unwrap_or_default();
        let _ = writeln!(out, "\n{severity}: {place}{}", diagnostic.summary);
        for (place, words) in &diagnostic.related {
            let _ = writeln!(out, "    {}{words}", spot(sources, *place));
        }
        if let Some(help) = diagnostic.help {
            let _ = writeln!(out, "    {help}");
        }
    }
    out
}

fn spot(sources: &Sources, place: Place) -> String {
    let (line, column) = sources.position(place);
    format!("{}:{line}:{column}: ", sources.get(place.source).name)
}

/// The steps in their order: number, verb, address, what they set, what they wait for.
fn steps(plan: &Plan) -> String {
    let mut out = String::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let sets = if step.paths.is_empty() { String::new() } else { format!(" {}", step.paths.join(" ")) };
        let waits = if step.after.is_empty() { String::new() } else { format!(" after {:?}", step.after) };
        let from = step.moved_from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
        let _ = writeln!(out, "{index} {} {}{from}{sets}{waits}", step.verb.word(), step.address);
    }
    out
}
