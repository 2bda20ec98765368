//! `plumb import`: what stands in Azure enters the state. The cloud that it has cannot be written to.

mod documents;
mod target;
mod whole;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::anyhow;
use executor::Applied;
use model::{Address, ArmId, Diagnostics, Placement, Resource, kinds};
use planner::Plan;
use planner::render::{self, Paint, escape};

use crate::args::{Import, Planning};
use crate::commands::show;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Takes one resource by its document into the state, or a whole group or workspace with documents that it writes.
pub async fn run(args: &Import, session: &Session) -> Result<Exit, Failure> {
    let planning = Planning { parallelism: args.parallelism, ..Planning::reading() };
    let engine = Engine::read_only(session, &planning, output::progress_mode(false)).await?;
    let result = match &args.address {
        Some(address) if typed(address, args, session).is_none() => {
            one(address, args, session, &engine).await
        }
        _ => whole::run(args, session, &engine).await,
    };
    engine.stop().await;
    let (exit, text) = result?;
    output::result(&text);
    Ok(exit)
}

/// What `arm/NAME ID` asks for, where no document has that address: one written for it.
fn typed<'a>(address: &'a str, args: &'a Import, session: &Session) -> Option<(Address, &'a str)> {
    let address = Address::parse(address).filter(|a| a.kind() == kinds::arm::KIND.name)?;
    let is_plain = address.uses().is_empty() && address.parent().is_none() && address.key().is_none();
    let is_new = is_plain && session.manifests.graph.get(&address).is_none();
    is_new.then_some((address, args.id.as_deref()?))
}

/// The resource of one document.
async fn one(
    text: &str,
    args: &Import,
    session: &Session,
    engine: &Engine<'_>,
) -> Result<(Exit, String), Failure> {
    if args.out.is_some() || args.api_version.is_some() {
        let words =
            "--out and --api-version are for documents that plumb writes, and this one is there already";
        return Err(anyhow!("{words}\nleave them out: `plumb import {text}`").into());
    }
    let resource = documented(text, args.id.as_deref(), session)?;
    let addresses = BTreeSet::from([resource.address.clone()]);
    let lock = engine.lock().await?;
    let proposed = engine.adoption(session, &addresses).await?;
    let applied = engine.apply(&lock, proposed).await?;
    engine.unlock(lock).await?;
    let Some(entry) = applied.snapshot.resources.get(&resource.address).filter(|_| applied.is_complete())
    else {
        return Ok((Exit::Error, String::new()));
    };
    let next = engine.next(session, &addresses).await?;
    let mut text = show::entry(resource.address.as_str(), entry);
    text.push_str(&format!(
        "\nImported {} into the state; nothing was changed in Azure.\n{}",
        escape::terminal(resource.address.as_str()),
        what_is_next(&next, session)
    ));
    session.warn(&next.diagnostics);
    Ok((Exit::Done, text))
}

/// What the next plan does to what was imported, in words.
fn what_is_next(next: &Plan, session: &Session) -> String {
    if is_settled(next) {
        return "The next plan changes nothing of it.\n".to_owned();
    }
    format!("The next plan says of it:\n\n{}", render::human(next, Paint(session.settings.color)))
}

/// Whether nothing is left to do, and nothing waits.
fn is_settled(next: &Plan) -> bool {
    next.is_empty() && !next.diagnostics.has_errors() && next.changes.iter().all(|c| c.differences.is_empty())
}

/// The document with an address, if it is about the resource with this id.
fn documented(text: &str, id: Option<&str>, session: &Session) -> Result<Arc<Resource>, Failure> {
    let graph = &session.manifests.graph;
    let found = graph.resources().iter().find(|resource| resource.address.as_str() == text);
    let resource = found.ok_or_else(|| undocumented(text, id, session))?;
    let own = resource.arm_id.as_ref().map_or("", ArmId::as_str);
    if let Some(id) = id.filter(|id| !own.eq_ignore_ascii_case(id)) {
        let help = "give the document the names of what it is to be, or leave the id out";
        let words = format!("{text} is {own} by its document, and not {id}\n{help}");
        return Err(anyhow!(words).into());
    }
    Ok(resource.clone())
}

/// There is no document: how to get one.
fn undocumented(text: &str, id: Option<&str>, session: &Session) -> anyhow::Error {
    let graph = &session.manifests.graph;
    let near = model::rule::nearest(text, graph.resources().iter().map(|r| r.address.as_str()));
    let hint = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    let id = id.map(str::to_owned).or_else(|| following_id(text, session));
    let is_typed = Address::parse(text).is_some_and(|a| a.kind() == kinds::arm::KIND.name);
    let command = match id {
        Some(id) => format!("plumb import --resource {id}"),
        None if is_typed => format!("plumb import {text} ID"),
        None => "plumb import --resource ID".to_owned(),
    };
    anyhow!(
        "there is no `{text}` in the manifests{hint}\nwrite its document, or have it written: `{command}`; `plumb import --resource-group NAME` does it for all of a group"
    )
}

/// The id that an address stands for, where its parent has a document.
fn following_id(text: &str, session: &Session) -> Option<String> {
    let address = Address::parse(text)?;
    let Placement::InParent { parent, collection, .. } = kinds::find(address.kind())?.placement else {
        return None;
    };
    let parent = Address::inside(address.uses(), parent, None, address.parent()?, None);
    let parent = session.manifests.graph.get(&parent)?.arm_id.clone()?;
    Some(parent.child(collection, address.id()).to_string())
}

/// Everything that was said of what could not be noted, as the reason for not going on.
fn incomplete(applied: &Applied) -> Failure {
    let mut words = Diagnostics::default();
    for (address, why) in &applied.failed {
        words.push(model::Diagnostic::error(format!("{address} was not imported: {why}")).address(address));
    }
    Failure::Input(Box::new((model::Sources::default(), words)))
}
