//! Which actions of Azure's access control a kind needs, read off its table: its ARM type, the ways its attributes
//! change, and what plumb reads around it.
//!
//! Facts: an action is the ARM type with `read`, `write`, `delete`, or the name of a POST with `/action`
//! (machine-learning facts §2.3). Polling an operation is a read of its own type.

use std::collections::BTreeSet;

use crate::{Attribute, Change, Kind, Placement, Type, kinds};

/// What somebody is to be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `plan`, `drift`, `quota`, `show`: nothing that changes Azure.
    Plan,
    /// Everything that `apply` and `destroy` do.
    Apply,
    /// Using computes that stand: start, stop, restart, nodes, and the applications of an instance.
    DataScientist,
}

impl Purpose {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Purpose::Plan => "plan",
            Purpose::Apply => "apply",
            Purpose::DataScientist => "data-scientist",
        }
    }
}

/// An action beside those of a kind's own type.
struct Beside {
    purpose: Purpose,
    kinds: &'static [&'static str],
    action: &'static str,
}

const fn beside(purpose: Purpose, kinds: &'static [&'static str], action: &'static str) -> Beside {
    Beside { purpose, kinds, action }
}

const NETWORK: &[&str] =
    &["load_balancer", "network_security_group", "public_ip", "subnet", "virtual_network"];
const COMPUTES: &[&str] = &["cluster", "instance"];
const MACHINE_LEARNING: &[&str] = &["cluster", "instance", "workspace"];

/// What plumb reads around a kind (preflight, operations), and what people do with one.
const BESIDE: &[Beside] = &[
    beside(Purpose::Plan, COMPUTES, "Microsoft.MachineLearningServices/locations/usages/read"),
    beside(Purpose::Plan, COMPUTES, "Microsoft.MachineLearningServices/locations/vmSizes/read"),
    beside(Purpose::Plan, &["scale_set"], "Microsoft.Compute/locations/usages/read"),
    beside(Purpose::Plan, &["scale_set"], "Microsoft.Compute/skus/read"),
    beside(Purpose::Plan, &["container_registry"], "Microsoft.ContainerRegistry/checkNameAvailability/read"),
    beside(Purpose::Plan, &["key_vault"], "Microsoft.KeyVault/checkNameAvailability/read"),
    beside(Purpose::Plan, &["scale_set"], "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read"),
    beside(Purpose::Plan, &["storage_account"], "Microsoft.Storage/checkNameAvailability/read"),
    beside(
        Purpose::Apply,
        COMPUTES,
        "Microsoft.MachineLearningServices/locations/computeOperationsStatus/read",
    ),
    beside(
        Purpose::Apply,
        MACHINE_LEARNING,
        "Microsoft.MachineLearningServices/locations/workspaceOperationsStatus/read",
    ),
    beside(Purpose::Apply, NETWORK, "Microsoft.Network/locations/operationResults/read"),
    beside(Purpose::Apply, NETWORK, "Microsoft.Network/locations/operations/read"),
    beside(
        Purpose::Apply,
        &["scale_set", "scale_set_extension"],
        "Microsoft.Compute/locations/operations/read",
    ),
    // A new vault is told the tenant of its subscription.
    beside(Purpose::Apply, &["key_vault"], "Microsoft.Resources/subscriptions/read"),
    beside(Purpose::Apply, &["storage_account"], "Microsoft.Storage/locations/asyncOperations/read"),
    beside(Purpose::Apply, &["resource_group"], "Microsoft.Resources/subscriptions/operationresults/read"),
    beside(
        Purpose::DataScientist,
        &["instance"],
        "Microsoft.MachineLearningServices/workspaces/computes/applicationaccess/action",
    ),
    beside(
        Purpose::DataScientist,
        &["instance"],
        "Microsoft.MachineLearningServices/workspaces/computes/restart/action",
    ),
    beside(
        Purpose::DataScientist,
        &["cluster"],
        "Microsoft.MachineLearningServices/workspaces/computes/listNodes/action",
    ),
];

