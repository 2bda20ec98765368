//! What needs no token: where the cloud is, and how programs get a token there.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use emulator::{Emulator, Method, Options, Request, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{Cloud, code};

const TENANT: &str = "10000000-0000-0000-0000-000000000001";
const SECRET: &str = "grant_type=client_credentials&client_id=app-1&client_secret=s3cret&scope=https%3A%2F%2Flocalhost%3A1%2F%2F.default";

fn get(target: &str) -> Request {
    let mut request = Request::new(Method::Get, target).header("host", "localhost:1");
    request.scheme = "https";
    request
}

fn form(target: &str, body: &str) -> Request {
    let mut request = get(target);
    request.method = Method::Post;
    request.body = body.as_bytes().to_vec();
    request
}

fn token_of(reply: &Response) -> String {
    assert_eq!(reply.status, 200, "{}", reply.value());
    reply.value()["access_token"].as_str().unwrap().to_owned()
}

fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// What a token gets a reader.
fn read(cloud: &mut Cloud, token: &str) -> (u16, String) {
    let request = get("/subscriptions?api-version=2022-12-01");
    let reply = cloud.send(&request.header("authorization", &format!("Bearer {token}")));
    (reply.status, code(&reply))
}

fn cloud() -> Cloud {
    Cloud::new(Options::default())
}

#[test]
fn metadata_has_the_shape_of_its_version() {
    let mut cloud = cloud();
    let mut ask = |version: &str| cloud.send(&get(&format!("//metadata/endpoints?api-version={version}")));
    let object = ask("2022-09-01").value();
    assert_eq!(object["resourceManager"], "https://localhost:1/");
    assert_eq!(object["microsoftGraphResourceId"], "https://localhost:1/");
    assert_eq!(object["authentication"]["loginEndpoint"], "https://localhost:1");
    assert_eq!(object["authentication"]["tenant"], "common");
    assert_eq!(object["authentication"]["identityProvider"], "AAD");
    assert!(object["suffixes"]["storage"].is_string() && object["suffixes"]["keyVaultDns"].is_string());
    assert_eq!(ask("2019-05-01").value(), json!([object]));
    assert_eq!(ask("2020-06-01").value(), json!([object]));
    let regions = &ask("2018-01-01").value()["cloudEndpoint"]["public"];
    assert_eq!(regions["endpoint"], "localhost:1");
    assert!(regions["locations"].as_array().unwrap().contains(&json!("westeurope")));
    let earliest = ask("2015-01-01").value();
    assert_eq!(earliest["authentication"]["audiences"], json!(["https://localhost:1/"]));
    assert!(earliest["galleryEndpoint"].is_string());
    assert_eq!(code(&ask("")), "MissingApiVersionParameter");
}

#[test]
fn a_client_secret_gets_a_token_that_says_who_it_is_for() {
    let mut cloud = cloud();
    let discovery = cloud.send(&get("/common/v2.0/.well-known/openid-configuration")).value();
    assert_eq!(discovery["token_endpoint"], "https://localhost:1/common/oauth2/v2.0/token");
    let reply = cloud.send(&form("/common/oauth2/v2.0/token", SECRET));
    assert_eq!(
        (&reply.value()["token_type"], &reply.value()["expires_in"]),
        (&json!("Bearer"), &json!(86_400))
    );
    let token = token_of(&reply);
    let said = claims(&token);
    assert_eq!(
        (&said["aud"], &said["tid"], &said["appid"]),
        (&json!("https://localhost:1/"), &json!(TENANT), &json!("app-1"))
    );
    assert!(said["oid"].as_str().unwrap().len() == 36);
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 86_400);
    assert_eq!(read(&mut cloud, &token).0, 200);
    let named = "20000000-0000-0000-0000-000000000002";
    let reply = cloud.send(&form(
        &format!("/{named}/oauth2/token"),
        "grant_type=client_credentials&client_id=a&client_secret=b&resource=r",
    ));
    assert_eq!(
        (&claims(&token_of(&reply))["tid"], &claims(&token_of(&reply))["aud"]),
        (&json!(named), &json!("r"))
    );
    let adfs = cloud.send(&get("/adfs/.well-known/openid-configuration")).value();
    assert_eq!(adfs["token_endpoint"], "https://localhost:1/adfs/oauth2/v2.0/token");
    assert_eq!(cloud.send(&form("/adfs/oauth2/v2.0/token", SECRET)).status, 200);
}

