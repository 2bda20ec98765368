//! From ids to kinds: which api-version a path speaks, and which kind a body is of.

use model::compare::get;
use model::{ArmId, Json, Kind, Placement, kinds};

/// The api-version of subscriptions themselves.
pub(crate) const SUBSCRIPTION_VERSION: &str = "2022-12-01";

/// The api-version of the list of everything in a resource group.
pub(crate) const RESOURCES_VERSION: &str = "2021-04-01";

/// The api-version to read an id with; an operation in a journal names no kind.
pub(crate) fn api_version_of(id: &ArmId) -> &'static str {
    kinds::of_type(id).next().map_or(SUBSCRIPTION_VERSION, Kind::api_version)
}

/// Whether a resource of the kind's collection is of the kind itself.
pub(crate) fn is_of(kind: &Kind, body: &Json) -> bool {
    match kind.placement {
        Placement::InParent { discriminator: Some((path, word)), .. } => {
            get(body, path).and_then(Json::as_str).is_some_and(|w| w.eq_ignore_ascii_case(word))
        }
        Placement::InGroup { resource_type, .. }
        | Placement::OnScope { resource_type, .. }
        | Placement::Typed { resource_type, .. } => {
            get(body, "type").and_then(Json::as_str).is_none_or(|t| t.eq_ignore_ascii_case(resource_type))
        }
        Placement::Group { .. } | Placement::InParent { discriminator: None, .. } => true,
        Placement::Local => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_api_version() {
        let group = ArmId::group("s", "g");
        let workspace = group.in_group("microsoft.machinelearningservices/Workspaces", "w");
        assert_eq!(api_version_of(&workspace.child("computes", "c")), "2026-05-01");
        assert_eq!(api_version_of(&workspace), "2026-05-01");
        assert_eq!(api_version_of(&group), "2022-09-01");
        assert_eq!(api_version_of(&group.in_group("Microsoft.KeyVault/vaults", "v")), "2023-07-01");
    }
}
