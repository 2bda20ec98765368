//! `PLUMB_LOG`: what goes over the wire, on stderr. Only events of our own are shown, whatever the level:
//! the libraries beneath would show URLs and headers that nobody has looked at.

use anyhow::anyhow;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The prefix of our own events' targets.
const TARGET: &str = "plumb";

/// Starts logging if the environment asks for it.
pub fn start(color: bool) -> anyhow::Result<()> {
    let Ok(word) = std::env::var("PLUMB_LOG") else { return Ok(()) };
    let Some(level) = level(word.trim()) else {
        return Err(anyhow!(
            "PLUMB_LOG is `{word}`; say debug (requests) or trace (with the shape of bodies)"
        ));
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(color);
    tracing_subscriber::registry().with(Targets::new().with_target(TARGET, level)).with(lines).init();
    Ok(())
}

fn level(word: &str) -> Option<LevelFilter> {
    match word.to_ascii_lowercase().as_str() {
        "" | "0" | "off" => Some(LevelFilter::OFF),
        _ => word.parse().ok(),
    }
}
