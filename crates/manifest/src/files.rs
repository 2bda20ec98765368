//! The one place that reads files: manifests, components and setup scripts below the project root.
//!
//! Nothing outside the root is read, whatever links say; nothing but regular files; nothing large.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use model::{Diagnostic, Diagnostics};

use crate::inputs::Files;
use crate::yaml::BYTES_MAX;

const FILES_MAX: usize = 50_000;
const DEPTH_MAX: usize = 32;
/// The most YAML files of one component.
const COMPONENT_FILES_MAX: usize = 1_000;
const YAML: [&str; 2] = [".yaml", ".yml"];
const DEFAULT_GLOBS: [&str; 2] = ["**/*.yaml", "**/*.yml"];
/// What files of variables end in; no glob makes them manifests.
const VARIABLES: [&str; 2] = [".vars.yaml", ".vars.yml"];

/// The manifests of a project, ordered by name.
#[derive(Debug, Default)]
pub struct Found {
    /// Paths relative to the project, with `/`, and texts.
    pub files: Vec<(String, String)>,
    /// Files that could not be read.
    pub diagnostics: Diagnostics,
}

/// Walks the project and reads its manifests. Hidden folders, `components/` and `.plumb/` are left out.
pub fn find_manifests(root: &Path, globs: &[String]) -> Found {
    let mut found = Found::default();
    let mut names = Vec::new();
    match patterns(globs) {
        Ok(set) => walk(root, "", 0, &set, &mut names, &mut found.diagnostics),
        Err(words) => found.diagnostics.push(Diagnostic::error(words)),
    }
    names.sort();
    let files = ProjectFiles::new(root);
    for name in names {
        match files.read(&name, BYTES_MAX).and_then(|bytes| text(&bytes)) {
            Ok(text) => found.files.push((name, text)),
            Err(words) => {
                let words = format!("the manifest `{}` {words}", name.escape_debug());
                found
                    .diagnostics
                    .push(Diagnostic::error(words).help("fix it, or move it out of the project"));
            }
        }
    }
    found
}

/// Whether a file of this name, relative to the project, would be read as a manifest.
pub fn is_manifest(globs: &[String], name: &str) -> bool {
    let folders = name.split('/').count() - 1;
    let hidden = name.split('/').any(|part| part.starts_with('.')) || name.starts_with("components/");
    let of_variables = VARIABLES.iter().any(|end| name.ends_with(end));
    let matches = || patterns(globs).is_ok_and(|set| set.is_match(name));
    folders <= DEPTH_MAX && !hidden && !of_variables && matches()
}

fn patterns(globs: &[String]) -> Result<GlobSet, String> {
    let defaults = DEFAULT_GLOBS.map(str::to_owned);
    let globs = if globs.is_empty() { &defaults[..] } else { globs };
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let clean = glob.strip_prefix("./").unwrap_or(glob);
        set.add(Glob::new(clean).map_err(|_| format!("`{glob}` in `[project] manifests` is no glob"))?);
    }
    set.build().map_err(|_| "the globs in `[project] manifests` are too large".to_owned())
}

fn walk(
    root: &Path,
    folder: &str,
    depth: usize,
    set: &GlobSet,
    names: &mut Vec<String>,
    diagnostics: &mut Diagnostics,
) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        let name = if folder.is_empty() {
            "the project folder".to_owned()
        } else {
            format!("the folder `{}`", folder.escape_debug())
        };
        diagnostics.push(
            Diagnostic::error(format!("{name} cannot be read"))
                .help("check that it exists, and its permissions"),
        );
        return;
    };
    for entry in entries.flatten() {
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let is_folder = entry.file_type().is_ok_and(|t| t.is_dir());
        let skipped = name.starts_with('.')
            || (folder.is_empty() && name == "components")
            || (!is_folder && VARIABLES.iter().any(|end| name.ends_with(end)));
        if skipped {
            continue;
        }
        if is_folder && depth < DEPTH_MAX {
            walk(root, &path, depth + 1, set, names, diagnostics);
        } else if !is_folder && set.is_match(&path) {
            if names.len() == FILES_MAX {
                diagnostics.push(Diagnostic::error(format!("there are more than {FILES_MAX} manifests")));
            }
            if names.len() < FILES_MAX {
                names.push(path);
            }
        }
    }
}

/// Plain words for what is no UTF-8.
pub(crate) fn text(bytes: &[u8]) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("is UTF-16; save it as UTF-8".to_owned());
    }
    String::from_utf8(bytes.to_vec()).map_err(|error| {
        let line = bytes[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        format!("is not UTF-8 in line {line}; save it as UTF-8")
    })
}

/// Files below a project root.
#[derive(Debug, Clone)]
pub struct ProjectFiles {
    root: PathBuf,
}

impl ProjectFiles {
    /// The files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Files for ProjectFiles {
    fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, String> {
        open(&self.resolve(path)?, limit)
    }

