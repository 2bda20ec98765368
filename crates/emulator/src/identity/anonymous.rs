//! What needs no token: where the cloud is, and where to get a token.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arm::subscriptions::REGIONS;
use crate::error::{Reply, method_not_allowed};
use crate::gate;
use crate::identity::token_endpoint;
use crate::route::router::segments;
use crate::wire::{Method, Request, Response};
use crate::world::World;

/// A path that is answered without a token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Anonymous {
    /// `/metadata/endpoints`.
    Metadata,
    /// `…/.well-known/openid-configuration` of a tenant.
    Configuration(String),
    /// The token endpoint of a tenant.
    Grant(String),
    /// `/msi/token`.
    AppService,
    /// The instance metadata service.
    InstanceMetadata,
}

impl Anonymous {
    /// What the path means, if it is one of these.
    pub(crate) fn of(path: &str) -> Option<Anonymous> {
        // Nearly all paths begin like this, and none of them is anonymous.
        if path.starts_with("/subscriptions/") {
            return None;
        }
        let spelled = segments(path);
        let folded: Vec<String> = spelled.iter().map(|part| part.to_ascii_lowercase()).collect();
        let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
        let tenant = || spelled[0].clone();
        Some(match folded[..] {
            ["metadata", "endpoints"] => Anonymous::Metadata,
            ["metadata", "identity", "oauth2", "token"] => Anonymous::InstanceMetadata,
            ["msi", "token"] => Anonymous::AppService,
            [_, ".well-known", "openid-configuration"]
            | [_, "v2.0", ".well-known", "openid-configuration"] => Anonymous::Configuration(tenant()),
            [_, "oauth2", "token"] | [_, "oauth2", "v2.0", "token"] => Anonymous::Grant(tenant()),
            _ => return None,
        })
    }

    /// Answers it. Tokens live by the machine's time (`Request::received`).
    pub(crate) fn answer(&self, world: &World, request: &Request, now: Timestamp) -> Reply {
        let now = request.received.unwrap_or(now);
        gate::check_host(request)?;
        match self {
            Anonymous::Metadata => metadata(request),
            Anonymous::Configuration(tenant) => token_endpoint::configuration(request, tenant),
            Anonymous::Grant(tenant) => token_endpoint::grant(world, request, tenant, now),
            Anonymous::AppService => token_endpoint::managed_identity(world, request, false, now),
            Anonymous::InstanceMetadata => token_endpoint::managed_identity(world, request, true, now),
        }
    }
}

/// The cloud in the four shapes that clients have asked for over the years (wire-traces §1.3).
fn metadata(request: &Request) -> Reply {
    if request.method != Method::Get {
        return Err(method_not_allowed(request.method.name()));
    }
    let version = gate::api_version(request)?;
    let origin = request.origin();
    let year = version.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0_u16);
    let body = match year {
        ..=2017 => earliest(&origin),
        2018 => regions(request.header_value("host").unwrap_or("")),
        2019..=2021 => json!([cloud(&origin)]),
        _ => cloud(&origin),
    };
    Ok(Response::json(200, &body))
}

fn earliest(origin: &str) -> Value {
    json!({
        "galleryEndpoint": format!("{origin}/"),
        "graphEndpoint": format!("{origin}/"),
        "portalEndpoint": format!("{origin}/"),
        "authentication": authentication(origin),
    })
}

fn regions(host: &str) -> Value {
    json!({ "cloudEndpoint": { "public": { "endpoint": host, "locations": REGIONS.map(|(name, _)| name) } } })
}

/// Its name must not be one that a client has built in, nor Azure Stack's.
fn cloud(origin: &str) -> Value {
    let base = format!("{origin}/");
    json!({
        "name": "EmulatorCloud",
        "portal": base,
        "resourceManager": base,
        "authentication": authentication(origin),
        "graph": base,
        "graphAudience": base,
        "microsoftGraphResourceId": base,
        "media": origin,
        "batch": base,
        "gallery": base,
        "sqlManagement": base,
        "vmImageAliasDoc": base,
        "activeDirectoryDataLake": base,
        "suffixes": {
            "storage": "core.emulator.local",
            "keyVaultDns": "vault.emulator.local",
            "sqlServerHostname": "database.emulator.local",
            "acrLoginServer": "azurecr.emulator.local",
            "azureDataLakeStoreFileSystem": "datalakestore.emulator.local",
            "azureDataLakeAnalyticsCatalogAndJob": "datalakeanalytics.emulator.local",
        },
    })
}

fn authentication(origin: &str) -> Value {
    json!({
        "loginEndpoint": origin,
        "audiences": [format!("{origin}/")],
        "tenant": "common",
        "identityProvider": "AAD",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fold_case_and_empty_segments_but_keep_the_tenant() {
        let tenant = || "Contoso".to_owned();
        for (path, expected) in [
            ("//metadata/Endpoints", Some(Anonymous::Metadata)),
            ("/Contoso/oauth2/v2.0/token", Some(Anonymous::Grant(tenant()))),
            ("/Contoso/oauth2/token", Some(Anonymous::Grant(tenant()))),
            ("/Contoso/.well-known/openid-configuration", Some(Anonymous::Configuration(tenant()))),
            ("/metadata/identity/oauth2/token", Some(Anonymous::InstanceMetadata)),
            ("/subscriptions", None),
            ("/", None),
        ] {
            assert_eq!(Anonymous::of(path), expected, "{path}");
        }
    }
}
