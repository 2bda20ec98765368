//! Where tokens come from: Entra's client-credentials endpoint, and a machine's managed identity.
//!
//! It believes every secret and assertion, looks at none of them but for its end, and keeps none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::{Reply, method_not_allowed};
use crate::identity::tokens::Claims;
use crate::random::guid_of;
use crate::wire::{Method, Request, Response};
use crate::world::World;

/// How far an assertion's clock may be off.
const SKEW_SECONDS: i64 = 300;

/// A refusal in Entra's form: status, OAuth's word, Entra's number, and the text.
struct Refusal(u16, &'static str, u32, String);

/// `…/.well-known/openid-configuration` of a tenant. Clients read the two endpoints and compare the issuer.
pub(crate) fn configuration(request: &Request, tenant: &str) -> Reply {
    let base = format!("{}/{tenant}", request.origin());
    Ok(Response::json(
        200,
        &json!({
            "issuer": format!("{base}/v2.0"),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }),
    ))
}

/// `POST /{tenant}/oauth2/v2.0/token`, and the older form of it with `resource` instead of `scope`.
pub(crate) fn grant(world: &World, request: &Request, tenant: &str, now: Timestamp) -> Reply {
    if request.method != Method::Post {
        return Err(method_not_allowed(request.method.name()));
    }
    Ok(match granted(world, request, tenant, now) {
        Ok(body) => Response::json(200, &body),
        Err(Refusal(status, error, number, text)) => Response::json(
            status,
            &json!({
                "error": error,
                "error_description": format!("AADSTS{number}: {text}"),
                "error_codes": [number],
                "timestamp": now.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            }),
        ),
    })
}

fn granted(world: &World, request: &Request, tenant: &str, now: Timestamp) -> Result<Value, Refusal> {
    let need = |name: &str| field(request, name).ok_or_else(|| missing(name));
    let grant = need("grant_type")?;
    if grant != "client_credentials" {
        let text = format!("The app requested an unsupported grant type '{grant}'.");
        return Err(Refusal(400, "unsupported_grant_type", 70003, text));
    }
    let application = need("client_id")?;
    believe(field(request, "client_secret"), field(request, "client_assertion"), now)?;
    let scope = match field(request, "resource") {
        Some(resource) => resource,
        None => need("scope")?,
    };
    let audience = scope.strip_suffix("/.default").unwrap_or(&scope);
    let claims = claims(world, request, tenant, (&application, audience), now);
    let seconds = world.tokens.lifetime.as_secs();
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": world.tokens.issue(claims, now),
    }))
}

/// Some proof must be there; a signed assertion must not have ended, which is what Entra finds most often.
fn believe(secret: Option<String>, assertion: Option<String>, now: Timestamp) -> Result<(), Refusal> {
    let Some(assertion) = assertion else {
        return secret.map(drop).ok_or_else(|| {
            let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            Refusal(401, "invalid_client", 7_000_218, text.to_owned())
        });
    };
    match end_of(&assertion) {
        Some(end) if end + SKEW_SECONDS < now.as_second() => {
            let text = "Client assertion is not within its valid time range.";
            Err(Refusal(401, "invalid_client", 700_024, text.to_owned()))
        }
        _ => Ok(()),
    }
}

/// The `exp` of a JWT; none of a text that is something else.
fn end_of(assertion: &str) -> Option<i64> {
    let payload = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Value>(&payload).ok()?.get("exp")?.as_i64()
}

fn missing(name: &str) -> Refusal {
    let text = format!("The request body must contain the following parameter: '{name}'.");
    Refusal(400, "invalid_request", 900_144, text)
}

fn field(request: &Request, name: &str) -> Option<String> {
    url::form_urlencoded::parse(&request.body)
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

/// The managed identity of the machine: `/msi/token` as on App Service, or the instance metadata service.
///
/// Terraform sends `Metadata: true` to either, so the first takes both headers.
pub(crate) fn managed_identity(world: &World, request: &Request, instance: bool, now: Timestamp) -> Reply {
    if request.method != Method::Get {
        return Err(method_not_allowed(request.method.name()));
    }
    let is_metadata =
        request.header_value("metadata").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let has_secret = !instance && request.header_value("x-identity-header").is_some_and(|v| !v.is_empty());
    // The metadata service refuses what a proxy passed on.
    let is_forwarded = instance && request.header_value("x-forwarded-for").is_some();
    if is_forwarded || !(is_metadata || has_secret) {
        return Ok(bad_request("Required metadata header not specified"));
    }
    let Some(resource) = request.parameter("resource").filter(|resource| !resource.is_empty()) else {
        return Ok(bad_request("The 'resource' parameter is missing"));
    };
    let chosen = ["client_id", "object_id", "principal_id", "mi_res_id", "msi_res_id"];
    let chosen = chosen.iter().find_map(|name| Some((*name, request.parameter(name)?)));
    let application = match chosen {
        Some(("client_id", id)) => id,
        Some((_, other)) => guid_of(&other),
        None => guid_of("the identity of this machine"),
    };
    let claims = claims(world, request, &world.options.tenant, (&application, &resource), now);
    let seconds = world.tokens.lifetime.as_secs();
    Ok(Response::json(
        200,
        &json!({
            "access_token": world.tokens.issue(claims, now),
            "client_id": application,
            "expires_in": seconds.to_string(),
            "expires_on": now.as_second().saturating_add(seconds).to_string(),
            "not_before": now.as_second().to_string(),
            "resource": resource,
            "token_type": "Bearer",
        }),
    ))
}

fn bad_request(text: &str) -> Response {
    Response::json(400, &json!({ "error": "invalid_request", "error_description": text }))
}

/// Any tenant is taken, and a guid is kept as it is; `common`, `adfs` and names stand for the one there is.
fn claims(
    world: &World,
    request: &Request,
    tenant: &str,
    (application, audience): (&str, &str),
    now: Timestamp,
) -> Claims {
    let tenant = if tenant.parse::<uuid::Uuid>().is_ok() { tenant } else { &world.options.tenant };
    Claims {
        audience: audience.to_owned(),
        issuer: format!("{}/{tenant}/", request.origin()),
        tenant: tenant.to_owned(),
        application: application.to_owned(),
        object: guid_of(&format!("service principal of {application}")),
        challenge: challenge(request, now),
    }
}

/// Entra's endpoint takes the claims of a challenge back as they were; a managed identity only hears that its client
/// can do with them (`xms_cc`), and then gives a new token.
fn challenge(request: &Request, now: Timestamp) -> Option<i64> {
    if request.parameter("xms_cc").is_some() {
        return Some(now.as_second());
    }
    let claims: Value = serde_json::from_str(&field(request, "claims")?).ok()?;
    let from = claims.pointer("/access_token/nbf/value")?;
    from.as_i64().or_else(|| from.as_str()?.parse().ok())
}
