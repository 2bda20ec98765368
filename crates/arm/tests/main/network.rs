//! The transport over a real socket.

use arm::{Endpoint, HttpTransport, Transport, TransportError};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers one connection with these bytes, and hangs up.
async fn serve(answer: &'static str) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::loopback(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        _ = socket.read(&mut buffer).await.unwrap();
        socket.write_all(answer.as_bytes()).await.unwrap();
    });
    endpoint
}

async fn fetch(endpoint: &Endpoint) -> Result<http::Response<Bytes>, TransportError> {
    let request = http::Request::builder().uri(endpoint.base().as_str()).body(Bytes::new()).unwrap();
    HttpTransport::new(endpoint).unwrap().send(request).await
}

#[tokio::test]
async fn a_reply_comes_back_whole() {
    let endpoint =
        serve("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\n{}").await;
    let reply = fetch(&endpoint).await.unwrap();
    assert_eq!(
        (reply.status().as_u16(), &reply.headers()["retry-after"], &reply.body()[..]),
        (429, &"0".parse().unwrap(), &b"{}"[..])
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let endpoint = serve(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    assert_eq!(fetch(&endpoint).await.unwrap().status(), 307);
}

#[tokio::test]
async fn how_far_a_request_got_is_known() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":"] {
        let endpoint = serve(answer).await;
        assert!(matches!(fetch(&endpoint).await, Err(TransportError::Lost(_))), "{answer}");
    }
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = Endpoint::loopback(&format!("http://{free}")).unwrap();
    assert!(matches!(fetch(&nobody).await, Err(TransportError::Unreachable(_))));
}
