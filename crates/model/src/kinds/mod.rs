//! The kinds, one file each. A kind is data; see `docs/adding-a-kind.md`.

mod aks;
mod application_insights;
pub mod arm;
mod attached;
mod autoscale;
mod batch_ai;
mod batch_ai_cluster;
mod batch_ai_file_server;
mod batch_ai_workspace;
mod cluster;
mod common;
mod container_registry;
mod data_factory;
mod data_lake_analytics;
mod databricks;
mod datastore;
mod file_share;
mod hdinsight;
mod instance;
mod key_vault;
mod kubernetes;
mod load_balancer;
mod lock;
mod network_security_group;
mod outbound_rule;
mod public_ip;
mod resource_group;
mod role_assignment;
mod role_definition;
mod scale_set;
mod scale_set_extension;
pub mod script_file;
mod setup_script;
mod storage_account;
mod subnet;
mod synapse_spark;
pub mod time_zones;
mod user_assigned_identity;
mod virtual_machine;
mod virtual_network;
mod ways;
mod workspace;

pub use ways::{NodeList, Readiness};

use crate::{ArmId, Kind, Placement, Under};

/// Every kind, ordered by name.
pub static KINDS: [&Kind; 37] = [
    &aks::KIND,
    &application_insights::KIND,
    &arm::KIND,
    &autoscale::KIND,
    &batch_ai_cluster::KIND,
    &batch_ai_file_server::KIND,
    &batch_ai_workspace::KIND,
    &cluster::KIND,
    &container_registry::KIND,
    &data_factory::KIND,
    &data_lake_analytics::KIND,
    &databricks::KIND,
    &datastore::KIND,
    &file_share::KIND,
    &hdinsight::KIND,
    &instance::KIND,
    &key_vault::KIND,
    &kubernetes::KIND,
    &load_balancer::KIND,
    &lock::KIND,
    &network_security_group::KIND,
    &outbound_rule::KIND,
    &public_ip::KIND,
    &resource_group::KIND,
    &role_assignment::KIND,
    &role_definition::KIND,
    &scale_set::KIND,
    &scale_set_extension::KIND,
    &script_file::KIND,
    &setup_script::KIND,
    &storage_account::KIND,
    &subnet::KIND,
    &synapse_spark::KIND,
    &user_assigned_identity::KIND,
    &virtual_machine::KIND,
    &virtual_network::KIND,
    &workspace::KIND,
];

/// The kind with this name.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.name == name).copied()
}

/// A kind's ARM type; for a nested kind its parent's and its collection. `None` for local kinds.
pub fn type_of(kind: &Kind) -> Option<String> {
    match kind.placement {
        Placement::Local => None,
        Placement::Group { .. } | Placement::InGroup { .. } | Placement::OnScope { .. } => {
            Some(kind.resource_type().to_owned())
        }
        // A type that no document has said is that of no resource.
        Placement::Typed { resource_type, .. } => {
            (!resource_type.is_empty()).then(|| resource_type.to_owned())
        }
        Placement::InParent { parent, collection, .. } => {
            let mut nested = type_of(find(parent)?)?;
            // The names of singletons on the way are no part of the type.
            for segment in collection.split('/').step_by(2) {
                nested.push('/');
                nested.push_str(segment);
            }
            Some(nested)
        }
    }
}

/// How deep a kind lies: groups first, then what lies in them, and so on; whatever may lie on all of these last.
/// Reading and placing go by it, so that each finds its place known.
pub fn depth(kind: &Kind) -> usize {
    match kind.placement {
        Placement::Local | Placement::Group { .. } => 0,
        Placement::InGroup { .. } => 1,
        Placement::InParent { parent, .. } => 1 + find(parent).map_or(1, depth),
        // A nested type names those that it lies in.
        Placement::Typed { resource_type, under: Under::Group | Under::Parent, .. } => {
            resource_type.matches('/').count()
        }
        Placement::OnScope { .. } | Placement::Typed { under: Under::Scope, .. } => usize::MAX,
    }
}

/// The kinds that the resource with this id may be of: those of one collection share their ARM type.
pub fn of_type(id: &ArmId) -> impl Iterator<Item = &'static Kind> + use<> {
    let own = id.resource_type();
    KINDS.into_iter().filter(move |kind| type_of(kind).is_some_and(|t| t.eq_ignore_ascii_case(&own)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn kinds_are_ordered_and_documented() {
        assert!(KINDS.windows(2).all(|w| w[0].name < w[1].name));
        for kind in KINDS {
            assert!(kind.summary.ends_with('.'), "{}", kind.name);
            for attribute in kind.attributes {
                assert!(attribute.doc.ends_with('.'), "{}.{}", kind.name, attribute.path);
            }
        }
    }

    #[test]
    fn no_attribute_or_body_path_is_used_twice() {
        for kind in KINDS {
            let paths: BTreeSet<_> = kind.attributes.iter().map(|a| a.path).collect();
            assert_eq!(paths.len(), kind.attributes.len(), "{}", kind.name);
            let sent = || kind.attributes.iter().filter(|a| !a.arm.is_empty() && a.when.is_none());
            let arm: BTreeSet<_> = sent().map(|a| a.arm).collect();
            assert_eq!(arm.len(), sent().count(), "{}", kind.name);
        }
    }
}
