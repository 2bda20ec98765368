//! `plumb quota`: the vCPU quotas of regions, what is used of them, and what the manifests' plan would add.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::anyhow;
use model::compare::fold_location;
use planner::preflight::{Counted, Location, Quota, Region, Service, Share, Tier};
use planner::render::escape;
use serde_json::json;

use crate::args::{self, Planning};
use crate::engine::{Engine, Quotas};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// One line of the table.
struct Row {
    region: String,
    what: String,
    unit: &'static str,
    tier: Option<Tier>,
    quota: Quota,
    added: i64,
}

/// Prints the table; exit 1 when a region cannot be read.
pub async fn run(args: &args::Quota, session: &Session) -> Result<Exit, Failure> {
    let asked = asked(args, session);
    let planning = Planning::reading();
    let engine = Engine::read_only(session, &planning, output::progress::Mode::Quiet).await?;
    let read = engine.quotas(&asked).await;
    engine.stop().await;
    let mut quotas = read?;
    if !args.location.is_empty() {
        quotas.regions.retain(|location, _| asked.contains(location));
    }
    if quotas.regions.is_empty() {
        return Err(anyhow!("no manifest has a cluster or an instance: say --location REGION").into());
    }
    let rows = rows(&quotas, args.all);
    let text = if args.json { output::json(&rows.iter().map(in_json).collect()) } else { table(&rows) };
    output::result(&text);
    let unread: Vec<_> =
        quotas.regions.iter().filter_map(|(location, read)| Some((location, read.as_ref().err()?))).collect();
    for (location, why) in &unread {
        output::message(&format!(
            "Error: the quotas of {location} could not be read: {}",
            escape::terminal(why)
        ));
    }
    Ok(if unread.is_empty() { Exit::Done } else { Exit::Error })
}

/// The regions to look at beside those that the plan makes something in: as said, or those of every compute document.
fn asked(args: &args::Quota, session: &Session) -> BTreeSet<Location> {
    let location = |subscription: &str, region: &str, service: Service| Location {
        subscription: subscription.to_owned(),
        region: fold_location(region),
        service,
    };
    if !args.location.is_empty() {
        let both = [Service::MachineLearning, Service::Compute];
        let asked = args.location.iter().flat_map(|region| both.map(|service| (region, service)));
        return asked.map(|(region, service)| location(session.subscription(), region, service)).collect();
    }
    let graph = &session.manifests.graph;
    let computes =
        graph.resources().iter().filter(|r| ["cluster", "instance", "scale_set"].contains(&r.kind.name));
    let placed = computes.filter_map(|resource| {
        let id = resource.arm_id.as_ref()?;
        let above = || {
            let parent = id.parent()?;
            let found = graph.resources().iter().find(|r| r.arm_id.as_ref() == Some(&parent))?;
            found.text("location")
        };
        let service = match resource.kind.name {
            "scale_set" => Service::Compute,
            _ => Service::MachineLearning,
        };
        Some(location(id.subscription(), resource.text("location").or_else(above)?, service))
    });
    placed.collect()
}

fn rows(quotas: &Quotas, all: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for (location, read) in &quotas.regions {
        let Ok(region) = read else { continue };
        let of_region = region.quotas.iter().map(|quota| row(location, region, quota, quotas));
        let matters = |row: &Row| {
            all || row.quota.used > 0 || row.added != 0 || !matches!(row.quota.counted, Counted::Family(..))
        };
        let mut of_region: Vec<Row> = of_region.filter(matters).collect();
        of_region.sort_by(|a, b| a.quota.counted.cmp(&b.quota.counted));
        rows.extend(of_region);
    }
    rows
}

fn row(location: &Location, region: &Region, quota: &Quota, quotas: &Quotas) -> Row {
    let shares = quotas.shares.get(&(location.clone(), quota.counted.clone()));
    let added = shares.into_iter().flatten().map(|share: &Share| share.amount).sum();
    let (what, unit) = region.name_of(&quota.counted);
    let what = match location.service {
        Service::MachineLearning => what,
        Service::Compute => format!("{what}, virtual machines"),
    };
    let tier = match quota.counted {
        Counted::Computes => None,
        Counted::Cores(tier) | Counted::Family(_, tier) => Some(tier),
    };
    Row { region: location.region.clone(), what, unit, tier, quota: quota.clone(), added }
}

impl Row {
    /// What would be left; below zero when the plan breaks the quota. None without a limit.
    fn left(&self) -> Option<i64> {
        self.quota.limit.map(|limit| limit - self.quota.used - self.added)
    }
}

fn table(rows: &[Row]) -> String {
    let mut out =
        format!("{:18} {:40} {:>9} {:>9} {:>9} {:>9}\n", "REGION", "QUOTA", "LIMIT", "USED", "PLAN", "LEFT");
    for row in rows {
        let number = |number: Option<i64>| number.map_or("no limit".to_owned(), |n| n.to_string());
        let over = if row.left().is_some_and(|left| left < 0 && row.added > 0) {
            "  broken by the plan"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "{:18} {:40} {:>9} {:>9} {:>+9} {:>9}{over}",
            escape::terminal(&row.region),
            escape::terminal(&row.what),
            number(row.quota.limit),
            row.quota.used,
            row.added,
            number(row.left()).replace("no limit", "-"),
        );
    }
    out
}

fn in_json(row: &Row) -> model::Json {
    json!({
        "region": row.region,
        "quota": row.what,
        "azure_name": row.quota.title,
        "tier": row.tier.map(Tier::word),
        "unit": row.unit,
        "limit": row.quota.limit,
        "used": row.quota.used,
        "plan": row.added,
        "left": row.left(),
    })
}