#[test]
fn an_assertion_does_as_well_until_it_ends() {
    let mut cloud = cloud();
    let now = cloud.now.as_second();
    let assertion = |exp: i64| {
        let payload = URL_SAFE_NO_PAD.encode(json!({ "sub": "repo:x", "exp": exp }).to_string());
        format!(
            "grant_type=client_credentials&client_id=a&scope=r%2F.default&client_assertion_type=x&client_assertion=e30.{payload}.sig"
        )
    };
    assert_eq!(cloud.send(&form("/t/oauth2/v2.0/token", &assertion(now + 60))).status, 200);
    let late = cloud.send(&form("/t/oauth2/v2.0/token", &assertion(now - 3600)));
    assert_eq!((late.status, &late.value()["error"]), (401, &json!("invalid_client")));
    assert!(late.value()["error_description"].as_str().unwrap().starts_with("AADSTS700024: "));
}

#[test]
fn a_request_that_lacks_something_is_told_what() {
    let mut cloud = cloud();
    for (body, status, error, number) in [
        ("", 400, "invalid_request", 900_144),
        ("grant_type=password&client_id=a", 400, "unsupported_grant_type", 70003),
        ("grant_type=client_credentials&scope=x", 400, "invalid_request", 900_144),
        ("grant_type=client_credentials&client_id=a&client_secret=b", 400, "invalid_request", 900_144),
        ("grant_type=client_credentials&client_id=a&scope=x", 401, "invalid_client", 7_000_218),
    ] {
        let reply = cloud.send(&form("/t/oauth2/v2.0/token", body));
        let value = reply.value();
        assert_eq!(
            (reply.status, &value["error"], &value["error_codes"][0]),
            (status, &json!(error), &json!(number)),
            "{body}"
        );
    }
    assert_eq!(cloud.send(&get("/t/oauth2/v2.0/token")).status, 405);
    let elsewhere = form("/t/oauth2/v2.0/token", SECRET).header("host", "example.com");
    assert_eq!(cloud.send(&elsewhere).status, 403);
}

#[test]
fn a_machine_has_an_identity_for_those_who_send_the_header() {
    let mut cloud = cloud();
    let service = "/msi/token?api-version=2019-08-01&resource=https://localhost:1";
    let instance = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=r&client_id=app-2";
    assert_eq!(cloud.send(&get(service)).status, 400);
    assert_eq!(cloud.send(&get(instance).header("x-identity-header", "x")).status, 400);
    assert_eq!(
        cloud.send(&get(instance).header("metadata", "true").header("x-forwarded-for", "10.0.0.1")).status,
        400
    );
    assert_eq!(cloud.send(&get("/msi/token?api-version=2019-08-01").header("metadata", "true")).status, 400);
    let reply = cloud.send(&get(service).header("x-identity-header", "x"));
    let (token, value) = (token_of(&reply), reply.value());
    assert_eq!(value["expires_on"].as_str().unwrap(), claims(&token)["exp"].to_string());
    assert_eq!(claims(&token)["aud"], "https://localhost:1");
    assert_eq!(read(&mut cloud, &token).0, 200);
    let chosen = claims(&token_of(&cloud.send(&get(instance).header("metadata", "true"))));
    assert_eq!(chosen["appid"], "app-2");
    assert_ne!(chosen["oid"], claims(&token)["oid"]);
}

