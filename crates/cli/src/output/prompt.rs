//! Asking before something is changed.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Whether the user says `yes`; `flag` is what says it on the command line. A run that is asked to stop meanwhile
/// gets no answer, which is a no, and so does one without a terminal to ask on.
pub async fn confirms(question: &str, flag: &str, stop: &CancellationToken) -> bool {
    if !std::io::stdin().is_terminal() {
        super::message(&format!("There is no terminal to ask on: say {flag} to go on without being asked."));
        return false;
    }
    let asked = format!("\n{question}\n  Only `yes` will be accepted.\n\n  Enter a value: ");
    _ = std::io::stderr().lock().write_all(asked.as_bytes());
    let (sender, answer) = oneshot::channel();
    // A thread of its own: nothing ends the waiting for a line, and the program must not wait for it.
    std::thread::spawn(move || sender.send(read_line()));
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        answer = answer => answer.is_ok_and(|line| line.trim() == "yes"),
    }
}

fn read_line() -> String {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(_) => line,
        Err(_) => String::new(),
    }
}
