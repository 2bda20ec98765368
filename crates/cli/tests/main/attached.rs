//! Attached computes, every kind of them: taken over with an empty plan, repaired after drift, and detached, while what
//! was attached stays.

use std::fs;

use emulator::{Method, Options};
use serde_json::json;

use crate::cloud::Cloud;
use crate::project::Project;

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml";

const HOME: &str = "kind: resource_group
name: ml
location: westeurope
---
kind: workspace
name: research
resource_group: ml
location: westeurope
";

/// Nothing that is written down may have this in it.
const CANARY: &str = "hunter2-canary";

/// A kind, what is attached, and what its document says besides.
const ROWS: [(&str, &str, &str); 8] = [
    (
        "kubernetes",
        "Microsoft.ContainerService/managedClusters/k8s",
        "namespace: training\ninstance_types: { gpu: { node_selector: { pool: gpu }, resources: { limits: { nvidia.com/gpu: 1, cpu: 500m } } } }\nextension: { relay_connection_string: hunter2-canary }\n",
    ),
    (
        "virtual_machine",
        "Microsoft.Compute/virtualMachines/vm",
        "ssh_settings: { admin_username: azureuser, admin_password: hunter2-canary, ssh_port: 2222 }\n",
    ),
    (
        "databricks",
        "Microsoft.Databricks/workspaces/spark",
        "workspace_url: adb-1.azuredatabricks.net\naccess_token: hunter2-canary\n",
    ),
    (
        "hdinsight",
        "Microsoft.HDInsight/clusters/hadoop",
        "address: hadoop-ssh.azurehdinsight.net\nssh_settings: { admin_username: sshuser, ssh_private_key: hunter2-canary }\n",
    ),
    (
        "synapse_spark",
        "Microsoft.Synapse/workspaces/syn/bigDataPools/pool",
        "identity: { type: system_assigned }\n",
    ),
    (
        "aks",
        "Microsoft.ContainerService/managedClusters/inference",
        "cluster_purpose: dev_test\nssl: { status: enabled, cert: hunter2-canary, key: hunter2-canary, cname: a.example }\n",
    ),
    ("data_factory", "Microsoft.DataFactory/factories/factory", ""),
    (
        "data_lake_analytics",
        "Microsoft.DataLakeAnalytics/accounts/lake",
        "data_lake_store_account_name: lake\n",
    ),
];

fn name(kind: &str) -> String {
    format!("x{}", kind.replace('_', ""))
}

fn compute(kind: &str) -> String {
    format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research/computes/{}", name(kind))
}

fn documents() -> String {
    let document = |(kind, resource, more): &(&str, &str, &str)| {
        let name = name(kind);
        format!(
            "---\nkind: {kind}\nname: {name}\nworkspace: research\ndescription: ours\nresource_id: {GROUP}/providers/{resource}\n{more}"
        )
    };
    ROWS.iter().map(document).collect()
}

fn bench() -> (Cloud, Project) {
    let cloud = Cloud::start(Options::default());
    let mut project = Project::empty();
    project.endpoint = Some(cloud.endpoint());
    project.write("plumb.toml", "[project]\nname = \"attached\"\n");
    project.write("home.yaml", HOME);
    project.write("attached.yaml", &documents());
    project.ok(&["apply", "--auto-approve"]);
    (cloud, project)
}

/// The requests that changed something since the last look, without those that only read.
fn writes(cloud: &mut Cloud) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let all = cloud.new_requests();
    all.iter().filter(|r| r["method"] != "GET").map(|r| (text(&r["method"]), r.to_string())).collect()
}

fn settled(project: &Project) {
    let said = project.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
}

#[test]
fn attached_computes_are_taken_over_with_an_empty_plan() {
    let (mut cloud, ours) = bench();
    settled(&ours);
    let mut theirs = Project::empty();
    theirs.endpoint = ours.endpoint.clone();
    theirs.write("plumb.toml", "[project]\nname = \"theirs\"\n");
    cloud.new_requests();
    let said = theirs.ok(&["import", "--resource-group", "ml"]);
    for (kind, ..) in ROWS {
        let address = format!("{kind}/research/{}", name(kind));
        assert!(theirs.ok(&["state", "list"]).stdout.contains(&address), "{address}: {}", said.stdout);
    }
    assert!(said.stdout.contains("xdatabricks: access_token"), "{}", said.stdout);
    settled(&theirs);
    assert_eq!(writes(&mut cloud), []);
}

