//! Preflight: what would stop a plan halfway is said before anything is sent.

use std::fmt::Write as _;

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::cloud::{Cloud, is_write};
use crate::project::{Project, Said};

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml";
const TEAM: &str = "kind: resource_group
name: ml
location: westeurope
---
kind: workspace
name: research
resource_group: ml
location: westeurope
";

/// A project on a cloud of its own.
struct Bench {
    cloud: Cloud,
    project: Project,
}

impl Bench {
    fn new() -> Self {
        let cloud = Cloud::start(Options::default());
        let mut project = Project::empty();
        project.endpoint = Some(cloud.endpoint());
        project.write("plumb.toml", "[project]\nname = \"preflight\"\n");
        Self { cloud, project }
    }

    /// The same with a group and a workspace that stand, and a clean log.
    fn with_team() -> Self {
        let mut bench = Self::new();
        bench.project.write("manifests/team.yaml", TEAM);
        bench.project.ok(&["apply", "--auto-approve"]);
        bench.cloud.new_requests();
        bench
    }

    fn quotas(&self, limits: Value) {
        self.cloud.control(Method::Post, "quotas", Some(&json!({ "core_limits": limits })));
    }

    fn lock(&self, level: &str) {
        let id = format!("{GROUP}/providers/Microsoft.Authorization/locks/keep");
        self.cloud.put(&id, "2020-05-01", &json!({ "properties": { "level": level } }));
    }

    /// A command that must fail before it sends anything that changes the cloud.
    fn refused(&mut self, args: &[&str]) -> Said {
        self.cloud.new_requests();
        let said = self.project.run(args);
        assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
        assert_eq!(self.writes(), Vec::<String>::new(), "{}", said.stderr);
        said
    }

    /// Requests that change something; a question about a name does not.
    fn writes(&mut self) -> Vec<String> {
        let requests = self.cloud.new_requests();
        let text = |r: &Value| format!("{} {}", r["method"], r["path"]);
        requests.iter().filter(|r| is_write(r)).map(text).collect()
    }

    /// Requests about a region, a lock or a name since the last look.
    fn looks(&mut self) -> usize {
        let marks = ["/locations/", "/locks", "checkNameAvailability"];
        let requests = self.cloud.new_requests();
        let is_look = |r: &&Value| {
            let path = r["path"].as_str().unwrap_or_default();
            marks.iter().any(|m| path.contains(m)) && !path.contains("perationsStatus")
        };
        requests.iter().filter(is_look).count()
    }
}

fn cluster(name: &str, location: &str, size: &str, more: &str) -> String {
    format!(
        "---\nkind: cluster\nname: {name}\nworkspace: research\nlocation: {location}\nsize: {size}\nmax_instances: 4\n{more}"
    )
}

/// Forty clusters in three regions: in northeurope 14 times 4 nodes of 4 vCPUs.
fn forty() -> String {
    let mut text = TEAM.to_owned();
    for number in 0..40 {
        let location = ["westeurope", "northeurope", "eastus"][(number + 2) % 3];
        let _ = write!(text, "{}", cluster(&format!("c{number:02}x"), location, "Standard_DS3_v2", ""));
    }
    text
}

fn has(said: &Said, words: &str) {
    assert!(said.stderr.contains(words), "{words:?} is missing:\n{}", said.stderr);
}

