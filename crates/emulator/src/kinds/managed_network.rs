//! The managed network of a workspace: its isolation, its outbound rules, and its provisioning.
//!
//! The rules lie in the workspace's body, and nowhere else: the `outboundRules` children are a view on them. The
//! service has rules of its own, which nobody can write; which ones, and their names, follow what the network of a
//! real workspace needs, not a recording. Rules work, and show so, once the network is provisioned.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::error::{ArmError, bad_content};
use crate::json;
use crate::random::guid_of;
use crate::store::resource::{Phase, Resource};

/// Where the network stands in a workspace's body, and its rules in there.
pub(crate) const NETWORK: &str = "/properties/managedNetwork";
pub(crate) const RULES: &str = "/properties/managedNetwork/outboundRules";

/// Closed sets of values in a rule.
pub(crate) const RULE_TYPES: &[&str] = &["FQDN", "PrivateEndpoint", "ServiceTag"];
pub(crate) const RULE_CATEGORIES: &[&str] = &["Required", "Recommended", "UserDefined", "Dependency"];
pub(crate) const RULE_ENUMS: &[(&str, &[&str])] =
    &[("/type", RULE_TYPES), ("/category", RULE_CATEGORIES), ("/destination/action", &["Allow", "Deny"])];

/// What the destination of a rule must have, by type; an FQDN rule's is the name itself.
const DESTINATIONS: [(&str, &[&str]); 3] = [
    ("FQDN", &[""]),
    ("PrivateEndpoint", &["/serviceResourceId", "/subresourceTarget"]),
    ("ServiceTag", &["/serviceTag"]),
];

/// Resources that a workspace reaches by private endpoints: the property that names them, and what of them.
const ENDPOINTS: [(&str, &str); 4] = [
    ("storageAccount", "blob"),
    ("storageAccount", "file"),
    ("keyVault", "vault"),
    ("containerRegistry", "registry"),
];

/// Services that must be reached where only approved traffic may leave: tag, protocol, ports.
const TAGS: [(&str, &str, &str); 8] = [
    ("AzureActiveDirectory", "TCP", "80,443"),
    ("AzureFrontDoor.FirstParty", "TCP", "443"),
    ("AzureMachineLearning", "TCP", "443,8787,18881"),
    ("AzureMachineLearning", "UDP", "5831"),
    ("AzureMonitor", "TCP", "443"),
    ("AzureResourceManager", "TCP", "443"),
    ("BatchNodeManagement.{location}", "TCP", "443"),
    ("MicrosoftContainerRegistry", "TCP", "443"),
];

/// How the names of the service's own rules begin.
const OWN: &str = "__SYS_";

/// Whether a network keeps its computes to itself.
pub(crate) fn is_isolated(network: &Value) -> bool {
    !matches!(json::text(network, "/isolationMode"), "" | "Disabled")
}

/// Makes the network of a workspace whole: what a write leaves out stays, and the service adds its own rules. With
/// `now` it is provisioned with the workspace.
pub(crate) fn complete(body: &mut Value, stands: &Value, now: bool) {
    let mut network = json::at(body, NETWORK).clone();
    let is_silent = json::text(&network, "/isolationMode").is_empty();
    json::fill(&mut network, if is_silent { stands } else { &Value::Null });
    if !is_isolated(&network) {
        // Whether the service keeps the rest of a network that is off is unknown; its rules cannot be seen to stay.
        json::fill(&mut network, &json!({ "isolationMode": "Disabled" }));
        ["status", "networkId", "outboundRules"].iter().for_each(|key| {
            json::remove(&mut network, &format!("/{key}"));
        });
    } else {
        for key in ["status", "networkId", "firewallPublicIpAddress"] {
            network[key] = stands[key].clone();
        }
        if !network["outboundRules"].is_object() {
            network["outboundRules"] = stands["outboundRules"].clone();
        }
        let defaults = json!({
            "managedNetworkKind": "V1",
            "status": { "status": "Inactive", "sparkReady": false },
            "networkId": guid_of(&format!("{}#network", json::text(body, "/id"))),
            "outboundRules": {},
        });
        json::fill(&mut network, &defaults);
        network["outboundRules"] = rules(body, &network);
    }
    if now && is_isolated(&network) {
        activate(&mut network, false);
    }
    json::set(body, NETWORK, network);
}

