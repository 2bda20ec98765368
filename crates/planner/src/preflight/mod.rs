//! What would stop a plan halfway, seen before anything is sent: sizes, quotas, locks and names.
//!
//! Pure: [`Questions`] says what to read for a plan, and [`check`] judges what was read. Only what a plan makes,
//! enlarges or deletes is looked at, so that a plan without such steps asks nothing. What cannot be read is said and
//! stops nothing.

mod deleted;
mod demand;
mod locks;
mod models;
mod quota;
mod scripts;
mod sizes;

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, ArmId, Diagnostic, Diagnostics, Kind, Live};

use crate::plan::{Action, Change, Plan};

pub use deleted::softly_deleted;
pub use demand::{Location, Service, Share, shares};
pub use scripts::Script;

/// Nodes that stay, or nodes that Azure may take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// `dedicated`.
    Dedicated,
    /// `low_priority`.
    LowPriority,
}

/// One machine size of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// `Standard_DS3_v2`.
    pub name: String,
    /// `standardDSv2Family`.
    pub family: String,
    /// vCPUs.
    pub cores: i64,
    /// GPUs.
    pub gpus: i64,
    /// Whether low-priority nodes may have it.
    pub low_priority: bool,
    /// What may have it: `AmlCompute`, `ComputeInstance`; empty when Azure does not say.
    pub uses: Vec<String>,
}

/// What a quota counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Clusters and instances.
    Computes,
    /// vCPUs of every family.
    Cores(Tier),
    /// vCPUs of one, by its folded name ([`fold_family`]).
    Family(String, Tier),
}

/// A quota of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// What it counts.
    pub counted: Counted,
    /// What Azure calls it.
    pub title: String,
    /// The most there may be; `None` for no limit.
    pub limit: Option<i64>,
    /// How much there is.
    pub used: i64,
}

/// What a region has for one subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Region {
    /// Its machine sizes.
    pub sizes: Vec<Size>,
    /// Its quotas.
    pub quotas: Vec<Quota>,
}

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Its id.
    pub arm_id: ArmId,
    /// What it lies on.
    pub scope: ArmId,
    /// `ReadOnly`; otherwise `CanNotDelete`.
    pub read_only: bool,
}

/// An answer, or the words of why there is none.
pub type Answer<T> = Result<T, String>;

/// What was read for a plan.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Regions of workspaces that no document has, by folded id.
    pub parents: BTreeMap<String, String>,
    /// Regions.
    pub regions: BTreeMap<Location, Answer<Region>>,
    /// Locks of resource groups, and of subscriptions themselves, by folded ids.
    pub locks: BTreeMap<String, Answer<Vec<Lock>>>,
    /// Why names cannot be had; `None` for those that can.
    pub names: BTreeMap<Address, Answer<Option<String>>>,
    /// Workspaces to be made whose names plumb deleted softly, and when, RFC 3339.
    pub deleted: BTreeMap<Address, String>,
    /// Machines that do not have the latest model of their scale set.
    pub models: BTreeMap<Address, Answer<Vec<String>>>,
    /// Whether the files that new instances need are there.
    pub scripts: BTreeMap<Script, Answer<bool>>,
}

/// What to read for a plan; its regions follow from the parents ([`Questions::regions`]).
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// Workspaces whose regions no document says.
    pub parents: BTreeMap<String, ArmId>,
    /// Resource groups and subscriptions whose locks matter.
    pub groups: BTreeMap<String, ArmId>,
    /// New resources whose names all of Azure shares: whether they can be had.
    pub names: Vec<(Address, &'static Kind, ArmId)>,
    /// Scale sets that stand and upgrade their machines only when asked.
    pub sets: Vec<(Address, ArmId)>,
    /// Files on shares that new instances need: whether they are there.
    pub scripts: Vec<Script>,
}

impl Questions {
    /// What there is to read for a plan; but for scale sets nothing when it makes, enlarges and deletes nothing.
    pub fn of(plan: &Plan) -> Self {
        let mut questions = Questions::default();
        let new_groups: BTreeSet<String> = plan
            .changes
            .iter()
            .filter(|c| c.action == Action::Create && c.kind.name == "resource_group")
            .filter_map(|c| Some(c.arm_id.as_ref()?.folded()))
            .collect();
        questions.scripts = scripts::needed(plan);
        let documents = demand::regions_of_documents(plan);
        for change in &plan.changes {
            if let Some(parent) = demand::unplaced_parent(change, &documents) {
                questions.parents.insert(parent.folded(), parent);
            }
            if let Some(group) = locks::group_of(change).filter(|g| !new_groups.contains(&g.folded())) {
                questions.groups.insert(group.folded(), group);
            }
            if let Some(subscription) = locks::subscription_of(change) {
                questions.groups.insert(subscription.folded(), subscription);
            }
            questions.sets.extend(models::set_of(change));
            if let (Action::Create, true, Some(id)) = (change.action, change.prior.is_none(), &change.arm_id)
            {
                questions.names.push((change.address.clone(), change.kind, id.clone()));
            }
        }
        questions
    }

