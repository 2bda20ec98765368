//! Lists: one collection, one kind in a subscription, or everything in a group, a page at a time.
//!
//! A continuation is the key of the last item, so that a page stays right when others come and go in between.

use serde_json::{Value, json};

use crate::error::{Reply, bad_content, group_not_found, method_not_allowed, parent_not_found};
use crate::kinds::{KINDS, Kind};
use crate::resource::Resource;
use crate::router::Target;
use crate::wire::{Method, Response};
use crate::world::{Call, World};

/// Names of the continuation parameter, the newest first; old api-versions send the second.
const CONTINUATION: [&str; 2] = ["$skip", "$skiptoken"];

/// The computes of a workspace, or the resources of one kind in a group.
pub(crate) fn collection(world: &World, call: &Call, target: &Target) -> Reply {
    if world.store.get(&target.group_key()).is_none() {
        return Err(group_not_found(&target.group));
    }
    if let Some(parent) = target.parent_key().filter(|parent| world.store.get(parent).is_none()) {
        return Err(parent_not_found("read", target.kind.short_type(), &parent));
    }
    let after = continuation(call);
    let items = world.store.list(&target.collection(), after.as_deref());
    Ok(page(world, call, items.map(|resource| (resource.name().to_ascii_lowercase(), resource))))
}

/// The resources of one kind in all groups of a subscription.
pub(crate) fn of_kind(world: &World, call: &Call, subscription: &str, kind: &'static Kind) -> Response {
    let after = continuation(call).unwrap_or_default();
    let collections = group_keys(world, subscription).map(move |group| collection_of(&group, kind));
    let items = collections.flat_map(|collection| world.store.list(&collection, None).collect::<Vec<_>>());
    let keyed = items.map(|resource| (resource.key(), resource));
    page(world, call, keyed.filter(move |(key, _)| *key > after))
}

/// The top-level resources of a subscription or of one group, as the generic list shows them.
pub(crate) fn resources(world: &World, call: &Call, subscription: &str, group: Option<&str>) -> Reply {
    if call.request.method != Method::Get {
        return Err(method_not_allowed(call.request.method.name()));
    }
    let filter = Filter::parse(&call.request.parameter("$filter").unwrap_or_default())
        .ok_or_else(|| bad_content("The filter clause is not supported.").about("$filter"))?;
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
    let wanted: Vec<&Kind> = KINDS
        .into_iter()
        .filter(|kind| kind.is_top_level() && filter.takes_type(kind.resource_type))
        .collect();
    let after = continuation(call).unwrap_or_default();
    let mut found: Vec<(String, &Resource)> = Vec::new();
    for group in groups.iter().filter(|group| filter.takes_group(group)) {
        for kind in &wanted {
            let items = world.store.list(&collection_of(group, kind), None);
            found.extend(items.map(|resource| (resource.key(), resource)).filter(|(key, _)| *key > after));
        }
    }
    found.sort_by(|left, right| left.0.cmp(&right.0));
    let limit = call.request.parameter("$top").and_then(|top| top.parse().ok()).unwrap_or(usize::MAX);
    let size = world.options.page_size.max(1).min(limit);
    let value: Vec<Value> = found.iter().take(size).map(|(_, resource)| summary(resource, call)).collect();
    let more = found.len() > size && limit > size;
    let last = found.get(size.saturating_sub(1)).map(|(key, _)| key.as_str());
    Ok(Response::json(200, &with_next(call, value, last.filter(|_| more))))
}

fn page<'a>(world: &World, call: &Call, items: impl Iterator<Item = (String, &'a Resource)>) -> Response {
    let size = world.options.page_size.max(1);
    let mut items = items.peekable();
    let mut value = Vec::new();
    let mut last = String::new();
    while value.len() < size {
        let Some((token, resource)) = items.next() else { break };
        value.push(resource.view(call.now));
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
    query.append_pair(CONTINUATION[0], token);
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

fn collection_of(group_key: &str, kind: &Kind) -> String {
    format!("{group_key}/providers/{}", kind.id_type).to_ascii_lowercase()
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
    if expand.contains("provisioningState") {
        summary["provisioningState"] = body["properties"]["provisioningState"].clone();
    }
    summary
}

/// The part of OData's `$filter` that clients send here: `name eq 'value'`, joined by `and`.
#[derive(Default)]
struct Filter {
    resource_type: Option<String>,
    group: Option<String>,
}

impl Filter {
    fn parse(text: &str) -> Option<Filter> {
        let mut filter = Filter::default();
        for clause in text.split(" and ").map(str::trim).filter(|clause| !clause.is_empty()) {
            let (name, value) = clause.split_once(" eq ")?;
            let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_owned();
            match name.trim().to_ascii_lowercase().as_str() {
                "resourcetype" => filter.resource_type = Some(value),
                "resourcegroup" => filter.group = Some(value),
                _ => return None,
            }
        }
        Some(filter)
    }

    fn takes_type(&self, resource_type: &str) -> bool {
        self.resource_type.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(resource_type))
    }

    fn takes_group(&self, group_key: &str) -> bool {
        let name = group_key.rsplit('/').next().unwrap_or("");
        self.group.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name))
    }
}
