//! Tags as resources and as a list, and what else is asked of groups and their lists.

use emulator::Options;
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, code, workspace};

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";
const TAGS: &str = "providers/Microsoft.Resources/tags/default";

fn of(tags: Value) -> Value {
    json!({ "properties": { "tags": tags } })
}

fn patch(operation: &str, tags: Value) -> Value {
    json!({ "operation": operation, "properties": { "tags": tags } })
}

#[test]
fn tags_are_read_replaced_merged_and_taken_away_on_any_scope() {
    let mut cloud = Cloud::with_workspace(Options::default());
    for scope in [SUBSCRIPTION, GROUP, &workspace()] {
        let target = format!("{scope}/{TAGS}");
        let read = cloud.get(&target);
        assert_eq!((read.status, &read.value()["properties"]["tags"]), (200, &json!({})), "{scope}");
        let put = cloud.put(&target, &of(json!({ "Team": "a", "env": "test" })));
        assert_eq!((put.status, &put.value()["id"]), (200, &json!(target)), "{scope}");
        let mut after = |patch: Value| {
            let reply = cloud.patch(&target, &patch);
            assert_eq!(reply.status, 200, "{}", reply.value());
            reply.value()["properties"]["tags"].clone()
        };
        assert_eq!(after(patch("Merge", json!({ "team": "b" }))), json!({ "Team": "b", "env": "test" }));
        assert_eq!(after(patch("Delete", json!({ "ENV": "" }))), json!({ "Team": "b" }));
        assert_eq!(after(patch("Replace", json!({ "x": "y" }))), json!({ "x": "y" }));
        assert_eq!(code(&cloud.patch(&target, &patch("Paint", json!({})))), "InvalidRequestContent");
        assert_eq!(cloud.get(&target).value()["properties"]["tags"], json!({ "x": "y" }), "{scope}");
    }
    assert_eq!(cloud.get(GROUP).value()["tags"], json!({ "x": "y" }));
    assert_eq!(cloud.get(&workspace()).value()["tags"], json!({ "x": "y" }));
    assert_eq!(cloud.delete(&format!("{GROUP}/{TAGS}")).status, 200);
    assert_eq!(cloud.get(GROUP).value()["tags"], json!({}));
    assert_eq!(code(&cloud.get(&format!("{}x/{TAGS}", workspace()))), "ParentResourceNotFound");
}

#[test]
fn tag_names_are_counted_agreed_on_and_forgotten() {
    let mut cloud = Cloud::with_workspace(Options::default());
    cloud.patch(GROUP, &json!({ "tags": { "team": "a" } }));
    cloud.patch(&workspace(), &json!({ "tags": { "Team": "a" } }));
    let names = format!("{SUBSCRIPTION}/tagNames");
    let listed = cloud.get(&names).value();
    assert!(listed["value"][0]["tagName"].as_str().unwrap().eq_ignore_ascii_case("team"));
    assert_eq!(listed["value"][0]["count"], json!({ "type": "Total", "value": 2 }));
    assert_eq!(listed["value"][0]["values"][0]["tagValue"], "a");
    assert_eq!(code(&cloud.put(&format!("{names}/cost/tagValues/1"), &Value::Null)), "TagNotFound");
    assert_eq!(cloud.put(&format!("{names}/cost"), &Value::Null).status, 201);
    assert_eq!(cloud.put(&format!("{names}/cost"), &Value::Null).status, 200);
    assert_eq!(cloud.put(&format!("{names}/cost/tagValues/1"), &Value::Null).status, 201);
    let listed = cloud.get(&names).value();
    assert_eq!(
        listed["value"][0]["values"][0],
        json!({
            "id": format!("{names}/cost/tagValues/1"), "tagValue": "1", "count": { "type": "Total", "value": 0 },
        })
    );
    assert_eq!(code(&cloud.delete(&format!("{names}/team"))), "TagInUse");
    assert_eq!(cloud.delete(&format!("{names}/cost/tagValues/1")).status, 200);
    assert_eq!(
        (cloud.delete(&format!("{names}/cost")).status, cloud.delete(&format!("{names}/cost")).status),
        (200, 204)
    );
}

#[test]
fn a_group_is_exported_as_a_template_that_can_be_deployed_again() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let widget = |group: &str, name: &str| format!("{group}/providers/Contoso.Things/widgets/{name}");
    let properties = json!({ "formula": "[not an expression]" });
    cloud.put(
        &widget(GROUP, "w"),
        &json!({ "location": "westeurope", "tags": { "a": "b" }, "properties": properties }),
    );
    let wanted = json!({ "resources": [widget(GROUP, "W")] });
    let template = cloud.post(&format!("{GROUP}/exportTemplate"), Some(&wanted)).value()["template"].clone();
    assert_eq!(template["resources"].as_array().unwrap().len(), 1);
    let all = cloud.post(&format!("{GROUP}/exportTemplate"), Some(&json!({ "resources": ["*"] }))).value();
    assert_eq!(all["template"]["resources"].as_array().unwrap().len(), 2);
    let other = GROUP.replace("/rg", "/other");
    cloud.put(&other, &json!({ "location": "westeurope" }));
    let body = json!({ "properties": { "mode": "Incremental", "template": template } });
    let reply = cloud.put(&format!("{other}/providers/Microsoft.Resources/deployments/copy"), &body);
    assert_eq!(reply.status, 201, "{}", reply.value());
    cloud.pass(60);
    let shown = cloud.get(&widget(&other, "w")).value();
    assert_eq!(
        (&shown["properties"]["formula"], &shown["tags"]),
        (&json!("[not an expression]"), &json!({ "a": "b" }))
    );
    assert_eq!(
        code(&cloud.post(&format!("{GROUP}x/exportTemplate"), Some(&wanted))),
        "ResourceGroupNotFound"
    );
}

#[test]
fn lists_tell_when_things_were_made_and_changed() {
    let mut cloud = Cloud::with_workspace(Options::default());
    cloud.pass(600);
    cloud.patch(&workspace(), &json!({ "tags": { "a": "b" } }));
    cloud.pass(60);
    let list = format!("{GROUP}/resources?$expand=createdTime,changedTime,provisioningState");
    let shown = cloud.get(&list).value()["value"][0].clone();
    assert_eq!(shown["provisioningState"], "Succeeded");
    let (created, changed) = (shown["createdTime"].as_str().unwrap(), shown["changedTime"].as_str().unwrap());
    assert!(created < changed, "{shown}");
    assert!(cloud.get(&format!("{GROUP}/resources")).value()["value"][0].get("createdTime").is_none());
}

#[test]
fn some_words_are_in_no_name() {
    let mut cloud = Cloud::new(Options::default());
    let mut check = |name: &str| {
        let body = json!({ "name": name, "type": "Contoso.Things/widgets" });
        cloud.post("/providers/Microsoft.Resources/checkResourceName", Some(&body))
    };
    assert_eq!(check("mine").value()["status"], "Allowed");
    assert_eq!(code(&check("myMicrosoftThing")), "ReservedResourceName");
    assert_eq!(check("my-login").status, 200);
}
