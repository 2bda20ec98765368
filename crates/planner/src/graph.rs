//! The dependency graph: resources, the edges that references make, and the order they give.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use model::kinds::arm;
use model::{Address, Diagnostic, Diagnostics, Kind, Resource, ResourceState, Snapshot};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Desired resources, each address once, no dangling edge, no cycle.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    resources: Vec<Arc<Resource>>,
    index: HashMap<Address, usize>,
    order: Vec<usize>,
}

impl Graph {
    /// Takes resources in any order. Dangling references and cycles are diagnostics, a cycle edge by edge.
    pub fn build(mut resources: Vec<Resource>) -> Result<Self, Diagnostics> {
        resources.sort_by(|a, b| a.address.cmp(&b.address));
        let index: HashMap<Address, usize> =
            resources.iter().enumerate().map(|(i, r)| (r.address.clone(), i)).collect();
        let mut diagnostics = Diagnostics::default();
        let mut edges = DiGraph::<(), ()>::with_capacity(resources.len(), resources.len() * 2);
        let nodes: Vec<NodeIndex> = resources.iter().map(|_| edges.add_node(())).collect();
        for (at, resource) in resources.iter().enumerate() {
            for dependency in &resource.dependencies {
                match index.get(&dependency.address) {
                    Some(&to) => _ = edges.add_edge(nodes[at], nodes[to], ()),
                    None => diagnostics.push(dangling(resource, dependency, &resources)),
                }
            }
        }
        let components = tarjan_scc(&edges);
        for component in &components {
            let alone = component.len() == 1 && !edges.contains_edge(component[0], component[0]);
            if !alone {
                let members: Vec<usize> = component.iter().map(|n| n.index()).collect();
                diagnostics.push(cycle(&resources, &index, &members));
            }
        }
        // Tarjan yields components in reverse topological order of `a → b`: dependencies first.
        let order: Vec<usize> = components.into_iter().flatten().map(NodeIndex::index).collect();
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        spread_create_first(&mut resources, &index, &order);
        Ok(Self { resources: resources.into_iter().map(Arc::new).collect(), index, order })
    }

    /// The same graph with each resource edited, in what makes no edge.
    pub(crate) fn with_each(&self, edit: impl FnMut(&mut Arc<Resource>)) -> Self {
        let Self { mut resources, index, order } = self.clone();
        resources.iter_mut().for_each(edit);
        Self { resources, index, order }
    }

    /// The same documents, each of a type of its own with the leaves that the state has of it, too.
    pub fn beside(&self, snapshot: &Snapshot) -> Cow<'_, Self> {
        if !self.resources.iter().any(|resource| resource.kind.is_typed()) {
            return Cow::Borrowed(self);
        }
        let mut kinds: HashMap<Address, &'static Kind> = HashMap::new();
        for (entry, resource) in self.documented(snapshot) {
            let standing = snapshot.resources[entry].kind();
            kinds.insert(resource.address.clone(), arm::beside(resource.kind, standing));
        }
        Cow::Owned(self.with_each(|resource| {
            if let Some(kind) = kinds.get(&resource.address) {
                Arc::make_mut(resource).kind = kind;
            }
        }))
    }

    /// By the addresses of state entries of types that documents say: the documents that are about them now.
    pub fn documented<'a>(&'a self, snapshot: &'a Snapshot) -> HashMap<&'a Address, &'a Arc<Resource>> {
        let typed = |entry: &ResourceState| entry.kind == arm::KIND.name;
        let entries = snapshot.resources.iter().filter(|(_, entry)| typed(entry));
        let ids: HashMap<String, &Address> =
            entries.filter_map(|(address, entry)| Some((entry.arm_id.as_ref()?.folded(), address))).collect();
        let mut found = HashMap::new();
        for resource in self.resources.iter().filter(|_| !ids.is_empty()).filter(|r| r.kind.is_typed()) {
            let former = resource.moved_from.iter().map(|(address, _)| address);
            let by_name = std::iter::once(&resource.address).chain(former);
            let mut by_name = by_name.filter_map(|address| snapshot.resources.get_key_value(address));
            let by_id = || resource.arm_id.as_ref().and_then(|id| ids.get(&id.folded()).copied());
            let entry = by_name.next().map(|(address, _)| address).or_else(by_id);
            let is_of_type = |address: &&Address| {
                let id = snapshot.resources[*address].arm_id.as_ref();
                id.is_some_and(|id| id.resource_type().eq_ignore_ascii_case(resource.kind.resource_type()))
            };
            found.extend(entry.filter(is_of_type).map(|address| (address, resource)));
        }
        found
    }

    /// The resources, ordered by address.
    pub fn resources(&self) -> &[Arc<Resource>] {
        &self.resources
    }

    /// The resources, each after all that it depends on.
    pub fn in_dependency_order(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.order.iter().map(|&i| &self.resources[i])
    }

    /// Whether a document with `for_each` has this address, and elements.
    pub(crate) fn has_elements_of(&self, address: &Address) -> bool {
        let first = format!("{address}[");
        let at = self.resources.partition_point(|r| r.address.as_str() < first.as_str());
        self.resources.get(at).is_some_and(|r| r.address.as_str().starts_with(&first))
    }

    /// The resource of an address.
    pub fn get(&self, address: &Address) -> Option<&Arc<Resource>> {
        self.index.get(address).map(|&i| &self.resources[i])
    }
}

