//! What `PLUMB_LOG` shows of the wire. Everything shown is on a list of what may be: a header, a query
//! parameter or a body's text that is on none is not shown, so that no secret, token or signed URL can
//! slip through because nobody thought of it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use model::Json;
use serde_json::json;
use tracing::{Level, debug, enabled, trace};
use url::Url;

use crate::client::Call;
use crate::transport::TransportError;

/// The target of every event; nothing else is shown, whatever the level.
pub const TARGET: &str = "plumb::arm";

const HEADERS: &[&str] = &[
    "azureml-served-by-cluster",
    "content-length",
    "content-type",
    "date",
    "retry-after",
    "retry-after-ms",
    "x-ms-client-request-id",
    "x-ms-correlation-request-id",
    "x-ms-failure-cause",
    "x-ms-ratelimit-remaining-subscription-deletes",
    "x-ms-ratelimit-remaining-subscription-reads",
    "x-ms-ratelimit-remaining-subscription-writes",
    "x-ms-request-id",
    "x-ms-routing-request-id",
];

const PARAMETERS: &[&str] = &[
    "$skip",
    "$top",
    "api-version",
    "comp",
    "forceToPurge",
    "monitor",
    "restype",
    "type",
    "underlyingResourceAction",
];

/// Body members whose text may be shown.
const MEMBERS: &[&str] = &[
    "allocationState",
    "code",
    "computeLocation",
    "computeType",
    "createdOn",
    "id",
    "kind",
    "location",
    "modifiedOn",
    "name",
    "operationName",
    "operationStatus",
    "operationTrigger",
    "provisioningState",
    "state",
    "status",
    "target",
    "type",
    "vmPriority",
    "vmSize",
];

/// One request and its reply.
pub(crate) fn exchange(
    call: &Call,
    sent: &HeaderMap,
    reply: &Result<Response<Bytes>, TransportError>,
    attempt: u32,
    took: Duration,
) {
    if !enabled!(target: TARGET, Level::DEBUG) {
        return;
    }
    let line = format!("{} {}", call.method, address(&call.url));
    let milliseconds = took.as_millis();
    match reply {
        Ok(reply) => {
            let (status, headers) = (reply.status().as_u16(), headers(reply.headers()));
            debug!(target: TARGET, attempt, status, milliseconds, %headers, "{line}");
        }
        Err(error) => debug!(target: TARGET, attempt, milliseconds, %error, "{line}"),
    }
    let body = reply.as_ref().ok().and_then(|r| serde_json::from_slice::<Json>(r.body()).ok());
    let body = shown(body.as_ref().unwrap_or(&Json::Null));
    let request = shown(call.body.as_ref().unwrap_or(&Json::Null));
    trace!(target: TARGET, headers = %headers(sent), %request, reply = %body, "{line}");
}

/// A pause before another attempt.
pub(crate) fn pause(call: &Call, pause: Duration, why: &str) {
    debug!(target: TARGET, seconds = pause.as_secs_f64(), why, "waiting to repeat {} {}", call.method, call.url.path());
}

/// A wait before a token is asked for again; why holds no secret.
pub(crate) fn token_pause(pause: Duration, why: &str) {
    debug!(target: TARGET, seconds = pause.as_secs_f64(), why, "waiting to ask for a token again");
}

/// A URL without what signs it: an operation's own name, and parameters that are not on the list.
fn address(url: &Url) -> String {
    let mut path: Vec<&str> = url.path().split('/').collect();
    let before = path.len().checked_sub(2).map(|at| path[at].to_ascii_lowercase());
    if before.is_some_and(|segment| segment.contains("operation")) {
        path.pop();
        path.push("…");
    }
    let shown = |key: &str| PARAMETERS.iter().any(|p| p.eq_ignore_ascii_case(key));
    let query: Vec<String> = url
        .query_pairs()
        .map(|(key, value)| if shown(&key) { format!("{key}={value}") } else { "…".to_owned() })
        .collect();
    if query.is_empty() { path.join("/") } else { format!("{}?{}", path.join("/"), query.join("&")) }
}

fn headers(headers: &HeaderMap) -> String {
    let listed = HEADERS.iter().filter_map(|name| Some((*name, headers.get(*name)?.to_str().ok()?)));
    listed.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// The shape of a body, with the texts that may be shown.
fn shown(value: &Json) -> Json {
    match value {
        Json::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let listed = MEMBERS.contains(&key.as_str());
                let value = if listed && value.is_string() { value.clone() } else { shown(value) };
                (key.clone(), value)
            })
            .collect(),
        Json::Array(list) => list.iter().map(shown).collect(),
        Json::String(_) => json!("…"),
        Json::Null | Json::Bool(_) | Json::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_no_list_is_not_shown() {
        let url = "https://h/subscriptions/s/providers/M/locations/l/computeOperationsStatus/secret?api-version=v&s=sig&h=hash";
        let text = address(&Url::parse(url).expect("a value"));
        assert_eq!(
            text,
            "/subscriptions/s/providers/M/locations/l/computeOperationsStatus/…?api-version=v&…&…"
        );
        let mut all = HeaderMap::new();
        all.insert("authorization", "Bearer x".parse().expect("a value"));
        all.insert("azure-asyncoperation", "https://signed".parse().expect("a value"));
        all.insert("retry-after", "5".parse().expect("a value"));
        assert_eq!(headers(&all), "retry-after=5");
        let body = json!({ "name": "n", "adminUserPassword": "p", "nested": [{ "scriptData": "s", "vmSize": "v" }], "count": 1 });
        let expected = json!({ "name": "n", "adminUserPassword": "…", "nested": [{ "scriptData": "…", "vmSize": "v" }], "count": 1 });
        assert_eq!(shown(&body), expected);
    }
}
