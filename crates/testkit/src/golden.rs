//! Golden files: expected text that stands in `testdata/`, rewritten with `UPDATE_GOLDEN=1`.

use std::fs;
use std::path::Path;

use similar::TextDiff;

/// Compares `actual` with the file at `path`, or with `UPDATE_GOLDEN=1` writes it there.
///
/// # Panics
/// When they differ, with a diff; when the file cannot be read or written.
pub fn golden(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).unwrap_or_else(|e| panic!("making {}: {e}", parent.display()));
        }
        fs::write(path, actual).unwrap_or_else(|e| panic!("writing {}: {e}", path.display()));
        return;
    }
    let expected = fs::read_to_string(path)
        .unwrap_or_else(|e| panic!("reading {}: {e}; `make golden` makes it", path.display()));
    if expected != actual {
        let diff = TextDiff::from_lines(&expected, actual);
        let text = diff.unified_diff().header("expected", "actual").to_string();
        panic!("{} differs; `make golden` rewrites it:\n{text}", path.display());
    }
}
