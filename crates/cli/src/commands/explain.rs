//! `plumb explain`: kinds and attributes, from their tables, and what built-in components take and give.

use std::fmt::Write as _;

use anyhow::bail;
use manifest::built_in::{self, BUILT_IN, BuiltIn, Interface};
use model::body::default_of;
use model::header::HEADER;
use model::kinds::{self, KINDS};
use model::rule::nearest;
use model::schema::{Default, Need, Unit};
use model::{Attribute, Change, Kind, Type};
use planner::render::inline;

use crate::args::Explain;
use crate::exit::Exit;
use crate::output;

/// Prints what is asked about.
pub fn run(args: &Explain) -> anyhow::Result<Exit> {
    let text = match args.path.as_deref() {
        None => all(),
        Some(path) => one(path)?,
    };
    output::result(&text);
    Ok(Exit::Done)
}

fn all() -> String {
    let mut out = String::from("Kinds:\n\n");
    for kind in KINDS {
        let _ = writeln!(out, "  {:24} {}", kind.name, kind.summary);
    }
    out.push_str("\nComponents that are part of plumb, for `uses`:\n\n");
    for built_in in &BUILT_IN {
        let _ = writeln!(out, "  {:24} {}", built_in.name, built_in.interface().description);
    }
    out.push_str("\nEvery document may also have:\n\n");
    for key in HEADER {
        let _ = writeln!(out, "  {:33} {}", key.path, key.doc);
    }
    out.push_str("\n`plumb explain KIND` and `plumb explain KIND.PATH` say more.\n");
    out
}

fn one(path: &str) -> anyhow::Result<String> {
    if let Some(built_in) = built_in::find(path) {
        return Ok(component(built_in));
    }
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let asked = if kinds::find(name).is_some() { rest } else { Some(path) };
    if let Some(text) = asked.and_then(header) {
        return Ok(text);
    }
    let Some(kind) = kinds::find(name) else {
        let components = BUILT_IN.iter().map(|built_in| built_in.name);
        let (what, near) = match path.contains('/') {
            true => ("built-in component", nearest(path, components)),
            false => ("kind", nearest(name, KINDS.iter().map(|k| k.name))),
        };
        bail!(
            "there is no {what} `{}`{}",
            if path.contains('/') { path } else { name },
            near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
        );
    };
    match rest {
        None => Ok(whole(kind)),
        Some(rest) => below(kind, rest),
    }
}

