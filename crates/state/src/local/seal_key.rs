//! The key for hashes of secrets: 32 random bytes in hexadecimal, in a file of their own.

use std::io::ErrorKind;

use super::directory;
use super::storage::Storage;
use crate::StateError;
use crate::checked::hex;

const DOING: &str = "making the key for hashes of secrets in";

impl Storage {
    /// The key; made at first use. Of two processes that make it at once, both get the same.
    pub(super) fn seal_key(&self) -> Result<[u8; 32], StateError> {
        let path = self.path("seal.key");
        let disk = self.disk();
        directory::prepare(disk, self.dir())?;
        if let Some(bytes) = directory::read(disk, &path, "reading the key file")? {
            return parse(&bytes).ok_or(StateError::SealKey { path });
        }
        let mut key = [0; 32];
        let failed = |error| StateError::io(DOING, &path, error);
        disk.random(&mut key).map_err(failed)?;
        let file = directory::temporary(disk, &path, format!("{}\n", hex(&key)).as_bytes(), DOING)?;
        match file.rename_to_free(&path) {
            Ok(()) => disk.sync_directory(directory::parent(&path)).map(|()| key).map_err(failed),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.seal_key(),
            Err(error) => Err(failed(error)),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end();
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (byte, at) in key.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(key)
}
