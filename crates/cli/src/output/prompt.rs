//! Asking before something is changed.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// Whether the user says `yes`. Without a terminal to ask on, the answer is no, with the words to use instead.
pub fn confirms(question: &str) -> bool {
    if !std::io::stdin().is_terminal() {
        super::message("There is no terminal to ask on: say --auto-approve to apply without being asked.");
        return false;
    }
    let mut err = std::io::stderr().lock();
    _ = write!(err, "\n{question}\n  Only `yes` will be accepted.\n\n  Enter a value: ");
    _ = err.flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && answer.trim() == "yes"
}
