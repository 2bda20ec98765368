//! The Azure CLI as a program: found by the environment's own PATH, without a terminal, and not
//! waited for without end.

use std::ffi::OsStr;
use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use azure_identity::Executor;
use tokio::process::Command;

/// `az` takes a second or two; a slow machine and a network in between make more of it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs what `azure_identity` asks for.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) path: Option<String>,
}

#[async_trait]
impl Executor for Shell {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let mut command = Command::new(program);
        // It must not ask anything: nobody would see the question.
        command.args(args).stdin(Stdio::null()).kill_on_drop(true);
        command.envs(self.path.as_ref().map(|path| ("PATH", path)));
        let ended = tokio::time::timeout(TIMEOUT, command.output()).await;
        let late = || io::Error::new(io::ErrorKind::TimedOut, format!("az took more than {TIMEOUT:?}"));
        ended.map_err(|_| late())?
    }
}
