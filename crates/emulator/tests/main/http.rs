//! The face: a few requests over a real socket.

use std::time::{Duration, Instant};

use emulator::{Emulator, Options, Running};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{GROUP, cluster_body, compute, workspace, workspace_body};

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

/// One request on a connection of its own; none if the connection closed without a reply.
async fn send(running: &Running, method: &str, target: &str, body: &Value) -> Option<Answer> {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nx-emulator-token: {}\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{text}",
        running.address,
        running.token,
        running.control_token,
        text.len()
    );
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.ok();
    let reply = String::from_utf8(reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().unwrap();
    Some(Answer { status, head: head.to_lowercase(), body: serde_json::from_str(body).unwrap_or_default() })
}

/// Whatever arrives within a time: the head, and the bytes of the body.
async fn raw(running: &Running, method: &str, target: &str, text: &str, time: Duration) -> (String, Vec<u8>) {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{text}",
        running.address,
        running.token,
        text.len()
    );
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    tokio::time::timeout(time, stream.read_to_end(&mut reply)).await.ok();
    let end = reply.windows(4).position(|part| part == b"\r\n\r\n").map_or(0, |at| at + 4);
    let body = reply.split_off(end);
    (String::from_utf8(reply).unwrap().to_lowercase(), body)
}

async fn arm(running: &Running, method: &str, target: &str, body: &Value) -> Option<Answer> {
    send(running, method, &format!("{target}?api-version=2026-05-01"), body).await
}

async fn started() -> Running {
    let running = Emulator::start(Options { speed: 0.0, ..Options::default() }).await.unwrap();
    let group = arm(&running, "PUT", GROUP, &json!({ "location": "westeurope" })).await.unwrap();
    assert_eq!(group.status, 201);
    arm(&running, "PUT", &workspace(), &workspace_body()).await.unwrap();
    step(&running, 60).await;
    running
}

async fn step(running: &Running, seconds: u32) {
    let clock =
        send(running, "POST", "/_emulator/clock", &json!({ "advance_seconds": seconds })).await.unwrap();
    assert_eq!(clock.status, 200);
}

