//! Documents that use a component: their headers, what they hand in, and the scopes they make.

use model::accept::{described, known_keys};
use model::{Address, Diagnostic, Diagnostics, Place, address, kinds};

use super::Load;
use super::component::{self, Component, DEFINITION};
use super::document::{Header, is_id};
use super::elements::Elements;
use super::index::LeftOut;
use super::scope::{Ground, Origin, Scope};
use crate::variables::shows_a_secret;
use crate::yaml::{Entry, Node};
use model::expression::COMPONENT;

/// Keys of a document that uses a component.
pub(crate) const USE_KEYS: [&str; 8] =
    ["uses", "name", "for_each", "when", "depends_on", "with", "moved_from", "$schema"];
/// How deep components may use components.
const NESTING_MAX: usize = 8;

/// A document that uses a component.
pub(super) struct Use<'t> {
    pub(super) root: Node<'t>,
    pub(super) name: String,
    pub(super) name_place: Place,
    /// As written.
    pub(super) text: String,
    pub(super) text_place: Place,
    /// Which component; none after a diagnostic.
    pub(super) component: Option<usize>,
    pub(super) depends_on: Vec<(String, Place)>,
    pub(super) moved_from: Vec<Moved>,
}

/// What a use says of earlier addresses.
pub(super) enum Moved {
    /// The use had another name, `team-old`.
    Use(String, Place),
    /// One of its resources had an address of its own.
    Resource { to: Address, from: Address, place: Place },
}

impl<'t> Use<'t> {
    /// What is handed in as an input.
    pub(super) fn with(&self, input: &str) -> Option<&Entry<'t>> {
        self.root.entry("with")?.node.entry(input)
    }

    pub(super) fn handed(&self) -> &[Entry<'t>] {
        self.root.entry("with").and_then(|e| e.node.entries()).unwrap_or_default()
    }
}

/// Reads the header of a document that has `uses`; `None` after a diagnostic that leaves nothing to go on with.
pub(super) fn read<'t>(root: Node<'t>, diagnostics: &mut Diagnostics) -> Option<Use<'t>> {
    let mut header = Header { diagnostics };
    for entry in root.entries().unwrap_or_default() {
        if !USE_KEYS.contains(&entry.key.as_ref()) {
            let words = format!("a document that uses a component has no key `{}`", entry.key);
            let help = match super::document::HEADER_KEYS.contains(&entry.key.as_ref()) {
                true => "write it in the component's documents".to_owned(),
                false => known_keys(&entry.key, USE_KEYS),
            };
            header.error(words, help, entry.place);
        }
    }
    let uses = &root.entry("uses")?.node;
    let text = uses.text().map(str::to_owned).unwrap_or_else(|| described(&uses.to_json()));
    let text_place = uses.place;
    let (name, name_place) = header.use_name(&root)?;
    if let Some(with) = root.entry("with").filter(|e| e.node.entries().is_none()) {
        let words = format!("`with` must be a mapping, and is {}", described(&with.node.to_json()));
        header.error(words, "write `with: { input: value }`", with.node.place);
    }
    let depends_on =
        root.entry("depends_on").map(|e| header.names(&e.node, "depends_on")).unwrap_or_default();
    let moved_from = root.entry("moved_from").map(|e| header.moves_of_use(&e.node)).unwrap_or_default();
    Some(Use { name, name_place, text, text_place, component: None, depends_on, moved_from, root })
}

