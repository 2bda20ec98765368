//! A whole group or workspace: what stands is listed, described, validated, written, noted in the state, and planned
//! against what was written.
//!
//! Files come first, then the state: what the state has and no document describes would be deleted by the next plan.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::anyhow;
use executor::{Scope, Survey, survey};
use manifest::Standing;
use manifest::foreign::Inventory;
use model::{Address, ArmId, Provisioning, Snapshot};
use planner::render::escape;
use state::Lock;

use super::documents::{Documents, File, Wishes, valid};
use super::target::{Target, target};
use super::{incomplete, is_settled, what_is_next};
use crate::args::Import;
use crate::commands::writing;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Imports what the command line names.
pub async fn run(args: &Import, session: &Session, engine: &Engine<'_>) -> Result<(Exit, String), Failure> {
    let Target { scope, folder, inventory, called: names } = target(args, session)?;
    let folder = match &args.out {
        Some(folder) => writing::below(&session.settings.root, folder)?,
        None => folder,
    };
    let lock = engine.lock().await?;
    let snapshot = engine.recover().await?.snapshot;
    let found = survey(engine.provider(), &scope).await?.ok_or_else(|| absent(&scope))?;
    let mut skipped = inventory.skipped.clone();
    skipped.extend(found.unknown.iter().map(|item| {
        let called = called(&item.arm_id, &inventory);
        let id = &item.arm_id;
        format!(
            "{called}: plumb has no kind of its own for {}; `plumb import arm/{} {id}`",
            item.what,
            id.name()
        )
    }));
    skipped.extend(
        found.absent.iter().map(|id| format!("{}: it does not stand in Azure", called(id, &inventory))),
    );
    let standing = unmanaged(found, session, &snapshot, &mut skipped);
    if standing.is_empty() {
        return Ok((
            Exit::Done,
            format!("There is nothing to import.\n{}", writing::listed("Not imported", &skipped)),
        ));
    }
    let alone = matches!(scope, Scope::One(_) | Scope::Typed { .. });
    let documents = valid(standing, session, &snapshot, Wishes { folder: &folder, alone, called: names })?;
    let addresses: BTreeSet<Address> = documents.described.iter().map(|d| d.address.clone()).collect();
    let names = || documents.files.iter().map(|file| file.name.as_str());
    writing::free(names(), session)?;
    writing::read_later(names(), session)?;
    let proposed = engine.adoption(&documents.session, &addresses).await?;
    let files = documents.files.iter().map(|file| (file.name.as_str(), file.text.as_str()));
    writing::write(files, &session.settings.root)?;
    let applied = note(engine, &lock, proposed).await?;
    engine.unlock(lock).await?;
    let written = writing::reread(session)?;
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
        Scope::Typed { arm_id, .. } => anyhow!("Azure has nothing at {arm_id}"),
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
    out.push_str(&writing::listed("Azure does not tell, so the documents do not say", &untold));
    out.push_str(&writing::listed("Left out, because plumb would not take it", &documents.left_out));
    out.push_str(&writing::listed("Not imported", skipped));
    let resources = if count == 1 { "resource" } else { "resources" };
    let _ = writeln!(out, "\nImported {count} {resources} into the state; nothing was changed in Azure.");
    out
}