#[test]
fn a_quota_that_forty_clusters_break_is_said_before_anything_is_sent() {
    let mut bench = Bench::new();
    bench.quotas(json!({ "standardDSv2Family": 220 }));
    let text = forty();
    bench.project.write("manifests/all.yaml", &text);
    let said = bench.refused(&["apply", "--auto-approve"]);
    // eastus has 14 clusters, northeurope 13, westeurope 13: 224 vCPUs, and 208 each.
    has(&said, "the plan breaks the quota of standardDSv2Family (dedicated) in eastus by 4 vCPUs");
    has(&said, "the limit is 220, 0 are in use, and the plan adds 224");
    assert!(!said.stderr.contains("in northeurope by") && !said.stderr.contains("in westeurope by"));
    // The last cluster in eastus is the one that does not fit any more.
    let before = &text[..text.rfind("location: eastus").expect("there is one")];
    let line = before.lines().count() + 3;
    has(&said, &format!("manifests/all.yaml:{line}:"));
    has(&said, "this breaks it: 16 vCPUs, 4 nodes of Standard_DS3_v2 × 4 vCPUs");
    let said = bench.refused(&["plan"]);
    assert!(said.stdout.contains("45 to add"), "the plan is shown all the same:\n{}", said.stdout);
    let said = bench.project.ok(&["plan", "--skip-preflight"]);
    assert!(!said.stderr.contains("quota"), "{}", said.stderr);
    bench.project.ok(&["plan", "--offline"]);
    bench.project.ok(&["apply", "--auto-approve", "--skip-preflight"]);
    bench.cloud.new_requests();
    bench.project.ok(&["plan", "--detailed-exitcode"]);
    assert_eq!(bench.looks(), 0, "a plan that makes nothing asks nothing");
}

#[test]
fn each_region_is_asked_once_for_sizes_and_once_for_usages() {
    let mut bench = Bench::with_team();
    bench.project.write("manifests/team.yaml", &forty());
    bench.project.ok(&["plan"]);
    assert_eq!(
        bench.looks(),
        3 * 2 + 2,
        "three regions, the locks of one group, and those of the subscription"
    );
}

#[test]
fn replacements_need_both_when_the_new_one_comes_first() {
    let mut bench = Bench::with_team();
    let gpu = |name: &str, tier: &str, more: &str| {
        format!(
            "{TEAM}---\nkind: cluster\nname: {name}\nworkspace: research\nsize: Standard_NC6\nmin_instances: 2\nmax_instances: 2\ntier: {tier}\n{more}"
        )
    };
    bench.quotas(json!({ "standardNCFamily": 12 }));
    bench.project.write("manifests/team.yaml", &gpu("gpu", "dedicated", "description: one\n"));
    bench.project.ok(&["apply", "--auto-approve"]);
    // Deleted first, the old one makes room.
    let said = bench.project.ok(&["plan", "--replace", "cluster/research/gpu"]);
    assert!(!said.stderr.contains("quota"), "{}", said.stderr);
    let first = "id: gpu\nlifecycle: { create_before_destroy: true }\n";
    bench.project.write("manifests/team.yaml", &gpu("gpu-b", "dedicated", first));
    let said = bench.project.run(&["plan"]);
    let words = format!("{}{}", said.stdout, said.stderr);
    assert_eq!(said.code, 1, "{words}");
    has(&said, "by 12 vCPUs: the limit is 12, 12 are in use, and the plan adds 12");
    bench.refused(&["apply", "--auto-approve"]);
    // Low-priority nodes are counted apart, and have no limit here.
    let first = "id: gpu\nlifecycle: { create_before_destroy: true }\n";
    bench.project.write("manifests/team.yaml", &gpu("gpu-b", "low_priority", first));
    bench.project.ok(&["plan"]);
}

#[test]
fn a_gpu_family_at_zero_is_called_that() {
    let mut bench = Bench::with_team();
    bench.quotas(json!({ "standardNCSv3Family": 0 }));
    bench.project.write("manifests/gpu.yaml", &cluster("gpu", "westeurope", "standard_nc6s_v3", "")[4..]);
    let said = bench.refused(&["plan"]);
    has(&said, "standardNCSv3Family (dedicated) in westeurope by 24 vCPUs: the limit is 0");
    has(&said, "GPU families begin with a quota of 0");
    has(&said, "plumb quota --location westeurope");
}

