//! Loading: from the texts of a run to its desired resources.

mod attributes;
pub(crate) mod component;
mod conceal;
pub(crate) mod document;
mod draft;
mod edges;
mod elements;
mod expand;
mod expression;
mod finish;
mod host;
mod implied;
mod index;
mod inline;
mod moves;
mod outputs;
mod place;
mod scope;
mod scripts;
mod settle;
mod share;
mod table;
mod typed;
pub(crate) mod uses;

use std::collections::BTreeMap;

use model::expression::COMPONENT;
use model::{Diagnostic, Diagnostics, Resource, SourceId, Sources, Value};

use crate::built_in::{BuiltIn, Interface};
use crate::inputs::Inputs;
use crate::variables::{self, Variables};
use crate::yaml::{self, Node};

use component::{Component, Texts};
use document::Document;
use draft::Draft;
use index::Index;
use scope::Scopes;
use scripts::ScriptUse;
use table::Tables;
use uses::Use;

/// What a component that is part of plumb takes and gives.
pub(crate) fn interface(built_in: &BuiltIn) -> Interface {
    component::interface(built_in)
}

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
    /// The project, then every component.
    components: Vec<Component<'t>>,
    documents: Vec<Document<'t>>,
    uses: Vec<Use<'t>>,
    scopes: Scopes,
    drafts: Vec<Draft>,
    index: Index,
    script_uses: Vec<ScriptUse>,
    /// Unknown keys of the document that is being read.
    unknown_keys: usize,
    /// The bytes that expressions made so far.
    made: usize,
    diagnostics: Diagnostics,
}

/// Reads the manifests among the sources, to which the texts of components are added.
pub fn load(sources: &mut Sources, manifests: &[SourceId], inputs: &Inputs<'_>) -> Loaded {
    let components = component::fetch(sources, manifests, inputs.files);
    let sources = &*sources;
    let mut diagnostics = Diagnostics::default();
    let variables = variables::resolve(sources, inputs, &mut diagnostics);
    let mut load = Load {
        inputs,
        variables,
        tables: Tables::new(),
        components: Vec::new(),
        documents: Vec::new(),
        uses: Vec::new(),
        scopes: Scopes::new(),
        drafts: Vec::new(),
        index: Index::default(),
        script_uses: Vec::new(),
        unknown_keys: 0,
        made: 0,
        diagnostics,
    };
    load.read_project(sources, manifests);
    components.into_iter().for_each(|(name, texts)| load.read_component(sources, name, texts));
    load.link();
    load.expand();
    load.place();
    load.imply();
    load.attributes();
    load.settle();
    load.secret_leaves();
    load.borders();
    let outputs = load.outputs();
    let mut resources = load.finish(sources);
    typed::refer(&mut resources, &outputs);
    load.once();
    load.conceal(sources);
    Loaded { resources, outputs, diagnostics: load.diagnostics }
}

impl<'t> Load<'t, '_> {
    fn read_project(&mut self, sources: &'t Sources, manifests: &[SourceId]) {
        self.read(sources, manifests, Component::default());
        if self.documents.is_empty() && self.uses.is_empty() && !self.diagnostics.has_errors() {
            let words = if manifests.is_empty() {
                "there are no manifests"
            } else {
                "the manifests have no documents"
            };
            let help = "write at least one document in a .yaml file below the project; `plumb destroy` removes everything, and `--allow-empty` says that there is none on purpose";
            self.diagnostics.push(Diagnostic::error(words).help(help));
        }
    }

    fn read_component(&mut self, sources: &'t Sources, name: String, texts: Texts) {
        let mut component = Component { name, ..Component::default() };
        match texts {
            Texts::Unreadable(words) => {
                component.unreadable = Some(words);
                self.read(sources, &[], component);
            }
            Texts::Read { definition, documents } => {
                let text = &sources.get(definition).text;
                component::define(&mut component, text, definition, &mut self.diagnostics);
                self.read(sources, &documents, component);
            }
        }
    }

    /// Reads the documents of a component, and adds it.
    fn read(&mut self, sources: &'t Sources, texts: &[SourceId], mut component: Component<'t>) {
        let before = (self.documents.len(), self.uses.len());
        for id in texts {
            let text: &'t str = &sources.get(*id).text;
            let parsed = yaml::parse(text, *id);
            let mut lines = Lines { text, at: 0, line: 1 };
            if parsed.diagnostics.has_errors() {
                self.index.lose(self.components.len(), None, []);
            }
            self.diagnostics.extend(parsed.diagnostics);
            for root in parsed.documents {
                // Nothing writes the project out again.
                component.size += if component.name.is_empty() { 0 } else { root.size() };
                let line = lines.line(root.place.start as usize);
                self.document(root, line);
            }
        }
        component.documents = before.0..self.documents.len();
        component.uses = before.1..self.uses.len();
        self.components.push(component);
    }

    /// A document, with those that it has inside.
    fn document(&mut self, mut root: Node<'t>, line: usize) {
        let name = root.entry("name").and_then(|e| e.node.text()).map(str::to_owned);
        let component = self.components.len();
        if root.entry("uses").is_some() {
            match uses::read(root, &mut self.diagnostics) {
                Some(used) => self.uses.push(used),
                None => self.index.lose(component, Some(COMPONENT), name.as_deref()),
            }
            return;
        }
        inline::workspace_kind(&mut root);
        let rules = match document::is_workspace(&root) {
            true => inline::outbound_rules(&mut root, &mut self.diagnostics),
            false => Vec::new(),
        };
        let Some(document) = document::read(root, line, self.inputs.project, &mut self.diagnostics) else {
            return self.index.lose(component, None, name.as_deref());
        };
        let az_ml = document.az_ml;
        self.documents.push(document);
        for rule in rules {
            let read = document::read(rule, line, self.inputs.project, &mut self.diagnostics);
            self.documents.extend(read.map(|rule| Document { az_ml, ..rule }));
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