impl Header<'_> {
    fn use_name(&mut self, root: &Node<'_>) -> Option<(String, Place)> {
        let Some(entry) = root.entry("name") else {
            let help = "write `name: …`; the addresses of what the component makes begin with it";
            self.error("the use of the component has no `name`", help, root.place);
            return None;
        };
        match entry.node.text().filter(|t| is_id(t)) {
            Some(text) if kinds::find(text).is_none() && text != COMPONENT => {
                Some((text.to_owned(), entry.node.place))
            }
            Some(text) => {
                let words = format!("`{text}` cannot be the name of a use: it is the name of a kind");
                self.error(words, "give it a name of its own", entry.node.place);
                None
            }
            None => {
                let found = described(&entry.node.to_json());
                let words = format!("`name` must be the first part of addresses, and is {found}");
                self.error(words, "use letters, digits, `-`, `_` and `.`; no expressions", entry.node.place);
                None
            }
        }
    }

    /// Former names of the use, or former addresses of its resources, by the addresses they have now.
    fn moves_of_use(&mut self, node: &Node<'_>) -> Vec<Moved> {
        let Some(entries) = node.entries() else {
            let (names, others): (Vec<_>, Vec<_>) = self
                .names(node, "moved_from")
                .into_iter()
                .partition(|(text, _)| Address::parse(text).is_none());
            for (address, place) in others {
                let words = format!("a use of a component cannot have been {address}");
                let help = "write the use's earlier name, or `{ NEW: OLD }` with the address that one of its resources has now";
                self.error(words, help, place);
            }
            return names.into_iter().map(|(name, place)| Moved::Use(name, place)).collect();
        };
        let mut moves = Vec::new();
        for entry in entries {
            let Some(to) = Address::parse(&entry.key).filter(|a| kinds::find(a.kind()).is_some()) else {
                let words = format!("`{}` in `moved_from` is no address", entry.key);
                let help = "write the address that a resource of the component has now, and its earlier one: `team-a/cluster/research/cpu: cluster/research/cpu`";
                self.error(words, help, entry.place);
                continue;
            };
            for (from, place) in self.addresses(&entry.node, "moved_from") {
                moves.push(Moved::Resource { to: to.clone(), from, place });
            }
        }
        moves
    }
}

impl Load<'_, '_> {
    /// Finds the component of every use, and checks what is handed in.
    pub(super) fn link(&mut self) {
        for used in &mut self.uses {
            let mut diagnostics = Diagnostics::default();
            used.component = component_of(used, &self.components, &mut diagnostics);
            if let Some(component) = used.component {
                check_inputs(used, &self.components[component], &mut diagnostics);
            }
            self.diagnostics.extend(diagnostics);
        }
    }

    /// Makes the scopes of every use that stands in a scope.
    pub(super) fn enter(&mut self, scope: usize, written_out: &mut usize) {
        let component = self.scopes.get(scope).component;
        for at in self.components[component].uses.clone() {
            let before = self.diagnostics.len();
            let made = self.scopes_of(at, scope, written_out);
            self.used_here(before, scope);
            let name = self.uses[at].name.clone();
            match made {
                None => self.index.lose(component, Some(COMPONENT), [name.as_str()]),
                Some(made) => made.into_iter().for_each(|made| _ = self.scopes.add(&name, made)),
            }
        }
    }

    /// The scopes of one use; `None` after a diagnostic.
    fn scopes_of(&mut self, at: usize, outer: usize, written_out: &mut usize) -> Option<Vec<Scope>> {
        let component = self.uses[at].component?;
        self.refuse_cycle(at, component, outer)?;
        if self.scopes.has(outer, &self.uses[at].name) {
            let used = &self.uses[at];
            let words = format!("two components are used as `{}`", used.name);
            let diagnostic = Diagnostic::error(words).help("give one of them another name");
            self.diagnostics.push(diagnostic.at(used.name_place));
            return None;
        }
        let used = &self.uses[at];
        let size = self.components[component].size;
        let ground = Ground {
            variables: &self.variables,
            environment: self.inputs.environment,
            scopes: &self.scopes,
            uses: &self.uses,
            components: &self.components,
        };
        let mut elements =
            Elements { root: &used.root, ground, scope: outer, diagnostics: &mut self.diagnostics };
        let mut made = Vec::new();
        for each in elements.all(|| size, written_out)? {
            if !elements.when(each.as_ref())? {
                let place = used.root.entry("when").map_or(used.name_place, |e| e.node.place);
                self.index.leave_out(LeftOut {
                    scope: outer,
                    kind: COMPONENT,
                    id: used.name.clone(),
                    name: used.name.clone(),
                    key: each.map(|e| e.text),
                    place,
                });
                continue;
            }
            let name = address::use_name(&used.name, each.as_ref().map(|e| e.text.as_str()));
            let prefix = format!("{}{name}/", self.scopes.get(outer).prefix);
            made.push(Scope { prefix, component, origin: Some(Origin { outer, used: at, name, each }) });
        }
        Some(made)
    }

