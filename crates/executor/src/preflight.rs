//! Reading what a preflight judges a plan by: each region, group and name once, and nothing for a plan that makes,
//! enlarges and deletes nothing.
//!
//! What cannot be read is an answer too: it never fails the run.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use model::compare::fold_location;
use model::{Address, ArmId, Json, Live, kinds};
use planner::preflight::{self, Answer, Facts, Location, Questions};
use planner::{Action, Plan};
use state::{Changed, Went};

use crate::provider::{CloudError, Provider};
use crate::run::Context;

/// How long Azure holds the name of a workspace that was deleted softly.
const NAME_HELD: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What Azure says about everything that the plan makes, enlarges or deletes, and about further regions; at most
/// `parallelism` calls at a time.
pub async fn facts(
    provider: &dyn Provider,
    plan: &Plan,
    live: Option<&Live>,
    further: &BTreeSet<Location>,
    parallelism: usize,
) -> Facts {
    let Questions { parents, groups, names, sets, scripts } = Questions::of(plan);
    let parallelism = parallelism.max(1);
    let parents = parents_regions(provider, parents, parallelism).await;
    let mut regions = Questions::regions(plan, live, &parents);
    regions.extend(further.iter().cloned());
    let regions = stream::iter(regions).map(async |location| {
        let read = provider.regional(&location).await;
        (location, answered(read))
    });
    let locks = stream::iter(groups).map(async |(key, group)| (key, answered(provider.locks(&group).await)));
    let names = stream::iter(names)
        .map(async |(address, kind, id)| (address, answered(provider.name_taken(kind, &id).await)));
    let scripts = stream::iter(scripts).map(async |script| {
        let read = provider.file(&script.workspace, &script.path, 0).await;
        (script, answered(read.map(|file| file.is_some())))
    });
    let (regions, locks, names, models, scripts) = tokio::join!(
        regions.buffer_unordered(parallelism).collect(),
        locks.buffer_unordered(parallelism).collect(),
        names.buffer_unordered(parallelism).collect(),
        models_of(provider, sets, parallelism),
        scripts.buffer_unordered(parallelism).collect(),
    );
    Facts { parents, regions, locks, names, models, scripts, deleted: BTreeMap::new() }
}

/// Workspaces to be made that a run of the history deleted softly while Azure may still hold their names, and when. A
/// history that cannot be read tells nothing.
pub(crate) async fn softly_deleted(context: &Context, plan: &Plan) -> BTreeMap<Address, String> {
    let is_new = |c: &&planner::Change| c.action == Action::Create && c.prior.is_none();
    let made = plan.changes.iter().filter(is_new).filter(|c| c.kind.name == "workspace");
    let made: Vec<(&Address, &ArmId)> = made.filter_map(|c| Some((&c.address, c.arm_id.as_ref()?))).collect();
    let mut found = BTreeMap::new();
    let runs = if made.is_empty() { Vec::new() } else { context.store.history().await.unwrap_or_default() };
    let since = (context.clock)() - NAME_HELD;
    for two in runs.windows(2).rev() {
        let [before, run] = two else { continue };
        let time = run.report.ended.as_ref().unwrap_or(&run.report.run.time);
        if time.parse::<Timestamp>().is_ok_and(|time| time < since) {
            break;
        }
        let is_delete = |c: &&Changed| c.action == Action::Delete.word() && c.went == Went::Done;
        let deleted = run.report.changes.iter().filter(is_delete);
        let workspaces: Vec<&Changed> = deleted.filter(|c| c.address.kind() == "workspace").collect();
        if workspaces.is_empty() {
            continue;
        }
        let Ok(state) = context.store.snapshot_at(before.number).await else { continue };
        for (address, id) in &made {
            let held = |gone: &&Changed| preflight::softly_deleted(&state, &gone.address, id);
            if workspaces.iter().copied().any(|gone| held(&gone)) {
                found.entry((*address).clone()).or_insert_with(|| time.clone());
            }
        }
    }
    found
}

/// The machines of the plan's scale sets that do not have the latest model.
pub async fn models(
    provider: &dyn Provider,
    plan: &Plan,
    parallelism: usize,
) -> BTreeMap<Address, Answer<Vec<String>>> {
    models_of(provider, Questions::of(plan).sets, parallelism.max(1)).await
}

async fn models_of(
    provider: &dyn Provider,
    sets: Vec<(Address, ArmId)>,
    parallelism: usize,
) -> BTreeMap<Address, Answer<Vec<String>>> {
    let read =
        stream::iter(sets).map(async |(address, id)| (address, answered(provider.outdated(&id).await)));
    read.buffer_unordered(parallelism).collect().await
}

/// The regions of workspaces that no document has. One that cannot be read leaves its computes out.
async fn parents_regions(
    provider: &dyn Provider,
    parents: BTreeMap<String, ArmId>,
    parallelism: usize,
) -> BTreeMap<String, String> {
    let read = stream::iter(parents).map(async |(key, id)| {
        let kind = kinds::of_type(&id).next()?;
        let found = provider.get(kind, &id).await.ok()??;
        Some((key, fold_location(found.attributes.get("location").and_then(Json::as_str)?)))
    });
    read.buffer_unordered(parallelism).filter_map(async |found| found).collect().await
}

fn answered<T>(read: Result<T, CloudError>) -> Answer<T> {
    read.map_err(|error| error.to_string())
}
