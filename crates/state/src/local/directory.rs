//! Files that are whole or not there, in a directory that is ours.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::StateError;
use crate::checked::hex;
use crate::disk::{Disk, Links, Look, Open, Shape};

/// Larger than any state or journal: reading stops before memory does.
const BYTES_MAX: u64 = 1 << 30;

const TEMP_PREFIX: &str = ".plumb-";
const TEMP_SUFFIX: &str = ".tmp";
/// How many directories we may have made, one in the other: `.plumb/ENVIRONMENT`.
const ANCHORED: usize = 2;
/// Names are random, so that a second one is never needed but by an attack.
const NAMES_TRIED: usize = 16;

/// Makes our directory if it is missing, and refuses one that is not ours.
pub(super) fn prepare(disk: &dyn Disk, dir: &Path) -> Result<(), StateError> {
    if check_own(disk, dir)? { Ok(()) } else { make(disk, dir) }
}

/// Makes a directory if it is missing, for its owner only, and what it lies in.
pub(super) fn make(disk: &dyn Disk, dir: &Path) -> Result<(), StateError> {
    make_all(disk, dir).map_err(|error| StateError::io("creating the directory", dir, error))
}

fn make_all(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    if is_directory(disk, dir)? {
        return Ok(());
    }
    make_all(disk, parent(dir))?;
    match disk.make_directory(dir) {
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && is_directory(disk, dir)? => Ok(()),
        made => made,
    }
}

/// Makes the name of our directory durable: without it, what is durable in there could not be found.
///
/// Each run does it, for the one that made the directory may have been killed before.
pub(super) fn anchor(disk: &dyn Disk, dir: &Path) -> Result<(), StateError> {
    let synced = dir.ancestors().take(ANCHORED).try_for_each(|at| match disk.sync_directory(parent(at)) {
        // A directory that is not ours to read was not made by us.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    });
    synced.map_err(|error| StateError::io("making the name durable of", dir, error))
}

fn is_directory(disk: &dyn Disk, dir: &Path) -> io::Result<bool> {
    Ok(disk.look(dir, Links::Follow)?.is_some_and(|look| look.shape == Shape::Directory))
}

/// Refuses a directory that somebody else could have put there; whether there is one.
pub(super) fn check_own(disk: &dyn Disk, dir: &Path) -> Result<bool, StateError> {
    let refuse = |why: &str| Err(StateError::Unsafe { path: dir.to_owned(), why: why.to_owned() });
    let found = disk.look(dir, Links::Stay);
    match found.map_err(|error| StateError::io("looking at the directory", dir, error))? {
        None => Ok(false),
        Some(look) if look.shape == Shape::Link => refuse("is a symbolic link"),
        Some(look) if look.shape != Shape::Directory => refuse("is not a directory"),
        Some(look) if !is_ours(disk, dir, &look) => refuse("belongs to another user"),
        Some(_) => Ok(true),
    }
}

/// Ours is what belongs to us, or to whoever has the project: root in a container is not the
/// owner of the files it is given.
fn is_ours(disk: &dyn Disk, dir: &Path, look: &Look) -> bool {
    let project_owner = || disk.look(parent(dir), Links::Follow).ok().flatten().map(|project| project.owner);
    Some(look.owner) == disk.user() || Some(look.owner) == project_owner()
}

/// The bytes of a file; `None` if there is none. Links, pipes and the like are refused.
pub(super) fn read(disk: &dyn Disk, path: &Path, doing: &'static str) -> Result<Option<Vec<u8>>, StateError> {
    let failed = |error| StateError::io(doing, path, error);
    let refuse = |why: &str| Err(StateError::Unsafe { path: path.to_owned(), why: why.to_owned() });
    match disk.look(path, Links::Stay).map_err(failed)? {
        None => return Ok(None),
        Some(look) if look.shape != Shape::File => return refuse("is not a regular file"),
        Some(look) if look.length > BYTES_MAX => return refuse("is larger than 1 GiB"),
        Some(_) => {}
    }
    match disk.read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// A file beside the one it is for, until it gets that one's name or this is dropped.
pub(super) struct Temporary<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
}

impl Temporary<'_> {
    /// Gives the bytes their name, whatever had it before; not yet durably.
    fn rename(self, to: &Path) -> io::Result<()> {
        self.disk.rename(&self.path, to)
    }

    /// Gives the bytes their name, if nothing has it; not yet durably.
    pub(super) fn rename_to_free(self, to: &Path) -> io::Result<()> {
        match self.disk.link(&self.path, to) {
            // File systems without hard links.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                if self.disk.look(to, Links::Stay)?.is_some() {
                    return Err(ErrorKind::AlreadyExists.into());
                }
                self.disk.rename(&self.path, to)
            }
            linked => linked,
        }
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // It is gone after a rename, except when both names were one file already. What cannot be removed,
        // the next run removes.
        let _ = self.disk.remove(&self.path);
    }
}

