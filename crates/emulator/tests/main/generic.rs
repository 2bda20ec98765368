//! Resources of types that the emulator has no kind for: stored, and answered by ARM's ways.

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, code, workspace};

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";

fn cloud() -> Cloud {
    Cloud::with_workspace(Options::default())
}

fn id(kind: &str, name: &str) -> String {
    format!("{GROUP}/providers/{kind}/{name}")
}

fn names(reply: &emulator::Response) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.value());
    let value = reply.value();
    let items = value["value"].as_array().unwrap().iter();
    items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn any_type_can_be_made_read_changed_and_deleted() {
    let mut cloud = cloud();
    let target = id("Contoso.Things/widgets", "One");
    assert_eq!(cloud.call(Method::Head, &target, None).status, 404);
    assert_eq!(code(&cloud.get(&target)), "ResourceNotFound");
    let body =
        json!({ "location": "West Europe", "tags": { "a": "b" }, "properties": { "x": 1, "y": { "z": 2 } } });
    let made = cloud.put(&target, &body);
    assert_eq!(made.status, 201);
    let made = made.value();
    assert_eq!(made["id"], target);
    assert_eq!(
        (&made["name"], &made["type"], &made["location"]),
        (&json!("One"), &json!("Contoso.Things/widgets"), &json!("westeurope"))
    );
    assert_eq!(made["properties"], json!({ "x": 1, "y": { "z": 2 }, "provisioningState": "Succeeded" }));
    assert_eq!(
        cloud
            .call(Method::Head, &target.to_uppercase().replace("SUBSCRIPTIONS", "subscriptions"), None)
            .status,
        204
    );

    let patch = json!({ "tags": { "c": "d" }, "properties": { "x": null, "y": { "w": 3 } } });
    let patched = cloud.patch(&format!("{target}?api-version=2099-01-01-preview"), &patch);
    assert_eq!(patched.status, 200);
    let shown = cloud.get(&target).value();
    assert_eq!(shown, patched.value());
    assert_eq!(shown["tags"], json!({ "c": "d" }));
    assert_eq!(shown["properties"], json!({ "y": { "z": 2, "w": 3 }, "provisioningState": "Succeeded" }));

    let again = cloud.put(
        &target.to_lowercase().replace("resourcegroups", "resourceGroups"),
        &json!({ "properties": {} }),
    );
    assert_eq!(again.status, 200);
    assert_eq!((&again.value()["id"], &again.value()["location"]), (&json!(target), &json!("westeurope")));
    assert_eq!(code(&cloud.put(&target, &json!({ "location": "eastus" }))), "InvalidResourceLocation");
    assert_eq!((cloud.delete(&target).status, cloud.delete(&target).status), (200, 204));
    assert_eq!(cloud.patch(&target, &json!({})).status, 404);
}

#[test]
fn a_child_needs_its_parent_and_goes_with_it() {
    let mut cloud = cloud();
    let parent = id("Contoso.Things/widgets", "one");
    let child = format!("{parent}/parts/p");
    assert_eq!(code(&cloud.put(&child, &json!({}))), "ParentResourceNotFound");
    cloud.put(&parent, &json!({ "location": "westeurope" }));
    assert_eq!(cloud.put(&child, &json!({ "properties": { "size": 1 } })).status, 201);
    assert_eq!(cloud.get(&child).value()["type"], "Contoso.Things/widgets/parts");
    assert_eq!(names(&cloud.get(&format!("{parent}/parts"))), ["p"]);
    cloud.delete(&parent);
    cloud.put(&parent, &json!({ "location": "westeurope" }));
    assert_eq!(cloud.get(&child).status, 404);
    let connection = format!("{}/connections/c", workspace());
    assert_eq!(cloud.put(&connection, &json!({ "properties": { "category": "Git" } })).status, 201);
    assert_eq!(
        names(&cloud.get(&format!("{}/connections", workspace()))),
        ["c"],
        "a known kind has unknown children"
    );
    assert_eq!(cloud.post(&format!("{parent}/explode"), None).status, 404, "what an action does is unknown");
}

