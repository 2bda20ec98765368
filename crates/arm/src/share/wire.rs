//! One request to a share, carried through: whose it is, repeated while it may help, and what a refusal means.

use std::sync::Arc;

use bytes::Bytes;
use executor::provider::{CloudError, Outcome};
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use model::Json;
use tokio::time::Instant;
use url::Url;

use super::{Share, Way, entries};
use crate::client::Call;
use crate::fault::{self, Fault};
use crate::judge::no_reply;
use crate::pace::retry_after;
use crate::provider::ArmProvider;
use crate::trace;
use crate::transport::TransportError;

/// The version of the data plane: tokens are taken from 2022-11-02 on.
const VERSION: &str = "2024-05-04";

/// More pages than this have no end.
pub(super) const PAGES_MAX: usize = 1000;

const KEYS_ACTION: &str = "Microsoft.Storage/storageAccounts/listKeys/action";
const DATA_ROLE: &str = "Storage File Data Privileged Contributor";

/// A request before anybody signed it.
pub(super) struct Asked {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::try_from(value).expect("BUG: the headers of shares are plain");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// What versions before 2021-06-08 want of whatever is made, and later ones take.
    pub(super) fn new_file(self) -> Self {
        let is_directory = self.url.query().is_some();
        self.header("x-ms-file-permission", "inherit")
            .header("x-ms-file-attributes", if is_directory { "Directory" } else { "None" })
            .header("x-ms-file-creation-time", "now")
            .header("x-ms-file-last-write-time", "now")
    }

    pub(super) fn body(mut self, bytes: &[u8]) -> Self {
        self.body = Bytes::copy_from_slice(bytes);
        self
    }
}

/// The length of the whole file that a reply is about.
pub(super) fn length(reply: &Response<Bytes>) -> Option<u64> {
    let text = |name: HeaderName| reply.headers().get(name).and_then(|value| value.to_str().ok());
    let whole = text(http::header::CONTENT_RANGE).and_then(|range| range.rsplit('/').next()?.parse().ok());
    whole.or_else(|| text(CONTENT_LENGTH)?.parse().ok())
}

/// When the file that a reply is about was made.
pub(super) fn created(reply: &Response<Bytes>) -> Option<i64> {
    let text = reply.headers().get("x-ms-file-creation-time")?.to_str().ok()?;
    text.parse::<Timestamp>().ok().map(|time| time.as_second())
}

impl ArmProvider {
    /// Sends a request until it is answered. A key that does not serve gives way to a token, once for the share.
    pub(super) async fn ask(&self, share: &Share, asked: &Asked) -> Result<Response<Bytes>, CloudError> {
        let mut renewed = false;
        loop {
            let way = self.way(share).await?;
            let error = match self.attempts(asked, &way).await {
                Ok(reply) => return Ok(reply),
                Err(error) => self.client.scrubbed(error),
            };
            match way {
                // It was renewed since; or nobody may use keys here.
                Way::Key(_) if error.code == "AuthenticationFailed" && !renewed => {
                    renewed = true;
                    share.set_way(None);
                }
                Way::Key(_) if keys_are_off(&error) => share.set_way(Some(Way::Token(Arc::new(error)))),
                Way::Token(because) if error.status == Some(403) => {
                    return Err(neither(share, &because, error));
                }
                _ => return Err(error),
            }
        }
    }

    /// How requests to this share say whose they are.
    async fn way(&self, share: &Share) -> Result<Way, CloudError> {
        if let Some(way) = share.get_way() {
            return Ok(way);
        }
        let way = match self.key(&share.account).await {
            Ok(key) => Way::Key(Arc::new(key)),
            Err(error) if error.status == Some(403) => Way::Token(Arc::new(error)),
            Err(error) => return Err(error),
        };
        share.set_way(Some(way.clone()));
        Ok(way)
    }

