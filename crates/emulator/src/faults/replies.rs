//! Replies in the cloud's place, with the codes, texts and headers of arm-faults §3 to §5.

use base64::Engine;
use serde_json::{Value, json};

use super::distortions::{foreign, target};
use super::strike::{Strike, http_date};
use crate::error::{self, ArmError, operation_in_flight};
use crate::governance::policies::Violation;
use crate::governance::{budgets, denials, locks, policies};
use crate::json;
use crate::route::location;
use crate::wire::{Delivery, Response};
use crate::world::Call;

/// The reply that the rule itself describes.
pub(super) fn own(strike: &Strike) -> Response {
    let fault = strike.fault;
    let status = fault.status.unwrap_or(500);
    let mut response = match &fault.body {
        Value::Null => Response::empty(status),
        Value::String(text) => page(status, text),
        body => Response::json(status, body),
    };
    for (name, value) in &fault.headers {
        response = response.with(name, value);
    }
    if fault.drop { reset(strike) } else { response }
}

fn page(status: u16, text: &str) -> Response {
    Response { body: text.as_bytes().to_vec(), ..Response::empty(status) }.with("content-type", "text/html")
}

pub(super) fn throttled(strike: &Strike) -> ArmError {
    budgets::refusal(strike.call, 10)
}

/// ARM's budget is not touched, and its headers do not speak for the provider.
pub(super) fn service_throttled(strike: &Strike) -> ArmError {
    budgets::service_refusal(strike.call, 5)
}

/// Code and text are our choice.
pub(super) fn request_timeout(_: &Strike) -> ArmError {
    ArmError::gateway(408, "RequestTimeout", "The request did not complete within the allowed time.")
}

pub(super) fn in_progress(strike: &Strike) -> ArmError {
    operation_in_flight(&strike.call.subject.scope)
}

pub(super) fn locked(strike: &Strike) -> ArmError {
    let subject = &strike.call.subject;
    let subscription = format!("/subscriptions/{}", subject.subscription);
    let scope = match subject.group.as_str() {
        "" => subscription,
        group => format!("{subscription}/resourceGroups/{group}"),
    };
    locks::refusal(strike.call, &[scope])
}

pub(super) fn policy(strike: &Strike) -> ArmError {
    let found = location::of(strike.world, strike.call);
    let violation = Violation {
        policy: "Allowed locations".to_owned(),
        field: "location".to_owned(),
        found: json!(found),
        wanted: json!(["nowhere"]),
        operator: "NotIn",
    };
    policies::refusal(strike.call, &[violation])
}

pub(super) fn unauthorized(strike: &Strike) -> ArmError {
    let linked = strike.fault.id.as_deref().map(|id| {
        (id, strike.fault.value.as_str().unwrap_or("Microsoft.Network/virtualNetworks/subnets/join/action"))
    });
    denials::refusal(strike.call, linked)
}

pub(super) fn expired_token(call: &Call) -> ArmError {
    expired_at(call, call.machine())
}

fn expired_at(call: &Call, now: jiff::Timestamp) -> ArmError {
    let hour = jiff::SignedDuration::from_hours(1);
    let text = |time: jiff::Timestamp| time.strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string();
    let end = now.saturating_sub(hour).unwrap_or(now);
    let message = format!(
        "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
        text(end),
        text(now)
    );
    let challenge = format!(
        "Bearer authorization_uri=\"{}/common\", error=\"invalid_token\", error_description=\"{message}\"",
        call.request.origin()
    );
    ArmError::gateway(401, "ExpiredAuthenticationToken", message).with("WWW-Authenticate", challenge)
}

/// The challenge of continuous access evaluation; its error code is our choice.
pub(super) fn claims(call: &Call, from: i64) -> ArmError {
    let claims = json!({ "access_token": { "nbf": { "essential": true, "value": from.to_string() } } });
    let claims = base64::engine::general_purpose::STANDARD.encode(claims.to_string());
    let challenge = format!(
        "Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", error=\"insufficient_claims\", \
         claims=\"{claims}\"",
        call.request.origin()
    );
    let message = "Continuous access evaluation resulted in challenge with result: InteractionRequired.";
    ArmError::gateway(401, "TokenCreatedWithOutdatedPolicies", message).with("WWW-Authenticate", challenge)
}

pub(super) fn subscription_not_found(strike: &Strike) -> ArmError {
    error::subscription_not_found(&strike.call.subject.subscription)
}

pub(super) fn precondition_failed(strike: &Strike) -> ArmError {
    let condition = strike.call.request.header_value("if-match").unwrap_or("If-Match");
    error::precondition_failed(condition, &strike.call.subject.scope)
}

pub(super) fn internal_error(strike: &Strike) -> Response {
    let message = "The page cannot be displayed because an internal server error has occurred.";
    let response = if strike.fault.value == "plain" {
        page(500, message)
            .without("content-type")
            .with("content-type", "text/plain")
            .with("x-ms-failure-cause", "service")
    } else {
        let message = "Encountered an internal error. Please try again later.";
        ArmError::service(500, "InternalServerError", message).response()
    };
    strike.later(response)
}

pub(super) fn bad_gateway(strike: &Strike) -> Response {
    let text = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
                <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>Microsoft-Azure-Application-Gateway/v2</center>\r\n\
                </body>\r\n</html>\r\n";
    strike.later(page(502, text))
}

