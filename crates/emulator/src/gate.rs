//! What every request meets on its way in, and every response on its way out.

use crate::error::ArmError;
use crate::governance::budgets;
use crate::random::guid_of;
use crate::wire::{Request, Response};
use crate::world::{Call, World};

/// Names under which a loopback server may be called; any other one could be a page that rebinds its DNS name to us.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Whether the host a client asked for is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let is_port = |rest: &str| {
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
    };
    let host = host.to_ascii_lowercase();
    LOOPBACK.iter().any(|name| host.strip_prefix(name).is_some_and(is_port))
}

/// Lets a request in that came to the right host, with a token and an api-version, and notes whose they are.
pub(crate) fn admit(world: &World, call: &mut Call) -> Result<(), ArmError> {
    check_host(call.request)?;
    call.principal = principal(world, call)?;
    call.api_version = api_version(call.request)?;
    Ok(())
}

/// Refuses a request that was meant for another host.
pub(crate) fn check_host(request: &Request) -> Result<(), ArmError> {
    if request.header_value("host").is_some_and(is_loopback) {
        return Ok(());
    }
    Err(ArmError::gateway(403, "HostNotAllowed", "The emulator answers on loopback host names only."))
}

/// Takes the run's own token and those that were issued, and returns who they speak for. For which audience they were
/// is not asked: clients that are pointed here by their base URL alone still ask for Azure's.
pub(crate) fn principal(world: &World, call: &Call) -> Result<String, ArmError> {
    let Some(token) = bearer(call.request) else {
        let message = "Authentication failed. The 'Authorization' header is missing or invalid.";
        return Err(ArmError::gateway(401, "AuthenticationFailed", message));
    };
    if token == world.options.token {
        return Ok(guid_of("emulator user"));
    }
    world.tokens.check(token, call.machine()).map(|claims| claims.object)
}

/// The token of a request.
pub(crate) fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header_value("authorization")?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The api-version of a request, which must be there and look like one.
pub(crate) fn api_version(request: &Request) -> Result<String, ArmError> {
    let Some(version) = request.parameter("api-version").filter(|version| !version.is_empty()) else {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(ArmError::gateway(400, "MissingApiVersionParameter", message));
    };
    if !is_version(&version) {
        let message = format!(
            "The api-version '{version}' is invalid. It must have the form 'YYYY-MM-DD' or 'YYYY-MM-DD-preview'."
        );
        return Err(ArmError::gateway(400, "InvalidApiVersionParameter", message));
    }
    Ok(version)
}

fn is_version(text: &str) -> bool {
    let (date, suffix) = text.split_at_checked(10).unwrap_or((text, "?"));
    let is_suffix = suffix.is_empty() || suffix.strip_prefix('-').is_some_and(|word| !word.is_empty());
    date.parse::<jiff::civil::Date>().is_ok() && is_suffix
}

/// Adds the headers that ARM puts on every response.
pub(crate) fn dress(world: &World, call: &Call, mut response: Response) -> Response {
    let request = call.request;
    let correlation = request.header_value("x-ms-correlation-request-id").unwrap_or(call.id).to_owned();
    let routing = format!("WESTEUROPE:{}:{}", call.now.strftime("%Y%m%dT%H%M%SZ"), call.id);
    if response.status == 401 && response.header("www-authenticate").is_none() {
        let challenge =
            format!("Bearer authorization_uri=\"{}/common\", error=\"invalid_token\"", request.origin());
        response = response.with("WWW-Authenticate", &challenge);
    }
    if request
        .header_value("x-ms-return-client-request-id")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    {
        let client = request.header_value("x-ms-client-request-id").unwrap_or("").to_owned();
        response = response.with("x-ms-client-request-id", &client);
    }
    if world.options.skip_polling_delay {
        response = response.with("X-Go-Azure-Sdk-Skip-Polling-Delay", "true");
    }
    let response = response
        .with("Cache-Control", "no-cache")
        .with("Pragma", "no-cache")
        .with("Expires", "-1")
        .with("X-Content-Type-Options", "nosniff")
        .with("x-ms-request-id", call.id)
        .with("x-ms-correlation-request-id", &correlation)
        .with("x-ms-routing-request-id", &routing);
    budgets::tell(world, call, response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_ours() {
        for host in ["127.0.0.1", "127.0.0.1:8080", "LOCALHOST:1", "[::1]:443"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "example.com", "localhost.example.com", "127.0.0.1.example.com:80", "localhost:x"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn any_well_formed_version_is_taken() {
        assert!(is_version("2026-05-01") && is_version("2015-06-01-preview"));
        assert!(!is_version("latest") && !is_version("2026-13-01") && !is_version("2026-05-01-"));
    }
}
