//! ARM resource ids: `/subscriptions/{s}/resourceGroups/{g}/providers/{type}/{name}[/{child}/{name}]`.
//!
//! ARM keeps the casing of creation and answers with others (machine-learning facts §8.1), so ids
//! compare without case: [`ArmId::same`] and [`ArmId::folded`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// The path of a resource in ARM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArmId(String);

impl ArmId {
    /// The id of a resource group.
    pub fn group(subscription: &str, group: &str) -> Self {
        Self(format!("/subscriptions/{subscription}/resourceGroups/{group}"))
    }

    /// The id of a resource of `resource_type` (`Microsoft.Storage/storageAccounts`) in this group, or on this scope.
    pub fn in_group(&self, resource_type: &str, name: &str) -> Self {
        Self(format!("{}/providers/{resource_type}/{name}", self.0))
    }

    /// The id of a nested resource: `{self}/{collection}/{name}`.
    pub fn child(&self, collection: &str, name: &str) -> Self {
        Self(format!("{}/{collection}/{name}", self.0))
    }

    /// Reads an id: absolute, without empty or dotted segments, in a subscription.
    pub fn parse(text: &str) -> Option<Self> {
        let path = text.strip_prefix('/')?;
        let clean = |s: &str| {
            !s.is_empty()
                && s != "."
                && s != ".."
                && !s.chars().any(|c| c.is_control() || c.is_whitespace() || "?#%\\".contains(c))
        };
        let rooted = path.split_once('/').is_some_and(|(root, _)| root.eq_ignore_ascii_case("subscriptions"));
        (rooted && path.split('/').all(clean)).then(|| Self(text.to_owned()))
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both name the same resource.
    pub fn same(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }

    /// Whether it names something inside the other: a compute in its workspace, anything in its group.
    pub fn lies_in(&self, other: &ArmId) -> bool {
        let (inner, outer) = (self.0.as_bytes(), other.0.as_bytes());
        inner.len() > outer.len()
            && inner[outer.len()] == b'/'
            && inner[..outer.len()].eq_ignore_ascii_case(outer)
    }

    /// The form to use as a key: lower case.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The subscription's id.
    pub fn subscription(&self) -> &str {
        self.after("subscriptions").unwrap_or_default()
    }

    /// The resource group's name.
    pub fn resource_group(&self) -> Option<&str> {
        self.after("resourceGroups")
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The resource's type, `Microsoft.MachineLearningServices/workspaces/computes`; a group's is
    /// `Microsoft.Resources/resourceGroups`, a subscription's `Microsoft.Resources/subscriptions`.
    pub fn resource_type(&self) -> String {
        let Some((_, provided)) = self.around_providers() else {
            let whole = if self.resource_group().is_some() { "resourceGroups" } else { "subscriptions" };
            return format!("Microsoft.Resources/{whole}");
        };
        let mut resource_type = String::with_capacity(provided.len());
        let mut parts = provided.split('/');
        resource_type.push_str(parts.next().unwrap_or_default());
        for part in parts.step_by(2) {
            resource_type.push('/');
            resource_type.push_str(part);
        }
        resource_type
    }

    /// The id that it lies under: the resource that it is nested in, else its resource group; of an extension
    /// resource its scope. A nested singleton (`fileServices/default`) is a part of the way, no resource by itself.
    pub fn parent(&self) -> Option<ArmId> {
        let (place, provided) = self.around_providers()?;
        // Namespace, type and name; a nested resource has more.
        let mut pairs = provided.split('/').count() / 2;
        let mut above = self.0.as_str();
        while pairs > 1 {
            above = above.rsplitn(3, '/').nth(2)?;
            pairs -= 1;
            let singleton = above.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case("default"));
            if pairs == 1 || !singleton {
                return Some(Self(above.to_owned()));
            }
        }
        Some(Self(place.to_owned()))
    }

    /// The id without its own type and name: of a nested resource the whole way to it, singletons included; else as
    /// [`ArmId::parent`].
    pub fn above(&self) -> Option<ArmId> {
        let (place, provided) = self.around_providers()?;
        match provided.split('/').count() {
            ..=3 => Some(Self(place.to_owned())),
            _ => self.0.rsplitn(3, '/').nth(2).map(|above| Self(above.to_owned())),
        }
    }

    /// What stands before the last `/providers/`, and what follows it.
    fn around_providers(&self) -> Option<(&str, &str)> {
        let mut end = self.0.len();
        for segment in self.0.rsplit('/') {
            let start = end - segment.len();
            if segment.eq_ignore_ascii_case("providers") {
                return Some((self.0.get(..start.checked_sub(1)?)?, self.0.get(end + 1..)?));
            }
            end = start.saturating_sub(1);
        }
        None
    }

    fn after(&self, word: &str) -> Option<&str> {
        let mut segments = self.0.split('/').skip(1);
        while let Some(segment) = segments.next() {
            let value = segments.next();
            if segment.eq_ignore_ascii_case(word) {
                return value;
            }
        }
        None
    }
}

impl fmt::Display for ArmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_nested_id() {
        let id = ArmId::group("s1", "rg")
            .in_group("Microsoft.MachineLearningServices/workspaces", "ws")
            .child("computes", "cpu");
        assert_eq!(id.subscription(), "s1");
        assert_eq!(id.resource_group(), Some("rg"));
        assert_eq!(id.name(), "cpu");
        assert_eq!(id.resource_type(), "Microsoft.MachineLearningServices/workspaces/computes");
        let workspace = id.parent().expect("a parent");
        assert_eq!(workspace.name(), "ws");
        assert_eq!(workspace.parent().expect("a group").name(), "rg");
    }

    #[test]
    fn a_singleton_on_the_way_is_no_parent() {
        let account = ArmId::group("s1", "rg").in_group("Microsoft.Storage/storageAccounts", "a");
        let share = account.child("fileServices/default/shares", "data");
        assert_eq!(share.parent(), Some(account.clone()));
        assert_eq!(share.resource_type(), "Microsoft.Storage/storageAccounts/fileServices/shares");
        assert_eq!(share.above(), Some(account.child("fileServices", "default")));
        assert_eq!(account.above(), Some(ArmId::group("s1", "rg")));
        let network = ArmId::group("s1", "rg").in_group("Microsoft.Network/virtualNetworks", "default");
        assert_eq!(network.child("subnets", "one").parent(), Some(network));
    }

    #[test]
    fn an_extension_lies_on_its_scope() {
        let workspace =
            ArmId::group("s1", "rg").in_group("Microsoft.MachineLearningServices/workspaces", "ws");
        let lock = workspace.child("computes", "cpu").in_group("Microsoft.Authorization/locks", "keep");
        assert_eq!(lock.resource_type(), "Microsoft.Authorization/locks");
        assert_eq!(lock.parent(), Some(workspace.child("computes", "cpu")));
        let subscription = ArmId::parse("/subscriptions/s1").expect("an id");
        assert_eq!(subscription.resource_type(), "Microsoft.Resources/subscriptions");
        let role = subscription.in_group("Microsoft.Authorization/roleDefinitions", "r");
        assert_eq!(role.parent(), Some(subscription));
    }

    #[test]
    fn ids_with_tricks_are_refused() {
        for text in [
            "",
            "x",
            "/subscriptions",
            "/subscriptions/a/../b",
            "/subscriptions/a?x",
            "/tenants/a",
            "/subscriptions/a%2e",
        ] {
            assert!(ArmId::parse(text).is_none(), "{text}");
        }
    }
}
