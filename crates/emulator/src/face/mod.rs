//! The HTTP face: it carries requests to the emulator and responses back, and understands neither.
//!
//! One face has one door, plain or TLS; several faces may serve one emulator.

pub(crate) mod certificate;
pub(crate) mod cuttable;
pub(crate) mod delivery;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::emulator::Emulator;
use crate::face::cuttable::{Cuttable, Scissors};
use crate::wire::{Delivery, Method, Request, Response};

/// ARM takes request bodies of up to 4 MiB.
const BODY_MAX: usize = 4 << 20;

/// How long a client may take over its half of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long no connection is taken after the machine refused one, which happens when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where connections come in, and how.
pub(crate) struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    latency: Duration,
}

/// One connection's side of the face.
#[derive(Clone)]
struct Guest {
    emulator: Arc<Emulator>,
    scissors: Scissors,
    scheme: &'static str,
    latency: Duration,
}

impl Door {
    /// A door for plain HTTP or, with an acceptor, HTTPS; each request waits for `latency` first.
    pub(crate) fn new(listener: TcpListener, tls: Option<TlsAcceptor>, latency: Duration) -> Door {
        Door { listener, tls, latency }
    }

    /// Where it is.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    fn guest(&self, emulator: &Arc<Emulator>) -> Guest {
        Guest {
            emulator: Arc::clone(emulator),
            scissors: Scissors::default(),
            scheme: if self.tls.is_some() { "https" } else { "http" },
            latency: self.latency,
        }
    }
}

/// Serves an emulator until `shutdown` completes; requests at hand are answered first.
pub(crate) async fn serve(door: Door, emulator: Arc<Emulator>, shutdown: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = door.listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (guest, tls) = (door.guest(&emulator), door.tls.clone());
                tokio::spawn(attend(stream, tls, guest, graceful.watcher()));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(door);
    graceful.shutdown().await;
}

async fn attend(stream: TcpStream, tls: Option<TlsAcceptor>, guest: Guest, watcher: Watcher) {
    // Without it a reply in two segments waits for the client's delayed acknowledgement; harmless if it fails.
    stream.set_nodelay(true).ok();
    let stream = Cuttable::new(stream, guest.scissors.clone());
    match tls {
        None => converse(stream, guest, watcher).await,
        Some(tls) => {
            let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream));
            // A client that does not trust us has heard so already.
            if let Ok(Ok(stream)) = handshake.await {
                converse(stream, guest, watcher).await;
            }
        }
    }
}

async fn converse<S>(stream: S, guest: Guest, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(Router::new().fallback(answer).with_state(guest));
    let server = Builder::new(TokioExecutor::new());
    let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
    // How a connection ends concerns its client alone.
    watcher.watch(connection).await.ok();
}

async fn answer(State(guest): State<Guest>, request: http::Request<Body>) -> http::Response<Body> {
    let response = match incoming(request, guest.scheme).await {
        Ok(request) => {
            tokio::time::sleep(guest.latency).await;
            guest.emulator.handle(&request)
        }
        Err(status) => Response::empty(status),
    };
    if response.delivery == Delivery::Hang {
        delivery::hang().await;
    }
    if !response.is_answer() {
        guest.scissors.cut();
    }
    outgoing(response)
}

async fn incoming(request: http::Request<Body>, scheme: &'static str) -> Result<Request, u16> {
    let (parts, body) = request.into_parts();
    let method = Method::parse(parts.method.as_str()).ok_or(405_u16)?;
    let mut incoming = Request::new(method, parts.uri.path());
    incoming.scheme = scheme;
    incoming.received = Some(Timestamp::now());
    incoming.query = parts.uri.query().unwrap_or("").to_owned();
    for (name, value) in &parts.headers {
        if let Ok(text) = value.to_str() {
            incoming.headers.insert(name.as_str().to_owned(), text.to_owned());
        }
    }
    // Of an HTTP/2 request the authority says what Host says in HTTP/1.1.
    if let Some(authority) = parts.uri.authority() {
        incoming.headers.insert("host".to_owned(), authority.as_str().to_owned());
    }
    incoming.body = to_bytes(body, BODY_MAX).await.map_err(|_| 413_u16)?.to_vec();
    Ok(incoming)
}

fn outgoing(response: Response) -> http::Response<Body> {
    let mut builder = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    if matches!(response.delivery, Delivery::Truncated(_) | Delivery::Slow(_)) {
        builder = builder.header(http::header::CONTENT_LENGTH, response.body.len());
    }
    // A fault may ask for a header that HTTP cannot carry.
    builder.body(delivery::body(response.body, response.delivery)).unwrap_or_else(|_| {
        let mut broken = http::Response::new(Body::empty());
        *broken.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}
