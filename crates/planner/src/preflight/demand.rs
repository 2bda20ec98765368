//! What a plan needs of each region: machines by size and tier, beside what stands already.

use std::collections::BTreeMap;
use std::fmt;

use model::compare::fold_location;
use model::{ArmId, Json, Live, Place, Placement};

use super::{Counted, Facts, Region, Size, Tier, fold_family};
use crate::plan::{Action, Change, Effect, Plan};

/// Whose machines they are: each service has sizes and quotas of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Clusters and instances of workspaces.
    MachineLearning,
    /// Scale sets.
    Compute,
}

/// A region of a subscription, as one service has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The subscription's id.
    pub subscription: String,
    /// The region, folded: `westeurope`.
    pub region: String,
    /// Whose sizes and quotas.
    pub service: Service,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.service {
            Service::MachineLearning => f.write_str(&self.region),
            Service::Compute => write!(f, "{} (virtual machines)", self.region),
        }
    }
}

/// A kind that takes machines out of a region's quota.
struct Machines {
    kind: &'static str,
    service: Service,
    /// How size lists call this use.
    used_as: &'static str,
    size: &'static str,
    /// How many nodes it may have; one without.
    nodes: Option<&'static str>,
    /// How many it has at least.
    least: Option<&'static str>,
    /// The computed value that says how many it has.
    now: Option<&'static str>,
    tier: Option<&'static str>,
}

/// An instance counts as a cluster of one node, stopped or not (machine-learning facts §4.2). A scale set counts with what
/// it begins with; how far an autoscale setting may go is not summed.
const MACHINES: [Machines; 3] = [
    Machines {
        kind: "cluster",
        service: Service::MachineLearning,
        used_as: "AmlCompute",
        size: "size",
        nodes: Some("max_instances"),
        least: Some("min_instances"),
        now: Some("current_node_count"),
        tier: Some("tier"),
    },
    Machines {
        kind: "instance",
        service: Service::MachineLearning,
        used_as: "ComputeInstance",
        size: "size",
        nodes: None,
        least: None,
        now: None,
        tier: None,
    },
    Machines {
        kind: "scale_set",
        service: Service::Compute,
        used_as: "",
        size: "size",
        nodes: Some("instances"),
        least: Some("instances"),
        now: Some("capacity"),
        tier: Some("priority"),
    },
];

/// Nodes of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nodes {
    pub(super) size: String,
    pub(super) tier: Tier,
    pub(super) count: i64,
}

/// Words of machines that Azure may take away.
const LOW: [&str; 3] = ["low_priority", "Spot", "Low"];

/// What one change comes to.
pub(super) struct Demand<'a> {
    pub(super) change: &'a Change,
    pub(super) location: Location,
    /// What it may take from now on; none when it goes.
    pub(super) after: Option<Nodes>,
    /// What Azure counts for it already and no longer counts then.
    pub(super) freed: Option<Nodes>,
}

impl Demand<'_> {
    /// Whether it makes or enlarges something.
    pub(super) fn grows(&self) -> bool {
        self.after.is_some()
    }

    /// Whether size lists let it have a size.
    pub(super) fn may_have(&self, size: &Size) -> bool {
        let used_as = machines_of(self.change).map_or("", |machines| machines.used_as);
        size.uses.is_empty() || size.uses.iter().any(|used| used.eq_ignore_ascii_case(used_as))
    }

    /// The line that asks for it: of the number of nodes, else of the size, else the document.
    pub(super) fn place(&self) -> Option<Place> {
        let resource = self.change.desired.as_ref()?;
        let machines = machines_of(self.change)?;
        let said = |path: &str| resource.places.iter().find(|(p, _)| *p == path).map(|(_, place)| *place);
        Some(machines.nodes.and_then(said).or_else(|| said(machines.size)).unwrap_or(resource.place))
    }
}

/// One change's part of what a plan takes of a quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// How much; negative for what becomes free.
    pub amount: i64,
    /// In words: `4 nodes of Standard_DS3_v2`.
    pub words: String,
    /// Where the documents ask for it; none for what goes.
    pub place: Option<Place>,
}

/// What a plan takes of each quota of the regions that were read.
pub fn shares(plan: &Plan, live: Option<&Live>, facts: &Facts) -> BTreeMap<(Location, Counted), Vec<Share>> {
    let mut found: BTreeMap<(Location, Counted), Vec<Share>> = BTreeMap::new();
    for demand in demands(plan, live, &facts.parents) {
        let Some(Ok(region)) = facts.regions.get(&demand.location) else { continue };
        for (counted, share) in of_demand(&demand, region) {
            found.entry((demand.location.clone(), counted)).or_default().push(share);
        }
    }
    found
}

fn of_demand(demand: &Demand<'_>, region: &Region) -> Vec<(Counted, Share)> {
    let mut found = Vec::new();
    let sides = [(&demand.after, 1, demand.place()), (&demand.freed, -1, None)];
    for (nodes, sign, place) in sides.into_iter().filter_map(|(n, sign, p)| Some((n.as_ref()?, sign, p))) {
        let Some(size) = region.size(&nodes.size) else { continue };
        let share = Share { amount: sign * nodes.count * size.cores, words: nodes.words(size), place };
        found.push((Counted::Family(fold_family(&size.family), nodes.tier), share.clone()));
        found.push((Counted::Cores(nodes.tier), share));
    }
    if demand.location.service == Service::Compute {
        return found;
    }
    let computes = match demand.change.action {
        Action::Create | Action::Replace { create_first: true } => 1,
        Action::Delete => -1,
        _ => return found,
    };
    let words = "one compute".to_owned();
    let place = demand.after.as_ref().and_then(|_| demand.place());
    found.push((Counted::Computes, Share { amount: computes, words, place }));
    found
}

