//! Where the thing lies that a request is about.

use crate::json;
use crate::route::router::place;
use crate::world::{Call, World};

/// The location in the form of replies; empty for what lies nowhere. In this order: what the path says, where the
/// resource stands, what the body says, and where the nearest thing above it stands.
pub(crate) fn of(world: &World, call: &Call) -> String {
    let key = call.subject.key();
    let candidates = [in_path(&call.request.path), standing(world, &key), in_body(call), above(world, &key)];
    candidates.into_iter().find(|location| !location.is_empty()).unwrap_or_default()
}

/// A compute may lie elsewhere than its envelope says.
const POINTERS: [&str; 2] = ["/properties/computeLocation", "/location"];

fn in_path(path: &str) -> String {
    let mut parts = path.split('/').skip_while(|part| !part.eq_ignore_ascii_case("locations"));
    place(parts.nth(1).unwrap_or(""))
}

fn standing(world: &World, key: &str) -> String {
    world.store.get(key).map_or_else(String::new, |resource| first(&resource.body))
}

fn in_body(call: &Call) -> String {
    call.any().map_or_else(|_| String::new(), |body| first(&body))
}

fn above(world: &World, key: &str) -> String {
    let mut rest = key;
    while let Some((shorter, _)) = rest.rsplit_once('/') {
        let location = standing(world, shorter);
        if !location.is_empty() {
            return location;
        }
        rest = shorter;
    }
    String::new()
}

fn first(body: &serde_json::Value) -> String {
    let found = POINTERS.iter().map(|pointer| place(json::text(body, pointer)));
    found.into_iter().find(|location| !location.is_empty()).unwrap_or_default()
}