/// What is made before the old one is deleted needs what it depends on to do the same: the new one stands on the new
/// dependency while the old one still stands on the old.
fn spread_create_first(resources: &mut [Resource], index: &HashMap<Address, usize>, order: &[usize]) {
    let asks = |(at, r): (usize, &Resource)| r.lifecycle.create_before_destroy.then_some(at);
    let mut cause: Vec<Option<usize>> = resources.iter().enumerate().map(asks).collect();
    if cause.iter().all(Option::is_none) {
        return;
    }
    for &at in order.iter().rev() {
        let Some(spread) = cause[at] else { continue };
        for dependency in &resources[at].dependencies {
            let to = index[&dependency.address];
            if !resources[to].lifecycle.create_before_destroy {
                cause[to] = Some(cause[to].map_or(spread, |other| other.min(spread)));
            }
        }
    }
    for (at, cause) in cause.into_iter().enumerate() {
        resources[at].create_first = cause.map(|cause| resources[cause].address.clone());
    }
}

fn dangling(resource: &Resource, dependency: &model::Dependency, resources: &[Resource]) -> Diagnostic {
    let near =
        model::rule::nearest(dependency.address.as_str(), resources.iter().map(|r| r.address.as_str()));
    let help =
        near.map_or("declare it, or drop the reference".to_owned(), |n| format!("did you mean `{n}`?"));
    Diagnostic::error(format!("there is no `{}` in the manifests", dependency.address))
        .at(dependency.place)
        .address(&resource.address)
        .help(help)
}

/// Says a cycle edge by edge, starting from its first address.
fn cycle(resources: &[Resource], index: &HashMap<Address, usize>, members: &[usize]) -> Diagnostic {
    let start = *members.iter().min().expect("BUG: a cycle has members");
    let mut path = vec![start];
    let mut places = Vec::new();
    // Every member of a strongly connected component has an edge to another member, so this walk ends
    // at a member that it has seen.
    loop {
        let at = &resources[*path.last().expect("BUG: the path has a start")];
        let inside = at.dependencies.iter().filter_map(|d| Some((d, *index.get(&d.address)?)));
        let mut inside = inside.filter(|(_, to)| members.contains(to));
        let (dependency, to) = inside.next().expect("BUG: a member of a cycle has an edge in it");
        places.push((dependency.place, format!("{} → {}", at.address, resources[to].address)));
        if let Some(first) = path.iter().position(|&p| p == to) {
            let places = places.split_off(first);
            let round: Vec<&str> =
                path[first..].iter().chain([&to]).map(|&i| resources[i].address.as_str()).collect();
            let mut diagnostic =
                Diagnostic::error(format!("these resources depend on each other: {}", round.join(" → ")))
                    .at(places[0].0)
                    .label(places[0].1.clone())
                    .address(&resources[path[first]].address)
                    .help("drop one of these references");
            for (place, words) in places.into_iter().skip(1) {
                diagnostic = diagnostic.related(place, words);
            }
            return diagnostic;
        }
        path.push(to);
    }
}
