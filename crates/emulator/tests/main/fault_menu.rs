//! The fault menu, entry by entry: what the client sees, what the cloud did, and that the rule says it fired.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use emulator::{Delivery, Method, Options, Response};
use serde_json::{Value, json};

use crate::support::{
    Cloud, GROUP, cluster_body, code, compute, instance_body, message, raw, request, workspace,
};

fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

/// Whether the cluster `cpu` stands.
fn stands(cloud: &mut Cloud) -> bool {
    cloud.get(&compute("cpu")).status == 200
}

fn state(cloud: &mut Cloud, target: &str) -> Value {
    cloud.get(target).value()["properties"]["provisioningState"].clone()
}

/// A PUT of the cluster `cpu` under a fault that strikes it.
fn struck(cloud: &mut Cloud, fault: &Value) -> Response {
    let mut fault = fault.clone();
    fault["method"] = json!("PUT");
    let id = cloud.inject(&fault);
    let reply = cloud.put(&compute("cpu"), &cluster_body());
    assert_eq!(cloud.fault(id).fired, 1, "{fault}");
    assert_eq!(cloud.fault(id).requests, [reply.header("x-ms-request-id").unwrap()]);
    reply
}

/// One row: the fault, the status and code of the reply, `x-ms-failure-cause`, and part of the message.
type Row = (&'static str, u16, &'static str, &'static str, &'static str);

/// Everything that refuses, with its words (arm-faults §3 to §5).
const REFUSALS: [Row; 17] = [
    (
        "429",
        429,
        "SubscriptionRequestsThrottled",
        "gateway",
        "Number of 'write' requests for subscription '00000000-",
    ),
    ("429-service-with-budget-left", 429, "TooManyRequests", "service", "throttled"),
    ("408-before", 408, "RequestTimeout", "gateway", "within the allowed time"),
    ("408-after", 408, "RequestTimeout", "gateway", "within the allowed time"),
    ("409-in-progress", 409, "Conflict", "service", "Cannot modify resource with id '/subscriptions/"),
    (
        "409-locked",
        409,
        "ScopeLocked",
        "gateway",
        "/computes/cpu' cannot perform write operation because following scope(s) are locked: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg'. Please remove the lock and try again.",
    ),
    (
        "403-policy",
        403,
        "RequestDisallowedByPolicy",
        "gateway",
        "Resource 'cpu' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":{",
    ),
    (
        "403-rbac",
        403,
        "AuthorizationFailed",
        "gateway",
        "does not have authorization to perform action 'Microsoft.MachineLearningServices/workspaces/computes/write' over scope '/subscriptions/",
    ),
    (
        "401-expired",
        401,
        "ExpiredAuthenticationToken",
        "gateway",
        "The access token expiry UTC time '11/21/2026 7:01:00 AM' is earlier than current UTC time '11/21/2026 8:01:00 AM'.",
    ),
    ("401-claims", 401, "TokenCreatedWithOutdatedPolicies", "gateway", "challenge"),
    (
        "404-subscription",
        404,
        "SubscriptionNotFound",
        "gateway",
        "The subscription '00000000-0000-0000-0000-000000000001' could not be found.",
    ),
    ("412", 412, "PreconditionFailed", "service", "does not hold"),
    ("500-before", 500, "InternalServerError", "service", "internal error"),
    ("500-after", 500, "InternalServerError", "service", "internal error"),
    ("503", 503, "ServerBusy", "service", "busy"),
    (
        "504-before",
        504,
        "GatewayTimeout",
        "gateway",
        "The gateway did not receive a response from 'Microsoft.MachineLearningServices' within the specified time period.",
    ),
    ("504-after", 504, "GatewayTimeout", "gateway", "The gateway did not receive a response"),
];

#[test]
fn refusals_have_arms_words_and_take_effect_only_where_they_say_so() {
    for (name, status, error, cause, text) in REFUSALS {
        let mut cloud = cloud();
        let reply = struck(&mut cloud, &json!({ "fault": name }));
        assert_eq!((reply.status, code(&reply).as_str()), (status, error), "{name}");
        assert!(message(&reply).contains(text), "{name}: {}", message(&reply));
        assert_eq!(reply.header("x-ms-failure-cause"), Some(cause), "{name}");
        assert_eq!(stands(&mut cloud), name.ends_with("-after"), "{name}");
    }
}

#[test]
fn every_refusal_without_a_twin_can_come_after_the_effect_too() {
    for (name, status, ..) in REFUSALS {
        let mut cloud = cloud();
        let fault = serde_json::from_value(json!({ "fault": name, "after_effect": true })).unwrap();
        let now = cloud.now;
        let is_twin = name.ends_with("-before") || name.ends_with("-after");
        match cloud.world.inject(fault, now) {
            Ok(_) => {
                assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, status, "{name}");
                assert!(!is_twin && stands(&mut cloud), "{name}");
            }
            Err(reason) => assert!(is_twin || name.starts_with("401"), "{name}: {reason}"),
        }
    }
}

