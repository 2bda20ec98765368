//! Locks at work. A lock is a resource (`kinds::lock`) on a subscription, a group or a resource, and holds for
//! everything below it. What lies below a scope is deleted with it, so a lock there holds the scope too.

use crate::error::ArmError;
use crate::json;
use crate::kinds::lock;
use crate::store::resource::Resource;
use crate::wire::Method;
use crate::world::{Call, World};

/// Refuses what a lock stops: `CanNotDelete` a DELETE, `ReadOnly` every other write too, actions that only read
/// among them. Locks themselves can always be changed.
pub(crate) fn check(world: &World, call: &Call) -> Result<(), ArmError> {
    let method = call.request.method;
    let is_lock = call.subject.resource_type == lock::KIND.resource_type;
    if is_lock || matches!(method, Method::Get | Method::Head) {
        return Ok(());
    }
    let key = call.subject.key();
    let below = world.store.of_type(&key, lock::KIND.resource_type).filter(|_| method == Method::Delete);
    let stops = |lock: &&Resource| {
        method == Method::Delete || json::text(&lock.body, "/properties/level") == "ReadOnly"
    };
    let mut locked: Vec<String> = over(world, &key).chain(below).filter(stops).map(scope_of).collect();
    locked.sort();
    locked.dedup();
    if locked.is_empty() { Ok(()) } else { Err(refusal(call, &locked)) }
}

/// Whether any lock holds for a resource.
pub(crate) fn hold(world: &World, key: &str) -> bool {
    over(world, &key.to_ascii_lowercase()).next().is_some()
}

/// The locks on something and on everything above it.
fn over<'a>(world: &'a World, key: &str) -> impl Iterator<Item = &'a Resource> {
    let ends = key.match_indices('/').map(|(at, _)| at).chain([key.len()]).skip(1);
    let collections: Vec<String> = ends.map(|end| lock::collection(&key[..end])).collect();
    collections.into_iter().flat_map(|collection| world.store.list(&collection, None))
}

/// What a lock lies on.
fn scope_of(lock: &Resource) -> String {
    let at = lock.key().rfind("/providers/microsoft.authorization/locks/").unwrap_or(lock.id.len());
    lock.id[..at].to_owned()
}

/// 409 for a request that these locked scopes stop.
pub(crate) fn refusal(call: &Call, locked: &[String]) -> ArmError {
    // What ARM calls the operation of an action under a lock was not seen; this is our choice.
    let verb = if call.request.method == Method::Delete { "delete" } else { "write" };
    let message = format!(
        "The scope '{}' cannot perform {verb} operation because following scope(s) are locked: '{}'. Please remove the \
         lock and try again.",
        call.subject.scope,
        locked.join(",")
    );
    ArmError::gateway(409, "ScopeLocked", message)
}
