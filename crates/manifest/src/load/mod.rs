//! Loading: from the texts of a run to its desired resources.

mod attributes;
mod conceal;
mod document;
mod draft;
mod edges;
mod expand;
mod expression;
mod finish;
mod host;
mod implied;
mod index;
mod outputs;
mod place;
mod scripts;
mod settle;
mod table;

use std::collections::BTreeMap;

use model::{Diagnostic, Diagnostics, Resource, SourceId, Sources, Value};

use crate::inputs::Inputs;
use crate::variables::{self, Variables};
use crate::yaml;

use document::Document;
use draft::Draft;
use index::Index;
use scripts::ScriptUse;
use table::Tables;

/// What the manifests want, and what is wrong with them.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Every desired resource, ordered by address.
    pub resources: Vec<Resource>,
    /// The values of `[outputs]`.
    pub outputs: BTreeMap<String, Value>,
    /// Errors and warnings. With an error among them, resources are not to be used.
    pub diagnostics: Diagnostics,
}

/// The state of one loading.
struct Load<'t, 'i> {
    inputs: &'i Inputs<'i>,
    variables: Variables,
    tables: Tables,
    documents: Vec<Document<'t>>,
    drafts: Vec<Draft>,
    index: Index,
    script_uses: Vec<ScriptUse>,
    /// Unknown keys of the document that is being read.
    unknown_keys: usize,
    /// The bytes that expressions made so far.
    made: usize,
    diagnostics: Diagnostics,
}

/// Reads the manifests among the sources.
pub fn load(sources: &Sources, manifests: &[SourceId], inputs: &Inputs<'_>) -> Loaded {
    let mut diagnostics = Diagnostics::default();
    let variables = variables::resolve(sources, inputs, &mut diagnostics);
    let mut load = Load {
        inputs,
        variables,
        tables: Tables::new(),
        documents: Vec::new(),
        drafts: Vec::new(),
        index: Index::default(),
        script_uses: Vec::new(),
        unknown_keys: 0,
        made: 0,
        diagnostics,
    };
    load.read(sources, manifests);
    load.expand();
    load.place();
    load.imply();
    load.attributes();
    load.settle();
    let outputs = load.outputs();
    let resources = load.finish(sources);
    load.conceal(sources);
    Loaded { resources, outputs, diagnostics: load.diagnostics }
}

impl<'t> Load<'t, '_> {
    fn read(&mut self, sources: &'t Sources, manifests: &[SourceId]) {
        for id in manifests {
            let text: &'t str = &sources.get(*id).text;
            let parsed = yaml::parse(text, *id);
            let mut lines = Lines { text, at: 0, line: 1 };
            if parsed.diagnostics.has_errors() {
                self.index.lose(None, []);
            }
            self.diagnostics.extend(parsed.diagnostics);
            for root in parsed.documents {
                let line = lines.line(root.place.start as usize);
                let name = root.entry("name").and_then(|e| e.node.text()).map(str::to_owned);
                match document::read(root, line, self.inputs.project, &mut self.diagnostics) {
                    Some(document) => self.documents.push(document),
                    None => self.index.lose(None, name.as_deref()),
                }
            }
        }
        if self.documents.is_empty() && !self.diagnostics.has_errors() {
            let words = if manifests.is_empty() {
                "there are no manifests"
            } else {
                "the manifests have no documents"
            };
            let help = "write at least one document in a .yaml file below the project; `plumb destroy` removes everything, and `--allow-empty` says that there is none on purpose";
            self.diagnostics.push(Diagnostic::error(words).help(help));
        }
    }
}

/// Line numbers of rising positions, in one pass over the text.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn line(&mut self, position: usize) -> usize {
        let to = position.clamp(self.at, self.text.len());
        self.line += self.text.as_bytes()[self.at..to].iter().filter(|b| **b == b'\n').count();
        self.at = to;
        self.line
    }
}
