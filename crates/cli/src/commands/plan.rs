//! `plumb plan`: what apply would do. It takes no lock and writes nothing.

use planner::Plan;
use planner::render::{self, Paint};

use crate::args::{self, PlanFormat};
use crate::engine::Engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Plans and prints.
pub async fn run(args: &args::Plan, session: &Session) -> Result<Exit, Failure> {
    let format = if args.json { PlanFormat::Json } else { args.format };
    let engine = Engine::read_only(session, &args.planning, output::progress_mode(false)).await?;
    let proposed = engine.propose(args.destroy).await;
    engine.stop().await;
    let proposed = proposed?;
    output::result(&text(&proposed.plan, format, session));
    if proposed.plan.diagnostics.has_errors() {
        return Err(session.refused(proposed.plan.diagnostics.clone()));
    }
    session.warn(&proposed.plan.diagnostics);
    let changes = args.detailed_exitcode && !proposed.plan.is_empty();
    Ok(if changes { Exit::Changes } else { Exit::Done })
}

fn text(plan: &Plan, format: PlanFormat, session: &Session) -> String {
    match format {
        PlanFormat::Human => render::human(plan, Paint(session.settings.color)),
        PlanFormat::Json => output::json(&render::json(plan)),
        PlanFormat::Markdown => render::markdown(plan),
    }
}
