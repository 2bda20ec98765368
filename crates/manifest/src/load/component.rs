//! Components: folders below the project, or parts of plumb, whose documents are used by name, with inputs of their own.
//!
//! `component.yaml` declares the inputs and outputs; the folder's other YAML files are its documents. The texts
//! are gathered before anything else is read, since diagnostics point into them.

use std::collections::BTreeMap;
use std::ops::Range;

use model::accept::known_keys;
use model::rule::nearest;
use model::{Diagnostic, Diagnostics, SourceId, Sources};

use crate::built_in::{self, BuiltIn, Interface};
use crate::files;
use crate::inputs::Files;
use crate::project::{self, Variable};
use crate::yaml::{self, BYTES_MAX, Entry, Node};

/// The file that makes a folder a component.
pub(super) const DEFINITION: &str = "component.yaml";
/// What it may say.
pub(crate) const KEYS: [&str; 4] = ["description", "inputs", "outputs", "$schema"];
/// The most components of a project.
const COMPONENTS_MAX: usize = 1_000;

/// The texts of one component, or why there are none.
pub(super) enum Texts {
    Read { definition: SourceId, documents: Vec<SourceId> },
    Unreadable(String),
}

/// A component; the first of a project stands for its own manifests.
#[derive(Default)]
pub(super) struct Component<'t> {
    /// As `uses` has it, `./components/team` or `plumb/dsvm-pool`; empty for the project itself.
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) inputs: BTreeMap<String, Variable>,
    pub(super) outputs: BTreeMap<String, Node<'t>>,
    /// Its documents and uses among all of the run.
    pub(super) documents: Range<usize>,
    pub(super) uses: Range<usize>,
    /// How many values it is made of.
    pub(super) size: usize,
    /// Why nothing can use it; was not said yet.
    pub(super) unreadable: Option<String>,
}

impl Component<'_> {
    /// Where its files are shown to lie: relative to the project, `components/team`, or in plumb.
    pub(super) fn folder(&self) -> &str {
        folder_of(&self.name)
    }

    /// The name of one of its files as diagnostics have it.
    pub(super) fn path(&self, file: &str) -> String {
        match self.folder() {
            "" => file.to_owned(),
            folder => format!("{folder}/{file}"),
        }
    }
}

fn folder_of(name: &str) -> &str {
    name.strip_prefix("./").unwrap_or(name)
}

/// What is wrong with a `uses`, and what to do.
pub(super) type NoComponent = (String, String);

/// The component that the text of a `uses` means, in the form that all its uses share.
pub(super) fn named(text: &str) -> Result<String, NoComponent> {
    if text.starts_with(built_in::PREFIX) {
        return match built_in::find(text) {
            Some(found) => Ok(found.name.to_owned()),
            None => {
                let words = format!("there is no built-in component `{}`", text.escape_debug());
                let near = nearest(text, built_in::names()).map(|name| format!("did you mean `{name}`? "));
                let all = model::accept::quoted(built_in::names());
                Err((words, format!("{}plumb has {all}", near.unwrap_or_default())))
            }
        };
    }
    let folder = text.strip_prefix("./").map(|rest| rest.trim_end_matches('/'));
    match folder.filter(|f| !f.is_empty() && f.split('/').all(|part| !["", ".", ".."].contains(&part))) {
        Some(folder) => Ok(format!("./{folder}")),
        None => Err((format!("`{}` is no component", text.escape_debug()), help())),
    }
}

/// What a `uses` may say.
pub(super) fn help() -> String {
    let built_in = model::accept::quoted(built_in::names());
    format!(
        "`uses` names a folder below the project that has a {DEFINITION}, `./components/team`, or one of plumb's own: {built_in}"
    )
}

/// Reads the texts of every component that the manifests use, and of those that these use.
pub(super) fn fetch(
    sources: &mut Sources,
    manifests: &[SourceId],
    files: &dyn Files,
) -> BTreeMap<String, Texts> {
    let mut components = BTreeMap::new();
    let mut open = manifests.to_vec();
    while let Some(id) = open.pop() {
        for name in used_by(&sources.get(id).text, id) {
            if components.contains_key(&name) || components.len() == COMPONENTS_MAX {
                continue;
            }
            let texts = match built_in::find(&name) {
                Some(built_in) => embedded(sources, built_in),
                None => read(sources, folder_of(&name), files).unwrap_or_else(Texts::Unreadable),
            };
            if let Texts::Read { documents, .. } = &texts {
                open.extend(documents);
            }
            components.insert(name, texts);
        }
    }
    components
}

