//! A plan that only takes in what Azure says: what somebody changed counts as applied from then on, and what is gone
//! leaves the state. It has no steps.

use std::collections::BTreeMap;

use model::{Address, Json, Live, ResourceState};

use crate::build::Planner;
use crate::entry;
use crate::plan::{Change, Drift};

/// What the state takes in: entries as they are live.
pub(crate) fn accepted(
    planner: &Planner<'_>,
    drift: &[Drift],
    live: &Live,
) -> BTreeMap<Address, ResourceState> {
    let mut entries = BTreeMap::new();
    for (address, prior) in &planner.priors {
        let Some(observed) = live.get(address) else { continue };
        let mut entry = ResourceState { deposed: Vec::new(), ..prior.state.clone() };
        let moved = drift.iter().filter(|d| d.address == **address && !d.gone && !d.unmanaged);
        for (attribute, _, now) in moved.flat_map(|d| &d.attributes) {
            match now {
                Some(value) => _ = entry.applied.insert(attribute.path, value.clone()),
                None => _ = entry.applied.remove(attribute.path),
            }
        }
        let kept = observed.computed.iter().filter(|(name, _)| entry::is_kept(name));
        entry.observed = kept.map(|(n, v)| ((*n).to_owned(), v.clone())).collect::<BTreeMap<String, Json>>();
        let same = (&entry.applied, &entry.observed) == (&prior.state.applied, &prior.state.observed);
        if !same {
            entries.insert((*address).clone(), entry);
        }
    }
    entries
}

/// One change for each entry, which does nothing.
pub(crate) fn untouched(planner: &Planner<'_>) -> Vec<Change> {
    planner.priors.iter().map(|(address, prior)| planner.left_alone(address, prior)).collect()
}
