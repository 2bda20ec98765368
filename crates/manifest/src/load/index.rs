//! Drafts by kind, id, name, and ARM id.

use std::collections::{HashMap, HashSet};

use model::expression::COMPONENT;
use model::rule::nearest;
use model::{Diagnostic, Place};

use super::draft::Draft;

/// Every way to find a draft.
#[derive(Default)]
pub(super) struct Index {
    /// By scope and kind: names mean something in one scope only.
    kinds: HashMap<(usize, &'static str), Words>,
    /// The component of each scope, and the scope in which its use stands.
    scopes: Vec<(usize, Option<usize>)>,
    pub(super) arm: HashMap<String, usize>,
    lost: Lost,
    left_out: Vec<LeftOut>,
}

/// Documents that were reported and have no drafts; what refers to them is not another mistake. Each
/// with the component that it belongs to.
#[derive(Default)]
struct Lost {
    /// A document whose kind and name nobody knows.
    anything: HashSet<usize>,
    /// Kinds with a document whose name nobody knows.
    kinds: HashSet<(usize, &'static str)>,
    /// Ids and names, folded; the kind is `None` where it is not known.
    names: HashSet<(usize, Option<&'static str>, String)>,
}

/// A document, or an element of one, whose `when` is false.
pub(super) struct LeftOut {
    pub(super) scope: usize,
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) key: Option<String>,
    pub(super) place: Place,
}

#[derive(Default)]
struct Words {
    ids: HashMap<String, Vec<usize>>,
    names: HashMap<String, Vec<usize>>,
}

/// Why nothing was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// No draft has the id or name; the nearest that one has.
    Unknown(Option<String>),
    /// Several have it.
    Several,
    /// It is a document with `for_each`, and no element was named.
    NeedsKey,
    /// A document with `for_each`, which has no such element.
    NoElement,
    /// It is one whose `when`, at this place, is false.
    LeftOut(Place),
    /// It may be one that is broken, which has been reported.
    Reported,
}

impl Missing {
    /// Adds the place that belongs to it.
    pub(super) fn related(&self, diagnostic: Diagnostic) -> Diagnostic {
        match self {
            Self::LeftOut(place) => diagnostic.related(*place, "left out here"),
            _ => diagnostic,
        }
    }
}

impl Index {
    pub(super) fn add(&mut self, at: usize, draft: &Draft) {
        let words = self.kinds.entry((draft.scope, draft.kind.name)).or_default();
        words.ids.entry(draft.id.clone()).or_default().push(at);
        words.names.entry(draft.name.to_ascii_lowercase()).or_default().push(at);
    }

    /// The next scope: its component, and where its use stands.
    pub(super) fn enter(&mut self, component: usize, outer: Option<usize>) {
        self.scopes.push((component, outer));
    }

    /// Remembers a broken document of a component, of which only these names are known, if any.
    pub(super) fn lose<'n>(
        &mut self,
        component: usize,
        kind: Option<&'static str>,
        names: impl IntoIterator<Item = &'n str>,
    ) {
        let mut names = names.into_iter().map(|name| (component, kind, name.to_ascii_lowercase())).peekable();
        match (names.peek(), kind) {
            (Some(_), _) => self.lost.names.extend(names),
            (None, Some(kind)) => drop(self.lost.kinds.insert((component, kind))),
            (None, None) => drop(self.lost.anything.insert(component)),
        }
    }

    pub(super) fn leave_out(&mut self, what: LeftOut) {
        self.left_out.push(what);
    }

    /// Why something is not there, when a document could be what was meant.
    pub(super) fn absent(&self, scope: usize, kind: &str, text: &str, key: Option<&str>) -> Option<Missing> {
        let out = self.left_out.iter().find(|out| {
            let named = out.id == text || out.name.eq_ignore_ascii_case(text);
            out.scope == scope && out.kind == kind && named && (key.is_none() || out.key.as_deref() == key)
        });
        if let Some(out) = out {
            return Some(Missing::LeftOut(out.place));
        }
        let kind = model::kinds::find(kind).map_or(COMPONENT, |kind| kind.name);
        let component = self.scopes.get(scope)?.0;
        let named = |kind| self.lost.names.contains(&(component, kind, text.to_ascii_lowercase()));
        let lost = self.lost.anything.contains(&component)
            || self.lost.kinds.contains(&(component, kind))
            || named(Some(kind))
            || named(None);
        lost.then_some(Missing::Reported)
    }

