//! The integration tests of `manifest`, one binary.

mod golden;
mod hostile;
mod migrate;
mod mount_script;
mod second_opinion;
mod written;