pub(super) fn unavailable(_: &Strike) -> ArmError {
    ArmError::service(503, "ServerBusy", "The server is busy. Please retry the request later.")
        .with("Retry-After", "10")
}

pub(super) fn gateway_timeout(strike: &Strike) -> ArmError {
    let message = format!(
        "The gateway did not receive a response from '{}' within the specified time period.",
        strike.call.subject.namespace()
    );
    ArmError::gateway(504, "GatewayTimeout", message)
}

pub(super) fn reset(_: &Strike) -> Response {
    Response { delivery: Delivery::Reset, ..Response::empty(500) }
}

pub(super) fn hang(_: &Strike) -> Response {
    Response { delivery: Delivery::Hang, ..Response::empty(500) }
}

pub(super) fn redirect(strike: &Strike) -> Response {
    let status = strike.fault.status.unwrap_or(307);
    let place = format!("{}{}", foreign(strike), target(strike.call.request));
    Response::empty(status).with("Location", &place)
}

pub(super) fn secret_echo(strike: &Strike) -> ArmError {
    let body = String::from_utf8_lossy(&strike.call.request.body);
    ArmError::service(400, "InvalidRequestContent", format!("The request content was invalid: '{body}'."))
}

/// Text that must not reach a terminal, a Markdown page or a log line as it is.
const HOSTILE: &str = "\u{1b}[2J\u{1b}[31mred\u{1b}[0m \u{1b}]8;;https://example.invalid\u{7}link\u{1b}]8;;\u{7} \
                       \u{202e}txet\u{202c} \r\nNo changes. Your infrastructure matches the manifests.\r\n::error::x \
                       ```</details>![](https://example.invalid/pixel)";

pub(super) fn ansi(_: &Strike) -> ArmError {
    ArmError::service(400, "BadRequest", HOSTILE)
}

/// Statuses, codes and texts for a new name that somebody else has, by resource type. `{}` is the name; the last row
/// is for all other types, in the words of the ML service.
const TAKEN: [(&str, u16, &str, &str); 4] = [
    (
        "Microsoft.Storage/storageAccounts",
        409,
        "StorageAccountAlreadyTaken",
        "The storage account named {} is already taken.",
    ),
    (
        "Microsoft.KeyVault/vaults",
        409,
        "VaultAlreadyExists",
        "The vault name '{}' is already in use. Vault names are globally unique so it is possible that the name is already taken.",
    ),
    (
        "Microsoft.ContainerRegistry/registries",
        409,
        "AlreadyInUse",
        "The registry DNS name {}.azurecr.io is already in use.",
    ),
    (
        "",
        400,
        "BadRequest",
        "Compute name '{}' is not available. Reason: AlreadyExists. Message: The specified name {} is already in use and is therefore unavailable",
    ),
];

/// The same for one that something soft-deleted holds.
const SOFT_DELETED: [(&str, u16, &str, &str); 2] = [
    (
        "Microsoft.KeyVault/vaults",
        409,
        "ConflictError",
        "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault.",
    ),
    (
        "",
        400,
        "BadRequest",
        "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete",
    ),
];

pub(super) fn name_taken(strike: &mut Strike) -> Response {
    held(strike, &TAKEN)
}

pub(super) fn soft_deleted(strike: &mut Strike) -> Response {
    held(strike, &SOFT_DELETED)
}

/// Refuses a new name; one that stands is ours.
fn held(strike: &mut Strike, texts: &[(&str, u16, &str, &str)]) -> Response {
    let subject = &strike.call.subject;
    if strike.world.store.get(&subject.key()).is_some() {
        return strike.miss_and_pass();
    }
    let row = texts.iter().find(|(kind, ..)| kind.is_empty() || *kind == subject.resource_type);
    let (_, status, code, text) = row.expect("BUG: the last row is for every type");
    let error = ArmError::service(*status, code, text.replace("{}", subject.name()));
    strike.refuse(error)
}

pub(super) fn region_down(strike: &Strike) -> Response {
    match strike.fault.value.as_str() {
        Some("hang") => hang(strike),
        Some("504") => strike.later(gateway_timeout(strike).response()),
        _ => {
            let place = strike.fault.location.as_deref().unwrap_or("");
            let message = format!("The service in '{place}' is unavailable. Please retry the request later.");
            strike.later(ArmError::service(503, "ServiceUnavailable", message).response())
        }
    }
}

/// A fresh token seems to have expired, for the server lives in the future.
pub(super) fn clock_skew(strike: &Strike) -> ArmError {
    let ahead = strike.fault.seconds.unwrap_or(7_200.0);
    let length = jiff::SignedDuration::try_from_secs_f64(ahead).unwrap_or(jiff::SignedDuration::ZERO);
    let now = strike.call.machine().saturating_add(length).unwrap_or(strike.call.machine());
    expired_at(strike.call, now).with("Date", http_date(strike.call.machine(), ahead))
}

/// The error inside a failed operation, as the rule asks for it.
pub(super) fn failure(strike: &Strike, code: &str, message: &str) -> Value {
    if strike.fault.value.is_object() {
        return strike.fault.value.clone();
    }
    let mut error = json!({ "code": code, "message": message });
    for (key, asked) in [("/code", &strike.fault.code), ("/message", &strike.fault.message)] {
        if let Some(asked) = asked {
            json::set(&mut error, key, json!(asked));
        }
    }
    error
}
