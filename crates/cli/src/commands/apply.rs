//! `plumb apply` and `plumb destroy`: plan, ask, and carry the plan out.

use std::sync::Arc;

use executor::{Applied, Proposed};
use model::{Diagnostic, Severity};
use planner::render::{self, Color, Paint};

use crate::args::Carry;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, events, prompt};
use crate::session::Session;

/// Applies the manifests or the saved plan, or with `destroy` deletes everything in the state.
pub async fn run(args: &Carry, session: &Session, destroy: bool) -> Result<Exit, Failure> {
    let destroy = session.approved.as_ref().map_or(destroy, |approved| approved.approval.options.destroy);
    if args.json && !args.auto_approve && session.approved.is_none() {
        let words = "--json prints events, with nobody to ask: say --auto-approve too, or apply a saved plan";
        return Err(anyhow::anyhow!(words).into());
    }
    if args.json {
        output::result(&events::version());
    }
    let engine = Engine::start(session, &args.planning, output::progress_mode(args.json)).await?;
    let result = locked(args, session, &engine, destroy).await;
    // Every event is told before the last word.
    engine.stop().await;
    let (exit, last_words) = result?;
    output::result(&last_words);
    Ok(exit)
}

async fn locked(
    args: &Carry,
    session: &Session,
    engine: &Engine<'_>,
    destroy: bool,
) -> Result<(Exit, String), Failure> {
    let lock = engine.lock().await?;
    let (proposed, moved) = match &session.approved {
        None => (engine.propose(destroy).await?, Vec::new()),
        Some(approved) => engine.propose_again(&approved.approval).await?,
    };
    if !moved.is_empty() {
        return Err(not_what_was_approved(session, &proposed, moved));
    }
    if !show(args, session, &proposed) {
        engine.stopping().cancel();
    }
    if proposed.plan.diagnostics.has_errors() {
        return Err(session.refused(proposed.plan.diagnostics.clone()));
    }
    if !args.json {
        session.warn(&proposed.plan.diagnostics);
    }
    let nothing = proposed.plan.is_empty();
    let sure = args.auto_approve
        || session.approved.is_some()
        || nothing
        || prompt::confirms(
            question(destroy, proposed.plan.refresh_only),
            "--auto-approve",
            engine.stopping(),
        )
        .await;
    if !sure || engine.stopping().is_cancelled() {
        output::message("Nothing was done.");
        return Ok((Exit::Error, String::new()));
    }
    let plan = Arc::clone(&proposed.plan);
    let applied = engine.apply(&lock, proposed).await?;
    engine.unlock(lock).await?;
    let quiet = nothing && applied.is_complete();
    let last_words = match args.json {
        true => events::applied(&plan, &applied, destroy),
        false if quiet => String::new(),
        false => summary(&plan, &applied, destroy, session),
    };
    Ok((if applied.is_complete() { Exit::Done } else { Exit::Error }, last_words))
}

/// Why a saved plan is not applied, and how to go on.
fn not_what_was_approved(session: &Session, proposed: &Proposed, moved: Vec<Diagnostic>) -> Failure {
    let wrong = proposed.plan.diagnostics.clone().sorted();
    let wrong = wrong.into_iter().filter(|d| d.severity == Severity::Error);
    let mut lines = vec![
        "the saved plan is not applied, and nothing was done: it is not what would happen now".to_owned(),
    ];
    lines.extend(moved.into_iter().chain(wrong).map(|diagnostic| diagnostic.summary));
    let again = session.approved.as_ref().map(|approved| approved.plan_command(&session.settings));
    lines.extend(again.map(|command| format!("plan again: `{command}`")));
    anyhow::anyhow!(lines.join("\n")).into()
}

/// Shows the plan; whether anybody reads it.
fn show(args: &Carry, session: &Session, proposed: &Proposed) -> bool {
    let text = match args.json {
        true => format!(
            "{}{}",
            session.diagnostic_events(&proposed.plan.diagnostics),
            events::planned(&proposed.plan)
        ),
        false => render::human(&proposed.plan, Paint(session.settings.color)),
    };
    output::result(&text)
}

fn question(destroy: bool, refresh_only: bool) -> &'static str {
    match destroy {
        _ if refresh_only => "Do you want to record these in the state?",
        true => "Do you really want to destroy all of it? There is no undo.",
        false => "Do you want to perform these actions?",
    }
}

/// How it ended, in Terraform's words.
fn summary(plan: &planner::Plan, applied: &Applied, destroy: bool, session: &Session) -> String {
    let paint = Paint(session.settings.color);
    let counts = plan.counts();
    let mut out = String::from("\n");
    if applied.is_complete() {
        let words = match destroy {
            true => format!("Destroy complete! Resources: {}.", counts.gone()),
            false => format!("Apply complete! Resources: {}.", counts.done()),
        };
        out.push_str(&paint.paint(Color::Green, &words));
        out.push('\n');
    } else {
        let words = format!(
            "Apply incomplete: {} steps done, {} failed, {} open, {} not begun. What is done is in the state; the next apply goes on from there.",
            applied.done,
            applied.failed.len(),
            applied.open.len(),
            applied.skipped.len()
        );
        out.push_str(&paint.paint(Color::Red, &words));
        out.push('\n');
    }
    if session.past.is_some() {
        out.push_str(
            "The manifests do not say this: change them too, or the next `plumb apply` takes it back.\n",
        );
    }
    let outputs = &applied.snapshot.outputs;
    if !outputs.is_empty() {
        out.push_str("\nOutputs:\n\n");
        for (name, value) in outputs {
            out.push_str(&format!("{name} = {}\n", render::shown(&planner::entry::stored_output(value))));
        }
    }
    out
}