    fn yaml_files(&self, folder: &str) -> Result<Vec<String>, String> {
        let real = self.resolve(folder)?;
        if !real.is_dir() {
            return Err("is not a folder".to_owned());
        }
        let entries = fs::read_dir(&real).map_err(|_| "cannot be read; check its permissions".to_owned())?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().to_str().map(str::to_owned));
        let is_yaml = |name: &String| !name.starts_with('.') && YAML.iter().any(|end| name.ends_with(end));
        let mut names: Vec<String> = names.filter(is_yaml).take(COMPONENT_FILES_MAX + 1).collect();
        if names.len() > COMPONENT_FILES_MAX {
            return Err(format!("has more than {COMPONENT_FILES_MAX} YAML files, the most that are read"));
        }
        names.sort();
        Ok(names)
    }
}

impl ProjectFiles {
    /// Where a path below the project leads, which is below it, too.
    fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        let plain = !path.is_empty()
            && !path.contains('\0')
            && Path::new(path).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        if !plain {
            return Err(
                "is no path below the project; write it relative to plumb.toml, without `..`".to_owned()
            );
        }
        let root = self.root.canonicalize().map_err(|_| "has no project folder".to_owned())?;
        let real = root.join(path).canonicalize().map_err(|_| "does not exist".to_owned())?;
        if !real.starts_with(&root) {
            return Err("is a link that leads out of the project".to_owned());
        }
        Ok(real)
    }
}

/// Opens what a resolved path names, and makes sure that it is what was opened.
fn open(path: &Path, limit: usize) -> Result<Vec<u8>, String> {
    let before = fs::symlink_metadata(path).map_err(|_| "does not exist".to_owned())?;
    if !before.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let file = File::open(path).map_err(|_| "cannot be read; check its permissions".to_owned())?;
    let after = file.metadata().map_err(|_| "cannot be read".to_owned())?;
    if !after.is_file() || !same_file(&before, &after) {
        return Err("changed while it was read; try again".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|_| "cannot be read".to_owned())?;
    match bytes.len() > limit {
        true => Err(format!("has more than {limit} bytes, the most that is read")),
        false => Ok(bytes),
    }
}

#[cfg(unix)]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    a.len() == b.len() && a.modified().ok() == b.modified().ok()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_outside_the_project_is_read() {
        let outside = tempfile::tempdir().expect("a folder");
        let root = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret"), "x").expect("written");
        fs::write(root.path().join("good.sh"), "#!/bin/sh\n").expect("written");
        symlink(outside.path().join("secret"), root.path().join("link")).expect("linked");
        symlink(outside.path(), root.path().join("folder")).expect("linked");
        symlink("good.sh", root.path().join("alias")).expect("linked");
        let files = ProjectFiles::new(root.path());
        assert!(files.read("good.sh", 100).is_ok());
        assert!(files.read("alias", 100).is_ok());
        let refused = |path: &str| files.read(path, 100).expect_err("refused");
        assert!(refused("link").contains("leads out of the project"));
        assert!(refused("folder/secret").contains("leads out of the project"));
        assert!(refused("../x").contains("is no path below the project"));
        assert!(refused("/etc/passwd").contains("is no path below the project"));
        assert_eq!(refused("nothing"), "does not exist");
        assert_eq!(refused("."), "is not a regular file");
        assert!(files.read("good.sh", 3).expect_err("refused").contains("more than 3 bytes"));
    }

    #[test]
    fn manifests_are_found_in_order_without_hidden_ones() {
        let root = tempfile::tempdir().expect("a folder");
        let manifests = ["b.yaml", "a/c.yml"];
        let others = [".plumb/x.yaml", "components/y.yaml", "plumb.vars.yaml", "a/prod.vars.yml", "a/n.txt"];
        for name in manifests.into_iter().chain(others) {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, "kind: cluster\n").expect("written");
        }
        fs::write(root.path().join("utf16.yaml"), [0xff, 0xfe, 0x6b, 0]).expect("written");
        let found = find_manifests(root.path(), &[]);
        let names: Vec<&str> = found.files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a/c.yml", "b.yaml"]);
        let words: Vec<String> = found.diagnostics.into_iter().map(|d| d.summary).collect();
        assert_eq!(words, ["the manifest `utf16.yaml` is UTF-16; save it as UTF-8"]);
        let found = find_manifests(root.path(), &["a/*.yml".to_owned()]);
        assert_eq!(found.files.len(), 1);
        for name in manifests {
            assert!(is_manifest(&[], name), "{name}");
        }
        for name in others {
            assert!(!is_manifest(&[], name), "{name}");
        }
        assert!(
            is_manifest(&["a/*.yml".to_owned()], "a/c.yml") && !is_manifest(&["a/*.yml".to_owned()], "b.yml")
        );
    }
}
