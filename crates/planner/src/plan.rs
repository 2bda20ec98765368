//! The plan: every choice, made. Apply only carries it out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Address, ArmId, Attribute, Diagnostics, Json, Kind, Resource, ResourceState, schema};
use serde::{Deserialize, Serialize};

use crate::revert::Past;

/// What would change, in which steps, and on what ground that was decided.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the plan stands on.
    pub ground: Ground,
    /// Whether something may be left out of it (`--target`, `--exclude`).
    pub partial: bool,
    /// Whether it only brings the state up to date with Azure.
    pub refresh_only: bool,
    /// One change for each resource that is in the manifests or in the state, and one for each old object of a
    /// resource; ordered by address, old objects last.
    pub changes: Vec<Change>,
    /// The requests (and records) to make; [`Step::after`] holds their order.
    pub steps: Vec<Step>,
    /// What somebody changed behind plumb's back.
    pub drift: Vec<Drift>,
    /// State entries to bring up to date without a request: live already is as desired.
    pub refreshed: BTreeMap<Address, ResourceState>,
    /// State entries that leave it without a request: they are gone from Azure, and that is accepted.
    pub lost: BTreeSet<Address>,
    /// Outputs, before and after.
    pub outputs: BTreeMap<String, OutputChange>,
    /// Why the plan cannot be applied, and what to look at.
    pub diagnostics: Diagnostics,
    /// Those of them that say that live could not be read as it is.
    pub doubts: Diagnostics,
}

/// What a plan stands on; apply refuses when any of it moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    /// The cloud and subscription.
    pub cloud: String,
    /// The environment; empty without one.
    pub environment: String,
    /// The state's lineage; empty when there is none yet.
    pub lineage: String,
    /// The state's serial.
    pub serial: u64,
    /// The run whose state is wanted back; none when the manifests say what is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts_to: Option<Past>,
}

/// One resource's part of a plan.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: &'static Kind,
    /// What happens to it.
    pub action: Action,
    /// Why; `None` for a no-op.
    pub reason: Option<Reason>,
    /// The address the state has it under, when that is another.
    pub previous: Option<Address>,
    /// Its ARM id after the change.
    pub arm_id: Option<ArmId>,
    /// The attributes that differ; for a create all, for a delete those that were applied.
    pub differences: Vec<Difference>,
    /// Attributes that stay as they are: path and value, for the plan's context lines and JSON.
    pub unchanged: Vec<(&'static Attribute, Json)>,
    /// What the reader should know, in words: what is lost, what waits, what runs when.
    pub notes: Vec<String>,
    /// The resource the documents imply it for.
    pub implied_by: Option<Address>,
    /// What the documents want; none for a delete.
    pub desired: Option<Arc<Resource>>,
    /// What the state has; none for a create.
    pub prior: Option<ResourceState>,
    /// Whether this is about an old object, which a replacement left behind.
    pub deposed: bool,
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    NoOp,
    /// It is made.
    Create,
    /// It changes in place.
    Update,
    /// It is deleted and made again; or made and then deleted, when that order is asked for.
    Replace {
        /// Whether the new one is made first.
        create_first: bool,
    },
    /// It is deleted.
    Delete,
    /// It is live already and enters the state.
    Adopt,
    /// It leaves the state and stays in Azure.
    Forget,
    /// The state calls it by another address.
    Move,
    /// It is started.
    Start,
    /// It is stopped.
    Stop,
    /// It is stopped and started.
    Restart,
}

impl Action {
    /// The word in the history.
    pub fn word(self) -> &'static str {
        match self {
            Action::NoOp => "none",
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace { .. } => "replace",
            Action::Delete => "delete",
            Action::Adopt => "adopt",
            Action::Forget => "forget",
            Action::Move => "move",
            Action::Start => "start",
            Action::Stop => "stop",
            Action::Restart => "restart",
        }
    }
}

