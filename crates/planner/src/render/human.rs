//! The plan as people read it, in Terraform's symbols and words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::compare::normal;
use model::{Attribute, Compare, Json, Severity};
use similar::{Algorithm, ChangeTag, TextDiff, capture_diff_slices};

use super::escape;
use super::paint::{Color, Paint};
use super::value::{aligned, brief, counted, inline, key, shown};
use crate::plan::{Action, Change, Difference, Drift, Effect, Plan, Reason, Shown};

type Map = serde_json::Map<String, Json>;

/// The whole plan.
pub fn human(plan: &Plan, paint: Paint) -> String {
    let mut out = String::new();
    let ground = &plan.ground;
    let environment = if ground.environment.is_empty() {
        String::new()
    } else {
        format!(", environment {}", escape::terminal(&ground.environment))
    };
    let _ = writeln!(
        out,
        "{}",
        paint.paint(Color::Dim, &format!("Cloud: {}{environment}", escape::terminal(&ground.cloud)))
    );
    if let Some(past) = &ground.reverts_to {
        let _ = writeln!(out, "Goes back to {}.", escape::terminal(&past.to_string()));
    }
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
    if plan.refresh_only && blocked == 0 {
        return accepted(plan, paint);
    }
    if plan.is_empty() && blocked == 0 {
        let words = paint.paint(Color::Green, "No changes.");
        let rest = match plan.ground.reverts_to {
            _ if plan.partial => "What the plan is about matches the manifests.",
            _ if plan.changes.iter().any(is_waiting) => "What is listed above waits.",
            Some(_) => "Your infrastructure is as it was then.",
            None => "Your infrastructure matches the manifests.",
        };
        return format!("{words} {rest}\n");
    }
    let label = paint.paint(Color::Bold, "Plan:");
    let line = format!("{label} {}.\n", plan.counts().planned());
    if blocked > 0 { format!("{line}This plan cannot be applied; the errors say why.\n") } else { line }
}

/// What becomes of drift that is accepted.
fn accepted(plan: &Plan, paint: Paint) -> String {
    if plan.is_empty() {
        let words = paint.paint(Color::Green, "No changes.");
        return format!("{words} The state is as Azure is.\n");
    }
    "This plan only brings the state up to date: applied, it records what is listed above, and changes nothing in Azure.\n\
     What the manifests want otherwise, the next plan shows.\n"
        .to_owned()
}

/// What somebody changed, resource by resource.
pub fn drift(drift: &[Drift], paint: Paint) -> String {
    let mut out = String::from("Changed outside plumb since the last apply:\n\n");
    for item in drift {
        let address = escape::terminal(item.address.as_str());
        match (item.gone, item.unmanaged) {
            (true, _) => _ = writeln!(out, "  {} {address} is gone", paint.symbol("-")),
            (false, true) => {
                _ = writeln!(out, "  {} {address} has values that no document manages", paint.symbol("~"))
            }
            (false, false) => _ = writeln!(out, "  {} {address}", paint.symbol("~")),
        }
        for (attribute, applied, live) in item.attributes.iter().filter(|_| !item.gone) {
            let words = |v: &Option<Json>| brief(&v.clone().map_or(Shown::Absent, Shown::Known));
            let _ = writeln!(
                out,
                "      {} {} = {} -> {}",
                paint.symbol("~"),
                attribute.path,
                words(applied),
                words(live)
            );
        }
    }
    out
}

fn is_waiting(change: &Change) -> bool {
    change.action == Action::NoOp && !change.notes.is_empty()
}

/// Differences that wait for a replacement, of resources that nothing is done to.
fn waiting(out: &mut String, plan: &Plan, paint: Paint) {
    let held: Vec<&Change> = plan.changes.iter().filter(|c| is_waiting(c)).collect();
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
        let (symbol, text) = match (output.stored(), &output.after) {
            (Shown::Absent, after) => ("+", shown(after)),
            (before, Shown::Absent) => ("-", format!("{} -> null", shown(&before))),
            (before, after) => ("~", format!("{} -> {}", shown(&before), shown(after))),
        };
        let _ = writeln!(out, "  {} {} = {text}", paint.symbol(symbol), key(name));
    }
}