#[test]
fn an_instance_needs_the_quota_of_its_workspaces_region() {
    let mut bench = Bench::with_team();
    bench.quotas(json!({ "standardDSv2Family": 3 }));
    let instance = "kind: instance\nname: ci-alice\nworkspace: research\nsize: Standard_DS3_v2\n";
    bench.project.write("manifests/ci.yaml", instance);
    has(
        &bench.refused(&["plan"]),
        "in westeurope by 1 vCPUs: the limit is 3, 0 are in use, and the plan adds 4",
    );
    let outside = instance.replace(
        "workspace: research",
        &format!("workspace: {GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research"),
    );
    // Nothing says where the workspace is, so that is read too.
    bench.project.write("manifests/team.yaml", "kind: resource_group\nname: ml\nlocation: westeurope\n");
    bench.project.write("manifests/ci.yaml", &outside);
    let args = ["plan", "--target", "instance/research/ci-alice"];
    has(&bench.refused(&args), "in westeurope by 1 vCPUs");
}

#[test]
fn only_what_is_enlarged_counts_and_what_has_nodes_already_counts_once() {
    let mut bench = Bench::with_team();
    let sized = |max: i64, tag: &str| {
        format!(
            "{TEAM}---\nkind: cluster\nname: cpu\nworkspace: research\nsize: Standard_DS3_v2\nmin_instances: 2\nmax_instances: {max}\ntags: {{ a: {tag} }}\n"
        )
    };
    bench.project.write("manifests/team.yaml", &sized(3, "x"));
    bench.project.ok(&["apply", "--auto-approve"]);
    bench.quotas(json!({ "standardDSv2Family": 10 }));
    bench.cloud.new_requests();
    bench.project.write("manifests/team.yaml", &sized(3, "y"));
    bench.project.ok(&["plan"]);
    bench.project.write("manifests/team.yaml", &sized(2, "x"));
    bench.project.ok(&["plan"]);
    assert_eq!(bench.looks(), 0, "neither a tag nor fewer nodes ask anything");
    bench.project.write("manifests/team.yaml", &sized(4, "x"));
    has(&bench.refused(&["plan"]), "by 6 vCPUs: the limit is 10, 8 are in use, and the plan adds 8");
}

#[test]
fn a_size_that_is_not_there_is_refused_with_the_nearest() {
    let mut bench = Bench::with_team();
    bench.project.write("manifests/c.yaml", &cluster("cpu", "westeurope", "Standard_DS3_v3", "")[4..]);
    let said = bench.refused(&["apply", "--auto-approve"]);
    has(&said, "westeurope has no VM size `Standard_DS3_v3`");
    has(&said, "did you mean `Standard_DS3_v2`?");
    has(&said, "manifests/c.yaml:5:7");
}

#[test]
fn locks_are_seen_before_they_refuse() {
    let mut bench = Bench::with_team();
    bench.lock("CanNotDelete");
    bench.project.write("manifests/c.yaml", &cluster("cpu", "westeurope", "Standard_DS3_v2", "")[4..]);
    let said = bench.project.ok(&["plan"]);
    has(&said, "the lock `keep` (CanNotDelete) on");
    has(&said, "keeps clusters from scaling, cluster/research/cpu among them");
    has(&bench.refused(&["destroy", "--auto-approve"]), "refuses to delete");
    bench.lock("ReadOnly");
    has(&bench.refused(&["apply", "--auto-approve"]), "refuses to create cluster/research/cpu");
}

#[test]
fn a_name_that_somebody_has_is_said_at_its_document() {
    let mut bench = Bench::with_team();
    let account = json!({ "location": "westeurope", "sku": { "name": "Standard_LRS" }, "kind": "StorageV2" });
    let other = GROUP.replace("resourceGroups/ml", "resourceGroups/other");
    bench.cloud.put(&other, "2021-04-01", &json!({ "location": "westeurope" }));
    bench.cloud.put(
        &format!("{other}/providers/Microsoft.Storage/storageAccounts/taken123"),
        "2023-05-01",
        &account,
    );
    let document = "kind: storage_account\nname: taken123\nresource_group: ml\nlocation: westeurope\n";
    bench.project.write("manifests/s.yaml", document);
    let said = bench.refused(&["apply", "--auto-approve"]);
    has(&said, "cannot have the name `taken123`");
    has(&said, "manifests/s.yaml:");
    bench.project.write("manifests/s.yaml", &document.replace("taken123", "free123"));
    bench.project.ok(&["plan"]);
}

