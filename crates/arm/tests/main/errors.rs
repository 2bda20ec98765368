//! What errors carry, and what they must not.

use executor::provider::{Outcome, Provider};
use planner::Verb;
use serde_json::json;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn the_innermost_error_its_ids_and_advice_are_kept() {
    let body = json!({ "error": { "code": "BadRequest", "message": "Bad.", "details": [{ "code": "ClusterMinNodesExceedCoreQuota", "message": "a vCPU quota of 0" }] } });
    let answer = with(with(reply(400, body), "x-ms-request-id", "r-1"), "x-ms-correlation-request-id", "c-1");
    let wire = Wire::new([(&format!("GET ~/computes/cpu{ML}"), answer)]);
    let error = wire.provider().get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert_eq!(error.outcome, Outcome::NotDone);
    assert_eq!((error.status, error.code.as_str()), (Some(400), "ClusterMinNodesExceedCoreQuota"));
    assert!(error.message.contains("a vCPU quota of 0"));
    assert!(error.advice.unwrap().contains("quota"));
    let ids = [("x-ms-request-id", "r-1"), ("x-ms-correlation-request-id", "c-1")];
    assert_eq!(error.request_ids[..], ids.map(|(n, v)| (n.to_owned(), v.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn our_own_secrets_do_not_come_back() {
    let echo = |what: &str| json!({ "error": { "code": "InvalidParameter", "message": format!("`{what}` is bad") } });
    let wire = Wire::new([
        (&format!("GET ~{ML}"), reply(200, json!({ "location": "westeurope" }))),
        (&format!("PUT ~/computes/cpu{ML}"), reply(400, echo("hunter2!"))),
        (&format!("GET ~/computes/cpu{ML}"), error(404, "ResourceNotFound")),
        (&format!("GET ~/computes/cpu{ML}"), reply(400, echo("hunter2!"))),
    ]);
    let provider = wire.provider();
    let values = json!({ "ssh_settings.admin_username": "me", "ssh_settings.admin_password": "hunter2!" });
    let refused =
        Asked::new("cluster", &compute("cpu"), Verb::Create, values).send(&provider).await.unwrap_err();
    assert_eq!(refused.message, "`(sensitive value)` is bad");
    let later = provider.get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert_eq!(later.message, "`(sensitive value)` is bad");
    let sent = &wire.end()[1].body["properties"]["properties"]["userAccountCredentials"];
    assert_eq!(sent["adminUserPassword"], "hunter2!");
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_not_followed() {
    let away = with(reply(307, json!(null)), "location", "https://rp.example/direct?sig=secret");
    let wire = Wire::new([(&format!("GET ~/computes/cpu{ML}"), away)]);
    let error = wire.provider().get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert!(error.message.contains("https://rp.example") && !error.message.contains("sig"), "{error}");
}
