//! The HTTP face: it carries requests to the emulator and responses back, and understands neither.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::http;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::delivery;
use crate::emulator::Emulator;
use crate::wire::{Delivery, Method, Request, Response};

/// ARM takes request bodies of up to 4 MiB.
const BODY_MAX: usize = 4 << 20;

/// Serves an emulator until `shutdown` completes; requests at hand are answered first.
pub async fn serve(
    listener: TcpListener,
    emulator: Arc<Emulator>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = axum::Router::new().fallback(answer).with_state(emulator);
    let service = app.into_make_service_with_connect_info::<Connection>();
    axum::serve(Cuttable(listener), service).with_graceful_shutdown(shutdown).await
}

async fn answer(
    State(emulator): State<Arc<Emulator>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let response = match incoming(request).await {
        Ok(request) => emulator.handle(&request),
        Err(status) => Response::empty(status),
    };
    if response.delivery == Delivery::Hang {
        delivery::hang().await;
    }
    if !response.is_answer() {
        connection.cut();
    }
    outgoing(response)
}

async fn incoming(request: http::Request<Body>) -> Result<Request, u16> {
    let (parts, body) = request.into_parts();
    let method = Method::parse(parts.method.as_str()).ok_or(405_u16)?;
    let mut incoming = Request::new(method, parts.uri.path());
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

/// A listener whose connections can be cut from within a request, to play a reply that got lost.
struct Cuttable(TcpListener);

/// The way to cut one connection.
#[derive(Clone, Debug)]
struct Connection(Arc<AtomicBool>);

impl Connection {
    fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Stream {
    inner: TcpStream,
    cut: Arc<AtomicBool>,
}

impl Listener for Cuttable {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        let (inner, address) = Listener::accept(&mut self.0).await;
        // Without it a reply in two segments waits for the client's delayed acknowledgement; harmless if it fails.
        inner.set_nodelay(true).ok();
        (Stream { inner, cut: Arc::new(AtomicBool::new(false)) }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Cuttable>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Cuttable>) -> Connection {
        Connection(Arc::clone(&stream.io().cut))
    }
}

impl Stream {
    fn whole(&self) -> io::Result<()> {
        if self.cut.load(Ordering::Relaxed) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.whole()?;
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.whole()?;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
