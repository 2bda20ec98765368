//! Instances: their creation, their power, and the actions that change them.

use emulator::{Options, UpdateSchedules};
use serde_json::{Value, json};

use crate::support::{Cloud, cluster_body, code, compute, instance_body, message};

fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

fn inner(cloud: &mut Cloud, name: &str) -> Value {
    cloud.get(&compute(name)).value()["properties"]["properties"].clone()
}

fn running(cloud: &mut Cloud, name: &str, changes: &Value) {
    let mut body = instance_body();
    for (key, value) in changes.as_object().unwrap() {
        body["properties"]["properties"][key] = value.clone();
    }
    let reply = cloud.put(&compute(name), &body);
    assert_eq!(reply.status, 201, "{}", reply.value());
    cloud.pass(300);
}

#[test]
fn a_create_passes_through_its_states_and_fills_in_what_was_null() {
    let mut cloud = cloud();
    let mut body = instance_body();
    body["identity"] = json!({ "type": "SystemAssigned" });
    let reply = cloud.put(&compute("ci-a"), &body);
    assert_eq!(reply.status, 201);
    let first = reply.value();
    for key in [
        "sshSettings",
        "errors",
        "connectivityEndpoints",
        "applications",
        "state",
        "lastOperation",
        "versions",
    ] {
        assert_eq!(first["properties"]["properties"][key], Value::Null, "{key}");
    }
    assert!(first["properties"]["properties"].get("schedules").is_none());
    assert!(first["properties"].get("computeLocation").is_none());
    assert!(first["identity"]["principalId"].is_string());
    assert!(first["properties"]["properties"]["createdBy"]["userId"].is_string());
    assert_eq!(inner(&mut cloud, "ci-a")["state"], "Creating");
    cloud.pass(130);
    assert_eq!(inner(&mut cloud, "ci-a")["state"], "SettingUp");
    assert_eq!(cloud.status(&reply)["status"], "InProgress");
    cloud.pass(30);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    let shown = inner(&mut cloud, "ci-a");
    assert_eq!(shown["state"], "Running");
    assert_eq!(shown["errors"], json!([]));
    assert_eq!(shown["customServices"], json!([]));
    assert_eq!(shown["schedules"], json!({ "computeStartStop": [] }));
    assert_eq!(shown["setupScripts"], Value::Null);
    assert_eq!(shown["sshSettings"]["sshPublicAccess"], "Disabled");
    assert_eq!(shown["lastOperation"]["operationName"], "Create");
    assert_eq!(shown["lastOperation"]["operationTrigger"], "User");
    assert_eq!(shown["applications"][0]["endpointUri"], "https://ci-a.westeurope.instances.azureml.ms/tree/");
}

#[test]
fn setup_scripts_add_a_state_and_inline_ones_do_not_come_back() {
    let script = |source: &str, text: &str| json!({ "scriptSource": source, "scriptData": text, "scriptArguments": "x" });
    let scripts = json!({ "setupScripts": { "scripts": {
        "creationScript": script("inline", "ZWNobyBoaQ=="),
        "startupScript": script("workspaceStorage", "Users/a.sh"),
    } } });
    for echo in [false, true] {
        let mut cloud = Cloud::with_workspace(Options { echo_scripts: echo, ..Options::default() });
        let mut body = instance_body();
        body["properties"]["properties"]["setupScripts"] = scripts["setupScripts"].clone();
        cloud.put(&compute("ci-a"), &body);
        cloud.pass(165);
        assert_eq!(inner(&mut cloud, "ci-a")["state"], "UserSettingUp");
        cloud.pass(60);
        let shown = inner(&mut cloud, "ci-a");
        assert_eq!(shown["state"], "Running");
        let shown = &shown["setupScripts"]["scripts"];
        assert_eq!(
            shown["creationScript"]["scriptData"],
            if echo { json!("ZWNobyBoaQ==") } else { Value::Null }
        );
        assert_eq!(shown["creationScript"]["scriptArguments"], if echo { json!("x") } else { Value::Null });
        assert_eq!(shown["startupScript"]["scriptData"], "Users/a.sh");
    }
}