    /// The draft that an id, a name, or `parent/id` means. `parent` breaks ties in favour of drafts
    /// that lie in it; `key` names an element of a `for_each`.
    pub(super) fn find(
        &self,
        drafts: &[Draft],
        scope: usize,
        kind: &str,
        text: &str,
        key: Option<&str>,
        parent: Option<usize>,
    ) -> Result<usize, Missing> {
        self.find_draft(drafts, scope, kind, text, key, parent).map_err(|missing| {
            let last = text.rsplit_once('/').map_or(text, |(_, last)| last);
            let absent = match missing {
                Missing::Unknown(_) | Missing::NoElement => self.absent(scope, kind, last, key),
                _ => None,
            };
            absent.unwrap_or(missing)
        })
    }

    /// The same without a key for what a component's input may have handed in: what the component does not
    /// have is looked for where it is used.
    pub(super) fn find_handed(
        &self,
        drafts: &[Draft],
        (scope, handed): (usize, bool),
        kind: &str,
        text: &str,
        parent: Option<usize>,
    ) -> Result<usize, Missing> {
        let found = self.find(drafts, scope, kind, text, None, parent);
        let outer = self.scopes.get(scope).and_then(|(_, outer)| *outer).filter(|_| handed);
        match (&found, outer) {
            (Err(Missing::Unknown(_)), Some(outer)) => {
                self.find_handed(drafts, (outer, handed), kind, text, parent)
            }
            _ => found,
        }
    }

    fn find_draft(
        &self,
        drafts: &[Draft],
        scope: usize,
        kind: &str,
        text: &str,
        key: Option<&str>,
        parent: Option<usize>,
    ) -> Result<usize, Missing> {
        let words = self.kinds.get(&(scope, kind)).ok_or(Missing::Unknown(None))?;
        let (within, last) = text.rsplit_once('/').map_or((None, text), |(p, l)| (Some(p), l));
        let none: &[usize] = &[];
        let ids = words.ids.get(last).map_or(none, Vec::as_slice);
        let fits = |at: &&usize| in_parent(&drafts[**at], within) && has_key(&drafts[**at], key);
        let found: Vec<usize> = ids.iter().filter(fits).copied().collect();
        match (found.as_slice(), key) {
            ([only], None) if drafts[*only].each.is_some() => return Err(Missing::NeedsKey),
            ([only], _) => return Ok(*only),
            ([], Some(_)) if !ids.is_empty() => return Err(Missing::NoElement),
            ([], _) => {}
            (several, _) => return self.one_of(drafts, several, parent),
        }
        let names = words.names.get(&last.to_ascii_lowercase()).map_or(none, Vec::as_slice);
        let found: Vec<usize> = names.iter().filter(fits).copied().collect();
        match found.as_slice() {
            [] => Err(Missing::Unknown(words.nearest(last))),
            [only] => Ok(*only),
            several => self.one_of(drafts, several, parent),
        }
    }

    fn one_of(&self, drafts: &[Draft], several: &[usize], parent: Option<usize>) -> Result<usize, Missing> {
        let home = |at: usize| drafts[at].home.as_ref().and_then(|h| h.parent);
        let near: Vec<usize> =
            several.iter().filter(|at| parent.is_some() && home(**at) == parent).copied().collect();
        match near.as_slice() {
            [only] => Ok(*only),
            _ if several.iter().all(|at| drafts[*at].each.is_some()) => Err(Missing::NeedsKey),
            _ => Err(Missing::Several),
        }
    }
}

impl Words {
    fn nearest(&self, text: &str) -> Option<String> {
        // A typo among very many names is not worth comparing with each of them for every reference.
        let all = self.ids.keys().chain(self.names.keys()).take(2_000).map(String::as_str);
        nearest(text, all).map(str::to_owned)
    }
}

fn in_parent(draft: &Draft, parent: Option<&str>) -> bool {
    parent.is_none() || draft.address().and_then(|a| a.parent()) == parent
}

fn has_key(draft: &Draft, key: Option<&str>) -> bool {
    key.is_none_or(|key| draft.each.as_ref().is_some_and(|e| e.text == key))
}
