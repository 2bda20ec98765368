//! A disk that forgets: bytes and names that were not synced may be gone after a power loss, in part or whole.
//!
//! It is as mean as POSIX allows: names in a directory become durable by that directory's sync alone, in any
//! order before it, and bytes by their file's sync alone.

mod file;
mod loss;
mod seen;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use state::Share;

pub use loss::Loss;
pub use seen::{SimulatedDisk, Trouble};

use crate::law::Law;

/// The device number of the disk.
const DEVICE: u64 = 7;

/// What outlives every process.
pub struct Platter {
    inner: Mutex<Inner>,
    law: Law,
    /// Whether syncs do what they promise; a test of the simulation has them lie.
    honest: bool,
}

#[derive(Debug, Default)]
struct Inner {
    nodes: BTreeMap<u64, Node>,
    names: BTreeMap<PathBuf, u64>,
    /// The names that a power loss leaves.
    durable: BTreeMap<PathBuf, u64>,
    /// What happened to names since, in order.
    pending: Vec<Naming>,
    locks: BTreeMap<u64, Vec<Lock>>,
    /// How many files were opened.
    opened: u64,
}

/// A lock on a file; it goes with the handle it was taken by, and with the process.
#[derive(Debug)]
struct Lock {
    handle: u64,
    process: String,
    share: Share,
}

/// A file or a directory.
#[derive(Debug, Default, Clone)]
struct Node {
    directory: bool,
    bytes: Vec<u8>,
    /// The bytes that a power loss leaves.
    durable: Vec<u8>,
    /// A sync failed: what was not durable then never will be.
    doomed: bool,
}

/// What happens to a name.
#[derive(Debug, Clone)]
enum Naming {
    Given(PathBuf, u64),
    Taken(PathBuf),
    Changed(PathBuf, PathBuf, u64),
}

impl Naming {
    fn directory(&self) -> &Path {
        let (Naming::Given(path, _) | Naming::Taken(path) | Naming::Changed(_, path, _)) = self;
        path.parent().unwrap_or(path)
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Naming::Given(path, node) => _ = names.insert(path.clone(), *node),
            Naming::Taken(path) => _ = names.remove(path),
            Naming::Changed(from, to, node) => {
                if names.get(from) == Some(node) {
                    names.remove(from);
                }
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl Platter {
    /// A disk with these empty directories, durably.
    pub fn new(directories: &[&str], law: Law, honest: bool) -> Arc<Self> {
        let mut inner = Inner::default();
        for directory in directories {
            let node = inner.add(Node { directory: true, ..Node::default() });
            inner.names.insert(PathBuf::from(directory), node);
        }
        inner.durable = inner.names.clone();
        Arc::new(Self { inner: Mutex::new(inner), law, honest })
    }

    /// The bytes of a file, as every process sees them.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let inner = self.inner();
        Some(inner.nodes[inner.names.get(path)?].bytes.clone())
    }

    /// The bytes of a file that a power loss cannot take.
    pub fn durable_bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let inner = self.inner();
        path.ancestors().all(|at| inner.durable.contains_key(at)).then(|| {
            let node = inner.durable[path];
            inner.nodes[&node].durable.clone()
        })
    }

    /// Whether a process has the lock on a file for itself.
    pub fn is_locked_by(&self, path: &Path, process: &str) -> bool {
        let inner = self.inner();
        let holders = inner.names.get(path).and_then(|node| inner.locks.get(node));
        holders
            .is_some_and(|all| all.iter().any(|lock| lock.process == process && lock.share == Share::Alone))
    }

    /// A process has ended: its locks are free.
    pub fn release(&self, process: &str) {
        self.inner().locks.values_mut().for_each(|holders| holders.retain(|lock| lock.process != process));
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("BUG: a holder of the lock panicked")
    }
}

impl Inner {
    fn add(&mut self, node: Node) -> u64 {
        let number = self.nodes.last_key_value().map_or(1, |(last, _)| last + 1);
        self.nodes.insert(number, node);
        number
    }

    fn node(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// The directory that a new name is to be in.
    fn check_parent(&self, path: &Path) -> io::Result<()> {
        let parent = self.node(path.parent().unwrap_or(path))?;
        if self.nodes[&parent].directory { Ok(()) } else { Err(ErrorKind::NotADirectory.into()) }
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.pending.push(naming);
    }

    /// Gives a node a name that must be free.
    fn give(&mut self, path: &Path, node: impl FnOnce(&mut Self) -> io::Result<u64>) -> io::Result<u64> {
        self.check_parent(path)?;
        if self.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let node = node(self)?;
        self.name(Naming::Given(path.to_owned(), node));
        Ok(node)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let node = self.node(from)?;
        self.check_parent(to)?;
        // POSIX: two names of one file stay as they are.
        if self.names.get(to) != Some(&node) {
            self.name(Naming::Changed(from.to_owned(), to.to_owned(), node));
        }
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.node(path)?;
        self.name(Naming::Taken(path.to_owned()));
        Ok(())
    }

    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        self.node(directory)?;
        let (synced, rest) =
            std::mem::take(&mut self.pending).into_iter().partition(|n| n.directory() == directory);
        self.pending = rest;
        let synced: Vec<Naming> = synced;
        synced.iter().for_each(|naming| naming.apply(&mut self.durable));
        Ok(())
    }
}
