//! `Microsoft.Authorization/locks`, on any scope. What they stop is in `locks`.

use serde_json::Value;

use crate::arm::filter::{Fields, Filter};
use crate::arm::listing;
use crate::error::{ArmError, Reply, bad_content, method_not_allowed};
use crate::json;
use crate::kinds::compute::nodes;
use crate::kinds::{Kind, PLAIN, PutStyle, plain};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::{Call, World};

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Authorization/locks",
    id_type: "Microsoft.Authorization/locks",
    tracked: false,
    on_any_scope: true,
    put_style: PutStyle::AtOnce(201),
    enums: &[("/properties/level", &["CanNotDelete", "ReadOnly"])],
    check,
    list,
    put,
    patch: |_, _, _| Err(method_not_allowed("PATCH")),
    delete,
    ..PLAIN
};

const FIELDS: Fields = &[("atscope", "")];

/// The key of the collection of locks on a scope.
pub(crate) fn collection(scope: &str) -> String {
    format!("{scope}/providers/{}", KIND.id_type).to_ascii_lowercase()
}

fn check(_: &World, _: &Target, body: &Value, _: Option<&Resource>) -> Result<(), ArmError> {
    if json::text(body, "/properties/level").is_empty() {
        return Err(bad_content("A lock needs 'level': CanNotDelete or ReadOnly.").about("properties.level"));
    }
    Ok(())
}

fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let response = plain::put(world, call, target)?;
    wake_clusters(world, &target.scope);
    Ok(response)
}

fn delete(world: &mut World, call: &Call, target: &Target) -> Reply {
    let response = plain::delete(world, call, target)?;
    wake_clusters(world, &target.scope);
    Ok(response)
}

/// A cluster under a lock gets no nodes and loses none; without it things go on.
fn wake_clusters(world: &mut World, scope: &str) {
    for key in world.store.below(&scope.to_ascii_lowercase()) {
        let resource = world.store.get(&key).filter(|resource| !resource.is_leaving()).cloned();
        let is_cluster = |body: &Value| {
            json::text(body, "/properties/computeType") == "AmlCompute"
                && json::text(body, "/properties/provisioningState") == "Succeeded"
        };
        if let Some(cluster) = resource.filter(|resource| is_cluster(&resource.body)) {
            nodes::turn(world, cluster);
        }
    }
}

/// On the scope and below it; `atScope()` leaves out what is below.
fn list(world: &mut World, call: &Call, target: &Target) -> Reply {
    world.check_parents(target, "read")?;
    let filter = Filter::of(call, FIELDS)?;
    let scope = target.scope.to_ascii_lowercase();
    let here = collection(&scope);
    let found = world.store.of_type(&scope, KIND.resource_type);
    let mut found: Vec<&Resource> =
        found.filter(|lock| !filter.says("atscope") || lock.key().starts_with(&format!("{here}/"))).collect();
    found.sort_by_key(|lock| lock.key());
    let after = listing::continuation(call).unwrap_or_default();
    let later = found.into_iter().filter(|lock| lock.key() > after);
    Ok(listing::page(world, call, later.map(|lock| (lock.key(), lock.view(call.now)))))
}
