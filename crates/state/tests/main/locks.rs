//! The local lock: whatever happens to its files, there are never two writers.

use state::{StateError, StateStore};

use crate::support::{Place, done, holder, intent, report, run, snapshot};

#[tokio::test]
async fn a_lock_file_that_is_replaced_or_removed_ends_the_lock() {
    for remove in [true, false] {
        let place = Place::new();
        let store = place.store();
        let lock = store.lock(&holder("one")).await.expect("a free lock");
        let journal = store.journal(&lock, &run(0)).await.expect("a journal");
        std::fs::remove_file(place.file("state.lock")).expect("a lock file");
        if !remove {
            place.put("state.lock", b"");
        }
        assert!(journal.append(intent(1, 0)).await.expect_err("a lost lock").is_lock_lost());
        let refused = store.write(&lock, &snapshot(1, 0), &report()).await.expect_err("a lost lock");
        assert!(refused.is_lock_lost(), "{refused}");
        assert!(!place.file("state.json").exists());
    }
}

#[tokio::test]
async fn after_a_takeover_the_late_writer_is_refused() {
    let place = Place::new();
    let (late, next) = (place.store(), place.store());
    let lock = late.lock(&holder("late")).await.expect("a free lock");
    std::fs::remove_file(place.file("state.lock")).expect("a lock file");
    let taken = next.lock(&holder("next")).await.expect("a lock file of its own");
    assert!(taken.fencing > lock.fencing);
    assert!(late.write(&lock, &snapshot(1, 1), &report()).await.expect_err("a late write").is_lock_lost());
    next.write(&taken, &snapshot(1, 1), &report()).await.expect("the holder's write");
}

#[tokio::test]
async fn a_lock_of_another_store_is_no_lock() {
    let (here, there) = (Place::new(), Place::new());
    let lock = there.store().lock(&holder("one")).await.expect("a free lock");
    let refused = here.store().write(&lock, &snapshot(1, 0), &report()).await.expect_err("a strange lock");
    assert!(refused.is_lock_lost(), "{refused}");
}

#[tokio::test]
async fn what_a_dead_holder_left_is_no_holder() {
    let place = Place::new();
    let store = place.store();
    drop(store.lock(&holder("one")).await.expect("a free lock"));
    assert!(place.file("state.lock.json").exists());
    assert_eq!(store.holder().await.expect("nobody"), None);
    let error = store.break_lock("one").await.expect_err("nothing to break");
    assert!(matches!(error, StateError::NoSuchLock { holder: None, .. }), "{error}");
}

#[tokio::test]
async fn an_unreadable_holder_does_not_hinder_the_next() {
    let place = Place::new();
    place.put("state.lock.json", b"");
    let lock = place.store().lock(&holder("one")).await.expect("a free lock");
    assert_eq!(lock.fencing, 1);
}

#[tokio::test]
async fn asking_for_the_holder_never_gets_in_the_way() {
    let place = Place::new();
    let asking = place.store();
    let ask = async {
        for _ in 0..200 {
            asking.holder().await.expect("an answer");
        }
    };
    let taking = place.store();
    let take = async {
        for n in 0..50 {
            let lock = taking.lock(&holder(&n.to_string())).await.expect("a lock that nobody holds");
            taking.unlock(lock).await.expect("our own lock");
        }
    };
    futures_util::future::join(ask, take).await;
}