/// Makes something under a free name beside `path`.
fn beside<'a>(
    disk: &'a dyn Disk,
    path: &Path,
    make: impl Fn(&Path) -> io::Result<()>,
) -> io::Result<Temporary<'a>> {
    let mut tried = 0;
    loop {
        let mut random = [0; 6];
        disk.random(&mut random)?;
        let name = format!("{TEMP_PREFIX}{}{TEMP_SUFFIX}", hex(&random));
        let temporary = Temporary { disk, path: parent(path).join(name) };
        match make(&temporary.path) {
            Ok(()) => return Ok(temporary),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && tried < NAMES_TRIED => {
                // Somebody else's.
                std::mem::forget(temporary);
                tried += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// A durable file beside `path` (mode 0600) that is not yet under its name.
pub(super) fn temporary<'a>(
    disk: &'a dyn Disk,
    path: &Path,
    bytes: &[u8],
    doing: &'static str,
) -> Result<Temporary<'a>, StateError> {
    let made = beside(disk, path, |temporary| {
        let mut file = disk.open(temporary, Open::New)?;
        file.append(bytes)?;
        file.sync()
    });
    made.map_err(|error| StateError::io(doing, path, error))
}

/// Gives a temporary file its name, durably: the name stands for the old bytes or the new ones.
pub(super) fn publish(file: Temporary<'_>, path: &Path, doing: &'static str) -> Result<(), StateError> {
    let disk = file.disk;
    let published = file.rename(path).and_then(|()| disk.sync_directory(parent(path)));
    published.map_err(|error| StateError::io(doing, path, error))
}

/// Replaces a file, durably.
pub(super) fn replace(
    disk: &dyn Disk,
    path: &Path,
    bytes: &[u8],
    doing: &'static str,
) -> Result<(), StateError> {
    publish(temporary(disk, path, bytes, doing)?, path, doing)
}

/// Removes a file, durably, if it is there.
pub(super) fn remove(disk: &dyn Disk, path: &Path, doing: &'static str) -> Result<(), StateError> {
    let removed = match disk.remove(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        removed => removed.and_then(|()| disk.sync_directory(parent(path))),
    };
    removed.map_err(|error| StateError::io(doing, path, error))
}

/// Gives `path` a second name that replaces whatever has that name; never absent, never partial.
pub(super) fn keep_as(
    disk: &dyn Disk,
    path: &Path,
    backup: &Path,
    doing: &'static str,
) -> Result<(), StateError> {
    let second = beside(disk, path, |temporary| {
        // File systems without hard links get a copy.
        disk.link(path, temporary).or_else(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::AlreadyExists => Err(error),
            _ => copy(disk, path, temporary),
        })
    });
    let kept = match second {
        Ok(second) => second.rename(backup),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    kept.map_err(|error| StateError::io(doing, backup, error))
}

fn copy(disk: &dyn Disk, path: &Path, to: &Path) -> io::Result<()> {
    let bytes = disk.read(path)?;
    let mut file = disk.open(to, Open::New)?;
    file.append(&bytes)?;
    file.sync()
}

/// Removes temporary files that a killed process left. Only under the lock.
pub(super) fn remove_leftovers(disk: &dyn Disk, dir: &Path) {
    for name in disk.list(dir).unwrap_or_default() {
        let text = name.to_string_lossy();
        if text.starts_with(TEMP_PREFIX) && text.ends_with(TEMP_SUFFIX) {
            // What cannot be removed does no harm.
            let _ = disk.remove(&dir.join(&name));
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
