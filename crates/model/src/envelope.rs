//! Resources of types that plumb has no kind for, as Azure answers them: what of a body a document would say.
//!
//! Azure does not tell which values of a body are only its own. Those that are so in every service are left out;
//! whoever reads the document takes out the rest.

use std::collections::BTreeMap;

use serde_json::Map;

use crate::kinds::arm::{BODY, Leaf, Shape, is_segment, place_of};
use crate::{ArmId, Attributes, Json, Kind};

/// What stands at the top of a body beside what the service makes up (the ARM contract for resources).
const TOP: [&str; 11] = [
    "extendedLocation",
    "identity",
    "kind",
    "location",
    "managedBy",
    "placement",
    "plan",
    "properties",
    "sku",
    "tags",
    "zones",
];

/// Keys that services answer and nobody sends, wherever they stand; in lower case.
const MADE_UP: [&str; 15] = [
    "clientid",
    "createdat",
    "createdby",
    "createddate",
    "createdon",
    "creationdate",
    "creationtime",
    "etag",
    "lastmodifieddate",
    "modifieddate",
    "principalid",
    "provisioningstate",
    "resourceguid",
    "systemdata",
    "tenantid",
];

/// The kind to read a whole body with.
pub fn whole(id: &ArmId, api_version: &str) -> &'static Kind {
    let leaves = TOP.iter().map(|key| ((*key).to_owned(), Leaf::Plain)).collect();
    Shape { leaves, ..Shape::new(&id.resource_type(), api_version, place_of(id)) }.kind()
}

/// What a document would say of what [`whole`] has read: the kind with its leaves, and their values.
pub fn said(id: &ArmId, api_version: &str, read: &Attributes) -> (&'static Kind, Attributes) {
    let mut found = BTreeMap::new();
    for (path, value) in read {
        if let Some(key) = path.strip_prefix(BODY) {
            let value = without_made_up(value, id);
            split(key.to_owned(), value.unwrap_or(Json::Null), &mut found);
        }
    }
    let leaves = found.keys().map(|path| (path.clone(), Leaf::Plain)).collect();
    let kind = Shape { leaves, ..Shape::of(whole(id, api_version)) }.kind();
    let values = kind.attributes.iter().filter_map(|attribute| {
        let body = attribute.path.strip_prefix(BODY).and_then(|path| found.remove(path));
        Some((attribute.path, body.or_else(|| read.get(attribute.path).cloned())?))
    });
    (kind, values.collect())
}

/// The leaves of a value, as those of a document are told.
fn split(path: String, value: Json, found: &mut BTreeMap<String, Json>) {
    match value {
        Json::Null => {}
        Json::Object(map) if path != "tags" && !map.is_empty() && map.keys().all(|key| is_segment(key)) => {
            map.into_iter().for_each(|(key, value)| split(format!("{path}.{key}"), value, found));
        }
        value => _ = found.insert(path, value),
    }
}

/// The value without what the service makes up; `None` where nothing is left.
fn without_made_up(value: &Json, own: &ArmId) -> Option<Json> {
    match value {
        Json::Null => None,
        Json::Object(map) => {
            // A part of the resource is answered with its id and type, which follow from its name.
            let id = map.get("id").and_then(Json::as_str).and_then(ArmId::parse);
            let is_part = id.is_some_and(|id| id.lies_in(own)) && map.contains_key("name");
            let follows = |key: &str| is_part && (key == "id" || key == "type");
            let kept = map
                .iter()
                .filter(|(key, _)| !MADE_UP.contains(&key.to_ascii_lowercase().as_str()) && !follows(key));
            // Of an identity the key alone is given.
            let kept = kept.filter_map(|(key, value)| {
                let empty = || value.is_object().then(|| Json::Object(Map::new()));
                Some((key.clone(), without_made_up(value, own).or_else(empty)?))
            });
            let kept: Map<String, Json> = kept.collect();
            (!kept.is_empty()).then_some(Json::Object(kept))
        }
        Json::Array(list) => Some(list.iter().filter_map(|value| without_made_up(value, own)).collect()),
        scalar => Some(scalar.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_service_makes_up_is_not_said() {
        let id = ArmId::group("s", "g").in_group("Microsoft.Network/loadBalancers", "b");
        let part = id.child("backendAddressPools", "p");
        let identity =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
        let read = Attributes::from([
            ("type", json!("Microsoft.Network/loadBalancers")),
            ("resource_group", json!("g")),
            ("body.location", json!("westeurope")),
            ("body.tags", json!({ "a.b": "c" })),
            (
                "body.identity",
                json!({ "type": "UserAssigned", "tenantId": "t", "userAssignedIdentities": { identity: { "clientId": "c" } } }),
            ),
            (
                "body.properties",
                json!({
                    "provisioningState": "Succeeded",
                    "resourceGuid": "x",
                    "nothing": null,
                    "idle": { "minutes": 4 },
                    "pools": [{ "name": "p", "id": part, "type": "t", "etag": "e", "properties": { "provisioningState": "x" } }],
                    "frontend": { "id": part },
                }),
            ),
        ]);
        let (kind, values) = said(&id, "2024-05-01", &read);
        let shown: Vec<String> = values.iter().map(|(path, value)| format!("{path} = {value}")).collect();
        assert_eq!(
            shown,
            [
                "body.identity.type = \"UserAssigned\"".to_owned(),
                format!("body.identity.userAssignedIdentities = {{\"{identity}\":{{}}}}"),
                "body.location = \"westeurope\"".to_owned(),
                format!("body.properties.frontend.id = \"{part}\""),
                "body.properties.idle.minutes = 4".to_owned(),
                "body.properties.pools = [{\"name\":\"p\",\"properties\":{}}]".to_owned(),
                "body.tags = {\"a.b\":\"c\"}".to_owned(),
                "resource_group = \"g\"".to_owned(),
                "type = \"Microsoft.Network/loadBalancers\"".to_owned(),
            ]
        );
        assert!(values.keys().all(|path| kind.attribute(path).is_some()));
    }
}
