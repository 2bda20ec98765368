//! The wire below `azure_identity`: its requests go over our own transport, a challenge's claims are
//! added to them, and what was refused is kept, since the errors that come back above have lost the
//! headers. Every secret that passes is learned, to be kept out of messages.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request as CoreRequest};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use model::Json;
use url::form_urlencoded;

use crate::claims::Claims;
use crate::endpoint::Endpoint;
use crate::http_transport::HttpTransport;
use crate::redact::Redactor;
use crate::transport::{Transport, TransportError};

/// Fields of forms and of replies whose values are secrets.
const SECRET_FIELDS: [&str; 6] =
    ["client_secret", "client_assertion", "access_token", "refresh_token", "value", "oidcToken"];

/// How requests for tokens travel.
#[derive(Clone)]
pub struct Wires {
    /// To the authority, and to a CI.
    pub out: Arc<dyn Transport>,
    /// To the identity endpoint of this machine: never by a proxy (arm-faults §7).
    pub near: Arc<dyn Transport>,
}

impl Wires {
    /// Over the network, beside an endpoint's own transport.
    pub fn beside(endpoint: &Endpoint, transport: &HttpTransport) -> Result<Self, reqwest::Error> {
        let near = if endpoint.is_loopback() { transport.clone() } else { HttpTransport::nearby()? };
        Ok(Self { out: Arc::new(transport.clone()), near: Arc::new(near) })
    }
}

/// What went wrong on the wire.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A reply that is no success.
    Reply(Response<Bytes>),
    /// No reply.
    NoReply(TransportError),
}

/// The wire of one request for a token.
pub(super) struct Wire {
    transport: Arc<dyn Transport>,
    claims: Option<Claims>,
    redactor: Arc<Redactor>,
    refused: Mutex<Option<(String, Refusal)>>,
}

impl Wire {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        claims: Option<Claims>,
        redactor: Arc<Redactor>,
    ) -> Self {
        Self { transport, claims, redactor, refused: Mutex::new(None) }
    }

    /// What was refused last, and by which host.
    pub(super) fn refused(&self) -> Option<(String, Refusal)> {
        self.refused.lock().expect("BUG: a holder of the lock panicked").take()
    }

    /// Carries a request; anything but a success is kept, and none of it is sent again here.
    pub(super) async fn send(&self, request: Request<Bytes>) -> azure_core::Result<Response<Bytes>> {
        self.learn_request(&request);
        let host = request.uri().host().unwrap_or_default().to_owned();
        let refusal = match self.transport.send(request).await {
            Ok(reply) if reply.status().is_success() => {
                self.learn_reply(reply.body());
                return Ok(reply);
            }
            Ok(reply) => Refusal::Reply(reply),
            Err(error) => Refusal::NoReply(error),
        };
        *self.refused.lock().expect("BUG: a holder of the lock panicked") = Some((host, refusal));
        // Of this kind azure_core sends nothing again: the cache of tokens does, in one place for all.
        Err(azure_core::Error::with_message(ErrorKind::Other, "refused"))
    }

    fn learn_request(&self, request: &Request<Bytes>) {
        let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
        let bearer = header(AUTHORIZATION.as_str()).map(|v| v.trim_start_matches("Bearer "));
        bearer
            .into_iter()
            .chain(header("x-identity-header"))
            .for_each(|secret| self.redactor.learn(&Json::from(secret)));
        let form = form_urlencoded::parse(request.body());
        for (_, secret) in form.filter(|(name, _)| SECRET_FIELDS.contains(&name.as_ref())) {
            self.redactor.learn(&Json::from(secret.as_ref()));
            let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            self.redactor.learn(&Json::from(encoded));
        }
    }

    fn learn_reply(&self, body: &Bytes) {
        let Ok(Json::Object(reply)) = serde_json::from_slice(body) else { return };
        SECRET_FIELDS.iter().filter_map(|name| reply.get(*name)).for_each(|s| self.redactor.learn(s));
    }

    fn plain(&self, request: &CoreRequest) -> azure_core::Result<Request<Bytes>> {
        let Body::Bytes(body) = request.body() else {
            return Err(azure_core::Error::with_message(
                ErrorKind::Other,
                "a request for a token is no stream",
            ));
        };
        let headers = request.headers().iter();
        let builder = Request::builder().method(request.method().as_str()).uri(request.url().as_str());
        let builder = headers.fold(builder, |b, (name, value)| b.header(name.as_str(), value.as_str()));
        let body = self.with_claims(body.clone());
        builder.body(body).map_err(|error| azure_core::Error::new(ErrorKind::Other, error))
    }

    /// The form of a token request, with the claims that are demanded. A managed identity's request
    /// has no form: its endpoint answers a challenge with a new token, whatever is demanded.
    fn with_claims(&self, form: Bytes) -> Bytes {
        match &self.claims {
            Some(claims) if !form.is_empty() => {
                let form = String::from_utf8_lossy(&form).into_owned();
                form_urlencoded::Serializer::new(form).append_pair("claims", claims.json()).finish().into()
            }
            _ => form,
        }
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, request: &CoreRequest) -> azure_core::Result<AsyncRawResponse> {
        let reply = self.send(self.plain(request)?).await?;
        Ok(AsyncRawResponse::from_bytes(reply.status().as_u16().into(), Headers::new(), reply.into_body()))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}
