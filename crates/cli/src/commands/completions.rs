//! `plumb completions`: completion scripts for shells.

use clap::CommandFactory as _;

use crate::args::{Cli, Completions};
use crate::exit::Exit;
use crate::output;

/// Prints one.
pub fn run(args: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "plumb", &mut script);
    output::result(&String::from_utf8_lossy(&script));
    Exit::Done
}
