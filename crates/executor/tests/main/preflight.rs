//! What is read for a preflight, and what comes of it.

use std::collections::BTreeMap;

use model::{Diagnostics, Severity, Snapshot};
use planner::preflight::{Counted, Quota, Region, Size, Tier, check};
use planner::{Options, Plan, plan};

use crate::bench::{Bench, WORKSPACE, desired};

/// A region of one size, four vCPUs, with this limit for its family, and as much low-priority as anybody wants.
fn region(limit: i64, used: i64) -> Region {
    let quota = |counted, limit| Quota { counted, title: String::new(), limit, used };
    let family = |tier| Counted::Family("standarddsv2family".to_owned(), tier);
    Region {
        sizes: vec![Size {
            name: "Standard_DS3_v2".to_owned(),
            family: "standardDSv2Family".to_owned(),
            cores: 4,
            gpus: 0,
            low_priority: true,
            uses: vec!["AmlCompute".to_owned()],
        }],
        quotas: vec![
            quota(family(Tier::Dedicated), Some(limit)),
            quota(family(Tier::LowPriority), None),
            quota(Counted::Computes, Some(2)),
        ],
    }
}

fn cluster(name: &str, more: &str) -> String {
    format!("---\nkind: cluster\nname: {name}\nworkspace: research\nmax_instances: 3\n{more}")
}

fn planned(bench: &Bench, documents: &str) -> Plan {
    let (graph, outputs) = desired(documents);
    let (snapshot, options) = (Snapshot::default(), Options::default());
    let seal = model::Seal::new(&[7; 32]);
    bench.world.take_log();
    plan(&graph, &outputs, &snapshot, Some(&model::Live::default()), &seal, &options)
}

/// What is said about a plan, and what was asked for it.
fn judged(bench: &Bench, documents: &str) -> (Vec<(Severity, String)>, Vec<String>) {
    let plan = planned(bench, documents);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let facts = runtime.block_on(executor::facts(&*bench.world, &plan, None, &Default::default(), 4));
    let found: Diagnostics = check(&plan, None, &facts);
    let said = found.sorted().into_iter().map(|d| (d.severity, d.summary)).collect();
    (said, bench.world.take_log())
}

fn bench(region: Region) -> Bench {
    let bench = Bench::new();
    let known = BTreeMap::from([("westeurope".to_owned(), Ok(region))]);
    *bench.world.regions.lock().expect("regions") = known;
    bench
}

#[test]
fn a_region_is_asked_once_and_a_full_quota_is_enough() {
    let bench = bench(region(24, 0));
    let documents = format!("{WORKSPACE}{}{}", cluster("cpu-a", ""), cluster("cpu-b", ""));
    let (said, log) = judged(&bench, &documents);
    assert_eq!(said, []);
    let expected = ["regional westeurope", "locks s1"];
    assert_eq!(log, expected, "a group that the plan makes has no lock yet, and its subscription may");
}

#[test]
fn tiers_are_counted_apart() {
    let bench = bench(region(23, 0));
    let (low, two) = (cluster("cpu-a", "tier: low_priority\n"), cluster("cpu-b", ""));
    assert_eq!(judged(&bench, &format!("{WORKSPACE}{low}{two}")).0, []);
    let (said, _) = judged(&bench, &format!("{WORKSPACE}{}{two}", cluster("cpu-a", "")));
    let words = "the plan breaks the quota of standardDSv2Family (dedicated) in westeurope by 1 vCPUs: the limit is 23, 0 are in use, and the plan adds 24";
    assert_eq!(said, [(Severity::Error, words.to_owned())]);
}

#[test]
fn clusters_and_instances_have_a_number_too() {
    let bench = bench(region(1000, 1));
    let (said, _) = judged(&bench, &format!("{WORKSPACE}{}{}", cluster("cpu-a", ""), cluster("cpu-b", "")));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].1.contains("clusters and instances in westeurope by 1 computes"), "{said:?}");
}

#[test]
fn a_size_is_not_for_every_use() {
    let bench = bench(region(1000, 0));
    let instance = "---\nkind: instance\nname: ci-alice\nworkspace: research\nsize: Standard_DS3_v2\n";
    let (said, _) = judged(&bench, &format!("{WORKSPACE}{instance}"));
    let words = "the VM size `Standard_DS3_v2` of westeurope is not for instances";
    assert_eq!(said, [(Severity::Error, words.to_owned())]);
}

#[test]
fn what_may_not_be_looked_at_is_a_warning() {
    let bench = Bench::new();
    let (said, _) = judged(&bench, &format!("{WORKSPACE}{}", cluster("cpu-a", "")));
    assert_eq!(said.len(), 1, "{said:?}");
    let (severity, words) = &said[0];
    assert_eq!(*severity, Severity::Warning);
    assert!(words.starts_with("sizes and quotas of westeurope could not be read"), "{words}");
}

#[test]
fn nothing_is_asked_for_a_plan_that_makes_nothing() {
    let bench = Bench::new();
    let (said, log) = judged(&bench, "");
    assert_eq!((said, log), (Vec::new(), Vec::new()));
}
