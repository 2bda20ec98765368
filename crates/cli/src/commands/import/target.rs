//! What a whole import is about: a group, a workspace, one resource, or what a file of another tool names.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use executor::Scope;
use manifest::foreign::{self, AzMlPlaces, Inventory};
use model::{ArmId, Kind, kinds};

use super::typed;
use crate::args::Import;
use crate::session::Session;

/// The largest file of another tool that is read.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The folder that documents go to by default.
const FOLDER: &str = "manifests";

/// What to import.
pub struct Target {
    /// What to ask Azure about.
    pub scope: Scope,
    /// The folder that its documents go to by default.
    pub folder: String,
    /// What files of other tools call the resources, by folded ARM id.
    pub inventory: Inventory,
    /// What a document is to be called, where the command line says so.
    pub called: BTreeMap<String, String>,
}

/// What the command line names.
pub fn target(args: &Import, session: &Session) -> anyhow::Result<Target> {
    if let Some((address, id)) = args.address.as_deref().and_then(|address| typed(address, args, session)) {
        let arm_id =
            ArmId::parse(id).filter(|id| id.resource_type().contains('/') && kinds::arm::is_resource(id));
        let arm_id = arm_id.ok_or_else(|| {
            anyhow!("{id:?} is no ARM id of a resource: `/subscriptions/…/providers/TYPE/NAME`")
        })?;
        let called = BTreeMap::from([(arm_id.folded(), address.id().to_owned())]);
        let scope = Scope::Typed { arm_id, api_version: args.api_version.clone() };
        return Ok(Target { scope, folder: FOLDER.to_owned(), inventory: Inventory::default(), called });
    }
    let group = args.resource_group.as_deref().map(|text| group(text, session)).transpose()?;
    if let Some(inventory) = inventory(args, group.as_ref(), session)? {
        let scope = Scope::These(inventory.named.iter().map(|named| named.arm_id.clone()).collect());
        return Ok(Target { scope, folder: FOLDER.to_owned(), inventory, called: BTreeMap::new() });
    }
    let (scope, folder) = place(args, group, session)?;
    Ok(Target { scope, folder, inventory: Inventory::default(), called: BTreeMap::new() })
}

/// What the file of another tool names, where there is one.
fn inventory(args: &Import, group: Option<&ArmId>, session: &Session) -> anyhow::Result<Option<Inventory>> {
    let wrong = |path: &Path, words: String| anyhow!("{} {words}", path.display());
    Ok(Some(match (&args.from_terraform, &args.from_az_ml, &args.from_template, group) {
        (Some(path), ..) => foreign::terraform(&text(path)?).map_err(|words| wrong(path, words))?,
        (_, Some(path), ..) => {
            let places = AzMlPlaces {
                subscription: session.subscription().to_owned(),
                group: group.cloned(),
                workspace: args
                    .workspace
                    .as_deref()
                    .map(|text| workspace(text, group, session))
                    .transpose()?,
            };
            foreign::az_ml(&files(path)?, &places)
        }
        (_, _, Some(path), Some(group)) => {
            let parameters = args.parameters.as_deref().map(text).transpose()?;
            foreign::template(&text(path)?, parameters.as_deref(), group)
                .map_err(|words| wrong(path, words))?
        }
        _ => return Ok(None),
    }))
}

fn text(path: &Path) -> anyhow::Result<String> {
    let length = fs::metadata(path).with_context(|| path.display().to_string())?.len();
    if length > BYTES_MAX {
        bail!("{} has {length} bytes; at most {BYTES_MAX} are read", path.display());
    }
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// A file, or the YAML files of a folder and of the folders in it, ordered by name.
fn files(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    if !path.is_dir() {
        return Ok(vec![(path.display().to_string(), text(path)?)]);
    }
    let found = manifest::find_manifests(path, &[]);
    if let Some(diagnostic) = found.diagnostics.sorted().first() {
        bail!("{}: {}", path.display(), diagnostic.summary);
    }
    Ok(found.files)
}

fn place(args: &Import, group: Option<ArmId>, session: &Session) -> anyhow::Result<(Scope, String)> {
    match (&args.workspace, &args.resource, group) {
        (Some(text), _, group) => {
            Ok((Scope::Whole(workspace(text, group.as_ref(), session)?), FOLDER.to_owned()))
        }
        (None, Some(text), _) => Ok((Scope::One(resource(text)?), FOLDER.to_owned())),
        (None, None, Some(group)) => {
            let folder = format!("manifests/{}", group.name());
            Ok((Scope::Group(group), folder))
        }
        (None, None, None) => bail!(
            "say what to import: an address with a document, --resource-group NAME, --workspace NAME, --resource ID, or a file of another tool (--from-terraform, --from-az-ml, --from-template)"
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
        None => bail!(
            "--resource: plumb has no kind of its own for {}\ntake it as one of the kind arm: `plumb import arm/{} {text}`",
            id.resource_type(),
            id.name()
        ),
    }
}

/// The id, if it is one of this kind's type.
fn of_type(kind: &Kind, text: &str) -> Option<ArmId> {
    ArmId::parse(text).filter(|id| kinds::of_type(id).any(|k| k.name == kind.name))
}
