//! Roles and their assignments, on every scope.

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, code, workspace};

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";
const ROLES: &str = "providers/Microsoft.Authorization/roleDefinitions";
const ASSIGNMENTS: &str = "providers/Microsoft.Authorization/roleAssignments";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const ALICE: &str = "aaaaaaaa-0000-0000-0000-000000000001";

fn names(reply: &Value, pointer: &str) -> Vec<String> {
    let items = reply["value"].as_array().unwrap();
    items.iter().map(|item| item.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
}

fn assignment(scope: &str, number: u32) -> String {
    format!("{scope}/{ASSIGNMENTS}/00000000-0000-0000-0000-{number:012}")
}

fn grant(principal: &str) -> Value {
    json!({ "properties": { "roleDefinitionId": format!("/{ROLES}/{READER}"), "principalId": principal } })
}

#[test]
fn built_in_roles_are_found_by_id_and_by_name() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let reader = cloud.get(&format!("{SUBSCRIPTION}/{ROLES}/{READER}")).value();
    assert_eq!(reader["properties"]["roleName"], "Reader");
    assert_eq!(reader["properties"]["type"], "BuiltInRole");
    assert_eq!(cloud.get(&format!("/{ROLES}/{READER}")).value()["name"], READER);
    let filter = "$filter=roleName%20eq%20'AzureML%20Data%20Scientist'";
    for scope in [SUBSCRIPTION, GROUP, &workspace()] {
        let found = cloud.get(&format!("{scope}/{ROLES}?{filter}")).value();
        assert_eq!(names(&found, "/name"), ["f6c7c914-8db3-469d-8ca1-694a8f32e121"], "{scope}");
    }
    let missing = cloud.get(&format!("{SUBSCRIPTION}/{ROLES}/{ALICE}"));
    assert_eq!((missing.status, code(&missing)), (404, "RoleDefinitionDoesNotExist".to_owned()));
}

#[test]
fn a_custom_role_lives_until_nobody_holds_it() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let id = format!("{SUBSCRIPTION}/{ROLES}/{ALICE}");
    let body = json!({ "properties": {
        "roleName": "Trainer", "type": "CustomRole", "assignableScopes": [SUBSCRIPTION],
        "permissions": [{ "actions": ["Microsoft.MachineLearningServices/*/read"] }],
    }});
    let at_group = format!("{GROUP}/{ROLES}/{ALICE}");
    assert_eq!(cloud.put(&at_group, &body).status, 201);
    assert_eq!(cloud.put(&at_group, &body).status, 201, "201 again: nothing else is taken");
    assert_eq!(cloud.get(&id).value()["id"], json!(id), "it belongs to the subscription");
    let custom = cloud.get(&format!("{SUBSCRIPTION}/{ROLES}?$filter=type%20eq%20'CustomRole'")).value();
    assert_eq!(names(&custom, "/properties/roleName"), ["Trainer"]);
    let again = cloud.put(&format!("{SUBSCRIPTION}/{ROLES}/{}", ALICE.replace('a', "b")), &body);
    assert_eq!((again.status, code(&again)), (409, "RoleDefinitionWithSameNameExists".to_owned()));
    let built_in = cloud.put(&format!("{SUBSCRIPTION}/{ROLES}/{READER}"), &body);
    assert_eq!(built_in.status, 403);
    let held = json!({ "properties": { "roleDefinitionId": id, "principalId": ALICE } });
    assert_eq!(cloud.put(&assignment(GROUP, 1), &held).status, 201);
    assert_eq!(code(&cloud.delete(&id)), "RoleDefinitionHasAssignments");
    assert_eq!(cloud.delete(&assignment(GROUP, 1)).status, 200);
    assert_eq!(cloud.delete(&id).value()["properties"]["roleName"], "Trainer");
    assert_eq!(cloud.delete(&id).status, 204);
}

