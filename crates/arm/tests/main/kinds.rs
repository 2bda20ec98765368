//! The life of a resource of each kind, against the emulator: it is made and settles, its written document imports to
//! an empty plan, what somebody changes behind its back is found and repaired, and without its document it goes.
//!
//! A kind's row is its document, those that it needs, and the change; a new kind adds one to [`ROWS`].

use emulator::{Method, Options, Request};
use executor::Provider;
use model::Json;
use planner::Graph;
use serde_json::json;

use crate::engine;
use crate::generate::SUBSCRIPTION;
use crate::law::{Bench, failures};

/// The life of one kind.
pub struct Row {
    /// The address of the resource that is looked at.
    pub address: &'static str,
    /// The documents that it needs, which stay.
    pub needs: &'static [&'static str],
    /// Its own document.
    pub document: &'static str,
    /// What somebody changes: where below its id, and an ARM body that is merged into the live one.
    pub drift: fn() -> (&'static str, Json),
}

const GROUP: &str = "{ kind: resource_group, name: ml, location: westeurope }";

const NETWORK: &str = "{ kind: virtual_network, name: net, resource_group: ml, location: westeurope, address_prefixes: [10.0.0.0/16] }";

const SUBNET: &str = "{ kind: subnet, name: nodes, virtual_network: net, address_prefix: 10.0.0.0/24, network_security_group: guard }";