#[test]
fn a_token_ends_by_the_clock_of_the_machine() {
    let mut cloud = cloud();
    let issued: Timestamp = "2018-08-21T15:22:00Z".parse().unwrap();
    let mut request = form("/t/oauth2/v2.0/token", SECRET);
    request.received = Some(issued);
    let token = token_of(&cloud.send(&request));
    let mut use_at = |hours: i64| {
        let mut request = get("/subscriptions?api-version=2022-12-01");
        request.received = Some(issued + jiff::SignedDuration::from_hours(hours));
        let reply = cloud.send(&request.header("authorization", &format!("Bearer {token}")));
        (reply.status, code(&reply), reply.header("www-authenticate").is_some())
    };
    assert_eq!(use_at(23), (200, String::new(), false));
    assert_eq!(use_at(24), (401, "ExpiredAuthenticationToken".to_owned(), true));
}

#[test]
fn control_shortens_and_revokes_tokens_and_the_log_keeps_no_secret() {
    let emulator = Emulator::open(Options::default()).unwrap();
    let control = |method, path: &str, body: &Value| {
        let request = Request::new(method, path).header("host", "localhost");
        emulator.handle(&request.header("x-emulator-token", emulator.control_token()).json(body))
    };
    let read = |token: &str| {
        let request = get("/subscriptions?api-version=2022-12-01");
        emulator.handle(&request.header("authorization", &format!("Bearer {token}"))).status
    };
    let first = token_of(&emulator.handle(&form("/t/oauth2/v2.0/token", SECRET)));
    assert_eq!((read(&first), read("loopback")), (200, 200));
    assert_eq!(control(Method::Post, "/_emulator/tokens", &json!({ "lifetime_seconds": 0 })).status, 204);
    assert_eq!(
        control(Method::Get, "/_emulator/tokens", &Value::Null).value(),
        json!({ "lifetime_seconds": 0 })
    );
    assert_eq!(
        (read(&first), read(&token_of(&emulator.handle(&form("/t/oauth2/v2.0/token", SECRET))))),
        (200, 401)
    );
    let change = json!({ "lifetime_seconds": 60, "revoke": true });
    assert_eq!(control(Method::Post, "/_emulator/tokens", &change).status, 204);
    let second = token_of(&emulator.handle(&form("/t/oauth2/v2.0/token", SECRET)));
    assert_eq!((read(&first), read(&second), read("loopback")), (401, 200, 200));
    assert_eq!(control(Method::Post, "/_emulator/tokens", &json!({ "revok": true })).status, 400);
    emulator.handle(&get("/t/oauth2/v2.0/token?client_secret=s3cret"));
    let log = control(Method::Get, "/_emulator/requests", &Value::Null).value().to_string();
    assert!(log.contains("oauth2/v2.0/token") && !log.contains("s3cret") && !log.contains(&second));
    let another = Emulator::open(Options::default()).unwrap();
    let request = get("/subscriptions?api-version=2022-12-01");
    let reply = another.handle(&request.header("authorization", &format!("Bearer {second}")));
    assert_eq!(code(&reply), "InvalidAuthenticationToken", "each run has a key of its own");
}

#[test]
fn a_token_endpoint_can_be_down() {
    let emulator = Emulator::open(Options::default()).unwrap();
    let fault = json!({ "path_contains": "/oauth2/", "status": 429, "headers": { "Retry-After": "1" } });
    let request = Request::new(Method::Post, "/_emulator/faults").header("host", "localhost");
    emulator.handle(&request.header("x-emulator-token", emulator.control_token()).json(&fault));
    let struck = emulator.handle(&form("/t/oauth2/v2.0/token", SECRET));
    assert_eq!((struck.status, struck.header("retry-after")), (429, Some("1")));
    assert_eq!(emulator.handle(&form("/t/oauth2/v2.0/token", SECRET)).status, 200);
}
