//! The plan as people read it, in Terraform's symbols and words.

use std::fmt::Write as _;

use model::{Json, Severity};
use similar::{ChangeTag, TextDiff};

use super::paint::{Color, Paint};
use super::value::{inline, key, shown};
use super::escape;
use crate::plan::{Action, Change, Difference, Drift, Effect, Plan, Reason, Shown, TextChange};

/// The whole plan. `detail` off leaves the attributes out.
pub fn human(plan: &Plan, paint: Paint) -> String {
    let mut out = String::new();
    let ground = &plan.ground;
    let environment = if ground.environment.is_empty() { String::new() } else { format!(", environment {}", escape::terminal(&ground.environment)) };
    let _ = writeln!(out, "{}", paint.paint(Color::Dim, &format!("Cloud: {}{environment}", escape::terminal(&ground.cloud))));
    if !plan.drift.is_empty() {
        out.push('\n');
        out.push_str(&drift(&plan.drift, paint));
    }
    let active: Vec<&Change> = plan.changes.iter().filter(|c| c.action != Action::NoOp).collect();
    if !active.is_empty() {
        out.push_str("\nplumb will perform the following actions:\n");
    }
    for change in active {
        out.push('\n');
        block(&mut out, change, paint);
    }
    waiting(&mut out, plan, paint);
    outputs(&mut out, plan, paint);
    out.push('\n');
    out.push_str(&summary(plan, paint));
    out
}

/// `Plan: …`, or that there is nothing to do.
fn summary(plan: &Plan, paint: Paint) -> String {
    let blocked = plan.diagnostics.clone().into_iter().filter(|d| d.severity == Severity::Error).count();
    if plan.is_empty() && blocked == 0 {
        let words = paint.paint(Color::Green, "No changes.");
        return format!("{words} Your infrastructure matches the manifests.\n");
    }
    let counts = plan.counts();
    let import = if counts.import > 0 { format!("{} to import, ", counts.import) } else { String::new() };
    let more = [(counts.moved, "to move"), (counts.forget, "to forget")];
    let more: String = more.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!(", {n} {words}")).collect();
    let label = paint.paint(Color::Bold, "Plan:");
    let line = format!("{label} {import}{} to add, {} to change, {} to destroy{more}.\n", counts.add, counts.change, counts.destroy);
    if blocked > 0 { format!("{line}This plan cannot be applied; see above or below for why.\n") } else { line }
}

/// What somebody changed, resource by resource.
pub fn drift(drift: &[Drift], paint: Paint) -> String {
    let mut out = String::from("Changed outside plumb since the last apply:\n\n");
    for item in drift {
        let address = escape::terminal(item.address.as_str());
        match (item.gone, item.unmanaged) {
            (true, _) => _ = writeln!(out, "  {} {address} is gone", paint.symbol("-")),
            (false, true) => _ = writeln!(out, "  {} {address} has values that no document manages", paint.symbol("~")),
            (false, false) => _ = writeln!(out, "  {} {address}", paint.symbol("~")),
        }
        for (attribute, applied, live) in &item.attributes {
            let words = |v: &Option<Json>| v.as_ref().map_or("null".to_owned(), inline);
            let _ = writeln!(out, "      {} {} = {} -> {}", paint.symbol("~"), attribute.path, words(applied), words(live));
        }
    }
    out
}

/// Differences that wait for a replacement, of resources that nothing is done to.
fn waiting(out: &mut String, plan: &Plan, paint: Paint) {
    let held: Vec<&Change> = plan.changes.iter().filter(|c| c.action == Action::NoOp && !c.notes.is_empty()).collect();
    if held.is_empty() {
        return;
    }
    out.push_str("\nNothing is done now about:\n");
    for change in held {
        let _ = writeln!(out, "\n  # {}", escape::terminal(change.address.as_str()));
        notes(out, change, paint);
        attributes(out, change, paint);
    }
}

fn outputs(out: &mut String, plan: &Plan, paint: Paint) {
    let changed: Vec<_> = plan.outputs.iter().filter(|(_, o)| !o.is_same()).collect();
    if changed.is_empty() {
        return;
    }
    out.push_str("\nChanges to outputs:\n");
    for (name, output) in changed {
        let (symbol, text) = match (&output.before, &output.after) {
            (None, after) => ("+", shown(after)),
            (Some(before), Shown::Absent) => ("-", inline(before)),
            (Some(before), after) => ("~", format!("{} -> {}", inline(before), shown(after))),
        };
        let _ = writeln!(out, "  {} {} = {text}", paint.symbol(symbol), key(name));
    }
}

