//! `Microsoft.MachineLearningServices/workspaces/datastores`: containers and shares by name. Their secrets go to the
//! workspace's key vault and are in no answer.
//!
//! A workspace of Azure's comes with some; this one comes with none.

use serde_json::{Value, json};

use crate::error::{ArmError, Reply, bad_content, method_not_allowed};
use crate::json;
use crate::kinds::{Kind, PLAIN, PutStyle, plain};
use crate::route::router::Target;
use crate::store::resource::Resource;
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
