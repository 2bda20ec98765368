//! Tokens of Azure, by `azure_identity`, chosen by the `[cloud] credential` setting.
//!
//! `auto` takes what the environment announces, and nothing else: a client secret, then a workload
//! identity, then a managed identity. Where nothing is announced it asks the Azure CLI and then the
//! machine's managed identity, and stays with the first that answers.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use azure_core::cloud::CloudConfiguration;
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, Transport};
use azure_identity::{
    AzureCliCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use model::Secret;
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::endpoint::{Cloud, Endpoint};
use crate::http_transport::HttpTransport;
use crate::token::{Token, TokenError, TokenSource};

type Source = Arc<dyn TokenCredential>;

/// A credential of Azure: one source of tokens, or several to try.
pub struct Credential {
    sources: Vec<(&'static str, Source)>,
    chosen: OnceCell<usize>,
}

/// Why there is no such credential.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// Not a name that we know.
    #[error(
        "there is no credential named `{0}`; say auto, cli, managed-identity, workload-identity or client-secret"
    )]
    Unknown(String),
    /// The environment lacks something that it needs.
    #[error("the credential {0} needs the environment variable {1}")]
    Missing(&'static str, &'static str),
    /// An emulator gets a token of its own.
    #[error("a loopback endpoint gets no token of Azure's")]
    Loopback,
    /// `azure_identity` refuses it.
    #[error("the credential {0} cannot be used")]
    Refused(&'static str, #[source] azure_core::Error),
}

/// The environment that credentials are read from.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

impl Credential {
    /// The credential of this name for an endpoint; `transport` carries its token requests.
    pub fn open(
        name: &str,
        endpoint: &Endpoint,
        transport: &HttpTransport,
        environment: Environment<'_>,
    ) -> Result<Self, CredentialError> {
        let maker = Maker { options: client_options(endpoint, transport)?, environment };
        let sources = match name {
            "auto" => maker.automatic()?,
            "cli" => vec![maker.cli()?],
            "managed-identity" => vec![maker.managed_identity()?],
            "workload-identity" => vec![maker.workload_identity()?],
            "client-secret" => vec![maker.client_secret()?],
            _ => return Err(CredentialError::Unknown(name.to_owned())),
        };
        Ok(Self { sources, chosen: OnceCell::new() })
    }

    /// The names of what would be tried, in order.
    pub fn sources(&self) -> Vec<&'static str> {
        self.sources.iter().map(|(name, _)| *name).collect()
    }

    /// Asks each source in turn; the first that answers is kept.
    async fn choose(&self, scope: &str) -> Result<(usize, Token), TokenError> {
        let mut reasons = Vec::new();
        for (at, (name, source)) in self.sources.iter().enumerate() {
            match ask(source, scope).await {
                Ok(token) => return Ok((at, token)),
                Err(error) => reasons.push(format!("{name}: {error}")),
            }
        }
        Err(TokenError(reasons.join("; ")))
    }
}

#[async_trait]
impl TokenSource for Credential {
    async fn token(&self, scope: &str) -> Result<Token, TokenError> {
        if let Some((name, source)) = self.chosen.get().map(|at| &self.sources[*at]) {
            return ask(source, scope).await.map_err(|e| TokenError(format!("{name}: {e}")));
        }
        let (at, token) = self.choose(scope).await?;
        // Another task may have chosen meanwhile; either choice answers.
        _ = self.chosen.set(at);
        Ok(token)
    }
}

async fn ask(source: &Source, scope: &str) -> azure_core::Result<Token> {
    let token = source.get_token(&[scope], None).await?;
    Ok(Token { secret: Secret::new(token.token.secret()), expires: Some(SystemTime::from(token.expires_on)) })
}

fn client_options(endpoint: &Endpoint, transport: &HttpTransport) -> Result<ClientOptions, CredentialError> {
    let cloud = match endpoint.cloud() {
        Cloud::Azure => CloudConfiguration::AzurePublic,
        Cloud::UsGov => CloudConfiguration::AzureGovernment,
        Cloud::China => CloudConfiguration::AzureChina,
        Cloud::Loopback => return Err(CredentialError::Loopback),
    };
    Ok(ClientOptions {
        transport: Some(Transport::new(Arc::new(transport.client()))),
        cloud: Some(Arc::new(cloud)),
        ..ClientOptions::default()
    })
}

/// Makes sources from the environment.
struct Maker<'a> {
    options: ClientOptions,
    environment: Environment<'a>,
}

