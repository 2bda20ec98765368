//! What the local store does with its directory.

use std::os::unix::fs::symlink;

use state::{LocalStore, StateError, StateStore};

use crate::support::{Place, done, holder, intent, mode, report, run, snapshot};

async fn with_states(serials: u64) -> Place {
    let place = Place::new();
    let store = place.store();
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    for serial in 1..=serials {
        store.write(&lock, &snapshot(serial, 2), &report()).await.expect("the next one");
    }
    place
}

#[tokio::test]
async fn files_are_for_their_owner_only() {
    let place = with_states(2).await;
    let store = place.store();
    store.seal_key().await.expect("a key");
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    let _journal = store.journal(&lock, &run(2)).await.expect("a journal");
    assert_eq!(mode(&place.dir()), 0o700);
    let names: Vec<_> = std::fs::read_dir(place.dir()).expect("files").flatten().map(|e| e.path()).collect();
    assert_eq!(names.len(), 9, "{names:?}");
    for name in names {
        assert_eq!(mode(&name), if name.is_dir() { 0o700 } else { 0o600 }, "{name:?}");
    }
}

#[tokio::test]
async fn the_backup_is_the_state_before() {
    let place = with_states(3).await;
    let backup = state::decode(&place.bytes("state.json.backup")).expect("a good backup");
    assert_eq!(backup.serial, 2);
}

#[tokio::test]
async fn what_a_killed_writer_left_does_no_harm_and_is_cleared() {
    let place = with_states(2).await;
    // Killed after the backup was renamed: both names are one file, and the new state has no name yet.
    std::fs::remove_file(place.file("state.json.backup")).expect("a backup");
    std::fs::hard_link(place.file("state.json"), place.file("state.json.backup")).expect("a link");
    place.put(".plumb-x1.tmp", b"half a sta");
    std::fs::hard_link(place.file("state.json"), place.file(".plumb-x2.tmp")).expect("a link");
    let store = place.store();
    assert_eq!(store.read().await.expect("a good state").snapshot, Some(snapshot(2, 2)));
    let lock = store.lock(&holder("two")).await.expect("a free lock");
    store.write(&lock, &snapshot(3, 2), &report()).await.expect("the next one");
    assert_eq!(state::decode(&place.bytes("state.json.backup")).expect("a good backup").serial, 2);
    let names = std::fs::read_dir(place.dir()).expect("files").flatten().map(|e| e.file_name());
    assert!(!names.into_iter().any(|name| name.to_string_lossy().contains(".tmp")));
}

#[tokio::test]
async fn nothing_is_written_over_a_damaged_state() {
    let place = with_states(1).await;
    place.put("state.json", b"");
    let store = place.store();
    let error = store.read().await.expect_err("an empty state");
    let text = error.to_string();
    assert!(error.is_damaged() && text.contains("is empty"), "{text}");
    assert!(text.contains("plumb state push") && text.contains("/.plumb/history/1.state.json"), "{text}");
    let lock = store.lock(&holder("two")).await.expect("a free lock");
    assert!(store.write(&lock, &snapshot(1, 0), &report()).await.expect_err("a damaged state").is_damaged());
    assert!(store.journal(&lock, &run(0)).await.expect_err("a damaged state").is_damaged());
    assert_eq!(place.bytes("state.json"), b"");
}

#[tokio::test]
async fn an_older_or_missing_or_swapped_state_is_noticed() {
    let place = with_states(3).await;
    let good = place.bytes("state.json");
    let mut other = snapshot(3, 2);
    other.resources.pop_first();
    let mut stranger = snapshot(9, 2);
    stranger.lineage = "another".to_owned();
    for (bytes, words) in [
        (Some(place.bytes("state.json.backup")), "is serial 2 of lineage"),
        (Some(state::encode(&other)), "same serial and other content"),
        (Some(state::encode(&stranger)), "is serial 9 of lineage another"),
        (None, "is missing"),
    ] {
        match &bytes {
            Some(bytes) => place.put("state.json", bytes),
            None => std::fs::remove_file(place.file("state.json")).expect("a state"),
        }
        let error = place.store().read().await.expect_err("not the last seen");
        assert!(error.is_rolled_back() && error.to_string().contains(words), "{error}");
        let accepted = place.store().accept_older(true).read().await.expect("it was asked for");
        assert_eq!(accepted.snapshot.is_some(), bytes.is_some());
    }
    place.put("state.json", &good);
    place.store().read().await.expect("the last seen");
    place.put("state.json", &state::encode(&snapshot(4, 2)));
    place.store().read().await.expect("a newer one");
}

#[tokio::test]
async fn an_accepted_older_state_goes_on() {
    let place = with_states(3).await;
    place.put("state.json", &place.bytes("state.json.backup"));
    let store = place.store().accept_older(true);
    let lock = store.lock(&holder("two")).await.expect("a free lock");
    let journal = store.journal(&lock, &run(2)).await.expect("a journal");
    store.write(&lock, &snapshot(3, 1), &report()).await.expect("the next one");
    drop(journal);
    place.store().read().await.expect("now the last seen");
}

