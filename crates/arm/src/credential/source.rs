//! The ways to sign in: what announces each, what it needs, and the credential of `azure_identity`
//! that it is. The credential is made anew for every request: those of `azure_identity` keep tokens
//! of their own, and would answer with one that Azure has just refused.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_core::http::ClientOptions;
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use model::Secret;

use super::CredentialError;
use super::assertion::{Asserted, Assertion, WORKLOAD};
use super::az::Shell;
use super::certificate::Certificate;
use super::environment::{CLIENT, Environment, Names, Principal, TENANT, Variables};
use super::wire::Wire;
use crate::endpoint::Endpoint;

const SECRET: Names = &["AZURE_CLIENT_SECRET", "ARM_CLIENT_SECRET"];
const CERTIFICATE: Names = &["AZURE_CLIENT_CERTIFICATE_PATH", "ARM_CLIENT_CERTIFICATE_PATH"];
const SEND_CHAIN: Names = &["AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"];
const OBJECT: Names = &["AZURE_IDENTITY_OBJECT_ID", "ARM_IDENTITY_OBJECT_ID"];
const RESOURCE: Names = &["AZURE_IDENTITY_RESOURCE_ID", "ARM_IDENTITY_RESOURCE_ID"];
const MACHINE: Names = &["IDENTITY_ENDPOINT"];

/// A way to sign in.
pub(super) struct Way {
    /// Its name in plumb.toml.
    pub(super) name: &'static str,
    /// The variables whose presence says that it is meant; none for what may always be there.
    pub(super) announced_by: Names,
    read: fn(&Variables<'_>, &Endpoint) -> Result<Source, CredentialError>,
}

/// Every way, in the order in which `auto` takes what is announced.
pub(super) const WAYS: [Way; 6] = [
    Way { name: "client-secret", announced_by: SECRET, read: client_secret },
    Way { name: "client-certificate", announced_by: CERTIFICATE, read: client_certificate },
    Way { name: "pipelines", announced_by: &["SYSTEM_OIDCREQUESTURI"], read: pipelines },
    Way { name: "workload-identity", announced_by: WORKLOAD, read: workload_identity },
    Way { name: "managed-identity", announced_by: MACHINE, read: managed_identity },
    Way { name: "cli", announced_by: &[], read: cli },
];

/// What `auto` tries where nothing is announced.
pub(super) const UNANNOUNCED: [&str; 2] = ["cli", "managed-identity"];

impl Way {
    /// The way of this name.
    pub(super) fn named(name: &str) -> Option<&'static Way> {
        WAYS.iter().find(|way| way.name == name)
    }

