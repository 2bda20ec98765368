//! `plumb init`: a project that plans at once.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::args::Init;
use crate::exit::Exit;
use crate::output;

const PROJECT: &str = include_str!("../../templates/plumb.toml");
const MANIFEST: &str = include_str!("../../templates/manifests/research.yaml");
const IGNORE: &str = "# plumb's state, journal, lock and embedded cloud\n.plumb/\n";

/// Writes the files of a new project; refuses to touch one that is there.
pub fn run(args: &Init, directory: &Path) -> anyhow::Result<Exit> {
    let root = args.folder.as_ref().map_or(directory.to_path_buf(), |d| directory.join(d));
    let files = [("plumb.toml", PROJECT), ("manifests/research.yaml", MANIFEST), (".gitignore", IGNORE)];
    if let Some((name, _)) = files[..2].iter().find(|(name, _)| root.join(name).exists()) {
        bail!(
            "{} exists already; run `plumb plan` there, or choose another directory",
            root.join(name).display()
        );
    }
    for (name, text) in files {
        let path = root.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("making directory {}", parent.display()))?;
        }
        // Only .gitignore can be there already; it must keep plumb's own files out of git, too.
        let standing = fs::read_to_string(&path).unwrap_or_default();
        if !standing.lines().any(|line| line.trim() == ".plumb/") {
            let gap = if standing.is_empty() || standing.ends_with('\n') { "" } else { "\n" };
            let whole = format!("{standing}{gap}{text}");
            fs::write(&path, whole).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    let enter = args.folder.as_ref().map(|d| format!("cd {} && ", d.display())).unwrap_or_default();
    output::result(&format!(
        "Made a project in {}: plumb.toml and manifests/research.yaml.\n\nIt is for the embedded cloud, which needs no account. Go on with:\n\n  {enter}plumb plan\n  {enter}plumb apply\n",
        args.folder.as_deref().unwrap_or(directory).display()
    ));
    Ok(Exit::Done)
}
