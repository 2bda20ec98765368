//! Files that are whole or not there, in a directory that is ours.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::OnceLock;

use tempfile::NamedTempFile;

use crate::StateError;

/// Larger than any state or journal: reading stops before memory does.
const BYTES_MAX: u64 = 1 << 30;

const TEMP_PREFIX: &str = ".plumb-";
const TEMP_SUFFIX: &str = ".tmp";

/// Makes our directory if it is missing, and refuses one that is not ours.
pub(super) fn prepare(dir: &Path) -> Result<(), StateError> {
    if check_own(dir)? { Ok(()) } else { make(dir) }
}

/// Makes a directory if it is missing, for its owner only.
pub(super) fn make(dir: &Path) -> Result<(), StateError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| StateError::io("creating the directory", dir, error))
}

/// Refuses a directory that somebody else could have put there; whether there is one.
pub(super) fn check_own(dir: &Path) -> Result<bool, StateError> {
    let refuse = |why: &str| Err(StateError::Unsafe { path: dir.to_owned(), why: why.to_owned() });
    let metadata = match fs::symlink_metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(StateError::io("looking at the directory", dir, error)),
    };
    if metadata.is_symlink() {
        return refuse("is a symbolic link");
    }
    if !metadata.is_dir() {
        return refuse("is not a directory");
    }
    if !is_ours(dir, &metadata) {
        return refuse("belongs to another user");
    }
    Ok(true)
}

/// Ours is what belongs to us, or to whoever has the project: root in a container is not the
/// owner of the files it is given.
fn is_ours(dir: &Path, metadata: &Metadata) -> bool {
    let project =
        dir.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    let project_owner = project.and_then(|project| fs::metadata(project).ok()).map(|metadata| metadata.uid());
    Some(metadata.uid()) == effective_user() || Some(metadata.uid()) == project_owner
}

/// The user that new files belong to.
fn effective_user() -> Option<u32> {
    static USER: OnceLock<Option<u32>> = OnceLock::new();
    let ask = || Some(tempfile::tempfile().ok()?.metadata().ok()?.uid());
    *USER.get_or_init(ask)
}

/// The bytes of a file; `None` if there is none. Links, pipes and the like are refused.
pub(super) fn read(path: &Path, doing: &'static str) -> Result<Option<Vec<u8>>, StateError> {
    let failed = |error| StateError::io(doing, path, error);
    let refuse = |why: &str| Err(StateError::Unsafe { path: path.to_owned(), why: why.to_owned() });
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.is_file() => return refuse("is not a regular file"),
        Ok(metadata) if metadata.len() > BYTES_MAX => return refuse("is larger than 1 GiB"),
        Ok(_) => {}
    }
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// A durable file beside `path` (mode 0600) that is not yet under its name.
pub(super) fn temporary(path: &Path, bytes: &[u8], doing: &'static str) -> Result<NamedTempFile, StateError> {
    let make = || -> io::Result<NamedTempFile> {
        let mut file =
            tempfile::Builder::new().prefix(TEMP_PREFIX).suffix(TEMP_SUFFIX).tempfile_in(parent(path))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    make().map_err(|error| StateError::io(doing, path, error))
}

/// Gives a temporary file its name, durably: the name stands for the old bytes or the new ones.
pub(super) fn publish(file: NamedTempFile, path: &Path, doing: &'static str) -> Result<(), StateError> {
    let published = file.persist(path).map_err(|error| error.error).and_then(|_| sync_directory(path));
    published.map_err(|error| StateError::io(doing, path, error))
}

/// Replaces a file, durably.
pub(super) fn replace(path: &Path, bytes: &[u8], doing: &'static str) -> Result<(), StateError> {
    publish(temporary(path, bytes, doing)?, path, doing)
}

/// Removes a file, durably, if it is there.
pub(super) fn remove(path: &Path, doing: &'static str) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => {
            removed.and_then(|()| sync_directory(path)).map_err(|error| StateError::io(doing, path, error))
        }
    }
}

/// Gives `path` a second name that replaces whatever has that name; never absent, never partial.
pub(super) fn keep_as(path: &Path, backup: &Path, doing: &'static str) -> Result<(), StateError> {
    let keep = || -> io::Result<()> {
        let place =
            tempfile::Builder::new().prefix(TEMP_PREFIX).suffix(TEMP_SUFFIX).make_in(parent(path), |temp| {
                // File systems without hard links get a copy.
                fs::hard_link(path, temp).or_else(|error| match error.kind() {
                    ErrorKind::NotFound | ErrorKind::AlreadyExists => Err(error),
                    _ => copy(path, temp),
                })
            });
        match place {
            Ok(place) => fs::rename(place.path(), backup),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    };
    keep().map_err(|error| StateError::io(doing, backup, error))
}

fn copy(path: &Path, temp: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(temp)?;
    io::copy(&mut File::open(path)?, &mut file)?;
    file.sync_all()
}

/// Removes temporary files that a killed process left. Only under the lock.
pub(super) fn remove_leftovers(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMP_PREFIX) && name.ends_with(TEMP_SUFFIX) {
            // What cannot be removed does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The directory that a file is in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes names in the directory of `path` durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}
