//! `plumb validate`: the manifests alone; nothing is read from the cloud, nothing is sent.

use crate::args::Json;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, diagnostics};
use crate::session::Session;

/// Checks and says what was found.
pub fn run(args: &Json, session: &Session) -> Result<Exit, Failure> {
    let found = session.manifests.diagnostics.clone();
    let errors = found.has_errors();
    let count = session.manifests.graph.resources().len();
    let sorted = found.sorted();
    if args.json {
        output::result(&output::json(&diagnostics::json(&sorted, &session.sources)));
    } else {
        if !sorted.is_empty() {
            output::message(&diagnostics::human(&sorted, &session.sources, session.settings.color));
        }
        if !errors {
            output::result(&format!(
                "The manifests are valid: {count} resource{}.\n",
                if count == 1 { "" } else { "s" }
            ));
        }
    }
    Ok(if errors { Exit::Error } else { Exit::Done })
}
