//! An earlier state of the history, in the place of what the manifests say.

use anyhow::anyhow;
use model::{Diagnostics, Snapshot};
use planner::{Past, revert};
use state::StateStore as _;

use crate::engine;
use crate::failure::Failure;
use crate::session::{Manifests, Session};

/// An earlier state that is wanted back.
pub struct Back {
    /// The run that left it.
    pub past: Past,
    /// What it left.
    pub snapshot: Snapshot,
}

/// Puts what a run left in the place of the manifests.
pub async fn take(number: u64, session: &mut Session) -> Result<(), Failure> {
    let store = engine::store(session, false);
    let history = store.history().await?;
    let found = history.into_iter().find(|past| past.number == number);
    let found = found.ok_or_else(|| {
        anyhow!("--revert: there is no run {number} in the history; `plumb history` lists them")
    })?;
    let (then, now) = (store.snapshot_at(number).await?, engine::snapshot(session).await?);
    if then.lineage != now.lineage {
        let words = format!(
            "--revert: run {number} left another state, of lineage {}; this is lineage {}",
            then.lineage, now.lineage
        );
        return Err(anyhow!(words).into());
    }
    let (graph, outputs) = revert(&then, &now).map_err(|wrong| session.refused(wrong))?;
    let run = found.report.run;
    let past = Past { run: number, time: run.time, owner: run.owner, host: run.host };
    session.manifests = Manifests { graph, outputs, diagnostics: Diagnostics::default() };
    session.past = Some(Back { past, snapshot: then });
    Ok(())
}
