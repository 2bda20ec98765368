//! The journal: cut anywhere it replays to what was durable; damaged anywhere it is refused.

use futures_util::future::join_all;
use model::Status;
use state::{Outcome, Record, Run, StateError, StateStore, replay};

use crate::support::{
    Place, address, created, done, entry, failed, holder, intent, operation, report, run, snapshot,
};

/// A journal with a line for each record, and where each line ends.
async fn written(records: &[Record]) -> (Vec<u8>, Vec<usize>) {
    let place = Place::new();
    let store = place.store();
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    let journal = store.journal(&lock, &run(0)).await.expect("a journal");
    for record in records {
        journal.append(record.clone()).await.expect("a legal record");
    }
    let bytes = place.bytes("journal");
    let ends = (0..bytes.len()).filter(|&at| bytes[at] == b'\n').map(|at| at + 1).collect();
    (bytes, ends)
}

fn tainted(n: usize) -> Outcome {
    let mut left = entry(n);
    left.status = Status::Tainted;
    Outcome::Entry(Box::new(left))
}

fn story() -> Vec<Record> {
    vec![intent(1, 0), operation(1), intent(2, 1), done(1), operation(2), failed(2, tainted(1))]
}

#[tokio::test]
async fn cut_after_any_byte_it_gives_the_whole_lines_and_goes_on() {
    let (bytes, ends) = written(&story()).await;
    for length in ends[0]..=bytes.len() {
        let place = Place::new();
        place.put("journal", &bytes[..length]);
        let store = place.store();
        let stored = store.read().await.unwrap_or_else(|error| panic!("{length}: {error}"));
        let whole = ends[1..].iter().filter(|&&end| end <= length).count();
        assert_eq!(stored.journal.len(), whole, "{length}");
        replay(None, &stored.journal).expect("what is durable replays");
        if length % 7 != 0 && !ends.contains(&length) {
            continue;
        }

        let lock = store.lock(&holder("next")).await.expect("a free lock");
        let journal = store.journal(&lock, &run(0)).await.expect("the same journal");
        journal.append(intent(journal.next_sequence(), 7)).await.expect("a record more");
        assert_eq!(store.read().await.expect("no torn line").journal.len(), whole + 2, "{length}");
    }
}

#[tokio::test]
async fn each_record_leaves_what_it_says() {
    let begin = Run { environment: "prod".to_owned(), ..run(0) };
    let all = [vec![Record::Begin(begin)], story()].concat();
    let at = |length: usize| replay(None, &all[..length]).expect("a legal journal");
    let open = |length: usize| at(length).open.iter().map(|open| open.sequence).collect::<Vec<_>>();
    assert_eq!((open(1), open(2), open(4), open(5), open(7)), (vec![], vec![1], vec![1, 2], vec![2], vec![]));
    assert_eq!(at(3).open[0].operation_url.as_deref(), Some("https://management.azure.com/operations/1"));
    let end = at(7).snapshot.expect("a state");
    assert_eq!(end.resources[&address(0)], created(0));
    assert_eq!(end.resources[&address(1)].status, Status::Tainted);
    assert_eq!((end.serial, end.lineage), (0, run(0).lineage));
    assert_eq!((end.cloud, end.environment.as_str()), (run(0).cloud, "prod"));
}

#[tokio::test]
async fn damage_before_its_end_is_refused_and_never_taken_for_a_torn_one() {
    let (bytes, ends) = written(&story()).await;
    let place = Place::new();
    let refused = async |bytes: &[u8], what: &str| {
        place.put("journal", bytes);
        let error = place.store().read().await.expect_err(what);
        assert!(error.is_damaged(), "{what}: {error}");
    };
    // Its first line is written with the file: there is no half of it.
    for length in 0..ends[0] {
        refused(&bytes[..length], &format!("cut to {length}")).await;
    }
    let last = ends[ends.len() - 2];
    for at in ends[0]..last {
        let mut other = bytes.clone();
        other[at] ^= 1;
        refused(&other, &format!("byte {at}")).await;
        refused(&[&bytes[..at], &bytes[at + 1..]].concat(), &format!("without byte {at}")).await;
    }
}