impl Maker<'_> {
    fn automatic(&self) -> Result<Vec<(&'static str, Source)>, CredentialError> {
        if self.any("CLIENT_SECRET").is_some() {
            return Ok(vec![self.client_secret()?]);
        }
        if (self.environment)("AZURE_FEDERATED_TOKEN_FILE").is_some() {
            return Ok(vec![self.workload_identity()?]);
        }
        if (self.environment)("IDENTITY_ENDPOINT").is_some() {
            return Ok(vec![self.managed_identity()?]);
        }
        Ok(vec![self.cli()?, self.managed_identity()?])
    }

    fn cli(&self) -> Result<(&'static str, Source), CredentialError> {
        let source = AzureCliCredential::new(None).map_err(|e| CredentialError::Refused("cli", e))?;
        Ok(("cli", source))
    }

    fn managed_identity(&self) -> Result<(&'static str, Source), CredentialError> {
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: self.any("CLIENT_ID").map(UserAssignedId::ClientId),
            client_options: self.options.clone(),
        };
        let source = ManagedIdentityCredential::new(Some(options));
        Ok(("managed-identity", source.map_err(|e| CredentialError::Refused("managed-identity", e))?))
    }

    fn workload_identity(&self) -> Result<(&'static str, Source), CredentialError> {
        let name = "workload-identity";
        let file = (self.environment)("AZURE_FEDERATED_TOKEN_FILE");
        let file = file.ok_or(CredentialError::Missing(name, "AZURE_FEDERATED_TOKEN_FILE"))?;
        let options = WorkloadIdentityCredentialOptions {
            credential_options: ClientAssertionCredentialOptions { client_options: self.options.clone() },
            client_id: Some(self.need(name, "CLIENT_ID", "AZURE_CLIENT_ID")?),
            tenant_id: Some(self.need(name, "TENANT_ID", "AZURE_TENANT_ID")?),
            token_file_path: Some(file.into()),
        };
        let source = WorkloadIdentityCredential::new(Some(options));
        Ok((name, source.map_err(|e| CredentialError::Refused(name, e))?))
    }

    fn client_secret(&self) -> Result<(&'static str, Source), CredentialError> {
        let name = "client-secret";
        let tenant = self.need(name, "TENANT_ID", "AZURE_TENANT_ID")?;
        let client = self.need(name, "CLIENT_ID", "AZURE_CLIENT_ID")?;
        let secret = self.need(name, "CLIENT_SECRET", "AZURE_CLIENT_SECRET")?;
        let options = ClientSecretCredentialOptions { client_options: self.options.clone() };
        let source = ClientSecretCredential::new(&tenant, client, secret.into(), Some(options));
        Ok((name, source.map_err(|e| CredentialError::Refused(name, e))?))
    }

    /// `AZURE_…`, as the SDKs have it, or `ARM_…`, as Terraform does.
    fn any(&self, name: &str) -> Option<String> {
        let of = |prefix| (self.environment)(&format!("{prefix}_{name}")).filter(|v| !v.is_empty());
        of("AZURE").or_else(|| of("ARM"))
    }

    fn need(&self, by: &'static str, name: &str, full: &'static str) -> Result<String, CredentialError> {
        self.any(name).ok_or(CredentialError::Missing(by, full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: &str, set: &[(&str, &str)]) -> Result<Vec<&'static str>, CredentialError> {
        let endpoint = Endpoint::named("azure").expect("a cloud");
        let transport = HttpTransport::loopback(None).expect("a transport");
        let find = |key: &str| set.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned());
        Credential::open(name, &endpoint, &transport, &find).map(|c| c.sources())
    }

    const SECRET: [(&str, &str); 3] =
        [("ARM_TENANT_ID", "t"), ("ARM_CLIENT_ID", "c"), ("AZURE_CLIENT_SECRET", "s")];
    const WORKLOAD: [(&str, &str); 3] = [
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        // Any file that is there: it is read when the credential is made.
        ("AZURE_FEDERATED_TOKEN_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")),
    ];

    #[test]
    fn auto_takes_what_the_environment_announces() {
        assert_eq!(open("auto", &SECRET).expect("a credential"), ["client-secret"]);
        assert_eq!(open("auto", &WORKLOAD).expect("a credential"), ["workload-identity"]);
        assert_eq!(open("auto", &[]).expect("a credential"), ["cli", "managed-identity"]);
        assert!(matches!(open("auto", &SECRET[2..]), Err(CredentialError::Missing(_, "AZURE_TENANT_ID"))));
    }

    #[test]
    fn a_named_credential_needs_what_it_needs() {
        assert_eq!(open("managed-identity", &[]).expect("a credential"), ["managed-identity"]);
        assert!(matches!(open("client-secret", &[]), Err(CredentialError::Missing("client-secret", _))));
        assert!(matches!(open("workload-identity", &[]), Err(CredentialError::Missing(..))));
        assert!(matches!(open("magic", &[]), Err(CredentialError::Unknown(_))));
    }

    #[test]
    fn an_emulator_gets_no_token_of_azures() {
        let endpoint = Endpoint::loopback("http://127.0.0.1:1").expect("an endpoint");
        let transport = HttpTransport::new(&endpoint).expect("a transport");
        let opened = Credential::open("auto", &endpoint, &transport, &|_| None);
        assert!(matches!(opened.err(), Some(CredentialError::Loopback)));
    }
}
