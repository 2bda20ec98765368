//! Signing in: tokens of Azure by `azure_identity`, the way chosen by the `[cloud] credential` setting.
//!
//! `auto` takes what the environment announces, in the order of [`source::WAYS`], and nothing else.
//! Where nothing is announced it asks the Azure CLI and then the machine's managed identity. It stays
//! with the first that answers, says which that is, and is refused where nobody watches.

mod assertion;
mod az;
mod certificate;
mod entra;
mod environment;
mod failure;
mod identity;
mod pem;
mod source;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::http::{ClientOptions, Transport};
use model::Secret;
use thiserror::Error;
use tokio::sync::OnceCell;
use url::Url;

pub use self::environment::Environment;
use self::failure::{LATER, failure};
use self::source::{Source, UNANNOUNCED, WAYS, Way};
use self::wire::Wire;
pub use self::wire::Wires;
use crate::claims::Claims;
use crate::endpoint::{Endpoint, is_loopback_host};
use crate::redact::Redactor;
use crate::token::{Token, TokenError, TokenSource};

/// How long one request for a token may take, with the CI's part in it; `az` has a limit of its own.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(80);

const CHOOSE: &str =
    "Sign in with `az login`, or set the variables of one way to sign in; docs/credentials.md lists them.";

/// A credential of Azure: one way to sign in, or several to try.
pub struct Credential {
    candidates: Vec<(&'static str, Result<Source, CredentialError>)>,
    /// The first that answered.
    chosen: OnceCell<usize>,
    automatic: bool,
    authority: String,
    wires: Wires,
    redactor: Arc<Redactor>,
    told: Box<dyn Fn(SignedIn) + Send + Sync>,
}

/// Who signed in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The way, by its name in plumb.toml.
    pub credential: &'static str,
    /// Whether `auto` chose it.
    pub automatic: bool,
    /// Whom the token says it stands for, if it says.
    pub identity: Option<String>,
}

impl fmt::Display for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signed in by {}", self.credential)?;
        f.write_str(if self.automatic { ", which auto chose" } else { "" })?;
        self.identity.iter().try_for_each(|identity| write!(f, ": {identity}"))
    }
}

/// Why there is no such credential.
#[derive(Debug, Clone, Error)]
pub enum CredentialError {
    /// Not a name that we know.
    #[error("there is no credential named `{0}`; say auto, {names}", names = names())]
    Unknown(String),
    /// The environment lacks something that it needs.
    #[error("{credential}: there is no environment variable {}{hint}", alternatives(names))]
    Missing {
        /// The credential.
        credential: &'static str,
        /// Names of the variable; any will do.
        names: &'static [&'static str],
        /// How it comes to be set.
        hint: &'static str,
    },
    /// The environment has something that cannot be.
    #[error("{credential}: {name} {words}")]
    Wrong {
        /// The credential.
        credential: &'static str,
        /// The variable.
        name: &'static str,
        /// What is wrong with it, and what to do.
        words: String,
    },
    /// A run that nobody watches must not pick its identity.
    #[error(
        "`credential = \"auto\"` is refused in CI: a run that nobody watches must not pick its own identity\n{}",
        instead(announced)
    )]
    AutoInCi {
        /// The ways that the environment announces, each with the variable that does.
        announced: Vec<(&'static str, &'static str)>,
    },
    /// An emulator gets a token of its own.
    #[error("a loopback endpoint gets no token of Azure's")]
    Loopback,
}