    /// The regions that a plan makes or enlarges machines in.
    pub fn regions(
        plan: &Plan,
        live: Option<&Live>,
        parents: &BTreeMap<String, String>,
    ) -> BTreeSet<Location> {
        demand::demands(plan, live, parents).into_iter().filter(|d| d.grows()).map(|d| d.location).collect()
    }
}

/// A family's name in the form to compare by: size lists, quotas and documentation spell it differently
/// (machine-learning facts §8.5).
pub fn fold_family(text: &str) -> String {
    let plain: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let tails = ["clusterdedicatedvcpus", "clusterlowpriorityvcpus"];
    let cut = tails.iter().find_map(|tail| plain.strip_suffix(tail));
    cut.unwrap_or(&plain).to_owned()
}

/// What stops the plan, or should be looked at, by what was read for it.
pub fn check(plan: &Plan, live: Option<&Live>, facts: &Facts) -> Diagnostics {
    let mut found = unread(facts);
    found.extend(sizes::check(plan, live, facts));
    found.extend(quota::check(plan, live, facts));
    found.extend(locks::check(plan, facts));
    found.extend(names(plan, facts));
    found.extend(deleted::check(plan, facts));
    found.extend(behind(plan, &facts.models));
    found.extend(scripts::check(plan, facts));
    found.into_iter().collect()
}

/// What does not stop a plan and is not as it should be: machines that lag behind their scale sets.
pub fn behind(plan: &Plan, read: &BTreeMap<Address, Answer<Vec<String>>>) -> Vec<Diagnostic> {
    models::check(plan, read)
}

/// What nobody could tell: a note, for the plan may be good.
fn unread(facts: &Facts) -> Vec<Diagnostic> {
    let note = |what: String, why: &String| {
        Diagnostic::warning(format!("{what} could not be read: {why}"))
            .help("the plan was made without looking at them; `plumb rbac --for plan` prints a role that may")
    };
    let regions = facts.regions.iter().filter_map(|(location, read)| {
        Some(note(format!("sizes and quotas of {location}"), read.as_ref().err()?))
    });
    let locks = facts
        .locks
        .iter()
        .filter_map(|(group, read)| Some(note(format!("locks of {group}"), read.as_ref().err()?)));
    let names = facts.names.iter().filter_map(|(address, read)| {
        Some(note(format!("whether the name of {address} is taken"), read.as_ref().err()?))
    });
    let models = facts.models.iter().filter_map(|(address, read)| {
        Some(note(format!("which model the instances of {address} have"), read.as_ref().err()?))
    });
    let scripts = facts.scripts.iter().filter_map(|(script, read)| {
        Some(note(
            format!("whether the script `{}` of {} is there", script.path, script.instance),
            read.as_ref().err()?,
        ))
    });
    regions.chain(locks).chain(names).chain(models).chain(scripts).collect()
}

/// Names that are taken: a create would be refused.
fn names(plan: &Plan, facts: &Facts) -> Vec<Diagnostic> {
    let taken = facts.names.iter().filter_map(|(address, read)| {
        let why = read.as_ref().ok()?.as_ref()?;
        Some(name_taken(plan.change(address)?, why))
    });
    taken.collect()
}

fn name_taken(change: &Change, why: &str) -> Diagnostic {
    let name = change.arm_id.as_ref().map_or("", |id| id.name());
    let words = format!("{} cannot have the name `{name}`: {}", change.address, why.trim_end_matches('.'));
    let help = match change.kind.name {
        "key_vault" => {
            "choose another name; if a deleted vault of yours holds it (`az keyvault list-deleted`), recover or purge that first"
        }
        _ => "choose another name: all of Azure shares these; if the resource is yours, say `adopt: true`",
    };
    let mut diagnostic = Diagnostic::error(words).address(&change.address).help(help);
    diagnostic.place = change.desired.as_ref().map(|d| d.place_of("name"));
    diagnostic
}
