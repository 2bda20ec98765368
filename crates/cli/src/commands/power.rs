//! `plumb start`, `stop` and `restart`: instances by address, through the same plan, journal and read-back as an apply.

use anyhow::{anyhow, bail};
use model::{Address, Snapshot};
use planner::Action;

use crate::args::{Planning, Power};
use crate::engine::Engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Does it to every instance that the addresses name.
pub async fn run(args: &Power, session: &Session, action: Action) -> Result<Exit, Failure> {
    let planning = Planning { parallelism: args.parallelism, ..Planning::reading() };
    let engine = Engine::start(session, &planning, output::progress_mode(false)).await?;
    let result = locked(args, &engine, action).await;
    engine.stop().await;
    result
}

async fn locked(args: &Power, engine: &Engine<'_>, action: Action) -> Result<Exit, Failure> {
    let lock = engine.lock().await?;
    let recovered = engine.recover().await?;
    let addresses = named(&recovered.snapshot, &args.addresses)?;
    let applied = engine.power(&lock, recovered, addresses, action).await?;
    engine.unlock(lock).await?;
    Ok(if applied.is_complete() { Exit::Done } else { Exit::Error })
}

/// The instances that the addresses mean; one of a `for_each` without its key means all of them.
fn named(snapshot: &Snapshot, texts: &[String]) -> anyhow::Result<Vec<Address>> {
    let mut found = Vec::new();
    for text in texts {
        let matching: Vec<&Address> =
            snapshot.resources.keys().filter(|a| a.as_str() == text || a.stem() == text).collect();
        if matching.is_empty() {
            let near = model::rule::nearest(text, snapshot.resources.keys().map(Address::as_str));
            let hint = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            return Err(anyhow!("there is no `{text}` in the state{hint}"));
        }
        if let Some(other) = matching.iter().find(|a| a.kind() != "instance") {
            bail!("{other} is no instance: only instances start and stop");
        }
        found.extend(matching.into_iter().cloned());
    }
    found.sort();
    found.dedup();
    Ok(found)
}
