//! `plumb schema`: the JSON Schema of manifests.

use crate::exit::Exit;
use crate::output;

/// Prints it.
pub fn run() -> Exit {
    output::result(&output::json(&model::json_schema::manifest()));
    Exit::Done
}