#[test]
fn a_refusal_takes_another_code_and_message() {
    let mut cloud = cloud();
    let reply = struck(&mut cloud, &json!({ "fault": "412", "code": "ConditionNotMet", "message": "no" }));
    assert_eq!((code(&reply), message(&reply)), ("ConditionNotMet".to_owned(), "no".to_owned()));
}

#[test]
fn retry_after_comes_in_seconds_as_a_date_as_garbage_or_not_at_all() {
    let cases = [
        (Value::Null, Some("10")),
        (json!(3), Some("3")),
        (json!("none"), None),
        (json!("date"), Some("Sat, 21 Nov 2026 08:01:10 GMT")),
        (json!("garbage"), Some("soon")),
        (json!("-1"), Some("-1")),
    ];
    for (asked, shown) in cases {
        let mut cloud = cloud();
        let reply = struck(&mut cloud, &json!({ "fault": "429", "retry_after": asked }));
        assert_eq!(reply.header("retry-after"), shown, "{asked}");
        assert_eq!(
            reply.headers.iter().filter(|(name, _)| name == "Retry-After").count(),
            usize::from(shown.is_some())
        );
        assert_eq!(reply.header("x-ms-ratelimit-remaining-subscription-writes"), Some("0"));
    }
    let mut cloud = cloud();
    let reply = struck(&mut cloud, &json!({ "fault": "429-service-with-budget-left" }));
    assert_eq!(reply.header("retry-after"), Some("5"));
    assert_eq!(
        reply.header("x-ms-ratelimit-remaining-subscription-writes"),
        Some("199"),
        "ARM has budget left"
    );
}

#[test]
fn a_conflict_lasts_for_as_many_requests_as_it_is_told() {
    let mut cloud = cloud();
    let id = cloud.inject(&json!({ "fault": "409-in-progress", "count": 3, "path_contains": "/computes/" }));
    let mut put = || cloud.put(&compute("cpu"), &cluster_body()).status;
    assert_eq!([put(), put(), put(), put()], [409, 409, 409, 201]);
    assert_eq!(cloud.fault(id).fired, 3);
}

#[test]
fn a_policy_refusal_says_what_it_looked_at() {
    let mut cloud = cloud();
    let reply = struck(&mut cloud, &json!({ "fault": "403-policy" })).value();
    assert_eq!(reply["error"]["target"], "cpu");
    let info = &reply["error"]["additionalInfo"][0];
    assert_eq!(info["type"], "PolicyViolation");
    assert_eq!(info["info"]["policyDefinitionDisplayName"], "Allowed locations");
    assert_eq!(info["info"]["policyDefinitionEffect"], "deny");
    let expression = &info["info"]["evaluationDetails"]["evaluatedExpressions"][0];
    assert_eq!(
        (&expression["path"], &expression["expressionValue"]),
        (&json!("location"), &json!("westeurope"))
    );
}

#[test]
fn a_linked_refusal_names_the_second_resource() {
    let mut cloud = cloud();
    let subnet = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/net/subnets/ml");
    let reply = struck(&mut cloud, &json!({ "fault": "403-rbac", "id": subnet }));
    assert_eq!(code(&reply), "LinkedAuthorizationFailed");
    assert!(
        message(&reply)
            .contains("'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s)")
    );
    assert!(message(&reply).contains(&subnet));
}

#[test]
fn an_expired_token_can_be_refused_in_the_middle_of_polling_until_another_one_comes() {
    let mut cloud = cloud();
    let id = cloud
        .inject(&json!({ "fault": "401-expired", "target": "poll", "nth": 2, "value": "until_renewed" }));
    let url = cloud.put(&compute("cpu"), &cluster_body()).header("azure-asyncoperation").unwrap().to_owned();
    assert_eq!(cloud.follow(&url).status, 200);
    let refused = cloud.follow(&url);
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    assert_eq!((cloud.follow(&url).status, cloud.get(GROUP).status), (401, 401), "the same token");
    let bearer = format!("Bearer {}", cloud.token(""));
    let renewed = raw(Method::Get, url.strip_prefix("http://127.0.0.1:1").unwrap());
    let renewed = renewed.header("authorization", &bearer);
    assert_eq!(cloud.send(&renewed).status, 200);
    assert_eq!(cloud.fault(id).fired, 3);
}