/// What a component takes and gives.
fn component(built_in: &BuiltIn) -> String {
    let Interface { description, inputs, outputs } = built_in.interface();
    let mut out = format!("{}: {description}\n\nInputs, below `with` (* must be given):\n\n", built_in.name);
    for (name, input) in &inputs {
        let mark = if input.default.is_none() { "*" } else { " " };
        let words = input.description.as_deref().unwrap_or_default();
        let _ = writeln!(out, "{mark} {name:18} {:8} {words}", input.value_type.word());
        let secret = if input.sensitive { " A secret." } else { "" };
        if let Some(default) = &input.default {
            let _ = writeln!(out, "  {:18} {:8} Default: {}.{secret}", "", "", inline(default));
        }
    }
    out.push_str("\nOutputs, `${component[\"NAME\"].OUTPUT}`:\n\n");
    for name in outputs.keys() {
        let _ = writeln!(out, "  {name}");
    }
    let _ = writeln!(
        out,
        "\nuses: {}\nname: NAME\nwith: {{ {} }}",
        built_in.name,
        inputs
            .iter()
            .filter(|(_, i)| i.default.is_none())
            .map(|(n, _)| format!("{n}: …"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    out
}

/// A header key, or a group of them; every kind has them.
fn header(path: &str) -> Option<String> {
    let prefix = format!("{path}.");
    let keys = HEADER.iter().filter(|k| k.path == path || k.path.starts_with(&prefix));
    let text: String = keys.map(|k| format!("{}: {}\n", k.path, k.doc)).collect();
    (!text.is_empty()).then_some(text)
}

fn whole(kind: &Kind) -> String {
    let mut out = format!("{}: {}\n", kind.name, kind.summary);
    if let Some(words) = kind.loses {
        let _ = writeln!(out, "When it is deleted or replaced: {words}.");
    }
    out.push_str("\nAttributes (* must be given):\n\n");
    for attribute in kind.attributes.iter().filter(|a| !a.derived) {
        let mark = if attribute.need == Need::Required { "*" } else { " " };
        let _ = writeln!(
            out,
            "{mark} {:38} {:14} {}",
            attribute.path,
            type_word(&attribute.value),
            attribute.doc
        );
    }
    if !kind.computed.is_empty() {
        out.push_str("\nKnown after apply, for expressions:\n\n");
        for computed in kind.computed {
            let _ = writeln!(out, "  {:38} {}", computed.name, computed.doc);
        }
    }
    out
}

/// One attribute, or a group of them.
fn below(kind: &Kind, path: &str) -> anyhow::Result<String> {
    if let Some(attribute) = kind.attributes.iter().find(|a| a.path == path && !a.derived) {
        return Ok(in_full(kind.name, attribute));
    }
    if let Some(computed) = kind.computed(path) {
        return Ok(format!(
            "{}.{}: {}\n\nAzure makes it up; expressions may refer to it.\n",
            kind.name, path, computed.doc
        ));
    }
    let prefix = format!("{path}.");
    let group: Vec<&Attribute> =
        kind.attributes.iter().filter(|a| !a.derived && a.path.starts_with(&prefix)).collect();
    if group.is_empty() {
        let near = nearest(path, kind.attributes.iter().map(|a| a.path));
        let hint = near.map(|n| format!("; did you mean `{}.{n}`?", kind.name)).unwrap_or_default();
        bail!("`{}` has no attribute `{path}`{hint}", kind.name);
    }
    Ok(group.into_iter().map(|a| in_full(kind.name, a)).collect::<Vec<_>>().join("\n"))
}

fn in_full(kind: &str, attribute: &Attribute) -> String {
    let mut out = format!("{kind}.{}: {}\n\n", attribute.path, attribute.doc);
    let mut fact = |name: &str, words: String| _ = writeln!(out, "  {name:10} {words}");
    fact("type", type_in_full(&attribute.value));
    fact("default", default_words(attribute));
    fact("change", change_words(attribute));
    if attribute.is_hidden() {
        fact("secrecy", "kept out of state, plan and journal; a keyed hash notices changes".to_owned());
    }
    if attribute.need != Need::Optional {
        fact(
            "required",
            if attribute.need == Need::Required { "yes".into() } else { "when its group is given".into() },
        );
    }
    if !attribute.arm.is_empty() {
        fact("in ARM", attribute.arm.to_owned());
    }
    for field in fields_of(&attribute.value) {
        let only = field.when.map(|(path, word)| format!(" (with `{path}: {word}`)")).unwrap_or_default();
        let _ =
            writeln!(out, "\n  - {}: {}{only}\n      {}", field.path, field.doc, type_in_full(&field.value));
    }
    out
}

fn fields_of(value_type: &Type) -> Vec<&'static Attribute> {
    match value_type {
        Type::List(Type::Object(fields)) | Type::Map(Type::Object(fields)) => {
            fields.iter().filter(|f| !f.derived).collect()
        }
        _ => Vec::new(),
    }
}

fn type_word(value_type: &Type) -> &'static str {
    match value_type {
        Type::String => "text",
        Type::Integer => "number",
        Type::Boolean => "boolean",
        Type::Duration(_) => "duration",
        Type::Enum(_) => "word",
        Type::Reference(_) => "reference",
        Type::List(_) => "list",
        Type::Map(_) => "map",
        Type::Object(_) => "mapping",
        Type::Script => "script",
        Type::Scalar => "scalar",
        Type::Quantity => "quantity",
        Type::Anything => "anything",
    }
}

fn type_in_full(value_type: &Type) -> String {
    match value_type {
        Type::Enum(variants) => {
            let mut words: Vec<&str> = variants.iter().map(|v| v.yaml).collect();
            words.dedup();
            format!("one of {}", words.join(", "))
        }
        Type::Duration(Unit::Seconds) => "duration: seconds, or `2m`, or `PT2M`".to_owned(),
        Type::Duration(Unit::Minutes) => "duration: minutes, or `30m`, or `PT30M`".to_owned(),
        Type::Reference(reference) => format!("the name of a {} document, or an ARM id", reference.kind),
        Type::List(element) => format!("list of {}", type_word(element)),
        Type::Map(element) => format!("map to {}", type_word(element)),
        other => type_word(other).to_owned(),
    }
}

fn default_words(attribute: &Attribute) -> String {
    match attribute.default {
        Default::None => "none: left alone when not given".to_owned(),
        Default::Parent => "the parent's".to_owned(),
        Default::TrueUnless(path) => format!("true, or false when `{path}` is given"),
        _ => default_of(attribute).as_ref().map_or_else(String::new, inline),
    }
}

fn change_words(attribute: &Attribute) -> String {
    match attribute.change {
        Change::CreateOnly => "forces replacement".to_owned(),
        Change::Put => "in place, by GET, change, PUT".to_owned(),
        Change::Patch => "in place, by PATCH".to_owned(),
        Change::Action(action) if action.tentative => {
            format!(
                "in place, by the action `{}`, which Azure does not publish: tried, and read back",
                action.name
            )
        }
        Change::Action(action) => format!("in place, by the action `{}`", action.name),
        Change::Power => "in place, by start and stop".to_owned(),
        Change::Held => "waits until the resource is next replaced".to_owned(),
        Change::Local => "in the state only; nothing is sent".to_owned(),
    }
}
