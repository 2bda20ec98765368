//! Reading Azure: whole collections where several resources lie in one, single resources elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::StreamExt;
use futures_util::stream;
use model::{Address, ArmId, Kind, Live, Observed, Placement, Snapshot, kinds};
use planner::Graph;

use crate::event::{Event, Events};
use crate::provider::{CloudError, Collection, Outcome, Provider};

/// One resource to read.
#[derive(Debug, Clone)]
struct Target {
    address: Address,
    kind: &'static Kind,
    arm_id: ArmId,
    in_state: bool,
}

/// One call: a list of many, or a GET of one.
struct Reading {
    parent: Option<ArmId>,
    targets: Vec<Target>,
}

/// Reads everything that the documents or the state know, at most `parallelism` calls at a time.
///
/// What lies in something that does not exist does not exist either, and costs no call. A resource of
/// the state that a list lacks is asked for by itself before it counts as gone.
pub async fn refresh(
    provider: &dyn Provider,
    graph: &Graph,
    snapshot: &Snapshot,
    parallelism: usize,
    events: &Events,
) -> Result<Live, CloudError> {
    let graph = graph.beside(snapshot);
    let targets = targets(&graph, snapshot);
    events.tell(Event::RefreshStart(targets.len()));
    let mut live = Live::default();
    let mut missing_ids: BTreeSet<String> = BTreeSet::new();
    let mut missing: Vec<Target> = Vec::new();
    for level in readings_by_level(targets) {
        let (absent, calls): (Vec<Reading>, Vec<Reading>) = level
            .into_iter()
            .partition(|r| r.parent.as_ref().is_some_and(|p| missing_ids.contains(&p.folded())));
        missing_ids.extend(absent.into_iter().flat_map(|r| r.targets).map(|t| t.arm_id.folded()));
        let mut replies =
            stream::iter(calls).map(|reading| read(provider, reading)).buffer_unordered(parallelism.max(1));
        while let Some((reading, found)) = replies.next().await {
            let lost = take_in(&mut live, reading, found)?;
            note_missing(lost.into_iter(), &mut missing_ids, &mut missing);
        }
    }
    prove_gone(provider, missing, &mut live, parallelism).await?;
    events.tell(Event::RefreshComplete);
    Ok(live)
}

fn note_missing(lost: impl Iterator<Item = Target>, ids: &mut BTreeSet<String>, missing: &mut Vec<Target>) {
    for target in lost {
        ids.insert(target.arm_id.folded());
        missing.push(target);
    }
}

/// Every resource to read, once. What the state has comes first, under the address that it has there: a document may
/// have renamed it, or call it by another address.
fn targets(graph: &Graph, snapshot: &Snapshot) -> Vec<Target> {
    let mut targets: BTreeMap<&Address, Target> = BTreeMap::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let documented = graph.documented(snapshot);
    for (address, state) in &snapshot.resources {
        if let Some(arm_id) = &state.arm_id {
            let target = Target {
                address: address.clone(),
                kind: documented.get(address).map_or_else(|| state.kind(), |resource| resource.kind),
                arm_id: arm_id.clone(),
                in_state: true,
            };
            known.insert(arm_id.folded());
            known.extend(state.deposed.iter().filter_map(|old| Some(old.arm_id.as_ref()?.folded())));
            targets.insert(address, target);
        }
    }
    for resource in graph.resources() {
        let moved = resource.moved_from.iter().any(|(a, _)| snapshot.resources.contains_key(a));
        let unread = |id: &&ArmId| !moved && !known.contains(&id.folded());
        if let Some(arm_id) = resource.arm_id.as_ref().filter(unread) {
            targets.entry(&resource.address).or_insert_with(|| Target {
                address: resource.address.clone(),
                kind: resource.kind,
                arm_id: arm_id.clone(),
                in_state: false,
            });
        }
    }
    targets.into_values().collect()
}

