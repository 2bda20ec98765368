//! What stands in a place: whole collections, so that a group is a handful of calls. It only reads.

use std::collections::{BTreeMap, BTreeSet};

use model::{ArmId, Kind, Observed, envelope, kinds};

use crate::provider::{CloudError, Collection, Item, Outcome, Provider};

/// What is asked about.
#[derive(Debug, Clone)]
pub enum Scope {
    /// A resource group, what lies in it, and what lies in that.
    Group(ArmId),
    /// One resource, and what lies in it.
    Whole(ArmId),
    /// One resource alone.
    One(ArmId),
    /// These resources, and nothing else.
    These(Vec<ArmId>),
    /// One resource alone, as one of a type that plumb has no kind for.
    Typed {
        /// Its id.
        arm_id: ArmId,
        /// The api-version to read it with; else the newest that is no preview.
        api_version: Option<String>,
    },
}

/// What stands there.
#[derive(Debug, Default)]
pub struct Survey {
    /// Resources of known kinds, each after what it lies in.
    pub known: Vec<(&'static Kind, Observed)>,
    /// What is of no known kind.
    pub unknown: Vec<Item>,
    /// What was asked for by name and does not stand.
    pub absent: Vec<ArmId>,
}

/// Reads what stands in a place; `None` when there is no such place.
pub async fn survey(provider: &dyn Provider, scope: &Scope) -> Result<Option<Survey>, CloudError> {
    let root = match scope {
        Scope::These(ids) => return these(provider, ids).await.map(Some),
        Scope::Typed { arm_id, api_version } => return typed(provider, arm_id, api_version.as_deref()).await,
        Scope::Group(root) | Scope::Whole(root) | Scope::One(root) => root,
    };
    let Some(kind) = kind_at(provider, root).await? else { return Ok(None) };
    let Some(observed) = provider.get(kind, root).await? else { return Ok(None) };
    let mut survey = Survey { known: vec![(kind, observed)], ..Survey::default() };
    if !matches!(scope, Scope::One(..)) {
        // What is found is looked into in its turn.
        let mut at = 0;
        while let Some((_, parent)) = survey.known.get(at) {
            let parent = parent.arm_id.clone();
            look_into(provider, &parent, &mut survey).await?;
            at += 1;
        }
    }
    Ok(Some(survey))
}

/// Reads named resources by the collections that they lie in; a group is read by itself.
async fn these(provider: &dyn Provider, ids: &[ArmId]) -> Result<Survey, CloudError> {
    let mut survey = Survey::default();
    let parents: BTreeMap<(usize, String), ArmId> =
        ids.iter().filter_map(ArmId::parent).map(depth_first).collect();
    for parent in parents.into_values() {
        match look_into(provider, &parent, &mut survey).await {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    for id in ids.iter().filter(|id| id.parent().is_none()) {
        if let Some(kind) = kind_at(provider, id).await?
            && let Some(observed) = provider.get(kind, id).await?
        {
            survey.known.insert(0, (kind, observed));
        }
    }
    let wanted = |id: &ArmId| ids.iter().any(|wanted| wanted.same(id.as_str()));
    survey.known.retain(|(_, observed)| wanted(&observed.arm_id));
    survey.unknown.retain(|item| wanted(&item.arm_id));
    let found = |id: &&ArmId| {
        survey.known.iter().any(|(_, observed)| observed.arm_id.same(id.as_str()))
            || survey.unknown.iter().any(|item| item.arm_id.same(id.as_str()))
    };
    survey.absent = ids.iter().filter(|id| !found(id)).cloned().collect();
    Ok(survey)
}

/// Reads a resource's whole body, and keeps of it what a document would say.
async fn typed(
    provider: &dyn Provider,
    id: &ArmId,
    version: Option<&str>,
) -> Result<Option<Survey>, CloudError> {
    let version = match version {
        Some(version) => version.to_owned(),
        None => newest(provider.api_versions(id).await?).ok_or_else(|| no_version(id))?,
    };
    let Some(mut observed) = provider.get(envelope::whole(id, &version), id).await? else { return Ok(None) };
    let (kind, attributes) = envelope::said(&observed.arm_id, &version, &observed.attributes);
    observed.attributes = attributes;
    Ok(Some(Survey { known: vec![(kind, observed)], ..Survey::default() }))
}

/// The newest version; a preview only where there is nothing else.
fn newest(mut versions: Vec<String>) -> Option<String> {
    versions.sort_unstable();
    let stable = versions.iter().rposition(|version| version.len() == 10);
    stable.map(|at| versions.swap_remove(at)).or_else(|| versions.pop())
}

fn no_version(id: &ArmId) -> CloudError {
    CloudError {
        outcome: Outcome::NotDone,
        status: None,
        code: String::new(),
        message: format!("Azure lists no api-version for {}", id.resource_type()),
        advice: Some("Say one: --api-version 2023-09-01".to_owned()),
        facts: Vec::new(),
        request_ids: Box::default(),
    }
}

/// What lies higher comes first.
fn depth_first(id: ArmId) -> ((usize, String), ArmId) {
    ((id.as_str().split('/').count(), id.folded()), id)
}

/// The kind of the resource with this id; those of one collection are told apart by what stands there.
async fn kind_at(provider: &dyn Provider, id: &ArmId) -> Result<Option<&'static Kind>, CloudError> {
    let candidates: Vec<&'static Kind> = kinds::of_type(id).collect();
    match (candidates.as_slice(), id.parent()) {
        ([only], _) => Ok(Some(only)),
        ([_, ..], Some(parent)) => {
            let items = match provider.inventory(&parent).await {
                Err(error) if error.is_not_found() => Vec::new(),
                items => items?,
            };
            Ok(items.into_iter().find(|item| item.arm_id.same(id.as_str())).and_then(|item| item.kind))
        }
        _ => Ok(None),
    }
}

async fn look_into(provider: &dyn Provider, parent: &ArmId, survey: &mut Survey) -> Result<(), CloudError> {
    let (mut known, unknown): (Vec<Item>, Vec<Item>) =
        provider.inventory(parent).await?.into_iter().partition(|item| item.kind.is_some());
    known.retain(|item| !item.kind.is_some_and(|kind| kind.comes_by_itself(item.arm_id.name())));
    known.sort_by_key(|item| item.arm_id.folded());
    survey.unknown.extend(unknown);
    for kind in kinds::KINDS {
        let of_kind = |item: &&Item| item.kind.is_some_and(|k| k.name == kind.name);
        let wanted: BTreeSet<String> =
            known.iter().filter(of_kind).map(|item| item.arm_id.folded()).collect();
        if wanted.is_empty() {
            continue;
        }
        let collection = Collection { kinds: vec![kind], parent: parent.clone() };
        let mut found = provider.list(&collection).await?;
        // What came or went between the two lists is for another time.
        found.retain(|observed| wanted.contains(&observed.arm_id.folded()));
        found.sort_by_key(|observed| observed.arm_id.folded());
        survey.known.extend(found.into_iter().map(|observed| (kind, observed)));
    }
    Ok(())
}
