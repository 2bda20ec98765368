//! Edges that documents ask for by address: those of `depends_on`, and other resources in `replace_on`.

use std::collections::{BTreeMap, BTreeSet};

use model::expression::COMPONENT;
use model::{Address, Diagnostic, Place, Trigger, kinds};

use super::Load;
use super::draft::Draft;
use super::index::{Index, Missing};
use super::scope::Scopes;
use super::table;

/// An edge to be, and whether a change at its other end replaces what asks for it.
struct Edge {
    to: Address,
    trigger: Option<Trigger>,
}

/// What became of one entry; `Err(None)` where what is wrong was said before.
type Asked = Result<Vec<Edge>, Option<Box<Diagnostic>>>;

impl Load<'_, '_> {
    /// Adds the edges to the drafts.
    pub(super) fn edges(&mut self) {
        let documents =
            self.documents.iter().all(|d| d.depends_on.is_empty() && d.replace_on_others.is_empty());
        if documents && self.uses.iter().all(|u| u.depends_on.is_empty()) {
            return;
        }
        let book = Book::new(&self.drafts, &self.index, &self.scopes);
        let asking = |draft: &&(usize, &Draft)| draft.1.implied_by.is_none() && draft.1.home.is_some();
        let asked: Vec<(usize, Place, Asked)> = (self.drafts.iter().enumerate())
            .filter(|draft| asking(&draft))
            .flat_map(|(at, draft)| {
                let document = &self.documents[draft.document];
                let plain = document.depends_on.iter().map(|named| (draft.scope, named));
                let uses = self.scopes.origins(draft.scope).flat_map(|(_, origin)| {
                    self.uses[origin.used].depends_on.iter().map(|named| (origin.outer, named))
                });
                let plain = plain
                    .chain(uses)
                    .map(|(scope, (text, place))| (*place, book.edges(scope, text, *place, at)));
                let others = document.replace_on_others.iter();
                let triggers = others.map(|(text, place)| (*place, book.triggers(text, *place, at)));
                plain.chain(triggers).map(|(place, asked)| (at, place, asked)).collect::<Vec<_>>()
            })
            .collect();
        // Said once for a document, not for each of its elements.
        let mut wrong: BTreeMap<Place, (usize, Diagnostic)> = BTreeMap::new();
        for (at, place, asked) in asked {
            match asked {
                Err(diagnostic) => {
                    diagnostic.into_iter().for_each(|d| _ = wrong.entry(place).or_insert((at, *d)));
                }
                Ok(edges) => edges.into_iter().for_each(|edge| {
                    self.drafts[at].depend(&edge.to, place);
                    self.drafts[at].triggers.extend(edge.trigger);
                }),
            }
        }
        for (at, diagnostic) in wrong.into_values() {
            let before = self.diagnostics.len();
            self.diagnostics.push(diagnostic);
            self.used_here(before, self.drafts[at].scope);
        }
    }
}

/// Every address that may be named, by the scope in which it may be.
struct Book<'l> {
    index: &'l Index,
    scopes: &'l Scopes,
    drafts: &'l [Draft],
    /// Drafts by address, by the address of their document, and by the use of a component that made them.
    addresses: BTreeMap<(usize, &'l str), Vec<usize>>,
    /// Drafts without a place in Azure, which were reported.
    homeless: BTreeSet<(usize, &'l str, &'l str)>,
}

