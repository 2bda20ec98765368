//! Edges that documents ask for by address: those of `depends_on`, and other resources in `replace_on`.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, Diagnostic, Place, Trigger, kinds};

use super::Load;
use super::draft::Draft;
use super::index::{Index, Missing};
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
        if self.documents.iter().all(|d| d.depends_on.is_empty() && d.replace_on_others.is_empty()) {
            return;
        }
        let book = Book::new(&self.drafts, &self.index);
        let asking = |draft: &&(usize, &Draft)| draft.1.implied_by.is_none() && draft.1.home.is_some();
        let asked: Vec<(usize, Place, Asked)> = (self.drafts.iter().enumerate())
            .filter(|draft| asking(&draft))
            .flat_map(|(at, draft)| {
                let document = &self.documents[draft.document];
                let plain = document.depends_on.iter().map(|(a, place)| (*place, book.edges(a, *place, at)));
                let others = document.replace_on_others.iter();
                let triggers = others.map(|(text, place)| (*place, book.triggers(text, *place, at)));
                plain.chain(triggers).map(|(place, asked)| (at, place, asked)).collect::<Vec<_>>()
            })
            .collect();
        // Said once for a document, not for each of its elements.
        let mut wrong: BTreeMap<Place, Diagnostic> = BTreeMap::new();
        for (at, place, asked) in asked {
            match asked {
                Err(diagnostic) => diagnostic.into_iter().for_each(|d| _ = wrong.entry(place).or_insert(*d)),
                Ok(edges) => edges.into_iter().for_each(|edge| {
                    self.drafts[at].depend(&edge.to, place);
                    self.drafts[at].triggers.extend(edge.trigger);
                }),
            }
        }
        self.diagnostics.extend(wrong.into_values());
    }
}

/// Every address that may be named.
struct Book<'l> {
    drafts: &'l [Draft],
    index: &'l Index,
    /// Drafts by address, and by the address of their document.
    addresses: BTreeMap<&'l str, Vec<usize>>,
    /// Drafts without a place in Azure, which were reported.
    homeless: BTreeSet<(&'l str, &'l str)>,
}

impl<'l> Book<'l> {
    fn new(drafts: &'l [Draft], index: &'l Index) -> Self {
        let homeless = drafts.iter().filter(|d| d.home.is_none()).map(|d| (d.kind.name, d.id.as_str()));
        Self { drafts, index, addresses: Index::addresses(drafts), homeless: homeless.collect() }
    }

    /// Edges from a draft to everything that an address means.
    fn edges(&self, address: &Address, place: Place, from: usize) -> Asked {
        let targets = self.addresses.get(address.as_str()).map_or(&[][..], Vec::as_slice);
        if targets == [from] {
            let words = "a resource cannot depend on itself";
            return Err(Some(Box::new(Diagnostic::error(words).help("remove the entry").at(place))));
        }
        if targets.is_empty() {
            return Err(self.missing(address, place).map(Box::new));
        }
        let others = targets.iter().filter(|t| **t != from).filter_map(|t| self.drafts[*t].address());
        Ok(others.map(|to| Edge { to: to.clone(), trigger: None }).collect())
    }

    /// The same for an address, or an attribute of one, whose change replaces the draft.
    fn triggers(&self, text: &str, place: Place, from: usize) -> Asked {
        let (address, path) = self.split(text, place).map_err(Some)?;
        let mut edges = self.edges(&address, place, from)?;
        for edge in &mut edges {
            edge.trigger = Some(Trigger { address: edge.to.clone(), path: path.clone() });
        }
        Ok(edges)
    }

    /// `workspace/research.location` as an address and a path below it. An id may have dots, too: what is an
    /// address as a whole is one.
    fn split(&self, text: &str, place: Place) -> Result<(Address, Option<String>), Box<Diagnostic>> {
        let dots = text.match_indices('.').map(|(at, _)| at).chain([text.len()]);
        let known = dots.rev().find(|at| self.addresses.contains_key(&text[..*at]));
        let parsed = Address::parse(&text[..known.unwrap_or(text.len())]);
        let Some(address) = parsed.filter(|a| kinds::find(a.kind()).is_some()) else {
            let help = "write an attribute of this kind, an address such as `setup_script/conda`, or both joined with a dot";
            let words = format!("`{text}` in `replace_on` is no address");
            return Err(Box::new(Diagnostic::error(words).help(help).at(place)));
        };
        let path = known.and_then(|at| text.get(at + 1..)).filter(|path| !path.is_empty());
        let kind = kinds::find(address.kind()).expect("BUG: just found");
        if let Some(path) = path.filter(|p| !table::names_attribute(kind, p) && kind.computed(p).is_none()) {
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
    fn missing(&self, address: &Address, place: Place) -> Option<Diagnostic> {
        if self.homeless.contains(&(address.kind(), address.id())) {
            return None;
        }
        match self.index.absent(address.kind(), address.id(), address.key().as_deref()) {
            Some(Missing::Reported) => None,
            Some(absent @ Missing::LeftOut(_)) => {
                let words = format!("{address} is left out: its `when` is false");
                Some(absent.related(Diagnostic::error(words).at(place)))
            }
            _ => Some(self.unknown(address, place)),
        }
    }

    fn unknown(&self, address: &Address, place: Place) -> Diagnostic {
        let same_kind =
            self.addresses.keys().filter(|a| a.split('/').next() == Some(address.kind())).take(2_000);
        let near = model::rule::nearest(address.as_str(), same_kind.copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "an address is `kind/id`, or `kind/workspace/id` for a cluster or instance".to_owned(),
        };
        Diagnostic::error(format!("there is no resource {address}")).help(help).at(place)
    }
}