/// Why a resource changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The documents changed.
    Manifest,
    /// Azure changed.
    Drift,
    /// Both did.
    Both,
    /// An earlier create left it half made.
    Tainted,
    /// What it lies in is replaced.
    ParentReplaced,
    /// What its `replace_on` names changes.
    Triggered,
    /// Its document has `for_each` now, or has it no longer.
    Repetition,
    /// A replacement made something new in its place, and left it behind.
    Deposed,
    /// The user asked on the command line.
    Requested,
}

/// One attribute that differs.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Which.
    pub attribute: &'static Attribute,
    /// What is live, or what was applied where live cannot be seen.
    pub before: Shown,
    /// What the documents want.
    pub after: Shown,
    /// What the last apply set, when that is a third value.
    pub applied: Option<Json>,
    /// Who moved it.
    pub reason: Reason,
    /// What comes of it.
    pub effect: Effect,
}

/// A value as a plan may show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// None.
    Absent,
    /// The value.
    Known(Json),
    /// Known after apply.
    Unknown,
    /// A secret.
    Sensitive,
    /// A text that is shown elsewhere, or whose hash alone is known.
    WriteOnly,
}

/// What comes of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It is set in place.
    Update,
    /// It forces a replacement.
    Replace,
    /// It waits until the resource is next replaced.
    Held,
    /// Nothing: the resource is created or deleted as a whole.
    Whole,
}

/// One request, or one record in the state.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The index of the change that it is a part of.
    pub change: usize,
    /// Whose.
    pub address: Address,
    /// What is done.
    pub verb: Verb,
    /// The attributes that it sets.
    pub paths: Vec<&'static str>,
    /// The address that the state has it under until then.
    pub moved_from: Option<Address>,
    /// Indexes of the steps that must have ended well before.
    pub after: Vec<usize>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// PUT of a new resource.
    Create,
    /// GET, change, PUT of the whole.
    Put,
    /// PATCH of what changed.
    Patch,
    /// POST of an action that sets an attribute.
    Act(schema::Action),
    /// POST start.
    Start,
    /// POST stop.
    Stop,
    /// POST restart.
    Restart,
    /// DELETE.
    Delete,
    /// No request: the state takes in what the document says.
    Record,
    /// No request: the state calls it by another address.
    Move,
    /// No request: it leaves the state.
    Forget,
}

impl Verb {
    /// The words of steps that send nothing.
    pub const NOTES: [&'static str; 3] = ["record", "move", "forget"];

    /// Whether it sends nothing, and only changes the state.
    pub fn is_note(&self) -> bool {
        matches!(self, Verb::Record | Verb::Move | Verb::Forget)
    }

    /// Whether the state has the object no longer when it is done.
    pub fn removes(&self) -> bool {
        matches!(self, Verb::Delete | Verb::Forget)
    }

    /// The word that the journal and messages use.
    pub fn word(&self) -> &'static str {
        match self {
            Verb::Create => "create",
            Verb::Put => "put",
            Verb::Patch => "patch",
            Verb::Act(action) => action.name,
            Verb::Start => "start",
            Verb::Stop => "stop",
            Verb::Restart => "restart",
            Verb::Delete => "delete",
            Verb::Record => "record",
            Verb::Move => "move",
            Verb::Forget => "forget",
        }
    }
}

/// A difference between what was applied and what is live.
#[derive(Debug, Clone)]
pub struct Drift {
    /// Whose.
    pub address: Address,
    /// Its kind.
    pub kind: &'static Kind,
    /// Whether it is gone altogether.
    pub gone: bool,
    /// Whether it is attributes that plumb does not manage (`drift --all`).
    pub unmanaged: bool,
    /// What differs: attribute, applied, live.
    pub attributes: Vec<(&'static Attribute, Option<Json>, Option<Json>)>,
}

/// An output, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputChange {
    /// In the state.
    pub before: Option<Json>,
    /// Wanted.
    pub after: Shown,
    /// What the state keeps of a secret: a keyed hash.
    pub sealed: Option<Json>,
}

