//! The simulated disk: what it promises, and what it takes.

use std::path::Path;
use std::sync::Arc;

use simulation::disk::{Loss, Platter, SimulatedDisk, Trouble};
use simulation::law::Law;
use simulation::life::{Death, Life, Side};
use simulation::tally::Tally;
use simulation::trace::Trace;
use state::{Disk, Links, Open, Share};
use testkit::Random;

fn platter() -> Arc<Platter> {
    Platter::new(&["/", "/p"], Law::default(), true)
}

fn process(
    platter: &Arc<Platter>,
    name: &str,
    death: Option<Death>,
    trouble: Option<(u64, Trouble)>,
) -> SimulatedDisk {
    let life = Life::new(name.to_owned(), death, Trace::begin(), Tally::default());
    SimulatedDisk::new(platter.clone(), life, Random::new(1), trouble, Tally::default())
}

fn write(disk: &SimulatedDisk, path: &str, bytes: &[u8], synced: bool) -> std::io::Result<()> {
    let mut file = disk.open(Path::new(path), Open::Either)?;
    file.append(bytes)?;
    if synced { file.sync() } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn only_what_was_synced_outlives_a_power_loss() {
    let platter = platter();
    let disk = process(&platter, "p1", None, None);
    write(&disk, "/p/a", b"one", true).expect("room");
    disk.sync_directory(Path::new("/p")).expect("a directory");
    write(&disk, "/p/a", b"two", false).expect("room");
    write(&disk, "/p/b", b"nameless", true).expect("room");
    platter.lose(Loss::Nothing, &mut Random::new(1));
    assert_eq!(platter.bytes(Path::new("/p/a")).as_deref(), Some(&b"onetwo"[..]));
    assert_eq!(platter.durable_bytes(Path::new("/p/a")).as_deref(), Some(&b"one"[..]));
    platter.lose(Loss::Dropped, &mut Random::new(1));
    assert_eq!(platter.bytes(Path::new("/p/a")).as_deref(), Some(&b"one"[..]));
    assert_eq!(platter.bytes(Path::new("/p/b")), None);
}

#[tokio::test(start_paused = true)]
async fn unsynced_bytes_are_torn_or_read_as_zeros() {
    for (loss, whole) in [(Loss::Torn, 3), (Loss::Zeroed, 9), (Loss::Kept, 9)] {
        let platter = platter();
        let disk = process(&platter, "p1", None, None);
        write(&disk, "/p/a", b"one", true).expect("room");
        disk.sync_directory(Path::new("/p")).expect("a directory");
        write(&disk, "/p/a", b"twotwo", false).expect("room");
        platter.lose(loss, &mut Random::new(5));
        let bytes = platter.bytes(Path::new("/p/a")).expect("it stands");
        assert!(bytes.starts_with(b"one") && bytes.len() >= whole, "{loss}: {bytes:?}");
        assert_eq!(bytes == b"onetwotwo", loss == Loss::Kept, "{loss}: {bytes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rename_is_not_durable_before_its_directory_is() {
    let platter = platter();
    let disk = process(&platter, "p1", None, None);
    write(&disk, "/p/a", b"old", true).expect("room");
    disk.sync_directory(Path::new("/p")).expect("a directory");
    write(&disk, "/p/t", b"new", true).expect("room");
    disk.rename(Path::new("/p/t"), Path::new("/p/a")).expect("a rename");
    assert_eq!(platter.bytes(Path::new("/p/a")).as_deref(), Some(&b"new"[..]));
    platter.lose(Loss::Dropped, &mut Random::new(1));
    assert_eq!(platter.bytes(Path::new("/p/a")).as_deref(), Some(&b"old"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_dead_process_changes_nothing() {
    for (side, bytes) in [(Side::Before, &b""[..]), (Side::Amid, b"o"), (Side::After, b"one")] {
        let platter = platter();
        let disk = process(&platter, "p1", Some(Death { at: 1, side }), None);
        write(&disk, "/p/a", b"one", true).expect_err("it dies");
        write(&disk, "/p/a", b"two", true).expect_err("it is dead");
        disk.remove(Path::new("/p/a")).expect_err("it is dead");
        assert_eq!(platter.bytes(Path::new("/p/a")).as_deref(), Some(bytes), "{side}");
    }
}

#[tokio::test(start_paused = true)]
async fn locks_keep_processes_apart_and_end_with_their_holder() {
    let platter = platter();
    let (one, two) = (process(&platter, "p1", None, None), process(&platter, "p2", None, None));
    let open = |disk: &SimulatedDisk| disk.open(Path::new("/p/lock"), Open::Either).expect("a file");
    let (first, second) = (open(&one), open(&two));
    assert!(first.try_lock(Share::Alone).expect("an answer"));
    assert!(!second.try_lock(Share::Together).expect("an answer"));
    assert!(!open(&one).try_lock(Share::Alone).expect("an answer"), "another handle of the same process");
    assert!(platter.is_locked_by(Path::new("/p/lock"), "p1"));
    platter.release("p1");
    assert!(second.try_lock(Share::Alone).expect("an answer"));
    drop(second);
    assert!(!platter.is_locked_by(Path::new("/p/lock"), "p2"));
}

#[tokio::test(start_paused = true)]
async fn trouble_is_what_a_disk_can_have() {
    let trouble = |kind| process(&platter(), "p1", None, Some((0, kind)));
    let error = write(&trouble(Trouble::Full), "/p/a", b"one", true).expect_err("no room");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    let error = trouble(Trouble::ReadOnly).make_directory(Path::new("/p/d")).expect_err("read-only");
    assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem);

    let platter = platter();
    let disk = process(&platter, "p1", None, Some((0, Trouble::SyncFails)));
    write(&disk, "/p/a", b"one", true).expect_err("a sync that fails");
    write(&disk, "/p/a", b"two", true).expect("the next one says that all is well");
    disk.sync_directory(Path::new("/p")).expect("a directory");
    assert_eq!(disk.look(Path::new("/p/a"), Links::Stay).expect("a look").map(|look| look.length), Some(6));
    platter.lose(Loss::Kept, &mut Random::new(1));
    assert_eq!(platter.bytes(Path::new("/p/a")).as_deref(), Some(&b""[..]), "and it was not");
}
