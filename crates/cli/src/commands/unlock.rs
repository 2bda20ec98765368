//! `plumb unlock`: who holds the lock, and how its right to write is ended.

use anyhow::anyhow;
use planner::render::escape;
use state::{End, Report, StateStore};
use tokio_util::sync::CancellationToken;

use crate::args::Unlock;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::prompt;
use crate::session::Session;
use crate::{cloud, engine, output};

/// Shows the holder, or breaks the lock with its id.
pub async fn run(args: &Unlock, session: &Session) -> Result<Exit, Failure> {
    let store = engine::store(session, false);
    let holder = store.holder().await?;
    let Some(id) = &args.id else {
        output::result(&match holder {
            Some(holder) => format!(
                "The state is locked by {}.\nTo end that run's right to write: plumb unlock {}\n",
                escape::terminal(&holder.to_string()),
                escape::terminal(&holder.id)
            ),
            None => "Nobody holds the state's lock.\n".to_owned(),
        });
        return Ok(Exit::Done);
    };
    if let Some(holder) = holder.as_ref().filter(|holder| holder.id == *id) {
        output::message(&escape::terminal(&format!("The state is locked by {holder}.")));
        let question = "Is that run dead, or may it lose its right to write? What it has in flight stays in the journal.";
        if !args.force && !prompt::confirms(question, "--force", &CancellationToken::new()).await {
            return Err(anyhow!("the lock is as it was").into());
        }
    }
    store.break_lock(id).await?;
    let run = engine::run(session, &cloud::name(session));
    let ended = Some(jiff::Timestamp::now().to_string());
    store.note(&Report { run, ended, end: End::Complete, changes: Vec::new() }).await?;
    output::result(
        "The lock is free. Whatever its former holder writes is refused; `plumb apply` takes up what it left.\n",
    );
    Ok(Exit::Done)
}