impl Credential {
    /// The credential of this name for an endpoint. A loopback endpoint has one only where the
    /// environment names an authority on this machine too, and then none that could bring Azure's.
    pub fn open(
        name: &str,
        endpoint: &Endpoint,
        wires: Wires,
        environment: Environment<'_>,
    ) -> Result<Self, CredentialError> {
        let authority = authority(endpoint, environment).ok_or(CredentialError::Loopback)?;
        let automatic = name == "auto";
        let here = |way: &Way| !endpoint.is_loopback() || stays_here(way, environment);
        let candidates = match automatic {
            true => automatic_ways(environment)?
                .into_iter()
                .filter(|way| here(way))
                .map(|way| (way.name, way.source(environment, endpoint)))
                .collect(),
            false => {
                let way = Way::named(name).ok_or_else(|| CredentialError::Unknown(name.to_owned()))?;
                let way = Some(way).filter(|way| here(way)).ok_or(CredentialError::Loopback)?;
                vec![(way.name, Ok(way.source(environment, endpoint)?))]
            }
        };
        Ok(Self {
            candidates,
            chosen: OnceCell::new(),
            automatic,
            authority,
            wires,
            redactor: Arc::default(),
            told: Box::new(|_| {}),
        })
    }

    /// Tells who signed in, once, when the first token is there.
    pub fn telling(self, told: impl Fn(SignedIn) + Send + Sync + 'static) -> Self {
        Self { told: Box::new(told), ..self }
    }

    /// The names of what would be tried, in order.
    pub fn candidates(&self) -> Vec<&'static str> {
        self.candidates.iter().map(|(name, _)| *name).collect()
    }

    /// Asks each way in turn; the first that answers is kept.
    async fn choose(&self, scope: &str, claims: Option<&Claims>) -> Result<Token, TokenError> {
        let mut reasons = Vec::new();
        for (at, (name, source)) in self.candidates.iter().enumerate() {
            match self.ask(source, scope, claims).await {
                Ok(token) => {
                    // Whoever was first: either answers.
                    if self.chosen.set(at).is_ok() {
                        let identity = identity::of(&token.secret);
                        (self.told)(SignedIn { credential: name, automatic: self.automatic, identity });
                    }
                    return Ok(token);
                }
                // A hiccup of one is no reason to sign in as somebody else.
                Err(error) if error.transient => return Err(by(name, error)),
                Err(error) => reasons.push(by(name, error)),
            }
        }
        Err(all_failed(reasons))
    }

    async fn ask(
        &self,
        source: &Result<Source, CredentialError>,
        scope: &str,
        claims: Option<&Claims>,
    ) -> Result<Token, TokenError> {
        let source = source.as_ref().map_err(unusable)?;
        if let Some(claims) = claims.filter(|_| !source.carries_claims()) {
            return Err(cannot_carry(claims, scope));
        }
        let transport = if source.is_of_this_machine() { &self.wires.near } else { &self.wires.out };
        let wire = Arc::new(Wire::new(transport.clone(), claims.cloned(), self.redactor.clone()));
        let answer = async {
            let credential = source.credential(&self.authority, self.options(wire.clone()), &wire)?;
            credential.get_token(&[scope], None).await
        };
        match tokio::time::timeout(REQUEST_TIMEOUT, answer).await {
            Ok(Ok(token)) => Ok(Token {
                secret: Secret::new(token.token.secret()),
                expires: Some(SystemTime::from(token.expires_on)),
            }),
            Ok(Err(error)) => Err(failure(source, wire.refused(), &error, &self.redactor)),
            Err(_) => Err(TokenError {
                message: format!("there was no token within {} s", REQUEST_TIMEOUT.as_secs()),
                advice: Some(LATER.to_owned()),
                transient: true,
                ..TokenError::default()
            }),
        }
    }

    fn options(&self, wire: Arc<Wire>) -> ClientOptions {
        // One table says where the authorities are, and it is ours: what we sign must name the same.
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = self.authority.clone();
        ClientOptions {
            transport: Some(Transport::new(wire)),
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            ..ClientOptions::default()
        }
    }
}

#[async_trait]
impl TokenSource for Credential {
    async fn token(&self, scope: &str, claims: Option<&Claims>) -> Result<Token, TokenError> {
        match self.chosen.get().map(|at| &self.candidates[*at]) {
            Some((name, source)) => self.ask(source, scope, claims).await.map_err(|error| by(name, error)),
            None => self.choose(scope, claims).await,
        }
    }
}

