//! The ARM client (transport, retry, operations, paging) and the provider that the engine runs on.
//!
//! A run makes an [`Endpoint`], a [`Transport`] and a [`TokenSource`], joins them in a [`Client`], and
//! gives the engine an [`ArmProvider`]. Everything Azure says is untrusted text; the caller escapes it.

mod bodies;
mod budget;
mod circuit;
mod claims;
mod client;
mod clock_skew;
pub mod credential;
pub mod endpoint;
mod fault;
mod flight;
mod gate;
mod http_transport;
mod judge;
mod observe;
mod operation;
mod paging;
mod path;
mod patience;
pub mod provider;
mod random;
mod redact;
mod report;
mod retry_after;
mod send;
pub mod settings;
pub mod token;
pub mod trace;
pub mod transport;
mod wait;

pub use claims::Claims;
pub use client::Client;
pub use credential::{Credential, CredentialError, SignedIn, Wires};
pub use endpoint::{Cloud, Endpoint, EndpointError};
pub use http_transport::HttpTransport;
pub use provider::ArmProvider;
pub use settings::Settings;
pub use token::{StaticToken, Token, TokenError, TokenSource};
pub use transport::{Transport, TransportError};
