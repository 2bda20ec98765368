//! Setup scripts of instances: what their text would do in time, how they fail, and what they write.

use base64::Engine;
use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::support::{Cloud, compute, instance_body, message};

/// Seconds until a new instance runs its first script, of which each takes this long to get going.
const SET_UP: i64 = 160;
const LAUNCH: i64 = 30;

fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

fn inline(text: &str) -> Value {
    json!({ "scriptSource": "inline", "scriptData": base64::engine::general_purpose::STANDARD.encode(text) })
}

fn on_share(path: &str) -> Value {
    json!({ "scriptSource": "workspaceStorage", "scriptData": path, "timeout": "Nonem" })
}

fn create(cloud: &mut Cloud, scripts: &Value) -> emulator::Response {
    let mut body = instance_body();
    body["properties"]["properties"]["setupScripts"] = json!({ "scripts": scripts });
    let reply = cloud.put(&compute("ci-a"), &body);
    assert_eq!(reply.status, 201, "{}", reply.value());
    reply
}

fn shown(cloud: &mut Cloud) -> Value {
    cloud.get(&compute("ci-a")).value()["properties"].clone()
}

fn state(cloud: &mut Cloud) -> Value {
    shown(cloud)["properties"]["state"].clone()
}

fn logs(cloud: &mut Cloud) -> Value {
    cloud.control(Method::Get, &format!("logs?id={}", compute("ci-a")), &json!({})).value()
}

fn act(cloud: &mut Cloud, action: &str) -> emulator::Response {
    let reply = cloud.post(&format!("{}/{action}", compute("ci-a")), None);
    assert_eq!(reply.status, 202, "{}", reply.value());
    reply
}

#[test]
fn a_script_takes_the_time_it_sleeps_and_its_output_is_kept() {
    let mut cloud = cloud();
    let reply = create(&mut cloud, &json!({ "creationScript": inline("echo begin\nsleep 100\necho end") }));
    cloud.pass(SET_UP + LAUNCH + 50);
    assert_eq!(state(&mut cloud), "UserSettingUp");
    let during = logs(&mut cloud);
    assert_eq!((&during["folder"], &during["value"][0]["exitCode"]), (&json!("Logs/ci-a"), &Value::Null));
    cloud.pass(49);
    assert_eq!(cloud.status(&reply)["status"], "InProgress");
    cloud.pass(1);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    assert_eq!(state(&mut cloud), "Running");
    let after = &logs(&mut cloud)["value"];
    assert_eq!((&after[0]["exitCode"], &after[0]["output"]), (&json!(0), &json!("begin\nend\n")));
    assert_eq!(after[0]["script"], "creationScript");
}

#[test]
fn a_failing_creation_script_fails_the_create_and_the_name_is_held() {
    let mut cloud = cloud();
    let scripts = json!({ "creationScript": inline("set -e\nsleep 10\nfalse\nsleep 500"), "startupScript": inline("sleep 900") });
    let reply = create(&mut cloud, &scripts);
    assert_eq!(reply.value()["properties"]["provisioningState"], "Creating");
    assert_eq!(reply.value()["properties"]["provisioningErrors"], Value::Null);
    cloud.pass(SET_UP + LAUNCH + 9);
    assert_eq!(shown(&mut cloud)["provisioningState"], "Creating");
    assert_eq!(shown(&mut cloud)["provisioningErrors"], Value::Null);
    cloud.pass(1);
    let status = cloud.status(&reply);
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("Failed"), &json!("UserError")));
    assert!(
        status["error"]["message"]
            .as_str()
            .unwrap()
            .contains("creationScript of compute instance ci-a failed with exit code 1")
    );
    let failed = shown(&mut cloud);
    assert_eq!(failed["provisioningState"], "Failed");
    assert_eq!(failed["provisioningErrors"][0]["error"], status["error"]);
    assert_eq!(failed["properties"]["state"], "UserSetupFailed");
    assert_eq!(failed["properties"]["lastOperation"]["operationStatus"], "CreateFailed");
    assert_eq!(logs(&mut cloud)["value"].as_array().unwrap().len(), 1, "the second script never ran");
    assert!(message(&cloud.put(&compute("ci-a"), &instance_body())).contains("AlreadyExists"));
    assert_eq!(cloud.delete(&format!("{}?underlyingResourceAction=Delete", compute("ci-a"))).status, 202);
}

