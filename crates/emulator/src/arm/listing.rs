//! Lists: one collection, one type in a subscription, or everything in a group, a page at a time.
//!
//! A continuation is the key of the last item, so that a page stays right when others come and go in between.

use serde_json::{Value, json};

use crate::arm::filter::{self, Filter};
use crate::error::{Reply, group_not_found, method_not_allowed};
use crate::kinds::generic::is_extension;
use crate::route::router::Target;
use crate::store::links;
use crate::store::resource::Resource;
use crate::versions::Difference;
use crate::wire::{Method, Response};
use crate::world::{Call, World};

/// Names of the continuation parameter, the newest first; old api-versions send the second.
const CONTINUATION: [&str; 2] = ["$skip", "$skiptoken"];

/// The computes of a workspace, or the resources of one type in a group.
pub(crate) fn collection(world: &World, call: &Call, target: &Target) -> Reply {
    world.check_parents(target, "read")?;
    let filter = Filter::of(call, target.kind.filters)?;
    let after = continuation(call);
    let items = world.store.list(&target.collection(), after.as_deref());
    let items = items.filter(|item| filter.takes(&item.body));
    Ok(page(
        world,
        call,
        items.map(|item| (item.name().to_ascii_lowercase(), links::show(world, item, call))),
    ))
}

/// The resources of one type in a subscription itself and in all its groups.
pub(crate) fn of_type(world: &World, call: &Call, target: &Target) -> Reply {
    let filter = Filter::of(call, target.kind.filters)?;
    let after = continuation(call).unwrap_or_default();
    let in_type = format!("/providers/{}", target.id_type()).to_ascii_lowercase();
    let groups = group_keys(world, &target.subscription).map(|group| format!("{group}{in_type}"));
    let collections = groups.chain([target.collection()]);
    let items = collections.flat_map(|collection| world.store.list(&collection, None).collect::<Vec<_>>());
    let later = items.filter(move |resource| resource.key() > after && filter.takes(&resource.body));
    Ok(page(world, call, later.map(|resource| (resource.key(), links::show(world, resource, call)))))
}

/// The top-level resources of a subscription or of one group, as the generic list shows them.
pub(crate) fn resources(world: &World, call: &Call, subscription: &str, group: Option<&str>) -> Reply {
    if call.request.method != Method::Get {
        return Err(method_not_allowed(call.request.method.name()));
    }
    let filter = Filter::of(call, filter::RESOURCE)?;
    let groups: Vec<String> = match group {
        None => group_keys(world, subscription).collect(),
        Some(group) => {
            let key = format!("/subscriptions/{subscription}/resourcegroups/{group}").to_ascii_lowercase();
            if world.store.get(&key).is_none() {
                return Err(group_not_found(group));
            }
            vec![key]
        }
    };
    let after = continuation(call).unwrap_or_default();
    let mut found: Vec<(String, &Resource)> = groups
        .iter()
        .flat_map(|group| world.store.top_level(group))
        .filter(|resource| !is_extension(&resource.kind) && filter.takes(&resource.body))
        .map(|resource| (resource.key(), resource))
        .filter(|(key, _)| *key > after)
        .collect();
    found.sort_by(|left, right| left.0.cmp(&right.0));
    let limit = call.request.parameter("$top").and_then(|top| top.parse().ok()).unwrap_or(usize::MAX);
    let size = world.options.page_size.max(1).min(limit);
    let value: Vec<Value> = found.iter().take(size).map(|(_, resource)| summary(resource, call)).collect();
    let more = found.len() > size && limit > size;
    let last = found.get(size.saturating_sub(1)).map(|(key, _)| key.as_str());
    Ok(Response::json(200, &with_next(call, value, last.filter(|_| more))))
}

/// The resource groups of a subscription.
pub(crate) fn groups(world: &World, call: &Call, subscription: &str) -> Reply {
    let filter = Filter::of(call, filter::RESOURCE)?;
    let collection = format!("/subscriptions/{subscription}/resourcegroups").to_ascii_lowercase();
    let after = continuation(call);
    let items =
        world.store.list(&collection, after.as_deref()).filter(|resource| filter.takes(&resource.body));
    Ok(page(world, call, items.map(|item| (item.name().to_ascii_lowercase(), item.view(call.now)))))
}

/// A page of full bodies, each with the token that stands for it as the last of a page. `$top` makes it smaller, and so
/// does the `maxresults` of Batch AI.
pub(crate) fn page(world: &World, call: &Call, items: impl Iterator<Item = (String, Value)>) -> Response {
    let asked = ["$top", "maxresults"].into_iter().find_map(|name| call.request.parameter(name));
    let top = asked.and_then(|top| top.parse().ok()).unwrap_or(usize::MAX);
    let size = world.options.page_size.min(top).max(1);
    let mut items = items.peekable();
    let mut value = Vec::new();
    let mut last = String::new();
    while value.len() < size {
        let Some((token, item)) = items.next() else { break };
        value.push(item);
        last = token;
    }
    let more = items.peek().is_some();
    Response::json(200, &with_next(call, value, more.then_some(last.as_str())))
}

fn with_next(call: &Call, value: Vec<Value>, last: Option<&str>) -> Value {
    let mut body = json!({ "value": value });
    if let Some(last) = last {
        body["nextLink"] = json!(next_link(call, last));
    }
    body
}

/// The absolute URL of the page after `token`: the request's own query, with the continuation replaced.
pub(crate) fn next_link(call: &Call, token: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(call.request.query.as_bytes()) {
        if !CONTINUATION.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            query.append_pair(&name, &value);
        }
    }
    let is_old = Difference::SkipToken.is_in(&call.api_version);
    query.append_pair(CONTINUATION[usize::from(is_old)], token);
    format!("{}{}?{}", call.request.origin(), call.request.path, query.finish())
}

/// The continuation that a request carries.
pub(crate) fn continuation(call: &Call) -> Option<String> {
    CONTINUATION.iter().find_map(|name| call.request.parameter(name)).filter(|token| !token.is_empty())
}

fn group_keys(world: &World, subscription: &str) -> impl Iterator<Item = String> {
    let collection = format!("/subscriptions/{subscription}/resourcegroups").to_ascii_lowercase();
    world.store.list(&collection, None).map(Resource::key).collect::<Vec<_>>().into_iter()
}

fn summary(resource: &Resource, call: &Call) -> Value {
    let body = resource.view(call.now);
    let mut summary = json!({});
    for key in ["id", "name", "type", "location", "tags", "sku", "kind", "identity"] {
        if let Some(value) = body.get(key) {
            summary[key] = value.clone();
        }
    }
    let expand = call.request.parameter("$expand").unwrap_or_default();
    let asked = [
        ("provisioningState", body["properties"]["provisioningState"].clone()),
        ("createdTime", json!(resource.created.map(|time| time.to_string()))),
        ("changedTime", json!(resource.changed.map(|time| time.to_string()))),
    ];
    for (key, value) in asked {
        if expand.split(',').any(|word| word.trim().eq_ignore_ascii_case(key)) {
            summary[key] = value;
        }
    }
    summary
}
