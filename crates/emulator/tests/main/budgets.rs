//! Request budgets: what they grant, what they refuse, and what they tell.

use emulator::{BudgetClock, BudgetReport, BudgetSetting, Emulator, Method, Options, Rate, Response};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, cluster_body, code, compute, message, request, workspace};

const READS: &str = "x-ms-ratelimit-remaining-subscription-reads";
const ALL_READS: &str = "x-ms-ratelimit-remaining-subscription-global-reads";

fn cloud(setting: &Value) -> Cloud {
    let mut cloud = Cloud::with_workspace(Options::default());
    cloud.world.set_budgets(Some(serde_json::from_value(setting.clone()).unwrap())).unwrap();
    cloud
}

fn bucket(cloud: &Cloud, scope: &str, kind: &str) -> BudgetReport {
    let found = cloud.world.budgets().into_iter().find(|one| one.scope.contains(scope) && one.kind == kind);
    found.unwrap()
}

fn reads(cloud: &mut Cloud, count: usize) -> Vec<u16> {
    (0..count).map(|_| cloud.get(GROUP).status).collect()
}

#[test]
fn nothing_is_counted_unless_it_is_asked_for() {
    let mut cloud = Cloud::with_workspace(Options::default());
    assert!((0..600).all(|_| cloud.get(GROUP).status == 200));
    let reply = cloud.get(GROUP);
    assert_eq!((reply.header(READS), reply.header(ALL_READS)), (Some("249"), Some("3749")));
    assert_eq!(
        cloud.delete(&compute("none")).header("x-ms-ratelimit-remaining-subscription-deletes"),
        Some("199")
    );
    assert_eq!(cloud.get("/subscriptions").header("x-ms-ratelimit-remaining-tenant-reads"), Some("249"));
    assert!(cloud.world.budgets().is_empty());
}

#[test]
fn azures_numbers_come_by_name() {
    let mut cloud = cloud(&json!({ "preset": "azure" }));
    let first = cloud.get(GROUP);
    assert_eq!((first.header(READS), first.header(ALL_READS)), (Some("249"), Some("3749")));
    assert_eq!(cloud.get(GROUP).header(READS), Some("248"));
    assert!(reads(&mut cloud, 248).iter().all(|status| *status == 200));
    let refused = cloud.get(GROUP);
    assert_eq!((refused.status, code(&refused).as_str()), (429, "SubscriptionRequestsThrottled"));
    assert_eq!((refused.header("retry-after"), refused.header(READS)), (Some("1"), Some("0")));
    assert_eq!(refused.header(ALL_READS), Some("3500"));
    assert!(message(&refused).starts_with("Number of 'read' requests for subscription '00000000-"));
    assert_eq!(
        cloud.put(GROUP, &json!({ "location": "westeurope" })).status,
        200,
        "writes have a bucket of their own"
    );
    cloud.pass(1);
    let statuses = reads(&mut cloud, 26);
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 25, "a second's refill");
    assert_eq!(
        Options { budgets: Some(BudgetSetting::azure()), ..Options::default() }
            .budgets
            .unwrap()
            .reads
            .unwrap()
            .bucket,
        250
    );
}

#[test]
fn retry_after_is_as_long_as_the_next_request_needs() {
    let mut cloud = cloud(&json!({ "reads": { "bucket": 2, "refill": 0.1 } }));
    assert_eq!(reads(&mut cloud, 2), [200, 200]);
    assert_eq!(cloud.get(GROUP).header("retry-after"), Some("10"));
    cloud.pass(4);
    assert_eq!(cloud.get(GROUP).header("retry-after"), Some("6"), "a new and later time is not earlier");
    cloud.pass(6);
    assert_eq!(reads(&mut cloud, 2), [200, 429]);
    cloud.pass(1_000);
    assert_eq!(reads(&mut cloud, 3), [200, 200, 429], "no more than the bucket holds");
}

#[test]
fn the_tenant_and_other_callers_have_buckets_of_their_own() {
    let mut cloud = cloud(&json!({ "reads": { "bucket": 1, "refill": 1.0 } }));
    assert_eq!(reads(&mut cloud, 2), [200, 429]);
    assert_eq!(cloud.get("/subscriptions").status, 200);
    assert_eq!(cloud.get("/subscriptions").status, 429);
    let other = |cloud: &mut Cloud| -> Response {
        let bearer = format!("Bearer {}", cloud.token(""));
        cloud.send(&request(Method::Get, GROUP).header("authorization", &bearer))
    };
    let reply = other(&mut cloud);
    assert_eq!((reply.status, reply.header(READS), reply.header(ALL_READS)), (200, Some("0"), Some("13")));
    assert_eq!(other(&mut cloud).status, 429);
}

