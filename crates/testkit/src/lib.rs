//! What tests of every room share: golden files, seeded randomness, and where the workspace is.

pub mod arrows;
pub mod golden;
pub mod random;

pub use golden::golden;
pub use random::Random;

use std::path::{Path, PathBuf};

/// The workspace's root: two levels above any crate of it.
///
/// # Panics
/// When the tests were moved out of the workspace.
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("crates/testkit lies two levels below the root").to_path_buf()
}
