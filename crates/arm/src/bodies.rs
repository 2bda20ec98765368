//! Request bodies: the kinds' tables say what goes where; here is what a PUT and a PATCH of ARM want
//! beyond that.

use executor::provider::Request;
use model::body::{decode, encode, is_sent, to_arm, with_own_id};
use model::compare::{get, same, set};
use model::given::{Words, seen};
use model::schema::Removal;
use model::{Attribute, Compare, Json, Type};
use serde_json::{Map, json};

const IDENTITIES: &str = "identity.userAssignedIdentities";

/// The body of a PUT that makes a resource: what is null was never asked for.
pub(crate) fn create(request: &Request<'_>) -> Json {
    let given = request.attributes.iter().filter(|(_, value)| !value.is_null());
    let mut body = to_arm(request.kind, given.map(|(path, value)| (*path, value)));
    if get(&body, "properties.encryption").is_some() && !request.kind.is_typed() {
        // Required with the rest of it (machine-learning facts §7.2), and nothing that a document says.
        set(&mut body, "properties.encryption.status", json!("Enabled"));
    }
    settle_identities(&mut body);
    with_own_id(&mut body, request.arm_id);
    body
}

/// The body of a PUT that changes a live resource: what is live, without what only the service
/// writes, with what the request is about (machine-learning facts §12).
pub(crate) fn put(request: &Request<'_>, live: &Json) -> Json {
    let mut body = without_nulls(live);
    for path in request.kind.read_only {
        remove(&mut body, path);
    }
    for attribute in request.kind.attributes.iter().filter(|a| is_sent(a) && is_dropped(request, a)) {
        if let Some(value) = request.attributes.get(attribute.path).filter(|v| !v.is_null()) {
            set(&mut body, attribute.arm, encode(attribute, value));
        }
    }
    for attribute in changed(request) {
        match encode(attribute, value_of(request, attribute)) {
            Json::Null if matches!(attribute.value, Type::Map(_)) => set(&mut body, attribute.arm, json!({})),
            // A reference is an object with an id alone.
            Json::Null => remove(&mut body, attribute.arm.strip_suffix(".id").unwrap_or(attribute.arm)),
            value => set(&mut body, attribute.arm, value),
        }
    }
    settle_identities(&mut body);
    with_own_id(&mut body, request.arm_id);
    body
}

/// The body of a PUT that changes a resource of which plumb knows nothing but its document: all of that, as a template
/// would send it. Where live differs and the request is not about it, it is somebody else's and stays as it is.
pub(crate) fn put_given(request: &Request<'_>, live: &Json) -> Json {
    let mut body = create(request);
    let untouched = request.attributes.iter().filter(|(path, _)| !request.paths.contains(path));
    for (path, value) in untouched {
        let Some(attribute) = request.kind.attribute(path).filter(|a| is_sent(a) && !a.is_hidden()) else {
            continue;
        };
        let Some(found) = get(live, attribute.arm) else { continue };
        let shown = seen(attribute, Some(value), Some(found), Words::Folded);
        if !same(attribute, Some(value), shown.as_deref()) {
            set(&mut body, attribute.arm, found.clone());
        }
    }
    body
}

/// Whether a PATCH can only be written knowing what is live: identities to let go are named, and the
/// rest of an object that goes whole must stay as it is.
pub(crate) fn patch_needs_live(request: &Request<'_>) -> bool {
    let whole = |arm: &str| request.kind.is_whole(group_of(arm));
    let missing = |a: &&Attribute| whole(a.arm) && !request.paths.contains(&a.path);
    changed(request).any(|a| a.arm == IDENTITIES)
        || (changed(request).any(|a| whole(a.arm)) && request.kind.attributes.iter().any(|a| missing(&a)))
}

/// The body of a PATCH: the changed attributes, nested as in the resource.
pub(crate) fn patch(request: &Request<'_>, live: &Json) -> Json {
    let mut body = Json::Object(Map::new());
    for attribute in changed(request) {
        let value = encode(attribute, value_of(request, attribute));
        let empty = value.is_null() && attribute.compare == Compare::EmptyIsAbsent;
        set(&mut body, attribute.arm, if empty { json!("") } else { value });
    }
    with_own_id(&mut body, request.arm_id);
    complete(request, live, &mut body);
    drop_unwanted(request, &mut body);
    name_lost_identities(request, live, &mut body);
    body
}

/// Fills what must go along with a changed attribute: the rest of its object, and fixed parts.
fn complete(request: &Request<'_>, live: &Json, body: &mut Json) {
    let touched: Vec<&str> = changed(request).map(|a| group_of(a.arm)).filter(|g| !g.is_empty()).collect();
    for attribute in request.kind.attributes.iter().filter(|a| is_sent(a)) {
        let group = group_of(attribute.arm);
        if request.kind.is_whole(group) && touched.contains(&group) && get(body, attribute.arm).is_none() {
            let desired = request.attributes.get(attribute.path).map(|v| encode(attribute, v));
            if let Some(value) = get(live, attribute.arm).cloned().or(desired) {
                set(body, attribute.arm, value);
            }
        }
    }
    for (path, text) in request.kind.constants.iter().filter(|(path, _)| touched.contains(&group_of(path))) {
        set(body, path, json!(text));
    }
}

