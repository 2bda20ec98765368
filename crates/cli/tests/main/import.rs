//! Import: what stands enters the state, and nothing is sent that could change it.

use std::fs;

use emulator::{Method, Options};
use serde_json::json;

use crate::cloud::Cloud;
use crate::project::{Project, Said};

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml";
const PROJECT: &str = "[project]\nname = \"import\"\n";

const TEAM: &str = "kind: resource_group
name: ml
location: westeurope
tags: { team: ds }
---
kind: user_assigned_identity
name: trainer
resource_group: ml
location: westeurope
---
kind: container_registry
name: images12345
resource_group: ml
location: westeurope
---
kind: workspace
name: research
resource_group: ml
location: westeurope
container_registry: images12345
image_build_compute: cpu
---
kind: cluster
name: cpu
workspace: research
max_instances: 6
identity: { type: user_assigned, user_assigned_identities: [trainer] }
ssh_settings: { admin_username: admin, admin_password: \"hunter2-Passw0rd\" }
---
kind: instance
name: ci-alice
workspace: research
description: \"no: ${'$'}{not} \\u202e an expression\"
idle_time_before_shutdown_minutes: 30
setup_scripts: { creation_script: { path: Users/alice/setup.sh, timeout_minutes: 20 } }
";

/// A cloud in which a team works, and a project that knows nothing of it.
struct Bench {
    cloud: Cloud,
    project: Project,
}

impl Bench {
    fn new() -> Self {
        let cloud = Cloud::start(Options::default());
        let mut team = Project::empty();
        team.endpoint = Some(cloud.endpoint());
        team.write("plumb.toml", PROJECT);
        team.write("team.yaml", TEAM);
        // The script that Alice put on the share of the workspace.
        let script = json!({ "path": "Users/alice/setup.sh", "exit_code": 0 });
        cloud.control(Method::Post, "scripts", Some(&script));
        team.ok(&["apply", "--auto-approve"]);
        let mut bench = Self { cloud, project: Project::empty() };
        bench.project.endpoint = team.endpoint.clone();
        bench.project.write("plumb.toml", PROJECT);
        bench.cloud.new_requests();
        bench
    }

    /// Requests that change something: POSTs that only read are not among them.
    fn writes(&mut self) -> Vec<String> {
        let requests = self.cloud.new_requests();
        let writes = requests.iter().filter(|r| r["method"] != "GET");
        writes.map(|r| format!("{} {}", r["method"], r["path"])).collect()
    }

    /// Runs an import, which must not change anything whatever comes of it.
    fn import(&mut self, args: &[&str]) -> Said {
        let said = self.project.run(&[&["import"], args].concat());
        assert_eq!(self.writes(), Vec::<String>::new(), "{}{}", said.stdout, said.stderr);
        said
    }

    fn imported(&mut self, args: &[&str]) -> Said {
        let said = self.import(args);
        assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
        said
    }

    fn refused(&mut self, args: &[&str], words: &str) {
        let before = self.project.ok(&["state", "list"]).stdout;
        let said = self.import(args);
        assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains(words), "{words:?} is missing:\n{}", said.stderr);
        assert_eq!(self.project.ok(&["state", "list"]).stdout, before, "the state is as it was");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.project.root.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn settled(&self) {
        let said = self.project.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    }
}

fn contains(text: &str, words: &str) {
    assert!(text.contains(words), "{words:?} is missing:\n{text}");
}

#[test]
fn a_whole_group_comes_with_documents_and_an_empty_plan() {
    let mut bench = Bench::new();
    let table = format!("{GROUP}/providers/Microsoft.Network/routeTables/ways");
    bench.cloud.put(&table, "2024-05-01", &json!({ "location": "westeurope", "properties": {} }));
    let attached = json!({ "location": "westeurope", "properties": { "computeType": "Kubernetes", "resourceId": format!("{GROUP}/providers/Microsoft.ContainerService/managedClusters/k"), "properties": {} } });
    let aks = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research/computes/aks");
    bench.cloud.put(&aks, "2026-05-01", &attached);
    bench.cloud.new_requests();
    let said = bench.imported(&["--resource-group", "ml"]);
    for words in [
        "manifests/ml/workspace-research.yaml  (4 documents)",
        "manifests/ml/storage_account.yaml  (1 document)",
        "Imported 10 resources into the state; nothing was changed in Azure.",
        "Planned against the written files: no changes for what was imported.",
        "cluster/research/cpu: ssh_settings.admin_password",
        "kubernetes/research/aks: extension.relay_connection_string",
        "routeTables/ways: plumb has no kind of its own for Microsoft.Network/routeTables; `plumb import arm/ways /subscriptions/",
    ] {
        contains(&said.stdout, words);
    }
    bench.settled();
    let text = bench.read("manifests/ml/workspace-research.yaml");
    for words in [
        "container_registry: images12345\n",
        "image_build_compute: cpu\n",
        "    - trainer\n",
        "workspace: research\n",
        "  creation_script:\n    path: Users/alice/setup.sh\n    timeout_minutes: 20\n",
        "description: \"no: $${not} \\u202e an expression\"\n",
        "# Azure does not tell, so this document does not say: ssh_settings.admin_password\n",
    ] {
        contains(&text, words);
    }
    assert!(!text.contains("hunter2") && !text.contains("provisioning") && !text.contains("null"), "{text}");
    // What stands only once is not taken twice.
    let again = bench.imported(&["--resource-group", "ml"]);
    contains(&again.stdout, "There is nothing to import.");
    contains(&again.stdout, "workspaces/research: it is workspace/research already");
}

#[test]
fn what_was_imported_is_managed_from_then_on() {
    let mut bench = Bench::new();
    bench.imported(&["-g", "ml", "--out", "manifests"]);
    let file = "manifests/workspace-research.yaml";
    bench.project.write(file, &bench.read(file).replace("max_instances: 6", "max_instances: 8"));
    let said = bench.project.ok(&["apply", "--auto-approve"]);
    contains(&said.stdout, "Apply complete! Resources: 0 added, 1 changed, 0 destroyed.");
    let writes = bench.writes();
    assert!(writes.len() == 1 && writes[0].starts_with("\"PATCH\""), "{writes:?}");
    bench.project.ok(&["destroy", "--auto-approve"]);
}

#[test]
fn files_are_never_written_over() {
    let mut bench = Bench::new();
    let mine = "kind: user_assigned_identity\nname: mine\nresource_group: ml\nlocation: westeurope\n";
    bench.project.write("manifests/ml/key_vault.yaml", mine);
    bench.refused(&["--resource-group", "ml"], "manifests/ml/key_vault.yaml is there already");
    assert_eq!(bench.read("manifests/ml/key_vault.yaml"), mine);
    assert!(!bench.project.root.join("manifests/ml/workspace-research.yaml").exists());
    bench.refused(&["--resource-group", "ml", "--out", "/tmp"], "it must be a folder below the project");
    bench.refused(&["--resource-group", "ml", "--out", "a/../b"], "without `..`");
    bench.refused(&["--resource-group", "ml", "--out", ".hidden"], "would not be read");
    fs::remove_file(bench.project.root.join("manifests/ml/key_vault.yaml")).expect("it is there");
    bench.imported(&["--resource-group", "ml", "--out", "imported/ml"]);
    bench.settled();
}

#[test]
fn a_workspace_comes_with_its_computes_and_names_the_rest_by_id() {
    let mut bench = Bench::new();
    bench.refused(&["--workspace", "research"], "say its group too");
    bench.refused(&["--workspace", "nothing", "-g", "ml"], "Azure has nothing at");
    let said = bench.imported(&["--workspace", "research", "-g", "ml"]);
    contains(&said.stdout, "Imported 3 resources");
    let text = bench.read("manifests/workspace-research.yaml");
    contains(&text, "resource_group: ml\n");
    contains(
        &text,
        &format!(
            "container_registry: {GROUP}/providers/Microsoft.ContainerRegistry/registries/images12345\n"
        ),
    );
    bench.settled();
}

#[test]
fn new_computes_of_a_workspace_that_has_a_document_get_theirs() {
    let mut bench = Bench::new();
    let workspace = TEAM.split("---\n").nth(3).expect("the workspace");
    let id = format!("{GROUP}/providers/Microsoft.ContainerRegistry/registries/images12345");
    bench.project.write("workspace.yaml", &workspace.replace("images12345", &id));
    bench.imported(&["workspace/research"]);
    let said = bench.imported(&["--workspace", "workspace/research"]);
    contains(&said.stdout, "manifests/research-computes.yaml  (2 documents)");
    assert!(!bench.read("manifests/research-computes.yaml").contains("location:"), "it is the workspace's");
    assert_eq!(
        bench.project.ok(&["state", "list"]).stdout,
        "cluster/research/cpu\ninstance/research/ci-alice\nworkspace/research\n"
    );
}

#[test]
fn one_resource_comes_by_its_id() {
    let mut bench = Bench::new();
    let id = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research/computes/cpu");
    bench.imported(&["--resource", &id]);
    let workspace = id.trim_end_matches("/computes/cpu");
    contains(&bench.read("manifests/research-computes.yaml"), &format!("workspace: {workspace}\n"));
    bench.settled();
    let vault = "/subscriptions/x/resourceGroups/y/providers/Microsoft.Web/sites/z";
    bench.refused(&["--resource", vault], "plumb has no kind of its own for Microsoft.Web/sites");
    bench.refused(&["--resource", "cpu"], "is no ARM id");
}

#[test]
fn what_plumb_would_not_take_is_left_out_and_said() {
    let mut bench = Bench::new();
    let vault = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research");
    let tags = json!({ "tags": { "hidden-link:/somewhere": "Resource", "team": "ds" } });
    bench.cloud.control(Method::Patch, &format!("resource?id={vault}"), Some(&tags));
    let said = bench.imported(&["--resource-group", "ml"]);
    contains(&said.stdout, "workspace/research: `tags`: `tags` has tag \"hidden-link:/somewhere\"");
    assert!(!bench.read("manifests/ml/workspace-research.yaml").contains("hidden-link"));
    bench.settled();
}

#[test]
fn what_no_document_can_say_is_shown_as_what_the_next_plan_does() {
    let mut bench = Bench::new();
    // A document that names no insights gets its own.
    let workspace = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research");
    let without = json!({ "properties": { "applicationInsights": null } });
    bench.cloud.control(Method::Patch, &format!("resource?id={workspace}"), Some(&without));
    let said = bench.import(&["--workspace", "research", "--resource-group", "ml"]);
    assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
    contains(&said.stdout, "Planned against the written files. The next plan says of it:");
    contains(&said.stdout, "+ application_insights = ");
}

#[test]
fn an_address_that_is_taken_gives_way() {
    let mut bench = Bench::new();
    bench.project.write("here.yaml", "kind: resource_group\nname: other\nlocation: westeurope\n---\nkind: user_assigned_identity\nname: trainer\nresource_group: other\nlocation: westeurope\n");
    bench.imported(&["--resource-group", "ml"]);
    contains(&bench.read("manifests/ml/user_assigned_identity.yaml"), "name: trainer\nid: trainer-ml\n");
    contains(&bench.read("manifests/ml/workspace-research.yaml"), "    - trainer-ml\n");
    // The other documents are to be made, and nothing else.
    let plan = bench.project.ok(&["plan"]).stdout;
    contains(&plan, "Plan: 2 to add, 0 to change, 0 to destroy.");
}

#[test]
fn a_document_takes_what_stands_and_the_next_plan_says_what_differs() {
    let mut bench = Bench::new();
    bench
        .project
        .write("team.yaml", &TEAM.replace("max_instances: 6", "max_instances: 9").replace("  \\u202e", ""));
    let said = bench.imported(&["resource_group/ml"]);
    contains(&said.stdout, "# resource_group/ml\n  location = \"westeurope\"\n");
    contains(&said.stdout, "Imported resource_group/ml into the state; nothing was changed in Azure.\n");
    contains(&said.stdout, "The next plan changes nothing of it.");
    let id = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research/computes/cpu");
    let said = bench.imported(&["cluster/research/cpu", &id]);
    contains(&said.stdout, "The next plan says of it:");
    contains(&said.stdout, "~ max_instances = 6 -> 9");
    assert!(!said.stdout.contains("hunter2"), "{}", said.stdout);
    bench.refused(&["cluster/research/cpu"], "cluster/research/cpu is in the state already");
    bench.refused(&["key_vault/research-vault", &id], "is /subscriptions");
    for address in ["workspace/research", "instance/research/ci-alice", "user_assigned_identity/trainer"] {
        bench.imported(&[address]);
    }
    // Also what the workspace brings along by itself.
    for kind in [
        "storage_account/research-storage",
        "key_vault/research-vault",
        "application_insights/research-insights",
    ] {
        bench.imported(&[kind]);
    }
    bench.imported(&["container_registry/images12345"]);
    let said = bench.project.ok(&["apply", "--auto-approve"]);
    contains(&said.stdout, "Resources: 0 added, 1 changed, 0 destroyed.");
}

#[test]
fn what_cannot_change_in_place_is_imported_and_said() {
    let mut bench = Bench::new();
    bench
        .project
        .write("team.yaml", &TEAM.replace("max_instances: 6", "max_instances: 6\ntier: low_priority"));
    let said = bench.imported(&["cluster/research/cpu"]);
    contains(&said.stdout, "must be replaced");
    contains(&said.stdout, "# forces replacement");
}

#[test]
fn what_is_wrong_with_an_address_is_said_with_the_next_command() {
    let mut bench = Bench::new();
    let workspace =
        TEAM.split("---\n").nth(3).expect("the workspace").replace("container_registry: images12345\n", "");
    bench.project.write("workspace.yaml", &workspace);
    let id = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research/computes/cpu");
    bench.refused(&["cluster/research/cpu"], &format!("`plumb import --resource {id}`"));
    bench.refused(&["key_vault/other", "/subscriptions/a"], "`plumb import --resource /subscriptions/a`");
    bench.project.write("more.yaml", "kind: cluster\nname: gpu\nworkspace: research\n---\nkind: setup_script\nname: x\ncontent: \"#!/bin/sh\\n\"\n");
    bench.refused(&["cluster/research/gpu"], "Azure has nothing at");
    bench.refused(&["setup_script/x"], "has nothing in Azure that could be imported");
    bench.refused(&["cluster/research/cpus"], "did you mean `cluster/research/gpu`");
    bench.refused(&[], "say what to import");
}

#[test]
fn what_a_terraform_state_names_comes_from_azure_and_plans_empty() {
    let mut bench = Bench::new();
    let workspace = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research");
    let instance = |id: String| json!([{ "attributes": { "id": id, "admin_password": "from-the-state-9" } }]);
    let resource = |kind: &str, name: &str, id: String| json!({ "mode": "managed", "type": kind, "name": name, "instances": instance(id) });
    let state = json!({ "version": 4, "resources": [
        resource("azurerm_resource_group", "ml", GROUP.to_owned()),
        resource("azurerm_machine_learning_workspace", "lab", workspace.clone()),
        resource("azurerm_machine_learning_compute_cluster", "cpu", format!("{workspace}/computes/CPU")),
        resource("azurerm_machine_learning_compute_cluster", "gone", format!("{workspace}/computes/gone")),
        resource("azurerm_public_ip_prefix", "addresses", format!("{GROUP}/providers/Microsoft.Network/publicIPPrefixes/p")),
    ] });
    bench.project.write("terraform.tfstate", &state.to_string());
    let said = bench
        .imported(&["--from-terraform", &bench.project.root.join("terraform.tfstate").display().to_string()]);
    for words in [
        "Imported 3 resources",
        "Planned against the written files: no changes for what was imported.",
        "azurerm_machine_learning_compute_cluster.gone",
        "it does not stand in Azure",
        "azurerm_public_ip_prefix.addresses",
    ] {
        contains(&said.stdout, words);
    }
    assert!(!bench.read("manifests/workspace-research.yaml").contains("from-the-state-9"));
    bench.settled();
}

#[test]
fn what_az_ml_files_name_comes_from_azure_and_plans_empty() {
    let mut bench = Bench::new();
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
    write(
        "workspace.yml",
        "$schema: https://azuremlschemas.azureedge.net/latest/workspace.schema.json\nname: research\nlocation: westeurope\n",
    );
    // The file says 2, and Azure 6: what stands counts.
    write("cpu.yml", "name: cpu\ntype: amlcompute\nmax_instances: 2\n");
    write("train.yml", "type: command\nname: train\n");
    let path = folder.path().display().to_string();
    let said = bench.imported(&["--from-az-ml", &path, "-g", "ml"]);
    contains(&said.stdout, "Imported 2 resources");
    contains(&said.stdout, "train.yml: `type: command` is neither a compute nor a workspace");
    contains(&bench.read("manifests/workspace-research.yaml"), "max_instances: 6\n");
    bench.settled();
}

#[test]
fn what_a_template_makes_comes_from_azure_and_plans_empty() {
    let mut bench = Bench::new();
    let template = r#"{
      "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
      "contentVersion": "1.0.0.0",
      "parameters": { "workspace": { "type": "string" } },
      "variables": { "cluster": "[concat(parameters('workspace'), '/', 'cpu')]" },
      "resources": [
        { "type": "Microsoft.MachineLearningServices/workspaces", "apiVersion": "2023-04-01", "name": "[parameters('workspace')]" },
        { "type": "Microsoft.MachineLearningServices/workspaces/computes", "apiVersion": "2023-04-01", "name": "[variables('cluster')]" },
        { "type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-05-01", "name": "[uniqueString(resourceGroup().id)]" }
      ]
    }"#;
    bench.project.write("template.json", template);
    bench.project.write("parameters.json", r#"{ "parameters": { "workspace": { "value": "research" } } }"#);
    let path = |name: &str| bench.project.root.join(name).display().to_string();
    let (template, parameters) = (path("template.json"), path("parameters.json"));
    let said = bench.imported(&["--from-template", &template, "--parameters", &parameters, "-g", "ml"]);
    contains(&said.stdout, "Imported 2 resources");
    contains(&said.stdout, "it needs `uniqueString`");
    bench.settled();
    bench.refused(&["--from-template", &parameters, "-g", "ml"], "is no ARM template");
}

#[test]
fn what_plumb_has_no_kind_for_is_imported_by_its_type() {
    let mut bench = Bench::new();
    let table = format!("{GROUP}/providers/Microsoft.Network/routeTables/ways");
    let route =
        json!({ "name": "out", "properties": { "addressPrefix": "0.0.0.0/0", "nextHopType": "Internet" } });
    let body = json!({ "location": "westeurope", "tags": { "by.team": "net" }, "properties": { "routes": [route], "resourceGuid": "made-up" } });
    bench.cloud.put(&table, "2024-05-01", &body);
    let setting = format!("{table}/providers/Microsoft.Insights/diagnosticSettings/watch");
    bench.cloud.put(
        &setting,
        "2021-05-01-preview",
        &json!({ "properties": { "logs": [] , "workspaceId": table } }),
    );
    bench.cloud.new_requests();
    bench.refused(&["--resource", &table], "take it as one of the kind arm: `plumb import arm/ways ");
    bench.refused(&["arm/routes", "/subscriptions/s/resourceGroups/g"], "is no ARM id of a resource");
    bench.refused(
        &["arm/routes", &format!("{table}x"), "--api-version", "2024-05-01"],
        "Azure has nothing at",
    );
    let said = bench.imported(&["arm/routes", &table]);
    contains(&said.stdout, "manifests/arm-ways.yaml  (1 document)");
    contains(&said.stdout, "no changes for what was imported");
    let text = bench.read("manifests/arm-ways.yaml");
    contains(
        &text,
        "kind: arm\nname: ways\nid: routes\ntype: Microsoft.Network/routeTables\napi_version: \"2026-05-01\"\n",
    );
    contains(&text, "  properties:\n    routes:\n      - name: out\n");
    assert!(!text.contains("made-up") && !text.contains("provisioningState"), "{text}");
    let version = ["--api-version", "2021-05-01-preview", "--out", "manifests/watch"];
    bench.imported(&[&["arm/watch", &setting], &version[..]].concat());
    contains(
        &bench.read("manifests/watch/arm-watch.yaml"),
        "api_version: \"2021-05-01-preview\"\nscope: /subscriptions/",
    );
    bench.settled();
    bench.refused(&["arm/routes", &table, "--api-version", "2024-05-01"], "this one is there already");
    // Without its entry, the document takes it over again.
    bench.project.ok(&["state", "rm", "arm/routes"]);
    bench.imported(&["arm/routes"]);
    bench.settled();
}