/// Who issues the tokens of an endpoint; for a loopback one only an authority that is on this
/// machine as well, over TLS: what it issues is no token of Azure's.
fn authority(endpoint: &Endpoint, environment: Environment<'_>) -> Option<String> {
    if let Some(authority) = endpoint.authority() {
        return Some(authority.to_owned());
    }
    let url = Url::parse(&environment("AZURE_AUTHORITY_HOST")?).ok()?;
    let here = url.scheme() == "https" && is_loopback_host(&url) && url.username().is_empty();
    here.then(|| url.origin().ascii_serialization())
}

/// Whether a way gets its tokens on this machine when the authority is there: `az` never does, and a
/// managed identity only from an endpoint that is here as well.
fn stays_here(way: &Way, environment: Environment<'_>) -> bool {
    let identity = || environment("IDENTITY_ENDPOINT").and_then(|text| Url::parse(&text).ok());
    match way.name {
        "cli" => false,
        "managed-identity" => identity().is_some_and(|url| is_loopback_host(&url)),
        _ => true,
    }
}

/// What `auto` tries.
fn automatic_ways(environment: Environment<'_>) -> Result<Vec<&'static Way>, CredentialError> {
    let found = WAYS.iter().filter_map(|way| Some((way, way.announced(environment)?)));
    let (ways, names): (Vec<_>, Vec<_>) = found.unzip();
    if environment::is_ci(environment) {
        let announced = ways.iter().map(|way| way.name).zip(names).collect();
        return Err(CredentialError::AutoInCi { announced });
    }
    match ways.is_empty() {
        true => Ok(UNANNOUNCED.iter().filter_map(|name| Way::named(name)).collect()),
        false => Ok(ways),
    }
}

fn by(name: &str, error: TokenError) -> TokenError {
    TokenError { message: format!("{name}: {}", error.message), ..error }
}

/// One way alone says what to do about it; of several each has a line.
fn all_failed(mut reasons: Vec<TokenError>) -> TokenError {
    if reasons.len() == 1 {
        return reasons.remove(0);
    }
    let lines: Vec<String> = reasons.iter().map(|reason| format!("\n- {}", reason.message)).collect();
    TokenError {
        message: format!("nothing that could sign in did{}", lines.concat()),
        advice: Some(CHOOSE.to_owned()),
        ids: reasons.into_iter().flat_map(|reason| reason.ids).collect(),
        ..TokenError::default()
    }
}

/// The words of a way that cannot be tried; its name is said beside them.
fn unusable(error: &CredentialError) -> TokenError {
    let text = error.to_string();
    let words = text.split_once(": ").map_or(text.as_str(), |(_, words)| words);
    let (message, advice) = words.split_once('\n').unwrap_or((words, ""));
    let advice = Some(advice).filter(|words| !words.is_empty()).map(str::to_owned);
    TokenError { message: message.to_owned(), advice, ..TokenError::default() }
}

fn cannot_carry(claims: &Claims, scope: &str) -> TokenError {
    let command = format!("az login --scope {scope} --claims-challenge {}", claims.encoded());
    TokenError {
        message: "Azure asks for a further proof (conditional access), which the cli cannot give by itself"
            .to_owned(),
        advice: Some(format!("Sign in with it, and run plumb again: `{command}`")),
        ..TokenError::default()
    }
}

fn names() -> String {
    let names: Vec<&str> = WAYS.iter().map(|way| way.name).collect();
    let (last, others) = names.split_last().expect("BUG: there are ways to sign in");
    format!("{} or {last}", others.join(", "))
}

/// `A (or B, C)`.
fn alternatives(names: &[&str]) -> String {
    match names {
        [one] => (*one).to_owned(),
        [first, others @ ..] => format!("{first} (or {})", others.join(", ")),
        [] => String::new(),
    }
}

/// What says what `auto` would have found.
fn instead(announced: &[(&str, &str)]) -> String {
    let Some((name, variable)) = announced.first() else {
        return format!("put the way to sign in into plumb.toml, `[cloud] credential = …`: {}", names());
    };
    format!(
        "put `credential = \"{name}\"` below [cloud] in plumb.toml, or set PLUMB_CREDENTIAL={name}: {variable} is set"
    )
}
