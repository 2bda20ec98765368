//! Setup scripts that are said to lie on a workspace's file share already: whether they do, before an instance is made
//! that cannot be set up without them.

use std::collections::BTreeSet;

use model::kinds::script_file;
use model::{Address, ArmId, Diagnostic, Resource};

use super::Facts;
use crate::plan::{Action, Change, Plan};

/// A file that a new instance needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Script {
    /// The instance.
    pub instance: Address,
    /// `setup_scripts.creation_script.path`, or that of the startup script.
    pub attribute: &'static str,
    /// The workspace.
    pub workspace: ArmId,
    /// The path on its share.
    pub path: String,
}

const PATHS: [&str; 2] = ["setup_scripts.creation_script.path", "setup_scripts.startup_script.path"];

/// The files that the plan's new instances need and that no document uploads.
pub(super) fn needed(plan: &Plan) -> Vec<Script> {
    let ours: BTreeSet<String> = plan.changes.iter().filter_map(uploaded).map(ArmId::folded).collect();
    let made = plan.changes.iter().filter(|c| matches!(c.action, Action::Create | Action::Replace { .. }));
    let wanted = made.filter_map(|change| Some((change, change.desired.as_ref()?)));
    let scripts = wanted.flat_map(|(change, desired)| {
        PATHS.iter().filter_map(move |attribute| script(&change.address, desired, attribute))
    });
    scripts.filter(|s| !ours.contains(&script_file::id(&s.workspace, &s.path).folded())).collect()
}

fn uploaded(change: &Change) -> Option<&ArmId> {
    change.arm_id.as_ref().filter(|_| change.kind.is_on_share() && change.desired.is_some())
}

fn script(instance: &Address, desired: &Resource, attribute: &'static str) -> Option<Script> {
    let path = desired.attributes.get(attribute)?.known()?.as_str()?;
    let path = path.trim_start_matches("./").trim_start_matches('/').to_owned();
    let workspace = desired.arm_id.as_ref()?.parent()?;
    Some(Script { instance: instance.clone(), attribute, workspace, path })
}

/// What is missing. On the share of a workspace that the plan makes nothing can be yet, unless somebody hurries.
pub(super) fn check(plan: &Plan, facts: &Facts) -> Vec<Diagnostic> {
    let missing = facts.scripts.iter().filter(|(_, read)| matches!(read, Ok(false)));
    missing.filter_map(|(script, _)| told(plan, script)).collect()
}

fn told(plan: &Plan, script: &Script) -> Option<Diagnostic> {
    let Script { instance, attribute, workspace, path } = script;
    let is_new = plan.changes.iter().any(|c| {
        let makes = matches!(c.action, Action::Create | Action::Replace { .. });
        makes && c.arm_id.as_ref().is_some_and(|id| id.same(workspace.as_str()))
    });
    let (diagnostic, help) = match is_new {
        true => (
            Diagnostic::warning(format!(
                "{instance} needs the script `{path}` on the file share of a workspace that is made in this run"
            )),
            "give its setup_script document a `file`, and plumb uploads it; or make the workspace first, and put it there",
        ),
        false => (
            Diagnostic::error(format!(
                "{instance} needs the script `{path}`, and the file share of `{}` has no such file",
                workspace.name()
            )),
            "put it there, or give its setup_script document a `file`, and plumb uploads it",
        ),
    };
    let mut diagnostic = diagnostic.address(instance).attribute(*attribute).help(help);
    diagnostic.place = plan.change(instance)?.desired.as_ref().map(|d| d.place_of(attribute));
    Some(diagnostic)
}
