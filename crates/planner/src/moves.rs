//! Which entry of the state is which document's: those of the same address, those that `moved_from` names, and those
//! that are the same resource in Azure. An entry goes to one document at most, and no document gets two.

use std::collections::{BTreeMap, HashMap};

use model::{Address, Diagnostic, Diagnostics, Place, Resource, ResourceState, Snapshot};

use crate::Graph;

/// A state entry, and the address that it had where today's is another.
#[derive(Clone)]
pub(crate) struct Prior<'a> {
    pub(crate) state: &'a ResourceState,
    pub(crate) previous: Option<&'a Address>,
}

/// The state's entries by today's addresses, and what is wrong with what the documents say about earlier ones.
pub(crate) struct Moves<'a> {
    pub(crate) priors: BTreeMap<&'a Address, Prior<'a>>,
    pub(crate) diagnostics: Diagnostics,
}

/// Gives each entry its address of today.
pub(crate) fn find<'a>(graph: &'a Graph, snapshot: &'a Snapshot) -> Moves<'a> {
    let mut claims = Claims {
        graph,
        snapshot,
        takes: BTreeMap::new(),
        taken: HashMap::new(),
        wrong: Diagnostics::default(),
    };
    for resource in graph.resources().iter().filter(|r| !r.moved_from.is_empty()) {
        if !snapshot.resources.contains_key(&resource.address) {
            claims.explicit(resource);
        }
    }
    for resource in graph.resources().iter().filter(|r| !r.moved_from.is_empty()) {
        claims.occupied(resource);
    }
    claims.same_in_azure();
    claims.finish()
}

/// Each entry under the address that the state has it under.
pub(crate) fn none(snapshot: &Snapshot) -> Moves<'_> {
    let priors = snapshot.resources.iter().map(|(address, state)| (address, Prior { state, previous: None }));
    Moves { priors: priors.collect(), diagnostics: Diagnostics::default() }
}

struct Claims<'a> {
    graph: &'a Graph,
    snapshot: &'a Snapshot,
    /// The entry that each document takes over.
    takes: BTreeMap<&'a Address, &'a Address>,
    /// The same the other way round, with the place that says so.
    taken: HashMap<&'a Address, (&'a Address, Place)>,
    wrong: Diagnostics,
}

impl<'a> Claims<'a> {
    /// The entries that a document says were its own, with the places that say so.
    fn former(&self, resource: &'a Resource) -> Vec<(&'a Address, Place)> {
        let others = resource.moved_from.iter().filter(|(a, _)| *a != resource.address);
        let entry =
            |(a, place): &(Address, Place)| Some((self.snapshot.resources.get_key_value(a)?.0, *place));
        others.filter_map(entry).collect()
    }

    fn is_declared(&self, address: &Address) -> bool {
        self.graph.get(address).is_some()
    }

    /// Lets a document that has no entry take the one that it names; then, if that is declared and its own document
    /// names another one, lets that take the other, and so on.
    fn explicit(&mut self, resource: &'a Resource) {
        let mut next = Some(resource);
        while let Some(resource) = next {
            next = self.take_former(resource);
        }
    }