#[test]
fn extensions_lie_on_anything_and_in_no_list_of_a_group() {
    let mut cloud = cloud();
    let role = "providers/Microsoft.Authorization/denyAssignments/11111111-0000-0000-0000-000000000001";
    let body = json!({ "properties": { "principalId": "p", "roleDefinitionId": "r" } });
    for scope in [SUBSCRIPTION, GROUP, &workspace(), ""] {
        let target = format!("{scope}/{role}");
        let made = cloud.put(&target, &body);
        assert_eq!((made.status, &made.value()["id"]), (201, &json!(target)), "{scope}");
        let collection = target.rsplit_once('/').unwrap().0.to_owned();
        assert!(!names(&cloud.get(&collection)).is_empty(), "{scope}");
    }
    let settings = "providers/microsoft.insights/diagnosticSettings/all";
    let missing = cloud.put(&format!("{}x/{settings}", workspace()), &json!({ "properties": {} }));
    assert_eq!((missing.status, code(&missing).as_str()), (404, "ParentResourceNotFound"));
    assert_eq!(cloud.put(&format!("{}/{settings}", workspace()), &json!({ "properties": {} })).status, 201);
    assert_eq!(names(&cloud.get(&format!("{GROUP}/resources"))), ["research"]);
    cloud.delete(&format!("{}?forceToPurge=true", workspace()));
    cloud.pass(60);
    assert_eq!(code(&cloud.get(&format!("{}/{settings}", workspace()))), "ParentResourceNotFound");
}

#[test]
fn write_only_values_are_not_answered() {
    let mut cloud = cloud();
    let target = id("Contoso.Things/widgets", "one");
    let profile = json!({ "adminUsername": "me", "adminPassword": "pw-1" });
    let body = json!({ "location": "westeurope", "properties": { "profiles": [profile] } });
    assert!(!cloud.put(&target, &body).value().to_string().contains("pw-1"));
    assert_eq!(cloud.get(&target).value()["properties"]["profiles"], json!([{ "adminUsername": "me" }]));
}

#[test]
fn lists_take_the_filters_that_clients_send() {
    let mut cloud = cloud();
    let at = |tags: Value| json!({ "location": "westeurope", "tags": tags, "properties": {} });
    cloud.put(&id("Contoso.Things/widgets", "one"), &at(json!({ "team": "a" })));
    cloud.put(&id("Contoso.Things/widgets", "two"), &at(json!({ "team": "b" })));
    let other = GROUP.replace("/rg", "/other");
    cloud.put(&other, &json!({ "location": "eastus", "tags": { "team": "a" } }));
    cloud.put(&format!("{other}/providers/Contoso.Things/widgets/three"), &json!({ "location": "eastus" }));
    let cases = [
        ("resources", "", vec!["three", "one", "two", "research"]),
        ("resources", "resourceType eq 'contoso.things/widgets'", vec!["three", "one", "two"]),
        (
            "resources",
            "resourceType eq 'Contoso.Things/widgets' and resourceGroup eq 'RG'",
            vec!["one", "two"],
        ),
        ("resources", "tagName eq 'team' and tagValue eq 'a'", vec!["one"]),
        ("resources", "name eq 'Two'", vec!["two"]),
        ("resources", "location eq 'eastus'", vec!["three"]),
        ("resourcegroups", "tagName eq 'team' and tagValue eq 'a'", vec!["other"]),
        ("providers/Contoso.Things/widgets", "", vec!["three", "one", "two"]),
    ];
    for (list, filter, expected) in cases {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        assert_eq!(
            names(&cloud.get(&format!("{SUBSCRIPTION}/{list}?$filter={filter}"))),
            expected,
            "{filter}"
        );
    }
    let refused = cloud.get(&format!("{SUBSCRIPTION}/resources?$filter=size%20eq%20'1'"));
    assert_eq!((refused.status, code(&refused).as_str()), (400, "InvalidRequestContent"));
    let url = format!("{GROUP}/resources?$expand=provisioningState&$top=10");
    assert_eq!(cloud.get(&url).value()["value"][0]["provisioningState"], "Succeeded");
    assert_eq!(names(&cloud.get(&format!("{SUBSCRIPTION}/resourcegroups?$top=1"))), ["other"]);
}
