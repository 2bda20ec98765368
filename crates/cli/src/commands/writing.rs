//! New files of a project, made by a command that writes documents: nothing is written over, and nothing that would not
//! be read.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use manifest::is_manifest;
use planner::render::escape;

use crate::failure::Failure;
use crate::session::Session;

/// A folder, as the project calls it.
pub fn below(root: &Path, folder: &Path) -> anyhow::Result<String> {
    let root = root.canonicalize().context("the project's folder")?;
    let whole = std::env::current_dir()?.join(folder);
    if whole.components().any(|part| part == Component::ParentDir) {
        bail!("--out {}: write it without `..`", folder.display());
    }
    // Of what is there the real path; the rest is to be made.
    let there = whole.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let rest = whole.strip_prefix(there).unwrap_or(Path::new(""));
    let real: PathBuf = there.canonicalize()?.join(rest).components().collect();
    let inside = real.strip_prefix(&root).ok().and_then(Path::to_str).filter(|name| !name.is_empty());
    let inside =
        inside.ok_or_else(|| anyhow!("--out {}: it must be a folder below the project", folder.display()))?;
    Ok(inside.trim_end_matches('/').to_owned())
}

/// Refuses before anything is done what stands already.
pub fn free<'n>(names: impl IntoIterator<Item = &'n str>, session: &Session) -> anyhow::Result<()> {
    let stands = |name: &&str| session.settings.root.join(name).symlink_metadata().is_ok();
    match names.into_iter().find(stands) {
        None => Ok(()),
        Some(name) => bail!(
            "{name} is there already, and nothing is written over: say another folder with --out; if an earlier run was cut off, remove what it wrote"
        ),
    }
}

/// Refuses before anything is done what would not be read as a manifest.
pub fn read_later<'n>(names: impl IntoIterator<Item = &'n str>, session: &Session) -> anyhow::Result<()> {
    match names.into_iter().find(|name| !is_manifest(&session.project.manifests, name)) {
        None => Ok(()),
        Some(name) => bail!(
            "{name} would not be read: `[project] manifests` in plumb.toml does not match it; say another folder with --out"
        ),
    }
}

/// Writes new files, by name below the project and text.
pub fn write(
    files: impl IntoIterator<Item = (impl AsRef<Path>, impl AsRef<str>)>,
    root: &Path,
) -> anyhow::Result<()> {
    for (name, text) in files {
        let path = root.join(name);
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(root))?;
            let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            file.write_all(text.as_ref().as_bytes())?;
            file.sync_all()
        };
        write().with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// The project as it is on the disk now.
pub fn reread(session: &Session) -> Result<Session, Failure> {
    let mut written = Session::open(session.settings.clone())?;
    written.load_valid()?;
    Ok(written)
}

/// A heading with lines, if there are any.
pub fn listed(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(|line| format!("  {}\n", escape::terminal(line))).collect();
    format!("\n{title}:\n\n{lines}")
}
