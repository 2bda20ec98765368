//! `plumb state`: what the state has, and changes of it by hand. It never asks the cloud.

use anyhow::anyhow;
use model::{Address, Snapshot};
use planner::render::escape;

use crate::args;
use crate::commands::{edit, push};
use crate::engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Looks into the state, or changes it.
pub async fn run(args: &args::State, session: &Session) -> Result<Exit, Failure> {
    match args {
        args::State::Mv { from, to, dry_run } => return edit::mv(from, to, *dry_run, session).await,
        args::State::Rm { addresses, dry_run } => return edit::rm(addresses, *dry_run, session).await,
        args::State::Pull => return push::pull(session).await,
        args::State::Push { file, force } => return push::push(file, *force, session).await,
        args::State::List { .. } | args::State::Show { .. } => {}
    }
    let snapshot = engine::snapshot(session).await?;
    look(args, &snapshot)?;
    Ok(Exit::Done)
}

/// Lists addresses, or shows one entry.
fn look(args: &args::State, snapshot: &Snapshot) -> anyhow::Result<()> {
    match args {
        args::State::List { prefix } => {
            let prefix = prefix.as_deref().unwrap_or_default();
            let addresses = snapshot.resources.keys().filter(|a| a.as_str().starts_with(prefix));
            output::result(
                &addresses.map(|a| format!("{}\n", escape::terminal(a.as_str()))).collect::<String>(),
            );
        }
        args::State::Show { address } => {
            let entry = &snapshot.resources[find(snapshot, address)?];
            output::result(&output::json(&serde_json::to_value(entry)?));
        }
        _ => unreachable!("BUG: the others change the state"),
    }
    Ok(())
}

/// The address in the state, or the nearest one as advice.
pub fn find<'a>(snapshot: &'a Snapshot, text: &str) -> anyhow::Result<&'a Address> {
    if let Some(found) = snapshot.resources.keys().find(|a| a.as_str() == text) {
        return Ok(found);
    }
    let near = model::rule::nearest(text, snapshot.resources.keys().map(Address::as_str));
    let hint = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    Err(anyhow!("there is no `{text}` in the state{hint}; `plumb state list` lists what there is"))
}
