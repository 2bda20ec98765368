//! Whether the machine sizes that a plan asks for are there, in that region and for that use.

use model::rule::nearest;
use model::{Diagnostic, Live};

use super::demand::{Demand, Nodes, demands};
use super::{Facts, Region, Size, Tier};
use crate::plan::Plan;

pub(super) fn check(plan: &Plan, live: Option<&Live>, facts: &Facts) -> Vec<Diagnostic> {
    let grown = demands(plan, live, &facts.parents).into_iter().filter(Demand::grows);
    let judged = grown.filter_map(|demand| {
        let region = facts.regions.get(&demand.location)?.as_ref().ok()?;
        wrong(&demand, region)
    });
    judged.collect()
}

fn wrong(demand: &Demand<'_>, region: &Region) -> Option<Diagnostic> {
    let nodes = demand.after.as_ref()?;
    // A region that lists no size at all tells nothing.
    if region.sizes.is_empty() {
        return None;
    }
    let (location, kind) = (&demand.location, demand.change.kind.name);
    let fits = |size: &Size| demand.may_have(size) && (nodes.tier == Tier::Dedicated || size.low_priority);
    let (words, path) = match region.size(&nodes.size) {
        None => (format!("{location} has no VM size `{}`", nodes.size), "size"),
        Some(size) if !demand.may_have(size) => {
            (format!("the VM size `{}` of {location} is not for {kind}s", size.name), "size")
        }
        Some(size) if !fits(size) => {
            (format!("the VM size `{}` of {location} has no low-priority nodes", size.name), "tier")
        }
        Some(_) => return None,
    };
    let resource = demand.change.desired.as_ref()?;
    let diagnostic = Diagnostic::error(words).at(resource.place_of(path)).address(&resource.address);
    Some(diagnostic.attribute(path).help(advice(nodes, region, fits)))
}

fn advice(nodes: &Nodes, region: &Region, fits: impl Fn(&Size) -> bool) -> String {
    let names: Vec<&str> = region.sizes.iter().filter(|size| fits(size)).map(|s| s.name.as_str()).collect();
    let others = names.iter().copied().filter(|name| !name.eq_ignore_ascii_case(&nodes.size));
    match nearest(&nodes.size, others) {
        Some(near) => format!("did you mean `{near}`? {} sizes would do there", names.len()),
        None => format!("choose another size, of which {} would do there, or another region", names.len()),
    }
}
