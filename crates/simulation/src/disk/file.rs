//! An open file of the simulated disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use state::{DiskFile, Identity, Share};

use super::seen::{View, short};
use super::{DEVICE, Lock};
use crate::life::Effect;
use crate::trace::sum;

/// One process's handle on a file; its locks go with it.
pub(super) struct OpenFile {
    disk: Arc<View>,
    node: u64,
    handle: u64,
    path: PathBuf,
}

impl OpenFile {
    pub(super) fn new(disk: Arc<View>, node: u64, path: &Path) -> Self {
        let handle = {
            let mut inner = disk.platter.inner();
            inner.opened += 1;
            inner.opened
        };
        Self { disk, node, handle, path: path.to_owned() }
    }
}

impl DiskFile for OpenFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (disk, node) = (&self.disk, self.node);
        let words = format_args!("{} {} bytes {:016x}", short(&self.path), bytes.len(), sum(bytes));
        disk.effect(Effect::Append, words, |in_part| {
            let written = if in_part { &bytes[..bytes.len() / 2] } else { bytes };
            disk.platter.law.written(&self.path, written);
            let mut inner = disk.platter.inner();
            inner.nodes.get_mut(&node).expect("BUG: an open file stands").bytes.extend_from_slice(written);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        let (disk, node) = (&self.disk, self.node);
        if disk.fails_sync() {
            let mut inner = disk.platter.inner();
            inner.nodes.get_mut(&node).expect("BUG: an open file stands").doomed = true;
        }
        disk.effect(Effect::Sync, format_args!("{}", short(&self.path)), |_| {
            let mut inner = disk.platter.inner();
            let file = inner.nodes.get_mut(&node).expect("BUG: an open file stands");
            if disk.platter.honest && !file.doomed {
                file.durable = file.bytes.clone();
            }
            Ok(())
        })
    }

    fn identity(&self) -> io::Result<Identity> {
        Ok(Identity(DEVICE, self.node))
    }

    fn try_lock(&self, share: Share) -> io::Result<bool> {
        let (disk, node) = (&self.disk, self.node);
        disk.effect(Effect::Lock, format_args!("{} {share:?}", short(&self.path)), |_| {
            let mut inner = disk.platter.inner();
            let holders = inner.locks.entry(node).or_default();
            let shared = |lock: &Lock| share == Share::Together && lock.share == Share::Together;
            let free = holders.iter().all(shared);
            if free {
                holders.push(Lock { handle: self.handle, process: disk.life.name.clone(), share });
            }
            Ok(free)
        })
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let mut inner = self.disk.platter.inner();
        if let Some(holders) = inner.locks.get_mut(&self.node) {
            holders.retain(|lock| lock.handle != self.handle);
        }
    }
}