    /// The variable that announces it.
    pub(super) fn announced(&self, environment: Environment<'_>) -> Option<&'static str> {
        Some(Variables { credential: self.name, environment }.named(self.announced_by)?.0)
    }

    /// Reads what it needs from the environment.
    pub(super) fn source(
        &self,
        environment: Environment<'_>,
        endpoint: &Endpoint,
    ) -> Result<Source, CredentialError> {
        (self.read)(&Variables { credential: self.name, environment }, endpoint)
    }
}

/// Where one way's tokens come from, read from the environment.
#[derive(Debug)]
pub(super) enum Source {
    Cli { tenant: Option<String>, path: Option<String> },
    ManagedIdentity { id: Option<UserAssignedId> },
    ClientSecret { principal: Principal, secret: Secret },
    Assertion { principal: Principal, assertion: Assertion },
}

fn client_secret(variables: &Variables<'_>, _: &Endpoint) -> Result<Source, CredentialError> {
    let secret = variables.need_secret(SECRET)?;
    Ok(Source::ClientSecret { principal: variables.principal()?, secret })
}

fn client_certificate(variables: &Variables<'_>, _: &Endpoint) -> Result<Source, CredentialError> {
    let path = variables.need(CERTIFICATE)?;
    let read = Certificate::read(path.as_ref(), variables.is_true(SEND_CHAIN));
    let wrong = |words| CredentialError::Wrong {
        credential: variables.credential,
        name: variables.named(CERTIFICATE).map_or("", |(name, _)| name),
        words: format!("names {path}, which {words}"),
    };
    let assertion = Assertion::Signed(Arc::new(read.map_err(wrong)?));
    Ok(Source::Assertion { principal: variables.principal()?, assertion })
}

fn pipelines(variables: &Variables<'_>, _: &Endpoint) -> Result<Source, CredentialError> {
    let assertion = Assertion::of_pipelines(variables)?;
    Ok(Source::Assertion { principal: variables.principal()?, assertion })
}

fn workload_identity(variables: &Variables<'_>, endpoint: &Endpoint) -> Result<Source, CredentialError> {
    let assertion = Assertion::of_workload(variables, endpoint)?;
    Ok(Source::Assertion { principal: variables.principal()?, assertion })
}

/// The machine's own identity, unless one that was assigned to it is named.
fn managed_identity(variables: &Variables<'_>, _: &Endpoint) -> Result<Source, CredentialError> {
    let named = [
        variables.get(CLIENT).map(UserAssignedId::ClientId),
        variables.get(OBJECT).map(UserAssignedId::ObjectId),
        variables.get(RESOURCE).map(UserAssignedId::ResourceId),
    ];
    let mut named = named.into_iter().flatten();
    let id = named.next();
    match named.next() {
        None => Ok(Source::ManagedIdentity { id }),
        Some(_) => Err(CredentialError::Wrong {
            credential: variables.credential,
            name: "AZURE_CLIENT_ID",
            words: "is not the only name of the identity: set one of AZURE_CLIENT_ID, AZURE_IDENTITY_OBJECT_ID and AZURE_IDENTITY_RESOURCE_ID".to_owned(),
        }),
    }
}

fn cli(variables: &Variables<'_>, _: &Endpoint) -> Result<Source, CredentialError> {
    Ok(Source::Cli { tenant: variables.get(TENANT), path: variables.get(&["PATH"]) })
}

impl Source {
    /// The credential for one request.
    pub(super) fn credential(
        &self,
        authority: &str,
        options: ClientOptions,
        wire: &Arc<Wire>,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        Ok(match self {
            Source::Cli { tenant, path } => {
                let executor = Arc::new(Shell { path: path.clone() });
                AzureCliCredential::new(Some(AzureCliCredentialOptions {
                    tenant_id: tenant.clone(),
                    executor: Some(executor),
                    subscription: None,
                }))?
            }
            Source::ManagedIdentity { id } => {
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id: id.clone(),
                    client_options: options,
                }))?
            }
            Source::ClientSecret { principal, secret } => ClientSecretCredential::new(
                &principal.tenant,
                principal.client.clone(),
                secret.expose().to_owned().into(),
                Some(ClientSecretCredentialOptions { client_options: options }),
            )?,
            Source::Assertion { principal: Principal { tenant, client }, assertion } => {
                let asserted = Asserted {
                    assertion: assertion.clone(),
                    wire: wire.clone(),
                    audience: format!("{authority}/{tenant}/oauth2/v2.0/token"),
                    client: client.clone(),
                };
                let options = ClientAssertionCredentialOptions { client_options: options };
                ClientAssertionCredential::new(tenant.clone(), client.clone(), asserted, Some(options))?
            }
        })
    }

    /// Whether its tokens come from an endpoint of this machine.
    pub(super) fn is_of_this_machine(&self) -> bool {
        matches!(self, Source::ManagedIdentity { .. })
    }

    /// Whether it can ask for the claims of a challenge. `az` asks with what it has.
    pub(super) fn carries_claims(&self) -> bool {
        !matches!(self, Source::Cli { .. })
    }

    /// What to do when it fails, where the failure does not tell.
    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            Source::Cli { .. } => Some("Sign in with `az login`, or choose another `[cloud] credential`."),
            Source::ManagedIdentity { id: None } => Some(
                "Give this machine an identity, name one that it has with AZURE_CLIENT_ID, or choose another `[cloud] credential`.",
            ),
            Source::ManagedIdentity { id: Some(_) } => {
                Some("Check that the identity is assigned to this machine, and that its id is right.")
            }
            Source::ClientSecret { .. } | Source::Assertion { .. } => None,
        }
    }
}
