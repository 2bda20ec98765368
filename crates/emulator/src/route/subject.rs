//! What a request is about, read off its method and path alone: scope, resource type, and the action in the sense of
//! Azure's access control. It knows every path, those too that lead nowhere.

use crate::arm::operation;
use crate::kinds::KINDS;
use crate::route::router::segments;
use crate::wire::{Method, Request};

/// What a request asks for, in its own spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) class: Class,
    /// The id of the resource; for a collection or an action the id of what it belongs to.
    pub(crate) scope: String,
    /// Empty above subscriptions.
    pub(crate) subscription: String,
    /// Empty above resource groups.
    pub(crate) group: String,
    /// The type with its namespace, in the casing of its kind where the emulator has it.
    pub(crate) resource_type: String,
    /// One name for each part of the type; none for a collection of top-level resources.
    pub(crate) names: Vec<String>,
    /// `{type}/read`, `write` or `delete`, or `{type}/{name}/action`.
    pub(crate) action: String,
}

/// The four sorts of request that faults tell apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Class {
    /// One resource, or whatever else has a name of its own.
    #[default]
    Resource,
    /// A collection.
    List,
    /// A POST on a resource.
    Action,
    /// The status of an operation.
    Poll,
}

/// What lies above and between the providers has no namespace in its path.
const RESOURCES: &str = "Microsoft.Resources";

impl Subject {
    /// Reads a request.
    pub(crate) fn of(request: &Request) -> Subject {
        let spelled = segments(&request.path);
        let folded: Vec<String> = spelled.iter().map(|part| part.to_ascii_lowercase()).collect();
        let is = |index: usize, word: &str| folded.get(index).is_some_and(|part| part == word);
        let named = |index: usize, word: &str| {
            let name = spelled.get(index + 1).filter(|_| is(index, word));
            name.cloned().unwrap_or_default()
        };
        let provider =
            folded.iter().rposition(|part| part == "providers").filter(|at| at + 1 < spelled.len());
        let (namespace, path, start) = match provider {
            Some(at) => (spelled[at + 1].as_str(), &spelled[at + 2..], at + 2),
            None => (RESOURCES, &spelled[..], 0),
        };
        let parts = Parts::of(request.method, namespace, path);
        let class = match folded.as_slice() {
            [.., before, _] if operation::SEGMENTS.contains(&before.as_str()) => Class::Poll,
            _ => parts.class,
        };
        Subject {
            class,
            scope: spelled[..start + parts.scope_length].iter().map(|part| format!("/{part}")).collect(),
            subscription: named(0, "subscriptions"),
            group: named(2, "resourcegroups"),
            resource_type: parts.resource_type,
            names: parts.names,
            action: parts.action,
        }
    }

    /// The resource's own name; empty for a collection of top-level resources.
    pub(crate) fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// The key of the resource, as the store has it.
    pub(crate) fn key(&self) -> String {
        self.scope.to_ascii_lowercase()
    }

    /// The namespace of its type.
    pub(crate) fn namespace(&self) -> &str {
        self.resource_type.split('/').next().unwrap_or("")
    }
}

/// What the part of a path behind its namespace says.
struct Parts {
    class: Class,
    resource_type: String,
    names: Vec<String>,
    action: String,
    /// How many segments of it belong to the scope.
    scope_length: usize,
}

impl Parts {
    /// Types and names alternate; a type that is left over is a collection, or the name of an action.
    fn of(method: Method, namespace: &str, path: &[String]) -> Parts {
        let mut types: Vec<&str> = path.iter().step_by(2).map(String::as_str).collect();
        let names: Vec<String> = path.iter().skip(1).step_by(2).cloned().collect();
        let is_odd = types.len() > names.len();
        let posted = if is_odd && method == Method::Post { types.pop() } else { None };
        let resource_type = canonical(&[&[namespace], types.as_slice()].concat().join("/"));
        let verb = match method {
            Method::Get | Method::Head => "read".to_owned(),
            Method::Put | Method::Patch => "write".to_owned(),
            Method::Delete => "delete".to_owned(),
            // A question, which access control counts as reading.
            Method::Post if posted.is_some_and(is_name_check) => "checkNameAvailability/read".to_owned(),
            Method::Post => posted.map_or("action".to_owned(), |name| format!("{name}/action")),
        };
        let class = match (is_odd, posted) {
            (_, Some(_)) => Class::Action,
            (true, None) => Class::List,
            (false, _) => Class::Resource,
        };
        let action = format!("{resource_type}/{verb}");
        Parts { class, resource_type, names, action, scope_length: path.len() - usize::from(is_odd) }
    }
}

