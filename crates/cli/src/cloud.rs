//! The cloud that a command works on: Azure, another ARM, or the emulator inside this process.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arm::{ArmProvider, Client, CredentialKind, Endpoint, HttpTransport, Tokens};
use emulator::{Emulator, Options, Running};
use executor::Provider;
use manifest::project::{self, Credential};

use crate::failure::Failure;
use crate::session::Session;

/// A connected cloud.
pub struct Cloud {
    name: String,
    provider: Arc<dyn Provider>,
    emulator: Option<Running>,
    loopback: bool,
}

impl Cloud {
    /// Connects to the cloud that plumb.toml or the command line names.
    pub async fn connect(session: &Session) -> Result<Self, Failure> {
        let subscription = session.subscription();
        let named = |cloud: &str| format!("{cloud}, subscription {subscription}");
        if let Some(url) = &session.settings.endpoint {
            let endpoint = Endpoint::other(url).map_err(anyhow::Error::from)?;
            return Self::new(named(url), endpoint, session, None);
        }
        let (cloud, endpoint) = match session.project.cloud.endpoint {
            project::Endpoint::Embedded => {
                let running = embedded(session).await?;
                let endpoint = Endpoint::other(&running.endpoint()).map_err(anyhow::Error::from)?;
                return Self::new(named("embedded"), endpoint, session, Some(running));
            }
            project::Endpoint::Azure => ("azure", Endpoint::azure()),
            project::Endpoint::AzureUsgov => ("azure-usgov", Endpoint::azure_usgov()),
            project::Endpoint::AzureChina => ("azure-china", Endpoint::azure_china()),
        };
        Self::new(named(cloud), endpoint, session, None)
    }

    fn new(name: String, endpoint: Endpoint, session: &Session, emulator: Option<Running>) -> Result<Self, Failure> {
        let loopback = endpoint.is_loopback();
        let tokens = match (&emulator, endpoint.scope()) {
            (Some(running), _) => Tokens::fixed(running.token.clone()),
            // A loopback ARM gets a token of its own, never one of Azure's.
            (None, None) => Tokens::fixed("loopback"),
            (None, Some(scope)) => {
                Tokens::from_credential(kind(session.project.cloud.credential)?, scope).map_err(anyhow::Error::from)?
            }
        };
        let transport = HttpTransport::new(loopback).map_err(anyhow::Error::from)?;
        let patience = if loopback { arm::Settings::loopback() } else { arm::Settings::azure() };
        let client = Client::new(endpoint, Arc::new(transport), tokens, patience);
        Ok(Self { name, provider: Arc::new(ArmProvider::new(client)), emulator, loopback })
    }

    /// The cloud and subscription, as plans and states name them.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The engine's side of it.
    pub fn provider(&self) -> Arc<dyn Provider> {
        self.provider.clone()
    }

    /// The first wait of a read-back.
    pub fn read_back_delay(&self) -> Duration {
        if self.loopback { Duration::from_millis(20) } else { Duration::from_secs(1) }
    }

    /// Ends what runs in this process.
    pub async fn stop(self) {
        drop(self.provider);
        if let Some(running) = self.emulator {
            // What it changed is in its file already; a late error changes nothing for the user.
            _ = running.stop().await;
        }
    }
}

/// The emulator inside this process; its cloud is kept in `.plumb/cloud.json`.
async fn embedded(session: &Session) -> Result<Running, Failure> {
    let directory = session.settings.root.join(".plumb");
    state::private_directory(&directory)?;
    let options = Options {
        cloud_file: Some(directory.join("cloud.json")),
        speed: session.settings.speed,
        subscription: session.subscription().to_owned(),
        ..Options::default()
    };
    Ok(Emulator::start(options).await.context("starting the embedded cloud")?)
}

fn kind(credential: Credential) -> Result<CredentialKind, Failure> {
    Ok(match credential {
        Credential::Auto => CredentialKind::Auto,
        Credential::Cli => CredentialKind::Cli,
        Credential::ManagedIdentity => CredentialKind::ManagedIdentity,
        Credential::WorkloadIdentity => CredentialKind::WorkloadIdentity,
        Credential::ClientSecret => CredentialKind::ClientSecret,
        Credential::ClientCertificate | Credential::Pipelines => {
            return Err(anyhow::anyhow!("this version cannot use that credential; use workload-identity or client-secret").into());
        }
    })
}