#[tokio::test]
async fn a_run_that_cannot_write_fails_before_it_begins() {
    let place = Place::new();
    let file = place.root.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let store = LocalStore::new(place.dir(), file.join("state.json"));
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    let error = store.journal(&lock, &run(0)).await.expect_err("no room for a state");
    assert!(matches!(error, StateError::Io { .. }), "{error}");
    assert!(!place.file("journal").exists());

    let store = LocalStore::new(file.join(".plumb"), file.join("state.json"));
    store.lock(&holder("one")).await.expect_err("a directory below a file");
}

#[tokio::test]
async fn links_and_odd_files_are_refused() {
    let place = Place::new();
    let elsewhere = Place::new();
    symlink(elsewhere.root.path(), place.dir()).expect("a link");
    for error in [
        place.store().lock(&holder("one")).await.expect_err("a link"),
        place.store().read().await.expect_err("a link"),
        place.store().seal_key().await.expect_err("a link"),
    ] {
        assert!(matches!(error, StateError::Unsafe { .. }), "{error}");
    }
    let place = with_states(1).await;
    std::fs::rename(place.file("state.json"), place.file("kept.json")).expect("a rename");
    symlink("kept.json", place.file("state.json")).expect("a link");
    assert!(matches!(place.store().read().await.expect_err("a link"), StateError::Unsafe { .. }));
}

#[tokio::test]
async fn a_directory_of_another_user_is_refused() {
    let place = with_states(1).await;
    // Only root can give a directory away.
    if std::os::unix::fs::chown(place.dir(), Some(54_321), None).is_err() {
        return;
    }
    let error = place.store().read().await.expect_err("another's directory");
    assert!(error.to_string().contains("belongs to another user"), "{error}");
    // The owner of the project may own the state, whoever runs plumb.
    std::os::unix::fs::chown(place.root.path(), Some(54_321), None).expect("root");
    place.store().read().await.expect("the project owner's directory");
}

#[tokio::test]
async fn a_state_elsewhere_gets_its_directory() {
    let place = Place::new();
    let file = place.root.path().join("states/prod.json");
    let store = LocalStore::new(place.dir(), file.clone());
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    store.write(&lock, &snapshot(1, 0), &report()).await.expect("the first one");
    assert_eq!(mode(&file), 0o600);
}

#[tokio::test]
async fn a_damaged_key_is_refused() {
    let place = Place::new();
    let (one, other) = (place.store(), place.store());
    let (one, other) = futures_util::future::join(one.seal_key(), other.seal_key()).await;
    assert_eq!(one.expect("a key"), other.expect("the same key"));
    place.put("seal.key", b"short");
    let error = place.store().seal_key().await.expect_err("a damaged key");
    assert!(matches!(error, StateError::SealKey { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_need_no_lock() {
    let place = Place::new();
    let reader = place.store();
    let reading = tokio::spawn(async move {
        let mut serial = 0;
        while serial < 60 {
            let stored = reader.read().await.expect("a whole state and its journal");
            let replayed = state::replay(stored.snapshot.as_ref(), &stored.journal).expect("they fit");
            let now = replayed.snapshot.map_or(0, |snapshot| snapshot.serial);
            assert!(now >= serial);
            serial = now;
        }
    });
    let store = place.store();
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    for serial in 1..=60 {
        let journal = store.journal(&lock, &run(serial - 1)).await.expect("a journal");
        journal.append(intent(1, 0)).await.expect("an intent");
        journal.append(done(1)).await.expect("its end");
        store.write(&lock, &snapshot(serial, 2), &report()).await.expect("the next one");
    }
    reading.await.expect("no failed read");
}

#[tokio::test]
async fn three_hundred_of_three_hundred_flipped_bits_and_every_cut_are_noticed() {
    let place = with_states(2).await;
    let good = place.bytes("state.json");
    let mut random = testkit::Random::new(20261121);
    let mut noticed = 0;
    for _ in 0..300 {
        let bit = random.below(good.len() as u64 * 8) as usize;
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        place.put("state.json", &bytes);
        noticed += usize::from(place.store().read().await.is_err_and(|error| error.is_damaged()));
    }
    assert_eq!(noticed, 300);
    for length in 0..good.len() {
        place.put("state.json", &good[..length]);
        let error = place.store().read().await.expect_err("a cut state");
        assert!(
            error.is_damaged() && error.to_string().contains("history/2.state.json"),
            "{length}: {error}"
        );
    }
    place.put("state.json", &good);
    place.store().read().await.expect("the good one");
}

#[tokio::test]
async fn files_are_private_whenever_one_looks() {
    let place = Place::new();
    std::fs::create_dir_all(place.root.path()).expect("a directory");
    let dir = place.dir();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let watcher = std::thread::spawn(move || {
        let mut looks = 0_u64;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            for path in [dir.clone(), dir.join("history")] {
                for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
                    let Ok(metadata) = entry.metadata() else { continue };
                    use std::os::unix::fs::PermissionsExt;
                    assert_eq!(metadata.permissions().mode() & 0o077, 0, "{:?}", entry.path());
                    looks += 1;
                }
            }
        }
        looks
    });
    let store = place.store();
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    for serial in 1..=40 {
        let journal = store.journal(&lock, &run(serial - 1)).await.expect("a journal");
        journal.append(intent(1, 0)).await.expect("an intent");
        journal.append(done(1)).await.expect("its end");
        store.write(&lock, &snapshot(serial, 2), &report()).await.expect("the next one");
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(watcher.join().expect("every file was private") > 100);
}