/// One resource.
fn block(out: &mut String, change: &Change, paint: Paint) {
    let address = escape::terminal(change.address.as_str());
    if let Some(previous) = &change.previous {
        let _ = writeln!(out, "  # {} has moved to {address}", escape::terminal(previous.as_str()));
    }
    if change.action != Action::Move {
        let _ = writeln!(out, "  {}", paint.paint(Color::Bold, &format!("# {address} {}", headline(change))));
    }
    notes(out, change, paint);
    let _ = writeln!(out, "{} {} {} {{", margin(change.action, paint), change.kind.name, escape::quoted(change.address.id()));
    attributes(out, change, paint);
    let hidden = change.unchanged.len();
    if hidden > 0 && change.action != Action::Adopt {
        let _ = writeln!(out, "        {}", paint.paint(Color::Dim, &format!("# ({hidden} unchanged attributes hidden)")));
    }
    let _ = writeln!(out, "    }}");
}

fn headline(change: &Change) -> String {
    let why = match change.reason {
        Some(Reason::Drift) => " (drift: it was changed outside plumb)",
        Some(Reason::Both) => " (both the manifests and Azure changed)",
        _ => "",
    };
    match (change.action, change.reason) {
        (Action::Create, Some(Reason::Drift)) => "will be created again: it is gone from Azure".to_owned(),
        (Action::Create, _) => "will be created".to_owned(),
        (Action::Update, _) => format!("will be updated in-place{why}"),
        (Action::Replace { .. }, Some(Reason::Tainted)) => "is tainted, so must be replaced".to_owned(),
        (Action::Replace { .. }, Some(Reason::ParentReplaced)) => "must be replaced, because what it lies in is replaced".to_owned(),
        (Action::Replace { .. }, Some(Reason::Requested)) => "will be replaced, as requested".to_owned(),
        (Action::Replace { .. }, _) => format!("must be replaced{why}"),
        (Action::Delete, Some(Reason::Requested)) => "will be destroyed".to_owned(),
        (Action::Delete, _) => "will be destroyed: no document declares it".to_owned(),
        (Action::Adopt, _) if change.differences.is_empty() => "will be imported".to_owned(),
        (Action::Adopt, _) => "will be imported and updated in-place".to_owned(),
        (Action::Forget, _) => "will be forgotten; it stays in Azure".to_owned(),
        (Action::Start, _) => "will be started".to_owned(),
        (Action::Stop, _) => "will be stopped".to_owned(),
        (Action::Restart, _) => "will be restarted".to_owned(),
        (Action::Move, _) | (Action::NoOp, _) => String::new(),
    }
}

/// The symbol before the block, right-aligned to three columns.
fn margin(action: Action, paint: Paint) -> String {
    let symbol = match action {
        Action::Create => "  +",
        Action::Update | Action::Start | Action::Stop | Action::Restart => "  ~",
        Action::Replace { create_first: false } => "-/+",
        Action::Replace { create_first: true } => "+/-",
        Action::Delete => "  -",
        Action::Adopt => " <=",
        Action::Forget => "  .",
        Action::Move | Action::NoOp => "   ",
    };
    paint.symbol(symbol)
}

fn notes(out: &mut String, change: &Change, paint: Paint) {
    for note in &change.notes {
        let _ = writeln!(out, "  {}", paint.paint(Color::Dim, &format!("# {}", escape::terminal(note))));
    }
}

fn attributes(out: &mut String, change: &Change, paint: Paint) {
    let lines: Vec<&Difference> = change.differences.iter().filter(|d| is_shown(d)).collect();
    let width = lines.iter().map(|d| d.attribute.path.len()).max().unwrap_or(0);
    for difference in lines {
        let text = change.text.as_ref().filter(|t| t.path == difference.attribute.path);
        match text {
            Some(text) => script(out, text, width, paint),
            None => attribute(out, difference, width, paint),
        }
    }
}

/// A replacement sets every value anew; those that stay the same are not worth a line.
fn is_shown(difference: &Difference) -> bool {
    let nothing = difference.before == Shown::Absent && difference.after == Shown::Absent;
    let same = difference.effect == Effect::Whole && difference.before == difference.after;
    !nothing && !same
}

