//! What a path of ARM is about.

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A subscription itself.
    Subscription(String),
    /// One object, by its id.
    Object(String),
    /// The objects of a type that lie in another: that one's id, and the last word of the type.
    List(String, String),
    /// An action on an object.
    Action(String, String),
    /// The state of an operation.
    Operation(String),
}

/// Reads a path; `None` for what this cloud does not have.
pub(super) fn read(path: &str, is_post: bool) -> Option<Target> {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    if let ["subscriptions", _, "providers", "operations", id] = segments.as_slice() {
        return Some(Target::Operation((*id).to_owned()));
    }
    if let ["subscriptions", id] = segments.as_slice() {
        return Some(Target::Subscription((*id).to_owned()));
    }
    let named = segments.len() - segments.iter().filter(|s| s.eq_ignore_ascii_case("providers")).count() * 2;
    let id = |segments: &[&str]| format!("/{}", segments.join("/"));
    let (last, rest) = segments.split_last()?;
    match named % 2 {
        0 => Some(Target::Object(id(&segments))),
        _ if is_post => Some(Target::Action(id(rest), (*last).to_owned())),
        // `…/resourceGroups/g/providers/Namespace/type` lists in the group.
        _ => {
            let within = match rest {
                [group @ .., providers, _] if providers.eq_ignore_ascii_case("providers") => group,
                parent => parent,
            };
            Some(Target::List(id(within), (*last).to_owned()))
        }
    }
}

/// The id of what an object lies in; `None` for a group.
pub(super) fn parent(id: &str) -> Option<&str> {
    let (rest, _name) = id.rsplit_once('/')?;
    let (within, _kind) = rest.rsplit_once('/')?;
    match within.rsplit_once('/') {
        Some((before, _)) if before.to_ascii_lowercase().ends_with("/providers") => {
            Some(&before[..before.len() - "/providers".len()])
        }
        Some((_, "subscriptions")) | None => None,
        Some(_) if within.matches('/').count() == 2 => None,
        Some(_) => Some(within),
    }
}

/// The word before the name: `computes`, `workspaces`, `resourceGroups`.
pub(super) fn collection(id: &str) -> &str {
    id.rsplit('/').nth(1).unwrap_or_default()
}

/// The full type.
pub(super) fn resource_type(id: &str) -> String {
    let segments: Vec<&str> = id.split('/').collect();
    match segments.iter().position(|s| s.eq_ignore_ascii_case("providers")) {
        None => "Microsoft.Resources/resourceGroups".to_owned(),
        Some(at) => {
            let kinds = segments[at + 2..].iter().step_by(2).copied();
            [segments[at + 1]].into_iter().chain(kinds).collect::<Vec<_>>().join("/")
        }
    }
}

/// The last segment.
pub(super) fn name(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "/subscriptions/s/resourceGroups/g";

    #[test]
    fn paths_are_read() {
        let workspace = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/w");
        let compute = format!("{workspace}/computes/c");
        for (path, is_post, target) in [
            ("/subscriptions/s".to_owned(), false, Target::Subscription("s".to_owned())),
            (GROUP.to_owned(), false, Target::Object(GROUP.to_owned())),
            (workspace.clone(), false, Target::Object(workspace.clone())),
            (compute.clone(), false, Target::Object(compute.clone())),
            (format!("{compute}/start"), true, Target::Action(compute.clone(), "start".to_owned())),
            (format!("{workspace}/computes"), false, Target::List(workspace.clone(), "computes".to_owned())),
            (
                format!("{GROUP}/providers/Microsoft.Storage/storageAccounts"),
                false,
                Target::List(GROUP.to_owned(), "storageAccounts".to_owned()),
            ),
            ("/subscriptions/s/providers/operations/7".to_owned(), false, Target::Operation("7".to_owned())),
        ] {
            assert_eq!(read(&path, is_post), Some(target), "{path}");
        }
        assert_eq!(parent(&compute), Some(workspace.as_str()));
        assert_eq!(parent(&workspace), Some(GROUP));
        assert_eq!(parent(GROUP), None);
        assert_eq!(resource_type(&compute), "Microsoft.MachineLearningServices/workspaces/computes");
    }
}
