//! Names that only one in all Azure may have: their form, who has them, and `checkNameAvailability`.

use serde_json::json;

use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::kinds::{KINDS, Kind};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::wire::Response;
use crate::world::{Call, World};

/// How a kind names its resources.
#[derive(Clone, Copy)]
pub(crate) struct Naming {
    pub(crate) is_name: fn(&str) -> bool,
    /// Code and text of the refusal of another form; `{name}` is the name. The code is the reason of a name check too.
    pub(crate) invalid: (&'static str, &'static str),
    /// The same for a name that somebody has.
    pub(crate) taken: (&'static str, &'static str),
    /// The type of what holds a name after a delete, and code and text of the refusal meanwhile.
    pub(crate) held: Option<(&'static str, &'static str, &'static str)>,
}

/// Why a name cannot be had.
struct Obstacle {
    status: u16,
    code: &'static str,
    message: String,
    is_taken: bool,
}

fn obstacle(world: &World, kind: &Kind, naming: &Naming, name: &str) -> Option<Obstacle> {
    let text = |text: &str| text.replace("{name}", name);
    let has = |resource_type: &str| {
        world.store.of_type("", resource_type).any(|other| other.name().eq_ignore_ascii_case(name))
    };
    let (code, message) = naming.invalid;
    if !(naming.is_name)(name) {
        return Some(Obstacle { status: 400, code, message: text(message), is_taken: false });
    }
    let (code, message) = naming.taken;
    if has(kind.resource_type) {
        return Some(Obstacle { status: 409, code, message: text(message), is_taken: true });
    }
    let (holder, code, message) = naming.held?;
    has(holder).then(|| Obstacle { status: 409, code, message: text(message), is_taken: true })
}

/// Refuses a new resource whose name cannot be had.
pub(crate) fn check(world: &World, target: &Target, stands: Option<&Resource>) -> Result<(), ArmError> {
    let naming = target.kind.naming.filter(|_| stands.is_none());
    match naming.and_then(|naming| obstacle(world, target.kind, &naming, target.name())) {
        Some(found) => Err(ArmError::service(found.status, found.code, found.message).about("name")),
        None => Ok(()),
    }
}

/// `POST …/checkNameAvailability`: about the type in the body, or the only one of the namespace.
pub(crate) fn availability(world: &World, call: &Call, namespace: &str) -> Reply {
    let sent = call.object()?;
    let (name, wanted) = (json::text(&sent, "/name"), json::text(&sent, "/type"));
    let mut named = KINDS.iter().filter(|kind| kind.namespace().eq_ignore_ascii_case(namespace));
    let found = named.find_map(|kind| {
        let naming = kind.naming.as_ref()?;
        (wanted.is_empty() || wanted.eq_ignore_ascii_case(kind.resource_type)).then_some((*kind, naming))
    });
    let Some((kind, naming)) = found else {
        let message = format!("The type '{wanted}' of '{namespace}' has no names to check.");
        return Err(bad_content(message).about("type"));
    };
    let body = match obstacle(world, kind, naming, name) {
        None => json!({ "nameAvailable": true, "reason": null, "message": null }),
        Some(found) => json!({
            "nameAvailable": false,
            "reason": if found.is_taken { "AlreadyExists" } else { found.code },
            "message": found.message,
        }),
    };
    Ok(Response::json(200, &body))
}

/// Lower-case letters and digits between hyphens, so many characters: the form of shares and containers.
pub(crate) fn is_label(name: &str, least: usize, most: usize) -> bool {
    let allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    (least..=most).contains(&name.len())
        && name.split('-').all(|part| !part.is_empty() && part.chars().all(allowed))
}

/// A refusal by the storage service of a child's name.
pub(crate) fn check_label(name: &str) -> Result<(), ArmError> {
    if (3..=63).contains(&name.len()) && is_label(name, 3, 63) {
        return Ok(());
    }
    let (code, message) = if (3..=63).contains(&name.len()) {
        ("InvalidResourceName", "The specified resource name contains invalid characters.")
    } else {
        ("OutOfRangeInput", "The specified resource name length is not within the permissible limits.")
    };
    Err(ArmError::service(400, code, message).about(name))
}

/// `checkResourceName`: Microsoft keeps some words to itself, anywhere in a name or at its start.
pub(crate) fn check_resource_name(call: &Call) -> Reply {
    let sent = call.object()?;
    let name = json::text(&sent, "/name").to_ascii_lowercase();
    let is_reserved = ["microsoft", "windows"].iter().any(|word| name.contains(word))
        || ["login", "xbox"].iter().any(|word| name.starts_with(word));
    if is_reserved {
        let message = format!("The provided resource name '{name}' contains reserved words.");
        return Err(ArmError::gateway(400, "ReservedResourceName", message));
    }
    Ok(Response::json(200, &json!({ "name": sent["name"], "type": sent["type"], "status": "Allowed" })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_words_between_single_hyphens() {
        assert!(is_label("a-b9", 3, 63) && is_label("abc", 3, 63));
        for name in ["ab", "a--b", "-ab", "ab-", "Abc", "a_b"] {
            assert!(!is_label(name, 3, 63), "{name}");
        }
    }
}
