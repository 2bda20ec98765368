//! What happened, line by line: the same seed gives the same lines, byte for byte.

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

/// The lines of one play, shared by all that takes part.
#[derive(Debug, Clone)]
pub struct Trace {
    began: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Trace {
    /// An empty one, which begins now.
    pub fn begin() -> Self {
        Self { began: Instant::now(), lines: Arc::default() }
    }

    /// Adds a line, with the time since the beginning.
    pub fn note(&self, words: fmt::Arguments<'_>) {
        let line = format!("{:9.3} {words}", self.began.elapsed().as_secs_f64());
        self.lines.lock().expect("BUG: a holder of the lock panicked").push(line);
    }

    /// How many lines there are so far.
    pub fn length(&self) -> usize {
        self.lines.lock().expect("BUG: a holder of the lock panicked").len()
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("BUG: a holder of the lock panicked").clone()
    }
}

/// A short sum of bytes, to see in a trace that they are the same (FNV-1a); of many bytes, of the first.
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    const SUMMED: usize = 32 * 1024;
    let first = &bytes[..bytes.len().min(SUMMED)];
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    first.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
