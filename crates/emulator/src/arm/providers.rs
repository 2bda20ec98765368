//! Resource providers: what each offers.
//!
//! Offered are the types of the emulator's kinds, well-known types that are kept as generic resources, and whatever
//! types were put. Registrations are in `registration`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arm::subscriptions::REGIONS;
use crate::error::{ArmError, Reply, method_not_allowed};
use crate::governance::registration;
use crate::json;
use crate::kinds::KINDS;
use crate::wire::{Method, Response};
use crate::world::{Call, World};

/// Types that clients ask for by name, and whose spelling replies keep.
const WELL_KNOWN: &[(&str, &[&str])] = &[
    (
        "Microsoft.Authorization",
        &["locks", "policyAssignments", "policyDefinitions", "roleAssignments", "roleDefinitions"],
    ),
    (
        "Microsoft.Compute",
        &["availabilitySets", "disks", "images", "virtualMachines", "virtualMachineScaleSets"],
    ),
    ("Microsoft.ContainerRegistry", &["registries"]),
    ("Microsoft.ContainerService", &["managedClusters"]),
    (
        "microsoft.insights",
        &["actionGroups", "autoscaleSettings", "components", "diagnosticSettings", "metricAlerts"],
    ),
    ("Microsoft.KeyVault", &["vaults", "vaults/accessPolicies", "vaults/keys", "vaults/secrets"]),
    (
        "Microsoft.MachineLearningServices",
        &[
            "registries",
            "workspaces",
            "workspaces/batchEndpoints",
            "workspaces/computes",
            "workspaces/connections",
            "workspaces/datastores",
            "workspaces/jobs",
            "workspaces/onlineEndpoints",
            "workspaces/outboundRules",
            "workspaces/schedules",
        ],
    ),
    (
        "Microsoft.ManagedIdentity",
        &["userAssignedIdentities", "userAssignedIdentities/federatedIdentityCredentials"],
    ),
    (
        "Microsoft.Network",
        &[
            "loadBalancers",
            "networkInterfaces",
            "networkSecurityGroups",
            "networkSecurityGroups/securityRules",
            "privateDnsZones",
            "privateDnsZones/virtualNetworkLinks",
            "privateEndpoints",
            "privateEndpoints/privateDnsZoneGroups",
            "publicIPAddresses",
            "virtualNetworks",
            "virtualNetworks/subnets",
        ],
    ),
    ("Microsoft.OperationalInsights", &["workspaces"]),
    ("Microsoft.Resources", &["deployments", "resourceGroups", "subscriptions", "tags"]),
    (
        "Microsoft.Storage",
        &[
            "storageAccounts",
            "storageAccounts/blobServices",
            "storageAccounts/blobServices/containers",
            "storageAccounts/fileServices",
            "storageAccounts/fileServices/shares",
        ],
    ),
];

/// Newest first: `az` takes the first one when its user names none. Others are taken as well.
pub(crate) const API_VERSIONS: [&str; 6] =
    ["2026-05-01", "2025-12-01", "2025-06-01", "2024-04-01", "2023-08-01-preview", "2020-06-01"];

/// The types of a namespace by the namespace's spelling; both compare without case.
type Offers = BTreeMap<String, (String, Vec<String>)>;

/// The spelling that Azure has for a type, where it is known.
pub(crate) fn spelling(resource_type: &str) -> Option<String> {
    let (namespace, rest) = resource_type.split_once('/')?;
    let (known, types) = WELL_KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(namespace))?;
    let found = types.iter().find(|known| known.eq_ignore_ascii_case(rest))?;
    Some(format!("{known}/{found}"))
}

/// All resource providers.
pub(crate) fn list(world: &World, call: &Call, subscription: &str) -> Response {
    let offers = offers(world, subscription);
    let bodies =
        offers.values().map(|(namespace, types)| body(world, subscription, namespace, types, call.now));
    Response::json(200, &json!({ "value": bodies.collect::<Vec<Value>>() }))
}

/// One resource provider, or what its subscription does with it.
pub(crate) fn handle(
    world: &mut World,
    call: &Call,
    subscription: &str,
    namespace: &str,
    action: &str,
) -> Reply {
    let found = find(world, subscription, namespace, call.now);
    let found = found.ok_or_else(|| {
        let message = format!("The resource namespace '{namespace}' is invalid.");
        ArmError::gateway(404, "InvalidResourceNamespace", message)
    })?;
    let namespace = json::text(&found, "/namespace").to_owned();
    match (call.request.method, action) {
        (Method::Get, "") => {}
        (Method::Get, "resourcetypes") => {
            return Ok(Response::json(200, &json!({ "value": found["resourceTypes"] })));
        }
        (Method::Post, "register") => registration::register(world, call, subscription, &namespace),
        (Method::Post, "unregister") => registration::unregister(world, subscription, &namespace),
        (method, _) => return Err(method_not_allowed(method.name())),
    }
    Ok(Response::json(200, &find(world, subscription, &namespace, call.now).unwrap_or_default()))
}

/// A resource provider with its types, if it offers any.
pub(crate) fn find(world: &World, subscription: &str, namespace: &str, now: Timestamp) -> Option<Value> {
    let offers = offers(world, subscription);
    let (namespace, types) = offers.get(&namespace.to_ascii_lowercase())?;
    Some(body(world, subscription, namespace, types, now))
}

fn offers(world: &World, subscription: &str) -> Offers {
    let mut offers = Offers::new();
    let mut add = |resource_type: &str| {
        let Some((namespace, rest)) = resource_type.split_once('/') else { return };
        let entry =
            offers.entry(namespace.to_ascii_lowercase()).or_insert((namespace.to_owned(), Vec::new()));
        if !entry.1.iter().any(|known| known.eq_ignore_ascii_case(rest)) {
            entry.1.push(rest.to_owned());
        }
    };
    for (namespace, types) in WELL_KNOWN {
        types.iter().for_each(|rest| add(&format!("{namespace}/{rest}")));
    }
    KINDS.iter().for_each(|kind| add(kind.resource_type));
    world.store.types_in(&format!("/subscriptions/{subscription}/").to_ascii_lowercase()).for_each(&mut add);
    offers
}

fn body(world: &World, subscription: &str, namespace: &str, types: &[String], now: Timestamp) -> Value {
    let mut types = types.to_vec();
    types.sort_unstable();
    let types = types.iter().map(|name| {
        json!({
            "resourceType": name,
            "locations": REGIONS.map(|(_, display)| display),
            "apiVersions": API_VERSIONS,
            "defaultApiVersion": API_VERSIONS[0],
            "capabilities": "SupportsTags, SupportsLocation",
        })
    });
    let scope =
        if subscription.is_empty() { String::new() } else { format!("/subscriptions/{subscription}") };
    json!({
        "id": format!("{scope}/providers/{namespace}"),
        "namespace": namespace,
        "registrationState": registration::state(world, subscription, namespace, now),
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": types.collect::<Vec<Value>>(),
    })
}
