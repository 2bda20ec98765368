//! Terraform: the state file of version 4, and what `terraform show -json` prints.
//!
//! Of every resource the `id` is read, which azurerm's resources have from ARM; nothing else, as a state holds
//! passwords and keys in clear.

use model::{ArmId, Json};

use super::{Inventory, json};

/// The version of the state's format that Terraform has written since 0.12.
const VERSION: u64 = 4;

/// The resources of a Terraform state that azurerm manages; an error says what is wrong with the text.
pub fn terraform(text: &str) -> Result<Inventory, String> {
    let state = json(text)?;
    let mut inventory = Inventory::default();
    match (state.get("resources"), state.get("values")) {
        (Some(Json::Array(resources)), _) => {
            let version = state.get("version").and_then(Json::as_u64).unwrap_or_default();
            if version != VERSION {
                return Err(format!(
                    "is a state of version {version}; run `terraform state pull` of Terraform 0.12 or newer"
                ));
            }
            resources.iter().for_each(|resource| stored(resource, &mut inventory));
        }
        (_, Some(values)) => shown(values.get("root_module").unwrap_or(&Json::Null), &mut inventory),
        _ => {
            return Err(
                "is no Terraform state: give the text of `terraform state pull` or `terraform show -json`"
                    .to_owned(),
            );
        }
    }
    Ok(inventory)
}

/// A resource of a state file: its instances are those of a `count` or `for_each`.
fn stored(resource: &Json, inventory: &mut Inventory) {
    let text = |key: &str| resource.get(key).and_then(Json::as_str).unwrap_or_default();
    if text("mode") != "managed" {
        return;
    }
    let module = resource.get("module").and_then(Json::as_str).map(|m| format!("{m}.")).unwrap_or_default();
    for instance in resource.get("instances").and_then(Json::as_array).into_iter().flatten() {
        let key = instance.get("index_key").map(|key| format!("[{key}]")).unwrap_or_default();
        let label = format!("{module}{}.{}{key}", text("type"), text("name"));
        if instance.get("deposed").is_some() {
            inventory.skip(&label, "it is an object that Terraform still has to destroy");
            continue;
        }
        take(&label, text("type"), instance.get("attributes"), inventory);
    }
}

/// A module of `terraform show -json`, and the modules in it.
fn shown(module: &Json, inventory: &mut Inventory) {
    let list = |key: &str| module.get(key).and_then(Json::as_array).into_iter().flatten();
    for resource in list("resources") {
        let text = |key: &str| resource.get(key).and_then(Json::as_str).unwrap_or_default();
        if text("mode") == "managed" {
            take(text("address"), text("type"), resource.get("values"), inventory);
        }
    }
    list("child_modules").for_each(|child| shown(child, inventory));
}

fn take(label: &str, provided: &str, attributes: Option<&Json>, inventory: &mut Inventory) {
    if !provided.starts_with("azurerm_") {
        inventory.skip(label, "it is not of azurerm");
        return;
    }
    let id = attributes.and_then(|a| a.get("id")).and_then(Json::as_str).unwrap_or_default();
    match ArmId::parse(id) {
        Some(arm_id) => inventory.name(label.to_owned(), arm_id),
        // azurerm makes ids of its own for what ARM has none for, such as associations.
        None => inventory.skip(label, "its id is none of ARM's"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CLUSTER: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/computes/cpu";

    fn labels(inventory: &Inventory) -> Vec<&str> {
        inventory.named.iter().map(|named| named.label.as_str()).collect()
    }

    #[test]
    fn a_state_names_its_instances_by_address() {
        let resource = |mode: &str, provided: &str, instances: Json| json!({ "mode": mode, "type": provided, "name": "cpu", "module": "module.ml", "instances": instances });
        let state = json!({ "version": 4, "resources": [
            resource("managed", "azurerm_machine_learning_compute_cluster", json!([{ "index_key": "a", "attributes": { "id": CLUSTER } }])),
            resource("managed", "azurerm_subnet_network_security_group_association", json!([{ "attributes": { "id": "a|b" } }])),
            resource("managed", "random_id", json!([{ "attributes": { "id": CLUSTER } }])),
            resource("managed", "azurerm_machine_learning_workspace", json!([{ "deposed": "00", "attributes": { "id": CLUSTER } }])),
            resource("data", "azurerm_client_config", json!([{ "attributes": { "id": CLUSTER } }])),
        ] });
        let inventory = terraform(&state.to_string()).expect("a state");
        assert_eq!(labels(&inventory), [r#"module.ml.azurerm_machine_learning_compute_cluster.cpu["a"]"#]);
        assert_eq!(inventory.named[0].arm_id.as_str(), CLUSTER);
        assert_eq!(inventory.skipped.len(), 3, "{:?}", inventory.skipped);
    }

    #[test]
    fn what_terraform_shows_is_read_through_its_modules() {
        let resource = json!({ "address": "module.a.azurerm_machine_learning_compute_cluster.cpu", "mode": "managed", "type": "azurerm_machine_learning_compute_cluster", "values": { "id": CLUSTER } });
        let shown = json!({ "format_version": "1.0", "values": { "root_module": { "child_modules": [{ "resources": [resource] }] } } });
        let inventory = terraform(&shown.to_string()).expect("a state");
        assert_eq!(labels(&inventory), ["module.a.azurerm_machine_learning_compute_cluster.cpu"]);
    }

    #[test]
    fn what_is_no_state_says_what_to_give() {
        for (text, words) in [
            ("{", "is not JSON"),
            ("{}", "terraform state pull"),
            (r#"{"version":3,"resources":[]}"#, "version 3"),
        ] {
            let refused = terraform(text).expect_err("it is none");
            assert!(refused.contains(words), "{refused}");
        }
    }
}
