//! A whole group or workspace: what stands is listed, described, validated, written, noted in the state, and planned
//! against what was written.
//!
//! Files come first, then the state: what the state has and no document describes would be deleted by the next plan.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use executor::{Scope, Survey, survey};
use manifest::foreign::Inventory;
use manifest::{Standing, is_manifest};
use model::{Address, ArmId, Provisioning, Snapshot};
use planner::render::escape;
use state::Lock;

use super::documents::{Documents, File, valid};
use super::target::{Target, target};
use super::{incomplete, is_settled, what_is_next};
use crate::args::Import;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Imports what the command line names.
pub async fn run(args: &Import, session: &Session, engine: &Engine<'_>) -> Result<(Exit, String), Failure> {
    let Target { scope, folder, inventory } = target(args, session)?;
    let folder = match &args.out {
        Some(folder) => below(&session.settings.root, folder)?,
        None => folder,
    };
    let lock = engine.lock().await?;
    let snapshot = engine.recover().await?.snapshot;
    let found = survey(engine.provider(), &scope).await?.ok_or_else(|| absent(&scope))?;
    let mut skipped = inventory.skipped.clone();
    skipped.extend(found.unknown.iter().map(|item| {
        let called = called(&item.arm_id, &inventory);
        format!("{called}: plumb has no kind for {}", item.what)
    }));
    skipped.extend(
        found.absent.iter().map(|id| format!("{}: it does not stand in Azure", called(id, &inventory))),
    );
    let standing = unmanaged(found, session, &snapshot, &mut skipped);
    if standing.is_empty() {
        return Ok((
            Exit::Done,
            format!("There is nothing to import.\n{}", listed("Not imported", &skipped)),
        ));
    }
    let documents = valid(standing, session, &snapshot, &folder, matches!(scope, Scope::One(_)))?;
    let addresses: BTreeSet<Address> = documents.described.iter().map(|d| d.address.clone()).collect();
    writable(&documents.files, session)?;
    let proposed = engine.adoption(&documents.session, &addresses).await?;
    write(&documents.files, &session.settings.root)?;
    let applied = note(engine, &lock, proposed).await?;
    engine.unlock(lock).await?;
    let written = reread(session)?;
    let next = engine.next(&written, &with_implied(addresses, &written)).await?;
    let exit = if is_settled(&next) { Exit::Done } else { Exit::Changes };
    let mut text = told(&documents, applied, &skipped);
    text.push_str(&match exit {
        Exit::Done => "\nPlanned against the written files: no changes for what was imported.\n".to_owned(),
        _ => format!("\nPlanned against the written files. {}", what_is_next(&next, session)),
    });
    Ok((exit, text))
}

async fn note(engine: &Engine<'_>, lock: &Lock, proposed: executor::Proposed) -> Result<usize, Failure> {
    let applied = engine.apply(lock, proposed).await?;
    if applied.is_complete() { Ok(applied.done) } else { Err(incomplete(&applied)) }
}

fn absent(scope: &Scope) -> anyhow::Error {
    match scope {
        Scope::Group(id) | Scope::Whole(id) | Scope::One(id) => {
            anyhow!("Azure has nothing at {id}, or nothing that plumb has a kind for")
        }
        Scope::These(_) => unreachable!("BUG: what is named one by one is said to be absent one by one"),
    }
}

/// A resource with what a file of another tool calls it.
fn called(id: &ArmId, inventory: &Inventory) -> String {
    match inventory.named.iter().find(|named| named.arm_id.same(id.as_str())) {
        Some(named) => format!("{} ({id})", named.label),
        None => id.to_string(),
    }
}