#[test]
fn power_goes_by_actions_and_start_only_from_stopped() {
    let mut cloud = cloud();
    running(&mut cloud, "ci-a", &json!({}));
    let early = cloud.post(&format!("{}/start", compute("ci-a")), None);
    assert_eq!((early.status, code(&early).as_str()), (400, "StartComputeInstanceOnlyAllowedInStoppedState"));
    let stop = cloud.post(&format!("{}/stop", compute("ci-a")), None);
    assert_eq!((stop.status, stop.body.len()), (202, 0));
    assert!(stop.header("azure-asyncoperation").is_some() && stop.header("location").is_none());
    let during = cloud.get(&compute("ci-a")).value();
    assert_eq!(during["properties"]["provisioningState"], "Succeeded");
    assert_eq!(during["properties"]["properties"]["state"], "Stopping");
    assert_eq!(cloud.post(&format!("{}/start", compute("ci-a")), None).status, 409);
    cloud.pass(45);
    let stopped = inner(&mut cloud, "ci-a");
    assert_eq!(
        (&stopped["state"], &stopped["lastOperation"]["operationName"]),
        (&json!("Stopped"), &json!("Stop"))
    );
    assert_eq!(cloud.post(&format!("{}/START", compute("CI-A")), None).status, 202);
    assert_eq!(inner(&mut cloud, "ci-a")["state"], "Starting");
    cloud.pass(120);
    assert_eq!(inner(&mut cloud, "ci-a")["state"], "Running");
    assert_eq!(cloud.post(&format!("{}/restart", compute("ci-a")), None).status, 202);
    assert_eq!(inner(&mut cloud, "ci-a")["state"], "Restarting");
}

#[test]
fn power_and_nodes_belong_to_their_own_kind() {
    let mut cloud = cloud();
    running(&mut cloud, "ci-a", &json!({}));
    cloud.put(&compute("cpu"), &cluster_body());
    let nodes = cloud.post(&format!("{}/listNodes", compute("ci-a")), None);
    assert_eq!(code(&nodes), "UserError");
    assert_eq!(message(&nodes), "ComputeListNodes with computeType ComputeInstance is not supported.");
    assert_eq!(code(&cloud.post(&format!("{}/stop", compute("cpu")), None)), "UserError");
}

#[test]
fn an_instance_cannot_be_updated_by_put() {
    let mut cloud = cloud();
    running(&mut cloud, "ci-a", &json!({}));
    let reply = cloud.put(&compute("ci-a"), &instance_body());
    assert_eq!(reply.status, 400);
    assert!(message(&reply).contains("cannot be updated"));
    assert_eq!(cloud.patch(&compute("ci-a"), &json!({ "tags": {} })).status, 400);
}

#[test]
fn settings_change_by_actions() {
    let mut cloud = cloud();
    running(&mut cloud, "ci-a", &json!({ "idleTimeBeforeShutdown": "PT30M" }));
    let action = |name: &str| format!("{}/{name}", compute("ci-a"));
    let before = cloud.get(&compute("ci-a")).value()["properties"]["modifiedOn"].clone();
    let idle =
        cloud.post(&action("updateIdleShutdownSetting"), Some(&json!({ "idleTimeBeforeShutdown": "PT1H" })));
    assert_eq!(idle.status, 200);
    let bad =
        cloud.post(&action("updateIdleShutdownSetting"), Some(&json!({ "idleTimeBeforeShutdown": "PT5M" })));
    assert_eq!(bad.status, 400);
    let services = json!([{ "name": "rs", "image": { "reference": "img" } }]);
    assert_eq!(cloud.post(&action("customServices"), Some(&services)).status, 200);
    assert_eq!(cloud.post(&action("enableSso"), Some(&json!({ "enableSSO": false }))).status, 200);
    let mount = json!([{ "mountName": "m", "mountAction": "mount", "source": "s", "sourceType": "uri" }]);
    assert_eq!(cloud.post(&action("updateDataMounts"), Some(&mount)).status, 200);
    let shown = cloud.get(&compute("ci-a")).value();
    assert_ne!(shown["properties"]["modifiedOn"], before);
    let shown = &shown["properties"]["properties"];
    assert_eq!(shown["idleTimeBeforeShutdown"], "PT1H");
    assert_eq!(shown["customServices"], services);
    assert_eq!(shown["enableSSO"], false);
    assert_eq!(
        (&shown["dataMounts"][0]["mountState"], &shown["dataMounts"][0]["sourceType"]),
        (&json!("Mounted"), &json!("URI"))
    );
    let mount = json!([{ "mountName": "m", "mountAction": "Unmount" }]);
    cloud.post(&action("updateDataMounts"), Some(&mount));
    assert_eq!(inner(&mut cloud, "ci-a")["dataMounts"], json!([]));
}