/// One resource.
fn block(out: &mut String, change: &Change, paint: Paint) {
    let address = escape::terminal(change.address.as_str());
    if let Some(previous) = change.previous.as_ref().filter(|_| !change.deposed) {
        let _ = writeln!(out, "  # {} has moved to {address}", escape::terminal(previous.as_str()));
    }
    if change.action != Action::Move {
        let label = escape::terminal(&change.label());
        let _ = writeln!(out, "  {}", paint.paint(Color::Bold, &format!("# {label} {}", headline(change))));
    }
    notes(out, change, paint);
    let _ = writeln!(
        out,
        "{} {} {} {{",
        margin(change.action, paint),
        change.kind.name,
        escape::quoted(change.address.id())
    );
    match change.action {
        Action::Forget => kept(out, change),
        _ => attributes(out, change, paint),
    }
    unchanged(out, change, paint);
    let _ = writeln!(out, "    }}");
}

/// What a resource has that is forgotten and stays.
fn kept(out: &mut String, change: &Change) {
    let entries =
        change.differences.iter().map(|d| (d.attribute.path.to_owned(), brief(&d.before))).collect();
    aligned(entries).for_each(|line| out.push_str(&format!("        {line}\n")));
}

/// What stays as it is: shown where it enters the state, counted elsewhere.
fn unchanged(out: &mut String, change: &Change, paint: Paint) {
    let count = change.unchanged.len();
    if change.action == Action::Adopt {
        let value = |value: &Json| brief(&Shown::Known(value.clone()));
        let entries = change.unchanged.iter().map(|(a, v)| (a.path.to_owned(), value(v))).collect();
        aligned(entries).for_each(|line| out.push_str(&format!("        {line}\n")));
    } else if count > 0 {
        let words = format!("# ({} hidden)", counted(count, "unchanged attribute"));
        let _ = writeln!(out, "        {}", paint.paint(Color::Dim, &words));
    }
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
        (Action::Replace { .. }, Some(Reason::ParentReplaced)) => {
            "must be replaced, because what it lies in is replaced".to_owned()
        }
        (Action::Replace { .. }, Some(Reason::Triggered)) => {
            "will be replaced, because of changes in `replace_on`".to_owned()
        }
        (Action::Replace { .. }, Some(Reason::Requested)) => "will be replaced, as requested".to_owned(),
        (Action::Replace { .. }, _) => format!("must be replaced{why}"),
        (Action::Delete, Some(Reason::Requested | Reason::Deposed)) => "will be destroyed".to_owned(),
        (Action::Delete, Some(Reason::Repetition)) if change.address.key().is_some() => {
            "will be destroyed: its document has no `for_each` any more".to_owned()
        }
        (Action::Delete, Some(Reason::Repetition)) => {
            "will be destroyed: its document has `for_each` now".to_owned()
        }
        (Action::Delete, _) if change.address.key().is_some() => {
            "will be destroyed: no `for_each` has its key".to_owned()
        }
        (Action::Delete, _) => "will be destroyed: no document declares it".to_owned(),
        (Action::Adopt, _) if !change.is_taken_over() => {
            "is in Azure already, and not in the state".to_owned()
        }
        (Action::Adopt, _) if change.differences.is_empty() => "will be imported".to_owned(),
        (Action::Adopt, _) => "will be imported and updated in-place".to_owned(),
        (Action::Forget, _) => "will no longer be managed by plumb, but will not be destroyed".to_owned(),
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
        match long_texts(difference) {
            Some((before, after)) => script(out, difference.attribute.path, (before, after), width, paint),
            None => attribute(out, difference, width, paint),
        }
    }
}

