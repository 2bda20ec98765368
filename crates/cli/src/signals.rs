//! Signals and closed pipes: the first asks the run to stop, a second signal leaves at once.
//!
//! A reader that goes away (`plumb apply | head`) is a reason to stop, never one to leave: a Ctrl-C reaches the
//! reader as well, and it may end before we hear of it.

use std::fs::File;
use std::io::{self, stderr, stdout};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::Interest;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::output;

/// What a file beyond the limit that a shell set (`ulimit -f`) raises; the same number on every Unix.
const FILE_SIZE: i32 = 25;

/// Makes a file beyond the shell's limit an error of the write, and not the end of the program.
fn outlive_file_limits() {
    if let Ok(mut stream) = signal(SignalKind::from_raw(FILE_SIZE)) {
        tokio::spawn(async move { while stream.recv().await.is_some() {} });
    }
}

/// Watches INT, TERM and HUP from now on. The second one says the last words and ends the program.
pub fn watch(stop: &CancellationToken, last_words: impl Fn() -> String + Clone + Send + 'static) {
    outlive_file_limits();
    let signalled = Arc::new(AtomicBool::new(false));
    for (name, kind) in [
        ("SIGINT", SignalKind::interrupt()),
        ("SIGTERM", SignalKind::terminate()),
        ("SIGHUP", SignalKind::hangup()),
    ] {
        let (stop, last_words, signalled) = (stop.clone(), last_words.clone(), signalled.clone());
        match signal(kind) {
            Ok(mut stream) => {
                tokio::spawn(async move {
                    while stream.recv().await.is_some() {
                        if signalled.swap(true, Ordering::Relaxed) {
                            output::message(&last_words());
                            std::process::exit(Exit::Error as i32);
                        }
                        ask(&stop, name);
                    }
                });
            }
            Err(error) => output::message(&format!(
                "Warning: signals are not watched ({error}); an interrupted run is taken up by the next one."
            )),
        }
    }
}

/// Watches from now on whether somebody still reads stdout and stderr, where they are pipes.
pub fn watch_readers(stop: &CancellationToken) {
    for (name, output) in [("stdout", stdout().as_fd()), ("stderr", stderr().as_fd())] {
        // Without a watch, a closed pipe is noticed by the next line that is written to it.
        if let Ok(Some(pipe)) = reader_of(output) {
            let stop = stop.clone();
            tokio::spawn(async move {
                if pipe.ready(Interest::ERROR).await.is_ok() {
                    ask(&stop, &format!("nobody reads {name} any more"));
                }
            });
        }
    }
}

/// The first reason to stop.
fn ask(stop: &CancellationToken, why: &str) {
    if !stop.is_cancelled() {
        output::message(&format!("Stopping ({why}). A second signal leaves at once."));
        stop.cancel();
    }
}

/// An output that somebody reads, and may stop reading. Only readiness is asked of it: the file keeps blocking.
fn reader_of(output: BorrowedFd<'_>) -> io::Result<Option<pipe::Sender>> {
    let file = File::from(output.try_clone_to_owned()?);
    let kind = file.metadata()?.file_type();
    if !kind.is_fifo() && !kind.is_socket() {
        return Ok(None);
    }
    pipe::Sender::from_file_unchecked(file).map(Some)
}