/// The components that a text's documents use. Most texts use none and are not looked at twice.
fn used_by(text: &str, id: SourceId) -> Vec<String> {
    if !text.contains("uses") {
        return Vec::new();
    }
    let documents = yaml::parse(text, id).documents;
    let uses = documents.iter().filter_map(|root| root.entry("uses")?.node.text());
    uses.filter_map(|text| named(text).ok()).collect()
}

/// The texts of a component that is part of plumb.
pub(super) fn embedded(sources: &mut Sources, built_in: &BuiltIn) -> Texts {
    let mut add = |(name, text): &(&str, &str)| sources.add(format!("{}/{name}", built_in.name), *text);
    let (definition, documents): (Vec<_>, Vec<_>) =
        built_in.files.iter().partition(|(name, _)| *name == DEFINITION);
    let definition = definition.first().map(&mut add).expect("BUG: a built-in component is whole");
    Texts::Read { definition, documents: documents.iter().map(add).collect() }
}

fn read(sources: &mut Sources, folder: &str, files: &dyn Files) -> Result<Texts, String> {
    let names = files.yaml_files(folder).map_err(|words| format!("the folder `{folder}` {words}"))?;
    if !names.iter().any(|name| name == DEFINITION) {
        return Err(format!("the folder `{folder}` has no {DEFINITION}"));
    }
    let mut add = |name: &str| {
        let path = format!("{folder}/{name}");
        let text = files.read(&path, BYTES_MAX).and_then(|bytes| files::text(&bytes));
        text.map(|text| sources.add(path.as_str(), text)).map_err(|words| format!("`{path}` {words}"))
    };
    let definition = add(DEFINITION)?;
    let others = names.iter().filter(|name| *name != DEFINITION);
    Ok(Texts::Read { definition, documents: others.map(|name| add(name)).collect::<Result<_, _>>()? })
}

/// What a component that is part of plumb takes and gives.
pub(super) fn interface(built_in: &BuiltIn) -> Interface {
    let mut sources = Sources::default();
    let Texts::Read { definition, .. } = embedded(&mut sources, built_in) else {
        unreachable!("BUG: a built-in component can be read")
    };
    let (mut component, mut diagnostics) = (Component::default(), Diagnostics::default());
    define(&mut component, &sources.get(definition).text, definition, &mut diagnostics);
    assert!(diagnostics.is_empty(), "BUG: a built-in component has no mistakes");
    let text = |(name, node): (&String, &Node<'_>)| {
        let text = node.text().map_or_else(|| node.to_json().to_string(), str::to_owned);
        (name.clone(), text)
    };
    Interface {
        outputs: component.outputs.iter().map(text).collect(),
        description: component.description.unwrap_or_default(),
        inputs: component.inputs,
    }
}

/// Reads `component.yaml`: the inputs and the outputs.
pub(super) fn define<'t>(
    component: &mut Component<'t>,
    text: &'t str,
    id: SourceId,
    diagnostics: &mut Diagnostics,
) {
    let parsed = yaml::parse(text, id);
    diagnostics.extend(parsed.diagnostics);
    for root in parsed.documents {
        let Some(entries) = root.entries() else {
            let words = format!("{DEFINITION} must be a mapping");
            let help = "write `inputs:` and `outputs:`, or `{}` for neither";
            diagnostics.push(Diagnostic::error(words).help(help).at(root.place));
            continue;
        };
        for entry in entries {
            match entry.key.as_ref() {
                "description" => component.description = entry.node.text().map(str::to_owned),
                "inputs" => component.inputs.extend(inputs(entry, diagnostics)),
                "outputs" => {
                    let outputs = below(entry, "write `name: ${…}` lines", diagnostics);
                    component.outputs.extend(outputs.iter().map(|e| (e.key.to_string(), e.node.clone())));
                }
                key if KEYS.contains(&key) => {}
                key => {
                    let words = format!("unknown key `{key}` in {DEFINITION}");
                    diagnostics.push(Diagnostic::error(words).help(known_keys(key, KEYS)).at(entry.place));
                }
            }
        }
    }
}

fn inputs(entry: &Entry<'_>, diagnostics: &mut Diagnostics) -> BTreeMap<String, Variable> {
    let declared = below(entry, "write `name: { type: string }` lines", diagnostics);
    let read = |e: &Entry<'_>| Some((e.key.to_string(), project::declaration(e, "input", diagnostics)?));
    declared.iter().filter_map(read).collect()
}

fn below<'n, 't>(entry: &'n Entry<'t>, help: &str, diagnostics: &mut Diagnostics) -> &'n [Entry<'t>] {
    let empty = matches!(entry.node.yaml, yaml::Yaml::Null);
    if entry.node.entries().is_none() && !empty {
        let words = format!("`{}` must be a mapping", entry.key);
        diagnostics.push(Diagnostic::error(words).help(help).at(entry.node.place));
    }
    entry.node.entries().unwrap_or_default()
}