/// The user's rules, and the service's own in the place of what a client sends back of them.
fn rules(body: &Value, network: &Value) -> Value {
    let sent = network["outboundRules"].as_object().cloned().unwrap_or_default();
    let mine = sent.into_iter().filter(|(name, rule)| !is_own(name) && rule.is_object());
    let mut all: Map<String, Value> = mine.collect();
    all.extend(own_rules(body, json::text(network, "/isolationMode") == "AllowOnlyApprovedOutbound"));
    let status = json::at(network, "/status/status");
    for rule in all.values_mut() {
        json::fill(rule, &json!({ "category": "UserDefined" }));
        rule["status"] = status.clone();
    }
    Value::Object(all)
}

fn own_rules(body: &Value, needs_tags: bool) -> Vec<(String, Value)> {
    let mark = &guid_of(json::text(body, "/id"))[..8];
    let mut own = Vec::new();
    for (property, part) in ENDPOINTS {
        let id = json::text(body, &format!("/properties/{property}"));
        if let Some(name) = id.rsplit('/').next().filter(|name| !name.is_empty()) {
            let destination = json!({ "serviceResourceId": id, "subresourceTarget": part, "sparkEnabled": true, "sparkStatus": "Inactive" });
            let rule =
                json!({ "type": "PrivateEndpoint", "category": "Required", "destination": destination });
            own.push((format!("{OWN}PE_{name}_{part}_{mark}"), rule));
        }
    }
    for (tag, protocol, ports) in TAGS.iter().filter(|_| needs_tags) {
        let tag = tag.replace("{location}", json::text(body, "/location"));
        let destination =
            json!({ "serviceTag": tag, "protocol": protocol, "portRanges": ports, "action": "Allow" });
        let rule = json!({ "type": "ServiceTag", "category": "Required", "destination": destination });
        own.push((format!("{OWN}ST_{tag}_{protocol}"), rule));
    }
    own
}

/// Whether a rule with this name is the service's own.
pub(crate) fn is_own(name: &str) -> bool {
    name.starts_with(OWN)
}

/// Refuses a network that cannot be, beside the one that stands.
pub(crate) fn check(body: &Value, stands: &Value) -> Result<(), ArmError> {
    let network = json::at(body, NETWORK);
    // The specification: from V1 to V2 is a one-way street.
    if stands["managedNetworkKind"] == "V2" && network["managedNetworkKind"] == "V1" {
        return Err(
            bad_content("The managed network cannot go back from 'V2' to 'V1'.").about("managedNetwork")
        );
    }
    let rules = json::at(body, RULES).as_object().cloned().unwrap_or_default();
    rules.iter().try_for_each(|(name, rule)| check_rule(name, rule))
}

/// Refuses a rule without a type, or without what its type needs.
pub(crate) fn check_rule(name: &str, rule: &Value) -> Result<(), ArmError> {
    let wanted = DESTINATIONS.iter().find(|(kind, _)| rule["type"] == *kind);
    let Some((kind, pointers)) = wanted else {
        return Err(
            bad_content(format!("The outbound rule '{name}' needs its 'type'.")).about("outboundRules")
        );
    };
    let destination = &rule["destination"];
    let is_whole = pointers.iter().all(|pointer| !json::text(destination, pointer).is_empty())
        || (*kind == "ServiceTag" && destination["addressPrefixes"].is_array());
    if is_whole {
        return Ok(());
    }
    Err(bad_content(format!("The outbound rule '{name}' of type '{kind}' needs its 'destination'."))
        .about("outboundRules"))
}

/// Provisions the network of a workspace; until `until` it shows as it was.
pub(crate) fn provision(workspace: &mut Resource, include_spark: bool, until: Timestamp) -> Value {
    let before = json::at(&workspace.body, NETWORK).clone();
    let mut network = before.clone();
    activate(&mut network, include_spark);
    let status = network["status"].clone();
    json::set(&mut workspace.body, NETWORK, network);
    cover(workspace, json!({ "properties": { "managedNetwork": before } }), until);
    status
}

fn activate(network: &mut Value, include_spark: bool) {
    let is_ready = include_spark || network["status"]["sparkReady"] == true;
    network["status"] = json!({ "status": "Active", "sparkReady": is_ready });
    json::for_each(network, "/outboundRules/*", &mut |rule| {
        rule["status"] = json!("Active");
        if is_ready && rule["destination"]["sparkEnabled"] == true {
            rule["destination"]["sparkStatus"] = json!("Active");
        }
    });
}

/// Lays something over a workspace until then.
pub(crate) fn cover(workspace: &mut Resource, shows: Value, until: Timestamp) {
    workspace.phases.push(Phase { until, shows });
    workspace.phases.sort_by_key(|phase| phase.until);
}