fn attribute(out: &mut String, difference: &Difference, width: usize, paint: Paint) {
    let path = difference.attribute.path;
    let replacing = if difference.effect == Effect::Replace { paint.paint(Color::Red, " # forces replacement") } else { String::new() };
    let applied = difference.applied.as_ref().map(|v| paint.paint(Color::Dim, &format!(" # applied: {}", inline(v)))).unwrap_or_default();
    let (symbol, value) = match (&difference.before, &difference.after) {
        (Shown::Absent, after) => ("+", pretty(after, 6)),
        (before, Shown::Absent) => ("-", format!("{} -> null", shown(before))),
        (Shown::Known(Json::Object(before)), Shown::Known(Json::Object(after))) => ("~", map_change(before, after, paint)),
        (Shown::Known(Json::Array(before)), Shown::Known(Json::Array(after))) => ("~", list_change(before, after, paint)),
        (before, after) if before == after => ("~", format!("{} (changed)", shown(after))),
        (before, after) => ("~", format!("{} -> {}", shown(before), shown(after))),
    };
    let _ = writeln!(out, "      {} {path:width$} = {value}{replacing}{applied}", paint.symbol(symbol));
}

/// A value over several lines where it is a map or a list of objects, or a longer text.
fn pretty(value: &Shown, indent: usize) -> String {
    let pad = " ".repeat(indent + 4);
    let close = " ".repeat(indent + 2);
    match value {
        Shown::Known(Json::Object(map)) if !map.is_empty() => {
            let lines: String = map.iter().map(|(k, v)| format!("{pad}{} = {}\n", key(k), inline(v))).collect();
            format!("{{\n{lines}{close}}}")
        }
        Shown::Known(Json::Array(list)) if list.iter().any(Json::is_object) => {
            let lines: String = list.iter().map(|v| format!("{pad}{},\n", inline(v))).collect();
            format!("[\n{lines}{close}]")
        }
        Shown::Known(Json::String(text)) if text.contains('\n') => {
            let lines: String = text.lines().map(|l| format!("{pad}{}\n", escape::terminal(l))).collect();
            format!("<<EOT\n{lines}{close}EOT")
        }
        other => shown(other),
    }
}

fn map_change(before: &serde_json::Map<String, Json>, after: &serde_json::Map<String, Json>, paint: Paint) -> String {
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut lines = String::new();
    let mut same = 0;
    for name in keys {
        let (symbol, text) = match (before.get(name), after.get(name)) {
            (Some(a), Some(b)) if a == b => {
                same += 1;
                continue;
            }
            (Some(a), Some(b)) => ("~", format!("{} -> {}", inline(a), inline(b))),
            (Some(a), None) => ("-", format!("{} -> null", inline(a))),
            (None, Some(b)) => ("+", inline(b)),
            (None, None) => continue,
        };
        let _ = writeln!(lines, "          {} {} = {text}", paint.symbol(symbol), key(name));
    }
    if same > 0 {
        let _ = writeln!(lines, "            {}", paint.paint(Color::Dim, &format!("# ({same} unchanged elements hidden)")));
    }
    format!("{{\n{lines}        }}")
}

fn list_change(before: &[Json], after: &[Json], paint: Paint) -> String {
    let (old, new): (Vec<String>, Vec<String>) = (before.iter().map(inline).collect(), after.iter().map(inline).collect());
    let mut lines = String::new();
    for change in similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new).iter().flat_map(|op| op.iter_changes(&old, &new)) {
        let symbol = match change.tag() {
            ChangeTag::Delete => "-",
            ChangeTag::Insert => "+",
            ChangeTag::Equal => " ",
        };
        let _ = writeln!(lines, "          {} {},", paint.symbol(symbol), change.value());
    }
    format!("[\n{lines}        ]")
}

/// A changed script, line by line, with three lines of context.
fn script(out: &mut String, text: &TextChange, width: usize, paint: Paint) {
    let _ = writeln!(out, "      {} {:width$} = <<EOT", paint.symbol("~"), text.path);
    let diff = TextDiff::from_lines(&text.before, &text.after);
    for (index, group) in diff.grouped_ops(3).iter().enumerate() {
        if index > 0 {
            let _ = writeln!(out, "            {}", paint.paint(Color::Dim, "…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = escape::terminal(change.value().trim_end_matches('\n'));
            let text = match change.tag() {
                ChangeTag::Delete => paint.paint(Color::Red, &format!("- {line}")),
                ChangeTag::Insert => paint.paint(Color::Green, &format!("+ {line}")),
                ChangeTag::Equal => format!("  {line}"),
            };
            let _ = writeln!(out, "          {text}");
        }
    }
    let _ = writeln!(out, "        EOT");
}
