//! The one seam between client and wire: a plain request in, a complete reply out.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use thiserror::Error;

/// Carries one request and brings back one complete reply. It follows no redirect, repeats nothing
/// and adds no credentials.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request and reads the whole reply.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

/// Why there is no complete reply; what decides is how far the request got (arm-faults §8).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransportError {
    /// Nothing was sent, and trying again may help: no route, no name, no listener.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// Nothing was sent, and trying again is no use: the server's certificate is not trusted.
    #[error("the server's certificate is not trusted: {0}")]
    Untrusted(String),
    /// It was sent, or may have been, and the reply is not complete.
    #[error("the connection broke before the reply was complete: {0}")]
    Lost(String),
}