/// Actions on a second resource that an attribute names (`LinkedAuthorizationFailed`), by the attribute's path: where
/// its text is an id of no stated type, or where more than joining is asked.
const LINKED: [(&str, &str); 5] = [
    (
        "body.identity.userAssignedIdentities",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    ),
    (
        "network_acls.virtual_network_rules",
        "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
    ),
    ("network_settings.subnet", "Microsoft.Network/virtualNetworks/subnets/join/action"),
    ("serverless_compute.custom_subnet", "Microsoft.Network/virtualNetworks/subnets/join/action"),
    ("subnet", "Microsoft.Network/virtualNetworks/subnets/join/action"),
];

/// The same by the type of what a reference names, wherever in a value it stands.
const JOINED: [(&str, &str); 7] = [
    (
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    ),
    (
        "Microsoft.Network/loadBalancers/backendAddressPools",
        "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
    ),
    (
        "Microsoft.Network/loadBalancers/inboundNatPools",
        "Microsoft.Network/loadBalancers/inboundNatPools/join/action",
    ),
    ("Microsoft.Network/loadBalancers/probes", "Microsoft.Network/loadBalancers/probes/join/action"),
    ("Microsoft.Network/networkSecurityGroups", "Microsoft.Network/networkSecurityGroups/join/action"),
    ("Microsoft.Network/publicIPAddresses", "Microsoft.Network/publicIPAddresses/join/action"),
    ("Microsoft.Network/virtualNetworks/subnets", "Microsoft.Network/virtualNetworks/subnets/join/action"),
];

/// The actions on other resources that an attribute asks for.
fn linked(attribute: &Attribute) -> Vec<&'static str> {
    match LINKED.iter().find(|(path, _)| *path == attribute.path) {
        Some((_, action)) => vec![action],
        None => {
            let mut found = Vec::new();
            joined(&attribute.value, &mut found);
            found
        }
    }
}

fn joined(value: &Type, found: &mut Vec<&'static str>) {
    match value {
        Type::Reference(reference) => {
            let row = JOINED.iter().find(|(named, _)| named.eq_ignore_ascii_case(reference.resource_type));
            found.extend(row.map(|(_, action)| *action));
        }
        Type::List(element) | Type::Map(element) => joined(element, found),
        Type::Object(fields) => fields.iter().for_each(|field| joined(&field.value, found)),
        _ => {}
    }
}

/// What lies on the share of a workspace: where that is, and the key of its account. Where the account takes no keys, a
/// token serves, whose bearer has [`needed_data`].
fn needed_on_share(purpose: Purpose) -> BTreeSet<String> {
    let reads = ["workspaces/read", "workspaces/datastores/read"];
    let mut found: BTreeSet<String> =
        reads.map(|read| format!("Microsoft.MachineLearningServices/{read}")).into();
    if purpose == Purpose::Apply {
        found.insert("Microsoft.Storage/storageAccounts/listKeys/action".to_owned());
    }
    found
}

/// The data actions that resources of a kind need: what a token may do with files, as a backup does it.
pub fn needed_data(purpose: Purpose, kind: &'static Kind) -> BTreeSet<String> {
    const READ: [&str; 2] = ["fileshares/files/read", "readFileBackupSemantics/action"];
    const WRITE: [&str; 3] =
        ["fileshares/files/write", "fileshares/files/delete", "writeFileBackupSemantics/action"];
    let of = |names: &[&str]| -> BTreeSet<String> {
        names.iter().map(|name| format!("Microsoft.Storage/storageAccounts/fileServices/{name}")).collect()
    };
    match (kind.is_on_share(), purpose) {
        (true, Purpose::Plan) => of(&READ),
        (true, Purpose::Apply) => of(&[&READ[..], &WRITE[..]].concat()),
        _ => BTreeSet::new(),
    }
}