/// What has neither a document nor an entry in the state, and is not being worked on.
fn unmanaged(
    found: Survey,
    session: &Session,
    snapshot: &Snapshot,
    skipped: &mut Vec<String>,
) -> Vec<Standing> {
    let desired = session.manifests.graph.resources().iter();
    let desired = desired.filter_map(|r| Some((r.arm_id.as_ref()?.folded(), &r.address)));
    let noted = snapshot.resources.iter().filter_map(|(a, entry)| Some((entry.arm_id.as_ref()?.folded(), a)));
    let managed: std::collections::BTreeMap<String, &Address> = noted.chain(desired).collect();
    let mut standing = Vec::new();
    for (kind, observed) in found.known {
        let id = &observed.arm_id;
        match (managed.get(&id.folded()), &observed.provisioning) {
            (Some(address), _) => skipped.push(format!("{id}: it is {address} already")),
            (None, Provisioning::InProgress(word)) => {
                skipped
                    .push(format!("{id}: somebody is working on it ({word}); import it when that has ended"));
            }
            (None, _) => standing.push(Standing { kind, observed }),
        }
    }
    standing
}

/// A folder, as the project calls it.
fn below(root: &Path, folder: &Path) -> anyhow::Result<String> {
    let root = root.canonicalize().context("the project's folder")?;
    let whole = std::env::current_dir()?.join(folder);
    if whole.components().any(|part| part == Component::ParentDir) {
        bail!("--out {}: write it without `..`", folder.display());
    }
    // Of what is there the real path; the rest is to be made.
    let there = whole.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let rest = whole.strip_prefix(there).unwrap_or(Path::new(""));
    let real: PathBuf = there.canonicalize()?.join(rest).components().collect();
    let inside = real.strip_prefix(&root).ok().and_then(Path::to_str).filter(|name| !name.is_empty());
    let inside =
        inside.ok_or_else(|| anyhow!("--out {}: it must be a folder below the project", folder.display()))?;
    Ok(inside.trim_end_matches('/').to_owned())
}

/// Refuses before anything is done what could not be written, or would not be read.
fn writable(files: &[File], session: &Session) -> anyhow::Result<()> {
    for File { name, .. } in files {
        if session.settings.root.join(name).symlink_metadata().is_ok() {
            bail!(
                "{name} is there already, and nothing is written over: say another folder with --out; if an earlier import was cut off, remove what it wrote"
            );
        }
        if !is_manifest(&session.project.manifests, name) {
            bail!(
                "{name} would not be read: `[project] manifests` in plumb.toml does not match it; say another folder with --out"
            );
        }
    }
    Ok(())
}

fn write(files: &[File], root: &Path) -> anyhow::Result<()> {
    for File { name, text, .. } in files {
        let path = root.join(name);
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(root))?;
            let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// The project as it is on the disk now.
fn reread(session: &Session) -> Result<Session, Failure> {
    let mut written = Session::open(session.settings.clone())?;
    written.load_valid()?;
    Ok(written)
}

/// What the new documents ask for, also without a document of its own.
fn with_implied(mut addresses: BTreeSet<Address>, session: &Session) -> BTreeSet<Address> {
    let implied = session.manifests.graph.resources().iter();
    let implied = implied.filter(|r| r.implied_by.as_ref().is_some_and(|by| addresses.contains(by)));
    let implied: Vec<Address> = implied.map(|r| r.address.clone()).collect();
    addresses.extend(implied);
    addresses
}

fn told(documents: &Documents, count: usize, skipped: &[String]) -> String {
    let mut out = String::from("Wrote:\n\n");
    for File { name, about, .. } in &documents.files {
        let documents = if about.len() == 1 { "document" } else { "documents" };
        let _ = writeln!(out, "  {}  ({} {documents})", escape::terminal(name), about.len());
    }
    let untold = documents.described.iter().filter(|d| !d.untold.is_empty());
    let untold: Vec<String> = untold.map(|d| format!("{}: {}", d.address, d.untold.join(", "))).collect();
    out.push_str(&listed("Azure does not tell, so the documents do not say", &untold));
    out.push_str(&listed("Left out, because plumb would not take it", &documents.left_out));
    out.push_str(&listed("Not imported", skipped));
    let resources = if count == 1 { "resource" } else { "resources" };
    let _ = writeln!(out, "\nImported {count} {resources} into the state; nothing was changed in Azure.");
    out
}

fn listed(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(|line| format!("  {}\n", escape::terminal(line))).collect();
    format!("\n{title}:\n\n{lines}")
}
