//! What few kinds have: said here by the kind's name, so that the other tables need not say that they lack it.

use super::batch_ai;
use crate::Kind;

/// When a resource is ready, though its create or update is over: its own counts say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// The computed value that is its state, and the word for being at rest.
    pub state: (&'static str, &'static str),
    /// The attribute that says how many are wanted; where it is absent, the state alone tells.
    pub wanted: &'static str,
    /// The computed numbers that must add up to it.
    pub counted: &'static [&'static str],
    /// The computed list of what is in the way, each with a `message`.
    pub errors: &'static str,
}

/// How the nodes of a cluster are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeList {
    /// The POST action.
    pub action: &'static str,
    /// The reply's key for them.
    pub items: &'static str,
    /// The keys of a node's public address.
    pub public_ip: &'static str,
}

/// A fixed size is reached when its nodes can work (batch-ai facts §3, allocation behaviour).
const READINESS: [(&str, Readiness); 1] = [(
    "batch_ai_cluster",
    Readiness {
        state: ("state", "steady"),
        wanted: "target_instances",
        counted: &["idle_node_count", "running_node_count"],
        errors: "errors",
    },
)];

const NODES: [(&str, NodeList); 2] = [
    (
        "batch_ai_cluster",
        NodeList { action: "listRemoteLoginInformation", items: "value", public_ip: "ipAddress" },
    ),
    ("cluster", NodeList { action: "listNodes", items: "nodes", public_ip: "publicIpAddress" }),
];

const RETIRED: [(&str, &str); 3] = [
    ("batch_ai_cluster", batch_ai::RETIRED),
    ("batch_ai_file_server", batch_ai::RETIRED),
    ("batch_ai_workspace", batch_ai::RETIRED),
];

/// Resources that Azure makes with what they lie in: nobody asked for them, and nobody is to delete them. A workspace has
/// datastores for its own use.
const COME_BY_THEMSELVES: [(&str, &[&str]); 1] = [(
    "datastore",
    &[
        "azureml_globaldatasets",
        "workspaceartifactstore",
        "workspaceblobstore",
        "workspacefilestore",
        "workspaceworkingdirectory",
    ],
)];

/// Objects of bodies that a PATCH must hold whole: their other values are required with the changed ones
/// (machine-learning facts §3.3, batch-ai facts §3; the service's own reference for storage accounts).
const WHOLE: [(&str, &str); 4] = [
    ("batch_ai_cluster", "properties.scaleSettings.autoScale"),
    ("batch_ai_cluster", "properties.scaleSettings.manual"),
    ("cluster", "properties.properties.scaleSettings"),
    ("storage_account", "properties.networkAcls"),
];

/// What lies on the file share of a workspace: its requests go there, and not to ARM.
const ON_SHARE: [&str; 1] = ["script_file"];

fn of<T: Copy>(table: &[(&'static str, T)], kind: &Kind) -> Option<T> {
    table.iter().find(|(name, _)| *name == kind.name).map(|(_, value)| *value)
}

impl Kind {
    /// Whether Azure makes the resource of this name with what it lies in.
    pub fn comes_by_itself(&self, name: &str) -> bool {
        of(&COME_BY_THEMSELVES, self).is_some_and(|names| names.iter().any(|n| n.eq_ignore_ascii_case(name)))
    }

    /// When a resource of this kind is ready, where that is later than the end of what was asked.
    pub fn readiness(&self) -> Option<Readiness> {
        of(&READINESS, self)
    }

    /// How its nodes are listed; `None` for what has none.
    pub fn node_list(&self) -> Option<NodeList> {
        of(&NODES, self)
    }

    /// Whether it lies on the file share of the workspace that is its parent, and no document asks for it by itself.
    pub fn is_on_share(&self) -> bool {
        ON_SHARE.contains(&self.name)
    }

    /// Why nothing of this kind can be made in Azure any more.
    pub fn retired(&self) -> Option<&'static str> {
        of(&RETIRED, self)
    }

    /// Whether a PATCH must hold this object of a body whole.
    pub fn is_whole(&self, path: &str) -> bool {
        WHOLE.contains(&(self.name, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::find;

    #[test]
    fn every_name_is_a_kinds() {
        let names = READINESS.iter().map(|(name, _)| name).chain(NODES.iter().map(|(name, _)| name));
        for name in names
            .chain(RETIRED.iter().map(|(name, _)| name))
            .chain(WHOLE.iter().map(|(name, _)| name))
            .chain(&ON_SHARE)
        {
            assert!(find(name).is_some(), "{name}");
        }
    }
}
