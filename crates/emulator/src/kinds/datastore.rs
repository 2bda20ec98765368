//! `Microsoft.MachineLearningServices/workspaces/datastores`: containers and shares by name. Their secrets go to the
//! workspace's key vault and are in no answer.
//!
//! A workspace comes with some: who asks for one of those by its name is told which share or container of the workspace's
//! account it is. No list shows them here.

use serde_json::{Value, json};

use crate::error::{ArmError, Reply, bad_content, method_not_allowed};
use crate::json;
use crate::kinds::{Kind, PLAIN, PutStyle, plain};
use crate::random::guid_of;
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::wire::Response;
use crate::world::{Call, World};

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.MachineLearningServices/workspaces/datastores",
    id_type: "Microsoft.MachineLearningServices/workspaces/datastores",
    tracked: false,
    put_style: PutStyle::AtOnce(201),
    defaults: || {
        json!({ "properties": {
            "credentials": { "credentialsType": "None" },
            "description": null,
            "endpoint": "core.windows.net",
            "isDefault": false,
            "properties": null,
            "protocol": "https",
            "serviceDataAccessAuthIdentity": "None",
            "tags": {},
        }})
    },
    enums: &[
        ("/properties/datastoreType", &["AzureBlob", "AzureFile"]),
        ("/properties/credentials/credentialsType", &["None", "AccountKey", "Sas"]),
    ],
    read_only: &["/properties/isDefault"],
    fixed: &["/properties/datastoreType"],
    check,
    finish: |_, _, body| _ = json::remove(body, "/properties/credentials/secrets"),
    get,
    put,
    patch: |_, _, _| Err(method_not_allowed("PATCH")),
    ..PLAIN
};

/// What each type must name.
const NEEDS: [(&str, &str); 2] = [("AzureBlob", "containerName"), ("AzureFile", "fileShareName")];

fn check(_: &World, _: &Target, body: &Value, _: Option<&Resource>) -> Result<(), ArmError> {
    let word = json::text(body, "/properties/datastoreType");
    let Some((_, store)) = NEEDS.iter().find(|(of, _)| *of == word) else {
        return Err(bad_content("A datastore is 'AzureBlob' or 'AzureFile'.").about("datastoreType"));
    };
    for key in ["accountName", store] {
        if json::text(body, &format!("/properties/{key}")).is_empty() {
            return Err(bad_content(format!("'{key}' is missing.")).about(key));
        }
    }
    Ok(())
}

/// What a workspace brings along: name, type, key of the place, and how that is called; `{guid}` is the workspace's own.
const BROUGHT: [(&str, &str, &str, &str); 4] = [
    ("workspaceartifactstore", "AzureBlob", "containerName", "azureml"),
    ("workspaceblobstore", "AzureBlob", "containerName", "azureml-blobstore-{guid}"),
    ("workspacefilestore", "AzureFile", "fileShareName", "azureml-filestore-{guid}"),
    ("workspaceworkingdirectory", "AzureFile", "fileShareName", "code-{guid}"),
];

fn get(world: &mut World, call: &Call, target: &Target) -> Reply {
    match brought(world, target).filter(|_| world.store.get(&target.key()).is_none()) {
        Some(body) => Ok(Response::json(200, &body)),
        None => plain::get(world, call, target),
    }
}

/// One of the workspace's own.
fn brought(world: &World, target: &Target) -> Option<Value> {
    let (name, word, place, pattern) =
        BROUGHT.iter().find(|own| own.0.eq_ignore_ascii_case(target.name()))?;
    let key = target.key();
    let workspace = world.store.get(key.rsplit_once("/datastores/")?.0)?;
    let account = json::text(&workspace.body, "/properties/storageAccount").rsplit('/').next().unwrap_or("");
    let mut properties = (KIND.defaults)()["properties"].take();
    json::overlay(
        &mut properties,
        &json!({
            "accountName": account,
            "credentials": { "credentialsType": "AccountKey" },
            "datastoreType": word,
            "isDefault": *name == "workspaceblobstore",
        }),
    );
    properties[*place] = json!(pattern.replace("{guid}", &guid_of(&workspace.key())));
    let id = format!("{}/datastores/{name}", workspace.id);
    Some(json!({ "id": id, "name": name, "type": KIND.resource_type, "properties": properties }))
}

/// The secrets are looked at and kept nowhere.
fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let sent = call.object()?;
    let secret =
        match json::text(&sent, "/properties/credentials/credentialsType").to_ascii_lowercase().as_str() {
            "accountkey" => Some("/properties/credentials/secrets/key"),
            "sas" => Some("/properties/credentials/secrets/sasToken"),
            _ => None,
        };
    if secret.is_some_and(|pointer| json::text(&sent, pointer).is_empty()) {
        return Err(bad_content("The credentials have no secrets.").about("secrets"));
    }
    plain::put_body(world, call, target, sent)
}
