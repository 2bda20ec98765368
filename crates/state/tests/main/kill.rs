//! A writer that is killed at any time: the state is whole, the journal replays, the lock is free.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use state::{LocalStore, StateStore, replay};

use crate::support::{Place, created, done, holder, intent, report, run, snapshot};

const CHILD: &str = "PLUMB_STATE_TEST_DIR";
const KILLS: u64 = 60;
const RESOURCES: usize = 100;

/// The child's part: it writes states and journals until it is killed.
#[tokio::test]
async fn killed_writer() {
    let Some(dir) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let store = LocalStore::new(dir.clone(), dir.join("state.json"));
    let lock = store.lock(&holder("child")).await.expect("a lock that a killed process held");
    std::fs::write(dir.join("ready"), "").expect("a mark");
    loop {
        let stored = store.read().await.expect("a good state");
        let base = stored.snapshot.as_ref().map_or(0, |snapshot| snapshot.serial);
        let journal = store.journal(&lock, &run(base)).await.expect("a journal");
        for open in replay(stored.snapshot.as_ref(), &stored.journal).expect("a legal journal").open {
            journal.append(done(open.sequence)).await.expect("an end");
        }
        let sequence = journal.next_sequence();
        journal.append(intent(sequence, 0)).await.expect("an intent");
        journal.append(done(sequence)).await.expect("its end");
        store.write(&lock, &snapshot(base + 1, RESOURCES), &report()).await.expect("the next one");
    }
}

fn start(place: &Place) -> Child {
    let _ = std::fs::remove_file(place.file("ready"));
    let tests = std::env::current_exe().expect("this binary");
    let mut command = Command::new(tests);
    command.args(["--exact", "kill::killed_writer"]).env(CHILD, place.dir());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a child")
}

/// However long that takes: a child that cannot get its lock ends.
fn wait_until_ready(place: &Place, child: &mut Child) {
    while !place.file("ready").exists() {
        assert!(child.try_wait().expect("a child").is_none(), "the child does not get its lock");
        std::thread::yield_now();
    }
}

/// The serial of the state file, which is a whole one whenever one looks; 0 before the first.
fn whole(place: &Place, serial: u64) -> u64 {
    match std::fs::read(place.file("state.json")) {
        Ok(bytes) => state::decode(&bytes).expect("a whole state").serial,
        Err(error) => {
            assert!(error.kind() == std::io::ErrorKind::NotFound && serial == 0, "{error}");
            0
        }
    }
}

#[tokio::test]
async fn in_sixty_kills_nothing_is_torn_absent_or_lost_and_the_lock_is_free() {
    let place = Place::new();
    let store = place.store().keep_history(20);
    let mut random = testkit::Random::new(20261121);
    let mut serial = 0;
    for _ in 0..KILLS {
        let mut child = start(&place);
        wait_until_ready(&place, &mut child);
        let refused = store.lock(&holder("parent")).await.expect_err("the child has it");
        assert!(refused.is_locked(), "{refused}");
        // It has written some states, and is looked at some more times, before it is killed.
        let (enough, mut looks) = (serial + 1 + random.below(3), random.below(4));
        while serial < enough || looks > 0 {
            looks = if serial < enough { looks } else { looks - 1 };
            let now = whole(&place, serial);
            assert!(now >= serial);
            serial = now;
            assert!(child.try_wait().expect("a child").is_none(), "it writes until it is killed");
        }
        child.kill().expect("a kill");
        child.wait().expect("an end");

        let now = whole(&place, serial);
        assert!(now >= serial);
        serial = now;
        let stored = store.read().await.expect("a whole state");
        let replayed = replay(stored.snapshot.as_ref(), &stored.journal).expect("a legal journal");
        assert!(replayed.open.len() <= 1);
        if let Some(entry) = replayed.snapshot.and_then(|mut state| state.resources.pop_first()) {
            assert!(entry.1 == created(0) || entry.1.arm_id == created(0).arm_id);
        }
        if place.file("state.json.backup").exists() {
            state::decode(&place.bytes("state.json.backup")).expect("a whole backup");
        }
        let history = store.history().await.expect("a whole history");
        if let Some(last) = history.iter().rev().find(|past| past.wrote()) {
            assert_eq!(last.serial, now, "the last run that wrote is the one whose state is there");
            assert_eq!(Some(store.snapshot_at(last.number).await.expect("its state")), stored.snapshot);
        }
        drop(store.lock(&holder("parent")).await.expect("a lock that is free at once"));
    }
    assert!(serial >= KILLS, "the children did write: {serial}");
}