impl Plan {
    /// A plan that does nothing.
    pub fn nothing(ground: Ground) -> Self {
        Self {
            ground,
            partial: false,
            refresh_only: false,
            changes: Vec::new(),
            steps: Vec::new(),
            drift: Vec::new(),
            refreshed: BTreeMap::new(),
            lost: BTreeSet::new(),
            outputs: BTreeMap::new(),
            diagnostics: Diagnostics::default(),
            doubts: Diagnostics::default(),
        }
    }

    /// Whether applying would do nothing at all, but for what the state notes by the way.
    pub fn is_empty(&self) -> bool {
        let accepts = self.refresh_only && self.drift.iter().any(|drift| !drift.unmanaged);
        self.steps.is_empty() && !accepts && self.outputs.values().all(OutputChange::is_same)
    }

    /// The change of an address; of its current object, where a replacement left old ones behind.
    pub fn change(&self, address: &Address) -> Option<&Change> {
        let at = self.changes.partition_point(|c| c.address < *address);
        self.changes.get(at).filter(|c| c.address == *address && !c.deposed)
    }
}

impl Change {
    /// The address; of what a replacement left behind, also its name in Azure.
    pub fn label(&self) -> String {
        match self.arm_id.as_ref().filter(|_| self.deposed) {
            Some(id) => format!("{} (deposed object {})", self.address, id.name()),
            None => self.address.to_string(),
        }
    }

    /// Whether an adoption is one that the document asks for.
    pub(crate) fn is_taken_over(&self) -> bool {
        self.desired.as_ref().is_some_and(|d| d.adopt.is_some())
    }

    /// The id of what stands now.
    pub(crate) fn standing_id(&self) -> Option<&ArmId> {
        self.prior.as_ref()?.arm_id.as_ref()
    }

    /// Whether it makes what stands into another resource.
    pub(crate) fn renews(&self) -> bool {
        let again = self.action == Action::Create && self.prior.is_some();
        again || matches!(self.action, Action::Replace { .. })
    }

    /// Whether it changes the resource as a whole, or what stands at this path: an attribute, a group, or a value
    /// that Azure makes up.
    pub(crate) fn sets_off(&self, path: Option<&str>) -> bool {
        let Some(path) = path else { return self.renews() || self.updates() };
        let within = |d: &&Difference| model::Lifecycle::covers(&[path.to_owned()], d.attribute.path);
        let moves = |d: &Difference| match d.effect {
            Effect::Update | Effect::Replace => true,
            Effect::Whole => d.before != d.after,
            Effect::Held => self.renews(),
        };
        let computed = self.kind.computed(path).is_some() && self.renews();
        let acts = self.renews() || self.action == Action::Update || self.action == Action::Adopt;
        computed || (acts && self.differences.iter().filter(within).any(moves))
    }

    /// Whether any attribute is set in place.
    pub(crate) fn updates(&self) -> bool {
        self.differences.iter().any(|d| d.effect == Effect::Update)
    }
}

impl OutputChange {
    /// Whether it stays as it is.
    pub fn is_same(&self) -> bool {
        match (&self.before, &self.after) {
            (before @ Some(_), Shown::Sensitive) => *before == self.sealed,
            (Some(before), Shown::Known(after)) => before == after,
            (None, Shown::Absent) => true,
            _ => false,
        }
    }

    /// The value in the state, as a plan may show it.
    pub fn stored(&self) -> Shown {
        self.before.as_ref().map_or(Shown::Absent, crate::entry::stored_output)
    }
}

impl Reason {
    /// The word in plans.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Manifest => "manifest",
            Reason::Drift => "drift",
            Reason::Both => "both",
            Reason::Tainted => "tainted",
            Reason::ParentReplaced => "parent replaced",
            Reason::Triggered => "triggered",
            Reason::Repetition => "for_each",
            Reason::Deposed => "deposed",
            Reason::Requested => "requested",
        }
    }
}
