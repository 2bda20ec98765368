//! `plumb state pull` and `push`: the state file as a whole.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use planner::render::escape;
use state::{End, Pushed, Report, StateStore};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::{cloud, engine, output};

/// The largest file that is pushed.
const BYTES_MAX: u64 = 1 << 30;

/// Prints the state.
pub async fn pull(session: &Session) -> Result<Exit, Failure> {
    let stored = engine::store(session, false).read().await?;
    let snapshot =
        stored.snapshot.ok_or_else(|| anyhow!("there is no state yet: `plumb apply` makes the first"))?;
    let text = String::from_utf8(state::encode(&snapshot)).expect("BUG: states are UTF-8");
    output::result(&text);
    if !stored.journal.is_empty() {
        output::message(
            "Warning: a killed run left a journal, and what it says is not in this; `plumb apply` takes it up",
        );
    }
    Ok(Exit::Done)
}

/// Puts another state in its place.
pub async fn push(file: &Path, force: bool, session: &Session) -> Result<Exit, Failure> {
    let bytes = read(file).with_context(|| format!("reading {}", file.display()))?;
    state::decode(&bytes).map_err(|damage| anyhow!("the file {} {damage}", file.display()))?;
    let store = engine::store(session, false);
    let lock = store.lock(&engine::holder(session)).await?;
    let run = engine::run(session, &cloud::name(session));
    let ended = Some(jiff::Timestamp::now().to_string());
    let report = Report { run, ended, end: End::Complete, changes: Vec::new() };
    let pushed = store.push(&lock, &bytes, force, &report).await?;
    store.unlock(lock).await?;
    output::result(&format!("{}\n", escape::terminal(&words(&pushed))));
    Ok(Exit::Done)
}

fn words(pushed: &Pushed) -> String {
    match pushed {
        Pushed::Already => "Nothing to do: it is the state that is here.".to_owned(),
        Pushed::Restored => "Put back the last state that was here; its journal is as it was.".to_owned(),
        Pushed::Written { serial, overridden } if overridden.is_empty() => {
            format!("Pushed; the state here has serial {serial} now.")
        }
        Pushed::Written { serial, overridden } => {
            let all: Vec<String> = overridden.iter().map(ToString::to_string).collect();
            format!("Pushed although {}; the state here has serial {serial} now.", all.join(", and "))
        }
    }
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match file.to_str() {
        Some("-") => std::io::stdin().lock().take(BYTES_MAX).read_to_end(&mut bytes)?,
        _ => std::fs::File::open(file)?.take(BYTES_MAX).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}