#[test]
fn a_resize_answers_location_alone_and_restarts_with_the_new_size() {
    let mut cloud = cloud();
    running(&mut cloud, "ci-a", &json!({}));
    let sizes = cloud.post(&format!("{}/getAllowedVmSizesForResize", compute("ci-a")), None).value();
    assert!(sizes["value"].as_array().unwrap().iter().any(|size| size["name"] == "Standard_DS11_v2"));
    let reply = cloud
        .post(&format!("{}/resize", compute("ci-a")), Some(&json!({ "targetVMSize": "Standard_DS11_v2" })));
    assert_eq!(reply.status, 202);
    assert!(reply.header("azure-asyncoperation").is_none());
    let url = reply.header("location").unwrap();
    assert_eq!(cloud.follow(url).status, 202);
    assert_eq!(inner(&mut cloud, "ci-a")["state"], "Resizing");
    cloud.pass(180);
    assert_eq!(cloud.follow(url).status, 200);
    let shown = inner(&mut cloud, "ci-a");
    assert_eq!((&shown["state"], &shown["vmSize"]), (&json!("Running"), &json!("STANDARD_DS11_V2")));
}

fn schedule(action: &str) -> Value {
    json!({ "action": action, "status": "enabled", "triggerType": "Cron", "cron": { "expression": "0 18 * * *", "timeZone": "UTC" } })
}

#[test]
fn schedules_get_ids_and_are_replaced_as_a_list() {
    let mut cloud = cloud();
    running(&mut cloud, "ci-a", &json!({ "schedules": { "computeStartStop": [schedule("stop")] } }));
    let shown = inner(&mut cloud, "ci-a")["schedules"]["computeStartStop"][0].clone();
    assert!(shown["id"].is_string());
    assert_eq!(
        (&shown["provisioningStatus"], &shown["action"], &shown["status"]),
        (&json!("Completed"), &json!("Stop"), &json!("Enabled"))
    );
    let two = json!({ "computeStartStop": [schedule("Start"), schedule("Stop")] });
    assert_eq!(cloud.post(&format!("{}/updateSchedules", compute("ci-a")), Some(&two)).status, 200);
    assert_eq!(inner(&mut cloud, "ci-a")["schedules"]["computeStartStop"].as_array().unwrap().len(), 2);
    let five = json!({ "computeStartStop": vec![schedule("Stop"); 5] });
    assert_eq!(cloud.post(&format!("{}/updateSchedules", compute("ci-a")), Some(&five)).status, 400);
}

#[test]
fn the_unpublished_action_has_three_behaviours() {
    for (behaviour, status) in [(UpdateSchedules::Ignored, 200), (UpdateSchedules::Missing, 404)] {
        let mut cloud = Cloud::with_workspace(Options { update_schedules: behaviour, ..Options::default() });
        running(&mut cloud, "ci-a", &json!({}));
        let body = json!({ "computeStartStop": [schedule("Stop")] });
        assert_eq!(cloud.post(&format!("{}/updateSchedules", compute("ci-a")), Some(&body)).status, status);
        assert_eq!(inner(&mut cloud, "ci-a")["schedules"]["computeStartStop"], json!([]));
    }
}

#[test]
fn ssh_keys_and_single_sign_on_follow_the_documented_rules() {
    let mut cloud = cloud();
    let assigned = json!({ "assignedUser": { "objectId": "o", "tenantId": "t" } });
    let changes = json!({
        "sshSettings": { "sshPublicAccess": "disabled", "adminPublicKey": "ssh-rsa k" },
        "personalComputeInstanceSettings": assigned,
        "customServices": [{ "name": "rs" }],
        "enableSSO": true,
    });
    running(&mut cloud, "ci-a", &changes);
    let shown = inner(&mut cloud, "ci-a");
    assert_eq!(shown["sshSettings"]["adminPublicKey"], Value::Null);
    assert_eq!(shown["sshSettings"]["adminUserName"], "azureuser");
    assert_eq!(shown["enableSSO"], false);
    running(
        &mut cloud,
        "ci-b",
        &json!({ "sshSettings": { "sshPublicAccess": "Enabled", "adminPublicKey": "ssh-rsa k" } }),
    );
    assert_eq!(inner(&mut cloud, "ci-b")["sshSettings"]["adminPublicKey"], "ssh-rsa k");
}