#[test]
fn what_may_not_be_read_is_a_note() {
    let bench = Bench::with_team();
    for action in ["*/locations/*/read", "*/locks/read"] {
        bench.cloud.control(Method::Post, "denials", Some(&json!({ "action": action })));
    }
    bench.project.write("manifests/c.yaml", &cluster("cpu", "westeurope", "Standard_DS3_v2", "")[4..]);
    let said = bench.project.ok(&["plan"]);
    has(&said, "locks of");
    bench.project.ok(&["apply", "--auto-approve"]);
}

#[test]
fn a_saved_plan_is_looked_at_again() {
    let mut bench = Bench::with_team();
    bench.project.write("manifests/c.yaml", &cluster("cpu", "westeurope", "Standard_DS3_v2", "")[4..]);
    bench.project.ok(&["plan", "--out", "plan.plumb"]);
    bench.quotas(json!({ "standardDSv2Family": 8 }));
    has(&bench.refused(&["apply", "plan.plumb"]), "by 8 vCPUs");
    bench.project.ok(&["apply", "plan.plumb", "--skip-preflight"]);
}

#[test]
fn the_table_has_limits_what_is_used_and_what_the_plan_adds() {
    let mut bench = Bench::with_team();
    bench.quotas(json!({ "standardDSv2Family": 220 }));
    bench.project.write("manifests/team.yaml", &forty());
    let said = bench.project.ok(&["quota", "--location", "East US", "--json"]);
    let rows: Vec<Value> = serde_json::from_str(&said.stdout).expect("JSON");
    let family = rows.iter().find(|r| r["quota"] == "standardDSv2Family (dedicated)").expect("a row");
    let figures = [&family["limit"], &family["used"], &family["plan"], &family["left"]];
    assert_eq!(figures, [&json!(220), &json!(0), &json!(224), &json!(-4)]);
    assert!(rows.iter().all(|r| r["region"] == "eastus"), "{}", said.stdout);
    let said = bench.project.ok(&["quota"]);
    assert!(said.stdout.contains("broken by the plan"), "{}", said.stdout);
    assert!(["westeurope", "northeurope"].iter().all(|r| said.stdout.contains(r)), "{}", said.stdout);
    assert!(!said.stdout.contains("standardNCFamily"), "nobody uses it:\n{}", said.stdout);
    assert!(bench.project.ok(&["quota", "--all"]).stdout.contains("standardNCFamily"));
    assert_eq!(bench.writes(), Vec::<String>::new());
}

/// A scale set with what it needs.
fn machines(instances: u32, size: &str, more: &str) -> String {
    format!(
        "kind: resource_group\nname: ml\nlocation: westeurope\n---\nuses: plumb/dsvm-pool\nname: pool\nwith:\n  name: lab\n  resource_group: ml\n  location: westeurope\n  storage_account: labfiles\n  ssh_keys: [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFVb0uRFVUF2PnTgGgeqEFL3Wc1oGKUTAQf5b1DHtIJz x\"]\n  password_login: false\n  size: {size}\n  instances: {instances}\n{more}"
    )
}

