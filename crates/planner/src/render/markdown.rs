//! The plan for a pull request: what destroys comes first, and the whole fits in one comment.

use model::{Diagnostic, Severity};

use super::escape;
use super::human::human;
use super::paint::Paint;
use crate::plan::{Action, Change, Plan};

/// GitHub refuses comments over 65,536 characters, and some proxies a little less.
const BYTES_MAX: usize = 60_000;

/// The whole plan.
pub fn markdown(plan: &Plan) -> String {
    let mut out = match plan.is_empty() && !plan.diagnostics.has_errors() {
        true => "### No changes\n\nYour infrastructure matches the manifests.\n".to_owned(),
        false => format!("### Plan: {}\n", plan.counts().planned()),
    };
    let cloud = escape::markdown(&plan.ground.cloud);
    out.push_str(&format!("\nCloud {cloud}.\n"));
    if let Some(past) = &plan.ground.reverts_to {
        out.push_str(&format!("\nGoes back to {}.\n", escape::markdown(&past.to_string())));
    }
    if plan.partial {
        out.push_str("\nThis plan is partial: `--target` or `--exclude` is in effect.\n");
    }
    let errors: Vec<Diagnostic> =
        plan.diagnostics.clone().sorted().into_iter().filter(|d| d.severity == Severity::Error).collect();
    if !errors.is_empty() {
        out.push_str("\n**It cannot be applied:**\n\n");
    }
    for error in &errors {
        out.push_str(&format!("- {}\n", escape::markdown(&error.summary)));
    }
    let destructive = |c: &&Change| matches!(c.action, Action::Delete | Action::Replace { .. });
    let lost: Vec<&Change> = plan.changes.iter().filter(destructive).collect();
    if !lost.is_empty() {
        out.push_str("\n**Destroys or replaces:**\n\n");
    }
    for change in &lost {
        let words = if change.action == Action::Delete { "destroyed" } else { "replaced" };
        let notes: String = change.notes.iter().map(|n| format!("; {}", escape::markdown(n))).collect();
        out.push_str(&format!("- {} is {words}{notes}\n", escape::markdown(&change.label())));
    }
    let body = diff_lines(&human(plan, Paint(false)));
    let room = BYTES_MAX.saturating_sub(out.len() + 200);
    let (body, cut) = cut(&body, room);
    let fence = escape::fence(body);
    if !plan.changes.is_empty() {
        out.push_str(&format!(
            "\n<details><summary>Show plan</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>\n"
        ));
    }
    if cut {
        out.push_str("\nThe plan is longer than a comment may be; the rest is in the job's output.\n");
    }
    out
}

/// Symbols in the first column, where a `diff` fence colours them.
fn diff_lines(text: &str) -> String {
    let moved = text.lines().map(|line| {
        let rest = line.trim_start();
        let indent = &line[..line.len() - rest.len()];
        match rest.chars().next() {
            Some(symbol @ ('+' | '-')) if !indent.is_empty() => format!("{symbol}{indent}{}", &rest[1..]),
            Some('~') if !indent.is_empty() => format!("!{indent}{}", &rest[1..]),
            Some(':') => format!(" {line}"),
            _ => line.to_owned(),
        }
    });
    moved.collect::<Vec<_>>().join("\n")
}

fn cut(text: &str, room: usize) -> (&str, bool) {
    if text.len() <= room {
        return (text, false);
    }
    let end = (0..=room).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    let end = text[..end].rfind('\n').unwrap_or(0);
    (&text[..end], true)
}
