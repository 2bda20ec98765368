//! Following operations to their end.

use std::time::Duration;

use executor::provider::{CloudError, Operation, Outcome, Provider};
use planner::Verb;
use serde_json::{Value as Json, json};

use crate::support::*;

const POLL: &str = "GET /subscriptions/s/op/1?api-version=x&t=1&s=a%2Bb";

fn operation(url: Option<&str>) -> Operation {
    let api_version = kind("cluster").api_version();
    Operation { url: url.map(str::to_owned), arm_id: compute("cpu"), deletes: false, api_version }
}

fn deletion(url: Option<&str>) -> Operation {
    Operation { deletes: true, ..operation(url) }
}

fn look() -> String {
    format!("GET ~/computes/cpu{ML}")
}

fn status(word: &str) -> Answer {
    reply(200, json!({ "status": word }))
}

fn resource(word: &str) -> Answer {
    reply(200, json!({ "properties": { "provisioningState": word } }))
}

async fn wait<const N: usize>(script: [(&str, Answer); N], operation: Operation) -> Result<(), CloudError> {
    let wire = Wire::new(script);
    let result = wire.provider().wait(&operation).await;
    wire.end();
    result
}

#[tokio::test(start_paused = true)]
async fn any_word_but_the_three_means_that_it_goes_on() {
    let script = [
        (POLL, reply(202, Json::Null)),
        (POLL, status("InProgress")),
        (POLL, status("Brewing")),
        (POLL, error(503, "ServerBusy")),
        (POLL, status("SUCCEEDED")),
    ];
    assert_eq!(wait(script, operation(Some(OPERATION))).await, Ok(()));
    assert_eq!(wait([(POLL, reply(200, Json::Null))], operation(Some(OPERATION))).await, Ok(()));
    assert_eq!(wait([(POLL, reply(204, Json::Null))], operation(Some(OPERATION))).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn pauses_are_as_told() {
    let created = with(with(reply(201, json!({})), "azure-asyncoperation", OPERATION), "retry-after", "7");
    let wire = Wire::new([
        (&format!("PUT ~{ML}"), created),
        (POLL, with(status("InProgress"), "retry-after", "3")),
        (POLL, with(status("InProgress"), "retry-after", "0")),
        (POLL, status("Succeeded")),
        (POLL, status("Succeeded")),
    ]);
    let provider = wire.provider();
    let sent = Asked::new("workspace", &workspace(), Verb::Create, json!({})).send(&provider).await.unwrap();
    let operation = sent.operation.unwrap();
    assert_eq!(provider.wait(&operation).await, Ok(()));
    // Another process that takes it up looks at once.
    assert_eq!(provider.wait(&operation).await, Ok(()));
    let at: Vec<u64> = wire.end().iter().map(|s| s.at.as_secs()).collect();
    assert_eq!(at, [0, 7, 10, 40, 40]);
}

#[tokio::test(start_paused = true)]
async fn failure_and_cancellation_are_failures() {
    let failed = json!({ "status": "Failed", "error": { "code": "BadArgument", "message": "bad" } });
    let error = wait([(POLL, reply(200, failed))], operation(Some(OPERATION))).await.unwrap_err();
    assert_eq!(
        (error.outcome, error.code.as_str(), error.message.as_str()),
        (Outcome::Failed, "BadArgument", "bad (BadArgument)")
    );
    for word in ["Canceled", "cancelled"] {
        let error = wait([(POLL, status(word))], operation(Some(OPERATION))).await.unwrap_err();
        assert_eq!(error.outcome, Outcome::Failed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_url_may_be_unknown_for_a_while() {
    let script = [(POLL, error(404, "NotFound")), (POLL, status("Succeeded"))];
    assert_eq!(wait(script, operation(Some(OPERATION))).await, Ok(()));
    let look = look();
    let mut script = vec![(POLL, error(404, "NotFound")); 11];
    script.push((look.as_str(), resource("Succeeded")));
    let script: [(&str, Answer); 12] = script.try_into().unwrap();
    assert_eq!(wait(script, operation(Some(OPERATION))).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn what_the_url_does_not_tell_the_resource_does() {
    let look = look();
    for answer in
        [error(400, "x"), error(403, "AuthorizationFailed"), error(410, "Gone"), resource("Creating")]
    {
        let script =
            [(POLL, answer), (look.as_str(), resource("Creating")), (look.as_str(), resource("Succeeded"))];
        assert_eq!(wait(script, operation(Some(OPERATION))).await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn another_origin_is_never_called() {
    let look = look();
    for url in ["https://evil.example/op", "http://management.azure.com/op", "not a url\u{7}://"] {
        let script = [(look.as_str(), reply(200, json!({ "properties": {} })))];
        assert_eq!(wait(script, operation(Some(url))).await, Ok(()), "{url}");
    }
    let accepted = with(reply(202, Json::Null), "location", "https://evil.example/op");
    let wire = Wire::new([(&format!("PUT ~{ML}"), accepted)]);
    let sent = Asked::new("workspace", &workspace(), Verb::Create, json!({})).send(&wire.provider()).await;
    assert_eq!(sent.unwrap().operation.unwrap().url, None);
}

#[tokio::test(start_paused = true)]
async fn the_resource_alone_can_tell() {
    let look = look();
    let script = [
        (look.as_str(), error(404, "ResourceNotFound")),
        (look.as_str(), resource("Creating")),
        (look.as_str(), resource("Succeeded")),
    ];
    assert_eq!(wait(script, operation(None)).await, Ok(()));
    let failed = json!({ "properties": { "provisioningState": "Failed", "provisioningErrors": [{ "error": { "code": "Quota", "message": "too much" } }] } });
    let error = wait([(look.as_str(), reply(200, failed))], operation(None)).await.unwrap_err();
    assert_eq!((error.outcome, error.message.as_str()), (Outcome::Failed, "too much (Quota)"));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_when_it_is_not_found() {
    let look = look();
    let gone = error(404, "ResourceNotFound");
    let script =
        [(POLL, status("Succeeded")), (look.as_str(), resource("Deleting")), (look.as_str(), gone.clone())];
    assert_eq!(wait(script, deletion(Some(OPERATION))).await, Ok(()));
    let script = [
        (look.as_str(), resource("Succeeded")),
        (look.as_str(), resource("Deleting")),
        (look.as_str(), gone),
    ];
    assert_eq!(wait(script, deletion(None)).await, Ok(()));
    let mut script = vec![(look.as_str(), resource("Succeeded")); 11];
    script.insert(0, (POLL, status("Succeeded")));
    let script: [(&str, Answer); 12] = script.try_into().unwrap();
    // Nothing is at work on it any more: it was not deleted.
    assert_eq!(wait(script, deletion(Some(OPERATION))).await.unwrap_err().outcome, Outcome::Failed);
}

#[tokio::test(start_paused = true)]
async fn at_our_deadline_the_operation_goes_on() {
    let wire = Wire::new(std::array::from_fn::<_, 121, _>(|_| (POLL, status("InProgress"))));
    let start = tokio::time::Instant::now();
    let error = wire.provider().wait(&operation(Some(OPERATION))).await.unwrap_err();
    assert_eq!(error.outcome, Outcome::Unknown);
    assert!(error.message.contains("goes on in Azure"), "{error}");
    assert_eq!(start.elapsed().as_secs(), Duration::from_secs(3600).as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_dead_token_ends_the_polling_not_the_operation() {
    let refused = error(401, "ExpiredAuthenticationToken");
    let error =
        wait([(POLL, refused.clone()), (POLL, refused)], operation(Some(OPERATION))).await.unwrap_err();
    assert_eq!(error.outcome, Outcome::Unknown);
    assert!(error.message.contains("goes on"), "{error}");
    assert!(!error.to_string().contains("op/1"));
}