    /// The document that is left without its entry, if any.
    fn take_former(&mut self, resource: &'a Resource) -> Option<&'a Resource> {
        let former = self.former(resource);
        let (declared, free): (Vec<_>, Vec<_>) = former.into_iter().partition(|(a, _)| self.is_declared(a));
        match (free.as_slice(), declared.as_slice()) {
            ([(from, place)], _) => self.take(resource, from, *place),
            ([(one, _), (other, place), ..], _) => self.wrong.push(two_entries(resource, one, other, *place)),
            ([], [(from, place), ..]) => {
                let source: &Resource = self.graph.get(from).expect("BUG: it is declared");
                if !self.taken.contains_key(from) && !self.former(source).is_empty() {
                    self.take(resource, from, *place);
                    return Some(source);
                }
                self.wrong.push(still_declared(resource, from, source.place, *place));
            }
            ([], []) => self.without_key(resource),
        }
        None
    }

    fn take(&mut self, resource: &'a Resource, from: &'a Address, place: Place) {
        if let Some((other, first)) = self.taken.get(from) {
            self.wrong.push(claimed_twice(resource, from, place, (other, *first)));
            return;
        }
        self.taken.insert(from, (&resource.address, place));
        self.takes.insert(&resource.address, from);
    }

    /// An entry without a key, where a document with `for_each` means its elements.
    fn without_key(&mut self, resource: &Resource) {
        let Some(key) = resource.address.key() else { return };
        for (address, place) in resource.moved_from.iter().filter(|(a, _)| a.key().is_some_and(|k| k == key))
        {
            let whole = Address::parse(address.stem()).filter(|a| self.snapshot.resources.contains_key(a));
            if let Some(whole) = whole.filter(|a| !self.is_declared(a) && !self.taken.contains_key(a)) {
                self.wrong.push(needs_key(&whole, *place));
            }
        }
    }

    /// A document that has an entry cannot take another one.
    fn occupied(&mut self, resource: &'a Resource) {
        let stays = self.snapshot.resources.contains_key(&resource.address)
            && !self.taken.contains_key(&resource.address);
        if !stays {
            return;
        }
        let former = self.former(resource).into_iter();
        let mut left = former.filter(|(a, _)| !self.is_declared(a) && !self.taken.contains_key(a));
        if let Some((from, place)) = left.next() {
            self.wrong.push(target_occupied(resource, from, place));
        }
    }

    /// Another address is no other resource: what stands in Azure under a document's id is that document's.
    fn same_in_azure(&mut self) {
        let left = self.snapshot.resources.iter();
        let left = left.filter(|(a, _)| !self.is_declared(a) && !self.taken.contains_key(a));
        let ids: HashMap<(&str, String), &Address> =
            left.filter_map(|(a, s)| Some(((s.kind.as_str(), s.arm_id.as_ref()?.folded()), a))).collect();
        if ids.is_empty() {
            return;
        }
        for resource in self.graph.resources() {
            let known = self.snapshot.resources.contains_key(&resource.address)
                || self.takes.contains_key(&resource.address);
            let id = resource.arm_id.as_ref().filter(|_| !known);
            if let Some(from) = id.and_then(|id| ids.get(&(resource.kind.name, id.folded()))) {
                self.take(resource, from, resource.place);
            }
        }
    }

    fn finish(self) -> Moves<'a> {
        let Claims { snapshot, takes, taken, wrong, .. } = self;
        let stays = snapshot.resources.iter().filter(|(a, _)| !taken.contains_key(a));
        let mut priors: BTreeMap<&Address, Prior<'_>> =
            stays.map(|(address, state)| (address, Prior { state, previous: None })).collect();
        for (address, from) in takes {
            priors.insert(address, Prior { state: &snapshot.resources[from], previous: Some(from) });
        }
        Moves { priors, diagnostics: wrong }
    }
}

fn refusal(words: String, resource: &Resource, place: Place, help: impl Into<String>) -> Diagnostic {
    Diagnostic::error(words).at(place).address(&resource.address).help(help)
}

fn two_entries(resource: &Resource, one: &Address, other: &Address, place: Place) -> Diagnostic {
    let words = format!("{} cannot have been both {one} and {other}: the state has both", resource.address);
    refusal(
        words,
        resource,
        place,
        format!("leave the one that it was; without a document, {other} is deleted"),
    )
}

fn still_declared(resource: &Resource, from: &Address, declared: Place, place: Place) -> Diagnostic {
    let words = format!("{} cannot take over {from}, which a document still declares", resource.address);
    let help = "take that document out, or this `moved_from`, if they are two resources";
    refusal(words, resource, place, help).related(declared, format!("{from} is declared here"))
}

fn claimed_twice(resource: &Resource, from: &Address, place: Place, first: (&Address, Place)) -> Diagnostic {
    let words = format!("{} and {} both say that they were {from}", first.0, resource.address);
    let help = "only one of them is the same resource; drop the other `moved_from`";
    refusal(words, resource, place, help).related(first.1, format!("{} says so here", first.0))
}

fn target_occupied(resource: &Resource, from: &Address, place: Place) -> Diagnostic {
    let words = format!("{from} cannot become {}: the state has both", resource.address);
    let help = format!("drop this `moved_from` to have {from} deleted, or give it a document of its own");
    refusal(words, resource, place, help)
}

fn needs_key(whole: &Address, place: Place) -> Diagnostic {
    Diagnostic::error(format!("{whole} has no key, so `moved_from` must say which element it becomes"))
        .at(place)
        .help(format!("write `moved_from: {{ KEY: {whole} }}` with the key of that element"))
}