/// The actions that resources of a kind need, whose documents give the attributes at these paths.
pub fn needed<'a>(
    purpose: Purpose,
    kind: &'static Kind,
    given: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<String> {
    let Some(own) = controlled_type(kind) else { return BTreeSet::new() };
    if kind.is_on_share() {
        return if purpose == Purpose::DataScientist { BTreeSet::new() } else { needed_on_share(purpose) };
    }
    let mut found: BTreeSet<String> = BESIDE
        .iter()
        .filter(|row| covers(purpose, row.purpose) && row.kinds.contains(&kind.name))
        .map(|row| row.action.to_owned())
        .collect();
    if purpose == Purpose::DataScientist && !COMPUTES.contains(&kind.name) {
        return found;
    }
    found.insert(format!("{own}/read"));
    if let Placement::InParent { parent, .. } = kind.placement {
        found.extend(kinds::find(parent).and_then(controlled_type).map(|above| format!("{above}/read")));
    }
    if purpose == Purpose::Plan {
        found.insert("Microsoft.Authorization/locks/read".to_owned());
        return found;
    }
    let changes = kind.attributes.iter().flat_map(|attribute| actions_of(attribute.change));
    if purpose == Purpose::DataScientist {
        let power = changes.filter(|action| POWER.contains(action));
        found.extend(power.map(|action| format!("{own}/{action}/action")));
        return found;
    }
    found.extend(changes.chain(secrets_of(kind)).map(|action| format!("{own}/{action}/action")));
    found.extend(["write", "delete"].map(|verb| format!("{own}/{verb}")));
    found.insert("Microsoft.Authorization/locks/read".to_owned());
    let given = given.into_iter().filter_map(|path| kind.attribute(path));
    found.extend(given.flat_map(linked).map(str::to_owned));
    found
}

/// The actions for a resource that stands without plumb: it is read, and its secrets for what is made with them.
pub fn to_look_at(purpose: Purpose, kind: &'static Kind) -> BTreeSet<String> {
    let mut found = match purpose {
        Purpose::DataScientist => BTreeSet::new(),
        Purpose::Plan | Purpose::Apply => needed(Purpose::Plan, kind, []),
    };
    if let (Purpose::Apply, Some(own)) = (purpose, controlled_type(kind)) {
        found.extend(secrets_of(kind).map(|action| format!("{own}/{action}/action")));
    }
    found
}

/// The POST actions that list secrets of a kind.
fn secrets_of(kind: &'static Kind) -> impl Iterator<Item = &'static str> {
    kind.computed.iter().filter_map(|computed| Some(computed.listed?.action))
}

/// A kind's type as access control has it: a group's has another form than its ARM type.
fn controlled_type(kind: &Kind) -> Option<String> {
    match kind.placement {
        Placement::Group { .. } => Some("Microsoft.Resources/subscriptions/resourceGroups".to_owned()),
        _ => kinds::type_of(kind),
    }
}

/// What the role for one purpose has of another's rows.
fn covers(purpose: Purpose, row: Purpose) -> bool {
    purpose == row || (purpose == Purpose::Apply && row == Purpose::Plan)
}

const POWER: [&str; 2] = ["start", "stop"];

/// The POST actions that a way of changing takes.
fn actions_of(change: Change) -> Vec<&'static str> {
    match change {
        Change::Action(action) => vec![action.name],
        Change::Power => POWER.to_vec(),
        Change::CreateOnly | Change::Put | Change::Patch | Change::Held | Change::Local => Vec::new(),
    }
}

