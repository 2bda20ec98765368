//! From what went wrong on the way to a token to words, advice and whether to ask again.

use bytes::Bytes;
use http::Response;
use model::Json;

use super::entra::{EntraError, one_line};
use super::source::Source;
use super::wire::Refusal;
use crate::clock_skew;
use crate::fault::Fault;
use crate::pace::retry_after;
use crate::redact::Redactor;
use crate::token::TokenError;
use crate::transport::TransportError;

const MESSAGE_CHARACTERS_MAX: usize = 2000;
const ID_CHARACTERS_MAX: usize = 100;

pub(super) const LATER: &str = "That host is busy or in trouble: run the command again later.";
const UNREACHABLE: &str = "This machine must reach that host: look at its network, and at HTTPS_PROXY.";
const UNTRUSTED: &str = "Something stands between this machine and that host; a proxy's certificate authority goes into the file that SSL_CERT_FILE names.";

/// The failure of one request for a token.
pub(super) fn failure(
    source: &Source,
    refused: Option<(String, Refusal)>,
    error: &azure_core::Error,
    redactor: &Redactor,
) -> TokenError {
    let mut failure = match refused {
        Some((host, Refusal::Reply(reply))) => of_reply(source, &host, &reply),
        Some((host, Refusal::NoReply(error))) => of_silence(source, &host, &error),
        None => of_error(source, error),
    };
    let clean = |text: String, length| redactor.scrub(text).chars().take(length).collect();
    failure.message = clean(failure.message, MESSAGE_CHARACTERS_MAX);
    failure.ids = failure.ids.into_iter().map(|(name, id)| (name, clean(id, ID_CHARACTERS_MAX))).collect();
    failure
}

fn of_reply(source: &Source, host: &str, reply: &Response<Bytes>) -> TokenError {
    let status = reply.status();
    let entra = EntraError::of_body(reply.body());
    // The endpoint of a managed identity that is being made or changed (arm-faults §7).
    let coming = source.is_of_this_machine() && matches!(status.as_u16(), 404 | 410);
    let busy = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    let clock = clock_skew::advice(reply.headers()).filter(|_| status.as_u16() < 500);
    let mut failure = TokenError {
        transient: coming || busy || entra.as_ref().is_some_and(EntraError::is_transient),
        retry_after: retry_after(reply.headers()),
        ..TokenError::default()
    };
    let (words, advice) = match entra {
        Some(entra) => {
            let advice = entra.advice();
            failure.ids = entra.ids;
            (entra.message, advice)
        }
        None => (others_words(reply.body()), None),
    };
    let general = if busy { Some(LATER) } else { source.advice() };
    failure.advice = clock.or_else(|| advice.or(general).map(str::to_owned));
    let said = if words.is_empty() { "without saying why" } else { words.as_str() };
    failure.message = format!("{host} answered {}: {said}", status.as_u16());
    failure
}

/// What somebody else than Entra says: OAuth's description, or what any error body has.
fn others_words(body: &Bytes) -> String {
    let json: Json = serde_json::from_slice(body).unwrap_or_default();
    let description = json["error_description"].as_str().map(str::to_owned);
    one_line(&description.unwrap_or_else(|| Fault::of_body(body).message()))
}

/// Where nobody listens for a managed identity's requests, the machine has none: waiting is no use.
fn of_silence(source: &Source, host: &str, error: &TransportError) -> TokenError {
    let (transient, advice) = match error {
        TransportError::Unreachable(_) if source.is_of_this_machine() => (false, source.advice()),
        TransportError::Unreachable(_) => (true, Some(UNREACHABLE)),
        TransportError::Untrusted(_) => (false, Some(UNTRUSTED)),
        TransportError::Lost(_) => (true, Some(LATER)),
    };
    let advice = advice.map(str::to_owned);
    TokenError { message: format!("{host}: {error}"), advice, transient, ..TokenError::default() }
}

/// What never reached the wire, and what `az` says. Only the innermost words tell anything.
fn of_error(source: &Source, error: &azure_core::Error) -> TokenError {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let text = innermost.to_string();
    let entra = EntraError::of_text(&text);
    // It often says itself how to sign in again, with the tenant and the claims.
    let command = text.lines().map(str::trim).find(|line| line.starts_with("az login "));
    let advice = || entra.as_ref().and_then(EntraError::advice).or_else(|| source.advice());
    let advice = command.map(|c| format!("Sign in again: `{c}`")).or_else(|| advice().map(str::to_owned));
    let transient = entra.as_ref().is_some_and(EntraError::is_transient);
    let words = || one_line(text.trim().trim_start_matches("ERROR: "));
    let (message, ids) = entra.map_or_else(|| (words(), Vec::new()), |entra| (entra.message, entra.ids));
    TokenError { message, advice, ids, transient, retry_after: None }
}