fn is_name_check(posted: &str) -> bool {
    posted.eq_ignore_ascii_case("checkNameAvailability")
}

/// The type in the casing in which ARM speaks of it; at least its namespace.
fn canonical(resource_type: &str) -> String {
    const GROUPS: &str = "Microsoft.Resources/subscriptions/resourceGroups";
    let mut known = KINDS.iter().map(|kind| kind.resource_type).chain([GROUPS]);
    if let Some(known) = known.find(|known| known.eq_ignore_ascii_case(resource_type)) {
        return known.to_owned();
    }
    let (namespace, rest) = resource_type.split_once('/').unwrap_or((resource_type, ""));
    let known = KINDS.iter().map(|kind| kind.namespace()).find(|known| known.eq_ignore_ascii_case(namespace));
    [known.unwrap_or(namespace), rest].join("/").trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "/subscriptions/s/resourcegroups/Rg";
    const ML: &str = "providers/microsoft.machinelearningservices";

    fn subject(method: Method, path: &str) -> Subject {
        Subject::of(&Request::new(method, path))
    }

    #[test]
    fn actions_are_named_as_access_control_names_them() {
        let workspace = format!("{GROUP}/{ML}/workspaces/w");
        let ml = "Microsoft.MachineLearningServices/workspaces";
        let cases = [
            (Method::Put, format!("{workspace}/computes/c"), format!("{ml}/computes/write"), 10),
            (Method::Get, format!("{workspace}/computes"), format!("{ml}/computes/read"), 8),
            (
                Method::Post,
                format!("{workspace}/computes/c/start"),
                format!("{ml}/computes/start/action"),
                10,
            ),
            (Method::Get, format!("{GROUP}/{ML}/workspaces"), format!("{ml}/read"), 6),
            (
                Method::Delete,
                GROUP.to_owned(),
                "Microsoft.Resources/subscriptions/resourceGroups/delete".to_owned(),
                4,
            ),
            (
                Method::Post,
                format!("/subscriptions/s/{ML}/register"),
                "Microsoft.MachineLearningServices/register/action".to_owned(),
                4,
            ),
        ];
        for (method, path, action, length) in cases {
            let subject = subject(method, &path);
            let scope: String = path.split('/').skip(1).take(length).map(|part| format!("/{part}")).collect();
            assert_eq!((subject.action, subject.scope), (action, scope), "{path}");
        }
    }

    #[test]
    fn polls_lists_and_actions_are_told_apart() {
        let poll = format!("/subscriptions/s/{ML}/locations/l/computeOperationsStatus/1");
        assert_eq!(subject(Method::Get, &poll).class, Class::Poll);
        assert_eq!(subject(Method::Get, "/subscriptions/s/operationresults/1").class, Class::Poll);
        assert_eq!(subject(Method::Get, "/subscriptions/s/resourcegroups").class, Class::List);
        assert_eq!(subject(Method::Get, &format!("{GROUP}/resources")).class, Class::List);
        assert_eq!(
            subject(Method::Post, &format!("{GROUP}/{ML}/workspaces/w/listKeys")).class,
            Class::Action
        );
        let group = subject(Method::Get, GROUP);
        assert_eq!((group.class, group.group.as_str(), group.name()), (Class::Resource, "Rg", "Rg"));
        assert_eq!(subject(Method::Get, "/tenants").subscription, "");
    }
}