const GUARD: &str = "
kind: network_security_group
name: guard
resource_group: ml
location: westeurope
rules:
- { name: ssh, priority: 1010, destination_port_range: \"22\", source_address_prefix: Internet, destination_address_prefix: \"*\" }
- { name: hub, priority: 1020, destination_port_ranges: [\"8000\", 8443-8444], source_address_prefixes: [10.1.0.0/16, 10.2.0.0/16], destination_address_prefix: \"*\" }
";

const ADDRESS: &str =
    "{ kind: public_ip, name: door, resource_group: ml, location: westeurope, domain_name_label: ml-pool }";

const BALANCER: &str = "
kind: load_balancer
name: balancer
resource_group: ml
location: westeurope
frontends: [{ name: Front, public_ip: door }]
backend_pools: [machines]
probes: [{ name: ssh, port: 22, interval_seconds: 5 }]
rules:
- { name: ssh, frontend: front, frontend_port: 22, backend_port: 22, backend_pool: machines, probe: ssh, load_distribution: SourceIP, idle_timeout_minutes: 30 }
nat_pools:
- { name: each, frontend: Front, frontend_port_start: 50000, frontend_port_end: 50119, backend_port: 22 }
";

const POOL: &str = "
kind: scale_set
name: pool
resource_group: ml
location: westeurope
size: Standard_D2s_v3
instances: 2
computer_name_prefix: pool
admin_username: scientist
admin_password: correct-Horse-7
custom_data: \"#cloud-config\"
image: { publisher: microsoft-dsvm, offer: ubuntu-2204, sku: 2204-gen2, version: latest }
network_interfaces:
- name: nic
  ip_configurations:
  - name: ip
    subnet: nodes
    backend_pools: [\"${load_balancer.balancer.id}/backendAddressPools/machines\"]
";

const IDENTITY: &str =
    "{ kind: user_assigned_identity, name: trainer, resource_group: ml, location: westeurope }";

const ROLE: &str = "
kind: role_definition
name: submitter
role_name: Job submitter
permissions: [{ actions: [Microsoft.MachineLearningServices/workspaces/jobs/*], not_actions: [Microsoft.MachineLearningServices/workspaces/jobs/delete] }]
assignable_scopes: [\"${resource_group.ml.id}\"]
";

const ACCOUNT: &str = "{ kind: storage_account, name: poolfiles7, resource_group: ml, location: westeurope }";

const LAB: &str = "{ kind: workspace, name: lab, resource_group: ml, location: westeurope }";

const LOGS: &str = "
kind: arm
name: logs
type: Microsoft.OperationalInsights/workspaces
api_version: 2023-09-01
resource_group: ml
body:
  location: West Europe
  tags: { team: ds }
  properties: { retentionInDays: 30, features: { enableLogAccessUsingOnlyResourcePermissions: true } }
";

const RECIPES: &str = "{ kind: batch_ai_workspace, name: recipes, resource_group: ml, location: westeurope }";

/// One row for each kind.
pub const ROWS: &[Row] = &[
    Row {
        address: "resource_group/ml",
        needs: &["{ kind: resource_group, name: stays, location: westeurope }"],
        document: "{ kind: resource_group, name: ml, location: westeurope, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "application_insights/eyes",
        needs: &[GROUP],
        document: "{ kind: application_insights, name: eyes, resource_group: ml, location: westeurope, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "container_registry/images7",
        needs: &[GROUP],
        document: "{ kind: container_registry, name: images7, resource_group: ml, location: westeurope, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "key_vault/keys-7",
        needs: &[GROUP],
        document: "{ kind: key_vault, name: keys-7, resource_group: ml, location: westeurope, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "storage_account/poolfiles7",
        needs: &[GROUP],
        document: "{ kind: storage_account, name: poolfiles7, resource_group: ml, location: westeurope, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "user_assigned_identity/trainer",
        needs: &[GROUP],
        document: "{ kind: user_assigned_identity, name: trainer, resource_group: ml, location: westeurope, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "batch_ai_workspace/recipes",
        needs: &[GROUP],
        document: "{ kind: batch_ai_workspace, name: recipes, resource_group: ml, location: westeurope, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "workspace/lab",
        needs: &[GROUP],
        document: "{ kind: workspace, name: lab, resource_group: ml, location: westeurope, tags: { team: ds }, description: ours }",
        drift: || ("", json!({ "properties": { "description": "theirs" }, "tags": { "team": "other" } })),
    },
    Row {
        address: "cluster/lab/cpu",
        needs: &[GROUP, LAB],
        document: "{ kind: cluster, name: cpu, workspace: lab, max_instances: 3 }",
        drift: || ("", json!({ "properties": { "properties": { "scaleSettings": { "maxNodeCount": 9 } } } })),
    },
    Row {
        address: "instance/lab/alice",
        needs: &[GROUP, LAB],
        document: "{ kind: instance, name: alice, workspace: lab, idle_time_before_shutdown_minutes: 30 }",
        drift: || ("", json!({ "properties": { "properties": { "idleTimeBeforeShutdown": "PT60M" } } })),
    },
    Row {
        address: "kubernetes/lab/attached",
        needs: &[GROUP, LAB],
        document: "{ kind: kubernetes, name: attached, workspace: lab, resource_id: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/others/providers/Microsoft.ContainerService/managedClusters/farm, namespace: training, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "virtual_machine/lab/attached",
        needs: &[GROUP, LAB],
        document: "{ kind: virtual_machine, name: attached, workspace: lab, resource_id: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/others/providers/Microsoft.Compute/virtualMachines/box, ssh_settings: { admin_username: me, admin_password: correct-Horse-7 }, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "databricks/lab/attached",
        needs: &[GROUP, LAB],
        document: "{ kind: databricks, name: attached, workspace: lab, resource_id: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/others/providers/Microsoft.Databricks/workspaces/bricks, access_token: dapi-secret, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "hdinsight/lab/attached",
        needs: &[GROUP, LAB],
        document: "{ kind: hdinsight, name: attached, workspace: lab, resource_id: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/others/providers/Microsoft.HDInsight/clusters/insight, ssh_settings: { admin_username: me, admin_password: correct-Horse-7 }, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "synapse_spark/lab/attached",
        needs: &[GROUP, LAB],
        document: "{ kind: synapse_spark, name: attached, workspace: lab, resource_id: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/others/providers/Microsoft.Synapse/workspaces/syn/bigDataPools/spark, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "aks/lab/attached",
        needs: &[GROUP, LAB],
        document: "{ kind: aks, name: attached, workspace: lab, resource_id: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/others/providers/Microsoft.ContainerService/managedClusters/farm, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "data_factory/lab/attached",
        needs: &[GROUP, LAB],
        document: "{ kind: data_factory, name: attached, workspace: lab, resource_id: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/others/providers/Microsoft.DataFactory/factories/plant, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "data_lake_analytics/lab/attached",
        needs: &[GROUP, LAB],
        document: "{ kind: data_lake_analytics, name: attached, workspace: lab, resource_id: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/others/providers/Microsoft.DataLakeAnalytics/accounts/lake, data_lake_store_account_name: store, tags: { team: ds } }",
        drift: || ("", json!({ "tags": { "team": "other" } })),
    },
    Row {
        address: "batch_ai_cluster/recipes/nc6",
        needs: &[GROUP, RECIPES],
        document: "{ kind: batch_ai_cluster, name: nc6, batch_ai_workspace: recipes, size: Standard_D2, target_instances: 1, ssh_settings: { admin_username: me, admin_password: correct-Horse-7 } }",
        drift: || ("", json!({ "properties": { "scaleSettings": { "manual": { "targetNodeCount": 2 } } } })),
    },
    Row {
        address: "batch_ai_file_server/recipes/nfs",
        needs: &[GROUP, RECIPES],
        document: "{ kind: batch_ai_file_server, name: nfs, batch_ai_workspace: recipes, size: Standard_D2, ssh_settings: { admin_username: me, admin_password: correct-Horse-7 }, data_disks: { size_gb: 10, count: 2 } }",
        drift: || ("", json!({ "properties": { "dataDisks": { "diskCount": 3 } } })),
    },
    Row {
        address: "virtual_network/net",
        needs: &[GROUP],
        document: NETWORK,
        drift: || ("", json!({ "properties": { "addressSpace": { "addressPrefixes": ["10.0.0.0/16", "10.9.0.0/16"] } } })),
    },
    Row {
        address: "subnet/net/nodes",
        needs: &[GROUP, NETWORK, GUARD],
        document: SUBNET,
        drift: || ("", json!({ "properties": { "networkSecurityGroup": null } })),
    },
    Row {
        address: "network_security_group/guard",
        needs: &[GROUP],
        document: GUARD,
        drift: || ("/securityRules/ssh", json!({ "properties": { "access": "Deny" } })),
    },
    Row {
        address: "public_ip/door",
        needs: &[GROUP],
        document: ADDRESS,
        drift: || ("", json!({ "properties": { "idleTimeoutInMinutes": 11 } })),
    },
    Row {
        address: "load_balancer/balancer",
        needs: &[GROUP, ADDRESS],
        document: BALANCER,
        drift: || ("/loadBalancingRules/ssh", json!({ "properties": { "idleTimeoutInMinutes": 4 } })),
    },
    Row {
        address: "scale_set/pool",
        needs: &[GROUP, NETWORK, GUARD, SUBNET, ADDRESS, BALANCER],
        document: POOL,
        drift: || ("", json!({ "properties": { "upgradePolicy": { "mode": "Automatic" } } })),
    },
    Row {
        address: "scale_set_extension/pool/mount",
        needs: &[GROUP, NETWORK, GUARD, SUBNET, ADDRESS, BALANCER, POOL],
        document: "
kind: scale_set_extension
name: mount
scale_set: pool
publisher: Microsoft.Azure.Extensions
type: CustomScript
version: \"2.1\"
settings: { fileUris: [\"https://example.org/mount.sh\"], timestamp: 7 }
protected_settings: { commandToExecute: bash mount.sh secret-key }
",
        drift: || ("", json!({ "properties": { "settings": { "timestamp": 8 } } })),
    },
    Row {
        address: "autoscale/rhythm",
        needs: &[GROUP, NETWORK, GUARD, SUBNET, ADDRESS, BALANCER, POOL],
        document: "
kind: autoscale
name: rhythm
resource_group: ml
location: westeurope
target: pool
profiles:
- name: busy
  minimum: 1
  default: 1
  maximum: 10
  rules:
  - { metric_resource: pool, operator: GreaterThan, threshold: 75, direction: Increase, time_window: 10m }
  - { metric_resource: pool, operator: LessThan, threshold: 20, direction: Decrease, value: 2, cooldown: 1h }
- name: night
  minimum: 0
  default: 0
  maximum: 0
  recurrence: { frequency: Week, time_zone: W. Europe Standard Time, days: [Monday, Friday], hours: [20], minutes: [0] }
",
        drift: || ("", json!({ "properties": { "enabled": false } })),
    },
    Row {
        address: "role_definition/submitter",
        needs: &[GROUP],
        document: ROLE,
        drift: || ("", json!({ "properties": { "permissions": [{ "actions": ["*"] }] } })),
    },
    Row {
        address: "role_assignment/trainer-submits",
        needs: &[GROUP, IDENTITY, ROLE],
        document: "
kind: role_assignment
name: trainer-submits
scope: ${resource_group.ml.id}
role_definition: submitter
principal_id: ${user_assigned_identity.trainer.principal_id}
principal_type: ServicePrincipal
description: for the pipeline
",
        drift: || ("", json!({ "properties": { "description": "for nobody" } })),
    },
    Row { address: "arm/logs", needs: &[GROUP], document: LOGS, drift: || ("", json!({ "properties": { "retentionInDays": 7 } })) },
    // Its PUT and its DELETE take their time.
    Row {
        address: "arm/balancer",
        needs: &[GROUP, ADDRESS],
        document: "
kind: arm
name: balancer
type: Microsoft.Network/loadBalancers
api_version: 2024-05-01
resource_group: ml
body:
  location: westeurope
  tags: { team: ds }
  sku: { name: standard }
  properties:
    frontendIPConfigurations: [{ name: front, properties: { publicIPAddress: { id: \"${public_ip.door.id}\" } } }]
    backendAddressPools: [{ name: machines }, { name: others }]
",
        drift: || ("", json!({ "tags": { "team": "web", "by": "policy" } })),
    },
    Row {
        address: "arm/pipeline",
        needs: &[GROUP, IDENTITY],
        document: "
kind: arm
name: pipeline
type: Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials
api_version: 2023-01-31
parent: ${user_assigned_identity.trainer.id}
body:
  properties:
    issuer: https://token.actions.githubusercontent.com
    subject: repo:team/models:ref:refs/heads/main
    audiences: [api://AzureADTokenExchange]
",
        drift: || ("", json!({ "properties": { "audiences": ["api://elsewhere"] } })),
    },
    Row {
        address: "arm/watch",
        needs: &[GROUP, IDENTITY, LOGS],
        document: "
kind: arm
name: watch
type: Microsoft.Insights/diagnosticSettings
api_version: 2021-05-01-preview
scope: ${user_assigned_identity.trainer.id}
body:
  properties:
    workspaceId: ${arm.logs.id}
    logs: [{ categoryGroup: allLogs, enabled: true }]
",
        drift: || ("", json!({ "properties": { "logs": [{ "categoryGroup": "allLogs", "enabled": false }] } })),
    },
    Row {
        address: "lock/keep",
        needs: &[GROUP, NETWORK],
        document: "{ kind: lock, name: keep, scope: \"${virtual_network.net.id}\", level: CanNotDelete, notes: the office uses it }",
        drift: || ("", json!({ "properties": { "level": "ReadOnly" } })),
    },
    Row {
        address: "file_share/poolfiles7/data",
        needs: &[GROUP, ACCOUNT],
        document: "{ kind: file_share, name: data, storage_account: poolfiles7, quota_gib: 100, metadata: { team: ds } }",
        drift: || ("", json!({ "properties": { "shareQuota": 5120, "metadata": { "team": "other" } } })),
    },
    Row {
        address: "datastore/lab/data",
        needs: &[GROUP, LAB],
        document: "
kind: datastore
name: data
workspace: lab
type: azure_file
account_name: oldfiles
file_share_name: data
credentials: { type: account_key, account_key: c2VjcmV0 }
tags: { from: batch-ai }
",
        drift: || ("", json!({ "properties": { "fileShareName": "other", "tags": { "from": "somewhere" } } })),
    },
];

/// Rules of managed networks are no resources of their own in the emulator, so that nobody can change one behind its
/// back as the others; `attached.rs` of the cli's tests does so in the workspace. Files on a share are none either: `share.rs`.
const ELSEWHERE: [&str; 1] = ["outbound_rule"];

#[test]
fn every_kind_has_a_row() {
    let has_row =
        |kind: &model::Kind| ROWS.iter().any(|row| row.address.split('/').next() == Some(kind.name));
    let without: Vec<&str> = model::kinds::KINDS
        .iter()
        .filter(|kind| {
            kind.in_arm() && !kind.is_on_share() && !ELSEWHERE.contains(&kind.name) && !has_row(kind)
        })
        .map(|kind| kind.name)
        .collect();
    assert_eq!(without, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_of_each_kind_is_made_imported_repaired_and_deleted() {
    let only = std::env::var("KIND").unwrap_or_default();
    let mut complaints = Vec::new();
    for row in ROWS.iter().filter(|row| row.address.starts_with(&only)) {
        let said = live(row).await;
        complaints.extend(said.into_iter().map(|words| format!("{}: {words}", row.address)));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

async fn live(row: &Row) -> Vec<String> {
    let bench = Bench::start(Options::default()).await;
    let whole = graph(row.needs.iter().chain([&row.document]));
    let made = apply("made", &bench, &whole).await;
    let resource = whole.resources().iter().find(|r| r.address.as_str() == row.address).unwrap();
    let (kind, id) = (resource.kind, resource.arm_id.clone().unwrap());
    let mut said = made;
    said.extend(bench.imported(&whole).await.into_iter().map(|words| format!("imported: {words}")));
    let (part, change) = (row.drift)();
    edit(&bench, &format!("{id}{part}"), &change);
    let plan = bench.engine.plan(&whole, &bench.engine.snapshot().await).await.unwrap();
    if !plan.drift.iter().any(|drift| drift.address.as_str() == row.address) {
        said.push("nobody sees that it was changed".to_owned());
    }
    said.extend(apply("repaired", &bench, &whole).await);
    said.extend(apply("deleted", &bench, &graph(row.needs.iter())).await);
    if bench.engine.provider.get(kind, &id).await.unwrap().is_some() {
        said.push("it stands although its document has gone".to_owned());
    }
    bench.stop().await;
    said
}

fn graph<'r>(documents: impl Iterator<Item = &'r &'r str>) -> Graph {
    engine::written(documents.copied().collect::<Vec<_>>().join("\n---\n"), SUBSCRIPTION)
}

/// Applies, and says what did not go well, and what the next plan would still do.
async fn apply(what: &str, bench: &Bench, graph: &Graph) -> Vec<String> {
    let (plan, applied) = bench.engine.apply(graph).await.unwrap();
    let refused =
        plan.diagnostics.clone().sorted().into_iter().filter(|d| d.severity == model::Severity::Error);
    let refused: Vec<String> = refused.map(|d| format!("{d:?}")).collect();
    let said = [refused, failures(&applied), bench.engine.not_settled(graph).await].concat();
    said.into_iter().map(|words| format!("{what}: {words}")).collect()
}

/// Somebody changes what stands, past all the service's rules.
fn edit(bench: &Bench, id: &str, change: &Json) {
    let request = Request::new(Method::Patch, &format!("/_emulator/resource?id={id}"))
        .header("host", "127.0.0.1")
        .header("x-emulator-token", &bench.cloud.control_token)
        .json(change);
    let response = bench.cloud.emulator.handle(&request);
    assert!(response.status < 300, "{id}: {}", String::from_utf8_lossy(&response.body));
}
