//! Rules of faults: which requests they strike, how they lie on each other, and what they report.

use emulator::{Fault, Method, Options};
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, cluster_body, code, compute, raw, workspace};

fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

fn statuses(cloud: &mut Cloud, method: Method, target: &str, times: usize) -> Vec<u16> {
    (0..times).map(|_| cloud.call(method, target, None).status).collect()
}

#[test]
fn a_rule_strikes_from_its_nth_request_on_as_often_as_it_says() {
    let mut cloud = cloud();
    let id = cloud
        .inject(&json!({ "fault": "503", "path_contains": "/RESOURCEGROUPS/rg?", "nth": 2, "times": 2 }));
    assert_eq!(statuses(&mut cloud, Method::Get, GROUP, 5), [200, 503, 503, 200, 200]);
    assert_eq!(cloud.get(&workspace()).status, 200, "another path");
    let report = cloud.fault(id);
    assert_eq!((report.seen, report.fired, report.waiting, report.spent), (5, 2, 0, true));
}

#[test]
fn a_rule_names_the_requests_on_which_it_fired() {
    let mut cloud = cloud();
    let id = cloud.inject(&json!({ "fault": "412", "method": "put" }));
    assert_eq!(cloud.get(GROUP).status, 200, "412 is about writes");
    let reply = cloud.put(GROUP, &json!({ "location": "westeurope" }));
    assert_eq!(reply.status, 412);
    assert_eq!(cloud.fault(id).requests, [reply.header("x-ms-request-id").unwrap()]);
}

#[test]
fn targets_tell_resources_lists_actions_and_polls_apart() {
    let mut cloud = cloud();
    let url = cloud.put(&compute("cpu"), &cluster_body()).header("azure-asyncoperation").unwrap().to_owned();
    let list = format!("{}/computes", workspace());
    let keys = format!("{}/listKeys", workspace());
    for target in ["resource", "list", "action", "poll"] {
        let id = cloud.inject(&json!({ "fault": "503", "target": target, "times": 9 }));
        let answers = [
            ("resource", cloud.get(&compute("cpu")).status),
            ("list", cloud.get(&list).status),
            ("action", cloud.post(&keys, None).status),
            ("poll", cloud.follow(&url).status),
        ];
        let struck: Vec<&str> =
            answers.iter().filter(|(_, status)| *status == 503).map(|(name, _)| *name).collect();
        assert_eq!(struck, [target]);
        assert_eq!(cloud.fault(id).fired, 1);
        cloud.world.clear_faults();
    }
}

#[test]
fn token_endpoints_are_struck_by_rules_with_a_path_alone() {
    let mut cloud = cloud();
    let mut request = raw(Method::Post, "/t/oauth2/v2.0/token");
    request.body = b"grant_type=client_credentials&client_id=a&client_secret=s&scope=x".to_vec();
    cloud.inject(&json!({ "fault": "503" }));
    assert_eq!(cloud.send(&request).status, 200);
    cloud.inject(&json!({ "fault": "502-html", "path_contains": "/oauth2/" }));
    assert_eq!(cloud.send(&request).status, 502);
}

#[test]
fn chance_repeats_with_its_seed() {
    let strikes = |seed: u64| {
        let mut cloud = cloud();
        let id = cloud.inject(&json!({ "fault": "503", "probability": 0.25, "seed": seed }));
        let statuses = statuses(&mut cloud, Method::Get, GROUP, 400);
        let report = cloud.fault(id);
        assert_eq!(report.fired, statuses.iter().filter(|status| **status == 503).count() as u64);
        assert!((60..140).contains(&report.fired), "{}", report.fired);
        assert!(!report.spent);
        statuses
    };
    assert_eq!(strikes(7), strikes(7));
    assert_ne!(strikes(7), strikes(8));
}

#[test]
fn a_rule_with_an_end_in_time_strikes_until_then() {
    let mut cloud = cloud();
    let id = cloud.inject(&json!({ "fault": "403-rbac", "for_seconds": 600 }));
    assert_eq!(statuses(&mut cloud, Method::Get, GROUP, 2), [403, 403]);
    cloud.pass(599);
    assert_eq!(cloud.get(GROUP).status, 403);
    assert!(!cloud.fault(id).spent);
    cloud.pass(1);
    assert_eq!(cloud.get(GROUP).status, 200);
    assert!(cloud.fault(id).spent);
}

#[test]
fn older_rules_lie_outside_of_younger_ones() {
    let mut cloud = cloud();
    let lost = cloud.inject(&json!({ "fault": "504-after", "method": "PUT" }));
    let failed = cloud.inject(&json!({ "fault": "lro-failed", "method": "PUT" }));
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 504);
    cloud.pass(60);
    assert_eq!(cloud.get(&compute("cpu")).value()["properties"]["provisioningState"], "Failed");
    assert_eq!((cloud.fault(lost).fired, cloud.fault(failed).fired), (1, 1));
}

#[test]
fn what_a_rule_answers_by_itself_reaches_no_younger_one() {
    let mut cloud = cloud();
    cloud.inject(&json!({ "fault": "503" }));
    let second = cloud.inject(&json!({ "fault": "500-before" }));
    assert_eq!(statuses(&mut cloud, Method::Get, GROUP, 3), [503, 500, 200]);
    assert_eq!(cloud.fault(second).seen, 2, "and not the first");
}

#[test]
fn rules_that_make_no_sense_are_refused_with_the_reason() {
    let mut cloud = cloud();
    let mut refusal = |fault: Value| {
        let fault: Fault = serde_json::from_value(fault).unwrap();
        cloud.world.inject(fault, cloud.now).unwrap_err()
    };
    assert!(refusal(json!({ "fault": "teapot" })).contains("There is no fault 'teapot'. There are: 429,"));
    assert!(
        refusal(json!({ "fault": "stale-get", "host": "x" }))
            .contains("does not take 'host'; it takes: count.")
    );
    assert!(refusal(json!({ "fault": "region-down" })).contains("needs 'location'"));
    assert!(refusal(json!({ "fault": "429", "target": "pol" })).contains("'pol' is none of: resource, list"));
    assert!(refusal(json!({ "fault": "429", "probability": 1.5 })).contains("between 0 and 1"));
    assert!(refusal(json!({ "fault": "429", "nth": 0 })).contains("from 1"));
    assert!(serde_json::from_value::<Fault>(json!({ "falut": "429" })).is_err());
}

#[test]
fn a_reply_of_ones_own_comes_as_it_is() {
    let mut cloud = cloud();
    let body = json!({ "Message": "no envelope" });
    cloud.inject(&json!({ "status": 418, "headers": { "x-own": "1" }, "body": body }));
    let reply = cloud.get(GROUP);
    assert_eq!((reply.status, reply.header("x-own"), reply.value()), (418, Some("1"), body));
    cloud.inject(&json!({ "status": 200, "body": "<html>login</html>", "after_effect": true }));
    let reply = cloud.delete(&format!("{}?underlyingResourceAction=Delete", compute("none")));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html")));
    let reply = cloud.send(&raw(Method::Get, GROUP));
    assert_eq!(code(&reply), "MissingApiVersionParameter", "faults come behind the gate");
}
