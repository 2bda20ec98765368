//! The file that keeps the cloud: one line for each request that changed something, a JSON list of its changes.
//!
//! A line is written in one go before the reply is sent, so that a killed process loses nothing it confirmed; a torn
//! last line was never confirmed and is cut off. Writing costs what changed. The page cache survives the process, so
//! there is no fsync. A lock file beside it keeps a second process out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::store::change::Change;

const FORMAT: u32 = 1;

/// A compaction is worth it when the file has this many times more changes than the world needs.
const GARBAGE_FACTOR: usize = 3;
const GARBAGE_MIN: usize = 1_000;

/// The open cloud file.
#[derive(Debug)]
pub(crate) struct CloudFile {
    path: PathBuf,
    file: File,
    /// How far the file is whole.
    length: u64,
    /// Lines that could not be written yet; they go first.
    unsaved: Vec<u8>,
    changes: usize,
    _lock: File,
}

impl CloudFile {
    /// Opens or creates the file, and returns the changes in it.
    pub(crate) fn open(path: &Path) -> io::Result<(CloudFile, Vec<Change>)> {
        let lock = lock(path)?;
        let mut file = private()
            .read(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| about(path, "opening", error))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|error| about(path, "reading", error))?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let changes = parse(path, &text[..whole])?;
        let length = u64::try_from(whole).expect("BUG: a file length fits in 64 bits");
        let mut cloud = CloudFile {
            path: path.to_owned(),
            file,
            length,
            unsaved: Vec::new(),
            changes: changes.len(),
            _lock: lock,
        };
        if changes.is_empty() {
            cloud.append(&[Change::Format(FORMAT)])?;
        }
        Ok((cloud, changes))
    }

    /// Adds the changes of one request.
    pub(crate) fn append(&mut self, changes: &[Change]) -> io::Result<()> {
        if !changes.is_empty() {
            serde_json::to_writer(&mut self.unsaved, changes)?;
            self.unsaved.push(b'\n');
            self.changes += changes.len();
        }
        if self.unsaved.is_empty() {
            return Ok(());
        }
        self.write().map_err(|error| about(&self.path, "writing", error))
    }

    fn write(&mut self) -> io::Result<()> {
        use std::io::{Seek, SeekFrom};
        // What an earlier failed write or a killed process left half done is overwritten.
        if self.file.metadata()?.len() != self.length {
            self.file.set_len(self.length)?;
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(&self.unsaved)?;
        self.length += u64::try_from(self.unsaved.len()).expect("BUG: a buffer length fits in 64 bits");
        self.unsaved.clear();
        Ok(())
    }

    /// Whether most of the file is about things that are no more.
    pub(crate) fn is_wasteful(&self, needed: usize) -> bool {
        self.changes > GARBAGE_MIN + GARBAGE_FACTOR * needed
    }

    /// Puts these changes in the place of all there are, by a new file that takes the old one's name.
    pub(crate) fn rewrite(&mut self, changes: &[Change]) -> io::Result<()> {
        let fresh = beside(&self.path, ".new");
        let mut text = line(&[Change::Format(FORMAT)])?;
        for change in changes {
            text.extend(line(std::slice::from_ref(change))?);
        }
        let result = private().create(true).truncate(true).read(true).open(&fresh).and_then(|mut file| {
            file.write_all(&text)?;
            fs::rename(&fresh, &self.path)?;
            Ok(file)
        });
        self.file = result.map_err(|error| about(&self.path, "compacting", error))?;
        self.length = u64::try_from(text.len()).expect("BUG: a buffer length fits in 64 bits");
        self.changes = changes.len() + 1;
        Ok(())
    }
}

fn line(changes: &[Change]) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(changes)?;
    text.push(b'\n');
    Ok(text)
}

fn parse(path: &Path, text: &[u8]) -> io::Result<Vec<Change>> {
    let mut changes: Vec<Change> = Vec::new();
    let lines = text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    for (index, line) in lines {
        let damaged =
            |error| about(path, "reading", io::Error::other(format!("line {}: {error}", index + 1)));
        changes.extend(serde_json::from_slice::<Vec<Change>>(line).map_err(damaged)?);
    }
    match changes.first() {
        None | Some(Change::Format(FORMAT)) => Ok(changes),
        _ => Err(about(path, "reading", io::Error::other("it is not a cloud file of this version"))),
    }
}

fn lock(path: &Path) -> io::Result<File> {
    let lock_path = beside(path, ".lock");
    let lock = private()
        .create(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(|error| about(path, "locking", error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(about(
            path,
            "locking",
            io::Error::new(io::ErrorKind::WouldBlock, "another emulator has it open"),
        )),
        Err(TryLockError::Error(error)) => Err(about(path, "locking", error)),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// For writing, and for nobody else's eyes from the first moment.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn about(path: &Path, what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} cloud file \"{}\": {error}", path.display()))
}
