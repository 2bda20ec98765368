//! The git commit that a project is at, read from git's own files.
//!
//! git is never run: a repository's configuration may name programs for it to start. Whether files are
//! changed since that commit is not told. Without a repository, the variables of CI systems tell.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The largest file that is read: packed-refs of a repository with very many branches.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Where CI systems say it: GitHub, Azure Pipelines, GitLab.
const VARIABLES: [&str; 3] = ["GITHUB_SHA", "BUILD_SOURCEVERSION", "CI_COMMIT_SHA"];

/// The commit of the project in `root`, in hexadecimal; `variable` reads the environment.
pub fn of(root: &Path, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let root = root.canonicalize().ok()?;
    let here = root.ancestors().find_map(|directory| repository(&directory.join(".git")));
    let told = || VARIABLES.iter().find_map(|name| variable(name).and_then(|text| hash(&text)));
    here.and_then(|git| head(&git)).or_else(told)
}

/// The directory of a repository, from its `.git`: a directory, or in worktrees and submodules a file that names one.
fn repository(git: &Path) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git.to_owned());
    }
    let text = read(git)?;
    let named = text.strip_prefix("gitdir:")?.trim();
    Some(git.parent()?.join(named))
}

fn head(git: &Path) -> Option<String> {
    let text = read(&git.join("HEAD"))?;
    match text.trim().strip_prefix("ref:") {
        None => hash(&text),
        Some(reference) => resolve(git, reference.trim()),
    }
}

/// The commit of a branch: from a file of its own, or from the list of packed ones.
fn resolve(git: &Path, reference: &str) -> Option<String> {
    let plain = Path::new(reference).components().all(|part| matches!(part, Component::Normal(_)));
    if !reference.starts_with("refs/") || !plain {
        return None;
    }
    // A worktree has its own HEAD and shares the branches.
    let shared = read(&git.join("commondir")).map_or_else(|| git.to_owned(), |text| git.join(text.trim()));
    let loose = [git, shared.as_path()].into_iter().find_map(|git| hash(&read(&git.join(reference))?));
    loose.or_else(|| {
        let packed = read(&shared.join("packed-refs"))?;
        let named = |line: &str| line.split_once(' ').filter(|(_, name)| *name == reference)?.0.parse().ok();
        packed.lines().find_map(named).and_then(|text: String| hash(&text))
    })
}

/// A commit's hash, SHA-1 or SHA-256.
fn hash(text: &str) -> Option<String> {
    let text = text.trim();
    let whole = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    whole.then(|| text.to_ascii_lowercase())
}

fn read(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok().filter(|m| m.is_file() && m.len() <= BYTES_MAX);
    metadata.and_then(|_| fs::read_to_string(path).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

    /// A directory with these files, that goes with the guard.
    struct Place(PathBuf);

    impl Place {
        fn with(files: &[(&str, &str)]) -> Self {
            let name = format!("plumb-commit-{}-{}", std::process::id(), uuid::Uuid::new_v4());
            let place = Self(std::env::temp_dir().join(name));
            for (name, text) in files {
                let path = place.0.join(name);
                fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
                fs::write(path, text).expect("a file");
            }
            place
        }

        fn commit(&self, root: &str) -> Option<String> {
            of(&self.0.join(root), |_| None)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_branch_is_found_loose_packed_or_detached() {
        let packed = format!("# pack-refs with: peeled\n{HASH} refs/heads/main\n^{HASH}\n");
        for files in [
            &[(".git/HEAD", "ref: refs/heads/main\n"), (".git/refs/heads/main", HASH)][..],
            &[(".git/HEAD", "ref: refs/heads/main\n"), (".git/packed-refs", &packed)],
            &[(".git/HEAD", HASH)],
        ] {
            let place = Place::with(&[files, &[("infra/plumb.toml", "")]].concat());
            assert_eq!(place.commit("infra").as_deref(), Some(HASH), "{files:?}");
        }
    }

    #[test]
    fn a_worktree_shares_the_branches_of_its_repository() {
        let place = Place::with(&[
            ("main/.git/packed-refs", &format!("{HASH} refs/heads/work\n")),
            ("main/.git/worktrees/w/HEAD", "ref: refs/heads/work\n"),
            ("main/.git/worktrees/w/commondir", "../..\n"),
            ("w/.git", "gitdir: ../main/.git/worktrees/w\n"),
        ]);
        assert_eq!(place.commit("w").as_deref(), Some(HASH));
    }

    #[test]
    fn what_is_no_commit_is_none() {
        for head in
            ["ref: refs/heads/none", "ref: ../../secret", "ref: /etc/passwd", "ref: refs/../../x", "no"]
        {
            let place = Place::with(&[(".git/HEAD", head), ("secret", HASH)]);
            assert_eq!(place.commit("."), None, "{head}");
        }
    }

    #[test]
    fn a_ci_system_tells_where_there_is_no_repository() {
        let place = Place::with(&[("plumb.toml", "")]);
        let tells = |name: &str| (name == "BUILD_SOURCEVERSION").then(|| HASH.to_uppercase());
        assert_eq!(of(&place.0, tells).as_deref(), Some(HASH));
        assert_eq!(of(&place.0, |_| Some("; rm -rf".to_owned())), None);
    }
}
