//! Import: resources that stand enter the state as they are, and nothing else is planned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Address, Adopt, Diagnostic, Diagnostics};

use crate::Graph;
use crate::plan::{Action, Change, Plan, Step, Verb};

impl Graph {
    /// The same documents, as if these asked to be taken over.
    #[must_use]
    pub fn adopting(&self, addresses: &BTreeSet<Address>) -> Self {
        self.with_each(|resource| {
            if addresses.contains(&resource.address) && resource.adopt.is_none() {
                Arc::make_mut(resource).adopt = Some(Adopt::Named);
            }
        })
    }
}

impl Plan {
    /// What it says of these resources alone: to be shown.
    #[must_use]
    pub fn of_only(&self, addresses: &BTreeSet<Address>) -> Self {
        let mut plan = self.clone();
        plan.changes.retain(|change| addresses.contains(&change.address));
        plan.steps.retain(|step| addresses.contains(&step.address));
        // Their numbers were those of the whole.
        for step in &mut plan.steps {
            step.after.clear();
            step.change = plan.changes.iter().position(|c| c.address == step.address).unwrap_or_default();
        }
        plan.drift.retain(|drift| addresses.contains(&drift.address));
        plan.refreshed.retain(|address, _| addresses.contains(address));
        plan.outputs.clear();
        let about = |d: &Diagnostic| d.address.as_ref().is_some_and(|address| addresses.contains(address));
        plan.diagnostics = plan.diagnostics.into_iter().filter(about).collect();
        plan.doubts = plan.doubts.into_iter().filter(about).collect();
        plan
    }
}

/// Of a plan of [`Graph::adopting`] documents the part that takes these resources into the state, and changes none of
/// them. What they have otherwise than their documents say is left to the next plan.
pub fn adoption(plan: &Plan, addresses: &BTreeSet<Address>) -> Result<Plan, Diagnostics> {
    let mut only = plan.of_only(addresses);
    let wrong: Diagnostics = addresses.iter().flat_map(|address| hindrances(&only, address)).collect();
    if wrong.has_errors() {
        return Err(wrong);
    }
    let record = |(index, change): (usize, &Change)| Step {
        change: index,
        address: change.address.clone(),
        verb: Verb::Record,
        paths: Vec::new(),
        moved_from: None,
        after: Vec::new(),
    };
    only.steps = only.changes.iter().enumerate().map(record).collect();
    only.refreshed = BTreeMap::new();
    only.diagnostics = Diagnostics::default();
    Ok(only)
}

/// Why a resource cannot enter the state.
fn hindrances(plan: &Plan, address: &Address) -> Vec<Diagnostic> {
    let said = |list: &Diagnostics| -> Vec<Diagnostic> {
        list.clone().into_iter().filter(|d| d.address.as_ref() == Some(address)).collect()
    };
    let Some(change) = plan.change(address) else { return said(&plan.diagnostics) };
    let words = match (change.action, &change.prior) {
        (Action::Adopt, _) => return said(&plan.doubts),
        (_, Some(_)) => format!("{address} is in the state already"),
        _ if !change.kind.in_arm() => {
            format!("{address} has nothing in Azure that could be imported; the next apply notes it")
        }
        _ => {
            let id = change.arm_id.as_ref().map_or("", |id| id.as_str());
            format!("{address} cannot be imported: Azure has nothing at {id}")
        }
    };
    let place = change.desired.as_ref().map(|resource| resource.place);
    vec![Diagnostic { place, ..Diagnostic::error(words).address(address) }]
}
