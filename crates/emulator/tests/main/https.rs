//! The HTTPS face: the same world under certificates of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use emulator::{Emulator, Options, Running};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::GROUP;

async fn started(options: Options) -> Running {
    Emulator::start(Options { https_port: Some(0), speed: 0.0, ..options }).await.unwrap()
}

/// A connection that trusts `pem` and speaks one protocol.
async fn connect(
    running: &Running,
    pem: &str,
    name: &'static str,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(running.secure.as_ref().unwrap().address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), stream).await
}

/// One request over HTTP/1.1; none if the connection closed without a reply.
async fn send(running: &Running, method: &str, target: &str, body: &Value) -> Option<(String, Value)> {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nx-emulator-token: {}\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{text}",
        running.secure.as_ref().unwrap().address,
        running.token,
        running.control_token,
        text.len()
    );
    let pem = running.authority_pem().unwrap();
    let mut stream = connect(running, pem, "127.0.0.1", "http/1.1").await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.ok();
    let reply = String::from_utf8(reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n")?;
    Some((head.to_owned(), serde_json::from_str(body).unwrap_or_default()))
}

#[tokio::test]
async fn both_faces_show_one_world_and_urls_have_the_scheme_they_were_asked_under() {
    let running = started(Options::default()).await;
    let target = format!("{GROUP}?api-version=2026-05-01");
    let (made, _) = send(&running, "PUT", &target, &json!({ "location": "westeurope" })).await.unwrap();
    assert!(made.starts_with("HTTP/1.1 201") && made.contains("content-type: application/json"), "{made}");
    let (gone, _) = send(&running, "DELETE", &target, &Value::Null).await.unwrap();
    let secure = running.secure.as_ref().unwrap().address;
    assert!(gone.contains(&format!("location: https://{secure}/subscriptions/")), "{gone}");
    let mut plain = TcpStream::connect(running.address).await.unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer loopback\r\nconnection: close\r\n\r\n"
    );
    plain.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    plain.read_to_string(&mut reply).await.unwrap();
    assert!(reply.contains("\"provisioningState\":\"Deleting\""), "{reply}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn its_own_authority_alone_vouches_for_loopback_names() {
    let (running, other) = tokio::join!(started(Options::default()), started(Options::default()));
    let pem = running.authority_pem().unwrap().to_owned();
    for name in ["localhost", "127.0.0.1", "::1"] {
        for protocol in ["http/1.1", "h2"] {
            let stream = connect(&running, &pem, name, protocol).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()), "{name}");
        }
    }
    assert!(connect(&running, &pem, "example.com", "h2").await.is_err());
    assert!(
        connect(&other, &pem, "localhost", "h2").await.is_err(),
        "each start has an authority of its own"
    );
    assert!(!pem.contains("PRIVATE"));
}

#[tokio::test]
async fn a_reply_is_lost_under_tls_too() {
    let running = started(Options::default()).await;
    let target = format!("{GROUP}?api-version=2026-05-01");
    let fault = json!({ "method": "PUT", "after_effect": true, "drop": true });
    send(&running, "POST", "/_emulator/faults", &fault).await.unwrap();
    assert!(send(&running, "PUT", &target, &json!({ "location": "westeurope" })).await.is_none());
    let (shown, _) = send(&running, "GET", &target, &Value::Null).await.unwrap();
    assert!(shown.starts_with("HTTP/1.1 200"), "{shown}");
}

#[tokio::test]
async fn requests_wait_for_the_latency_side_by_side() {
    let latency = Duration::from_millis(300);
    let running = started(Options { latency, ..Options::default() }).await;
    let begun = Instant::now();
    let target = format!("{GROUP}?api-version=2026-05-01");
    let one = || send(&running, "HEAD", &target, &Value::Null);
    let all = tokio::join!(one(), one(), one(), one(), one(), one(), one(), one());
    assert!(all.0.is_some());
    assert!(begun.elapsed() >= latency, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_start_without_https_has_none() {
    let running = Emulator::start(Options::default()).await.unwrap();
    assert_eq!((running.secure_endpoint(), running.authority_pem()), (None, None));
}
