//! `Microsoft.MachineLearningServices/workspaces`.
//!
//! A PUT answers 202 without a body, create and update alike; a delete is soft unless told otherwise, and then holds
//! the name. Defaults and rewrites are those of recorded GETs.

use serde_json::{Value, json};

use crate::arm::operation::{self, Long, Operation};
use crate::error::{ArmError, Reply, bad_content, operation_in_flight};
use crate::json;
use crate::kinds::managed_network::{self, NETWORK};
use crate::kinds::{Kind, PLAIN, PutStyle, plain, storage_account};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::time::timing::Work;
use crate::versions::Difference;
use crate::wire::Response;
use crate::world::{Call, World};

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.MachineLearningServices/workspaces",
    id_type: "Microsoft.MachineLearningServices/workspaces",
    put_style: PutStyle::AlwaysAccepted(Long {
        style: &operation::WORKSPACE,
        work: Work::WorkspaceWrite,
        creating: "Creating",
    }),
    defaults: || {
        json!({
            "kind": "Default",
            "sku": { "name": "Basic", "tier": "Basic" },
            "etag": null,
            "properties": {
                "friendlyName": "",
                "description": "",
                "allowPublicAccessWhenBehindVnet": false,
                "allowRoleAssignmentOnRG": false,
                "enableDataIsolation": false,
                "hbiWorkspace": false,
                "imageBuildCompute": null,
                "ipAllowlist": [],
                "networkAcls": null,
                "notebookInfo": { "isPrivateLinkEnabled": false, "notebookPreparationError": null },
                "privateEndpointConnections": [],
                "privateLinkCount": 0,
                "publicNetworkAccess": "Enabled",
                "sdkTelemetryAppInsightsKey": null,
                "serverlessComputeSettings": null,
                "sharedPrivateLinkResources": [],
                "softDeleteEnabled": false,
                "storageHnsEnabled": false,
                "systemDatastoresAuthMode": "AccessKey",
                "v1LegacyMode": false,
            },
        })
    },
    generated: &[
        ("/properties/workspaceId", "{guid}"),
        ("/properties/tenantId", "{tenant}"),
        ("/properties/creationTime", "{time}"),
        ("/properties/discoveryUrl", "https://{location}.api.azureml.ms/discovery"),
        ("/properties/mlFlowTrackingUri", "azureml://{location}.api.azureml.ms/mlflow/v1.0{id}"),
        ("/properties/notebookInfo/resourceId", "{/properties/workspaceId}"),
        (
            "/properties/notebookInfo/fqdn",
            "ml-{lower}-{location}-{/properties/workspaceId}.{location}.notebooks.azure.net",
        ),
        ("/systemData/createdAt", "{time}"),
        ("/systemData/createdBy", "emulator"),
        ("/systemData/createdByType", "User"),
    ],
    stamped: &[
        ("/systemData/lastModifiedAt", "{time}"),
        ("/systemData/lastModifiedBy", "emulator"),
        ("/systemData/lastModifiedByType", "User"),
    ],
    enums: &[
        ("/kind", &["Default", "Hub", "Project", "FeatureStore"]),
        ("/properties/publicNetworkAccess", &["Enabled", "Disabled"]),
        ("/properties/systemDatastoresAuthMode", &["AccessKey", "Identity", "UserDelegationSAS"]),
        ("/properties/encryption/status", &["Enabled", "Disabled"]),
        (
            "/properties/managedNetwork/isolationMode",
            &["Disabled", "AllowInternetOutbound", "AllowOnlyApprovedOutbound"],
        ),
        ("/properties/managedNetwork/managedNetworkKind", &["V1", "V2"]),
        ("/properties/managedNetwork/firewallSku", &["Standard", "Basic"]),
        ("/properties/managedNetwork/outboundRules/*/type", managed_network::RULE_TYPES),
        ("/properties/managedNetwork/outboundRules/*/category", managed_network::RULE_CATEGORIES),
    ],
    rewrites: &[
        ("/properties/keyVault", "Microsoft.KeyVault", "Microsoft.Keyvault"),
        ("/properties/applicationInsights", "Microsoft.Insights", "Microsoft.insights"),
    ],
    // The template of azure-ai-ml has them all in lower case.
    spelled: &[
        "computeRuntime",
        "featureStoreSettings",
        "offlineStoreConnectionName",
        "onlineStoreConnectionName",
        "sparkRuntimeVersion",
    ],
    read_only: &["/systemData", "/properties/provisionNetworkNow"],
    patchable: &[
        "/tags",
        "/identity",
        "/sku",
        "/properties/applicationInsights",
        "/properties/containerRegistry",
        "/properties/description",
        "/properties/enableDataIsolation",
        "/properties/encryption/keyVaultProperties/keyIdentifier",
        "/properties/featureStoreSettings",
        "/properties/friendlyName",
        "/properties/imageBuildCompute",
        "/properties/managedNetwork",
        "/properties/primaryUserAssignedIdentity",
        "/properties/publicNetworkAccess",
        "/properties/serverlessComputeSettings",
        "/properties/serviceManagedResourcesSettings",
        "/properties/systemDatastoresAuthMode",
        "/properties/v1LegacyMode",
    ],
    check,
    put,
    patch,
    delete,
    actions: &[
        ("listkeys", list_keys),
        ("liststorageaccountkeys", list_storage_keys),
        ("listnotebookkeys", list_notebook_keys),
        ("listnotebookaccesstoken", notebook_token),
        ("preparenotebook", prepare_notebook),
        ("resynckeys", nothing),
        ("diagnose", diagnose),
        ("provisionmanagednetwork", provision_network),
        ("outboundnetworkdependenciesendpoints", outbound_dependencies),
    ],
    ..PLAIN
};

