//! The ARM client (transport, retry, operations, paging) and the provider that the engine runs on.
//!
//! A run makes an [`Endpoint`], a [`Transport`] and a [`TokenSource`], joins them in a [`Client`], and
//! gives the engine an [`ArmProvider`]. Everything Azure says is untrusted text; the caller escapes it.

mod bodies;
mod claims;
mod client;
mod clock_skew;
pub mod credential;
pub mod endpoint;
mod fault;
mod http_transport;
mod judge;
mod observe;
mod operation;
mod pace;
mod paging;
mod path;
pub mod provider;
mod random;
mod redact;
mod report;
mod send;
pub mod settings;
mod share;
mod surroundings;
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
