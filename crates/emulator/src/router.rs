//! From a path to what it means. Segments compare without case, empty ones do not count, and names keep their spelling.

use crate::error::{ArmError, no_such_route};
use crate::kinds::{self, Kind};
use crate::operation;
use crate::options::Options;

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Route {
    Tenants,
    Subscriptions,
    Subscription(String),
    Locations(String),
    Providers(String),
    /// Subscription and namespace, with or without an action on it.
    Provider(String, String),
    /// `checkNameAvailability` of a provider.
    NameCheck,
    Groups(String),
    Group(String, String),
    /// Every resource of a subscription, or of one group in it.
    Resources(String, Option<String>),
    /// Every resource of a kind in a subscription.
    AllOfKind(String, &'static Kind),
    /// A collection inside a group or a parent; the target's last name is empty.
    Collection(Target),
    Resource(Target),
    Action(Target, String),
    /// Subscription, location, and what is asked of it in lower case.
    Location(String, String, String),
    /// The id of an operation.
    Operation(String),
}

/// A resource named by a path, whether it exists or not.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) kind: &'static Kind,
    pub(crate) subscription: String,
    pub(crate) group: String,
    /// One name for each part of the type.
    pub(crate) names: Vec<String>,
}

impl Target {
    /// Its own name.
    pub(crate) fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// The key of its resource group.
    pub(crate) fn group_key(&self) -> String {
        format!("/subscriptions/{}/resourcegroups/{}", self.subscription, self.group).to_ascii_lowercase()
    }

    /// The key under which it is stored.
    pub(crate) fn key(&self) -> String {
        let (namespace, types) = self.kind.id_type.split_once('/').unwrap_or((self.kind.id_type, ""));
        let mut key = format!("{}/providers/{namespace}", self.group_key());
        for (part, name) in types.split('/').zip(&self.names) {
            key.push_str(&format!("/{part}/{name}"));
        }
        key.to_ascii_lowercase()
    }

    /// The key of the collection that holds it.
    pub(crate) fn collection(&self) -> String {
        let key = self.key();
        key.rsplit_once('/').map_or(String::new(), |(collection, _)| collection.to_owned())
    }

    /// The key of the resource it lies in, when that is not the group.
    pub(crate) fn parent_key(&self) -> Option<String> {
        let collection = self.collection();
        let (parent, _) = collection.rsplit_once('/')?;
        (self.names.len() > 1).then(|| parent.to_owned())
    }
}

/// Finds what a path means.
pub(crate) fn route(path: &str, options: &Options) -> Result<Route, ArmError> {
    let segments: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    let spelled: Vec<&str> = segments.iter().map(String::as_str).collect();
    let folded: Vec<String> = segments.iter().map(|part| part.to_ascii_lowercase()).collect();
    let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
    match folded[..] {
        ["tenants"] => return Ok(Route::Tenants),
        ["subscriptions"] => return Ok(Route::Subscriptions),
        _ => {}
    }
    let ["subscriptions", _, ref rest @ ..] = folded[..] else {
        return Err(no_such_route(path));
    };
    let subscription = known_subscription(spelled[1], options)?;
    let inside = below_subscription(subscription, rest, &spelled[2..]);
    inside.ok_or_else(|| no_such_route(path))
}

fn below_subscription(subscription: String, folded: &[&str], spelled: &[&str]) -> Option<Route> {
    Some(match *folded {
        [] => Route::Subscription(subscription),
        [.., segment, _] if operation::SEGMENTS.contains(&segment) => {
            Route::Operation(folded.last()?.to_string())
        }
        ["locations"] => Route::Locations(subscription),
        ["resources"] => Route::Resources(subscription, None),
        ["providers"] => Route::Providers(subscription),
        ["providers", _] | ["providers", _, "register" | "unregister"] => {
            Route::Provider(subscription, spelled[1].into())
        }
        ["providers", _, "checknameavailability"] => Route::NameCheck,
        ["providers", "microsoft.machinelearningservices", "locations", location, what] => {
            Route::Location(subscription, place(location), what.into())
        }
        ["providers", namespace, of_type] => {
            Route::AllOfKind(subscription, kinds::find(namespace, &[of_type])?)
        }
        ["resourcegroups"] => Route::Groups(subscription),
        ["resourcegroups", _] => Route::Group(subscription, spelled[1].into()),
        ["resourcegroups", _, "resources"] => Route::Resources(subscription, Some(spelled[1].into())),
        ["resourcegroups", _, "providers", namespace, ref rest @ ..] if !rest.is_empty() => {
            below_namespace((&subscription, spelled[1], namespace), rest, &spelled[4..])?
        }
        _ => return None,
    })
}

/// Types and names alternate; what is left over names a collection or an action.
fn below_namespace(scope: (&str, &str, &str), folded: &[&str], spelled: &[&str]) -> Option<Route> {
    let (subscription, group, namespace) = scope;
    let types: Vec<&str> = folded.iter().step_by(2).copied().collect();
    let names: Vec<String> = spelled.iter().skip(1).step_by(2).map(|name| (*name).to_owned()).collect();
    let target = |kind, names| Target { kind, subscription: subscription.into(), group: group.into(), names };
    let kind = kinds::find(namespace, &types);
    if types.len() == names.len() {
        return Some(Route::Resource(target(kind?, names)));
    }
    if let Some(kind) = kind {
        return Some(Route::Collection(target(kind, names.into_iter().chain([String::new()]).collect())));
    }
    let (action, owner) = types.split_last()?;
    Some(Route::Action(target(kinds::find(namespace, owner)?, names), (*action).to_owned()))
}

fn known_subscription(name: &str, options: &Options) -> Result<String, ArmError> {
    let known = options.subscription_named(name).map(str::to_owned);
    known.ok_or_else(|| {
        ArmError::gateway(
            404,
            "SubscriptionNotFound",
            format!("The subscription '{name}' could not be found."),
        )
    })
}

/// A location in the form that replies use: lower case, no spaces.
pub(crate) fn place(location: &str) -> String {
    location.chars().filter(|character| !character.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

/// Percent-decoding of one segment; what is no escape, or no UTF-8 afterwards, stays as it is.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = (first == b'%').then(|| after.get(..2)).flatten();
        let byte = escape.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| segment.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Route {
        route(path, &Options::default()).unwrap()
    }

    const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";

    #[test]
    fn paths_fold_case_and_empty_segments() {
        let path =
            "//RESOURCEGROUPS/Rg//providers/microsoft.machinelearningservices//Workspaces/W%2Ds/Computes/c";
        let Route::Resource(target) = found(&format!("{SUBSCRIPTION}{path}")) else {
            panic!("not a resource")
        };
        assert_eq!(target.names, ["W-s", "c"]);
        assert!(target.key().ends_with(
            "/resourcegroups/rg/providers/microsoft.machinelearningservices/workspaces/w-s/computes/c"
        ));
    }

    #[test]
    fn a_left_over_segment_is_a_collection_or_an_action() {
        let workspace = format!(
            "{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
        );
        assert!(matches!(found(&format!("{workspace}/computes")), Route::Collection(_)));
        assert!(
            matches!(found(&format!("{workspace}/listKeys")), Route::Action(_, action) if action == "listkeys")
        );
    }

    #[test]
    fn an_unknown_subscription_is_not_found() {
        let error = route("/subscriptions/nope/resourceGroups", &Options::default()).unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (404, "SubscriptionNotFound"));
    }
}
