//! `plumb drift`: what somebody changed. It has a cloud that cannot be written to.

use planner::render::{self, Paint};
use serde_json::json;

use crate::args::{self, Planning};
use crate::engine::Engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Compares live with what was applied; changes that the manifests want do not count.
pub async fn run(args: &args::Drift, session: &Session) -> Result<Exit, Failure> {
    let planning = Planning { parallelism: args.parallelism, allow_missing: false, ..Planning::reading() };
    let engine = Engine::read_only(session, &planning, output::progress_mode(false)).await?;
    let drift = engine.drift(args.all).await;
    engine.stop().await;
    let (plan, behind) = drift?;
    if plan.doubts.has_errors() {
        return Err(session.refused(plan.doubts.clone()));
    }
    session.warn(&behind);
    let counted = plan.drift.iter().filter(|d| !d.unmanaged).count();
    if args.json {
        let value = render::json(&plan);
        output::result(&output::json(
            &json!({ "drifted": counted, "resource_drift": value["resource_drift"] }),
        ));
    } else if plan.drift.is_empty() {
        output::result("No drift. Azure is as the last apply left it.\n");
    } else {
        output::result(&render::drift(&plan.drift, Paint(session.settings.color)));
        output::result(&format!(
            "\nDrift: {counted} resource{} changed.\n",
            if counted == 1 { "" } else { "s" }
        ));
    }
    Ok(if counted > 0 { Exit::Changes } else { Exit::Done })
}