#[tokio::test]
async fn every_flipped_bit_is_refused() {
    let (bytes, _) = written(&[intent(1, 0), done(1)]).await;
    let place = Place::new();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        place.put("journal", &damaged);
        let error = place.store().read().await.expect_err(&format!("bit {bit}"));
        assert!(error.is_damaged(), "{bit}: {error}");
    }
}

#[tokio::test]
async fn a_last_line_with_holes_was_never_durable() {
    let (bytes, ends) = written(&story()).await;
    let place = Place::new();
    let [.., before, last] = ends[..] else { panic!("lines") };
    for hole in [before..last - 1, before..before + 2, before + 9..last, last - 1..last] {
        let mut torn = bytes.clone();
        torn[hole].fill(0);
        place.put("journal", &torn);
        let stored = place.store().read().await.expect("a torn end");
        assert_eq!(stored.journal.len(), story().len());
    }
}

#[tokio::test]
async fn odd_journals_are_refused() {
    let (bytes, ends) = written(&story()).await;
    let dropped = [&bytes[..ends[1]], &bytes[ends[2]..]].concat();
    let doubled = [&bytes[..ends[2]], &bytes[ends[1]..]].concat();
    let newer = [b"plumb journal 2\n", &bytes[ends[0]..]].concat();
    for (bytes, words) in [
        (vec![], "is empty"),
        (dropped, "damaged at line 3"),
        (doubled, "damaged at line 4"),
        (newer, "format 2"),
        (b"\xef\xbb\xbfplumb journal 1\n".to_vec(), "does not begin as one"),
    ] {
        let place = Place::new();
        place.put("journal", &bytes);
        let error = place.store().read().await.expect_err("a bad journal");
        assert!(
            matches!(error, StateError::JournalDamaged { .. }) && error.to_string().contains(words),
            "{error}"
        );
    }
}

#[test]
fn illegal_steps_are_corruption() {
    let begin = Record::Begin(run(0));
    let elsewhere = Record::Begin(run(1));
    for records in [
        vec![intent(1, 0)],
        vec![begin.clone(), operation(1)],
        vec![begin.clone(), done(1)],
        vec![begin.clone(), intent(1, 0), intent(1, 1)],
        vec![begin.clone(), intent(1, 0), done(1), operation(1)],
        vec![begin.clone(), intent(1, 0), done(1), failed(1, Outcome::Gone)],
        vec![begin.clone(), intent(1, 0), done(1), intent(1, 0)],
        vec![begin, elsewhere],
    ] {
        assert!(replay(None, &records).is_err_and(|error| error.is_damaged()), "{records:?}");
    }
}

