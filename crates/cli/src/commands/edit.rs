//! `plumb state mv` and `rm`, `plumb taint` and `untaint`: changes of the state by hand, each in one line.

use std::collections::BTreeMap;

use anyhow::anyhow;
use model::{Address, Snapshot};
use planner::render::escape;
use state::{Changed, EditError, End, Record, Report, StateStore, Stored, replay};

use crate::args::Marked;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::{cloud, engine, output};

/// What an edit did.
struct Edited {
    /// In one line, without the full stop.
    words: String,
    /// What else there is to say.
    note: Option<String>,
    changes: Vec<Changed>,
}

impl Edited {
    fn one(words: String, address: Address, action: &str) -> Self {
        Self { words, note: None, changes: vec![Changed::done(address, action)] }
    }
}

/// Gives resources other addresses.
pub async fn mv(from: &str, to: &str, dry_run: bool, session: &Session) -> Result<Exit, Failure> {
    let verb = if dry_run { "Would move" } else { "Moved" };
    edit(session, dry_run, |snapshot| Ok(moved(verb, state::rename(snapshot, from, to)?))).await
}

/// Forgets resources.
pub async fn rm(addresses: &[String], dry_run: bool, session: &Session) -> Result<Exit, Failure> {
    let verb = if dry_run { "Would forget" } else { "Forgot" };
    edit(session, dry_run, |snapshot| Ok(forgotten(verb, state::forget(snapshot, addresses)?))).await
}

/// Marks a resource to be replaced.
pub async fn taint(args: &Marked, session: &Session) -> Result<Exit, Failure> {
    edit(session, false, |snapshot| {
        let address = state::taint(snapshot, &args.address)?;
        Ok(Edited::one(format!("Tainted {address}: the next apply replaces it"), address, "taint"))
    })
    .await
}

/// Takes that mark away.
pub async fn untaint(args: &Marked, session: &Session) -> Result<Exit, Failure> {
    edit(session, false, |snapshot| {
        let address = state::untaint(snapshot, &args.address)?;
        Ok(Edited::one(format!("Untainted {address}: it stays"), address, "untaint"))
    })
    .await
}

fn moved(verb: &str, moves: BTreeMap<Address, Address>) -> Edited {
    let pairs: Vec<String> = moves.iter().map(|(from, to)| format!("{from} to {to}")).collect();
    let changes = moves.into_values().map(|address| Changed::done(address, "move")).collect();
    Edited { words: format!("{verb} {}", pairs.join(", ")), note: None, changes }
}

fn forgotten(verb: &str, forgotten: state::Forgotten) -> Edited {
    let list = |all: &[Address]| all.iter().map(Address::to_string).collect::<Vec<_>>().join(", ");
    let words = format!("{verb} {}; nothing was deleted", list(&forgotten.addresses));
    let note = (!forgotten.dependents.is_empty()).then(|| {
        format!("Warning: still in the state, and depending on that: {}", list(&forgotten.dependents))
    });
    let changes = forgotten.addresses.into_iter().map(|address| Changed::done(address, "forget")).collect();
    Edited { words, note, changes }
}

/// Changes the state under its lock and writes it, or with `dry_run` says what that would do.
async fn edit(
    session: &Session,
    dry_run: bool,
    change: impl FnOnce(&mut Snapshot) -> Result<Edited, EditError>,
) -> Result<Exit, Failure> {
    let store = engine::store(session, false);
    let apply = |stored: Stored| -> Result<(Snapshot, Edited), Failure> {
        let mut snapshot = settled(stored)?;
        let edited = change(&mut snapshot).map_err(anyhow::Error::from)?;
        Ok((snapshot, edited))
    };
    if dry_run {
        let (_, edited) = apply(store.read().await?)?;
        tell(&edited, "");
        return Ok(Exit::Done);
    }
    let run = engine::run(session, &cloud::name(session));
    let lock = store.lock(&engine::holder(session)).await?;
    let (mut snapshot, edited) = apply(store.read().await?)?;
    snapshot.serial += 1;
    let ended = Some(jiff::Timestamp::now().to_string());
    let report = Report { run, ended, end: End::Complete, changes: edited.changes.clone() };
    store.write(&lock, &snapshot, &report).await?;
    store.unlock(lock).await?;
    tell(&edited, &format!(" (serial {})", snapshot.serial));
    Ok(Exit::Done)
}

fn tell(edited: &Edited, serial: &str) {
    output::result(&format!("{}{serial}.\n", escape::terminal(&edited.words)));
    edited.note.iter().for_each(|note| output::message(&escape::terminal(note)));
}

/// The state with what killed runs are known to have finished; refused while something of theirs is open.
fn settled(stored: Stored) -> Result<Snapshot, Failure> {
    let replayed = replay(stored.snapshot.as_ref(), &stored.journal)?;
    if let Some(first) = replayed.open.first() {
        let run = stored.journal.iter().rev().find_map(|record| match record {
            Record::Begin(run) => Some(format!("`{}` at {}", run.command, run.time)),
            _ => None,
        });
        return Err(anyhow!(
            "a run of {} left {} changes in flight, first {}\nrun `plumb apply` first: it looks at how they ended",
            run.unwrap_or_default(),
            replayed.open.len(),
            first.address
        )
        .into());
    }
    Ok(replayed.snapshot.ok_or_else(|| anyhow!("there is no state yet: `plumb apply` makes the first"))?)
}