/// Both sides of a text of several lines, which is shown line by line.
fn long_texts(difference: &Difference) -> Option<(&str, &str)> {
    match (&difference.before, &difference.after) {
        (Shown::Known(Json::String(before)), Shown::Known(Json::String(after))) => [before, after]
            .iter()
            .any(|text| text.contains('\n'))
            .then_some((before.as_str(), after.as_str())),
        _ => None,
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
    let replacing = if difference.effect == Effect::Replace {
        paint.paint(Color::Red, " # forces replacement")
    } else {
        String::new()
    };
    let applied = difference
        .applied
        .as_ref()
        .map(|v| paint.paint(Color::Dim, &format!(" # applied: {}", inline(v))))
        .unwrap_or_default();
    let (symbol, value) = match (&difference.before, &difference.after) {
        (Shown::Absent, after) => ("+", pretty(after, 6)),
        (before, Shown::Absent) => ("-", format!("{} -> null", brief(before))),
        (Shown::Known(Json::Object(before)), Shown::Known(Json::Object(after))) => {
            ("~", map_change(before, after, paint))
        }
        (Shown::Known(Json::Array(before)), Shown::Known(Json::Array(after))) => {
            ("~", list_change(difference.attribute, before, after, paint))
        }
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
            let entries = map.iter().map(|(k, v)| (key(k), inline(v))).collect();
            let lines: String = aligned(entries).map(|line| format!("{pad}{line}\n")).collect();
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

fn map_change(before: &Map, after: &Map, paint: Paint) -> String {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let (same, changed): (Vec<&String>, Vec<&String>) =
        names.into_iter().partition(|n| before.get(*n) == after.get(*n));
    let change = |name: &String| match (before.get(name), after.get(name)) {
        (Some(a), Some(b)) => ("~", format!("{} -> {}", inline(a), inline(b))),
        (Some(a), None) => ("-", format!("{} -> null", inline(a))),
        (None, after) => ("+", after.map(inline).unwrap_or_default()),
    };
    let (symbols, entries): (Vec<_>, Vec<_>) = changed
        .into_iter()
        .map(|name| (name, change(name)))
        .map(|(name, (symbol, text))| (symbol, (key(name), text)))
        .unzip();
    let mut lines = String::new();
    for (symbol, line) in symbols.iter().zip(aligned(entries)) {
        let _ = writeln!(lines, "          {} {line}", paint.symbol(symbol));
    }
    if !same.is_empty() {
        let _ = writeln!(
            lines,
            "            {}",
            paint.paint(Color::Dim, &format!("# ({} hidden)", counted(same.len(), "unchanged element")))
        );
    }
    format!("{{\n{lines}        }}")
}

/// Elements that went, came and stayed. Where order does not matter, a new order is no change.
fn list_change(attribute: &Attribute, before: &[Json], after: &[Json], paint: Paint) -> String {
    let elements = |list: &[Json]| -> Vec<(String, String)> {
        let form = |v: &Json| normal(attribute, &Json::Array(vec![v.clone()])).to_string();
        let mut elements: Vec<_> = list.iter().map(|v| (form(v), inline(v))).collect();
        if attribute.compare == Compare::Set {
            elements.sort();
        }
        elements
    };
    let (old, new) = (elements(before), elements(after));
    let forms =
        |list: &[(String, String)]| -> Vec<String> { list.iter().map(|(form, _)| form.clone()).collect() };
    let mut lines = String::new();
    for op in capture_diff_slices(Algorithm::Myers, &forms(&old), &forms(&new)) {
        for (tag, elements) in op.iter_slices(&old, &new) {
            let symbol = match tag {
                ChangeTag::Delete => "-",
                ChangeTag::Insert => "+",
                ChangeTag::Equal => " ",
            };
            for (_, element) in elements {
                let _ = writeln!(lines, "          {} {element},", paint.symbol(symbol));
            }
        }
    }
    format!("[\n{lines}        ]")
}

/// A changed text, line by line, with three lines of context.
fn script(out: &mut String, path: &str, (before, after): (&str, &str), width: usize, paint: Paint) {
    let _ = writeln!(out, "      {} {path:width$} = <<EOT", paint.symbol("~"));
    let diff = TextDiff::from_lines(before, after);
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
