//! What an application proves itself with instead of a secret: a token of its Kubernetes or CI, or a
//! statement signed by a certificate's key. Each request for a token takes a new one: they live for
//! minutes (arm-faults §7).

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH};
use http::{HeaderValue, Method, Request};
use model::{Json, Secret};
use url::Url;

use super::CredentialError;
use super::certificate::Certificate;
use super::environment::{Names, Variables};
use super::wire::Wire;
use crate::endpoint::{Endpoint, is_loopback_host};

const TOKEN_FILE: Names = &["AZURE_FEDERATED_TOKEN_FILE", "ARM_OIDC_TOKEN_FILE_PATH"];
const TOKEN: Names = &["AZURE_OIDC_TOKEN", "ARM_OIDC_TOKEN"];
const AUDIENCE: Names = &["AZURE_OIDC_AUDIENCE", "ARM_OIDC_AUDIENCE"];
const GITHUB_URL: Names = &["ACTIONS_ID_TOKEN_REQUEST_URL", "ARM_OIDC_REQUEST_URL"];
const GITHUB_TOKEN: Names = &["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ARM_OIDC_REQUEST_TOKEN"];
const PIPELINES_URL: Names = &["SYSTEM_OIDCREQUESTURI"];
const PIPELINES_TOKEN: Names = &["SYSTEM_ACCESSTOKEN"];
const PIPELINES_CONNECTION: Names = &[
    "AZURE_SERVICE_CONNECTION_ID",
    "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
    "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
];

/// The names that announce a workload identity, in the order they are taken.
pub(super) const WORKLOAD: Names = &[
    "AZURE_FEDERATED_TOKEN_FILE",
    "ARM_OIDC_TOKEN_FILE_PATH",
    "AZURE_OIDC_TOKEN",
    "ARM_OIDC_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ARM_OIDC_REQUEST_URL",
];

/// Where assertions come from.
#[derive(Debug, Clone)]
pub(super) enum Assertion {
    /// A file that somebody keeps new: Kubernetes.
    File(PathBuf),
    /// A variable; nobody can renew it.
    Variable(Secret),
    /// A CI that is asked.
    Asked(Box<Question>),
    /// Our own, signed.
    Signed(Arc<Certificate>),
}

/// How a CI is asked for a token of the job.
#[derive(Debug, Clone)]
pub(super) struct Question {
    method: Method,
    url: Url,
    bearer: Secret,
    header: Option<(&'static str, &'static str)>,
    /// The member of the reply that holds the token.
    field: &'static str,
}

impl Assertion {
    /// What the environment has: Kubernetes' file, a token as it is, GitHub Actions.
    pub(super) fn of_workload(
        variables: &Variables<'_>,
        endpoint: &Endpoint,
    ) -> Result<Self, CredentialError> {
        if let Some(path) = variables.get(TOKEN_FILE) {
            return Ok(Self::File(path.into()));
        }
        if let Some(token) = variables.get(TOKEN) {
            return Ok(Self::Variable(Secret::new(token)));
        }
        if variables.get(GITHUB_URL).is_none() {
            return Err(nothing_to_exchange(variables));
        }
        let mut url = address(variables, GITHUB_URL)?;
        let audience = variables.get(AUDIENCE);
        url.query_pairs_mut()
            .append_pair("audience", audience.as_deref().unwrap_or(endpoint.exchange_audience()));
        let bearer = variables.need_secret(GITHUB_TOKEN)?;
        Ok(Self::Asked(Box::new(Question { method: Method::GET, url, bearer, header: None, field: "value" })))
    }

    /// Azure Pipelines: the job's token for a service connection.
    pub(super) fn of_pipelines(variables: &Variables<'_>) -> Result<Self, CredentialError> {
        let mut url = address(variables, PIPELINES_URL)?;
        url.query_pairs_mut()
            .append_pair("api-version", "7.1")
            .append_pair("serviceConnectionId", &variables.need(PIPELINES_CONNECTION)?);
        let bearer = variables.get(PIPELINES_TOKEN).map(Secret::new).ok_or(CredentialError::Missing {
            credential: variables.credential,
            names: PIPELINES_TOKEN,
            hint: "\nPipelines gives it only where the step says so: `env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }`",
        })?;
        // Otherwise a refusal is a redirect to a page where people sign in.
        let header = Some(("x-tfs-fedauthredirect", "Suppress"));
        Ok(Self::Asked(Box::new(Question { method: Method::POST, url, bearer, header, field: "oidcToken" })))
    }
}

fn nothing_to_exchange(variables: &Variables<'_>) -> CredentialError {
    let hint = match (variables.environment)("GITHUB_ACTIONS") {
        Some(_) => "\nGitHub sets it where the job says `permissions: { id-token: write }`",
        None => "",
    };
    CredentialError::Missing {
        credential: variables.credential,
        names: &["AZURE_FEDERATED_TOKEN_FILE", "ARM_OIDC_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"],
        hint,
    }
}

/// The address of a CI, which gets the job's own token: encrypted, or on this machine.
fn address(variables: &Variables<'_>, names: Names) -> Result<Url, CredentialError> {
    let text = variables.need(names)?;
    let url = Url::parse(&text).ok().filter(|url| url.scheme() == "https" || is_loopback_host(url));
    let name = variables.named(names).map_or("", |(name, _)| name);
    url.ok_or(CredentialError::Wrong {
        credential: variables.credential,
        name,
        words: "is not an https address".to_owned(),
    })
}

/// An assertion, on its way to one request for a token.
#[derive(Debug)]
pub(super) struct Asserted {
    pub(super) assertion: Assertion,
    pub(super) wire: Arc<Wire>,
    /// Who gets it, and says it: for those that we sign.
    pub(super) audience: String,
    pub(super) client: String,
}

#[async_trait]
impl ClientAssertion for Asserted {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        match &self.assertion {
            Assertion::Variable(token) => Ok(token.expose().trim().to_owned()),
            Assertion::File(path) => {
                let read = tokio::fs::read_to_string(path).await;
                let text = read.map_err(|error| failed(format!("reading {}: {error}", path.display())))?;
                Ok(text.trim().to_owned())
            }
            Assertion::Asked(question) => self.ask(question).await,
            Assertion::Signed(certificate) => {
                certificate.assertion(&self.audience, &self.client).map_err(failed)
            }
        }
    }
}

impl Asserted {
    async fn ask(&self, question: &Question) -> azure_core::Result<String> {
        let reply = self.wire.send(question.request()?).await?;
        let reply: Json = serde_json::from_slice(reply.body()).unwrap_or_default();
        let host = question.url.host_str().unwrap_or_default();
        reply[question.field].as_str().map(str::to_owned).ok_or_else(|| {
            failed(format!("{host} answered without a token: there is no `{}` in its reply", question.field))
        })
    }
}

impl Question {
    fn request(&self) -> azure_core::Result<Request<Bytes>> {
        let bearer = HeaderValue::try_from(format!("Bearer {}", self.bearer.expose()));
        let mut bearer =
            bearer.map_err(|_| failed("the CI's own token has characters that no header has"))?;
        bearer.set_sensitive(true);
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.url.as_str())
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, bearer);
        if let Some((name, value)) = self.header {
            request = request.header(name, value);
        }
        if self.method == Method::POST {
            request = request.header(CONTENT_LENGTH, "0");
        }
        request.body(Bytes::new()).map_err(|error| failed(error.to_string()))
    }
}

fn failed(words: impl Into<String>) -> azure_core::Error {
    azure_core::Error::with_message(ErrorKind::Credential, words.into())
}
