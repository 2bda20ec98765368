//! A saved plan: the approval of exactly these changes, on exactly this ground.
//!
//! Apply never carries out what such a file says. It plans again with the same options, makes the approval of
//! that plan, and goes on only if both are the same; so a file can keep changes from being made, and add none.

mod compare;
mod file;
mod form;

use std::collections::BTreeMap;

use model::compare::normal;
use model::{Address, Change as Changes, Json, Live, Observed, Provisioning, Seal, Snapshot};
use serde::{Deserialize, Serialize};

use crate::entry::is_kept;
use crate::options::Options;
use crate::plan::{Action, Change, Ground, Plan};
use form::PlanForm;

pub use file::Unusable;

/// Which plumb approves: a plan is applied by the version that made it.
const TOOL: &str = concat!("plumb ", env!("CARGO_PKG_VERSION"));

/// An approved plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    tool: String,
    /// The fingerprint of the key that it is sealed with.
    key: String,
    /// Who made it, and when.
    pub made: Made,
    /// What the command line asked for, so that apply need not be told again.
    pub asked: Asked,
    /// How it was planned.
    pub options: Options,
    /// What the plan stands on; the lineage is empty when there was no state yet.
    pub ground: Ground,
    /// A keyed hash of the state's content; empty when there was none.
    state: String,
    /// What the resources that it touches looked like in Azure; `None` for what was not there.
    live: BTreeMap<Address, Option<Look>>,
    plan: PlanForm,
}

/// Who made a plan, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// The user.
    pub owner: String,
    /// The machine.
    pub host: String,
    /// When, RFC 3339.
    pub time: String,
}

/// What the command line asked for, beyond [`Options`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// `--var` flags of variables that are not sensitive.
    pub variables: Vec<String>,
    /// Sensitive variables that were given by `--var`: their values are not kept, and must be given again.
    pub withheld: Vec<String>,
    /// `--var-file` flags.
    pub variable_files: Vec<String>,
    /// `--max-deletes`; without it the project's limit holds.
    pub max_deletes: Option<usize>,
    /// `--accept-older-state`.
    pub accept_older_state: bool,
}

/// What a live resource looked like: keyed hashes of what was read, so that one can say what moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    id: String,
    created: Option<i64>,
    provisioning: String,
    attributes: BTreeMap<String, String>,
    computed: BTreeMap<String, String>,
}

/// A plan, and what it was made from.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The plan; without errors.
    pub plan: &'a Plan,
    /// How it was planned.
    pub options: &'a Options,
    /// The state that it stands on; `None` when there is none yet.
    pub snapshot: Option<&'a Snapshot>,
    /// What was read.
    pub live: &'a Live,
    /// The key of hidden values' hashes.
    pub seal: &'a Seal,
}

impl Approval {
    /// The approval of a plan.
    pub fn new(proposal: &Proposal<'_>, made: Made, asked: Asked) -> Self {
        let Proposal { plan, options, snapshot, live, seal } = *proposal;
        let touched = plan.changes.iter().filter(|change| change.action != Action::NoOp && !change.deposed);
        let lineage = snapshot.map(|snapshot| snapshot.lineage.clone()).unwrap_or_default();
        Self {
            tool: TOOL.to_owned(),
            key: seal.fingerprint(),
            made,
            asked,
            options: options.clone(),
            ground: Ground { lineage, ..plan.ground.clone() },
            state: snapshot.map(|snapshot| digest_of(snapshot, seal)).unwrap_or_default(),
            live: touched.map(|change| (change.address.clone(), look_of(change, live, seal))).collect(),
            plan: PlanForm::of(plan, seal),
        }
    }

    /// The plan as it was shown: for renderers, and never to be applied.
    pub fn shown(&self) -> Plan {
        self.plan.plan(self.ground.clone(), &self.options)
    }
}

fn digest_of(snapshot: &Snapshot, seal: &Seal) -> String {
    let text = serde_json::to_string(snapshot).expect("BUG: a snapshot has a JSON form");
    seal.digest("state", "", &text)
}

fn look_of(change: &Change, live: &Live, seal: &Seal) -> Option<Look> {
    let address = change.previous.as_ref().unwrap_or(&change.address);
    live.get(address).map(|observed| Look::of(change, observed, seal))
}

impl Look {
    /// Power is left out: instances stop and start by themselves, and where that matters the plan says so.
    fn of(change: &Change, observed: &Observed, seal: &Seal) -> Self {
        let Observed { arm_id, attributes, computed, provisioning, created } = observed;
        let digest =
            |name: &str, value: &Json| seal.digest(change.address.as_str(), name, &value.to_string());
        let attribute = |(path, value): (&&'static str, &Json)| {
            let attribute = change.kind.attribute(path).filter(|a| a.change != Changes::Power)?;
            Some(((*path).to_owned(), digest(path, &normal(attribute, value))))
        };
        let still = computed.iter().filter(|(name, _)| is_kept(name));
        Self {
            id: arm_id.folded(),
            created: *created,
            provisioning: match provisioning {
                Provisioning::Succeeded => "succeeded".to_owned(),
                Provisioning::Failed(why) => format!("failed: {why}"),
                Provisioning::InProgress(word) => format!("in progress: {word}"),
            },
            attributes: attributes.iter().filter_map(attribute).collect(),
            computed: still.map(|(name, value)| ((*name).to_owned(), digest(name, value))).collect(),
        }
    }
}
