//! What instances do by themselves: schedules, idle shutdown, broken machines, images that age.

use std::path::Path;

use emulator::{Emulator, Method, Options};
use serde_json::{Value, json};

use crate::support::{
    Cloud, GROUP, code, compute, instance_body, message, request, workspace, workspace_body,
};

/// It is Saturday, 08:01 in UTC.
fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

fn create(cloud: &mut Cloud, changes: &Value) {
    let mut body = instance_body();
    for (key, value) in changes.as_object().unwrap() {
        body["properties"]["properties"][key] = value.clone();
    }
    let reply = cloud.put(&compute("ci-a"), &body);
    assert_eq!(reply.status, 201, "{}", reply.value());
    cloud.pass(160);
}

fn cron(action: &str, expression: &str) -> Value {
    json!({ "action": action, "triggerType": "Cron", "cron": { "expression": expression, "timeZone": "UTC" } })
}

fn schedules(list: &[Value]) -> Value {
    json!({ "schedules": { "computeStartStop": list } })
}

fn shown(cloud: &mut Cloud) -> Value {
    cloud.get(&compute("ci-a")).value()["properties"]["properties"].clone()
}

/// The state, and what the last operation was, by whom, and when.
fn last(cloud: &mut Cloud) -> [String; 4] {
    let shown = shown(cloud);
    [
        "/state",
        "/lastOperation/operationName",
        "/lastOperation/operationTrigger",
        "/lastOperation/operationTime",
    ]
    .map(|pointer| shown.pointer(pointer).unwrap().as_str().unwrap().to_owned())
}

fn pass_to(cloud: &mut Cloud, moment: &str) {
    cloud.now = moment.parse().unwrap();
}

#[test]
fn schedules_stop_and_start_an_instance() {
    let mut cloud = cloud();
    create(&mut cloud, &schedules(&[cron("Stop", "0 18 * * *"), cron("Start", "0 6 * * *")]));
    pass_to(&mut cloud, "2026-11-21T17:59:59Z");
    assert_eq!(last(&mut cloud)[..3], ["Running", "Create", "User"]);
    pass_to(&mut cloud, "2026-11-21T18:00:00Z");
    assert_eq!(last(&mut cloud), ["Stopping", "Stop", "Schedule", "2026-11-21T18:00:00.0000000+00:00"]);
    assert_eq!(shown(&mut cloud)["lastOperation"]["operationStatus"], "InProgress");
    pass_to(&mut cloud, "2026-11-22T05:00:00Z");
    assert_eq!(last(&mut cloud)[..3], ["Stopped", "Stop", "Schedule"]);
    pass_to(&mut cloud, "2026-11-22T06:01:00Z");
    assert_eq!(last(&mut cloud)[..3], ["Starting", "Start", "Schedule"]);
    pass_to(&mut cloud, "2027-03-01T12:00:00Z");
    assert_eq!(last(&mut cloud), ["Running", "Start", "Schedule", "2027-03-01T06:00:00.0000000+00:00"]);
}

#[test]
fn only_enabled_schedules_fire_and_new_ones_take_the_place_of_old_ones() {
    let mut cloud = cloud();
    let mut disabled = cron("Stop", "0 * * * *");
    disabled["status"] = json!("disabled");
    create(&mut cloud, &schedules(&[disabled]));
    pass_to(&mut cloud, "2026-11-22T12:00:30Z");
    assert_eq!(last(&mut cloud)[0], "Running");
    let body = json!({ "computeStartStop": [cron("Stop", "0 20 * * *")] });
    assert_eq!(cloud.post(&format!("{}/updateSchedules", compute("ci-a")), Some(&body)).status, 200);
    pass_to(&mut cloud, "2026-11-22T20:01:00Z");
    assert_eq!(last(&mut cloud)[..3], ["Stopped", "Stop", "Schedule"]);
    let body = json!({ "computeStartStop": [] });
    cloud.post(&format!("{}/updateSchedules", compute("ci-a")), Some(&body));
    cloud.post(&format!("{}/start", compute("ci-a")), None);
    pass_to(&mut cloud, "2026-12-24T20:01:00Z");
    assert_eq!(last(&mut cloud)[..3], ["Running", "Start", "User"]);
}