/// What cannot be changed once the workspace stands.
const FIXED: [&str; 4] =
    ["/properties/storageAccount", "/properties/keyVault", "/properties/hbiWorkspace", "/kind"];

fn check(world: &World, target: &Target, body: &Value, existing: Option<&Resource>) -> Result<(), ArmError> {
    let name = target.name();
    if !is_name(name) {
        let message = format!(
            "Workspace name '{name}' is invalid: 3 to 33 letters, digits, '-' or '_', the first a letter or digit."
        );
        return Err(ArmError::service(400, "ValidationError", message).about("name"));
    }
    if world.soft_deleted.contains_key(&target.key()) {
        let message = "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete";
        return Err(ArmError::service(400, "BadRequest", message));
    }
    for dependency in ["storageAccount", "keyVault"] {
        let pointer = format!("/properties/{dependency}");
        if json::text(body, "/kind") != "Project" && json::text(body, &pointer).is_empty() {
            let message = format!("Missing dependent resources in workspace json: '{dependency}'.");
            return Err(ArmError::service(400, "ValidationError", message).about(dependency));
        }
    }
    let encryption = json::at(body, "/properties/encryption");
    if encryption.is_object() && json::text(encryption, "/status").is_empty() {
        let message = "Missing required property 'status' of 'encryption'.";
        return Err(ArmError::service(400, "ValidationError", message).about("encryption.status"));
    }
    managed_network::check(
        body,
        existing.map_or(&Value::Null, |existing| json::at(&existing.body, NETWORK)),
    )?;
    let Some(existing) = existing else { return Ok(()) };
    for pointer in FIXED {
        let (stands, sent) = (json::at(&existing.body, pointer), json::at(body, pointer));
        if !stands.to_string().eq_ignore_ascii_case(&sent.to_string()) {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            return Err(bad_content(format!(
                "The property '{field}' cannot be changed once the workspace has been created."
            ))
            .about(&field));
        }
    }
    Ok(())
}

/// Source: the specification's pattern, `^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$`.
fn is_name(name: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '_';
    (3..=33).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(allowed)
}

/// Creates or replaces.
fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let mut sent = call.object()?;
    let existing = world.store.get(&target.key());
    let stands = existing.map_or(Value::Null, |existing| json::at(&existing.body, NETWORK).clone());
    if existing.is_none() && json::text(&sent, "/kind").eq_ignore_ascii_case("Project") {
        inherit(world, &mut sent);
    }
    let now = sent["properties"]["provisionNetworkNow"] == true;
    let response = plain::put_body(world, call, target, sent)?;
    let mut workspace = world.existing(target)?.clone();
    managed_network::complete(&mut workspace.body, &stands, now);
    world.put(workspace);
    Ok(response)
}

