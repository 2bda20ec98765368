//! The plan: every choice, made. Apply only carries it out.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Address, ArmId, Attribute, Diagnostics, Json, Kind, Resource, ResourceState, schema};
use serde::{Deserialize, Serialize};

/// What would change, in which steps, and on what ground that was decided.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the plan stands on.
    pub ground: Ground,
    /// One change for each resource that is in the manifests or in the state, ordered by address.
    pub changes: Vec<Change>,
    /// The requests (and records) to make; [`Step::after`] holds their order.
    pub steps: Vec<Step>,
    /// What somebody changed behind plumb's back.
    pub drift: Vec<Drift>,
    /// State entries to bring up to date without a request: live already is as desired.
    pub refreshed: BTreeMap<Address, ResourceState>,
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
    /// Whose.
    pub address: Address,
    /// What is done.
    pub verb: Verb,
    /// The attributes that it sets.
    pub paths: Vec<&'static str>,
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
    /// No request: the state alone changes.
    Record,
}

impl Verb {
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

/// How many resources a plan touches, by what happens to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Adopted.
    pub import: usize,
    /// Made, replacements included.
    pub add: usize,
    /// Changed in place, power included.
    pub change: usize,
    /// Deleted, replacements included.
    pub destroy: usize,
    /// Moved in the state.
    pub moved: usize,
    /// Forgotten.
    pub forget: usize,
}

impl Plan {
    /// Counts as the summary line has them.
    pub fn counts(&self) -> Counts {
        self.counts_of(|_| true)
    }

    /// The same, of some of the changes: those that are done, say.
    pub fn counts_of(&self, counted: impl Fn(&Change) -> bool) -> Counts {
        let mut counts = Counts::default();
        for change in self.changes.iter().filter(|c| counted(c)) {
            counts.import += usize::from(change.action == Action::Adopt && change.is_taken_over());
            match change.action {
                Action::Adopt if change.is_taken_over() && change.updates() => counts.change += 1,
                Action::Create => counts.add += 1,
                Action::Replace { .. } => {
                    counts.add += 1;
                    counts.destroy += 1;
                }
                Action::Delete => counts.destroy += 1,
                Action::Update | Action::Start | Action::Stop | Action::Restart => counts.change += 1,
                Action::Move => counts.moved += 1,
                Action::Forget => counts.forget += 1,
                Action::Adopt | Action::NoOp => {}
            }
        }
        counts
    }

    /// Whether applying would do nothing at all.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.outputs.values().all(OutputChange::is_same)
    }

    /// The change of an address.
    pub fn change(&self, address: &Address) -> Option<&Change> {
        let at = self.changes.binary_search_by(|c| c.address.cmp(address)).ok()?;
        Some(&self.changes[at])
    }
}

impl Change {
    /// Whether an adoption is one that the document asks for.
    pub(crate) fn is_taken_over(&self) -> bool {
        self.desired.as_ref().is_some_and(|d| d.adopt.is_some())
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
            Reason::Requested => "requested",
        }
    }
}
