//! `plumb state`: what the state has. It reads files only.

use anyhow::anyhow;
use model::{Address, Snapshot};
use planner::render::escape;

use crate::args;
use crate::engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Lists addresses, or shows one entry.
pub async fn run(args: &args::State, session: &Session) -> Result<Exit, Failure> {
    let snapshot = engine::snapshot(session).await?;
    match args {
        args::State::List { prefix } => {
            let prefix = prefix.as_deref().unwrap_or_default();
            let addresses = snapshot.resources.keys().filter(|a| a.as_str().starts_with(prefix));
            output::result(
                &addresses.map(|a| format!("{}\n", escape::terminal(a.as_str()))).collect::<String>(),
            );
        }
        args::State::Show { address } => {
            let entry = &snapshot.resources[find(&snapshot, address)?];
            let value = serde_json::to_value(entry).map_err(anyhow::Error::from)?;
            output::result(&output::json(&value));
        }
    }
    Ok(Exit::Done)
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
