//! The disk as one process sees it: each effect is one of its life, and may be its last.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use state::{Disk, DiskFile, Identity, Links, Look, Open, Shape};
use testkit::Random;

use super::file::OpenFile;
use super::{DEVICE, Node, Platter};
use crate::life::{Effect, Life};
use crate::tally::Tally;

/// The user that everything belongs to.
const USER: u32 = 1000;

/// What is wrong with the disk, for one process, from one of its effects on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// There is no room.
    Full,
    /// Nothing can be changed.
    ReadOnly,
    /// One sync fails, and what it was for is never durable.
    SyncFails,
}

impl Trouble {
    /// Every one.
    pub const ALL: [Trouble; 3] = [Trouble::Full, Trouble::ReadOnly, Trouble::SyncFails];
}

/// A [`Platter`] as one process sees it.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<View>);

pub(super) struct View {
    pub(super) platter: Arc<Platter>,
    pub(super) life: Arc<Life>,
    random: Mutex<Random>,
    trouble: Mutex<Option<(u64, Trouble)>>,
    tally: Tally,
}

impl SimulatedDisk {
    /// The view of a process; `trouble` begins at one of its effects.
    pub fn new(
        platter: Arc<Platter>,
        life: Arc<Life>,
        random: Random,
        trouble: Option<(u64, Trouble)>,
        tally: Tally,
    ) -> Self {
        let (random, trouble) = (Mutex::new(random), Mutex::new(trouble));
        Self(Arc::new(View { platter, life, random, trouble, tally }))
    }
}

impl View {
    /// One effect on the disk, unless trouble forbids it.
    pub(super) fn effect<T>(
        &self,
        effect: Effect,
        words: fmt::Arguments<'_>,
        act: impl FnOnce(bool) -> io::Result<T>,
    ) -> io::Result<T> {
        if let Some(error) = self.trouble_with(effect) {
            self.life.trace.note(format_args!("{} {effect:?} {words}: {error}", self.life.name));
            return Err(error);
        }
        self.life.effect(effect, words, act).unwrap_or_else(|| Err(io::Error::other("the process is dead")))
    }

    fn trouble_with(&self, effect: Effect) -> Option<io::Error> {
        let mut trouble = self.trouble.lock().expect("BUG: a holder of the lock panicked");
        let (_, kind) = trouble.filter(|(from, _)| self.life.age() >= *from)?;
        let error = match (kind, effect) {
            (Trouble::Full, Effect::Append | Effect::Create | Effect::MakeDirectory) => {
                ErrorKind::StorageFull.into()
            }
            (Trouble::ReadOnly, Effect::Sync | Effect::SyncDirectory | Effect::Lock) => return None,
            (Trouble::ReadOnly, _) => ErrorKind::ReadOnlyFilesystem.into(),
            (Trouble::SyncFails, Effect::Sync) => {
                *trouble = None;
                io::Error::other("input/output error")
            }
            _ => return None,
        };
        self.tally.count(format!("disk {kind:?}"));
        Some(error)
    }

    pub(super) fn fails_sync(&self) -> bool {
        let trouble = self.trouble.lock().expect("BUG: a holder of the lock panicked");
        trouble.is_some_and(|(from, kind)| kind == Trouble::SyncFails && self.life.age() >= from)
    }
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedDisk").field("process", &self.0.life.name).finish_non_exhaustive()
    }
}

/// The last part of a path, for traces.
pub(super) fn short(path: &Path) -> std::path::Display<'_> {
    Path::new(path.file_name().unwrap_or(path.as_os_str())).display()
}

impl Disk for SimulatedDisk {
    fn look(&self, path: &Path, _: Links) -> io::Result<Option<Look>> {
        let inner = self.0.platter.inner();
        let look = |number: &u64| {
            let node = &inner.nodes[number];
            let shape = if node.directory { Shape::Directory } else { Shape::File };
            Look { shape, length: node.bytes.len() as u64, owner: USER, identity: Identity(DEVICE, *number) }
        };
        Ok(inner.names.get(path).map(look))
    }

    fn user(&self) -> Option<u32> {
        Some(USER)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.platter.bytes(path).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let inner = self.0.platter.inner();
        let inside = inner.names.keys().filter(|path| path.parent() == Some(directory));
        Ok(inside.filter_map(|path| path.file_name().map(OsString::from)).collect())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let standing = self.0.platter.inner().node(path);
        let node = match (standing, how) {
            (Ok(_), Open::New) => return Err(ErrorKind::AlreadyExists.into()),
            (Err(error), Open::Standing) => return Err(error),
            (Ok(node), _) => node,
            (Err(_), _) => self.0.effect(Effect::Create, format_args!("{}", short(path)), |_| {
                self.0.platter.inner().give(path, |inner| Ok(inner.add(Node::default())))
            })?,
        };
        Ok(Box::new(OpenFile::new(Arc::clone(&self.0), node, path)))
    }

    fn make_directory(&self, directory: &Path) -> io::Result<()> {
        self.0.effect(Effect::MakeDirectory, format_args!("{}", short(directory)), |_| {
            let node = Node { directory: true, ..Node::default() };
            self.0.platter.inner().give(directory, |inner| Ok(inner.add(node))).map(drop)
        })
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.0.effect(Effect::SyncDirectory, format_args!("{}", short(directory)), |_| {
            if self.0.platter.honest { self.0.platter.inner().sync_directory(directory) } else { Ok(()) }
        })
    }

    fn link(&self, path: &Path, second: &Path) -> io::Result<()> {
        self.0.effect(Effect::Link, format_args!("{} {}", short(path), short(second)), |_| {
            self.0.platter.inner().give(second, |inner| inner.node(path)).map(drop)
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.effect(Effect::Rename, format_args!("{} {}", short(from), short(to)), |_| {
            let before = self.0.platter.bytes(to);
            self.0.platter.inner().rename(from, to)?;
            self.0.platter.law.named(to, before.as_deref(), self.0.platter.bytes(to).as_deref());
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.platter.inner().node(path)?;
        self.0
            .effect(Effect::Remove, format_args!("{}", short(path)), |_| self.0.platter.inner().remove(path))
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        let mut random = self.0.random.lock().expect("BUG: a holder of the lock panicked");
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&random.bits().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }

    fn never_waits(&self) -> bool {
        true
    }
}
