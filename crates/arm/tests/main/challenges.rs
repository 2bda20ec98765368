//! What a refused token leads to: another one, with the claims that are demanded, once.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use executor::provider::Provider as _;
use serde_json::json;
use tempfile::TempDir;

use crate::issuer::{Issuer, entra, instead};
use crate::support::*;

const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1563308371"}}}"#;
const SET: [(&str, &str); 3] = [
    ("AZURE_TENANT_ID", "the-tenant"),
    ("AZURE_CLIENT_ID", "the-client"),
    ("AZURE_CLIENT_SECRET", "shh-1234"),
];

fn challenge() -> Answer {
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::STANDARD.encode(CLAIMS);
    let header =
        format!(r#"Bearer authorization_uri="https://x", error="insufficient_claims", claims="{claims}""#);
    with(error(401, "InvalidAuthenticationToken"), "www-authenticate", &header)
}

fn line() -> String {
    format!("GET ~/computes/cpu{ML}")
}

fn live() -> Answer {
    reply(
        200,
        json!({ "id": format!("{WORKSPACE}/computes/cpu"), "properties": { "computeType": "AmlCompute", "properties": {} } }),
    )
}

#[tokio::test]
async fn a_challenge_is_answered_with_its_claims_once() {
    let issuer = Issuer::start().await;
    let wire = Wire::new([(&line(), challenge()), (&line(), live()), (&line(), live())]);
    let provider = wire.provider_with(Arc::new(issuer.open("client-secret", "azure", &SET).unwrap()));
    for _ in 0..2 {
        assert!(provider.get(kind("cluster"), &compute("cpu")).await.unwrap().is_some());
    }
    let tokens: Vec<_> = wire.end().iter().map(|seen| seen.headers["authorization"].clone()).collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2", "Bearer token-2"]);
    let asked = issuer.asked();
    let claims: Vec<_> = asked.iter().map(|a| a.form.get("claims").map(String::as_str)).collect();
    assert_eq!(claims, [None, Some(CLAIMS)]);
}

#[tokio::test]
async fn a_second_challenge_is_an_error() {
    let issuer = Issuer::start().await;
    let wire = Wire::new([(&line(), challenge()), (&line(), challenge())]);
    let provider = wire.provider_with(Arc::new(issuer.open("client-secret", "azure", &SET).unwrap()));
    let error = provider.get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert_eq!(error.status, Some(401));
    wire.end();
    assert_eq!(issuer.asked().len(), 2);
}

#[tokio::test]
async fn az_cannot_answer_a_challenge_and_says_who_can() {
    let issuer = Issuer::start().await;
    let folder = TempDir::new().unwrap();
    let az = folder.path().join("az");
    let prints = r#"{"accessToken":"from-az","expires_on":4070908800,"tokenType":"Bearer"}"#;
    fs::write(&az, format!("#!/bin/sh\necho '{prints}'\n")).unwrap();
    fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let wire = Wire::new([(&line(), challenge())]);
    let provider = wire.provider_with(Arc::new(issuer.open("cli", "azure", &[("PATH", &path)]).unwrap()));
    let error = provider.get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert!(error.message.contains("a further proof"), "{error}");
    let advice = error.advice.unwrap();
    assert!(
        advice.contains("az login --scope https://management.azure.com/.default --claims-challenge eyJ"),
        "{advice}"
    );
}

#[tokio::test]
async fn a_token_that_azure_repeats_is_not_shown() {
    let issuer = Issuer::start().await;
    let body = json!({ "error": { "code": "Bad", "message": "what is token-1?" } });
    let wire = Wire::new([(&line(), reply(400, body))]);
    let provider = wire.provider_with(Arc::new(issuer.open("client-secret", "azure", &SET).unwrap()));
    let error = provider.get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert_eq!(error.message, "what is (sensitive value)?");
}

#[tokio::test]
async fn a_wrong_clock_is_found_when_a_new_token_is_refused() {
    let refusal = || with(error(401, "InvalidAuthenticationToken"), "date", "Wed, 21 Oct 2015 07:28:00 GMT");
    let issuer = Issuer::start().await;
    let wire = Wire::new([(&line(), refusal()), (&line(), refusal())]);
    let provider = wire.provider_with(Arc::new(issuer.open("client-secret", "azure", &SET).unwrap()));
    let error = provider.get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert!(error.advice.unwrap().contains("This machine's clock is"));
}

#[tokio::test]
async fn an_issuer_that_stumbles_is_asked_again() {
    let issuer = Issuer::start().await;
    for (status, body) in [(400, entra(90_055, "too many")), (503, json!({})), (429, json!({}))] {
        issuer.answer(instead("token", status, body));
    }
    let wire = Wire::new([(&line(), live())]);
    let provider = wire.provider_with(Arc::new(issuer.open("client-secret", "azure", &SET).unwrap()));
    assert!(provider.get(kind("cluster"), &compute("cpu")).await.unwrap().is_some());
    assert_eq!(issuer.asked().len(), 4);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_support_has_its_ids() {
    let issuer = Issuer::start().await;
    issuer.answer(instead("token", 401, entra(7_000_222, "expired")));
    let wire = Wire::new([]);
    let provider = wire.provider_with(Arc::new(issuer.open("client-secret", "azure", &SET).unwrap()));
    let error = provider.get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert_eq!(error.code, "NotSignedIn");
    assert!(error.message.contains("AADSTS7000222: expired"), "{error}");
    assert!(error.advice.unwrap().contains("make a new one"));
    assert_eq!(error.request_ids[0], ("Entra trace id".to_owned(), "1111".to_owned()));
    assert_eq!(issuer.asked().len(), 1);
}
