//! A server that issues tokens: Entra, a CI and a managed identity's endpoint in one, over HTTP. What
//! is sent to any host over TLS is led to it, with the host it was for.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use arm::credential::Environment;
use arm::{Credential, CredentialError, Endpoint, HttpTransport, Transport, TransportError, Wires};
use async_trait::async_trait;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use model::Json;
use serde_json::json;
use url::form_urlencoded;

const ORIGIN: &str = "x-test-origin";

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub line: String,
    pub headers: http::HeaderMap,
    pub query: BTreeMap<String, String>,
    pub form: BTreeMap<String, String>,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A reply in place of a token.
#[derive(Clone)]
pub struct Instead {
    pub path: &'static str,
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Json,
}

pub fn instead(path: &'static str, status: u16, body: Json) -> Instead {
    Instead { path, status, headers: vec![("retry-after", "0".to_owned())], body }
}

/// Entra's refusal.
pub fn entra(code: u32, words: &str) -> Json {
    json!({
        "error": "invalid_client",
        "error_description": format!("AADSTS{code}: {words} Trace ID: 1111 Correlation ID: 2222 Timestamp: 2026-11-21 06:00:00Z"),
        "error_codes": [code],
        "timestamp": "2026-11-21 06:00:00Z",
        "trace_id": "1111",
        "correlation_id": "2222",
    })
}

#[derive(Clone, Default)]
struct Book {
    asked: Arc<Mutex<Vec<Asked>>>,
    instead: Arc<Mutex<VecDeque<Instead>>>,
    /// Whether refusals repeat everything that was sent.
    echoes: Arc<Mutex<bool>>,
}

/// The server, for as long as the test's runtime lives.
#[derive(Clone)]
pub struct Issuer {
    pub address: SocketAddr,
    book: Book,
    network: HttpTransport,
}

impl Issuer {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let book = Book::default();
        let app = axum::Router::new().fallback(answer).with_state(book.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, book, network: HttpTransport::loopback(None).unwrap() }
    }

    /// A reply for the next request whose path has this in it.
    pub fn answer(&self, instead: Instead) {
        self.book.instead.lock().unwrap().push_back(instead);
    }

    /// From now on refusals repeat the request, as careless servers do.
    pub fn echo(&self) {
        *self.book.echoes.lock().unwrap() = true;
    }

    /// What came since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.book.asked.lock().unwrap())
    }

    pub fn wires(&self) -> Wires {
        Wires { out: Arc::new(self.clone()), near: Arc::new(self.clone()) }
    }

    /// A credential of a named cloud, with an environment.
    pub fn open(
        &self,
        name: &str,
        cloud: &str,
        environment: &[(&str, &str)],
    ) -> Result<Credential, CredentialError> {
        let find = |key: &str| environment.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned());
        self.open_with(name, &Endpoint::named(cloud).unwrap(), &find)
    }

    pub fn open_with(
        &self,
        name: &str,
        endpoint: &Endpoint,
        environment: Environment<'_>,
    ) -> Result<Credential, CredentialError> {
        Credential::open(name, endpoint, self.wires(), environment)
    }
}

/// TLS to anywhere is led here, in clear.
#[async_trait]
impl Transport for Issuer {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let (mut parts, body) = request.into_parts();
        assert_eq!(parts.uri.scheme_str(), Some("https"), "{}", parts.uri);
        let origin = parts.uri.host().unwrap().to_owned();
        let target = parts.uri.path_and_query().unwrap().to_string();
        parts.uri = format!("http://{}{target}", self.address).parse().unwrap();
        parts.headers.insert(ORIGIN, origin.parse().unwrap());
        self.network.send(http::Request::from_parts(parts, body)).await
    }
}

async fn answer(State(book): State<Book>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let origin = parts.headers.get(ORIGIN).map_or("", |value| value.to_str().unwrap());
    let pairs = |bytes: &[u8]| form_urlencoded::parse(bytes).into_owned().collect();
    let line = format!("{} {origin}{}", parts.method, parts.uri.path());
    let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
    let number = {
        let mut asked = book.asked.lock().unwrap();
        asked.push(Asked { line: line.clone(), headers: parts.headers.clone(), query, form: pairs(&body) });
        asked.len()
    };
    let mut waiting = book.instead.lock().unwrap();
    if let Some(at) = waiting.iter().position(|instead| line.contains(instead.path)) {
        let Instead { status, headers, body: mut reply, .. } = waiting.remove(at).unwrap();
        if *book.echoes.lock().unwrap() {
            let sent = format!("{:?} {}", parts.headers, String::from_utf8_lossy(&body));
            let said = reply["error_description"].as_str().unwrap_or_default();
            reply["error_description"] = said.replace("Trace", &format!("{sent} Trace")).into();
            reply["trace_id"] = sent.into();
        }
        let mut response = (http::StatusCode::from_u16(status).unwrap(), reply.to_string()).into_response();
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        return response;
    }
    let token = json!({
        "token_type": "Bearer",
        "resource": "https://management.azure.com",
        "access_token": format!("token-{number}"),
        "expires_in": 3600,
        "expires_on": (jiff::Timestamp::now().as_second() + 3600).to_string(),
        "value": format!("federated-{number}"),
        "oidcToken": format!("federated-{number}"),
    });
    token.to_string().into_response()
}
