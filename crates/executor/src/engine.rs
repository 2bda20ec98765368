//! The way of a run: what was left open is settled, Azure is read, a plan is made, and carried out.
//!
//! Whoever joins documents, a cloud and a state does it here: the program, and the tests that kill it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Diagnostics, Live, Snapshot, Value};
use planner::preflight::{self, Facts, Location};
use planner::{Approval, Asked, Graph, Made, Options, Plan, Proposal, plan};
use state::{Lock, StateError};
use thiserror::Error;

use crate::apply::{Applied, apply};
use crate::calendar;
use crate::preflight::{facts, models, softly_deleted};
use crate::provider::CloudError;
use crate::recover::{Recovered, mark_open, recover};
use crate::refresh::refresh;
use crate::run::Context;

/// What the documents want.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Their resources.
    pub graph: &'a Graph,
    /// Their outputs.
    pub outputs: &'a BTreeMap<String, Value>,
}

/// A plan, and what apply needs beside it.
#[derive(Debug)]
pub struct Proposed {
    /// The plan.
    pub plan: Arc<Plan>,
    live: Option<Live>,
    recovered: Recovered,
}

/// Why a run cannot go on.
#[derive(Debug, Clone, Error)]
pub enum RunError {
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The cloud.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// The state is about another cloud or subscription.
    #[error(
        "the state is about {state}, and this is {here}\nchoose the environment with -e, or give each cloud a state of its own in plumb.toml; if it is the same cloud under another name, say --accept-other-cloud '{state}'"
    )]
    OtherCloud {
        /// What the state is about.
        state: String,
        /// What this run is about.
        here: String,
    },
    /// The state is about another environment.
    #[error(
        "the state is of environment {state:?}, and this is {here:?}\nchoose the environment with -e, or give each a state of its own in plumb.toml"
    )]
    OtherEnvironment {
        /// What the state is about.
        state: String,
        /// What this run is about.
        here: String,
    },
    /// Hashes of secrets can be compared only under the key that they were made with.
    #[error(
        "the state's secrets are hashed with another key than the one in seal.key beside it, so nobody can tell whether they changed\nput that seal.key back, or say --trust-secrets once: it takes them to be as they were"
    )]
    OtherKey,
}

/// Reads the state and settles what a killed run left open. Reads the cloud, writes nothing.
///
/// A state that is about another cloud, subscription or environment, or whose secrets are hashed with
/// another key, is refused; one that is about `accepted_cloud` is taken to be about this one from now on.
pub async fn take_up(
    context: &Context,
    trust_secrets: bool,
    accepted_cloud: Option<&str>,
) -> Result<Recovered, RunError> {
    let stored = context.store.read().await?;
    let mut recovered = recover(context, stored).await?;
    let snapshot = &mut recovered.snapshot;
    if snapshot.lineage.is_empty() {
        snapshot.lineage = context.run.lineage.clone();
        snapshot.cloud = context.run.cloud.clone();
        snapshot.environment = context.run.environment.clone();
    }
    if snapshot.cloud != context.run.cloud && accepted_cloud == Some(&snapshot.cloud) {
        snapshot.cloud = context.run.cloud.clone();
        recovered.replayed_any = true;
    }
    same_place(context, &recovered.snapshot)?;
    if !trust_secrets && hashed_otherwise(context, &recovered.snapshot) {
        return Err(RunError::OtherKey);
    }
    Ok(recovered)
}

fn same_place(context: &Context, snapshot: &Snapshot) -> Result<(), RunError> {
    let (run, state) = (&context.run, snapshot);
    match () {
        () if state.cloud != run.cloud => {
            Err(RunError::OtherCloud { state: state.cloud.clone(), here: run.cloud.clone() })
        }
        () if state.environment != run.environment => Err(RunError::OtherEnvironment {
            state: state.environment.clone(),
            here: run.environment.clone(),
        }),
        () => Ok(()),
    }
}

fn hashed_otherwise(context: &Context, snapshot: &Snapshot) -> bool {
    let hashed = snapshot.resources.values().any(|r| !r.secrets.is_empty());
    hashed && !snapshot.seal.is_empty() && snapshot.seal != context.seal.fingerprint()
}

