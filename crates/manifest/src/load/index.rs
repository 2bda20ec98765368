//! Drafts by kind, id, name, and ARM id.

use std::collections::{BTreeMap, HashMap};

use model::rule::nearest;

use super::draft::Draft;

/// Every way to find a draft.
#[derive(Default)]
pub(super) struct Index {
    kinds: HashMap<&'static str, Words>,
    pub(super) arm: HashMap<String, usize>,
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
}

impl Index {
    pub(super) fn add(&mut self, at: usize, draft: &Draft) {
        let words = self.kinds.entry(draft.kind.name).or_default();
        words.ids.entry(draft.id.clone()).or_default().push(at);
        words.names.entry(draft.name.to_ascii_lowercase()).or_default().push(at);
    }

    /// The draft that an id, a name, or `parent/id` means. `parent` breaks ties in favour of drafts
    /// that lie in it; `key` names an element of a `for_each`.
    pub(super) fn find(
        &self,
        drafts: &[Draft],
        kind: &str,
        text: &str,
        key: Option<&str>,
        parent: Option<usize>,
    ) -> Result<usize, Missing> {
        let words = self.kinds.get(kind).ok_or(Missing::Unknown(None))?;
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

    /// Drafts by address, and by the address of their document.
    pub(super) fn addresses(drafts: &[Draft]) -> BTreeMap<&str, Vec<usize>> {
        let mut addresses: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, draft) in drafts.iter().enumerate() {
            if let Some(address) = draft.address() {
                addresses.entry(address.as_str()).or_default().push(at);
                if draft.each.is_some() {
                    addresses.entry(address.stem()).or_default().push(at);
                }
            }
        }
        addresses
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