#[tokio::test]
async fn a_cluster_is_made_over_http() {
    let running = started().await;
    let made = arm(&running, "PUT", &compute("cpu"), &cluster_body()).await.unwrap();
    assert_eq!(made.status, 201);
    let line = made.head.lines().find(|line| line.starts_with("azure-asyncoperation: ")).unwrap();
    assert!(line.contains(&format!("http://{}/subscriptions/", running.address)));
    step(&running, 10).await;
    let shown = arm(&running, "GET", &compute("CPU"), &Value::Null).await.unwrap();
    assert_eq!(shown.body["properties"]["provisioningState"], "Succeeded");
    assert_eq!(arm(&running, "HEAD", GROUP, &Value::Null).await.unwrap().status, 204);
    assert_eq!(arm(&running, "BREW", GROUP, &Value::Null).await.unwrap().status, 405);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_reply_leaves_the_effect_and_a_fault_before_it_does_not() {
    let running = started().await;
    let fault =
        json!({ "method": "PUT", "path_contains": "/computes/lost", "after_effect": true, "drop": true });
    assert_eq!(send(&running, "POST", "/_emulator/faults", &fault).await.unwrap().body, json!({ "id": 1 }));
    assert!(arm(&running, "PUT", &compute("lost"), &cluster_body()).await.is_none(), "no reply at all");
    assert_eq!(arm(&running, "GET", &compute("lost"), &Value::Null).await.unwrap().status, 200);
    let fault = json!({ "path_contains": "/computes/never", "nth": 2, "status": 503, "body": "<html>" });
    send(&running, "POST", "/_emulator/faults", &fault).await.unwrap();
    assert_eq!(arm(&running, "GET", &compute("never"), &Value::Null).await.unwrap().status, 404);
    assert_eq!(arm(&running, "PUT", &compute("never"), &cluster_body()).await.unwrap().status, 503);
    assert_eq!(arm(&running, "GET", &compute("never"), &Value::Null).await.unwrap().status, 404);
    running.stop().await.unwrap();
}

fn inject(running: &Running, fault: Value) -> u64 {
    running.emulator.inject(serde_json::from_value(fault).unwrap()).unwrap()
}

fn fired(running: &Running, id: u64) -> u64 {
    running.emulator.faults().iter().find(|report| report.id == id).unwrap().fired
}

#[tokio::test]
async fn a_truncated_body_promises_more_than_it_brings() {
    let running = started().await;
    let whole = arm(&running, "GET", &workspace(), &Value::Null).await.unwrap();
    let id = inject(&running, json!({ "fault": "truncate-body", "value": 30 }));
    let target = format!("{}?api-version=2026-05-01", workspace());
    let (head, body) = raw(&running, "GET", &target, "", Duration::from_secs(10)).await;
    assert!(head.contains(&format!("content-length: {}\r\n", whole.body.to_string().len())), "{head}");
    assert_eq!((body.len(), fired(&running, id)), (30, 1));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_slow_body_comes_whole_and_late() {
    let running = started().await;
    inject(&running, json!({ "fault": "slow-body", "seconds": 0.4 }));
    let begin = Instant::now();
    let slow = arm(&running, "GET", &workspace(), &Value::Null).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(400), "{:?}", begin.elapsed());
    assert_eq!(slow.body["name"], "research");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_hanging_reply_sends_nothing_and_keeps_nobody_up() {
    let running = started().await;
    let id = inject(&running, json!({ "fault": "hang", "method": "PUT", "after_effect": true }));
    let target = format!("{}?api-version=2026-05-01", compute("cpu"));
    let text = cluster_body().to_string();
    let (head, body) = raw(&running, "PUT", &target, &text, Duration::from_millis(300)).await;
    assert_eq!((head.as_str(), body.len(), fired(&running, id)), ("", 0, 1));
    assert_eq!(arm(&running, "GET", &compute("cpu"), &Value::Null).await.unwrap().status, 200);
    // It would wait for the client for ever, had it not given up with it.
    running.stop().await.unwrap();
}

#[tokio::test]
async fn control_edits_behind_the_users_back_and_the_log_holds_no_secrets() {
    let running = started().await;
    let mut body = cluster_body();
    body["properties"]["properties"]["userAccountCredentials"] =
        json!({ "adminUserName": "a", "adminUserPassword": "pw-1" });
    arm(&running, "PUT", &compute("cpu"), &body).await.unwrap();
    let log = send(&running, "GET", "/_emulator/requests", &Value::Null).await.unwrap().body;
    let last = log["value"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["method"], &last["status"]), (&json!("PUT"), &json!(201)));
    assert!(last["body"]["location"] == "westeurope" && !log.to_string().contains("pw-1"));
    let counters = send(&running, "GET", "/_emulator/counters", &Value::Null).await.unwrap().body;
    assert_eq!(counters, json!({ "PUT": 3 }));

    step(&running, 30).await;
    let before = arm(&running, "GET", &compute("cpu"), &Value::Null).await.unwrap().body;
    let edit = format!("/_emulator/resource?id={}", compute("cpu"));
    let patch = json!({ "tags": { "by": "somebody" } });
    assert_eq!(send(&running, "PATCH", &edit, &patch).await.unwrap().status, 200);
    let mut after = arm(&running, "GET", &compute("cpu"), &Value::Null).await.unwrap().body;
    assert_eq!(after["tags"], json!({ "by": "somebody" }));
    after["tags"] = before["tags"].clone();
    assert_eq!(after, before);
    assert_eq!(send(&running, "DELETE", &edit, &Value::Null).await.unwrap().status, 204);
    assert_eq!(arm(&running, "GET", &compute("cpu"), &Value::Null).await.unwrap().status, 404);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn control_needs_its_own_token() {
    let mut running = started().await;
    running.control_token.clone_from(&running.token);
    assert_eq!(send(&running, "GET", "/_emulator/requests", &Value::Null).await.unwrap().status, 401);
}
