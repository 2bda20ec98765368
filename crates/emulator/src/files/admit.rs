//! Who may use a share: a request signed with one of the account's keys, or one with a token whose bearer may.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::{Place, Refusal};
use crate::gate;
use crate::governance::denials;
use crate::json;
use crate::kinds::storage_account;
use crate::route::subject::Subject;
use crate::wire::{Method, Request};
use crate::world::{Call, World};

/// How far the client's clock may be off.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(15);

const NO_CREDENTIALS: Refusal = (
    401,
    "NoAuthenticationInformation",
    "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
);
const BAD_SIGNATURE: Refusal = (
    403,
    "AuthenticationFailed",
    "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
);
const NO_KEYS: Refusal = (
    403,
    "KeyBasedAuthenticationNotPermitted",
    "Key based authentication is not permitted on this storage account.",
);
const BAD_TOKEN: Refusal =
    (401, "InvalidAuthenticationInfo", "Server failed to authenticate the request. The token is not valid.");
const NO_INTENT: Refusal = (
    400,
    "MissingRequiredHeader",
    "An HTTP header that's mandatory for this request is not specified: x-ms-file-request-intent.",
);
const NOT_PERMITTED: Refusal = (
    403,
    "AuthorizationPermissionMismatch",
    "This request is not authorized to perform this operation using this permission.",
);
const NO_VERSION: Refusal = (
    400,
    "MissingRequiredHeader",
    "An HTTP header that's mandatory for this request is not specified: x-ms-version.",
);

const SERVICES: &str = "Microsoft.Storage/storageAccounts/fileServices";

/// Lets a request in, or says why not.
pub(super) fn check(world: &mut World, call: &Call, place: &Place) -> Result<(), Refusal> {
    let request = call.request;
    if request.header_value("x-ms-version").is_none() {
        return Err(NO_VERSION);
    }
    let (scheme, rest) = request
        .header_value("authorization")
        .and_then(|value| value.split_once(' '))
        .ok_or(NO_CREDENTIALS)?;
    match scheme.to_ascii_lowercase().as_str() {
        "sharedkey" => by_key(world, call, place, rest),
        "bearer" => by_token(world, call, place),
        _ => Err(NO_CREDENTIALS),
    }
}

fn by_key(world: &World, call: &Call, place: &Place, credentials: &str) -> Result<(), Refusal> {
    let account = world.store.get(&place.account).ok_or(BAD_SIGNATURE)?;
    if json::at(&account.body, "/properties/allowSharedKeyAccess").as_bool() == Some(false) {
        return Err(NO_KEYS);
    }
    let (name, signature) = credentials.trim().split_once(':').ok_or(BAD_SIGNATURE)?;
    let signature = STANDARD.decode(signature).map_err(|_| BAD_SIGNATURE)?;
    let text = to_sign(call.request, name);
    let fits = |key: &str| {
        let secret = STANDARD.decode(storage_account::key(world, &account.id, key)).unwrap_or_default();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        hmac::verify(&key, text.as_bytes(), &signature).is_ok()
    };
    let is_his = name.eq_ignore_ascii_case(account.name()) && is_fresh(call.request, call.machine());
    if is_his && ["key1", "key2"].into_iter().any(fits) { Ok(()) } else { Err(BAD_SIGNATURE) }
}

/// Whether a request was signed lately, by the machine's time.
fn is_fresh(request: &Request, now: Timestamp) -> bool {
    let date = request.header_value("x-ms-date").or_else(|| request.header_value("date")).unwrap_or_default();
    let then = jiff::fmt::rfc2822::parse(date).map(|zoned| zoned.timestamp());
    then.is_ok_and(|then| now.duration_since(then).abs() <= SKEW_MAX)
}

/// The text that a request's sender signs with the account's key (SharedKey, version 2015-02-21 and later).
fn to_sign(request: &Request, account: &str) -> String {
    let header = |name: &str| request.header_value(name).unwrap_or_default();
    let length = Some(header("content-length")).filter(|length| *length != "0").unwrap_or_default();
    let mut text = format!("{}\n", request.method.name());
    for value in [
        header("content-encoding"),
        header("content-language"),
        length,
        header("content-md5"),
        header("content-type"),
        // What `x-ms-date` says does not stand here again.
        if request.header_value("x-ms-date").is_some() { "" } else { header("date") },
        header("if-modified-since"),
        header("if-match"),
        header("if-none-match"),
        header("if-unmodified-since"),
        header("range"),
    ] {
        text.push_str(value);
        text.push('\n');
    }
    for (name, value) in request.headers.iter().filter(|(name, _)| name.starts_with("x-ms-")) {
        text.push_str(&format!("{name}:{}\n", value.trim()));
    }
    text.push_str(&format!("/{account}{}", request.path));
    let mut parameters: Vec<(String, String)> = url::form_urlencoded::parse(request.query.as_bytes())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
        .collect();
    parameters.sort();
    for group in parameters.chunk_by(|a, b| a.0 == b.0) {
        let values: Vec<&str> = group.iter().map(|(_, value)| value.as_str()).collect();
        text.push_str(&format!("\n{}:{}", group[0].0, values.join(",")));
    }
    text
}

/// A token reads and writes as a backup does, whatever the permissions of files; its bearer's role must allow that.
fn by_token(world: &mut World, call: &Call, place: &Place) -> Result<(), Refusal> {
    let principal = gate::principal(world, call).map_err(|_| BAD_TOKEN)?;
    let intent = call.request.header_value("x-ms-file-request-intent").unwrap_or_default();
    if !intent.eq_ignore_ascii_case("backup") {
        return Err(NO_INTENT);
    }
    let semantics = match call.request.method {
        Method::Get | Method::Head => "readFileBackupSemantics",
        _ => "writeFileBackupSemantics",
    };
    let scope = world.store.get(&place.account).map(|account| account.id.clone()).unwrap_or_default();
    let action = format!("{SERVICES}/{semantics}/action");
    let subject = Subject { action, scope, ..call.subject.clone() };
    let call = Call { subject, principal, ..call.clone() };
    denials::check(world, &call).map_err(|_| NOT_PERMITTED)
}