#[test]
fn a_startup_script_runs_at_every_start() {
    let mut cloud = cloud();
    create(&mut cloud, &json!({ "startupScript": inline("sleep 60") }));
    cloud.pass(SET_UP + LAUNCH + 60);
    act(&mut cloud, "stop");
    cloud.pass(45);
    let start = act(&mut cloud, "start");
    cloud.pass(119);
    assert_eq!(state(&mut cloud), "Starting");
    cloud.pass(1);
    assert_eq!(state(&mut cloud), "UserSettingUp");
    cloud.pass(LAUNCH + 59);
    assert_eq!(cloud.status(&start)["status"], "InProgress");
    cloud.pass(1);
    assert_eq!(
        (state(&mut cloud), cloud.status(&start)["status"].clone()),
        (json!("Running"), json!("Succeeded"))
    );
    act(&mut cloud, "restart");
    cloud.pass(90 + LAUNCH + 60);
    assert_eq!(state(&mut cloud), "Running");
    assert_eq!(logs(&mut cloud)["value"].as_array().unwrap().len(), 3);
}

#[test]
fn a_startup_script_that_fails_later_fails_the_start_and_a_restart_helps() {
    let mut cloud = cloud();
    create(&mut cloud, &json!({ "startupScript": on_share("Users/a/start.sh") }));
    cloud.pass(SET_UP + LAUNCH);
    assert_eq!(state(&mut cloud), "Running");
    act(&mut cloud, "stop");
    cloud.pass(45);
    let ending = json!({ "path": "/Users/a/start.sh", "exit_code": 7, "seconds": 20, "output": "no disk\n" });
    assert_eq!(cloud.control(Method::Post, "scripts", &ending).status, 204);
    let start = act(&mut cloud, "start");
    cloud.pass(120 + LAUNCH + 20);
    assert_eq!(cloud.status(&start)["status"], "Failed");
    let failed = shown(&mut cloud);
    assert_eq!(failed["provisioningState"], "Succeeded");
    assert_eq!(failed["properties"]["state"], "UserSetupFailed");
    assert_eq!(failed["properties"]["lastOperation"]["operationStatus"], "StartFailed");
    assert_eq!(logs(&mut cloud)["value"][1]["output"], "no disk\n");
    assert_eq!(cloud.control(Method::Delete, "scripts", &json!({})).status, 204);
    act(&mut cloud, "restart");
    cloud.pass(300);
    assert_eq!(shown(&mut cloud)["properties"]["lastOperation"]["operationStatus"], "Succeeded");
    assert_eq!(state(&mut cloud), "Running");
}

#[test]
fn a_script_that_takes_longer_than_its_timeout_is_ended() {
    let mut cloud = cloud();
    let mut script = inline("echo a\nsleep 1000");
    script["timeout"] = json!("2m");
    let reply = create(&mut cloud, &json!({ "creationScript": script }));
    cloud.pass(SET_UP + LAUNCH + 120);
    let status = cloud.status(&reply);
    assert_eq!(status["status"], "Failed");
    assert!(status["error"]["message"].as_str().unwrap().contains("timed out"));
    assert_eq!(logs(&mut cloud)["value"][0]["exitCode"], 124);
}

#[test]
fn how_scripts_end_is_foretold_for_an_instance_before_it_is_there() {
    let mut cloud = cloud();
    let ending = json!({ "instance": compute("CI-a"), "seconds": 5 });
    assert_eq!(cloud.control(Method::Post, "scripts", &ending).status, 204);
    let listed = cloud.control(Method::Get, "scripts", &json!({})).value();
    assert_eq!(listed["value"][compute("ci-a").to_lowercase()]["seconds"], 5.0);
    create(&mut cloud, &json!({ "creationScript": inline("exit 1") }));
    cloud.pass(SET_UP + LAUNCH + 5);
    assert_eq!(state(&mut cloud), "Running");
    for body in [json!({}), json!({ "instance": "a", "path": "b" }), json!({ "path": "b", "code": 1 })] {
        assert_eq!(cloud.control(Method::Post, "scripts", &body).status, 400, "{body}");
    }
}

#[test]
fn neither_text_nor_arguments_of_a_script_are_kept_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.json");
    let options = Options { cloud_file: Some(file.clone()), speed: 0.0, ..Options::default() };
    let emulator = emulator::Emulator::open(options).unwrap();
    let put = |target: &str, body: &Value| {
        emulator.handle(&crate::support::request(Method::Put, target).json(body));
    };
    put(crate::support::GROUP, &json!({ "location": "westeurope" }));
    put(&crate::support::workspace(), &crate::support::workspace_body());
    emulator.advance(60.0).unwrap();
    let mut script = inline("curl -H canary-text example.com");
    script["scriptArguments"] = json!("canary-argument");
    let mut body = instance_body();
    body["properties"]["properties"]["setupScripts"] = json!({ "scripts": { "startupScript": script } });
    put(&compute("ci-a"), &body);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("/computes/ci-a"));
    assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
}
