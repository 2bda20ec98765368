//! What is sent again, when, and what is not.

use std::time::Duration;

use executor::provider::{Outcome, Provider};
use planner::Verb;
use serde_json::{Value as Json, json};

use crate::support::*;

fn get_line() -> String {
    format!("GET ~/computes/cpu{ML}")
}

fn live(state: &str) -> Answer {
    reply(
        200,
        json!({ "id": format!("{WORKSPACE}/computes/cpu"), "properties": { "computeType": "AmlCompute", "provisioningState": state, "properties": {} } }),
    )
}

fn update() -> Asked {
    Asked::new(
        "cluster",
        &compute("cpu"),
        Verb::Patch,
        json!({ "min_instances": 0, "max_instances": 4, "idle_time_before_scale_down": 120 }),
    )
}

#[tokio::test(start_paused = true)]
async fn reads_are_repeated_as_told_or_backing_off() {
    let line = get_line();
    let wire = Wire::new([
        (&line, with(error(429, "SubscriptionRequestsThrottled"), "retry-after", "10")),
        (&line, with(error(429, "TooManyRequests"), "retry-after", "soon")),
        (&line, reply(502, Json::Null)),
        (&line, Answer::Lost),
        (&line, Answer::Reply(200, vec![], "{\"id\":".to_owned())),
        (&line, live("Succeeded")),
    ]);
    assert!(wire.provider().get(kind("cluster"), &compute("cpu")).await.unwrap().is_some());
    let at: Vec<u64> = wire.end().iter().map(|s| s.at.as_secs()).collect();
    let pauses: Vec<u64> = at.windows(2).map(|w| w[1] - w[0]).collect();
    for (pause, least) in pauses.iter().zip([10, 2, 4, 8, 16]) {
        assert!((least..=least * 5 / 4 + 1).contains(pause), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_give_up_in_the_end() {
    let line = get_line();
    let wire =
        Wire::new(std::array::from_fn::<_, 16, _>(|_| (line.as_str(), error(500, "InternalServerError"))));
    let provider = wire.provider();
    let error = provider.get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert_eq!((error.outcome, error.status), (Outcome::Unknown, Some(500)));
}

#[tokio::test(start_paused = true)]
async fn too_long_a_wait_is_not_begun() {
    let wire = Wire::new([(&get_line(), with(error(429, "TooManyRequests"), "retry-after", "86400"))]);
    let error = wire.provider().get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert!(error.is_throttled());
}

#[tokio::test(start_paused = true)]
async fn one_refusal_stops_the_whole_bucket() {
    let line = get_line();
    let wire = Wire::new([
        (&line, with(error(429, "TooManyRequests"), "retry-after", "60")),
        (&line, live("Succeeded")),
        (&line, live("Succeeded")),
    ]);
    let provider = wire.provider();
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        provider.get(kind("cluster"), &compute("cpu")).await
    };
    let id = compute("cpu");
    let (a, b) = tokio::join!(provider.get(kind("cluster"), &id), later);
    assert!(a.is_ok() && b.is_ok());
    assert!(wire.end()[1..].iter().all(|s| s.at >= Duration::from_secs(60)));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once() {
    let line = get_line();
    let wire = Wire::new([(&line, error(401, "ExpiredAuthenticationToken")), (&line, live("Succeeded"))]);
    assert!(wire.provider().get(kind("cluster"), &compute("cpu")).await.is_ok());
    let wire = Wire::new([
        (&line, error(401, "InvalidAuthenticationToken")),
        (&line, error(401, "InvalidAuthenticationToken")),
    ]);
    let error = wire.provider().get(kind("cluster"), &compute("cpu")).await.unwrap_err();
    assert_eq!((error.outcome, error.status), (Outcome::NotDone, Some(401)));
    wire.end();
}

#[tokio::test(start_paused = true)]
async fn writes_that_were_not_carried_out_are_repeated() {
    let patch = format!("PATCH ~/computes/cpu{ML}");
    let wire = Wire::new([
        (&patch, error(429, "TooManyRequests")),
        (&patch, Answer::Unreachable),
        (&patch, error(424, "FailedDependency")),
        (&patch, reply(200, json!({}))),
    ]);
    assert!(update().send(&wire.provider()).await.unwrap().operation.is_none());
    wire.end();
    for (status, code) in
        [(400, "Conflict"), (403, "AuthorizationFailed"), (409, "ScopeLocked"), (412, "Conflict")]
    {
        let wire = Wire::new([(&patch, error(status, code))]);
        let refused = update().send(&wire.provider()).await.unwrap_err();
        assert_eq!((refused.outcome, refused.status), (Outcome::NotDone, Some(status)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_in_the_way_is_waited_out() {
    let patch = format!("PATCH ~/computes/cpu{ML}");
    let line = get_line();
    // Any conflict, while an operation is seen to run.
    let wire = Wire::new([
        (&patch, error(409, "WordOfAProvider")),
        (&line, live("Updating")),
        (&line, live("Updating")),
        (&line, live("Succeeded")),
        (&patch, reply(200, json!({}))),
    ]);
    assert!(update().send(&wire.provider()).await.is_ok());
    wire.end();
    // Some conflicts are believed without seeing one, but not for ever; others are not.
    let anyway = |code| {
        let round = [(patch.as_str(), error(409, code)), (line.as_str(), live("Succeeded"))];
        std::array::from_fn::<_, 12, _>(|at| round[at % 2].clone())
    };
    let wire = Wire::new(anyway("AnotherOperationInProgress"));
    assert!(update().send(&wire.provider()).await.unwrap_err().is_conflict());
    wire.end();
    let wire = Wire::new([(&patch, error(409, "WordOfAProvider")), (&line, live("Succeeded"))]);
    assert!(update().send(&wire.provider()).await.unwrap_err().is_conflict());
    wire.end();
}

#[tokio::test(start_paused = true)]
async fn a_parent_made_a_moment_ago_is_waited_for() {
    let group = model::ArmId::group("s", "rg");
    let (put_group, put) =
        ("PUT /subscriptions/s/resourceGroups/rg?api-version=2022-09-01", format!("PUT ~{ML}"));
    let place = || json!({ "location": "westeurope" });
    let wire = Wire::new([
        (put_group, reply(201, json!({}))),
        (&put, error(404, "ResourceGroupNotFound")),
        (&put, reply(200, json!({}))),
    ]);
    let provider = wire.provider();
    Asked::new("resource_group", &group, Verb::Create, place()).send(&provider).await.unwrap();
    Asked::new("workspace", &workspace(), Verb::Create, place()).send(&provider).await.unwrap();
    wire.end();
    // One that this run did not make is just not there.
    let wire = Wire::new([(&put, error(404, "ResourceGroupNotFound"))]);
    let refused = Asked::new("workspace", &workspace(), Verb::Create, place()).send(&wire.provider()).await;
    assert!(refused.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_create_does_not_overwrite_what_somebody_made_meanwhile() {
    let wire = Wire::new([(&format!("GET ~{ML}"), reply(200, json!({ "location": "westeurope" })))]);
    let create = Asked::new("workspace", &workspace(), Verb::Create, json!({ "location": "westeurope" }));
    let refused = create.send(&wire.provider()).await.unwrap_err();
    assert_eq!((refused.outcome, refused.code.as_str()), (Outcome::NotDone, "AlreadyExists"));
    assert!(refused.advice.unwrap().contains("adopt"));
    wire.end();
}

#[tokio::test(start_paused = true)]
async fn a_region_that_only_fails_gets_no_new_writes() {
    let at = |method: &str, n: usize| format!("{method} ~/computes/c{n}{ML}");
    // Each is sent four times, and looked at each time.
    let (down, missing) = (error(503, "ServerBusy"), error(404, "ResourceNotFound"));
    let lines = [at("PUT", 0), at("PUT", 1), at("GET", 0), at("GET", 1), at("GET", 2), format!("GET ~{ML}")];
    let wire = Wire::new([
        (&lines[5], reply(200, json!({ "location": "westeurope" }))),
        (&lines[0], down.clone()),
        (&lines[0], down.clone()),
        (&lines[0], down.clone()),
        (&lines[0], down.clone()),
        (&lines[2], missing.clone()),
        (&lines[1], down.clone()),
        (&lines[1], down.clone()),
        (&lines[1], down.clone()),
        (&lines[1], down),
        (&lines[3], missing.clone()),
        (&lines[4], missing),
    ]);
    let provider = wire.provider();
    let create = async |n: usize| {
        let asked = Asked::new("cluster", &compute(&format!("c{n}")), Verb::Create, json!({}));
        asked.send(&provider).await.unwrap_err()
    };
    assert_eq!(create(0).await.outcome, Outcome::Unknown);
    assert_eq!(create(1).await.outcome, Outcome::Unknown);
    let refused = create(2).await;
    assert_eq!((refused.outcome, refused.code.as_str()), (Outcome::NotDone, "RegionDown"));
    wire.end();
}

#[tokio::test(start_paused = true)]
async fn a_write_without_a_reply_is_looked_at_before_it_is_repeated() {
    let patch = format!("PATCH ~/computes/cpu{ML}");
    let line = get_line();
    let lost = [
        Answer::Lost,
        error(500, "x"),
        error(504, "GatewayTimeout"),
        Answer::Reply(200, vec![], "<html>".to_owned()),
    ];
    for answer in lost {
        // It was not carried out, or it was and has ended: the same request does no harm.
        let wire = Wire::new([
            (&patch, answer.clone()),
            (&line, live("Succeeded")),
            (&patch, reply(200, json!({}))),
        ]);
        assert!(update().send(&wire.provider()).await.unwrap().operation.is_none());
        wire.end();
        // It is under way.
        let wire = Wire::new([(&patch, answer.clone()), (&line, live("Updating"))]);
        assert_eq!(update().send(&wire.provider()).await.unwrap().operation.unwrap().url, None);
        wire.end();
        // Nobody can tell.
        let wire = Wire::new([(&patch, answer), (&line, error(404, "ResourceNotFound"))]);
        assert_eq!(update().send(&wire.provider()).await.unwrap_err().outcome, Outcome::Unknown);
        wire.end();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_create_is_found_or_repeated() {
    let create = || Asked::new("workspace", &workspace(), Verb::Create, json!({ "location": "westeurope" }));
    let put = format!("PUT ~{ML}");
    let get = format!("GET ~{ML}");
    let wire = Wire::new([
        (&put, Answer::Lost),
        (&get, error(404, "ResourceNotFound")),
        (&put, reply(202, Json::Null)),
    ]);
    assert!(create().send(&wire.provider()).await.unwrap().operation.is_some());
    wire.end();
    let wire = Wire::new([
        (&put, Answer::Lost),
        (&get, reply(200, json!({ "properties": { "provisioningState": "Succeeded" } }))),
    ]);
    assert!(create().send(&wire.provider()).await.unwrap().operation.is_none());
    wire.end();
}

#[tokio::test(start_paused = true)]
async fn a_lost_delete_is_looked_at() {
    let delete = format!("DELETE ~/computes/cpu{ML}&underlyingResourceAction=Delete");
    let line = get_line();
    for (answer, operation) in [(error(404, "ResourceNotFound"), false), (live("Deleting"), true)] {
        let wire = Wire::new([(&delete, Answer::Lost), (&line, answer)]);
        let sent = Asked::new("cluster", &compute("cpu"), Verb::Delete, json!({}))
            .send(&wire.provider())
            .await
            .unwrap();
        assert_eq!(sent.operation.is_some_and(|o| o.deletes), operation);
        wire.end();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_post_is_never_repeated() {
    let power = |state: &str| {
        reply(
            200,
            json!({ "id": format!("{WORKSPACE}/computes/cpu"), "properties": { "computeType": "ComputeInstance", "properties": { "state": state } } }),
        )
    };
    for (state, known) in [("Stopped", false), ("Starting", true), ("Running", true)] {
        let wire = Wire::new([
            (&format!("POST ~/computes/cpu/start{ML}"), Answer::Lost),
            (&get_line(), power(state)),
        ]);
        let sent =
            Asked::new("instance", &compute("cpu"), Verb::Start, json!({})).send(&wire.provider()).await;
        assert_eq!(sent.is_ok(), known, "{state}");
        wire.end();
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_before_a_write_has_changed_nothing() {
    let line = format!("GET ~{ML}");
    let wire = Wire::new(std::array::from_fn::<_, 16, _>(|_| (line.as_str(), Answer::Lost)));
    let create = Asked::new("cluster", &compute("cpu"), Verb::Create, json!({}));
    assert_eq!(create.send(&wire.provider()).await.unwrap_err().outcome, Outcome::NotDone);
}