impl<'l> Book<'l> {
    fn new(drafts: &'l [Draft], index: &'l Index, scopes: &'l Scopes) -> Self {
        let homeless = drafts.iter().filter(|d| d.home.is_none());
        let homeless = homeless.map(|d| (d.scope, d.kind.name, d.id.as_str())).collect();
        let mut addresses: BTreeMap<(usize, &'l str), Vec<usize>> = BTreeMap::new();
        let mut add = |scope, text, at| addresses.entry((scope, text)).or_default().push(at);
        for (at, draft) in drafts.iter().enumerate() {
            let Some(address) = draft.address() else { continue };
            add(draft.scope, address.local(), at);
            if draft.each.is_some() {
                add(draft.scope, &address.stem()[address.uses().len()..], at);
            }
            for (_, origin) in scopes.origins(draft.scope) {
                add(origin.outer, origin.name.as_str(), at);
                if origin.each.is_some() {
                    let bare = origin.name.split('[').next().unwrap_or_default();
                    add(origin.outer, bare, at);
                }
            }
        }
        Self { index, scopes, drafts, addresses, homeless }
    }

    /// Edges from a draft to everything that an address means in a scope.
    fn edges(&self, scope: usize, text: &'l str, place: Place, from: usize) -> Asked {
        let targets = self.addresses.get(&(scope, text)).map_or(&[][..], Vec::as_slice);
        if targets == [from] {
            let words = "a resource cannot depend on itself";
            return Err(Some(Box::new(Diagnostic::error(words).help("remove the entry").at(place))));
        }
        if targets.is_empty() {
            return Err(self.missing(scope, text, place).map(Box::new));
        }
        let others = targets.iter().filter(|t| **t != from).filter_map(|t| self.drafts[*t].address());
        Ok(others.map(|to| Edge { to: to.clone(), trigger: None }).collect())
    }

    /// The same for an address, or an attribute of one, whose change replaces the draft.
    fn triggers(&self, text: &'l str, place: Place, from: usize) -> Asked {
        let scope = self.drafts[from].scope;
        let (address, path) = self.split(scope, text, place).map_err(Some)?;
        let mut edges = self.edges(scope, address, place, from)?;
        for edge in &mut edges {
            edge.trigger = Some(Trigger { address: edge.to.clone(), path: path.clone() });
        }
        Ok(edges)
    }

    /// `workspace/research.location` as an address and a path below it. An id may have dots, too: what is an
    /// address as a whole is one.
    fn split(
        &self,
        scope: usize,
        text: &'l str,
        place: Place,
    ) -> Result<(&'l str, Option<String>), Box<Diagnostic>> {
        let dots = text.match_indices('.').map(|(at, _)| at).chain([text.len()]);
        let is_known = |at: &usize| self.addresses.contains_key(&(scope, &text[..*at]));
        let known = dots.rev().find(is_known);
        let address = &text[..known.unwrap_or(text.len())];
        let found = known.and_then(|at| self.addresses.get(&(scope, &text[..at]))?.first());
        let found = found.map(|at| self.drafts[*at].kind);
        let Some(kind) = found.or_else(|| kinds::find(Address::parse(address)?.kind())) else {
            let help = "write an attribute of this kind, an address such as `setup_script/conda`, or both joined with a dot";
            let words = format!("`{text}` in `replace_on` is no address");
            return Err(Box::new(Diagnostic::error(words).help(help).at(place)));
        };
        let path = known.and_then(|at| text.get(at + 1..)).filter(|path| !path.is_empty());
        let is_unknown = |p: &&str| !table::names_attribute(kind, p) && kind.computed(p).is_none();
        // Of a type that plumb does not know, any path may be answered.
        if let Some(path) = path.filter(|p| is_unknown(p) && !kind.is_typed()) {
            let attributes =
                kind.attributes.iter().filter(|a| !a.derived).flat_map(|a| [Some(a.path), a.group()]);
            let all = attributes.flatten().chain(kind.computed.iter().map(|c| c.name));
            let help = model::accept::known_keys(path, all);
            let words = format!("a {} has no `{path}`", kind.name);
            return Err(Box::new(Diagnostic::error(words).help(help).at(place)));
        }
        Ok((address, path.map(str::to_owned)))
    }

    /// Why nothing is there; none when that was said before.
    fn missing(&self, scope: usize, text: &str, place: Place) -> Option<Diagnostic> {
        let parsed = Address::parse(text).filter(|a| kinds::find(a.kind()).is_some());
        let (kind, name, key) = match &parsed {
            Some(address) if address.uses().is_empty() => (address.kind(), address.id(), address.key()),
            Some(address) => return Some(self.inside(address, place)),
            None => (COMPONENT, text.split('[').next().unwrap_or_default(), None),
        };
        if self.homeless.contains(&(scope, kind, name)) {
            return None;
        }
        match self.index.absent(scope, kind, name, key.as_deref()) {
            Some(Missing::Reported) => None,
            Some(absent @ Missing::LeftOut(_)) => {
                let words = format!("{text} is left out: its `when` is false");
                Some(absent.related(Diagnostic::error(words).at(place)))
            }
            // A use that makes nothing is nothing to wait for.
            _ if kind == COMPONENT && self.scopes.has(scope, name) => None,
            _ => Some(self.unknown(scope, text, kind, place)),
        }
    }

    /// That an address reaches into a component.
    fn inside(&self, address: &Address, place: Place) -> Diagnostic {
        let name = address.uses().split('/').next().unwrap_or_default();
        let words = format!("{address} is inside a component, and its own");
        let help = format!("write `{name}` for all that this use of it makes");
        Diagnostic::error(words).help(help).at(place)
    }

    fn unknown(&self, scope: usize, text: &str, kind: &str, place: Place) -> Diagnostic {
        let alike = |named: &str| kind == COMPONENT || named.split('/').next() == Some(kind);
        let known = self.addresses.keys().filter(|(of, named)| *of == scope && alike(named)).take(2_000);
        let near = model::rule::nearest(text, known.map(|(_, named)| *named));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "an address is `kind/id`, or `kind/workspace/id` for a cluster or instance".to_owned(),
        };
        let what = if kind == COMPONENT { "component or resource" } else { "resource" };
        Diagnostic::error(format!("there is no {what} {text}")).help(help).at(place)
    }
}