/// Calls by depth: groups, what lies in groups, what lies in those, and at last what lies on any of them.
fn readings_by_level(targets: Vec<Target>) -> impl Iterator<Item = Vec<Reading>> {
    let mut levels: BTreeMap<usize, BTreeMap<(String, String), Reading>> = BTreeMap::new();
    for target in targets {
        let collection = match target.kind.placement {
            Placement::Local => continue,
            // A list of a folder does not tell what is in its files.
            _ if target.kind.is_on_share() => target.arm_id.folded(),
            // Lists of extensions show those of other scopes, too: each is read by itself.
            // Of types that plumb does not know, nobody knows that lists tell all.
            Placement::Group { .. } | Placement::OnScope { .. } | Placement::Typed { .. } => {
                target.arm_id.folded()
            }
            Placement::InGroup { resource_type, .. } => resource_type.to_owned(),
            Placement::InParent { collection, .. } => collection.to_owned(),
        };
        let parent = target.arm_id.parent();
        let key = (parent.as_ref().map(ArmId::folded).unwrap_or_default(), collection);
        let level = levels.entry(kinds::depth(target.kind)).or_default();
        level.entry(key).or_insert_with(|| Reading { parent, targets: Vec::new() }).targets.push(target);
    }
    levels.into_values().map(|level| level.into_values().collect())
}

type Found = Result<HashMap<String, Observed>, CloudError>;

async fn read(provider: &dyn Provider, reading: Reading) -> (Reading, Found) {
    let found = match (&reading.parent, reading.targets.as_slice()) {
        (_, [only]) => provider.get(only.kind, &only.arm_id).await.map(|o| o.into_iter().collect()),
        (Some(parent), many) => list(provider, parent, many[0].kind).await,
        (None, _) => unreachable!("BUG: a group is read by itself"),
    };
    let by_id = |all: Vec<Observed>| all.into_iter().map(|o| (o.arm_id.folded(), o)).collect();
    (reading, found.map(by_id))
}

async fn list(
    provider: &dyn Provider,
    parent: &ArmId,
    kind: &'static Kind,
) -> Result<Vec<Observed>, CloudError> {
    let together = |k: &&&'static Kind| same_collection(k.placement, kind.placement);
    let kinds = kinds::KINDS.iter().filter(together).copied().collect();
    match provider.list(&Collection { kinds, parent: parent.clone() }).await {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        other => other,
    }
}

/// Whether one list call reads both: a workspace's clusters and instances share a collection.
fn same_collection(a: Placement, b: Placement) -> bool {
    match (a, b) {
        (Placement::InGroup { resource_type: a, .. }, Placement::InGroup { resource_type: b, .. }) => a == b,
        (
            Placement::InParent { parent: pa, collection: ca, .. },
            Placement::InParent { parent: pb, collection: cb, .. },
        ) => (pa, ca) == (pb, cb),
        _ => false,
    }
}

/// Keeps what was found; returns the targets that were not. A refusal makes its targets unreadable.
fn take_in(live: &mut Live, reading: Reading, found: Found) -> Result<Vec<Target>, CloudError> {
    let mut found = match found {
        Ok(found) => found,
        Err(error) if error.status == Some(403) => {
            let words = error.to_string();
            live.unreadable.extend(reading.targets.into_iter().map(|t| (t.address, words.clone())));
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut missing = Vec::new();
    for target in reading.targets {
        match found.remove(&target.arm_id.folded()) {
            Some(observed) => _ = live.resources.insert(target.address, observed),
            None => missing.push(target),
        }
    }
    Ok(missing)
}

/// A resource of the state counts as gone on proof only (arm-faults §6): not found again, by itself,
/// and after the provider's interval.
async fn prove_gone(
    provider: &dyn Provider,
    missing: Vec<Target>,
    live: &mut Live,
    parallelism: usize,
) -> Result<(), CloudError> {
    let suspects: Vec<Target> = missing.into_iter().filter(|t| t.in_state).collect();
    if suspects.is_empty() {
        return Ok(());
    }
    tokio::time::sleep(provider.gone_proof_interval()).await;
    let again = |target: Target| async move {
        let found = provider.get(target.kind, &target.arm_id).await;
        (target, found)
    };
    let mut replies = stream::iter(suspects).map(again).buffer_unordered(parallelism.max(1));
    while let Some((target, found)) = replies.next().await {
        match found? {
            Some(_) if !target.kind.goes_with_its_place() => return Err(came_back(&target)),
            Some(observed) => _ = live.resources.insert(target.address, observed),
            None => {}
        }
    }
    Ok(())
}

/// What lies in it was not read, so nothing can be said about that.
fn came_back(target: &Target) -> CloudError {
    CloudError {
        outcome: Outcome::NotDone,
        status: None,
        code: String::new(),
        message: format!("{} was not found, and then was: Azure's answers do not agree yet", target.address),
        advice: Some("run the command again in a minute".to_owned()),
        facts: Vec::new(),
        request_ids: Box::default(),
    }
}
