//! The integration tests of `manifest`, one binary.

mod golden;
mod hostile;
mod second_opinion;
mod written;
