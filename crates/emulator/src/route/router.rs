//! From a path to what it means. Segments compare without case, empty ones do not count, and names keep their spelling.

use crate::arm::operation;
use crate::arm::providers;
use crate::error::{ArmError, no_such_route, subscription_not_found};
use crate::kinds::{self, Kind};
use crate::options::Options;

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Route {
    Tenants,
    Subscriptions,
    Subscription(String),
    Locations(String),
    Providers(String),
    /// Subscription, namespace, and what is asked of it in lower case; nothing for the provider itself.
    Provider(String, String, String),
    /// `checkNameAvailability` of a provider, by its namespace.
    NameCheck(String),
    Groups(String),
    Group(String, String),
    /// Subscription, group, and what is asked of it in lower case.
    GroupAction(String, String, String),
    /// Subscription, and a tag's name and value if the path has them.
    TagNames(String, Vec<String>),
    /// Whether the name of a resource may be used at all.
    ResourceNameCheck,
    /// The hash of a template.
    TemplateHash,
    /// Every resource of a subscription, or of one group in it.
    Resources(String, Option<String>),
    /// Every resource of a top-level type in a subscription.
    AllOfType(Target),
    /// A collection inside a scope or a parent; the target's last name is empty.
    Collection(Target),
    Resource(Target),
    Action(Target, String),
    /// Subscription, location, and what is asked of it in lower case.
    Location(String, String, String),
    /// The same of `Microsoft.Compute`, with the rest of the path as it is spelled.
    Machines(String, String, Vec<String>),
    /// Usages of Batch AI: subscription and location.
    BatchAiUsages(String, String),
    /// What Batch AI can do.
    BatchAiOperations,
    /// The sizes of all regions.
    Sizes,
    /// The id of an operation.
    Operation(String),
}

/// A resource named by a path, whether it exists or not.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its kind; `kinds::generic` for a type that has none.
    pub(crate) kind: &'static Kind,
    /// The type with its namespace: as the kind has it, or else as the path spells it.
    pub(crate) resource_type: String,
    /// The subscription; empty above subscriptions.
    pub(crate) subscription: String,
    /// The resource group; empty above groups.
    pub(crate) group: String,
    /// The path of the group, subscription or resource it lies in or on; empty for the tenant.
    pub(crate) scope: String,
    /// One name for each part of the type.
    pub(crate) names: Vec<String>,
}

impl Target {
    /// Its own name.
    pub(crate) fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// The type without its namespace.
    pub(crate) fn short_type(&self) -> &str {
        self.resource_type.split_once('/').map_or("", |(_, rest)| rest)
    }

    /// The type as it stands in the resource's own id.
    pub(crate) fn id_type(&self) -> &str {
        if self.kind.id_type.is_empty() { &self.resource_type } else { self.kind.id_type }
    }

    /// The key of its resource group.
    pub(crate) fn group_key(&self) -> String {
        format!("/subscriptions/{}/resourcegroups/{}", self.subscription, self.group).to_ascii_lowercase()
    }

    /// Whether its kind goes with its scope: most lie in a group, and only some on anything else.
    fn may_be_there(&self) -> bool {
        self.kind.on_any_scope || self.scope.eq_ignore_ascii_case(&self.group_key())
    }

    /// The key under which it is stored.
    pub(crate) fn key(&self) -> String {
        let (namespace, types) = self.id_type().split_once('/').unwrap_or((self.id_type(), ""));
        let mut key = format!("{}/providers/{namespace}", self.scope);
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

    /// The resource it lies in, when that is not the scope.
    pub(crate) fn parent(&self) -> Option<Target> {
        let (resource_type, _) = self.resource_type.rsplit_once('/').filter(|_| !self.is_in_region())?;
        let names =
            self.names.split_last().map(|(_, names)| names.to_vec()).filter(|names| !names.is_empty())?;
        let kind = kinds::find(resource_type).unwrap_or(&kinds::generic::KIND);
        Some(Target { kind, resource_type: resource_type.to_owned(), names, ..self.clone() })
    }

    /// Whether it lies in a region of its provider, which is no resource.
    fn is_in_region(&self) -> bool {
        self.short_type().get(..10).is_some_and(|start| start.eq_ignore_ascii_case("locations/"))
    }

    /// A child of a kind, by name.
    pub(crate) fn child(&self, kind: &'static Kind, name: &str) -> Target {
        let names = self.names.iter().cloned().chain([name.to_owned()]).collect();
        Target { kind, resource_type: kind.resource_type.to_owned(), names, ..self.clone() }
    }

    /// The key of the resource it lies in, when that is not the scope.
    pub(crate) fn parent_key(&self) -> Option<String> {
        let collection = self.collection();
        let (parent, _) = collection.rsplit_once('/')?;
        (self.names.len() > 1 && !self.is_in_region()).then(|| parent.to_owned())
    }
}

/// A path in both spellings: as it came, and in lower case.
#[derive(Clone, Copy)]
struct Path<'a> {
    spelled: &'a [&'a str],
    folded: &'a [&'a str],
}

