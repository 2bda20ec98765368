//! Diagnostics on a terminal, with their source frames, and as JSON.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use model::{Diagnostic, Json, Place, Severity, Sources};
use planner::render::escape;
use serde_json::json;

/// A source line longer than this is not shown in a frame.
const LINE_MAX: usize = 400;

/// All of them, in file order, and a line that counts them.
pub fn human(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&one(diagnostic, sources, &renderer));
        out.push_str("\n\n");
    }
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let parts = [(errors, "error"), (warnings, "warning")];
    let words: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, w)| format!("{n} {w}{}", if *n == 1 { "" } else { "s" }))
        .collect();
    out.push_str(&words.join(", "));
    out.push('\n');
    out
}

fn one(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = escape::terminal(&diagnostic.summary);
    let label = diagnostic.label.as_deref().map(escape::terminal).unwrap_or_default();
    let related: Vec<(Place, String)> =
        diagnostic.related.iter().map(|(place, words)| (*place, escape::terminal(words))).collect();
    let help = diagnostic.help.as_deref().map(escape::terminal);
    let mut frames: Vec<Frame> = Vec::new();
    if let Some(place) = diagnostic.place {
        let mut frame = Frame::new(sources, place, AnnotationKind::Primary, &label);
        if is_about_a_secret(diagnostic) {
            frame.hide();
        }
        frames.push(frame);
    }
    frames.extend(
        related.iter().map(|(place, words)| Frame::new(sources, *place, AnnotationKind::Context, words)),
    );
    let mut group = Group::with_title(level.primary_title(title.as_str()));
    for frame in &frames {
        group = group.element(frame.snippet());
    }
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group]).to_string()
}

/// Whether the line may hold a secret in clear.
fn is_about_a_secret(diagnostic: &Diagnostic) -> bool {
    let kind = diagnostic.address.as_ref().and_then(|a| model::kinds::find(a.kind()));
    let attribute = kind.zip(diagnostic.attribute.as_deref()).and_then(|(k, path)| k.attribute(path));
    diagnostic.secret || attribute.is_some_and(|a| a.sensitivity == model::Sensitivity::Secret)
}

/// The line of one place, made harmless for a terminal, with the columns that the mark goes to.
struct Frame<'a> {
    name: String,
    line: usize,
    text: String,
    mark: std::ops::Range<usize>,
    kind: AnnotationKind,
    label: &'a str,
}

impl<'a> Frame<'a> {
    fn new(sources: &Sources, place: Place, kind: AnnotationKind, label: &'a str) -> Self {
        let source = sources.get(place.source);
        let (line, column) = sources.position(place);
        let raw = source.text.lines().nth(line - 1).unwrap_or_default();
        let before: String = raw.chars().take(column - 1).collect();
        let marked =
            (place.end.saturating_sub(place.start) as usize).min(raw.len().saturating_sub(before.len()));
        let mut end = before.len() + marked;
        while !raw.is_char_boundary(end) {
            end += 1;
        }
        let (head, middle, tail) = (
            escape::terminal(&before),
            escape::terminal(&raw[before.len()..end]),
            escape::terminal(&raw[end..]),
        );
        let name = escape::terminal(&source.name);
        let mark = head.len()..(head.len() + middle.len()).max(head.len() + 1);
        let mut shown = format!("{head}{middle}{tail}");
        if shown.len() < mark.end {
            shown.push(' ');
        }
        let mut frame = Self { name, line, text: shown, mark, kind, label };
        if source.hidden {
            frame.hide();
        } else if frame.text.len() > LINE_MAX {
            frame.replace("(a long line)");
        }
        frame
    }

    fn hide(&mut self) {
        self.replace("(sensitive value)");
    }

    fn replace(&mut self, text: &str) {
        self.text = text.to_owned();
        self.mark = 0..text.len();
    }

    fn snippet(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let annotation = self.kind.span(self.mark.clone()).label(self.label);
        Snippet::source(self.text.as_str())
            .line_start(self.line)
            .path(self.name.as_str())
            .annotation(annotation)
    }
}

/// In the shape of `terraform validate -json`.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> Json {
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    json!({
        "format_version": "1.0",
        "valid": count(Severity::Error) == 0,
        "error_count": count(Severity::Error),
        "warning_count": count(Severity::Warning),
        "diagnostics": diagnostics.iter().map(|d| one_json(d, sources)).collect::<Vec<_>>(),
    })
}

fn one_json(diagnostic: &Diagnostic, sources: &Sources) -> Json {
    let mut value = json!({
        "severity": if diagnostic.severity == Severity::Error { "error" } else { "warning" },
        "summary": diagnostic.summary,
        "detail": diagnostic.help.clone().unwrap_or_default(),
    });
    if let Some(place) = diagnostic.place {
        let end = Place { start: place.end, ..place };
        let position = |place: Place| {
            let (line, column) = sources.position(place);
            json!({ "line": line, "column": column, "byte": place.start })
        };
        value["range"] = json!({
            "filename": sources.get(place.source).name,
            "start": position(place),
            "end": position(end),
        });
    }
    if let Some(address) = &diagnostic.address {
        value["address"] = json!(address);
    }
    value
}