/// The smaller of the roles `plan` and `apply` that may have an action; none for one that plumb never needs.
pub fn role_with(action: &str) -> Option<Purpose> {
    let has = |purpose: &Purpose| {
        let all = kinds::KINDS.iter();
        let all = all.flat_map(|kind| needed(*purpose, kind, kind.attributes.iter().map(|a| a.path)));
        all.into_iter().any(|needed| needed.eq_ignore_ascii_case(action))
    };
    [Purpose::Plan, Purpose::Apply].into_iter().find(has)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(purpose: Purpose, kind: &str) -> BTreeSet<String> {
        needed(purpose, kinds::find(kind).expect("a kind"), [])
    }

    #[test]
    fn planning_changes_nothing_and_applying_can_all_that_planning_can() {
        for kind in kinds::KINDS {
            let (plan, apply) = (actions(Purpose::Plan, kind.name), actions(Purpose::Apply, kind.name));
            assert!(plan.iter().all(|action| action.ends_with("/read")), "{plan:?}");
            assert!(plan.is_subset(&apply), "{}", kind.name);
        }
    }

    #[test]
    fn the_ways_of_changing_an_instance_are_in_its_role() {
        let apply = actions(Purpose::Apply, "instance");
        let own = "Microsoft.MachineLearningServices/workspaces/computes";
        for verb in ["read", "write", "delete", "start/action", "stop/action", "resize/action"] {
            assert!(apply.contains(&format!("{own}/{verb}")), "{verb}: {apply:?}");
        }
        let scientist = actions(Purpose::DataScientist, "instance");
        let forbidden = ["write", "delete", "resize/action"];
        assert!(forbidden.iter().all(|verb| !scientist.contains(&format!("{own}/{verb}"))), "{scientist:?}");
        assert!(scientist.contains(&format!("{own}/applicationaccess/action")));
        assert_eq!(actions(Purpose::DataScientist, "storage_account"), BTreeSet::new());
    }

    #[test]
    fn what_is_named_is_joined_or_assigned() {
        let given = |kind: &str, path| needed(Purpose::Apply, kinds::find(kind).expect("a kind"), [path]);
        for (kind, path, action) in [
            (
                "workspace",
                "identity.user_assigned_identities",
                "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
            ),
            ("scale_set", "network_interfaces", "Microsoft.Network/virtualNetworks/subnets/join/action"),
            (
                "scale_set",
                "network_interfaces",
                "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
            ),
            ("scale_set", "network_interfaces", "Microsoft.Network/networkSecurityGroups/join/action"),
            ("scale_set", "health_probe", "Microsoft.Network/loadBalancers/probes/join/action"),
            ("load_balancer", "frontends", "Microsoft.Network/publicIPAddresses/join/action"),
            ("subnet", "network_security_group", "Microsoft.Network/networkSecurityGroups/join/action"),
            ("batch_ai_cluster", "subnet", "Microsoft.Network/virtualNetworks/subnets/join/action"),
        ] {
            assert!(given(kind, path).contains(action), "{kind}.{path}: {:?}", given(kind, path));
        }
        let rules = given("storage_account", "network_acls.virtual_network_rules");
        assert!(rules.iter().any(|action| action.ends_with("/joinViaServiceEndpoint/action")));
        assert!(!rules.iter().any(|action| action.ends_with("/join/action")), "{rules:?}");
    }

    #[test]
    fn files_on_a_share_need_a_key_or_data_actions() {
        let kind = kinds::find("script_file").expect("a kind");
        let key = "Microsoft.Storage/storageAccounts/listKeys/action";
        assert!(actions(Purpose::Apply, kind.name).contains(key));
        assert!(!actions(Purpose::Plan, kind.name).contains(key));
        let (plan, apply) = (needed_data(Purpose::Plan, kind), needed_data(Purpose::Apply, kind));
        assert!(plan.is_subset(&apply) && plan.len() == 2 && apply.len() == 5, "{apply:?}");
        assert_eq!(needed_data(Purpose::Apply, kinds::find("cluster").expect("a kind")), BTreeSet::new());
        assert_eq!(role_with(key).map(Purpose::word), Some("apply"));
    }

    #[test]
    fn an_action_leads_to_the_smallest_role_that_has_it() {
        let of = |action| role_with(action).map(Purpose::word);
        assert_eq!(of("microsoft.storage/storageaccounts/READ"), Some("plan"));
        assert_eq!(of("Microsoft.MachineLearningServices/workspaces/computes/write"), Some("apply"));
        assert_eq!(of("Microsoft.Network/virtualNetworks/subnets/join/action"), Some("apply"));
        assert_eq!(of("Microsoft.Network/routeTables/read"), None);
    }
}
