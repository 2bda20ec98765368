//! A plumb that runs while a test looks on: its output line by line, signals, and its end.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A plumb in the background. Its stderr is read; its stdout is the test's business.
pub struct Running {
    child: Child,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts a command with both outputs as pipes.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("plumb starts");
        let stderr = Arc::new(Mutex::new(String::new()));
        let reader = child.stderr.take().map(|pipe| collect(pipe, stderr.clone()));
        Self { child, stderr, reader }
    }

    /// The same with a stderr that nobody has read yet.
    pub fn start_unread(mut command: Command) -> (Self, ChildStderr) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("plumb starts");
        let pipe = child.stderr.take().expect("a pipe");
        (Self { child, stderr: Arc::default(), reader: None }, pipe)
    }

    /// Where it writes results.
    pub fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("nobody has taken it")
    }

    /// What it has said on stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("the reader goes on").clone()
    }

    /// Waits until it has said something.
    pub fn wait_for(&mut self, words: &str) {
        let said = || self.stderr.lock().expect("the reader goes on").contains(words);
        wait_until(&format!("`{words}`"), said);
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("there is a `kill`").success());
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for its end; the exit code.
    pub fn end(&mut self) -> i32 {
        let mut status: Option<ExitStatus> = None;
        // A full pipe would hold it up.
        if let Some(mut pipe) = self.child.stdout.take() {
            thread::spawn(move || pipe.read_to_end(&mut Vec::new()));
        }
        wait_until("its end", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        self.reader.take().into_iter().for_each(|reader| reader.join().expect("it reads to the end"));
        status.and_then(|status| status.code()).unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn collect(pipe: ChildStderr, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut text = into.lock().expect("nobody panics with it");
            text.push_str(&line);
            text.push('\n');
        }
    })
}

/// Waits until something is so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        thread::sleep(Duration::from_millis(2));
    }
}
