//! From what went wrong on the way to a token to words, advice and whether to ask again.

use bytes::Bytes;
use http::Response;

use super::entra::{EntraError, one_line};
use super::source::Source;
use super::wire::Refusal;
use crate::clock_skew;
use crate::fault::Fault;
use crate::redact::Redactor;
use crate::retry_after::retry_after;
use crate::token::TokenError;
use crate::transport::TransportError;

const MESSAGE_CHARACTERS_MAX: usize = 2000;
const ID_CHARACTERS_MAX: usize = 100;

/// The failure of one request for a token. `probing` says that nobody named this credential: it was
/// tried because it might be there.
pub(super) fn failure(
    source: &Source,
    probing: bool,
    refused: Option<(String, Refusal)>,
    error: &azure_core::Error,
    redactor: &Redactor,
) -> TokenError {
    let mut failure = match refused {
        Some((host, Refusal::Reply(reply))) => of_reply(source, &host, &reply),
        Some((host, Refusal::NoReply(error))) => of_silence(source, probing, &host, &error),
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
        None => (one_line(&Fault::of_body(reply.body()).message()), None),
    };
    failure.advice = clock.or_else(|| advice.or_else(|| source.advice()).map(str::to_owned));
    let said = if words.is_empty() { "without saying why" } else { words.as_str() };
    failure.message = format!("{host} answered {}: {said}", status.as_u16());
    failure
}

fn of_silence(source: &Source, probing: bool, host: &str, error: &TransportError) -> TokenError {
    // An address that nobody listens on means that the machine has no identity.
    let absent = probing && source.is_of_this_machine();
    let transient = !absent && !matches!(error, TransportError::Untrusted(_));
    let message = format!("{host}: {error}");
    TokenError {
        message,
        transient,
        advice: source.advice().filter(|_| source.is_of_this_machine()).map(str::to_owned),
        ..TokenError::default()
    }
}

/// What never reached the wire, and what `az` says. Only the innermost words tell anything.
fn of_error(source: &Source, error: &azure_core::Error) -> TokenError {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let text = innermost.to_string();
    let entra = EntraError::of_text(&text);
    let advice = entra.as_ref().and_then(EntraError::advice).or_else(|| source.advice());
    let transient = entra.as_ref().is_some_and(EntraError::is_transient);
    let words = || one_line(text.trim().trim_start_matches("ERROR: "));
    let (message, ids) = entra.map_or_else(|| (words(), Vec::new()), |entra| (entra.message, entra.ids));
    TokenError { message, advice: advice.map(str::to_owned), ids, transient, retry_after: None }
}
