//! az ml: YAML files of workspaces and computes, which say a resource's name, and seldom where it lies.

use model::{ArmId, Sources, kinds};

use super::Inventory;
use crate::yaml::{Node, parse};

/// Where the resources of files lie that do not say it themselves.
#[derive(Debug, Clone, Default)]
pub struct AzMlPlaces {
    /// The subscription.
    pub subscription: String,
    /// The group of workspaces that name none.
    pub group: Option<ArmId>,
    /// The workspace of computes; by default the only one among the files.
    pub workspace: Option<ArmId>,
}

/// The `type` of az ml's compute files (az ml facts §1).
const COMPUTES: [&str; 7] =
    ["amlcompute", "computeinstance", "virtualmachine", "kubernetes", "synapsespark", "aks", "databricks"];

/// The resources that files of az ml are about: names and texts, in the order given.
pub fn az_ml(files: &[(String, String)], places: &AzMlPlaces) -> Inventory {
    let mut inventory = Inventory::default();
    let mut computes = Vec::new();
    let mut sources = Sources::default();
    for (file, text) in files {
        let parsed = parse(text, sources.add(file.clone(), text.clone()));
        for root in &parsed.documents {
            let word = |key: &str| root.entry(key).and_then(|entry| entry.node.text());
            let (kind, name) = (word("type").map(str::to_ascii_lowercase), word("name"));
            match (kind.as_deref(), name) {
                (Some(kind), Some(name)) if COMPUTES.contains(&kind) => {
                    computes.push((file.clone(), name.to_owned()))
                }
                (None, Some(name)) if is_workspace(root) => {
                    workspace(file, root, name, places, &mut inventory)
                }
                (Some(kind), _) => {
                    inventory.skip(file, format_args!("`type: {kind}` is neither a compute nor a workspace"))
                }
                (None, None) => inventory.skip(file, "it has no `name`"),
                (None, Some(_)) => inventory.skip(file, "it is neither a compute nor a workspace"),
            }
        }
        for diagnostic in parsed.diagnostics.sorted() {
            inventory.skip(file, diagnostic.summary);
        }
    }
    let only = match inventory.named.as_slice() {
        [only] => Some(only.arm_id.clone()),
        _ => None,
    };
    for (file, name) in computes {
        match places.workspace.as_ref().or(only.as_ref()) {
            Some(workspace) => inventory.name(file, workspace.child("computes", &name)),
            None => inventory.skip(&file, "say its workspace: --workspace NAME --resource-group NAME"),
        }
    }
    inventory
}

/// A workspace's file has no `type`; its schema says so, or what only a workspace has.
fn is_workspace(root: &Node<'_>) -> bool {
    const OWN: [&str; 4] = ["location", "resource_group", "storage_account", "hbi_workspace"];
    const SCHEMAS: [&str; 3] = ["workspace.schema.json", "hub.schema.json", "project.schema.json"];
    match root.entry("$schema").and_then(|entry| entry.node.text()) {
        Some(schema) => SCHEMAS.iter().any(|end| schema.to_ascii_lowercase().ends_with(end)),
        None => OWN.iter().any(|key| root.entry(key).is_some()),
    }
}

fn workspace(file: &str, root: &Node<'_>, name: &str, places: &AzMlPlaces, inventory: &mut Inventory) {
    let named = root.entry("resource_group").and_then(|entry| entry.node.text());
    let group = named.map(|group| ArmId::group(&places.subscription, group)).or_else(|| places.group.clone());
    let kind = kinds::find("workspace").expect("BUG: there is a kind for workspaces");
    let id = group.map(|group| group.in_group(kind.resource_type(), name));
    match id.map(|id| ArmId::parse(id.as_str())) {
        Some(Some(id)) => inventory.name(file.to_owned(), id),
        Some(None) => inventory.skip(file, "its names are none of Azure's"),
        None => inventory.skip(file, "say its group: --resource-group NAME"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)], places: &AzMlPlaces) -> Inventory {
        let files: Vec<(String, String)> =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        az_ml(&files, places)
    }

    #[test]
    fn a_folder_with_one_workspace_has_its_computes_in_it() {
        let files = [
            ("cpu.yml", "name: cpu\ntype: amlcompute\n"),
            ("job.yml", "type: command\nname: train\n"),
            (
                "workspace.yml",
                "$schema: https://azuremlschemas.azureedge.net/latest/workspace.schema.json\nname: lab\n",
            ),
        ];
        let places =
            AzMlPlaces { subscription: "s".into(), group: Some(ArmId::group("s", "ml")), workspace: None };
        let inventory = read(&files, &places);
        let ids: Vec<&str> = inventory.named.iter().map(|n| n.arm_id.as_str()).collect();
        let lab =
            "/subscriptions/s/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/lab";
        assert_eq!(ids, [lab, &format!("{lab}/computes/cpu")]);
        assert_eq!(inventory.skipped, ["job.yml: `type: command` is neither a compute nor a workspace"]);
    }

    #[test]
    fn what_lies_nowhere_says_which_flag_tells() {
        let files =
            [("cpu.yml", "name: cpu\ntype: amlcompute\n"), ("lab.yml", "name: lab\nlocation: westeurope\n")];
        let inventory = read(&files, &AzMlPlaces::default());
        assert!(inventory.named.is_empty());
        assert!(inventory.skipped.iter().any(|s| s.contains("--resource-group")), "{:?}", inventory.skipped);
        assert!(inventory.skipped.iter().any(|s| s.contains("--workspace")), "{:?}", inventory.skipped);
    }

    #[test]
    fn a_file_that_is_no_yaml_is_named() {
        let inventory = read(&[("bad.yml", "a: [\n")], &AzMlPlaces::default());
        assert!(inventory.skipped.iter().any(|s| s.starts_with("bad.yml: ")), "{:?}", inventory.skipped);
    }
}