/// A project uses what its hub uses, where that stands here. What the service says to one without a hub is unknown.
fn inherit(world: &World, project: &mut Value) {
    let key = json::text(project, "/properties/hubResourceId").to_ascii_lowercase();
    let Some(hub) = world.store.get(&key).filter(|hub| hub.body["kind"] == "Hub") else { return };
    for property in ["storageAccount", "keyVault", "applicationInsights", "containerRegistry"] {
        let pointer = format!("/properties/{property}");
        if let Some(used) =
            hub.body.pointer(&pointer).filter(|_| project.pointer(&pointer).is_none_or(Value::is_null))
        {
            json::set(project, &pointer, used.clone());
        }
    }
}

/// Changes what a PATCH can; old api-versions are done with it at once.
fn patch(world: &mut World, call: &Call, target: &Target) -> Reply {
    let stands = json::at(&world.existing(target)?.body, NETWORK).clone();
    plain::patch(world, call, target)?;
    let mut workspace = world.existing(target)?.clone();
    managed_network::complete(&mut workspace.body, &stands, false);
    if Difference::WorkspacePatchAtOnce.is_in(&call.api_version) {
        let response = Response::json(200, &workspace.body);
        world.put(workspace);
        return Ok(response);
    }
    let mut operation = begin(world, call, target, &workspace, Work::WorkspaceWrite);
    operation.shows = Some(workspace.key());
    plain::occupy(&mut workspace, &operation, "Updating");
    Ok(go_on(world, call, workspace, operation))
}

/// Starts work on a workspace; what it changes and shows is the caller's.
fn begin(world: &mut World, call: &Call, target: &Target, workspace: &Resource, work: Work) -> Operation {
    let location = json::text(&workspace.body, "/location").to_owned();
    Operation::start(world, call, &operation::WORKSPACE, (&target.subscription, &location), call.after(work))
}

/// Keeps a workspace and the operation that runs on it, and announces that.
fn go_on(world: &mut World, call: &Call, workspace: Resource, operation: Operation) -> Response {
    world.put(workspace);
    let response = operation.announce(world, call, Response::empty(202));
    world.remember(operation);
    response
}

/// A delete of a soft-deleted workspace with `forceToPurge=true` frees its name; that way in is our choice.
fn delete(world: &mut World, call: &Call, target: &Target) -> Reply {
    let purge =
        call.request.parameter("forceToPurge").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let key = target.key();
    let Some(mut resource) = world.store.get(&key).cloned() else {
        if purge && world.soft_deleted.contains_key(&key) {
            world.purge(&key);
            return Ok(Response::empty(200));
        }
        return Ok(Response::empty(204));
    };
    if resource.is_leaving() {
        let running = resource.operation.as_ref().and_then(|id| world.operations.get(id)).cloned();
        let response = Response::empty(202);
        return Ok(running.map_or(response.clone(), |operation| operation.announce(world, call, response)));
    }
    plain::refuse_busy(&resource, call.now)?;
    let busy_child =
        world.store.list(&format!("{key}/computes"), None).find(|compute| compute.is_busy(call.now));
    if let Some(busy) = busy_child {
        return Err(operation_in_flight(&busy.id));
    }
    let location = json::text(&resource.body, "/location").to_owned();
    let ends_at = call.after(Work::WorkspaceDelete);
    let mut operation =
        Operation::start(world, call, &operation::WORKSPACE, (&target.subscription, &location), ends_at);
    operation.location_status = Some(200);
    plain::occupy(&mut resource, &operation, "Deleting");
    resource.gone_at = Some(ends_at);
    if !purge {
        world.hold_name(&key, ends_at);
    }
    world.put(resource);
    let response = operation.announce(world, call, Response::empty(202));
    world.remember(operation);
    Ok(response)
}

fn list_keys(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let workspace = world.existing(target)?;
    let id = &workspace.id;
    let registry = json::text(&workspace.body, "/properties/containerRegistry");
    let password = |name: &str| json!({ "name": name, "value": world.secret_of(registry, name) });
    let credentials = (!registry.is_empty()).then(|| {
        json!({
            "location": workspace.body["location"],
            "username": registry.rsplit('/').next(),
            "passwords": [password("password"), password("password2")],
        })
    });
    let storage = &workspace.body["properties"]["storageAccount"];
    let body = json!({
        "userStorageKey": storage_account::key(world, storage.as_str().unwrap_or(""), "key1"),
        "userStorageArmId": storage,
        "userStorageResourceId": storage,
        "appInsightsInstrumentationKey": null,
        "containerRegistryCredentials": credentials,
        "notebookAccessKeys": {
            "primaryAccessKey": world.secret_of(id, "notebook1"),
            "secondaryAccessKey": world.secret_of(id, "notebook2"),
        },
    });
    Ok(Response::json(200, &body))
}

