//! The command line and its environment, made sense of once.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use crate::args::Global;

/// What every command works with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The project's directory.
    pub root: PathBuf,
    /// The environment; empty without one.
    pub environment: String,
    /// `--var` flags, in order.
    pub variables: Vec<String>,
    /// `--var-file` flags, in order.
    pub variable_files: Vec<PathBuf>,
    /// `--endpoint` or `PLUMB_ENDPOINT`.
    pub endpoint: Option<String>,
    /// `--credential` or `PLUMB_CREDENTIAL`.
    pub credential: Option<String>,
    /// Whether to colour stdout.
    pub color: bool,
    /// The command line, as the journal and the lock name it; values of variables are left out.
    pub command: String,
    /// Seconds of the embedded cloud's time for each second.
    pub speed: f64,
}

/// How fast the embedded cloud's time goes: an instance is there in three seconds instead of three minutes.
const SPEED: f64 = 60.0;

impl Settings {
    /// Reads flags and the environment.
    pub fn new(global: &Global, command: String) -> Self {
        let directory = global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
        let asked = std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0");
        let refused = global.no_color || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let speed = std::env::var("PLUMB_EMULATOR_SPEED").ok().and_then(|v| v.parse().ok());
        Self {
            root: directory,
            environment: global.environment.clone().unwrap_or_default(),
            variables: global.variables.clone(),
            variable_files: global.variable_files.clone(),
            endpoint: global.endpoint.clone(),
            credential: global.credential.clone().filter(|name| !name.is_empty()),
            color: !refused && (asked || std::io::stdout().is_terminal()),
            command,
            speed: speed.filter(|s: &f64| s.is_finite() && *s > 0.0).unwrap_or(SPEED),
        }
    }
}