#[tokio::test]
async fn a_broken_lock_is_free_for_the_next_and_lost_for_its_holder() {
    let place = Place::new();
    let (late, next) = (place.store(), place.store());
    let lock = late.lock(&holder("late")).await.expect("a free lock");
    let journal = late.journal(&lock, &run(0)).await.expect("a journal");
    journal.append(intent(1, 0)).await.expect("an intent");
    next.break_lock("late").await.expect("the holder's id");
    assert_eq!(next.holder().await.expect("an answer"), None);
    let taken = next.lock(&holder("next")).await.expect("a lock that is free");
    assert!(taken.fencing > lock.fencing);
    assert_eq!(late.holder().await.expect("an answer"), Some(holder("next")));
    let goes_on = next.journal(&taken, &run(0)).await.expect("the same journal");

    let refused = journal.append(intent(2, 1)).await.expect_err("a lost lock");
    assert!(refused.is_lock_lost(), "{refused}");
    goes_on.append(done(1)).await.expect("the next holder's journal is its own");
    assert!(late.write(&lock, &snapshot(1, 1), &report()).await.expect_err("a late write").is_lock_lost());
    late.unlock(lock).await.expect("nothing that the next one has");
    assert_eq!(late.holder().await.expect("an answer"), Some(holder("next")));
    next.write(&taken, &snapshot(1, 1), &report()).await.expect("the holder's write");
}

#[tokio::test]
async fn a_late_journal_write_never_reaches_the_next_holders_journal() {
    use std::io::Write as _;
    let place = Place::new();
    let late = place.store();
    let lock = late.lock(&holder("late")).await.expect("a free lock");
    drop(late.journal(&lock, &run(0)).await.expect("a journal"));
    // As a process has it that stood still between looking at its lock and writing.
    let mut open = std::fs::File::options().append(true).open(place.file("journal")).expect("a journal");
    let next = place.store();
    next.break_lock("late").await.expect("the holder's id");
    let taken = next.lock(&holder("next")).await.expect("a lock that is free");
    let journal = next.journal(&taken, &run(0)).await.expect("the same journal");
    open.write_all(b"2 0123456789abcdef []\n").expect("its file is still open");
    journal.append(intent(1, 0)).await.expect("a record");
    assert_eq!(next.read().await.expect("an undamaged journal").journal.len(), 3);
}

#[tokio::test]
async fn a_lock_is_not_broken_in_the_middle_of_a_write() {
    let place = Place::new();
    let store = place.store();
    let _lock = store.lock(&holder("one")).await.expect("a free lock");
    let options = std::fs::File::options().create(true).append(true).clone();
    let writing = options.open(place.file("state.writing")).expect("a file");
    writing.lock().expect("the lock of one who publishes");
    assert!(matches!(place.store().break_lock("one").await, Err(StateError::Writing)));
    drop(writing);
    place.store().break_lock("one").await.expect("the holder's id");
}

#[tokio::test]
async fn another_holder_or_another_number_in_the_record_ends_the_lock() {
    for (key, other) in [("fencing", serde_json::json!(99)), ("id", serde_json::json!("two"))] {
        let place = Place::new();
        let store = place.store();
        let lock = store.lock(&holder("one")).await.expect("a free lock");
        let mut record: serde_json::Value =
            serde_json::from_slice(&place.bytes("state.lock.json")).expect("JSON");
        let at = if key == "id" { &mut record["holder"] } else { &mut record };
        assert!(!at[key].is_null(), "{at}");
        at[key] = other;
        place.put("state.lock.json", record.to_string().as_bytes());
        let refused = store.write(&lock, &snapshot(1, 0), &report()).await.expect_err("a lost lock");
        assert!(refused.is_lock_lost(), "{key}: {refused}");
    }
}

#[tokio::test]
async fn each_lock_has_a_higher_number_than_all_before_it() {
    let place = Place::new();
    let mut last = 0;
    for round in 0..3 {
        let (store, id) = (place.store(), format!("holder {round}"));
        let lock = store.lock(&holder(&id)).await.expect("a free lock");
        assert!(lock.fencing > last, "{} after {last}", lock.fencing);
        last = lock.fencing;
        store.break_lock(&id).await.expect("a lock that is held");
    }
}

#[tokio::test]
async fn asking_for_the_holder_makes_no_lock() {
    let place = Place::new();
    place.put("other", b"");
    assert_eq!(place.store().holder().await.expect("nobody"), None);
    assert!(!place.file("state.lock").exists());
}
