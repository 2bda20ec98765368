//! Signals: the first asks the run to stop, the second leaves at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::output;

/// Watches INT, TERM and HUP from now on.
pub fn watch(cancel: CancellationToken) {
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let cancel = cancel.clone();
        match signal(kind) {
            Ok(mut stream) => {
                tokio::spawn(async move {
                    while stream.recv().await.is_some() {
                        if cancel.is_cancelled() {
                            output::message(
                                "Left at once. The journal keeps what is in flight; the next plan or apply looks at how it ended.",
                            );
                            std::process::exit(Exit::Error as i32);
                        }
                        cancel.cancel();
                    }
                });
            }
            Err(error) => output::message(&format!(
                "Warning: signals are not watched ({error}); an interrupted run is taken up by the next one."
            )),
        }
    }
}