fn list_storage_keys(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let storage = json::text(&world.existing(target)?.body, "/properties/storageAccount");
    Ok(Response::json(200, &json!({ "userStorageKey": storage_account::key(world, storage, "key1") })))
}

fn list_notebook_keys(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let id = &world.existing(target)?.id;
    let key = |name: &str| world.secret_of(id, name);
    Ok(Response::json(
        200,
        &json!({ "primaryAccessKey": key("notebook1"), "secondaryAccessKey": key("notebook2") }),
    ))
}

fn notebook_token(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let workspace = world.existing(target)?;
    let body = json!({
        "notebookResourceId": workspace.body["properties"]["workspaceId"],
        "hostName": workspace.body["properties"]["notebookInfo"]["fqdn"],
        "publicDns": workspace.body["properties"]["notebookInfo"]["fqdn"],
        "accessToken": world.secret_of(&workspace.id, "access"),
        "tokenType": "Bearer",
        "expiresIn": 28_800,
        "refreshToken": world.secret_of(&workspace.id, "refresh"),
        "scope": "aznb_identity",
    });
    Ok(Response::json(200, &body))
}

/// The notebooks are there from the start: it answers 200 at once.
fn prepare_notebook(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let workspace = world.existing(target)?;
    Ok(Response::json(200, &workspace.body["properties"]["notebookInfo"]))
}

fn nothing(world: &mut World, _call: &Call, target: &Target) -> Reply {
    world.existing(target)?;
    Ok(Response::empty(200))
}

fn provision_network(world: &mut World, call: &Call, target: &Target) -> Reply {
    let mut workspace = world.existing(target)?.clone();
    plain::refuse_busy(&workspace, call.now)?;
    if !managed_network::is_isolated(json::at(&workspace.body, NETWORK)) {
        return Err(bad_content("The workspace has no managed network.").about("isolationMode"));
    }
    let include_spark = call.any()?["includeSpark"] == true;
    let mut operation = begin(world, call, target, &workspace, Work::ManagedNetwork);
    operation.result = Some(managed_network::provision(&mut workspace, include_spark, operation.ends_at));
    workspace.operation = Some(operation.id.clone());
    workspace.busy_until = Some(operation.ends_at);
    Ok(go_on(world, call, workspace, operation))
}

/// What a workspace without private endpoints talks to. Source: the names that Azure's documentation lists.
const OUTBOUND: [(&str, &[&str]); 5] = [
    ("Azure Active Directory", &["login.microsoftonline.com"]),
    ("Azure portal", &["management.azure.com"]),
    ("Azure Machine Learning", &["{location}.api.azureml.ms", "{location}.experiments.azureml.net"]),
    ("Azure Storage", &["{storage}.blob.core.windows.net", "{storage}.file.core.windows.net"]),
    ("Azure Container Registry", &["mcr.microsoft.com"]),
];

fn outbound_dependencies(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let workspace = world.existing(target)?;
    let location = json::text(&workspace.body, "/location");
    let storage = json::text(&workspace.body, "/properties/storageAccount").rsplit('/').next().unwrap_or("");
    let endpoint = |name: &&str| {
        let name = name.replace("{location}", location).replace("{storage}", storage);
        json!({ "domainName": name, "endpointDetails": [{ "port": 443 }] })
    };
    let rows = OUTBOUND.map(|(category, names)| {
        let endpoints: Vec<Value> = names.iter().map(endpoint).collect();
        json!({ "properties": { "category": category, "endpoints": endpoints } })
    });
    Ok(Response::json(200, &json!({ "value": rows })))
}

fn diagnose(world: &mut World, _call: &Call, target: &Target) -> Reply {
    world.existing(target)?;
    let areas = [
        "userDefinedRouteResults",
        "networkSecurityRuleResults",
        "resourceLockResults",
        "dnsResolutionResults",
        "storageAccountResults",
        "keyVaultResults",
        "containerRegistryResults",
        "applicationInsightsResults",
        "otherResults",
    ];
    let results: serde_json::Map<String, Value> =
        areas.iter().map(|area| ((*area).to_owned(), json!([]))).collect();
    Ok(Response::json(200, &json!({ "value": results })))
}
