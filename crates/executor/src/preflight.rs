//! Reading what a preflight judges a plan by: each region, group and name once, and nothing for a plan that makes,
//! enlarges and deletes nothing.
//!
//! What cannot be read is an answer too: it never fails the run.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use futures_util::stream;
use model::compare::fold_location;
use model::{ArmId, Json, Live, kinds};
use planner::Plan;
use planner::preflight::{Answer, Facts, Location, Questions};

use crate::provider::{CloudError, Provider};

/// What Azure says about everything that the plan makes, enlarges or deletes, and about further regions; at most
/// `parallelism` calls at a time.
pub async fn facts(
    provider: &dyn Provider,
    plan: &Plan,
    live: Option<&Live>,
    further: &BTreeSet<Location>,
    parallelism: usize,
) -> Facts {
    let Questions { parents, groups, names } = Questions::of(plan);
    let parallelism = parallelism.max(1);
    let parents = parents_regions(provider, parents, parallelism).await;
    let mut regions = Questions::regions(plan, live, &parents);
    regions.extend(further.iter().cloned());
    let regions = stream::iter(regions).map(async |location| {
        let read = provider.regional(&location.subscription, &location.region).await;
        (location, answered(read))
    });
    let locks = stream::iter(groups).map(async |(key, group)| (key, answered(provider.locks(&group).await)));
    let names = stream::iter(names)
        .map(async |(address, kind, id)| (address, answered(provider.name_taken(kind, &id).await)));
    let (regions, locks, names) = tokio::join!(
        regions.buffer_unordered(parallelism).collect(),
        locks.buffer_unordered(parallelism).collect(),
        names.buffer_unordered(parallelism).collect(),
    );
    Facts { parents, regions, locks, names }
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
