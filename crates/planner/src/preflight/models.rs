//! Machines of scale sets that do not have the latest model of their set: with a manual upgrade policy they keep what
//! they were made with until somebody brings them onto it (dsvm-pool facts §4).

use std::collections::BTreeMap;

use model::{Address, ArmId, Diagnostic, Json};

use super::Answer;
use crate::plan::{Action, Change, Plan};

/// So many machines are named one by one; more are all of them.
const NAMED_MAX: usize = 10;

/// The scale set whose machines are to be looked at: one that stands, stays, and upgrades nobody by itself.
pub(super) fn set_of(change: &Change) -> Option<(Address, ArmId)> {
    let stays = matches!(change.action, Action::NoOp | Action::Update | Action::Adopt | Action::Move);
    let policy = change.desired.as_ref()?.attributes.get("upgrade_policy")?.known().and_then(Json::as_str);
    let is_manual = policy.is_some_and(|policy| policy.eq_ignore_ascii_case("manual"));
    let is_set = change.kind.name == "scale_set" && !change.deposed;
    (is_set && stays && is_manual).then(|| Some((change.address.clone(), change.arm_id.clone()?)))?
}

/// What is behind, and the command that brings it on.
pub(super) fn check(plan: &Plan, read: &BTreeMap<Address, Answer<Vec<String>>>) -> Vec<Diagnostic> {
    let behind = read.iter().filter_map(|(address, read)| {
        let machines = read.as_ref().ok().filter(|machines| !machines.is_empty())?;
        Some(warning(plan.change(address)?, machines))
    });
    behind.collect()
}

fn warning(change: &Change, machines: &[String]) -> Diagnostic {
    let (count, few) = (machines.len(), machines.len() <= NAMED_MAX);
    let which = if few { format!(": {}", machines.join(", ")) } else { String::new() };
    let are = if count == 1 { "instance is" } else { "instances are" };
    let words = format!("{count} {are} not on the latest model of {}{which}", change.address);
    let id = change.arm_id.as_ref();
    let group = id.and_then(ArmId::resource_group).unwrap_or_default();
    let name = id.map(ArmId::name).unwrap_or_default();
    let ids = if few { machines.join(" ") } else { "'*'".to_owned() };
    let help = format!(
        "with `upgrade_policy: Manual` they keep the old one; this brings them onto it: `az vmss update-instances --resource-group {group} --name {name} --instance-ids {ids}`"
    );
    let mut diagnostic = Diagnostic::warning(words).address(&change.address).help(help);
    diagnostic.place = change.desired.as_ref().map(|desired| desired.place_of("upgrade_policy"));
    diagnostic
}
