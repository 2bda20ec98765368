//! The `identity` block that many kinds carry.

use serde_json::{Value, json};

use crate::error::{ArmError, bad_content};
use crate::json;
use crate::random::guid_of;
use crate::world::World;

const TYPES: [&str; 4] = ["None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned"];

/// Gives the block its canonical type and its principal ids; absent means as before, `None` takes it away.
///
/// Spaces and casing of the type do not count: clients write `SystemAssigned, UserAssigned` too.
pub(crate) fn settle(
    world: &World,
    body: &mut Value,
    existing: Option<&Value>,
    id: &str,
) -> Result<(), ArmError> {
    let sent = json::remove(body, "/identity").unwrap_or_default();
    if sent.is_null() {
        if let Some(kept) = existing.and_then(|existing| existing.get("identity")) {
            json::set(body, "/identity", kept.clone());
        }
        return Ok(());
    }
    let name: String = json::text(&sent, "/type").split_whitespace().collect();
    let Some(kind) = TYPES.iter().find(|known| known.eq_ignore_ascii_case(&name)) else {
        return Err(bad_content(format!("The identity type '{name}' is not valid.")).about("identity.type"));
    };
    if *kind == "None" {
        return Ok(());
    }
    let mut identity = json!({ "type": kind });
    if kind.contains("System") {
        // The principal dies with its resource: a re-created one gets another, a kept one stays.
        let kept = existing
            .map(|existing| json::text(existing, "/identity/principalId"))
            .filter(|kept| !kept.is_empty());
        identity["principalId"] =
            json!(kept.map_or_else(|| guid_of(&format!("{id}#{}", world.random.0)), str::to_owned));
        identity["tenantId"] = json!(world.options.tenant);
    }
    if kind.contains("User") {
        identity["userAssignedIdentities"] =
            user_assigned(world, json::at(&sent, "/userAssignedIdentities"))?;
    }
    json::set(body, "/identity", identity);
    Ok(())
}

fn user_assigned(world: &World, sent: &Value) -> Result<Value, ArmError> {
    // A PATCH takes an identity away by naming it with null.
    let stays = |sent: &&serde_json::Map<String, Value>| sent.values().any(|entry| !entry.is_null());
    let Some(sent) = sent.as_object().filter(stays) else {
        let message = "The identity type needs at least one entry in 'userAssignedIdentities'.";
        return Err(bad_content(message).about("identity.userAssignedIdentities"));
    };
    let entries = sent.iter().filter(|(_, entry)| !entry.is_null()).map(|(id, _)| {
        let known = world.store.get(&id.to_ascii_lowercase()).map(|identity| &identity.body);
        let guid = |name: &str| {
            let known = known.map(|body| json::text(body, &format!("/properties/{name}")).to_owned());
            known.unwrap_or_else(|| guid_of(&format!("{id}#{name}")))
        };
        (id.clone(), json!({ "clientId": guid("clientId"), "principalId": guid("principalId") }))
    });
    Ok(Value::Object(entries.collect()))
}
