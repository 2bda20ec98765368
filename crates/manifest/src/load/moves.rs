//! `moved_from`: the earlier addresses of resources, as their own documents and the uses of components say them.
//!
//! Inside a component addresses are as its documents write them: what stands before them is added here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Address, Diagnostic, Place};

use super::Load;
use super::document::Former;
use super::draft::Draft;
use super::uses::Moved;

impl Load<'_, '_> {
    /// Every earlier address of a draft.
    pub(super) fn moved_from(&self, draft: &Draft, address: &Address) -> Vec<(Address, Place)> {
        let key = draft.each.as_ref().map(|e| e.text.as_str());
        let mut moved = own(&self.documents[draft.document].moved_from, key);
        let prefix = &self.scopes.get(draft.scope).prefix;
        moved.iter_mut().for_each(|(former, _)| *former = below(prefix, former));
        for (scope, origin) in self.scopes.origins(draft.scope) {
            let outer = &self.scopes.get(origin.outer).prefix;
            let rest = &address.as_str()[self.scopes.get(scope).prefix.len()..];
            for said in &self.uses[origin.used].moved_from {
                moved.extend(match said {
                    Moved::Use(name, place) => {
                        let key =
                            origin.each.as_ref().filter(|_| !name.contains('[')).map(|e| e.text.as_str());
                        let name = model::address::use_name(name, key);
                        Address::parse(&format!("{outer}{name}/{rest}")).map(|former| (former, *place))
                    }
                    Moved::Resource { to, from, place } => {
                        (below(outer, to) == *address).then(|| (below(outer, from), *place))
                    }
                });
            }
        }
        moved
    }

    /// What a use says was moved is one of its resources, and of the kind that it was.
    pub(super) fn moves_of_uses(&mut self) {
        if self.uses.iter().all(|used| used.moved_from.is_empty()) {
            return;
        }
        let drafts: HashMap<&Address, usize> =
            self.drafts.iter().filter_map(|d| Some((d.address()?, d.scope))).collect();
        let mut wrong = Vec::new();
        for (_, origin) in (1..self.scopes.len()).filter_map(|scope| self.scopes.origins(scope).next()) {
            for said in &self.uses[origin.used].moved_from {
                let Moved::Resource { to, from, place } = said else { continue };
                let whole = below(&self.scopes.get(origin.outer).prefix, to);
                let scope = drafts.get(&whole).copied();
                let own = |scope| self.scopes.origins(scope).any(|(_, o)| o.used == origin.used);
                if !scope.is_some_and(own) {
                    let words = format!("{to} is no resource of this use of the component");
                    let help = "`plumb graph` lists the addresses that there are";
                    wrong.push((origin.outer, Diagnostic::error(words).help(help).at(*place)));
                } else if to.kind() != from.kind() {
                    let words = format!("a {} cannot have been the {} {from}", to.kind(), from.kind());
                    let help = "another kind is another resource; drop the entry";
                    wrong.push((origin.outer, Diagnostic::error(words).help(help).at(*place)));
                }
            }
        }
        for (scope, diagnostic) in wrong {
            let before = self.diagnostics.len();
            self.diagnostics.push(diagnostic);
            self.used_here(before, scope);
        }
    }

    /// Keys below `moved_from` are keys of the document's `for_each`.
    pub(super) fn keys_of_moves(&mut self) {
        let mut elements: BTreeMap<(usize, usize), BTreeSet<&str>> = BTreeMap::new();
        for draft in self.drafts.iter().filter(|d| d.implied_by.is_none()) {
            let keys = elements.entry((draft.scope, draft.document)).or_default();
            keys.extend(draft.each.as_ref().map(|e| e.text.as_str()));
        }
        let mut wrong = Vec::new();
        for ((scope, document), keys) in elements {
            let document = &self.documents[document];
            for former in &document.moved_from {
                let Some(key) = former.key.as_deref().filter(|key| !keys.contains(key)) else { continue };
                let diagnostic = match document.get("for_each") {
                    Some(_) => {
                        Diagnostic::error(format!("`for_each` has no key `{key}`, which `moved_from` names"))
                            .help(model::accept::known_keys(key, keys.iter().copied()))
                    }
                    None => Diagnostic::error("`moved_from` has keys, and the document has no `for_each`")
                        .help("write the earlier address alone"),
                };
                wrong.push((scope, diagnostic.at(former.place)));
            }
        }
        for (scope, diagnostic) in wrong {
            let before = self.diagnostics.len();
            self.diagnostics.push(diagnostic);
            self.used_here(before, scope);
        }
    }
}

/// An address as a document inside a component writes it, as a whole.
fn below(prefix: &str, address: &Address) -> Address {
    match prefix {
        "" => address.clone(),
        prefix => address.within(prefix),
    }
}

/// Earlier addresses of an element; those of a whole `for_each` document get its key, those below a key are its own.
fn own(former: &[Former], key: Option<&str>) -> Vec<(Address, Place)> {
    let own = former.iter().filter(|f| f.key.is_none() || f.key.as_deref() == key);
    let with_key = |former: &Former| match (&former.key, former.address.key(), key) {
        (None, None, Some(key)) => former.address.with(former.address.parent(), Some(key)),
        _ => former.address.clone(),
    };
    own.map(|former| (with_key(former), former.place)).collect()
}
