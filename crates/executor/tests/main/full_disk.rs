//! The disk fills up at every moment of a run: from then on no request leaves, and the next run finishes.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use state::{Disk, DiskFile, Identity, Links, Look, Open, OsDisk, Share, StateError, decode};

use crate::bench::{Bench, WORKSPACE};
use crate::world::World;

const FULL: &str = "(the disk is full)";

const CLUSTERS: &str = "---
kind: cluster
name: alpha
workspace: research
---
kind: cluster
name: beta
workspace: research
---
kind: cluster
name: gamma
workspace: research
";

/// A disk with room for so many appends after the journal's first.
#[derive(Clone)]
struct Room {
    world: Arc<World>,
    left: Arc<AtomicU64>,
    begun: Arc<AtomicBool>,
    /// A directory that has room all the same.
    spared: PathBuf,
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Room")
    }
}

impl Room {
    fn new(bench: &Bench, appends: u64) -> Self {
        let spared = bench.dir().parent().expect("the project").join("refuge");
        std::fs::create_dir_all(&spared).expect("a directory");
        Self {
            world: bench.world.clone(),
            left: Arc::new(AtomicU64::new(appends)),
            begun: Arc::default(),
            spared,
        }
    }

    fn is_full(&self) -> bool {
        self.begun.load(Ordering::Relaxed) && self.left.load(Ordering::Relaxed) == 0
    }

    /// Takes room for one append; the first that finds none is noted in the cloud's log.
    fn take(&self, path: &Path) -> io::Result<()> {
        if path.starts_with(&self.spared) || !self.begun.load(Ordering::Relaxed) {
            return Ok(());
        }
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        taken.map(drop).map_err(|_| {
            self.world.log.lock().expect("log").push(FULL.to_owned());
            io::ErrorKind::StorageFull.into()
        })
    }
}

struct File {
    room: Room,
    path: PathBuf,
    inner: Box<dyn DiskFile>,
}

impl Disk for Room {
    fn look(&self, path: &Path, links: Links) -> io::Result<Option<Look>> {
        OsDisk.look(path, links)
    }
    fn user(&self) -> Option<u32> {
        OsDisk.user()
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        OsDisk.read(path)
    }
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        OsDisk.list(directory)
    }
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let inner = OsDisk.open(path, how)?;
        if path.ends_with("journal") {
            self.begun.store(true, Ordering::Relaxed);
        }
        Ok(Box::new(File { room: self.clone(), path: path.to_owned(), inner }))
    }
    fn make_directory(&self, directory: &Path) -> io::Result<()> {
        OsDisk.make_directory(directory)
    }
    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        OsDisk.sync_directory(directory)
    }
    fn link(&self, path: &Path, second: &Path) -> io::Result<()> {
        OsDisk.link(path, second)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove(path)
    }
    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        OsDisk.random(bytes)
    }
}

impl DiskFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.room.take(&self.path)?;
        self.inner.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.inner.sync()
    }
    fn identity(&self) -> io::Result<Identity> {
        self.inner.identity()
    }
    fn try_lock(&self, share: Share) -> io::Result<bool> {
        self.inner.try_lock(share)
    }
}

/// Requests that change the cloud, as its log has them.
fn is_change(words: &str) -> bool {
    ["create ", "put ", "patch ", "delete ", "start ", "stop "].iter().any(|verb| words.starts_with(verb))
}

#[test]
fn no_request_leaves_after_the_first_failed_write_and_the_next_run_finishes() {
    let documents = format!("{WORKSPACE}{CLUSTERS}");
    let (mut halted, mut unsaved) = (0, 0);
    for appends in 0.. {
        let mut bench = Bench::new();
        let room = Room::new(&bench, appends);
        bench.disk = Arc::new(room.clone());
        let error = bench.unrecorded(&documents);
        let log = bench.world.take_log();
        let full = log.iter().position(|words| words == FULL);
        assert_eq!(error.is_some(), full.is_some(), "{appends}: {error:?}");
        let (Some(error), Some(full)) = (error, full) else {
            assert!(!room.is_full() || appends > 0);
            break;
        };
        let late: Vec<&String> = log[full..].iter().filter(|words| is_change(words)).collect();
        assert_eq!(late, Vec::<&String>::new(), "{appends}");
        for begun in log[..full].iter().filter(|words| is_change(words)) {
            let name = begun.split(' ').nth(1).expect("a name");
            let waited = log.iter().any(|words| words.starts_with("wait ") && words.ends_with(name));
            assert!(waited, "{appends}: {begun} is in flight, and nobody waits: {log:?}");
        }
        match &error {
            StateError::Halted { .. } => halted += 1,
            StateError::Unsaved { recovery: Some(recovery), .. } => {
                unsaved += 1;
                let bytes = std::fs::read(recovery).expect("the recovery file");
                let saved = decode(&bytes).expect("a good state");
                assert_eq!((saved.serial, saved.resources.len()), (1, 5));
                let text = error.to_string();
                assert!(text.contains(&format!("plumb state push {}", recovery.display())), "{text}");
            }
            other => panic!("{appends}: {other:?}"),
        }
        let words = error.to_string();
        assert!(words.contains("plumb apply") && words.contains("make room there first"), "{words}");

        bench.disk = Arc::new(OsDisk);
        let ran = bench.apply(&documents);
        assert!(ran.applied.is_complete(), "{appends}: {:?}", ran.applied);
        assert!(bench.apply(&documents).plan.is_empty(), "{appends}");
        assert!(bench.world.inner().births.values().all(|births| *births == 1), "{appends}");
    }
    assert!(halted > 5 && unsaved > 1, "{halted} runs halted and {unsaved} were not saved");
}