/// Of two objects that exclude each other the one that nobody wants is not sent, nor are values of the other that go.
fn drop_unwanted(request: &Request<'_>, body: &mut Json) {
    let sent = request.kind.attributes.iter().filter(|a| is_sent(a));
    let grouped = sent.filter(|a| request.kind.is_whole(group_of(a.arm)));
    let wanted = |a: &Attribute| request.attributes.get(a.path).is_some_and(|v| !v.is_null());
    let is_wanted: Vec<&str> = grouped.clone().filter(|a| wanted(a)).map(|a| group_of(a.arm)).collect();
    for attribute in grouped {
        let group = group_of(attribute.arm);
        if !is_wanted.contains(&group) {
            remove(body, group);
        } else if get(body, attribute.arm).is_none() {
            remove(body, attribute.arm);
        }
    }
}

/// In a PATCH an identity goes only when it is named with null, and the type goes along.
fn name_lost_identities(request: &Request<'_>, live: &Json, body: &mut Json) {
    if get(body, "identity").is_none() {
        return;
    }
    if get(body, "identity.type").is_none()
        && let Some(attribute) = request.kind.attribute("identity.type")
        && let Some(value) = request.attributes.get(attribute.path)
    {
        set(body, attribute.arm, encode(attribute, value));
    }
    let wanted = get(body, IDENTITIES).and_then(Json::as_object).cloned();
    if let Some(mut wanted) = wanted {
        for id in get(live, IDENTITIES).and_then(Json::as_object).into_iter().flat_map(Map::keys) {
            if !wanted.keys().any(|w| w.eq_ignore_ascii_case(id)) {
                wanted.insert(id.clone(), Json::Null);
            }
        }
        set(body, IDENTITIES, Json::Object(wanted));
    }
    drop_identities_without_type(body);
}

/// Elements that are live and no longer wanted are named, with the word that removes them.
pub(crate) fn name_removals(wanted: &mut Json, attribute: &Attribute, live: &Json, removal: Removal) {
    let Some(list) = wanted.as_array_mut() else { return };
    // Decoded and encoded again, so that nothing the service wrote by itself is sent back.
    let standing = get(live, attribute.arm).and_then(|l| decode(attribute, l)).map(|l| encode(attribute, &l));
    for element in standing.iter().flat_map(|s| s.as_array()).flatten() {
        if !list.iter().any(|w| w.get(removal.name) == element.get(removal.name)) {
            let mut leaving = element.clone();
            leaving[removal.key] = json!(removal.word);
            list.push(leaving);
        }
    }
}

/// In a PUT the map is replaced whole; the ids that Azure answers inside it are not ours to send.
fn settle_identities(body: &mut Json) {
    let Some(map) = get(body, IDENTITIES).and_then(Json::as_object) else { return };
    let bare: Map<String, Json> = map.keys().map(|id| (id.clone(), json!({}))).collect();
    let empty = bare.is_empty();
    set(body, IDENTITIES, Json::Object(bare));
    if empty {
        remove(body, IDENTITIES);
    }
    drop_identities_without_type(body);
}

/// A type without user-assigned identities must come without their map.
fn drop_identities_without_type(body: &mut Json) {
    let word = get(body, "identity.type").and_then(Json::as_str).map(str::to_ascii_lowercase);
    if word.is_some_and(|w| !w.contains("userassigned")) {
        remove(body, IDENTITIES);
    }
}

/// The attributes that the request is about, as far as bodies have them.
fn changed<'a>(request: &'a Request<'_>) -> impl Iterator<Item = &'static Attribute> + 'a {
    request.paths.iter().filter_map(|path| request.kind.attribute(path)).filter(|a| is_sent(a))
}

fn value_of<'a>(request: &'a Request<'_>, attribute: &Attribute) -> &'a Json {
    request.attributes.get(attribute.path).unwrap_or(&Json::Null)
}

/// Whether an attribute goes lost with what is read-only: credentials, whose secret part Azure
/// answers with null.
fn is_dropped(request: &Request<'_>, attribute: &Attribute) -> bool {
    let below = |path: &&&str| {
        attribute.arm.strip_prefix(**path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    request.kind.read_only.iter().any(|path| below(&path))
}

fn group_of(arm: &str) -> &str {
    arm.rsplit_once('.').map_or("", |(group, _)| group)
}

fn remove(root: &mut Json, path: &str) {
    let (group, key) = path.rsplit_once('.').unwrap_or(("", path));
    let keys = group.split('.').filter(|k| !k.is_empty());
    let holder = keys.into_iter().try_fold(root, |at, key| at.get_mut(key));
    if let Some(map) = holder.and_then(Json::as_object_mut) {
        map.remove(key);
    }
}

/// Azure answers what is unset with null (machine-learning facts §8.1); sent back, null is a value.
fn without_nulls(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let kept = map.iter().filter(|(_, v)| !v.is_null());
            Json::Object(kept.map(|(k, v)| (k.clone(), without_nulls(v))).collect())
        }
        _ => value.clone(),
    }
}
