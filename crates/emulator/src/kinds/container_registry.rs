//! `Microsoft.ContainerRegistry/registries`.

use serde_json::json;

use crate::arm::names::Naming;
use crate::error::{ArmError, Reply};
use crate::json;
use crate::kinds::{Kind, PLAIN, PutStyle};
use crate::route::router::Target;
use crate::wire::Response;
use crate::world::{Call, World};

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.ContainerRegistry/registries",
    id_type: "Microsoft.ContainerRegistry/registries",
    put_style: PutStyle::AtOnce(201),
    defaults: || {
        json!({
            "sku": { "name": "Basic" },
            "properties": {
                "adminUserEnabled": false,
                "anonymousPullEnabled": false,
                "dataEndpointEnabled": false,
                "publicNetworkAccess": "Enabled",
                "zoneRedundancy": "Disabled",
            },
        })
    },
    generated: &[("/properties/loginServer", "{lower}.azurecr.io"), ("/properties/creationDate", "{time}")],
    enums: &[
        ("/sku/name", &["Classic", "Basic", "Standard", "Premium"]),
        ("/properties/publicNetworkAccess", &["Enabled", "Disabled"]),
    ],
    naming: Some(Naming {
        is_name: |name| {
            (5..=50).contains(&name.len()) && name.chars().all(|each| each.is_ascii_alphanumeric())
        },
        invalid: ("Invalid", "The specified registry name {name} is invalid: 5 to 50 letters and digits."),
        taken: ("AlreadyInUse", "The registry DNS name {name}.azurecr.io is already in use."),
        held: None,
    }),
    actions: &[("listcredentials", list_credentials)],
    ..PLAIN
};

fn list_credentials(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let registry = world.existing(target)?;
    if json::at(&registry.body, "/properties/adminUserEnabled") != &json!(true) {
        return Err(ArmError::service(
            400,
            "UnAuthorizedForCredentialOperations",
            "The admin user is disabled.",
        ));
    }
    let password = |name: &str| json!({ "name": name, "value": world.secret_of(&registry.id, name) });
    let body =
        json!({ "username": registry.name(), "passwords": [password("password"), password("password2")] });
    Ok(Response::json(200, &body))
}