#[test]
fn a_journal_fits_its_state_or_is_refused() {
    let journal = |base| [Record::Begin(run(base)), intent(1, 9), done(1)];
    let folded = replay(Some(&snapshot(5, 1)), &journal(4)).expect("an older journal");
    assert_eq!(folded.snapshot, Some(snapshot(5, 1)));
    let live = replay(Some(&snapshot(5, 1)), &journal(5)).expect("a live journal");
    assert_eq!(live.snapshot.expect("a state").resources.len(), 2);

    let mut stranger = snapshot(5, 1);
    stranger.lineage = "another".to_owned();
    for (state, words) in [
        (Some(snapshot(4, 1)), "the state beside it is older, serial 4"),
        (Some(stranger), "has lineage another"),
        (None, "the state file is missing"),
    ] {
        let error = replay(state.as_ref(), &journal(5)).expect_err("a foreign journal").to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_move_forgets_the_former_address() {
    let Record::Intent(mut moved) = intent(1, 0) else { panic!("an intent") };
    moved.address = address(8);
    moved.moved_from = Some(address(0));
    let records = [Record::Begin(run(3)), Record::Intent(moved), done(1)];
    let replayed = replay(Some(&snapshot(3, 1)), &records).expect("a legal journal");
    let state = replayed.snapshot.expect("a state");
    assert_eq!(state.resources.keys().cloned().collect::<Vec<_>>(), [address(8)]);
}

#[tokio::test]
async fn a_journal_that_a_state_left_behind_is_not_forgotten() {
    let place = Place::new();
    let store = place.store();
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    store.write(&lock, &snapshot(1, 1), &report()).await.expect("the first one");
    let journal = store.journal(&lock, &run(1)).await.expect("a journal");
    journal.append(intent(1, 5)).await.expect("an intent");
    drop((journal, lock));
    // A newer state of the same lineage that was not written here: from another machine, say.
    place.put("state.json", &state::encode(&snapshot(7, 1)));
    let error = place.store().read().await.expect_err("two that do not fit").to_string();
    assert!(error.contains("serial 7, went on without it"), "{error}");
    assert!(error.contains("plumb state push") && error.contains("history/1.state.json"), "{error}");
    let lock = store.lock(&holder("two")).await.expect("a free lock");
    let refused = store.write(&lock, &snapshot(8, 1), &report()).await.expect_err("an open intent");
    assert!(matches!(refused, StateError::ForeignJournal { .. }), "{refused}");
    assert!(place.file("journal").exists());
}

#[tokio::test]
async fn a_state_that_is_replaced_under_a_run_is_noticed_before_the_next_record() {
    for text in
        [state::encode(&snapshot(1, 1)), state::encode(&snapshot(1, 2)), state::encode(&snapshot(9, 1))]
    {
        let place = Place::new();
        let store = place.store();
        let lock = store.lock(&holder("one")).await.expect("a free lock");
        store.write(&lock, &snapshot(1, 1), &report()).await.expect("the first one");
        let journal = store.journal(&lock, &run(1)).await.expect("a journal");
        journal.append(intent(1, 5)).await.expect("an intent");
        place.put("other.json", &text);
        std::fs::rename(place.file("other.json"), place.file("state.json")).expect("a rename");
        let noticed = journal.append(done(1)).await.expect_err("another file");
        assert!(matches!(noticed, StateError::Replaced { .. }), "{noticed}");
        store.write(&lock, &snapshot(2, 1), &report()).await.expect_err("nothing is written after that");
    }
}

#[tokio::test]
async fn another_state_written_into_the_same_file_is_not_overwritten() {
    let place = Place::new();
    let store = place.store();
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    store.write(&lock, &snapshot(1, 1), &report()).await.expect("the first one");
    drop(store.journal(&lock, &run(1)).await.expect("a journal"));
    place.put("state.json", &state::encode(&snapshot(1, 2)));
    let refused = store.write(&lock, &snapshot(2, 1), &report()).await.expect_err("another state");
    assert!(refused.is_rolled_back(), "{refused}");
}

#[tokio::test]
async fn a_journal_that_the_snapshot_has_is_discarded() {
    let place = Place::new();
    let store = place.store();
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    let journal = store.journal(&lock, &run(0)).await.expect("a journal");
    journal.append(intent(1, 0)).await.expect("an intent");
    journal.append(done(1)).await.expect("its end");
    let left = place.bytes("journal");
    store.write(&lock, &snapshot(1, 1), &report()).await.expect("the snapshot");
    // As if the process had died between writing the snapshot and removing the journal.
    place.put("journal", &left);
    assert!(store.read().await.expect("a good state").journal.is_empty());
    let journal = store.journal(&lock, &run(1)).await.expect("a new journal");
    assert_eq!(journal.next_sequence(), 1);
    assert_eq!(store.read().await.expect("a good state").journal, [Record::Begin(run(1))]);
    let refused = store.journal(&lock, &run(0)).await.expect_err("an older base");
    assert!(refused.is_conflict(), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_wait_together_share_an_fsync() {
    const CREATES: u64 = 2_000;
    let place = Place::new();
    let store = place.store();
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    let journal = store.journal(&lock, &run(0)).await.expect("a journal");
    let create = async |first: u64| {
        for sequence in (first..=CREATES).step_by(50) {
            journal.append(intent(sequence, sequence as usize)).await.expect("an intent");
            journal.append(operation(sequence)).await.expect("its operation");
            journal.append(done(sequence)).await.expect("its end");
        }
    };
    let begun = std::time::Instant::now();
    join_all((1..=50).map(create)).await;
    println!("{} records, {} fsyncs, {:?}", CREATES * 3, journal.syncs(), begun.elapsed());
    assert!(journal.syncs() * 4 < CREATES * 3, "{}", journal.syncs());
    let stored = store.read().await.expect("a good journal");
    assert_eq!(stored.journal.len() as u64, CREATES * 3 + 1);
    assert!(replay(None, &stored.journal).expect("a legal journal").open.is_empty());
}