    /// No component uses itself, and none stands too deep.
    fn refuse_cycle(&mut self, at: usize, component: usize, outer: usize) -> Option<()> {
        let mut chain = vec![component];
        chain.extend(self.scopes.origins(outer).map(|(scope, _)| self.scopes.get(scope).component));
        let first = chain[1..].iter().position(|c| *c == component);
        let words = match first {
            Some(first) => {
                let names: Vec<String> =
                    chain[..=first + 1].iter().rev().map(|c| self.components[*c].name.clone()).collect();
                format!("the component uses itself: {}", names.join(" → "))
            }
            None if chain.len() > NESTING_MAX => {
                format!("components use components more than {NESTING_MAX} deep")
            }
            None => return Some(()),
        };
        let place = self.uses[at].text_place;
        let help = "what they share can be a component that both use";
        self.diagnostics.push(Diagnostic::error(words).help(help).at(place));
        None
    }
}

fn component_of(used: &Use<'_>, all: &[Component<'_>], diagnostics: &mut Diagnostics) -> Option<usize> {
    let mut wrong = |words: String, help: String| {
        diagnostics.push(Diagnostic::error(words).help(help).at(used.text_place));
    };
    let name = component::named(&used.text).map_err(|(words, help)| wrong(words, help)).ok()?;
    let at = all.iter().skip(1).position(|c| c.name == name).map(|at| at + 1);
    let Some(at) = at else {
        wrong("the project uses too many components".to_owned(), "split the project".to_owned());
        return None;
    };
    if let Some(words) = &all[at].unreadable {
        wrong(words.clone(), component::help());
        return None;
    }
    if all[at].documents.is_empty() && all[at].uses.is_empty() {
        let words = format!("the component `{}` has no documents", used.text);
        let help = format!("write them in YAML files beside its {DEFINITION}");
        diagnostics.push(Diagnostic::warning(words).help(help).at(used.text_place));
    }
    Some(at)
}

/// Inputs that are missing or unknown, or whose plain value is of another type.
fn check_inputs(used: &Use<'_>, component: &Component<'_>, diagnostics: &mut Diagnostics) {
    for entry in used.handed() {
        let Some(declared) = component.inputs.get(entry.key.as_ref()) else {
            let words = format!("the component `{}` has no input `{}`", used.text, entry.key);
            let help = match component.inputs.is_empty() {
                true => format!("declare it below `inputs:` in {}", component.path(DEFINITION)),
                false => known_keys(&entry.key, component.inputs.keys().map(String::as_str)),
            };
            diagnostics.push(Diagnostic::error(words).help(help).at(entry.place));
            continue;
        };
        let value = entry.node.to_json();
        if !entry.node.mentions("${") && !declared.value_type.fits(&value) {
            diagnostics.push(wrong_type(&entry.key, declared, &value, entry.node.place));
        }
    }
    let missing = |(name, declared): &(&String, &crate::project::Variable)| {
        declared.default.is_none() && used.with(name).is_none()
    };
    for (name, declared) in component.inputs.iter().filter(missing) {
        let words = format!("the component `{}` needs the input `{name}`", used.text);
        let help = match &declared.description {
            Some(description) => format!("write `with: {{ {name}: … }}`: {description}"),
            None => format!("write `with: {{ {name}: … }}`, a {}", declared.value_type.word()),
        };
        let diagnostic = Diagnostic::error(words).help(help).at(used.name_place);
        diagnostics.push(diagnostic.related(declared.place, "declared here"));
    }
}

/// That an input has a value of another type.
pub(super) fn wrong_type(
    name: &str,
    declared: &crate::project::Variable,
    value: &model::Json,
    place: Place,
) -> Diagnostic {
    // Not the value itself: it may be a secret in the wrong place.
    let found = if declared.sensitive { "something else".to_owned() } else { described(value) };
    let words = format!("input `{name}` must be a {}, and is {found}", declared.value_type.word());
    let wrong = Diagnostic::error(words).at(place);
    match shows_a_secret(declared) {
        true => wrong,
        false => wrong.related(declared.place, "declared here"),
    }
}
