//! `plumb plan`: what apply would do. It takes no lock, and writes nothing but the file that `--out` names.

use planner::Plan;
use planner::render::{self, Paint};

use crate::args::{self, PlanFormat, Planning};
use crate::engine::Engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::saved::{self, Saved};
use crate::session::Session;

/// Plans, prints, and with `--out` saves the plan.
pub async fn run(args: &args::Plan, session: &Session) -> Result<Exit, Failure> {
    let format = if args.json { PlanFormat::Json } else { args.format };
    saved::check(args)?;
    let planning = Planning { refresh: args.planning.refresh && !args.offline, ..args.planning.clone() };
    let engine = Engine::read_only(session, &planning, output::progress_mode(false)).await?;
    let proposed = engine.propose(args.destroy).await;
    let good = proposed.as_ref().ok().filter(|proposed| !proposed.plan.diagnostics.has_errors());
    let approved = good.filter(|_| args.out.is_some());
    let approved = approved.map(|p| engine.approve(p, args.destroy, saved::asked(args, session)));
    engine.stop().await;
    let plan = proposed?.plan;
    output::result(&text(&plan, format, session));
    if plan.diagnostics.has_errors() {
        if let Some(path) = &args.out {
            output::message(&format!("Nothing was saved in {}: the plan cannot be applied.", path.display()));
        }
        return Err(session.refused(plan.diagnostics.clone()));
    }
    session.warn(&plan.diagnostics);
    if let (Some(path), Some(approved)) = (&args.out, approved.transpose()?) {
        let (approval, text) = approved;
        saved::write(path, &text)?;
        tell(&Saved { path: path.clone(), approval }, session, format);
    }
    let changes = args.detailed_exitcode && !plan.is_empty();
    Ok(if changes { Exit::Changes } else { Exit::Done })
}

fn text(plan: &Plan, format: PlanFormat, session: &Session) -> String {
    match format {
        PlanFormat::Human => render::human(plan, Paint(session.settings.color)),
        PlanFormat::Json => output::json(&render::json(plan)),
        PlanFormat::Markdown => render::markdown(plan),
    }
}

fn tell(saved: &Saved, session: &Session, format: PlanFormat) {
    let (path, command) = (saved.path.display(), saved.apply_command(&session.settings));
    let words = format!("\nSaved the plan in {path}. To do exactly this:\n\n    {command}\n");
    match format {
        PlanFormat::Human => _ = output::result(&words),
        PlanFormat::Json | PlanFormat::Markdown => output::message(&words),
    }
}