impl Path<'_> {
    /// The id of the scope that the first `length` segments make.
    fn scope(&self, length: usize) -> String {
        let canonical = |index: usize| match self.folded[index] {
            "resourcegroups" if index == 2 => "resourceGroups",
            "subscriptions" | "providers" => self.folded[index],
            _ => self.spelled[index],
        };
        (0..length).map(|index| format!("/{}", canonical(index))).collect()
    }
}

/// The decoded segments of a path, without the empty ones.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(decoded).collect()
}

/// Finds what a path means.
pub(crate) fn route(path: &str, options: &Options) -> Result<Route, ArmError> {
    let mut segments = segments(path);
    name_provider_of_deployments(&mut segments);
    let mut spelled: Vec<&str> = segments.iter().map(String::as_str).collect();
    let folded: Vec<String> = segments.iter().map(|part| part.to_ascii_lowercase()).collect();
    let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
    let found = match folded[..] {
        ["tenants"] => Some(Route::Tenants),
        ["subscriptions"] => Some(Route::Subscriptions),
        ["subscriptions", _, ref rest @ ..] => {
            let subscription = known_subscription(spelled[1], options)?;
            spelled[1] = &subscription;
            let path = Path { spelled: &spelled, folded: &folded };
            below_subscription(&subscription, path, rest)
        }
        ["providers", "microsoft.resources", "checkresourcename"] => Some(Route::ResourceNameCheck),
        ["providers", "microsoft.resources", "calculatetemplatehash"] => Some(Route::TemplateHash),
        ["providers", "microsoft.batchai", "operations"] => Some(Route::BatchAiOperations),
        ["providers"] => Some(Route::Providers(String::new())),
        ["providers", _] => Some(Route::Provider(String::new(), spelled[1].to_owned(), String::new())),
        ["providers", ..] => below_scope(Path { spelled: &spelled, folded: &folded }),
        _ => None,
    };
    found.ok_or_else(|| no_such_route(path))
}

/// Old clients ask for a deployment's operations without naming its provider (wire-traces §8).
fn name_provider_of_deployments(segments: &mut Vec<String>) {
    let is = |at: usize, word: &str| segments.get(at).is_some_and(|part| part.eq_ignore_ascii_case(word));
    let at = if is(2, "resourcegroups") { 4 } else { 2 };
    if is(0, "subscriptions") && is(at, "deployments") {
        segments.splice(at..at, ["providers".to_owned(), "Microsoft.Resources".to_owned()]);
    }
}