#[test]
fn what_somebody_changed_is_found_and_repaired_in_place() {
    let (mut cloud, project) = bench();
    for (kind, ..) in ROWS {
        let edit = json!({ "properties": { "description": "theirs" } });
        cloud.control(Method::Patch, &format!("resource?id={}", compute(kind)), Some(&edit));
    }
    let drift = project.run(&["drift"]);
    assert_eq!(drift.code, 2, "{}{}", drift.stdout, drift.stderr);
    for (kind, ..) in ROWS {
        assert!(drift.stdout.contains(&format!("{kind}/research/{}", name(kind))), "{}", drift.stdout);
    }
    cloud.new_requests();
    let said = project.ok(&["apply", "--auto-approve"]);
    assert!(said.stdout.contains("0 added, 8 changed, 0 destroyed"), "{}", said.stdout);
    let writes = writes(&mut cloud);
    assert!(writes.len() == 8 && writes.iter().all(|(method, _)| method == "PUT"), "{writes:?}");
    assert_eq!(project.run(&["drift"]).code, 0);
    settled(&project);
}

#[test]
fn a_delete_detaches_and_leaves_what_was_attached() {
    let (mut cloud, project) = bench();
    let underlying = format!("{GROUP}/providers/Microsoft.ContainerService/managedClusters/k8s");
    cloud.put(&underlying, "2024-05-01", &json!({ "location": "westeurope", "properties": {} }));
    fs::remove_file(project.root.join("attached.yaml")).expect("it is there");
    let plan = project.ok(&["plan"]).stdout;
    let words = "deleting it: it is detached from the workspace; the Kubernetes cluster itself stays";
    assert!(plan.contains(words), "{plan}");
    cloud.new_requests();
    project.ok(&["apply", "--auto-approve"]);
    let writes = writes(&mut cloud);
    let detaches = |request: &str| request.contains("underlyingResourceAction=Detach");
    assert!(
        writes.len() == 8 && writes.iter().all(|(method, request)| method == "DELETE" && detaches(request)),
        "{writes:?}"
    );
    assert_eq!(cloud.read(&underlying)["name"], "k8s");
    assert!(cloud.read(&compute("kubernetes"))["error"].is_object());
    settled(&project);
}

#[test]
fn no_secret_of_an_attached_compute_is_written_down() {
    let (_cloud, project) = bench();
    let mut open = vec![project.root.join(".plumb")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("a folder").map(|e| e.expect("an entry").path()));
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned();
            assert!(!text.contains(CANARY), "{}", path.display());
        }
    }
    for args in [&["show"][..], &["plan", "--json"], &["state", "pull"]] {
        let said = project.run(args);
        assert!(!said.stdout.contains(CANARY) && !said.stderr.contains(CANARY), "{args:?}");
    }
}

/// A workspace's file as az ml writes it, with its rules inside.
const NETWORK: &str = "$schema: https://azuremlschemas.azureedge.net/latest/workspace.schema.json
name: closed
resource_group: ml
location: westeurope
managed_network:
  isolation_mode: allow_only_approved_outbound
  outbound_rules:
    - { name: pypi, type: fqdn, destination: pkg.test }
    - { name: monitor, type: service_tag, destination: { service_tag: AzureMonitor, protocol: TCP, port_ranges: \"443\" } }
";

#[test]
fn outbound_rules_are_taken_over_repaired_and_deleted() {
    let cloud = Cloud::start(Options::default());
    let mut ours = Project::empty();
    ours.endpoint = Some(cloud.endpoint());
    ours.write("plumb.toml", "[project]\nname = \"rules\"\n");
    ours.write("home.yaml", HOME.split("---").next().expect("the group"));
    ours.write("closed.yaml", NETWORK);
    ours.ok(&["apply", "--auto-approve"]);
    settled(&ours);
    let mut theirs = Project::empty();
    theirs.endpoint = ours.endpoint.clone();
    theirs.write("plumb.toml", "[project]\nname = \"theirs\"\n");
    theirs.ok(&["import", "--resource-group", "ml"]);
    let listed = theirs.ok(&["state", "list"]).stdout;
    assert!(listed.contains("outbound_rule/closed/monitor\noutbound_rule/closed/pypi\n"), "{listed}");
    assert!(!listed.contains("__SYS_"), "the service's own rules are nobody's: {listed}");
    settled(&theirs);
    let rule =
        format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/closed/outboundRules/pypi");
    let edit = json!({ "properties": { "type": "FQDN", "destination": "evil.example" } });
    cloud.put(&rule, "2026-05-01", &edit);
    let drift = ours.run(&["drift"]);
    assert!(drift.code == 2 && drift.stdout.contains("pkg.test"), "{}{}", drift.stdout, drift.stderr);
    ours.ok(&["apply", "--auto-approve"]);
    assert_eq!(cloud.read(&rule)["properties"]["destination"], "pkg.test");
    ours.write(
        "closed.yaml",
        &NETWORK.replace("    - { name: pypi, type: fqdn, destination: pkg.test }\n", ""),
    );
    let said = ours.ok(&["apply", "--auto-approve"]);
    assert!(said.stdout.contains("0 added, 0 changed, 1 destroyed"), "{}", said.stdout);
    assert!(cloud.read(&rule)["error"].is_object());
    settled(&ours);
}
