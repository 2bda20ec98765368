//! The transport over the network, by reqwest.

use std::error::Error as _;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};

use crate::endpoint::Endpoint;
use crate::transport::{Transport, TransportError};

/// ARM gives a resource provider 60 s (arm-faults §2); a shorter limit makes slow PUTs look lost.
const READ_TIMEOUT: Duration = Duration::from_secs(80);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const NEARBY_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const NEARBY_READ_TIMEOUT: Duration = Duration::from_secs(20);

/// ARM refuses provider replies over 8 MB (arm-faults §2); unpacked ones may be larger.
const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// HTTP over the network: no redirects, no cookies, connections kept.
#[derive(Debug, Clone)]
pub struct HttpTransport(reqwest::Client);

impl HttpTransport {
    /// The transport for an endpoint: this machine without proxies, Azure with the system's.
    pub fn new(endpoint: &Endpoint) -> Result<Self, reqwest::Error> {
        if endpoint.is_loopback() { Self::loopback(None) } else { Ok(Self(builder().build()?)) }
    }

    /// The transport to an emulator on this machine, with the certificate authorities that it may have.
    pub fn loopback(authorities_pem: Option<&[u8]>) -> Result<Self, reqwest::Error> {
        let authorities = authorities_pem.map(reqwest::Certificate::from_pem_bundle).transpose()?;
        // Without the system's store: machines exist that have none.
        Ok(Self(builder().no_proxy().tls_certs_only(authorities.unwrap_or_default()).build()?))
    }

    /// The transport to what stands beside this machine: a managed identity's endpoint. No proxy, and
    /// no long wait where there is none.
    pub(crate) fn nearby() -> Result<Self, reqwest::Error> {
        let builder = builder().no_proxy().connect_timeout(NEARBY_CONNECT_TIMEOUT);
        Ok(Self(builder.read_timeout(NEARBY_READ_TIMEOUT).build()?))
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .gzip(true)
        .user_agent(concat!("plumb/", env!("CARGO_PKG_VERSION")))
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request =
            reqwest::Request::try_from(request).map_err(|e| TransportError::Unreachable(chain(&e)))?;
        let mut reply = self.0.execute(request).await.map_err(failed)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = reply.chunk().await.map_err(|e| TransportError::Lost(chain(&e)))? {
            if body.len() + chunk.len() > REPLY_BYTES_MAX {
                return Err(TransportError::Lost("the reply is too large".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = reply.status();
        *response.headers_mut() = std::mem::take(reply.headers_mut());
        Ok(response)
    }
}

fn failed(error: reqwest::Error) -> TransportError {
    let words = chain(&error);
    match (error.is_connect(), words.contains("certificate")) {
        // The words are rustls's own: reqwest has no other way to ask.
        (true, true) => TransportError::Untrusted(words),
        (true, false) => TransportError::Unreachable(words),
        (false, _) => TransportError::Lost(words),
    }
}

/// The causes below an error, without the URL, which may be a signed one.
fn chain(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut at = error.source();
    while let Some(cause) = at {
        words.push(cause.to_string());
        at = cause.source();
    }
    if words.is_empty() { "no reply".to_owned() } else { words.join(": ") }
}
