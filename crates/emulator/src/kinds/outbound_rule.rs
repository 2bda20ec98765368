//! `Microsoft.MachineLearningServices/workspaces/outboundRules`: a view on the rules in a workspace's managed network.

use serde_json::{Value, json};

use crate::arm::operation::{self, Operation};
use crate::error::{ArmError, Reply, bad_content, resource_not_found};
use crate::json;
use crate::kinds::managed_network::{self, NETWORK, RULE_ENUMS, RULES};
use crate::kinds::{Kind, PLAIN, canonical_enums, plain};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::time::timing::Work;
use crate::wire::Response;
use crate::world::{Call, World};

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.MachineLearningServices/workspaces/outboundRules",
    id_type: "Microsoft.MachineLearningServices/workspaces/outboundRules",
    tracked: false,
    get,
    list,
    put,
    patch: |_, _, _| Err(crate::error::method_not_allowed("PATCH")),
    delete,
    ..PLAIN
};

fn get(world: &mut World, call: &Call, target: &Target) -> Reply {
    let workspace = workspace(world, target)?;
    let shown = workspace.view(call.now);
    let (name, rule) = named(&shown, target).ok_or_else(|| missing(target))?;
    Ok(Response::json(200, &resource(&workspace, name, rule)))
}

/// All rules on one page: there are few.
fn list(world: &mut World, call: &Call, target: &Target) -> Reply {
    let workspace = workspace(world, target)?;
    let shown = workspace.view(call.now);
    let rules = json::at(&shown, RULES).as_object().into_iter().flatten();
    let value: Vec<Value> = rules.map(|(name, rule)| resource(&workspace, name, rule)).collect();
    Ok(Response::json(200, &json!({ "value": value })))
}

/// In a provisioned network a rule takes its time; in one that is not, it is noted at once.
fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let mut workspace = free_workspace(world, call, target)?;
    let mut rule = call.object()?["properties"].clone();
    canonical_enums(&mut rule, RULE_ENUMS)?;
    managed_network::check_rule(target.name(), &rule)?;
    json::fill(&mut rule, &json!({ "category": "UserDefined" }));
    if managed_network::is_own(target.name()) || rule["category"] == "Required" {
        return Err(bad_content("Rules that the service requires are its own.").about("category"));
    }
    let stands = named(&workspace.body, target).map(|(name, _)| name.clone());
    let name = stands.unwrap_or_else(|| target.name().to_owned());
    let is_active = json::text(&workspace.body, "/properties/managedNetwork/status/status") == "Active";
    rule["status"] = json!(if is_active { "Active" } else { "Inactive" });
    workspace.body["properties"]["managedNetwork"]["outboundRules"][&name] = rule.clone();
    if !is_active {
        let reply = Response::json(200, &resource(&workspace, &name, &rule));
        world.put(workspace);
        return Ok(reply);
    }
    rule["status"] = json!("Provisioning");
    Ok(go_on(world, call, target, workspace, (&name, &rule)))
}

fn delete(world: &mut World, call: &Call, target: &Target) -> Reply {
    let mut workspace = free_workspace(world, call, target)?;
    let Some((name, mut rule)) =
        named(&workspace.body, target).map(|(name, rule)| (name.clone(), rule.clone()))
    else {
        return Ok(Response::empty(204));
    };
    if managed_network::is_own(&name) {
        return Err(bad_content("Rules that the service requires are its own.").about("category"));
    }
    json::remove(&mut workspace.body, &format!("{RULES}/{}", name.replace('~', "~0").replace('/', "~1")));
    rule["status"] = json!("Deleting");
    Ok(go_on(world, call, target, workspace, (&name, &rule)))
}

/// Shows a rule like this until the operation is over, and announces it.
fn go_on(
    world: &mut World,
    call: &Call,
    target: &Target,
    mut workspace: Resource,
    rule: (&str, &Value),
) -> Response {
    let until = call.after(Work::OutboundRule);
    let location = json::text(&workspace.body, "/location").to_owned();
    let place = (target.subscription.as_str(), location.as_str());
    let mut operation = Operation::start(world, call, &operation::WORKSPACE, place, until);
    operation.location_status = Some(200);
    let mut shows = json!({});
    json::set(&mut shows, RULES, json!({ rule.0: rule.1 }));
    managed_network::cover(&mut workspace, shows, until);
    world.put(workspace);
    let response = operation.announce(world, call, Response::empty(202));
    world.remember(operation);
    response
}

fn workspace(world: &World, target: &Target) -> Result<Resource, ArmError> {
    let key = target.parent_key().unwrap_or_default();
    world.store.get(&key).cloned().ok_or_else(|| missing(target))
}

/// The workspace of a rule that is to be written.
fn free_workspace(world: &World, call: &Call, target: &Target) -> Result<Resource, ArmError> {
    let workspace = workspace(world, target)?;
    plain::refuse_busy(&workspace, call.now)?;
    if !managed_network::is_isolated(json::at(&workspace.body, NETWORK)) {
        return Err(bad_content("The workspace has no managed network.").about("isolationMode"));
    }
    Ok(workspace)
}

fn named<'a>(workspace: &'a Value, target: &Target) -> Option<(&'a String, &'a Value)> {
    let mut rules = json::at(workspace, RULES).as_object()?.iter();
    rules.find(|(name, _)| name.eq_ignore_ascii_case(target.name()))
}

fn resource(workspace: &Resource, name: &str, rule: &Value) -> Value {
    json!({
        "id": format!("{}/outboundRules/{name}", workspace.id),
        "name": name,
        "type": KIND.resource_type,
        "properties": rule,
    })
}

fn missing(target: &Target) -> ArmError {
    resource_not_found(&format!("{}/{}", KIND.resource_type, target.names.join("/")), &target.group)
}