fn below_subscription(subscription: &str, path: Path, rest: &[&str]) -> Option<Route> {
    let subscription = subscription.to_owned();
    let third = || path.spelled.get(3).map(|name| (*name).to_owned());
    Some(match *rest {
        [] => Route::Subscription(subscription),
        [.., "operationresults" | "operationstatuses", id] => Route::Operation(id.to_owned()),
        ["providers", _, "locations", _, segment, id] if operation::SEGMENTS.contains(&segment) => {
            Route::Operation(id.to_owned())
        }
        ["locations"] => Route::Locations(subscription),
        ["resources"] => Route::Resources(subscription, None),
        ["providers"] => Route::Providers(subscription),
        ["providers", _] => Route::Provider(subscription, third()?, String::new()),
        ["providers", _, action @ ("register" | "unregister" | "resourcetypes")] => {
            Route::Provider(subscription, third()?, action.to_owned())
        }
        ["providers", _, "checknameavailability"] => Route::NameCheck(third()?),
        ["providers", "microsoft.machinelearningservices", "locations", location, what] => {
            Route::Location(subscription, place(location), what.into())
        }
        ["providers", "microsoft.batchai", "locations", location, "usages"] => {
            Route::BatchAiUsages(subscription, place(location))
        }
        ["providers", "microsoft.compute", "skus"] => Route::Sizes,
        ["providers", "microsoft.compute", "locations", location, _, ..] => {
            let rest = path.spelled[6..].iter().map(|part| (*part).to_owned()).collect();
            Route::Machines(subscription, place(location), rest)
        }
        ["resourcegroups"] => Route::Groups(subscription),
        ["resourcegroups", _] => Route::Group(subscription, third()?),
        ["resourcegroups", _, action @ "exporttemplate"] => {
            Route::GroupAction(subscription, third()?, action.to_owned())
        }
        ["tagnames"] | ["tagnames", _] | ["tagnames", _, "tagvalues", _] => {
            let names = path.spelled[3..].iter().step_by(2);
            Route::TagNames(subscription, names.map(|name| (*name).to_owned()).collect())
        }
        ["resourcegroups", _, "resources"] => Route::Resources(subscription, Some(third()?)),
        _ => below_scope(path)?,
    })
}

/// What lies behind the last `providers` of a path. Types and names alternate there; a type that is left over names a
/// collection or an action.
fn below_scope(path: Path) -> Option<Route> {
    let at = last_provider(path.folded)?;
    let (namespace, rest) = path.spelled[at + 1..].split_first()?;
    let types: Vec<&str> = rest.iter().step_by(2).copied().collect();
    let names: Vec<String> = rest.iter().skip(1).step_by(2).map(|name| (*name).to_owned()).collect();
    let target = |types: &[&str], names| target(path, at, &format!("{namespace}/{}", types.join("/")), names);
    let (last, owner) = types.split_last()?;
    if types.len() == names.len() {
        return Some(target(&types, names)).filter(Target::may_be_there).map(Route::Resource);
    }
    let owner = target(owner, names.clone());
    if owner.may_be_there() && owner.kind.action(last).is_some() {
        return Some(Route::Action(owner, last.to_ascii_lowercase()));
    }
    let collection = target(&types, names.into_iter().chain([String::new()]).collect());
    if at == 2 && types.len() == 1 {
        return Some(Route::AllOfType(collection));
    }
    Some(collection).filter(Target::may_be_there).map(Route::Collection)
}

/// Where the last `providers` stands that begins a type and is not a name.
fn last_provider(folded: &[&str]) -> Option<usize> {
    let scope = match folded {
        ["subscriptions", _, "resourcegroups", ..] => 4,
        ["subscriptions", ..] => 2,
        _ => 0,
    };
    let mut starts = (scope..folded.len()).step_by(2).filter(|index| folded[*index] == "providers");
    starts.next_back().filter(|_| folded.get(scope) == Some(&"providers"))
}

fn target(path: Path, at: usize, spelled_type: &str, names: Vec<String>) -> Target {
    let name = |index: usize| if index < at { path.spelled[index].to_owned() } else { String::new() };
    let is_in_group = path.folded.get(2) == Some(&"resourcegroups");
    let kind = kinds::find(spelled_type);
    Target {
        kind: kind.unwrap_or(&kinds::generic::KIND),
        resource_type: match kind {
            Some(kind) => kind.resource_type.to_owned(),
            None => providers::spelling(spelled_type).unwrap_or_else(|| spelled_type.to_owned()),
        },
        subscription: if path.folded[0] == "subscriptions" { name(1) } else { String::new() },
        group: if is_in_group { name(3) } else { String::new() },
        scope: path.scope(at),
        names,
    }
}

fn known_subscription(name: &str, options: &Options) -> Result<String, ArmError> {
    options.subscription_named(name).map(str::to_owned).ok_or_else(|| subscription_not_found(name))
}

/// A location in the form that replies use: lower case, no spaces.
pub(crate) fn place(location: &str) -> String {
    location.chars().filter(|character| !character.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

/// Percent-decoding of one segment; what is no escape, or no UTF-8 afterwards, stays as it is.
fn decoded(segment: &str) -> String {
    if !segment.contains('%') {
        return segment.to_owned();
    }
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