#[test]
fn a_schedule_passes_over_an_instance_that_is_busy() {
    let mut cloud = cloud();
    create(&mut cloud, &schedules(&[cron("Stop", "0 18 * * *")]));
    pass_to(&mut cloud, "2026-11-21T17:59:30Z");
    cloud.post(&format!("{}/restart", compute("ci-a")), None);
    pass_to(&mut cloud, "2026-11-22T17:59:59Z");
    assert_eq!(last(&mut cloud)[..3], ["Running", "Restart", "User"]);
    pass_to(&mut cloud, "2026-11-22T18:01:00Z");
    assert_eq!(last(&mut cloud)[..3], ["Stopped", "Stop", "Schedule"]);
}

#[test]
fn an_idle_instance_is_shut_down_unless_somebody_works_on_it() {
    let mut cloud = cloud();
    create(&mut cloud, &json!({ "idleTimeBeforeShutdown": "PT30M" }));
    let busy = json!({ "id": compute("ci-a"), "seconds": 3600 });
    assert_eq!(cloud.control(Method::Post, "activity", &busy).status, 204);
    cloud.pass(3600 + 1799);
    assert_eq!(last(&mut cloud)[0], "Running");
    cloud.pass(1);
    assert_eq!(last(&mut cloud)[..3], ["Stopping", "Stop", "IdleShutdown"]);
    assert_eq!(cloud.control(Method::Post, "activity", &busy).status, 400, "it does not run");
    cloud.pass(45);
    cloud.post(&format!("{}/start", compute("ci-a")), None);
    cloud.pass(120 + 1799);
    assert_eq!(last(&mut cloud)[0], "Running");
    let action = format!("{}/updateIdleShutdownSetting", compute("ci-a"));
    cloud.post(&action, Some(&json!({ "idleTimeBeforeShutdown": "PT15M" })));
    assert_eq!(last(&mut cloud)[2], "IdleShutdown", "it was idle for that long already");
}

#[test]
fn without_a_background_nothing_stops_an_instance() {
    let mut cloud = Cloud::with_workspace(Options { background: false, ..Options::default() });
    let mut changes = schedules(&[cron("Stop", "0 18 * * *")]);
    changes["idleTimeBeforeShutdown"] = json!("PT15M");
    create(&mut cloud, &changes);
    cloud.pass(7 * 86_400);
    assert_eq!(last(&mut cloud)[..3], ["Running", "Create", "User"]);
}

#[test]
fn custom_services_keep_an_instance_up() {
    let mut cloud = cloud();
    create(&mut cloud, &json!({ "idleTimeBeforeShutdown": "PT15M", "customServices": [{ "name": "rs" }] }));
    cloud.pass(86_400);
    assert_eq!(last(&mut cloud)[0], "Running");
    cloud.post(&format!("{}/customServices", compute("ci-a")), Some(&json!([])));
    assert_eq!(last(&mut cloud)[2], "IdleShutdown");
}

#[test]
fn an_unusable_instance_only_takes_a_restart() {
    let mut cloud = cloud();
    create(&mut cloud, &json!({}));
    let broken = json!({ "id": compute("ci-a"), "unusable": 1 });
    assert_eq!(cloud.control(Method::Post, "nodes", &broken).status, 204);
    assert_eq!(last(&mut cloud)[0], "Unusable");
    for action in ["start", "stop"] {
        let reply = cloud.post(&format!("{}/{action}", compute("ci-a")), None);
        assert_eq!(reply.status, 400);
        assert!(
            message(&reply)
                .starts_with("The specified Azure ML Compute Instance ci-a encountered an unusable node.")
        );
    }
    assert_eq!(cloud.post(&format!("{}/restart", compute("ci-a")), None).status, 202);
    cloud.pass(90);
    assert_eq!(last(&mut cloud)[..2], ["Running", "Restart"]);
}

#[test]
fn an_image_ages_when_a_newer_one_is_published() {
    let mut cloud = cloud();
    create(&mut cloud, &json!({}));
    assert_eq!(cloud.control(Method::Post, "images", &json!({ "version": "26.12.05" })).status, 204);
    let old = shown(&mut cloud)["osImageMetadata"].clone();
    assert_eq!(
        (&old["latestImageVersion"], &old["isLatestOsImageVersion"]),
        (&json!("26.12.05"), &json!(false))
    );
    assert_eq!(old["currentImageVersion"], "26.10.21");
    cloud.put(&compute("ci-b"), &instance_body());
    cloud.pass(160);
    let new = cloud.get(&compute("ci-b")).value()["properties"]["properties"]["osImageMetadata"].clone();
    assert_eq!(
        (&new["currentImageVersion"], &new["isLatestOsImageVersion"]),
        (&json!("26.12.05"), &json!(true))
    );
}

