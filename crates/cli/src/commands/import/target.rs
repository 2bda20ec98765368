//! What a whole import is about: a group, a workspace, or one resource.

use anyhow::{anyhow, bail};
use executor::Scope;
use model::{ArmId, Kind, kinds};

use crate::args::Import;
use crate::session::Session;

/// The scope that the command line names, and the folder that its documents go to by default.
pub fn target(args: &Import, session: &Session) -> anyhow::Result<(Scope, String)> {
    let group = args.resource_group.as_deref().map(|text| group(text, session)).transpose()?;
    match (&args.workspace, &args.resource, group) {
        (Some(text), _, group) => {
            Ok((Scope::Whole(workspace(text, group.as_ref(), session)?), "manifests".to_owned()))
        }
        (None, Some(text), _) => Ok((Scope::One(resource(text)?), "manifests".to_owned())),
        (None, None, Some(group)) => {
            let folder = format!("manifests/{}", group.name());
            Ok((Scope::Group(group), folder))
        }
        (None, None, None) => bail!(
            "say what to import: an address with a document, --resource-group NAME, --workspace NAME or --resource ID"
        ),
    }
}

fn group(text: &str, session: &Session) -> anyhow::Result<ArmId> {
    let id = match text.starts_with('/') {
        true => ArmId::parse(text),
        false => ArmId::parse(ArmId::group(session.subscription(), text).as_str()),
    };
    let is_group = |id: &ArmId| id.as_str().split('/').count() == 5 && id.resource_group().is_some();
    id.filter(is_group)
        .ok_or_else(|| anyhow!("--resource-group: {text:?} is neither a group's name nor its ARM id"))
}

/// By ARM id, by name in a group, or by the document that it has.
fn workspace(text: &str, group: Option<&ArmId>, session: &Session) -> anyhow::Result<ArmId> {
    let kind = kinds::find("workspace").expect("BUG: there is a kind for workspaces");
    if text.starts_with('/') {
        return of_type(kind, text)
            .ok_or_else(|| anyhow!("--workspace: {text:?} is no ARM id of a workspace"));
    }
    if let Some(group) = group {
        let id = group.in_group(kind.resource_type(), text);
        return of_type(kind, id.as_str())
            .ok_or_else(|| anyhow!("--workspace: {text:?} is no name of a workspace"));
    }
    let resources = session.manifests.graph.resources().iter().filter(|r| r.kind.name == "workspace");
    let named = |address: &str, id: &str, name: &str| [address, id, name].contains(&text);
    let mut found = resources.filter(|r| named(r.address.as_str(), r.address.id(), &r.name));
    let one = found.next().and_then(|resource| resource.arm_id.clone());
    one.ok_or_else(|| {
        anyhow!("--workspace: no document describes a workspace {text:?}; say its group too: --resource-group NAME")
    })
}

fn resource(text: &str) -> anyhow::Result<ArmId> {
    let id = ArmId::parse(text).ok_or_else(|| anyhow!("--resource: {text:?} is no ARM id"))?;
    match kinds::of_type(&id).next() {
        Some(_) => Ok(id),
        None => bail!("--resource: plumb knows no kind for {} ({text})", id.resource_type()),
    }
}

/// The id, if it is one of this kind's type.
fn of_type(kind: &Kind, text: &str) -> Option<ArmId> {
    ArmId::parse(text).filter(|id| kinds::of_type(id).any(|k| k.name == kind.name))
}