#[test]
fn a_claims_challenge_is_met_by_a_token_that_was_asked_for_with_them() {
    let mut cloud = cloud();
    let id = cloud.inject(&json!({ "fault": "401-claims" }));
    let challenge = cloud.get(GROUP).header("www-authenticate").unwrap().to_owned();
    assert!(
        challenge.starts_with(
            "Bearer realm=\"\", authorization_uri=\"http://127.0.0.1:1/common/oauth2/authorize\""
        )
    );
    let (_, claims) = challenge.split_once("error=\"insufficient_claims\", claims=\"").unwrap();
    let claims = String::from_utf8(STANDARD.decode(claims.trim_end_matches('"')).unwrap()).unwrap();
    let mut status = |further: &str| {
        let bearer = format!("Bearer {}", cloud.token(further));
        cloud.send(&request(Method::Get, GROUP).header("authorization", &bearer)).status
    };
    assert_eq!(status(""), 401, "a new token alone is not enough");
    assert_eq!(status("&claims=%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%7D%7D%7D"), 401);
    let further: String = url::form_urlencoded::byte_serialize(claims.as_bytes()).collect();
    assert_eq!(status(&format!("&claims={further}")), 200);
    assert_eq!(cloud.get(GROUP).status, 401, "the old token stays refused");
    assert_eq!(cloud.fault(id).fired, 4);
}

#[test]
fn a_claims_challenge_can_pass_by_itself() {
    let mut cloud = cloud();
    let id = cloud.inject(&json!({ "fault": "401-claims", "count": 2 }));
    let mut status = || cloud.get(GROUP).status;
    assert_eq!([status(), status(), status()], [401, 401, 200]);
    assert_eq!(cloud.fault(id).fired, 2);
}

#[test]
fn a_new_resource_is_not_found_at_first() {
    let mut cloud = cloud();
    let id = cloud.inject(&json!({ "fault": "404-after-201", "count": 2 }));
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201);
    assert_eq!((cloud.fault(id).fired, cloud.fault(id).waiting), (0, 2), "it has not happened yet");
    let reply = cloud.get(&compute("CPU"));
    assert_eq!((reply.status, code(&reply).as_str()), (404, "ResourceNotFound"));
    assert_eq!((cloud.get(&compute("cpu")).status, cloud.get(&compute("cpu")).status), (404, 200));
    let report = cloud.fault(id);
    assert_eq!((report.fired, report.waiting, report.spent), (2, 0, true));
    cloud.pass(60);
    let id = cloud.inject(&json!({ "fault": "404-after-201" }));
    cloud.put(&compute("cpu"), &cluster_body());
    assert_eq!((stands(&mut cloud), cloud.fault(id).seen), (true, 0), "an update is no create");
}

#[test]
fn reads_lag_behind_a_write() {
    let mut cloud = cloud();
    let id = cloud.inject(&json!({ "fault": "stale-get", "path_contains": "resourceGroups/rg", "count": 2 }));
    cloud.patch(GROUP, &json!({ "tags": { "a": "new" } }));
    let mut tags = || cloud.get(GROUP).value()["tags"].clone();
    assert_eq!([tags(), tags(), tags()], [json!({}), json!({}), json!({ "a": "new" })]);
    assert_eq!(cloud.fault(id).fired, 2);

    cloud.put(&compute("cpu"), &cluster_body());
    cloud.pass(60);
    cloud.inject(&json!({ "fault": "stale-get", "method": "DELETE" }));
    cloud.delete(&format!("{}?underlyingResourceAction=Delete", compute("cpu")));
    cloud.pass(120);
    assert_eq!(state(&mut cloud, &compute("cpu")), "Succeeded", "gone, and still shown");
    assert!(!stands(&mut cloud));
}