#[test]
fn a_provider_refuses_while_arm_has_budget_left() {
    let service =
        json!({ "microsoft.machinelearningservices": { "writes": { "bucket": 1, "refill": 0.2 } } });
    let mut cloud = cloud(&json!({ "preset": "azure", "services": service }));
    assert_eq!(cloud.put(&compute("cpu"), &cluster_body()).status, 201);
    let refused = cloud.put(&compute("gpu"), &cluster_body());
    assert_eq!((refused.status, code(&refused).as_str()), (429, "TooManyRequests"));
    assert_eq!(refused.header("x-ms-failure-cause"), Some("service"));
    assert_eq!(refused.header("retry-after"), Some("5"));
    assert_eq!(refused.header("x-ms-ratelimit-remaining-subscription-writes"), Some("198"));
    assert_eq!(cloud.put(GROUP, &json!({ "location": "westeurope" })).status, 200, "not this provider");
    assert_eq!(cloud.get(&workspace()).status, 200);
    assert_eq!(
        (bucket(&cloud, "provider", "writes").granted, bucket(&cloud, "provider", "writes").refused),
        (1, 1)
    );
}

#[test]
fn the_report_says_how_busy_each_bucket_was() {
    let mut cloud = cloud(&json!({ "reads": { "bucket": 10, "refill": 2.0 } }));
    for _ in 0..20 {
        reads(&mut cloud, 3);
        cloud.pass(1);
    }
    let caller = bucket(&cloud, "caller", "reads");
    assert_eq!((caller.granted + caller.refused, caller.bucket, caller.refill), (60, 10, 2.0));
    assert_eq!(caller.granted, 48, "ten at once, and two in each of nineteen seconds");
    assert!((caller.available - 48.0).abs() < 1e-9 && (caller.busy - 1.0).abs() < 1e-9);
    assert!((caller.throttled - 0.2).abs() < 1e-9);
    assert_eq!(caller.until.duration_since(caller.since), SignedDuration::from_secs(19));
}

#[test]
fn buckets_fill_by_the_clients_clock_unless_told_otherwise() {
    let rate = Rate { bucket: 1, refill: 1.0 };
    for (clock, expected) in [(BudgetClock::Machine, 429), (BudgetClock::Cloud, 200)] {
        let mut cloud = Cloud::with_workspace(Options::default());
        let setting = BudgetSetting { clock, reads: Some(rate), ..BudgetSetting::default() };
        cloud.world.set_budgets(Some(setting)).unwrap();
        let mut request = request(Method::Get, GROUP);
        request.received = Some(cloud.now);
        assert_eq!(cloud.send(&request).status, 200);
        cloud.pass(3_600);
        assert_eq!(cloud.send(&request).status, expected, "an hour of the cloud, no time of the client");
        request.received = Some(cloud.now);
        cloud.pass(1);
        assert_eq!(cloud.send(&request).status, 200);
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let mut cloud = cloud(&json!({}));
    let mut refusal =
        |setting: Value| cloud.world.set_budgets(Some(serde_json::from_value(setting).unwrap())).unwrap_err();
    assert!(refusal(json!({ "preset": "aws" })).contains("there is 'azure'"));
    assert!(refusal(json!({ "reads": { "bucket": 0, "refill": 1 } })).contains("at least one"));
    assert!(refusal(json!({ "reads": { "bucket": 1, "refill": 0 } })).contains("more than none"));
    assert!(serde_json::from_value::<BudgetSetting>(json!({ "read": {} })).is_err());
    let setting = BudgetSetting { preset: Some("aws".to_owned()), ..BudgetSetting::default() };
    assert!(Emulator::open(Options { budgets: Some(setting), ..Options::default() }).is_err());
}

#[test]
fn budgets_are_set_and_read_by_control_requests() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let setting = json!({ "writes": { "bucket": 200, "refill": 10.0 }, "clock": "cloud" });
    assert_eq!(cloud.control(Method::Post, "budgets", &setting).status, 204);
    cloud.put(GROUP, &json!({ "location": "westeurope" }));
    let shown = cloud.control(Method::Get, "budgets", &Value::Null).value();
    assert_eq!(shown["setting"], setting);
    assert_eq!(shown["value"].as_array().unwrap().len(), 2, "the caller's, and everybody's");
    assert_eq!(shown["value"][1]["granted"], 1);
    assert_eq!(cloud.control(Method::Delete, "budgets", &Value::Null).status, 204);
    assert_eq!(cloud.control(Method::Get, "budgets", &Value::Null).value()["setting"], Value::Null);
    assert_eq!(cloud.control(Method::Post, "budgets", &json!({ "preset": "aws" })).status, 400);
}
