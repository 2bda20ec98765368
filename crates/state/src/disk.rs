//! The seam between a state in local files and the disk: every effect on files goes through [`Disk`].
//!
//! A disk promises what a file system does and no more: bytes and names are durable once they were
//! synced, a rename is done or not done, a lock ends with its holder.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;

use tokio::task::{JoinError, spawn_blocking};

/// Files and directories.
pub trait Disk: fmt::Debug + Send + Sync {
    /// What stands at a path; `None` if nothing does.
    fn look(&self, path: &Path, links: Links) -> io::Result<Option<Look>>;

    /// The user that new files belong to, if that can be told.
    fn user(&self) -> Option<u32>;

    /// The bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The names in a directory, in any order.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// Opens a file for appending; one that is made is for its owner only (0600) from the start.
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>>;

    /// Makes one directory, for its owner only (0700).
    fn make_directory(&self, directory: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// Gives a file a second name, which must be free.
    fn link(&self, path: &Path, second: &Path) -> io::Result<()>;

    /// Gives a file another name, whatever had that name before; all at once or not at all.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Fills `bytes` with what nobody can foresee: keys, and names that are free.
    fn random(&self, bytes: &mut [u8]) -> io::Result<()>;

    /// Whether work on this disk never waits, so that it may run on the runtime's own threads.
    fn never_waits(&self) -> bool {
        false
    }
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Writes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes the bytes durable, and their number.
    fn sync(&mut self) -> io::Result<()>;

    /// By which one tells whether a name still means this file.
    fn identity(&self) -> io::Result<Identity>;

    /// Tries to lock it, until it is dropped or the process ends; whether it was given.
    fn try_lock(&self, share: Share) -> io::Result<bool>;
}

/// What a path that is a symbolic link means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// What the link leads to.
    Follow,
    /// The link.
    Stay,
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// It must not be there yet, not even as a link.
    New,
    /// It must be there.
    Standing,
    /// It is made if it is missing.
    Either,
}

/// Who may have a lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Nobody else.
    Alone,
    /// Others who share it.
    Together,
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What it is.
    pub shape: Shape,
    /// How many bytes it has.
    pub length: u64,
    /// The user that it belongs to.
    pub owner: u32,
    /// Which file it is, whatever its name.
    pub identity: Identity,
}

/// What can stand at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe, a device or the like.
    Other,
}

/// Device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(pub u64, pub u64);

/// Does work on files where it holds nobody up: on the runtime's thread if it never waits, else off it.
pub(crate) async fn work_on_files<T: Send + 'static>(
    never_waits: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if never_waits { Ok(work()) } else { spawn_blocking(work).await }
}