#[test]
fn roles_are_assigned_on_every_scope_and_seen_from_above_and_below() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let scopes = [SUBSCRIPTION.to_owned(), GROUP.to_owned(), workspace()];
    for (scope, number) in scopes.iter().zip(1..) {
        let reply = cloud.put(&assignment(scope, number), &grant(ALICE));
        assert_eq!(reply.status, 201, "{}", reply.value());
        let shown = cloud.get(&assignment(scope, number)).value();
        assert_eq!(shown["properties"]["scope"], json!(scope));
        assert_eq!(shown["properties"]["principalType"], "User");
        assert!(shown["properties"]["roleDefinitionId"].as_str().unwrap().starts_with(SUBSCRIPTION));
        assert_eq!(cloud.call(Method::Head, &assignment(scope, number), None).status, 204);
        assert_eq!(cloud.put(&assignment(scope, number), &grant(ALICE)).status, 200, "the same again");
    }
    let mut count = |target: String| cloud.get(&target).value()["value"].as_array().unwrap().len();
    assert_eq!(count(format!("{SUBSCRIPTION}/{ASSIGNMENTS}")), 3);
    assert_eq!(count(format!("{GROUP}/{ASSIGNMENTS}?$filter=atScope()")), 2);
    assert_eq!(count(format!("{}/{ASSIGNMENTS}", workspace())), 3);
    assert_eq!(count(format!("{GROUP}/{ASSIGNMENTS}?$filter=principalId%20eq%20'{ALICE}'")), 3);
    assert_eq!(count(format!("{GROUP}/{ASSIGNMENTS}?$filter=assignedTo('nobody')")), 0);
    assert_eq!(cloud.get(&format!("{GROUP}/resources")).value()["value"].as_array().unwrap().len(), 1);
    cloud.delete(&format!("{}?forceToPurge=true", workspace()));
    cloud.pass(100);
    assert_eq!(cloud.get(&assignment(&workspace(), 3)).status, 404, "it goes with what it lies on");
}

#[test]
fn wrong_assignments_are_refused() {
    let mut cloud = Cloud::with_workspace(Options::default());
    assert_eq!(cloud.put(&assignment(GROUP, 1), &grant(ALICE)).status, 201);
    let twin = cloud.put(&assignment(GROUP, 2), &grant(ALICE));
    assert_eq!((twin.status, code(&twin)), (409, "RoleAssignmentExists".to_owned()));
    let other = grant(&ALICE.replace('a', "b"));
    assert_eq!(code(&cloud.put(&assignment(GROUP, 1), &other)), "RoleAssignmentUpdateNotPermitted");
    assert_eq!(code(&cloud.put(&format!("{GROUP}/{ASSIGNMENTS}/one"), &other)), "InvalidRoleAssignmentId");
    let mut unknown = other.clone();
    unknown["properties"]["roleDefinitionId"] = json!(format!("/{ROLES}/{ALICE}"));
    assert_eq!(code(&cloud.put(&assignment(GROUP, 3), &unknown)), "RoleDefinitionDoesNotExist");
    let nowhere = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/none");
    assert_eq!(code(&cloud.put(&assignment(&nowhere, 4), &other)), "ParentResourceNotFound");
}

#[test]
fn the_directory_can_take_its_time_to_know_a_principal() {
    let delay = std::time::Duration::from_secs(30);
    let mut cloud = Cloud::new(Options { directory_delay: delay, ..Options::default() });
    cloud.put(GROUP, &json!({ "location": "westeurope" }));
    let identity = format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/trainer");
    let made = cloud.put(&identity, &json!({ "location": "westeurope" })).value();
    let principal = made["properties"]["principalId"].as_str().unwrap();
    cloud.pass(20);
    let early = cloud.put(&assignment(GROUP, 1), &grant(principal));
    assert_eq!((early.status, code(&early)), (400, "PrincipalNotFound".to_owned()));
    let mut told = grant(principal);
    told["properties"]["principalType"] = json!("ServicePrincipal");
    assert_eq!(cloud.put(&assignment(GROUP, 1), &told).status, 201, "it is told what to look for");
    cloud.delete(&assignment(GROUP, 1));
    cloud.pass(20);
    let late = cloud.put(&assignment(GROUP, 1), &grant(principal));
    assert_eq!(
        (late.status, &late.value()["properties"]["principalType"]),
        (201, &json!("ServicePrincipal"))
    );
    assert_eq!(cloud.put(&assignment(GROUP, 2), &grant(ALICE)).status, 201, "people were always there");
}
