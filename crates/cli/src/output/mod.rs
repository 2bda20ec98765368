//! What reaches the terminal: results to stdout, everything else to stderr.

pub mod diagnostics;
pub mod events;
pub mod flight;
pub mod progress;
pub mod prompt;

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints a result; returns whether anybody still reads. A reader that went away is no error of ours.
pub fn result(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if written.as_ref().is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
    written.is_ok()
}

/// Whether results could not be written although somebody wants them: a full disk, say.
pub fn was_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

static LOST: AtomicBool = AtomicBool::new(false);

/// Prints a message to stderr. Nobody depends on it being read.
pub fn message(text: &str) {
    _ = said(text);
}

/// Prints a message to stderr; whether anybody can still read it.
pub fn said(text: &str) -> bool {
    // In one piece, so that lines of several tasks do not mix.
    std::io::stderr().lock().write_all(format!("{text}\n").as_bytes()).is_ok()
}

/// How progress is told: live on a terminal, as plain lines elsewhere, or as JSON.
pub fn progress_mode(json: bool) -> progress::Mode {
    match json {
        true => progress::Mode::Json,
        false if std::io::stderr().is_terminal() => progress::Mode::Live,
        false => progress::Mode::Plain,
    }
}

/// Pretty JSON with a line end.
pub fn json(value: &model::Json) -> String {
    format!("{value:#}\n")
}