#[test]
fn schedules_that_cannot_be_are_refused() {
    let mut cloud = cloud();
    let mut body = instance_body();
    for schedule in [
        cron("Stop", "every day"),
        cron("Stop", "0 0 18 * * *"),
        json!({ "action": "Stop", "triggerType": "Cron" }),
    ] {
        body["properties"]["properties"]["schedules"] = json!({ "computeStartStop": [schedule] });
        let reply = cloud.put(&compute("ci-a"), &body);
        assert_eq!((reply.status, code(&reply).as_str()), (400, "InvalidPropertyValue"), "{}", reply.value());
    }
    let recurrence = json!({ "action": "stop", "triggerType": "recurrence",
        "recurrence": { "frequency": "day", "interval": 1, "startTime": "2026-11-21T19:30:00" } });
    body["properties"]["properties"]["schedules"] = json!({ "computeStartStop": [recurrence] });
    assert_eq!(cloud.put(&compute("ci-a"), &body).status, 201);
    assert_eq!(shown(&mut cloud)["schedules"]["computeStartStop"][0]["recurrence"]["frequency"], "Day");
}

#[test]
fn an_old_client_starts_and_stops_with_plain_calls() {
    let mut cloud = cloud();
    create(&mut cloud, &json!({}));
    let old = |action: &str| format!("{}/{action}?api-version=2020-08-01", compute("ci-a"));
    let stop = cloud.post(&old("stop"), None);
    assert_eq!((stop.status, stop.header("azure-asyncoperation")), (200, None));
    assert_eq!(last(&mut cloud)[0], "Stopping");
    assert_eq!(cloud.post(&old("start"), None).status, 409);
    cloud.pass(45);
    assert_eq!(cloud.post(&old("start"), None).status, 200);
    cloud.pass(120);
    assert_eq!(cloud.post(&old("restart"), None).status, 200);
    assert_eq!(last(&mut cloud)[0], "Restarting");
}

/// What a story of an instance and a cluster, told in these steps, leads to; with a file it is opened anew at each.
fn story(file: Option<&Path>, steps: &[f64]) -> Vec<Value> {
    let options = || Options {
        cloud_file: file.map(Path::to_owned),
        speed: 0.0,
        start_time: Some("2026-11-21T08:00:00Z".parse().unwrap()),
        ..Options::default()
    };
    let mut emulator = Emulator::open(options()).unwrap();
    let put = |emulator: &Emulator, target: &str, body: &Value| {
        let reply = emulator.handle(&request(Method::Put, target).json(body));
        assert!(reply.status < 300, "{}", reply.value());
    };
    put(&emulator, GROUP, &json!({ "location": "westeurope" }));
    put(&emulator, &workspace(), &workspace_body());
    emulator.advance(60.0).unwrap();
    let mut instance = instance_body();
    instance["properties"]["properties"]["idleTimeBeforeShutdown"] = json!("PT1H");
    instance["properties"]["properties"]["schedules"] =
        schedules(&[cron("Start", "*/20 * * * *")])["schedules"].clone();
    put(&emulator, &compute("ci-a"), &instance);
    let mut cluster = crate::support::cluster_body();
    cluster["properties"]["properties"]["scaleSettings"]["minNodeCount"] = json!(1);
    put(&emulator, &compute("cpu"), &cluster);
    let job = emulator::Request::new(Method::Post, "/_emulator/nodes")
        .header("host", "localhost")
        .header("x-emulator-token", emulator.control_token())
        .json(&json!({ "id": compute("cpu"), "run": 3, "seconds": 1000 }));
    assert_eq!(emulator.handle(&job).status, 200);
    for step in steps {
        emulator.advance(*step).unwrap();
        if file.is_some() {
            drop(emulator);
            emulator = Emulator::open(options()).unwrap();
        }
    }
    let get = |target: &str| emulator.handle(&request(Method::Get, target)).value();
    vec![get(&workspace()), get(&compute("ci-a")), get(&compute("cpu"))]
}

#[test]
fn the_same_comes_of_it_in_one_jump_in_small_steps_and_with_restarts_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let one_jump = story(None, &[19_000.0]);
    assert_eq!(one_jump[1]["properties"]["properties"]["lastOperation"]["operationTrigger"], "IdleShutdown");
    assert_eq!(story(None, &[100.0; 190]), one_jump);
    assert_eq!(story(Some(&folder.path().join("a.json")), &[500.0; 38]), one_jump);
    assert_eq!(story(Some(&folder.path().join("b.json")), &[19_000.0]), one_jump);
}
