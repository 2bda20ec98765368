//! The integration tests of `executor`, one binary.

mod apply;
mod bench;
mod faults;
mod full_disk;
mod kills;
mod lifecycle;
mod preflight;
mod recovery;
mod refresh;
mod secrets;
mod world;