#[test]
fn a_scale_set_is_held_against_the_quotas_and_sizes_of_virtual_machines() {
    let mut bench = Bench::new();
    bench.quotas(json!({ "standardDSv3Family": 10 }));
    bench.project.write("manifests/pool.yaml", &machines(6, "Standard_D2s_v3", ""));
    let said = bench.refused(&["plan"]);
    has(
        &said,
        "the plan breaks the quota of standardDSv3Family (dedicated) in westeurope (virtual machines) by 2 vCPUs",
    );
    has(&said, "the limit is 10, 0 are in use, and the plan adds 12");
    has(&said, "this breaks it: 12 vCPUs, 6 nodes of Standard_D2s_v3 × 2 vCPUs");
    has(&said, "lower `instances`");
    let table = bench.project.ok(&["quota"]).stdout;
    let row = table.lines().find(|l| l.contains("standardDSv3Family (dedicated), virtual machines"));
    assert!(row.is_some_and(|row| row.contains("broken by the plan")), "{table}");
    bench.project.write("manifests/pool.yaml", &machines(6, "Standard_D2s_v9", ""));
    let said = bench.refused(&["plan"]);
    has(&said, "westeurope (virtual machines) has no VM size `Standard_D2s_v9`");
    // Spot machines count apart.
    bench.project.write("manifests/pool.yaml", &machines(6, "Standard_D2s_v3", "  priority: Spot\n"));
    bench.project.ok(&["plan"]);
    bench.project.write("manifests/pool.yaml", &machines(5, "Standard_D2s_v3", ""));
    bench.project.ok(&["apply", "--auto-approve"]);
    // What stands counts already: four more do not fit, and one fewer does.
    bench.project.write("manifests/pool.yaml", &machines(9, "Standard_D2s_v3", ""));
    let said = bench.refused(&["plan"]);
    has(&said, "by 8 vCPUs: the limit is 10, 10 are in use, and the plan adds 8");
    bench.project.write("manifests/pool.yaml", &machines(4, "Standard_D2s_v3", ""));
    bench.project.ok(&["apply", "--auto-approve"]);
}

#[test]
fn a_lock_on_the_subscription_is_seen() {
    let mut bench = Bench::with_team();
    let id =
        "/subscriptions/00000000-0000-0000-0000-000000000001/providers/Microsoft.Authorization/locks/all";
    bench.cloud.put(id, "2020-05-01", &json!({ "properties": { "level": "CanNotDelete" } }));
    let said = bench.refused(&["destroy", "--auto-approve"]);
    has(
        &said,
        "the lock `all` (CanNotDelete) on /subscriptions/00000000-0000-0000-0000-000000000001 refuses to delete",
    );
    let also = "---\nkind: resource_group\nname: other\nlocation: westeurope\n";
    bench.project.write("manifests/team.yaml", &format!("{TEAM}{also}"));
    bench.project.ok(&["apply", "--auto-approve"]);
    bench.cloud.put(id, "2020-05-01", &json!({ "properties": { "level": "ReadOnly" } }));
    bench.project.write("manifests/team.yaml", &format!("{TEAM}{also}{}", also.replace("other", "third")));
    let said = bench.refused(&["apply", "--auto-approve"]);
    has(
        &said,
        "the lock `all` (ReadOnly) on /subscriptions/00000000-0000-0000-0000-000000000001 refuses to create resource_group/third",
    );
}

