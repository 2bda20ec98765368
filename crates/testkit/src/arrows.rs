//! The arrows between rooms, as the crates' manifests draw them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What each room may use. Whatever is not here is an arrow in the wrong direction.
pub const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("manifest", &["model"]),
    ("planner", &["model"]),
    ("state", &["model"]),
    ("executor", &["model", "planner", "state"]),
    ("arm", &["model", "planner", "executor"]),
    ("emulator", &[]),
    ("cli", &["arm", "emulator", "executor", "manifest", "model", "planner", "state"]),
    ("simulation", &["arm", "executor", "manifest", "model", "planner", "state", "testkit"]),
    ("testkit", &[]),
];

/// Rooms that tests alone may join: the emulator stands behind the client, and testkit behind all.
pub const ALLOWED_IN_TESTS: &[(&str, &[&str])] =
    &[("arm", &["emulator", "state", "manifest"]), ("executor", &["manifest"]), ("planner", &["manifest"])];

/// The wrong arrows of a workspace, in words; none is the good answer.
///
/// # Panics
/// When a manifest cannot be read.
pub fn wrong_arrows(root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let in_tests: BTreeMap<&str, &[&str]> = ALLOWED_IN_TESTS.iter().copied().collect();
    for entry in fs::read_dir(root.join("crates")).expect("crates/ is there") {
        let folder = entry.expect("crates/ can be listed").path();
        let name = folder.file_name().and_then(|n| n.to_str()).expect("crates have plain names").to_owned();
        let Some(may_use) = allowed.get(name.as_str()) else {
            wrong.push(format!("crates/{name} is no room of the house"));
            continue;
        };
        let text = fs::read_to_string(folder.join("Cargo.toml")).expect("each crate has a Cargo.toml");
        let manifest: toml::Table = text.parse().expect("Cargo.toml is TOML");
        for used in rooms_of(&manifest, "dependencies") {
            if !may_use.contains(&used.as_str()) {
                wrong.push(format!("{name} → {used}"));
            }
        }
        let tests = in_tests.get(name.as_str()).copied().unwrap_or_default();
        for used in rooms_of(&manifest, "dev-dependencies") {
            if used != "testkit" && !may_use.contains(&used.as_str()) && !tests.contains(&used.as_str()) {
                wrong.push(format!("tests of {name} → {used}"));
            }
        }
        seen.insert(name);
    }
    wrong.extend(allowed.keys().filter(|n| !seen.contains(**n)).map(|n| format!("crates/{n} is missing")));
    wrong
}

fn rooms_of(manifest: &toml::Table, section: &str) -> Vec<String> {
    let names = manifest.get(section).and_then(|s| s.as_table()).into_iter().flat_map(|t| t.keys());
    names.filter(|n| ALLOWED.iter().any(|(room, _)| room == n)).cloned().collect()
}
