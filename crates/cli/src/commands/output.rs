//! `plumb output`: the outputs of the last apply.

use anyhow::anyhow;
use model::Json;
use planner::entry::stored_output;
use planner::render::shown;

use crate::args::Output;
use crate::engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Prints all outputs, or one as plain text.
pub async fn run(args: &Output, session: &Session) -> Result<Exit, Failure> {
    let outputs = engine::snapshot(session).await?.outputs;
    let text = match &args.name {
        Some(name) => {
            let value = outputs
                .get(name)
                .ok_or_else(|| anyhow!("there is no output `{name}`; `plumb output` lists them"))?;
            match value {
                Json::String(text) if !args.json => format!("{text}\n"),
                value => output::json(value),
            }
        }
        None if args.json => output::json(&outputs.into_iter().collect()),
        None => outputs
            .iter()
            .map(|(name, value)| format!("{name} = {}\n", shown(&stored_output(value))))
            .collect(),
    };
    output::result(&text);
    Ok(Exit::Done)
}
