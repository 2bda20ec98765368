//! Whether the quotas of a plan's regions hold all of it, at the full size that it allows.

use std::collections::BTreeMap;

use model::{Diagnostic, Live, Place};

use super::demand::{Location, Service, Share, shares};
use super::{Counted, Facts, Quota, Region, Tier, fold_family};
use crate::plan::Plan;

/// So many further lines are shown beside the one that breaks a quota.
const RELATED_MAX: usize = 5;

pub(super) fn check(plan: &Plan, live: Option<&Live>, facts: &Facts) -> Vec<Diagnostic> {
    let needed = shares(plan, live, facts);
    let broken = needed.iter().filter_map(|((location, counted), shares)| {
        let region = facts.regions.get(location)?.as_ref().ok()?;
        let quota = region.quotas.iter().find(|quota| quota.counted == *counted)?;
        breach(location, region, quota, shares)
    });
    broken.collect()
}

fn breach(location: &Location, region: &Region, quota: &Quota, shares: &[Share]) -> Option<Diagnostic> {
    let limit = quota.limit?;
    let added: i64 = shares.iter().map(|share| share.amount).sum();
    let missing = quota.used + added - limit;
    if added <= 0 || missing <= 0 {
        return None;
    }
    let (what, unit) = region.name_of(&quota.counted);
    let words = format!(
        "the plan breaks the quota of {what} in {location} by {missing} {unit}: the limit is {limit}, {} in use, and the plan adds {added}",
        are(quota.used)
    );
    let mut diagnostic = Diagnostic::error(words).help(advice(location, region, quota, quota.used + added));
    // What becomes free leaves room for the lines at the top.
    let freed: i64 = shares.iter().map(|share| share.amount.min(0)).sum();
    let lines = by_line(shares);
    let mut sum = quota.used + freed;
    let breaks = lines.iter().position(|(_, line)| {
        sum += line.amount;
        sum > limit
    });
    let at = breaks.unwrap_or(0);
    let (place, first) = lines.get(at)?;
    diagnostic = diagnostic.at(*place).label(format!("this breaks it: {}", first.told(unit)));
    let others = lines.iter().enumerate().filter(|(index, _)| *index != at);
    for (_, (place, line)) in others.take(RELATED_MAX) {
        diagnostic = diagnostic.related(*place, line.told(unit));
    }
    Some(diagnostic)
}

fn are(count: i64) -> String {
    format!("{count} {}", if count == 1 { "is" } else { "are" })
}

/// What one line of the manifests needs; a `for_each` asks more than once.
struct Line {
    amount: i64,
    times: usize,
    words: String,
}

impl Line {
    fn told(&self, unit: &str) -> String {
        match self.times {
            1 if unit == "vCPUs" => format!("{} {unit}, {}", self.amount, self.words),
            1 => self.words.clone(),
            times if unit == "vCPUs" => format!("{} {unit}, {times} times {}", self.amount, self.words),
            times => format!("{times} times {}", self.words),
        }
    }
}

/// Needs in the order of the files.
fn by_line(shares: &[Share]) -> Vec<(Place, Line)> {
    let mut lines: BTreeMap<Place, Line> = BTreeMap::new();
    for share in shares {
        let Some(place) = share.place else { continue };
        let line =
            lines.entry(place).or_insert_with(|| Line { amount: 0, times: 0, words: share.words.clone() });
        line.amount += share.amount;
        line.times += 1;
    }
    lines.into_iter().collect()
}

impl Region {
    /// How messages and tables call what a quota counts, and its unit.
    pub fn name_of(&self, counted: &Counted) -> (String, &'static str) {
        match counted {
            Counted::Computes => ("clusters and instances".to_owned(), "computes"),
            Counted::Cores(tier) => (format!("all {} vCPUs", tier.word()), "vCPUs"),
            Counted::Family(family, tier) => {
                let sized = self.sizes.iter().find(|size| fold_family(&size.family) == *family);
                let name = sized.map_or(family.as_str(), |size| &size.family);
                (format!("{name} ({})", tier.word()), "vCPUs")
            }
        }
    }

    /// Whether machines of what a quota counts have GPUs.
    fn has_gpus(&self, counted: &Counted) -> bool {
        let Counted::Family(family, _) = counted else { return false };
        self.sizes.iter().any(|size| size.gpus > 0 && fold_family(&size.family) == *family)
    }
}

impl Tier {
    /// The word in messages.
    pub fn word(self) -> &'static str {
        match self {
            Tier::Dedicated => "dedicated",
            Tier::LowPriority => "low-priority",
        }
    }
}

fn advice(location: &Location, region: &Region, quota: &Quota, enough: i64) -> String {
    let zero = match quota.limit {
        Some(0) if region.has_gpus(&quota.counted) => "GPU families begin with a quota of 0. ",
        _ => "",
    };
    let less = match quota.counted {
        Counted::Computes => "have fewer computes",
        _ if location.service == Service::Compute => "lower `instances`, choose another size",
        _ => "lower `max_instances`, choose another size",
    };
    format!(
        "{zero}Ask Azure for a quota of {enough}, {less} or another region; `plumb quota --location {}` shows the table, `--skip-preflight` goes on regardless",
        location.region
    )
}
