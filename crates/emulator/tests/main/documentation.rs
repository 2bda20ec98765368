//! `docs/emulator.md` says what there is, and its examples work.

use emulator::{Emulator, Fault, Method, Options, Request};
use serde_json::{Value, json};

use crate::support::{
    Cloud, GROUP, cluster_body, compute, instance_body, request, workspace, workspace_body,
};

const PAGE: &str = include_str!("../../../../docs/emulator.md");

/// The cells of the first table under a heading, without its head.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, rest) = PAGE.split_once(&format!("\n{heading}\n")).unwrap();
    let lines =
        rest.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    lines.skip(2).map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

fn code(cell: &str) -> &str {
    cell.trim_matches('`')
}

#[test]
fn the_menu_is_the_one_there_is() {
    let shown: String =
        table("### The fault menu").iter().map(|cells| format!("| {} |\n", cells[..4].join(" | "))).collect();
    assert_eq!(shown, emulator::fault_table());
}

#[test]
fn every_fault_has_an_example_that_is_taken() {
    let mut cloud = Cloud::new(Options::default());
    for cells in table("### The fault menu") {
        let fault: Fault = serde_json::from_str(code(cells[4])).unwrap();
        assert_eq!(fault.fault, code(cells[0]));
        cloud.world.inject(fault, cloud.now).unwrap();
    }
}

#[test]
fn every_field_of_a_rule_is_there() {
    let tables = PAGE.split_once("\n## Faults\n").unwrap().1.split_once("### The fault menu").unwrap().0;
    let all = json!({
        "fault": "x", "method": "x", "path_contains": "x", "target": "x", "location": "x", "nth": 1, "times": 1,
        "probability": 0.5, "seed": 1, "until": "2026-11-21T08:00:00Z", "for_seconds": 1.0, "count": 1,
        "retry_after": 1, "seconds": 1.0, "host": "x", "id": "x", "value": 1, "code": "x", "message": "x",
        "reverts": true, "after_effect": true, "status": 1, "headers": { "a": "b" }, "body": 1, "drop": true,
    });
    let fault: Fault = serde_json::from_value(all.clone()).unwrap();
    assert_eq!(serde_json::to_value(fault).unwrap(), all, "no field is missing above");
    for field in all.as_object().unwrap().keys() {
        assert!(tables.contains(&format!("`{field}`")), "{field}");
    }
}

/// A cloud with a workspace, a cluster `cpu` and an instance `ci-a` that is running.
fn furnished() -> Emulator {
    let emulator = Emulator::open(Options { speed: 0.0, ..Options::default() }).unwrap();
    let put = |target: &str, body: Value| emulator.handle(&request(Method::Put, target).json(&body)).status;
    assert_eq!(put(GROUP, json!({ "location": "westeurope" })), 201);
    assert_eq!(put(&workspace(), workspace_body()), 202);
    emulator.advance(60.0).unwrap();
    assert_eq!((put(&compute("cpu"), cluster_body()), put(&compute("ci-a"), instance_body())), (201, 201));
    emulator.advance(600.0).unwrap();
    emulator
}

#[test]
fn every_control_request_is_answered_as_it_stands_there() {
    let rows = table("## Control requests");
    assert!(rows.len() > 30);
    for cells in rows {
        let (method, what) = code(cells[0]).split_once(' ').unwrap();
        let emulator = furnished();
        let id = compute(if what.starts_with("logs") { "ci-a" } else { "cpu" });
        let target = format!("/_emulator/{}", what.replace("?id=", &format!("?id={id}")));
        let mut sent = Request::new(Method::parse(method).unwrap(), &target)
            .header("host", "127.0.0.1")
            .header("x-emulator-token", emulator.control_token());
        if !cells[2].is_empty() {
            let body = code(cells[2]).replace("…/computes/", &format!("{}/computes/", workspace()));
            sent = sent.json(&serde_json::from_str(&body).unwrap());
        }
        let reply = emulator.handle(&sent);
        assert!((200..300).contains(&reply.status), "{}: {}", cells[0], reply.value());
    }
}
