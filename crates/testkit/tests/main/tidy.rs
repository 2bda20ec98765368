//! The tidy test: arrows, sizes, and texts that must not be in the project.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::arrows::wrong_arrows;
use testkit::workspace_root;

fn files(root: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("folders can be listed") {
            let path = entry.expect("entries can be read").path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                open.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn arrows_point_one_way() {
    assert_eq!(wrong_arrows(&workspace_root()), Vec::<String>::new());
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for path in files(&workspace_root().join("crates"), ".rs") {
        let text = fs::read_to_string(&path).expect("sources are text");
        assert!(text.starts_with("//!"), "{} does not open with //!", path.display());
    }
}

#[test]
fn no_source_file_is_a_house_of_its_own() {
    for path in files(&workspace_root().join("crates"), ".rs") {
        let lines = fs::read_to_string(&path).expect("sources are text").lines().count();
        assert!(lines <= 900, "{} has {lines} lines: look for a second story", path.display());
    }
}

#[test]
fn no_open_work_hides_in_the_code() {
    let marks = ["TO", "FIX", "XX"].map(|head| {
        format!(
            "{head}{}",
            if head == "TO" {
                "DO"
            } else if head == "FIX" {
                "ME"
            } else {
                "X"
            }
        )
    });
    for path in files(&workspace_root().join("crates"), ".rs") {
        let text = fs::read_to_string(&path).expect("sources are text");
        for mark in &marks {
            assert!(!text.contains(mark.as_str()), "{} has a {mark}: open work is an issue", path.display());
        }
        let stub = ["todo", "unimplemented"].map(|w| format!("{w}!("));
        assert!(stub.iter().all(|s| !text.contains(s)), "{} has a stub", path.display());
    }
}