/// Takes the state up, reads the cloud, and plans. With `read_cloud` off, what was applied stands for what is live.
pub async fn propose(
    context: &Context,
    wanted: Wanted<'_>,
    read_cloud: bool,
    options: &Options,
) -> Result<Proposed, RunError> {
    let recovered = take_up(context, options.trust_secrets, options.accept_cloud.as_deref()).await?;
    let snapshot = &recovered.snapshot;
    let mut live = match read_cloud {
        true => {
            let (provider, parallelism) = (context.provider.as_ref(), context.settings.parallelism);
            let mut live = refresh(provider, wanted.graph, snapshot, parallelism, &context.events).await?;
            live.due = calendar::due(&live, provider.now().unwrap_or_else(|| (context.clock)()));
            Some(live)
        }
        false => None,
    };
    if !recovered.open.is_empty() {
        mark_open(live.get_or_insert_default(), &recovered.open);
    }
    let plan = plan(wanted.graph, wanted.outputs, snapshot, live.as_ref(), &context.seal, options);
    Ok(Proposed { plan: Arc::new(plan), live, recovered })
}

impl Proposed {
    /// A plan that was not made from documents, on a state that was taken up.
    pub fn of(plan: Plan, recovered: Recovered) -> Self {
        Self { plan: Arc::new(plan), live: None, recovered }
    }

    /// The state that it stands on.
    pub fn snapshot(&self) -> &Snapshot {
        &self.recovered.snapshot
    }

    /// What Azure says about everything that the plan makes, enlarges or deletes, and about further regions.
    pub async fn facts(&self, context: &Context, further: &BTreeSet<Location>) -> Facts {
        let (provider, parallelism) = (context.provider.as_ref(), context.settings.parallelism);
        let read = facts(provider, &self.plan, self.live.as_ref(), further, parallelism).await;
        Facts { deleted: softly_deleted(context, &self.plan).await, ..read }
    }

    /// What is not as it should be and is no drift of a resource: machines that lag behind their scale sets.
    pub async fn behind(&self, context: &Context) -> Diagnostics {
        let (provider, parallelism) = (context.provider.as_ref(), context.settings.parallelism);
        let models = models(provider, &self.plan, parallelism).await;
        preflight::behind(&self.plan, &models).into_iter().collect()
    }

    /// Looks at what would stop the plan halfway, and adds it to the plan's diagnostics. A plan that cannot be applied
    /// anyway is left as it is.
    pub async fn preflight(&mut self, context: &Context) {
        if self.live.is_none() || self.plan.diagnostics.has_errors() {
            return;
        }
        let facts = self.facts(context, &BTreeSet::new()).await;
        let found = preflight::check(&self.plan, self.live.as_ref(), &facts);
        Arc::make_mut(&mut self.plan).diagnostics.extend(found);
    }

    /// What the plan takes of each quota of the regions that were read.
    pub fn shares(&self, facts: &Facts) -> BTreeMap<(Location, preflight::Counted), Vec<preflight::Share>> {
        preflight::shares(&self.plan, self.live.as_ref(), facts)
    }

    /// What is approved with this plan, which was made with `options`; `None` when the cloud was not read for it.
    pub fn approval(
        &self,
        context: &Context,
        options: &Options,
        made: Made,
        asked: Asked,
    ) -> Option<Approval> {
        // A lineage that was made up for this run is that of no state yet.
        let snapshot = Some(self.snapshot()).filter(|s| s.lineage != context.run.lineage);
        let (plan, seal) = (self.plan.as_ref(), &context.seal);
        let proposal = Proposal { plan, options, snapshot, live: self.live.as_ref()?, seal };
        Some(Approval::new(&proposal, made, asked))
    }

    /// Carries the plan out under `lock`.
    pub async fn apply(
        self,
        context: &Context,
        lock: &Lock,
        outputs: &BTreeMap<String, Value>,
    ) -> Result<Applied, StateError> {
        let mut context = context.clone();
        context.run.lineage = self.recovered.snapshot.lineage.clone();
        context.run.base_serial = self.recovered.snapshot.serial;
        apply(&context, lock, self.plan, self.live.as_ref(), self.recovered, outputs).await
    }
}
