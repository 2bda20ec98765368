//! The cloud file: what was answered is still there, whenever the process dies.

use std::fs;
use std::path::Path;

use emulator::{Emulator, Method, Options, Response};
use serde_json::json;

use crate::support::{GROUP, cluster_body, compute, raw, request, workspace, workspace_body};

fn options(file: &Path) -> Options {
    Options { cloud_file: Some(file.to_owned()), speed: 0.0, ..Options::default() }
}

fn put(emulator: &Emulator, target: &str, body: &serde_json::Value) -> Response {
    emulator.handle(&request(Method::Put, target).json(body))
}

fn get(emulator: &Emulator, target: &str) -> Response {
    emulator.handle(&request(Method::Get, target))
}

fn filled(file: &Path) -> Emulator {
    let emulator = Emulator::open(options(file)).unwrap();
    put(&emulator, GROUP, &json!({ "location": "westeurope" }));
    put(&emulator, &workspace(), &workspace_body());
    emulator.advance(60.0).unwrap();
    emulator
}

#[test]
fn everything_is_there_after_a_restart_running_operations_included() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.json");
    let emulator = filled(&file);
    let reply = put(&emulator, &compute("cpu"), &cluster_body());
    let url = reply.header("azure-asyncoperation").unwrap().replace("http://127.0.0.1:1", "");
    let (before, now) = (get(&emulator, &compute("cpu")), emulator.now());
    drop(emulator);
    let emulator = Emulator::open(options(&file)).unwrap();
    assert_eq!(emulator.now(), now);
    assert_eq!(get(&emulator, &compute("cpu")).value(), before.value());
    assert_eq!(emulator.handle(&raw(Method::Get, &url)).value()["status"], "InProgress");
    emulator.advance(10.0).unwrap();
    assert_eq!(emulator.handle(&raw(Method::Get, &url)).value()["status"], "Succeeded");
    let other = put(&emulator, &compute("cpu2"), &cluster_body());
    assert_ne!(other.header("azure-asyncoperation"), reply.header("azure-asyncoperation"));
}

#[test]
fn children_keep_their_order_in_their_parent_and_their_uses() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.json");
    let emulator = filled(&file);
    let network = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/net");
    let subnet = |name: &str, range: &str| json!({ "name": name, "properties": { "addressPrefix": range } });
    let body = json!({ "location": "westeurope", "properties": {
        "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
        "subnets": [subnet("b", "10.0.1.0/24"), subnet("a", "10.0.0.0/24")],
    }});
    put(&emulator, &network, &body);
    emulator.advance(10.0).unwrap();
    let interface = format!("{GROUP}/providers/Microsoft.Network/networkInterfaces/nic");
    let placed =
        json!({ "name": "ip", "properties": { "subnet": { "id": format!("{network}/subnets/a") } } });
    put(
        &emulator,
        &interface,
        &json!({ "location": "westeurope", "properties": { "ipConfigurations": [placed] } }),
    );
    emulator.advance(10.0).unwrap();
    let before = get(&emulator, &network).value();
    drop(emulator);
    // Once by replaying every change, and once from the shortest list of them.
    for _ in 0..2 {
        let emulator = Emulator::open(options(&file)).unwrap();
        assert_eq!(get(&emulator, &network).value(), before);
        assert_eq!(
            get(&emulator, &format!("{network}/subnets/b")).value(),
            before["properties"]["subnets"][0]
        );
        let refused = emulator.handle(&request(Method::Delete, &network));
        assert_eq!(crate::support::code(&refused), "InUseSubnetCannotBeDeleted");
        for _ in 0..1_100 {
            put(&emulator, GROUP, &json!({ "location": "westeurope" }));
        }
    }
}

#[test]
fn a_file_cut_anywhere_opens_with_what_was_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.json");
    let emulator = filled(&file);
    put(&emulator, &compute("cpu"), &cluster_body());
    drop(emulator);
    let text = fs::read(&file).unwrap();
    for cut in (0..text.len()).step_by(97) {
        let torn = folder.path().join(format!("torn-{cut}.json"));
        fs::write(&torn, &text[..cut]).unwrap();
        let emulator = Emulator::open(options(&torn)).unwrap();
        assert!([200, 201].contains(&put(&emulator, GROUP, &json!({ "location": "westeurope" })).status));
        drop(emulator);
        assert_eq!(get(&Emulator::open(options(&torn)).unwrap(), GROUP).status, 200, "cut at {cut}");
    }
}

#[test]
fn a_write_costs_what_changed_and_garbage_is_swept_on_open() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.json");
    let emulator = filled(&file);
    let size = || fs::metadata(&file).unwrap().len();
    let tag = |number: usize| json!({ "location": "westeurope", "tags": { "n": number.to_string() } });
    let before = size();
    put(&emulator, GROUP, &tag(0));
    assert!(size() - before < 600);
    (0..2_000).for_each(|number| drop(put(&emulator, GROUP, &tag(number))));
    let (fat, shown) = (size(), get(&emulator, &workspace()).value());
    drop(emulator);
    let emulator = Emulator::open(options(&file)).unwrap();
    assert!(size() * 10 < fat);
    assert_eq!(get(&emulator, GROUP).value()["tags"]["n"], "1999");
    assert_eq!(get(&emulator, &workspace()).value(), shown);
    put(&emulator, GROUP, &tag(7));
    drop(emulator);
    assert_eq!(get(&Emulator::open(options(&file)).unwrap(), GROUP).value()["tags"]["n"], "7");
}

#[test]
fn one_process_at_a_time_and_nobody_else_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.json");
    let first = Emulator::open(options(&file)).unwrap();
    let error = Emulator::open(options(&file)).unwrap_err().to_string();
    assert!(error.contains("cloud.json") && error.contains("another emulator"), "{error}");
    drop(first);
    Emulator::open(options(&file)).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    fs::write(&file, "not a cloud\n").unwrap();
    assert!(Emulator::open(options(&file)).unwrap_err().to_string().contains("line 1"));
}