#[test]
fn lists_lag_behind_a_write() {
    let mut cloud = cloud();
    let list = format!("{}/computes", workspace());
    let names = |cloud: &mut Cloud| -> Vec<String> {
        let value = cloud.get(&list).value();
        value["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    cloud.put(&compute("old"), &cluster_body());
    cloud.pass(60);
    let id = cloud.inject(&json!({ "fault": "stale-list", "method": "PUT" }));
    cloud.put(&compute("new"), &cluster_body());
    assert!(cloud.get(&compute("new")).status == 200, "only lists lag");
    assert_eq!(names(&mut cloud), ["old"]);
    assert_eq!(names(&mut cloud), ["new", "old"]);
    assert_eq!(cloud.fault(id).fired, 1);
    cloud.inject(&json!({ "fault": "stale-list", "method": "DELETE" }));
    cloud.delete(&format!("{}?underlyingResourceAction=Delete", compute("old")));
    cloud.pass(120);
    assert_eq!(names(&mut cloud), ["new", "old"], "gone, and still listed");
    assert_eq!(names(&mut cloud), ["new"]);
}

#[test]
fn broken_servers_answer_without_json() {
    let mut cloud = cloud();
    let reply = struck(&mut cloud, &json!({ "fault": "500-before", "value": "plain" }));
    assert_eq!(reply.header("x-ms-failure-cause"), Some("service"));
    let text = "The page cannot be displayed because an internal server error has occurred.";
    assert_eq!(String::from_utf8(reply.body).unwrap(), text);
    for after in [false, true] {
        let mut cloud = self::cloud();
        let reply =
            struck(&mut cloud, &json!({ "fault": "502-html", "after_effect": after, "retry_after": 4 }));
        assert_eq!((reply.status, reply.header("content-type")), (502, Some("text/html")));
        assert_eq!(reply.header("retry-after"), Some("4"));
        assert!(reply.body.starts_with(b"<html>"));
        assert_eq!(stands(&mut cloud), after);
    }
}

#[test]
fn replies_get_lost_before_and_after_the_effect() {
    for (fault, delivery, effect) in [
        (json!({ "fault": "reset-before" }), Delivery::Reset, false),
        (json!({ "fault": "reset-after" }), Delivery::Reset, true),
        (json!({ "fault": "hang" }), Delivery::Hang, false),
        (json!({ "fault": "hang", "after_effect": true }), Delivery::Hang, true),
    ] {
        let mut cloud = cloud();
        assert_eq!(struck(&mut cloud, &fault).delivery, delivery);
        assert_eq!(stands(&mut cloud), effect, "{fault}");
    }
}

#[test]
fn bodies_arrive_in_part_or_late() {
    let mut cloud = cloud();
    let whole = cloud.get(GROUP).body;
    let id = cloud.inject(&json!({ "fault": "truncate-body", "method": "GET" }));
    let reply = cloud.get(GROUP);
    assert_eq!((reply.delivery, reply.body.len()), (Delivery::Truncated(whole.len() / 2), whole.len()));
    assert_eq!(cloud.fault(id).fired, 1);
    cloud.inject(&json!({ "fault": "truncate-body", "value": 7 }));
    assert_eq!(cloud.get(GROUP).delivery, Delivery::Truncated(7));
    let id = cloud.inject(&json!({ "fault": "slow-body", "seconds": 0.5 }));
    assert_eq!(
        cloud.call(Method::Delete, &compute("none"), None).delivery,
        Delivery::Slow(Duration::from_millis(500))
    );
    assert_eq!(cloud.fault(id).fired, 1);
}

#[test]
fn a_failed_create_stays_and_holds_its_name() {
    for (name, word) in [("lro-failed", "Failed"), ("lro-canceled", "Canceled")] {
        let mut cloud = cloud();
        let mut body = cluster_body();
        body["properties"]["properties"]["scaleSettings"]["minNodeCount"] = json!(2);
        let fault = json!({ "fault": name, "code": "Why", "message": "because" });
        let id = cloud.inject(&fault);
        let reply = cloud.put(&compute("cpu"), &body);
        assert_eq!((reply.status, cloud.fault(id).fired), (201, 1));
        assert_eq!(cloud.status(&reply), json!({ "status": "InProgress" }));
        assert_eq!(state(&mut cloud, &compute("cpu")), "Creating");
        cloud.pass(10);
        let status = cloud.status(&reply);
        assert_eq!(
            (&status["status"], &status["error"]),
            (&json!(word), &json!({ "code": "Why", "message": "because" }))
        );
        assert!(
            status["name"].is_string() && status["startTime"].is_string() && status["endTime"].is_string()
        );
        let shown = cloud.get(&compute("cpu")).value();
        assert_eq!(shown["properties"]["provisioningState"], word);
        assert_eq!(shown["properties"]["provisioningErrors"][0]["error"]["code"], "Why");
        assert_eq!(shown["properties"]["properties"]["currentNodeCount"], 0);
        cloud.pass(600);
        assert_eq!(state(&mut cloud, &compute("cpu")), word);
        let again = cloud.put(&compute("cpu"), &cluster_body());
        assert_eq!(again.status, 400);
        assert!(message(&again).contains("is already in use"));
        cloud.delete(&format!("{}?underlyingResourceAction=Delete", compute("cpu")));
        cloud.pass(120);
        assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201);
    }
}

#[test]
fn a_failed_update_goes_back_or_keeps_what_it_was_given() {
    for (reverts, tags, end) in [(true, json!({}), "Succeeded"), (false, json!({ "a": "b" }), "Failed")] {
        let mut cloud = cloud();
        cloud.put(&compute("cpu"), &cluster_body());
        cloud.pass(60);
        cloud.inject(&json!({ "fault": "lro-failed", "reverts": reverts }));
        let mut body = cluster_body();
        body["tags"] = json!({ "a": "b" });
        let reply = cloud.put(&compute("cpu"), &body);
        assert_eq!(cloud.get(&compute("cpu")).value()["tags"], json!({ "a": "b" }), "on the way");
        cloud.pass(60);
        assert_eq!(cloud.status(&reply)["status"], "Failed");
        let shown = cloud.get(&compute("cpu")).value();
        assert_eq!((&shown["tags"], &shown["properties"]["provisioningState"]), (&tags, &json!(end)));
    }
}

#[test]
fn a_failed_delete_and_a_failed_stop_leave_the_resource() {
    let mut cloud = cloud();
    cloud.put(&compute("ci-a"), &instance_body());
    cloud.pass(300);
    for name in ["lro-failed", "lro-canceled"] {
        cloud.inject(&json!({ "fault": name, "method": "DELETE" }));
        let reply = cloud.delete(&format!("{}?underlyingResourceAction=Delete", compute("ci-a")));
        assert_eq!(state(&mut cloud, &compute("ci-a")), "Deleting");
        cloud.pass(600);
        assert_ne!(cloud.status(&reply)["status"], "Succeeded");
        assert_eq!(state(&mut cloud, &compute("ci-a")), "Succeeded");
    }
    cloud.inject(&json!({ "fault": "lro-failed", "method": "POST" }));
    cloud.post(&format!("{}/stop", compute("ci-a")), None);
    assert_eq!(cloud.get(&compute("ci-a")).value()["properties"]["properties"]["state"], "Stopping");
    cloud.pass(600);
    let shown = cloud.get(&compute("ci-a")).value();
    let inner = &shown["properties"]["properties"];
    assert_eq!(
        (&inner["state"], &inner["lastOperation"]["operationStatus"]),
        (&json!("Running"), &json!("StopFailed"))
    );

    cloud.inject(&json!({ "fault": "lro-failed", "method": "DELETE" }));
    cloud.delete(&workspace());
    cloud.pass(600);
    assert_eq!(state(&mut cloud, &workspace()), "Succeeded");
    assert_eq!(
        cloud.put(&workspace(), &crate::support::workspace_body()).status,
        202,
        "nothing holds its name"
    );
}

#[test]
fn operations_of_every_style_can_fail() {
    let mut cloud = cloud();
    let storage = format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/sa1");
    let id =
        cloud.inject(&json!({ "fault": "lro-failed", "path_contains": "/storageAccounts/", "code": "Why" }));
    let body = json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" } });
    let url = cloud.put(&storage, &body).header("location").unwrap().to_owned();
    cloud.pass(60);
    let failed = cloud.follow(&url);
    assert_eq!(
        (failed.status, code(&failed), state(&mut cloud, &storage)),
        (400, "Why".to_owned(), json!("Failed"))
    );

    let other = workspace().replace("research", "other");
    cloud.inject(&json!({ "fault": "lro-canceled", "path_contains": "/workspaces/other" }));
    let reply = cloud.put(&other, &crate::support::workspace_body());
    cloud.pass(60);
    assert_eq!(
        (cloud.status(&reply)["status"].as_str(), state(&mut cloud, &other)),
        (Some("Canceled"), json!("Canceled"))
    );

    cloud.inject(&json!({ "fault": "lro-failed", "method": "DELETE" }));
    let url = cloud.delete(GROUP).header("location").unwrap().to_owned();
    assert_eq!(state(&mut cloud, GROUP), "Deleting");
    cloud.pass(600);
    assert_eq!((cloud.follow(&url).status, state(&mut cloud, GROUP)), (400, json!("Succeeded")));
    assert_eq!((cloud.get(&workspace()).status, cloud.fault(id).fired), (200, 1));
}

#[test]
fn an_operation_can_succeed_while_its_resource_fails() {
    let mut cloud = cloud();
    let reply = struck(&mut cloud, &json!({ "fault": "lro-succeeded-resource-failed" }));
    cloud.pass(60);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    assert_eq!(state(&mut cloud, &compute("cpu")), "Failed");
}

#[test]
fn an_operation_can_take_longer_or_for_ever() {
    let mut cloud = cloud();
    let reply = struck(&mut cloud, &json!({ "fault": "lro-stuck", "seconds": 3_600 }));
    cloud.pass(3_609);
    assert_eq!(cloud.status(&reply)["status"], "InProgress");
    assert_eq!(state(&mut cloud, &compute("cpu")), "Creating");
    cloud.pass(1);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    assert_eq!(state(&mut cloud, &compute("cpu")), "Succeeded");
    cloud.inject(&json!({ "fault": "lro-stuck" }));
    let reply = cloud.delete(&format!("{}?underlyingResourceAction=Delete", compute("cpu")));
    cloud.pass(1_000_000_000);
    assert_eq!(cloud.status(&reply)["status"], "InProgress");
    assert_eq!(state(&mut cloud, &compute("cpu")), "Deleting");
}

#[test]
fn polls_can_miss_their_operation_or_read_a_strange_word() {
    let mut cloud = cloud();
    let missing = cloud.inject(&json!({ "fault": "lro-404", "count": 2 }));
    let word = cloud.inject(&json!({ "fault": "lro-unknown-word", "value": "Pondering" }));
    let url = cloud.put(&compute("cpu"), &cluster_body()).header("azure-asyncoperation").unwrap().to_owned();
    assert_eq!((cloud.follow(&url).status, cloud.follow(&url).status), (404, 404));
    assert_eq!(cloud.follow(&url).value(), json!({ "status": "Pondering" }));
    cloud.pass(60);
    assert_eq!(cloud.follow(&url).value()["status"], "Succeeded");
    assert_eq!((cloud.fault(missing).fired, cloud.fault(word).fired), (2, 1));
}

#[test]
fn operations_can_be_announced_nowhere_or_somewhere_else() {
    let mut cloud = cloud();
    let reply = struck(&mut cloud, &json!({ "fault": "lro-no-header" }));
    assert_eq!((reply.status, reply.header("azure-asyncoperation")), (201, None));
    let mut cloud = self::cloud();
    let reply =
        struck(&mut cloud, &json!({ "fault": "lro-foreign-host", "host": "https://evil.example:444" }));
    let url = reply.header("azure-asyncoperation").unwrap();
    assert!(url.starts_with("https://evil.example:444/subscriptions/") && url.contains("&s="), "{url}");
    assert!(stands(&mut cloud));
}

#[test]
fn lists_can_go_on_elsewhere_or_in_circles() {
    let mut cloud = cloud();
    let list = format!("{}/computes", workspace());
    let foreign = cloud.inject(&json!({ "fault": "nextlink-foreign", "path_contains": "/computes" }));
    let next = cloud.get(&list).value()["nextLink"].as_str().unwrap().to_owned();
    assert!(next.starts_with("https://management.azure.example/subscriptions/"), "{next}");
    let looping = cloud.inject(&json!({ "fault": "nextlink-loop", "times": 5 }));
    let first = cloud.get(&list).value();
    let again = cloud.follow(first["nextLink"].as_str().unwrap()).value();
    assert_eq!(first, again);
    cloud.get(GROUP);
    assert_eq!((cloud.fault(foreign).fired, cloud.fault(looping).fired), (1, 2), "a group is no list");
}

#[test]
fn a_redirect_names_another_host() {
    let mut cloud = cloud();
    let reply = struck(&mut cloud, &json!({ "fault": "redirect-foreign", "host": "https://evil.example" }));
    assert_eq!(reply.status, 307);
    assert_eq!(
        reply.header("location").unwrap(),
        format!("https://evil.example{}?api-version=2026-05-01", compute("cpu"))
    );
    assert!(!stands(&mut cloud));
    let reply =
        struck(&mut cloud, &json!({ "fault": "redirect-foreign", "status": 308, "after_effect": true }));
    assert_eq!((reply.status, stands(&mut cloud)), (308, true));
}

#[test]
fn a_policy_adds_to_what_was_sent() {
    let mut cloud = cloud();
    struck(&mut cloud, &json!({ "fault": "policy-modifies" }));
    assert_eq!(cloud.get(&compute("cpu")).value()["tags"], json!({ "policy": "modified" }));
    let value = json!({ "tags": { "cost": "7" }, "identity": { "type": "SystemAssigned" } });
    let id = cloud.inject(&json!({ "fault": "policy-modifies", "value": value }));
    cloud.put(&compute("other"), &cluster_body());
    let shown = cloud.get(&compute("other")).value();
    assert_eq!(
        (&shown["tags"], &shown["identity"]["type"]),
        (&json!({ "cost": "7" }), &json!("SystemAssigned"))
    );
    assert_eq!(cloud.fault(id).fired, 1);
}

#[test]
fn casing_changes_in_ids_types_and_locations() {
    let mut cloud = cloud();
    let id = cloud.inject(&json!({ "fault": "casing-changes", "method": "GET" }));
    let shown = cloud.get(&workspace()).value();
    assert_eq!(shown["id"], workspace().to_ascii_lowercase());
    assert_eq!(
        (&shown["type"], &shown["location"]),
        (&json!("microsoft.machinelearningservices/workspaces"), &json!("West Europe"))
    );
    assert_eq!(shown["name"], "research");
    assert_eq!(cloud.fault(id).fired, 1);
}

#[test]
fn errors_can_be_hostile() {
    let mut cloud = cloud();
    let mut body = cluster_body();
    body["properties"]["properties"]["userAccountCredentials"] =
        json!({ "adminUserName": "a", "adminUserPassword": "pw-7" });
    let id = cloud.inject(&json!({ "fault": "secret-echo", "method": "PUT" }));
    let reply = cloud.put(&compute("cpu"), &body);
    assert_eq!((reply.status, code(&reply).as_str()), (400, "InvalidRequestContent"));
    assert!(message(&reply).contains("pw-7"));
    assert_eq!(cloud.fault(id).fired, 1);
    let reply = struck(&mut cloud, &json!({ "fault": "ansi-in-message" }));
    for hostile in ["\u{1b}[31m", "\u{202e}", "\r\n", "::error::", "```"] {
        assert!(message(&reply).contains(hostile), "{hostile:?}");
    }
    assert!(!stands(&mut cloud));
}

#[test]
fn new_names_can_be_taken_elsewhere_or_held_by_the_dead() {
    let id = |kind: &str| format!("{GROUP}/providers/{kind}/thing");
    let cases = [
        (
            "name-taken-elsewhere",
            compute("cpu"),
            400,
            "BadRequest",
            "Compute name 'cpu' is not available. Reason: AlreadyExists.",
        ),
        (
            "name-taken-elsewhere",
            id("Microsoft.Storage/storageAccounts"),
            409,
            "StorageAccountAlreadyTaken",
            "named thing is already taken",
        ),
        (
            "soft-deleted",
            workspace().replace("research", "other"),
            400,
            "BadRequest",
            "Soft-deleted workspace exists.",
        ),
        (
            "soft-deleted",
            id("Microsoft.KeyVault/vaults"),
            409,
            "ConflictError",
            "A vault with the same name already exists in deleted state.",
        ),
    ];
    for (name, target, status, error, text) in cases {
        let mut cloud = cloud();
        let fault = cloud.inject(&json!({ "fault": name }));
        assert_ne!(
            cloud.put(&workspace(), &crate::support::workspace_body()).status,
            status,
            "it stands, and is ours"
        );
        let reply = cloud.put(&target, &json!({ "location": "westeurope" }));
        assert_eq!((reply.status, code(&reply).as_str()), (status, error), "{target}");
        assert!(message(&reply).contains(text), "{}", message(&reply));
        assert_eq!((cloud.fault(fault).seen, cloud.fault(fault).fired), (1, 1));
    }
}

#[test]
fn a_compute_that_failed_to_come_up_holds_its_name() {
    let mut cloud = cloud();
    let id = cloud.inject(&json!({ "fault": "failed-compute-holds-name", "method": "PUT" }));
    cloud.put(
        &format!("{GROUP}/providers/Microsoft.KeyVault/vaults/kv"),
        &json!({ "location": "westeurope", "properties": { "tenantId": "t" } }),
    );
    let reply = cloud.put(&compute("ci-a"), &instance_body());
    assert_eq!((reply.status, cloud.fault(id).fired), (201, 1));
    cloud.pass(300);
    assert_eq!(cloud.status(&reply)["status"], "Failed");
    let shown = cloud.get(&compute("ci-a")).value();
    let inner = &shown["properties"]["properties"];
    assert_eq!(
        (&inner["state"], &inner["lastOperation"]["operationStatus"]),
        (&json!("CreateFailed"), &json!("CreateFailed"))
    );
    for _ in 0..3 {
        assert_eq!(cloud.put(&compute("ci-a"), &instance_body()).status, 400);
    }
}

#[test]
fn everything_about_a_region_that_is_down_fails_until_it_is_up_again() {
    let mut cloud = cloud();
    let url = cloud.put(&compute("cpu"), &cluster_body()).header("azure-asyncoperation").unwrap().to_owned();
    let id = cloud.inject(&json!({ "fault": "region-down", "location": "West Europe", "for_seconds": 900 }));
    assert_eq!(cloud.follow(&url).status, 503, "by the path");
    assert_eq!(cloud.get(&compute("cpu")).status, 503, "by the resource");
    assert_eq!(cloud.get(&format!("{}/computes", workspace())).status, 503, "by the parent");
    let reply = cloud.put(&format!("{GROUP}-other"), &json!({ "location": "westeurope" }));
    assert_eq!((reply.status, code(&reply).as_str()), (503, "ServiceUnavailable"), "by the body");
    let elsewhere = format!("{GROUP}-east");
    assert_eq!(cloud.put(&elsewhere, &json!({ "location": "eastus" })).status, 201);
    assert_eq!(cloud.get("/subscriptions").status, 200);
    cloud.pass(900);
    assert_eq!(cloud.follow(&url).status, 200);
    assert_eq!((cloud.fault(id).fired, cloud.fault(id).spent), (4, true));
    for (value, status, delivery) in [("504", 504, Delivery::Whole), ("hang", 500, Delivery::Hang)] {
        cloud.inject(&json!({ "fault": "region-down", "location": "eastus", "value": value }));
        let reply = cloud.get(&elsewhere);
        assert_eq!((reply.status, reply.delivery), (status, delivery));
    }
}

#[test]
fn a_server_in_the_future_refuses_fresh_tokens() {
    let mut cloud = cloud();
    let reply = struck(&mut cloud, &json!({ "fault": "clock-skew" }));
    assert_eq!((reply.status, code(&reply).as_str()), (401, "ExpiredAuthenticationToken"));
    assert_eq!(reply.header("date"), Some("Sat, 21 Nov 2026 10:01:00 GMT"));
    assert!(message(&reply).contains("current UTC time '11/21/2026 10:01:00 AM'"));
    let reply = struck(&mut cloud, &json!({ "fault": "clock-skew", "seconds": 400 }));
    assert_eq!(reply.header("date"), Some("Sat, 21 Nov 2026 08:07:40 GMT"));
}

#[test]
fn somebody_else_deletes_changes_or_creates_meanwhile() {
    let mut cloud = cloud();
    cloud.put(&compute("cpu"), &cluster_body());
    cloud.pass(60);
    let changed = cloud.inject(&json!({ "fault": "changed-meanwhile", "method": "GET" }));
    assert_eq!(cloud.get(&compute("cpu")).value()["tags"], json!({ "changed": "meanwhile" }));
    let value = json!({ "tags": { "changed": "later" } });
    let later = cloud.inject(&json!({ "fault": "changed-meanwhile", "value": value, "after_effect": true }));
    assert_eq!(cloud.get(&compute("cpu")).value()["tags"]["changed"], "meanwhile");
    assert_eq!(cloud.get(&compute("cpu")).value()["tags"]["changed"], "later");

    let deleted = cloud.inject(&json!({ "fault": "deleted-meanwhile", "method": "PATCH" }));
    let scale = json!({ "properties": { "properties": { "scaleSettings": { "maxNodeCount": 2 } } } });
    assert_eq!(cloud.patch(&compute("cpu"), &scale).status, 404);
    let missed = cloud.inject(&json!({ "fault": "deleted-meanwhile", "method": "PATCH" }));
    assert_eq!(cloud.patch(&compute("cpu"), &scale).status, 404);

    let created = cloud.inject(&json!({ "fault": "created-meanwhile", "method": "PUT" }));
    let reply = cloud.put(&compute("ci-a"), &instance_body());
    assert_eq!(reply.status, 400, "it is there already: {}", reply.value());
    let by_id = cloud.inject(&json!({
        "fault": "created-meanwhile", "method": "GET", "id": compute("other"), "value": cluster_body(), "after_effect": true
    }));
    cloud.get(GROUP);
    assert_eq!(state(&mut cloud, &compute("other")), "Succeeded");
    let fired: Vec<u64> =
        [changed, later, deleted, missed, created, by_id].iter().map(|id| cloud.fault(*id).fired).collect();
    assert_eq!(fired, [1, 1, 1, 0, 1, 1]);
}

#[test]
fn faults_leave_headers_of_their_own_alone() {
    let mut cloud = cloud();
    cloud.inject(&json!({ "fault": "503" }));
    let sent = request(Method::Get, GROUP).header("x-ms-correlation-request-id", "abc");
    let reply = cloud.send(&sent);
    assert_eq!(reply.header("x-ms-correlation-request-id"), Some("abc"));
    assert!(reply.header("x-ms-request-id").is_some() && reply.header("x-ms-routing-request-id").is_some());
}

#[test]
fn every_entry_of_the_menu_is_tried_here() {
    for row in emulator::fault_table().lines() {
        let name = row.split('`').nth(1).unwrap();
        assert!(include_str!("fault_menu.rs").contains(&format!("\"{name}\"")), "{name}");
    }
}