impl Nodes {
    fn words(&self, size: &Size) -> String {
        let nodes = if self.count == 1 { "node" } else { "nodes" };
        format!("{} {nodes} of {} × {} vCPUs", self.count, size.name, size.cores)
    }
}

impl Region {
    /// The size of this name, in any casing.
    pub fn size(&self, name: &str) -> Option<&Size> {
        self.sizes.iter().find(|size| size.name.eq_ignore_ascii_case(name))
    }
}

/// Everything in the plan that takes machines or gives them back, where its region is known.
pub(super) fn demands<'a>(
    plan: &'a Plan,
    live: Option<&Live>,
    parents: &BTreeMap<String, String>,
) -> Vec<Demand<'a>> {
    let places = regions_of_documents(plan);
    plan.changes.iter().filter_map(|change| demand(change, live, &places, parents)).collect()
}

fn demand<'a>(
    change: &'a Change,
    live: Option<&Live>,
    documents: &BTreeMap<String, String>,
    parents: &BTreeMap<String, String>,
) -> Option<Demand<'a>> {
    let machines = machines_of(change)?;
    let standing = || standing(machines, change, live);
    let (after, freed) = match change.action {
        Action::Create => (Some(wanted(machines, change)?), None),
        Action::Replace { create_first: true } => (Some(wanted(machines, change)?), None),
        Action::Replace { create_first: false } => (Some(wanted(machines, change)?), standing()),
        Action::Update if is_enlarged(machines, change) => (Some(wanted(machines, change)?), standing()),
        Action::Delete => (None, standing()),
        _ => return None,
    };
    let above = || change.arm_id.as_ref()?.parent().map(|parent| parent.folded());
    let region = own_region(change).or_else(|| {
        let above = above()?;
        documents.get(&above).or_else(|| parents.get(&above)).cloned()
    })?;
    let subscription = change.arm_id.as_ref()?.subscription().to_owned();
    let location = Location { subscription, region: fold_location(&region), service: machines.service };
    Some(Demand { change, location, after, freed })
}

fn machines_of(change: &Change) -> Option<&'static Machines> {
    MACHINES.iter().find(|machines| machines.kind == change.kind.name)
}

/// What the document may take at its full size.
fn wanted(machines: &Machines, change: &Change) -> Option<Nodes> {
    let desired = change.desired.as_ref()?;
    let known = |path: &str| desired.attributes.get(path)?.known();
    let count = machines.nodes.map_or(Some(1), |path| known(path)?.as_i64())?;
    nodes(machines, count, known)
}

/// What Azure counts for what stands: the nodes that it has now, or has at least (machine-learning facts §9.2).
fn standing(machines: &Machines, change: &Change, live: Option<&Live>) -> Option<Nodes> {
    let applied = &change.prior.as_ref()?.applied;
    // What the state keeps no value of says nothing.
    let least = machines.least.map_or(1, |path| applied.get(path).and_then(Json::as_i64).unwrap_or(0));
    let address = change.previous.as_ref().unwrap_or(&change.address);
    let observed = live.and_then(|live| live.get(address)).filter(|_| !change.deposed);
    let now = machines.now.and_then(|name| observed?.computed.get(name)?.as_i64());
    nodes(machines, least.max(now.unwrap_or(0)), |path| applied.get(path))
}

fn nodes<'v>(machines: &Machines, count: i64, value: impl Fn(&str) -> Option<&'v Json>) -> Option<Nodes> {
    let text = |path: &str| value(path).and_then(Json::as_str);
    let is_low = |tier: &str| LOW.iter().any(|word| tier.eq_ignore_ascii_case(word));
    let is_low = machines.tier.and_then(text).is_some_and(is_low);
    let tier = if is_low { Tier::LowPriority } else { Tier::Dedicated };
    Some(Nodes { size: text(machines.size)?.to_owned(), tier, count })
}

/// Whether an update lets it have more nodes, or nodes of another size.
fn is_enlarged(machines: &Machines, change: &Change) -> bool {
    let moves = |path: &str| {
        change.differences.iter().find(|d| d.attribute.path == path && d.effect == Effect::Update)
    };
    let number = |shown: &crate::Shown| match shown {
        crate::Shown::Known(value) => value.as_i64().unwrap_or(0),
        _ => 0,
    };
    let more = machines.nodes.and_then(moves).is_some_and(|d| number(&d.after) > number(&d.before));
    more || moves(machines.size).is_some()
}

/// The region that its own document or state entry names.
fn own_region(change: &Change) -> Option<String> {
    let asked = change.desired.as_ref().and_then(|d| d.text("location"));
    let applied = || change.prior.as_ref()?.applied.get("location")?.as_str();
    asked.or_else(applied).map(str::to_owned)
}

/// The regions of everything that lies in a group, by folded id.
pub(super) fn regions_of_documents(plan: &Plan) -> BTreeMap<String, String> {
    let in_group = |c: &&Change| matches!(c.kind.placement, Placement::InGroup { .. }) && !c.deposed;
    let placed = plan.changes.iter().filter(in_group);
    placed.filter_map(|c| Some((c.arm_id.as_ref()?.folded(), own_region(c)?))).collect()
}

/// The workspace of a compute that is made or enlarged, if neither says where that is.
pub(super) fn unplaced_parent(change: &Change, documents: &BTreeMap<String, String>) -> Option<ArmId> {
    let machines = machines_of(change)?;
    let grows = match change.action {
        Action::Create | Action::Replace { .. } => true,
        Action::Update => is_enlarged(machines, change),
        _ => false,
    };
    if !grows || own_region(change).is_some() {
        return None;
    }
    let parent = change.arm_id.as_ref()?.parent()?;
    (!documents.contains_key(&parent.folded())).then_some(parent)
}