    async fn attempts(&self, asked: &Asked, way: &Way) -> Result<Response<Bytes>, CloudError> {
        let start = Instant::now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let request = self.signed(asked, way).await?;
            let headers = request.headers().clone();
            let call = Call::new(asked.method.clone(), asked.url.clone(), None);
            let began = Instant::now();
            let reply = self.client.transport.send(request).await;
            trace::exchange(&call, &headers, &reply, attempt, began.elapsed());
            let (error, told) = match reply {
                Ok(reply) if reply.status().is_success() => return Ok(reply),
                Ok(reply) => {
                    let error = refused(&reply);
                    if !is_passing(reply.status()) {
                        return Err(error);
                    }
                    (error, retry_after(reply.headers()))
                }
                Err(error @ TransportError::Untrusted(_)) => {
                    return Err(no_reply(Outcome::NotDone, error.to_string()));
                }
                Err(error @ TransportError::Unreachable(_)) => {
                    (no_reply(Outcome::NotDone, error.to_string()), None)
                }
                Err(error @ TransportError::Lost(_)) => (no_reply(Outcome::Unknown, error.to_string()), None),
            };
            let pause = self.client.pause(told, attempt);
            let settings = &self.client.settings;
            if attempt >= settings.attempts_max || start.elapsed() + pause > settings.retry_window {
                return Err(error);
            }
            trace::pause(&call, pause, &error.message);
            tokio::time::sleep(pause).await;
        }
    }

    /// The request as it goes out.
    async fn signed(&self, asked: &Asked, way: &Way) -> Result<Request<Bytes>, CloudError> {
        let now = self.client.now().unwrap_or_else(Timestamp::now);
        let mut headers = asked.headers.clone();
        let mut set = |name: &'static str, value: &str| {
            let value = HeaderValue::try_from(value).expect("BUG: the headers of shares are plain");
            headers.insert(HeaderName::from_static(name), value);
        };
        set("x-ms-date", &now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
        set("x-ms-version", VERSION);
        set("x-ms-client-request-id", &self.client.random.uuid().to_string());
        let authorization = match way {
            Way::Key(key) => key.authorization(&asked.method, &asked.url, &headers, asked.body.len()),
            Way::Token(_) => {
                set("x-ms-file-request-intent", "backup");
                let token = self.client.storage_token().await?;
                self.client.redactor.learn(&Json::from(token.expose()));
                format!("Bearer {}", token.expose())
            }
        };
        let mut authorization =
            HeaderValue::try_from(authorization).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        let mut request = Request::builder().method(asked.method.clone()).uri(asked.url.as_str());
        if asked.method == Method::PUT {
            request = request.header(CONTENT_LENGTH, asked.body.len());
        }
        let mut request =
            request.body(asked.body.clone()).expect("BUG: a URL is a URI, and the headers are plain");
        request.headers_mut().extend(headers);
        Ok(request)
    }
}

impl Share {
    fn get_way(&self) -> Option<Way> {
        self.way.lock().expect("BUG: a holder of the lock panicked").clone()
    }

    fn set_way(&self, way: Option<Way>) {
        *self.way.lock().expect("BUG: a holder of the lock panicked") = way;
    }
}

/// Whether the same request may be answered otherwise in a while.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500..=599)
}

fn keys_are_off(error: &CloudError) -> bool {
    ["KeyBasedAuthenticationNotPermitted", "AuthenticationFailed"].contains(&error.code.as_str())
}

/// A refusal: its code stands in a header, and in the body beside the message.
fn refused(reply: &Response<Bytes>) -> CloudError {
    let body = String::from_utf8_lossy(reply.body());
    let header = reply.headers().get("x-ms-error-code").and_then(|value| value.to_str().ok());
    let code = header.map_or_else(|| entries::said(&body, "Code"), str::to_owned);
    let message = entries::said(&body, "Message").lines().next().unwrap_or_default().to_owned();
    let outcome = if reply.status().is_server_error() { Outcome::Unknown } else { Outcome::NotDone };
    let whole = |text: String| if text.is_empty() { Vec::new() } else { vec![text] };
    let fault = Fault { codes: whole(code), messages: whole(message), ..Fault::default() };
    fault::cloud_error(outcome, reply.status(), reply.headers(), &fault)
}

/// Neither the key nor the token will do: both rules are named.
fn neither(share: &Share, because: &CloudError, error: CloudError) -> CloudError {
    let account = share.account.name();
    let keys = match because.code.as_str() {
        "KeyBasedAuthenticationNotPermitted" => {
            "it takes no keys (`allow_shared_key_access: false`)".to_owned()
        }
        _ => format!("its keys may not be read: `{KEYS_ACTION}` is missing"),
    };
    let message = format!(
        "the files of storage account `{account}` cannot be used: {keys}; and the token lacks the role `{DATA_ROLE}` ({})",
        error.message
    );
    let advice = format!(
        "Assign one of the two on `{}`: a role with `{KEYS_ACTION}` (Contributor has it; the account must take keys), or `{DATA_ROLE}`.",
        share.account
    );
    let facts = vec![("permission", KEYS_ACTION.to_owned()), ("role", DATA_ROLE.to_owned())];
    CloudError { message, advice: Some(advice), facts, ..error }
}
