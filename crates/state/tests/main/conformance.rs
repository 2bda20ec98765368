//! What every store promises. Another backend calls [`conformance`] with a function that opens a
//! new handle, as another process would, on one fresh state.

use state::{StateError, StateStore, replay};

use crate::support::{Place, created, done, failed, holder, intent, operation, report, run, snapshot};

/// Runs every check, each on a fresh state.
pub async fn conformance<S: StateStore, P>(fresh: impl Fn() -> P, open: impl Fn(&P) -> S) {
    let place = fresh();
    nothing_is_not_an_error(&open(&place)).await;
    let place = fresh();
    locks_exclude_and_name_their_holder(&open(&place), &open(&place)).await;
    let place = fresh();
    snapshots_follow_each_other(&open(&place), &open(&place)).await;
    let place = fresh();
    journals_outlive_their_run(&open(&place), &open(&place)).await;
    let place = fresh();
    a_broken_lock_cannot_write(&open(&place), &open(&place)).await;
    let place = fresh();
    open_intents_are_not_forgotten(&open(&place)).await;
    let place = fresh();
    assert_eq!(open(&place).seal_key().await.expect("a key"), open(&place).seal_key().await.expect("a key"));
}

async fn nothing_is_not_an_error(store: &impl StateStore) {
    let stored = store.read().await.expect("no state is fine");
    assert!(stored.snapshot.is_none() && stored.journal.is_empty());
    assert!(store.holder().await.expect("no lock is fine").is_none());
}

async fn locks_exclude_and_name_their_holder(one: &impl StateStore, other: &impl StateStore) {
    let lock = one.lock(&holder("one")).await.expect("a free lock");
    let refused = other.lock(&holder("other")).await.expect_err("a lock that is held");
    assert!(refused.is_locked(), "{refused}");
    assert!(refused.to_string().contains("alice on laptop"), "{refused}");
    assert_eq!(other.holder().await.expect("a holder"), Some(holder("one")));
    let fencing = lock.fencing;
    one.unlock(lock).await.expect("our own lock");
    assert_eq!(other.holder().await.expect("no holder"), None);
    let lock = other.lock(&holder("other")).await.expect("a free lock");
    assert!(lock.fencing > fencing);
    drop(lock);
    one.lock(&holder("again")).await.expect("a dropped lock is free");
}

async fn snapshots_follow_each_other(one: &impl StateStore, other: &impl StateStore) {
    let lock = one.lock(&holder("one")).await.expect("a free lock");
    assert!(one.write(&lock, &snapshot(2, 1), &report()).await.expect_err("no first one").is_conflict());
    for serial in 1..4 {
        one.write(&lock, &snapshot(serial, 2), &report()).await.expect("the next one");
        let stored = other.read().await.expect("a good state");
        assert_eq!(stored.snapshot, Some(snapshot(serial, 2)));
    }
    assert!(one.write(&lock, &snapshot(3, 2), &report()).await.expect_err("an old one").is_conflict());
    assert!(one.write(&lock, &snapshot(5, 2), &report()).await.expect_err("one too far").is_conflict());
    let mut stranger = snapshot(4, 2);
    stranger.lineage = "another".to_owned();
    assert!(one.write(&lock, &stranger, &report()).await.expect_err("another lineage").is_conflict());
}

async fn journals_outlive_their_run(one: &impl StateStore, other: &impl StateStore) {
    let lock = one.lock(&holder("one")).await.expect("a free lock");
    let journal = one.journal(&lock, &run(0)).await.expect("a journal");
    for record in
        [intent(journal.next_sequence(), 0), operation(1), intent(journal.next_sequence(), 1), done(2)]
    {
        journal.append(record).await.expect("a legal record");
    }
    drop((journal, lock));

    let stored = other.read().await.expect("what was left");
    let replayed = replay(stored.snapshot.as_ref(), &stored.journal).expect("a good journal");
    assert_eq!(replayed.open.len(), 1);
    assert_eq!(replayed.open[0].operation_url.as_deref(), Some("https://management.azure.com/operations/1"));
    let folded = replayed.snapshot.expect("the first state");
    assert_eq!((folded.serial, folded.resources.len()), (0, 1));

    let lock = other.lock(&holder("other")).await.expect("a free lock");
    let journal = other.journal(&lock, &run(0)).await.expect("the same journal");
    assert_eq!(journal.next_sequence(), 3);
    journal.append(done(1)).await.expect("the end of what was open");
    let stored = other.read().await.expect("a good state");
    let replayed = replay(None, &stored.journal).expect("a good journal");
    assert!(replayed.open.is_empty());
    let mut next = replayed.snapshot.expect("the state");
    assert_eq!(next.resources.values().cloned().collect::<Vec<_>>(), [created(0), created(1)]);
    next.serial = 1;
    other.write(&lock, &next, &report()).await.expect("the first snapshot");
    let late = journal.append(intent(9, 2)).await.expect_err("an ended journal");
    assert!(matches!(late, StateError::JournalEnded), "{late}");
    let stored = one.read().await.expect("a good state");
    assert!(stored.journal.is_empty());
    assert_eq!(stored.snapshot, Some(next));
}

async fn a_broken_lock_cannot_write(one: &impl StateStore, other: &impl StateStore) {
    let lock = one.lock(&holder("one")).await.expect("a free lock");
    let journal = one.journal(&lock, &run(0)).await.expect("a journal");
    let unknown = other.break_lock("two").await.expect_err("another id");
    assert!(unknown.to_string().contains("lock id one"), "{unknown}");
    other.break_lock("one").await.expect("the holder's id");
    let refused = journal.append(intent(1, 0)).await.expect_err("a lost lock");
    assert!(refused.is_lock_lost(), "{refused}");
    let refused = one.write(&lock, &snapshot(1, 0), &report()).await.expect_err("a lost lock");
    assert!(refused.is_lock_lost(), "{refused}");
    assert!(one.read().await.expect("no state").snapshot.is_none());
}

async fn open_intents_are_not_forgotten(store: &impl StateStore) {
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    let journal = store.journal(&lock, &run(0)).await.expect("a journal");
    journal.append(intent(1, 0)).await.expect("an intent");
    let refused = store.write(&lock, &snapshot(1, 0), &report()).await.expect_err("an open intent");
    assert!(matches!(refused, StateError::OpenIntents { count: 1, .. }), "{refused}");
    journal.append(operation(1)).await.expect("its operation");
    let refused = store.write(&lock, &snapshot(1, 0), &report()).await.expect_err("an open operation");
    assert!(matches!(refused, StateError::OpenIntents { count: 1, .. }), "{refused}");
    let illegal = journal.append(operation(7)).await.expect_err("an operation of nothing");
    assert!(illegal.is_damaged(), "{illegal}");
    journal.append(failed(1, state::Outcome::Gone)).await.expect("its end");
    store.write(&lock, &snapshot(1, 0), &report()).await.expect("nothing is open");
}

#[tokio::test]
async fn the_local_store_conforms() {
    conformance(Place::new, Place::store).await;
}
