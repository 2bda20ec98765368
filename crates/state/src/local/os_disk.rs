//! The disk of this machine.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use aws_lc_rs::rand;

use crate::disk::{Disk, DiskFile, Identity, Links, Look, Open, Shape, Share};

/// How often and how long a lock is tried: asking who holds it takes it for an instant.
const TRIES: u32 = 6;
const TRY_DELAY: Duration = Duration::from_millis(15);

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn look(&self, path: &Path, links: Links) -> io::Result<Option<Look>> {
        let found = match links {
            Links::Follow => fs::metadata(path),
            Links::Stay => fs::symlink_metadata(path),
        };
        match found {
            Ok(metadata) => Ok(Some(look(&metadata))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn user(&self) -> Option<u32> {
        static USER: OnceLock<Option<u32>> = OnceLock::new();
        let ask = || Some(tempfile::tempfile().ok()?.metadata().ok()?.uid());
        *USER.get_or_init(ask)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        Ok(fs::read_dir(directory)?.flatten().map(|entry| entry.file_name()).collect())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut options = File::options();
        options.read(true).append(true).mode(0o600);
        match how {
            Open::New => options.create_new(true),
            Open::Either => options.create(true),
            Open::Standing => &mut options,
        };
        Ok(Box::new(OsFile(options.open(path)?)))
    }

    fn make_directory(&self, directory: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(directory)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }

    fn link(&self, path: &Path, second: &Path) -> io::Result<()> {
        fs::hard_link(path, second)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        rand::fill(bytes).map_err(|_| ErrorKind::Other.into())
    }
}

/// One of its files, open for appending.
struct OsFile(File);

impl DiskFile for OsFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // Of what fdatasync leaves out, the times, nothing is read.
        self.0.sync_data()
    }

    fn identity(&self) -> io::Result<Identity> {
        self.0.metadata().map(|metadata| look(&metadata).identity)
    }

    fn try_lock(&self, share: Share) -> io::Result<bool> {
        let take = || match share {
            Share::Alone => self.0.try_lock(),
            Share::Together => self.0.try_lock_shared(),
        };
        let tries = if share == Share::Alone { TRIES } else { 1 };
        for attempt in 1..=tries {
            match take() {
                Ok(()) => return Ok(true),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if attempt < tries => thread::sleep(TRY_DELAY),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        Ok(false)
    }
}

fn look(metadata: &Metadata) -> Look {
    let shape = match metadata.file_type() {
        kind if kind.is_symlink() => Shape::Link,
        kind if kind.is_dir() => Shape::Directory,
        kind if kind.is_file() => Shape::File,
        _ => Shape::Other,
    };
    let identity = Identity(metadata.dev(), metadata.ino());
    Look { shape, length: metadata.len(), owner: metadata.uid(), identity }
}
