//! The cloud that a command works on: Azure, another ARM, or the emulator inside this process.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arm::{
    ArmProvider, Client, Credential, CredentialError, Endpoint, HttpTransport, Settings, StaticToken,
    TokenSource, Wires,
};
use emulator::{DEFAULT_TOKEN, Emulator, Options, Running};
use executor::{Event, Events, Provider};
use manifest::project;
use model::Secret;
use uuid::Uuid;

use crate::session::Session;

/// A connected cloud.
pub struct Cloud {
    name: String,
    provider: Arc<dyn Provider>,
    emulator: Option<Running>,
    loopback: bool,
}

/// The cloud and subscription that plumb.toml or the command line name, as plans and states name them.
pub fn name(session: &Session) -> String {
    let cloud = match (&session.settings.endpoint, session.project.cloud.endpoint) {
        (Some(url), _) => url,
        (None, project::Endpoint::Embedded) => "embedded",
        (None, named) => azure(named),
    };
    format!("{cloud}, subscription {}", session.subscription())
}

/// Azure's clouds, by their names in plumb.toml.
fn azure(endpoint: project::Endpoint) -> &'static str {
    match endpoint {
        project::Endpoint::AzureUsgov => "azure-usgov",
        project::Endpoint::AzureChina => "azure-china",
        project::Endpoint::Azure | project::Endpoint::Embedded => "azure",
    }
}

impl Cloud {
    /// Connects to the cloud that plumb.toml or the command line names; who signs in is an event.
    pub async fn connect(session: &Session, events: &Events) -> anyhow::Result<Self> {
        if let Some(url) = &session.settings.endpoint {
            return Self::new(session, Endpoint::loopback(url)?, None, events);
        }
        match session.project.cloud.endpoint {
            project::Endpoint::Embedded => {
                let running = embedded(session).await?;
                let endpoint = Endpoint::loopback(&running.endpoint())?;
                Self::new(session, endpoint, Some(running), events)
            }
            named => Self::new(session, Endpoint::named(azure(named))?, None, events),
        }
    }

    fn new(
        session: &Session,
        endpoint: Endpoint,
        emulator: Option<Running>,
        events: &Events,
    ) -> anyhow::Result<Self> {
        let loopback = endpoint.is_loopback();
        let transport = if loopback { to_this_machine(&endpoint) } else { to_azure(&endpoint) };
        let transport = transport.context("setting up HTTP")?;
        let tokens: Arc<dyn TokenSource> = match &emulator {
            Some(running) => Arc::new(StaticToken::new(Secret::new(running.token.clone()))),
            None => tokens(session, &endpoint, &transport, events)?,
        };
        let settings = Settings::of(&endpoint);
        let client = Client::new(endpoint, Arc::new(transport), tokens, settings);
        Ok(Self { name: name(session), provider: Arc::new(ArmProvider::new(client)), emulator, loopback })
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

/// Who signs in to an endpoint. A loopback one gets a token of its own, never one of Azure's, unless
/// the environment names an authority that is on this machine as well.
fn tokens(
    session: &Session,
    endpoint: &Endpoint,
    transport: &HttpTransport,
    events: &Events,
) -> anyhow::Result<Arc<dyn TokenSource>> {
    let wires = Wires::beside(endpoint, transport).context("setting up HTTP")?;
    let named = session.settings.credential.as_deref();
    let name = named.unwrap_or(credential(session.project.cloud.credential));
    let credential = match Credential::open(name, endpoint, wires, &|name| std::env::var(name).ok()) {
        Err(CredentialError::Loopback) => return Ok(Arc::new(StaticToken::new(Secret::new(DEFAULT_TOKEN)))),
        opened => opened?,
    };
    let events = events.clone();
    Ok(Arc::new(credential.telling(move |who| {
        events.tell(Event::SignedIn { words: who.to_string(), credential: who.credential });
    })))
}

/// The emulator inside this process; its cloud is kept in `.plumb/cloud.json`.
async fn embedded(session: &Session) -> anyhow::Result<Running> {
    let directory = session.settings.root.join(".plumb");
    private_directory(&directory).with_context(|| format!("making {}", directory.display()))?;
    let options = Options {
        cloud_file: Some(directory.join("cloud.json")),
        speed: session.settings.speed,
        subscription: session.subscription().to_owned(),
        token: Uuid::new_v4().simple().to_string(),
        ..Options::default()
    };
    Emulator::start(options).await.context("starting the embedded cloud")
}

fn to_azure(endpoint: &Endpoint) -> anyhow::Result<HttpTransport> {
    Ok(HttpTransport::new(endpoint)?)
}

/// Over TLS it trusts the authorities in the file that SSL_CERT_FILE names, and no others.
fn to_this_machine(endpoint: &Endpoint) -> anyhow::Result<HttpTransport> {
    let is_tls = endpoint.base().scheme() == "https";
    let file = std::env::var_os("SSL_CERT_FILE").filter(|file| is_tls && !file.is_empty());
    let authorities = file.as_ref().map(std::fs::read).transpose();
    let authorities = authorities.context("reading the file that SSL_CERT_FILE names")?;
    Ok(HttpTransport::loopback(authorities.as_deref())?)
}

fn private_directory(directory: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// The name that plumb.toml has for it.
fn credential(credential: project::Credential) -> &'static str {
    match credential {
        project::Credential::Auto => "auto",
        project::Credential::Cli => "cli",
        project::Credential::ManagedIdentity => "managed-identity",
        project::Credential::WorkloadIdentity => "workload-identity",
        project::Credential::ClientSecret => "client-secret",
        project::Credential::ClientCertificate => "client-certificate",
        project::Credential::Pipelines => "pipelines",
    }
}
