//! The clock: stepped, set, run at a speed, and never going back.

use std::path::Path;

use emulator::{ClockSetting, Emulator, Method, Options, Request, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, request, workspace, workspace_body};

const START: &str = "2026-11-21T08:00:00Z";

fn options(file: Option<&Path>) -> Options {
    Options {
        cloud_file: file.map(Path::to_owned),
        speed: 0.0,
        start_time: Some(START.parse().unwrap()),
        ..Options::default()
    }
}

fn clock(emulator: &Emulator, method: Method, body: &Value) -> Response {
    let control = Request::new(method, "/_emulator/clock")
        .header("host", "127.0.0.1")
        .header("x-emulator-token", emulator.control_token());
    emulator.handle(&if method == Method::Get { control } else { control.json(body) })
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_still_clock_is_stepped_and_set_to_a_moment() {
    let emulator = Emulator::open(options(None)).unwrap();
    assert_eq!(clock(&emulator, Method::Get, &json!({})).value(), json!({ "now": START, "speed": 0.0 }));
    let stepped = clock(&emulator, Method::Post, &json!({ "advance_seconds": 90 }));
    assert_eq!(stepped.value()["now"], "2026-11-21T08:01:30Z");
    let set = clock(&emulator, Method::Post, &json!({ "advance_to": "2026-12-01T00:00:00Z" }));
    assert_eq!(set.value()["now"], "2026-12-01T00:00:00Z");
}

#[test]
fn a_clock_is_not_set_back_and_takes_no_word_it_does_not_know() {
    let emulator = Emulator::open(options(None)).unwrap();
    let refused = [
        json!({ "advance_seconds": -1 }),
        json!({ "advance_to": "2026-11-21T07:59:59Z" }),
        json!({ "speed": -2 }),
        json!({ "advance_second": 1 }),
        json!({ "advance_to": "tomorrow" }),
    ];
    for body in refused {
        assert_eq!(clock(&emulator, Method::Post, &body).status, 400, "{body}");
    }
    assert_eq!(emulator.now(), at(START));
    assert_eq!(clock(&emulator, Method::Delete, &json!({})).status, 405);
}

#[test]
fn the_speed_is_set_at_run_time_and_outlives_what_was_stepped() {
    let emulator = Emulator::open(options(None)).unwrap();
    clock(&emulator, Method::Post, &json!({ "advance_seconds": 60, "speed": 1_000_000 }));
    while emulator.now() < at("2026-11-21T09:00:00Z") {
        std::thread::yield_now();
    }
    let stopped = clock(&emulator, Method::Post, &json!({ "speed": 0 })).value();
    assert_eq!(clock(&emulator, Method::Get, &json!({})).value(), stopped);
    assert!(at(stopped["now"].as_str().unwrap()) >= at("2026-11-21T09:00:00Z"));
}

#[test]
fn a_restart_goes_on_from_the_latest_moment_even_if_the_machine_went_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.json");
    let emulator = Emulator::open(options(Some(&file))).unwrap();
    emulator.advance(3600.0).unwrap();
    emulator.handle(&request(Method::Put, GROUP).json(&json!({ "location": "westeurope" })));
    let latest = emulator.now();
    drop(emulator);
    // As if the clock of the machine, against which the file keeps the cloud's, now stood a century earlier.
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("\"clock\"")).collect();
    let ahead = json!([{ "clock": { "cloud": START, "machine": "2126-01-01T00:00:00Z", "speed": 0.0 } }]);
    let changed = format!("{}\n{ahead}\n{}\n", lines[0], lines[1..].join("\n"));
    std::fs::write(&file, changed).unwrap();
    let emulator = Emulator::open(options(Some(&file))).unwrap();
    assert_eq!(emulator.now(), latest);
    emulator
        .set_clock(&ClockSetting { advance_seconds: Some(5.0), ..ClockSetting::default() })
        .unwrap()
        .unwrap();
    assert_eq!(emulator.now().duration_since(latest).as_secs(), 5);
}

#[test]
fn a_request_from_before_the_latest_one_is_taken_as_of_now() {
    let mut cloud = Cloud::with_workspace(Options::default());
    cloud.delete(&format!("{}?forceToPurge=true", workspace()));
    cloud.pass(60);
    assert_eq!(cloud.get(&workspace()).status, 404);
    cloud.now = at(START);
    assert_eq!(cloud.put(&workspace(), &workspace_body()).status, 202, "it is not there again");
}

#[test]
fn a_jump_brings_everything_that_was_due() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let reply = cloud.delete(&workspace());
    cloud.pass(15 * 86_400);
    assert_eq!(cloud.get(&workspace()).status, 404);
    let url = reply.header("azure-asyncoperation").unwrap().to_owned();
    assert_eq!(cloud.follow(&url).status, 404, "its status URL is forgotten");
    assert_eq!(cloud.put(&workspace(), &workspace_body()).status, 202, "and its name is free again");
}
