//! The integration tests of `manifest`, one binary.

mod golden;
mod hostile;
mod migrate;
#[cfg(unix)]
mod mount_script;
mod second_opinion;
mod written;