#[test]
fn a_workspace_whose_name_a_deleted_one_holds_is_told_before_anything_is_sent() {
    let mut bench = Bench::new();
    let around = "kind: resource_group
name: ml
location: westeurope
---
kind: storage_account
name: teamfiles
resource_group: ml
location: westeurope
---
kind: key_vault
name: teamkeys
resource_group: ml
location: westeurope
---
kind: application_insights
name: teameyes
resource_group: ml
location: westeurope
";
    let workspace = |name: &str, more: &str| {
        format!(
            "{around}---\nkind: workspace\nname: {name}\nresource_group: ml\nstorage_account: teamfiles\nkey_vault: teamkeys\napplication_insights: teameyes\n{more}"
        )
    };
    let here = "location: westeurope\n";
    let write = |bench: &Bench, text: &str| bench.project.write("manifests/team.yaml", text);
    let apply = |bench: &Bench, text: &str| {
        write(bench, text);
        bench.project.ok(&["apply", "--auto-approve"])
    };
    apply(&bench, &workspace("research", here));
    apply(&bench, around);
    write(&bench, &workspace("research", here));
    let said = bench.project.ok(&["plan"]);
    has(&said, "workspace/research was deleted softly by plumb at ");
    has(&said, "az ml workspace delete --name research --resource-group ml --permanently-delete");
    has(&said, "`purge_on_delete: true` purges with the next delete");
    let refused = bench.project.run(&["apply", "--auto-approve"]);
    assert!(refused.code == 1, "{}", refused.stderr);
    has(&refused, "Soft-deleted workspace exists");
    // Another name is free, and so is one whose delete purges.
    write(&bench, &workspace("second", here));
    let said = bench.project.ok(&["plan"]);
    assert!(!said.stderr.contains("deleted softly"), "{}", said.stderr);
    apply(&bench, &workspace("second", &format!("{here}purge_on_delete: true\n")));
    apply(&bench, around);
    let said = apply(&bench, &workspace("second", here));
    assert!(!said.stderr.contains("deleted softly"), "{}", said.stderr);
    // A replacement under the same name cannot go well without it.
    write(&bench, &workspace("second", "location: northeurope\n"));
    let said = bench.refused(&["plan"]);
    has(&said, "workspace/second is to be replaced, and Azure keeps its name");
    has(&said, "write `purge_on_delete: true` and apply that");
    apply(&bench, &workspace("second", &format!("{here}purge_on_delete: true\n")));
    apply(&bench, &workspace("second", "location: northeurope\npurge_on_delete: true\n"));
}

#[test]
fn machines_that_lag_behind_their_scale_set_are_named_with_the_command() {
    let bench = Bench::new();
    let manifest = |version: &str| {
        format!(
            "kind: resource_group
name: ml
location: westeurope
---
{{ kind: virtual_network, name: net, resource_group: ml, location: westeurope, address_prefixes: [10.0.0.0/16] }}
---
{{ kind: subnet, name: nodes, virtual_network: net, address_prefix: 10.0.0.0/24 }}
---
kind: scale_set
name: pool
resource_group: ml
location: westeurope
size: Standard_D2s_v3
instances: 2
computer_name_prefix: pool
admin_username: scientist
admin_password: correct-Horse-7
image: {{ publisher: microsoft-dsvm, offer: ubuntu-2204, sku: 2204-gen2, version: {version} }}
network_interfaces: [{{ name: nic, ip_configurations: [{{ name: ip, subnet: nodes }}] }}]
"
        )
    };
    let words = "2 instances are not on the latest model of scale_set/pool: 0, 1";
    let command = "az vmss update-instances --resource-group ml --name pool --instance-ids 0 1";
    bench.project.write("all.yaml", &manifest("26.06.03"));
    bench.project.ok(&["apply", "--auto-approve"]);
    let current = bench.project.ok(&["plan"]);
    assert!(!current.stderr.contains("latest model"), "{}", current.stderr);
    bench.project.write("all.yaml", &manifest("26.09.11"));
    bench.project.ok(&["apply", "--auto-approve"]);
    for args in [&["plan", "--detailed-exitcode"][..], &["drift"]] {
        let said = bench.project.run(args);
        assert_eq!(said.code, 0, "it is no change, and no drift: {}", said.stderr);
        assert!(said.stderr.contains(words) && said.stderr.contains(command), "{}", said.stderr);
    }
    let set = format!("{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/pool");
    let machine = format!("resource?id={set}/virtualMachines/0");
    bench.cloud.control(
        Method::Patch,
        &machine,
        Some(&json!({ "properties": { "latestModelApplied": true } })),
    );
    let one = bench.project.ok(&["plan"]);
    assert!(
        one.stderr.contains("1 instance is not on the latest model of scale_set/pool: 1"),
        "{}",
        one.stderr
    );
    assert!(!bench.project.ok(&["plan", "--skip-preflight"]).stderr.contains("latest model"));
}
