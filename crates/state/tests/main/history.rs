//! The history: runs are numbered, noted together with the state they write, and kept for so long.

use model::Snapshot;
use state::{Changed, End, LocalStore, PastRun, Report, Run, StateError, StateStore, Went};

use crate::support::{Place, address, done, failed, holder, intent, mode, report, run, snapshot};

fn named(id: &str, end: End) -> Report {
    Report { run: Run { id: id.to_owned(), ..run(0) }, end, ..report() }
}

async fn write(store: &LocalStore, state: &Snapshot, id: &str) {
    let lock = store.lock(&holder(id)).await.expect("a free lock");
    store.write(&lock, state, &named(id, End::Complete)).await.expect("the next one");
    store.unlock(lock).await.expect("our own lock");
}

/// Three states, each with a resource more.
async fn three() -> Place {
    let place = Place::new();
    for serial in 1..=3 {
        write(&place.store(), &snapshot(serial, serial as usize), &format!("run-{serial}")).await;
    }
    place
}

fn numbers(runs: &[PastRun]) -> Vec<u64> {
    runs.iter().map(|past| past.number).collect()
}

#[tokio::test]
async fn each_run_is_kept_with_the_state_after_it() {
    let place = three().await;
    let store = place.store();
    let runs = store.history().await.expect("a history");
    assert_eq!(numbers(&runs), [1, 2, 3]);
    let second = named("run-2", End::Complete);
    assert_eq!(runs[1].report, Report { run: Run { base_serial: 1, ..second.run.clone() }, ..second });
    assert_eq!((runs[1].serial, runs[1].counts()), (2, [("create", 1)].into()));
    for number in 1..=3 {
        let state = store.snapshot_at(number).await.expect("a kept state");
        assert_eq!(state, snapshot(number, number as usize));
    }
    let unknown = store.snapshot_at(4).await.expect_err("no such run");
    assert!(unknown.to_string().contains("runs 1 to 3"), "{unknown}");
}

#[tokio::test]
async fn its_files_are_for_their_owner_only() {
    let place = three().await;
    assert_eq!(mode(&place.file("history")), 0o700);
    let names = std::fs::read_dir(place.file("history")).expect("files").flatten().map(|e| e.path());
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), 6, "{names:?}");
    names.iter().for_each(|name| assert_eq!(mode(name), 0o600, "{name:?}"));
}

#[tokio::test]
async fn a_run_that_writes_no_state_has_the_one_before_it() {
    let place = three().await;
    let store = place.store();
    store.note(&named("unlock", End::Complete)).await.expect("a note");
    write(&store, &snapshot(4, 4), "run-4").await;
    let runs = store.history().await.expect("a history");
    assert_eq!(numbers(&runs), [1, 2, 3, 4, 5]);
    assert!(!runs[3].wrote() && runs[4].wrote());
    assert_eq!((runs[3].serial, &runs[3].digest), (3, &runs[2].digest));
    assert_eq!(store.snapshot_at(4).await.expect("the state before"), snapshot(3, 3));
    assert_eq!(store.snapshot_at(5).await.expect("its own"), snapshot(4, 4));
}

#[tokio::test]
async fn without_a_state_there_is_none_to_go_back_to() {
    let place = Place::new();
    let store = place.store();
    assert_eq!(store.history().await.expect("none is fine"), []);
    let empty = store.snapshot_at(1).await.expect_err("no such run");
    assert!(empty.to_string().contains("which is empty"), "{empty}");
    store.note(&named("unlock", End::Complete)).await.expect("a note");
    assert!(matches!(store.snapshot_at(1).await, Err(StateError::NotKept { number: 1 })));
}

#[tokio::test]
async fn it_keeps_the_last_runs_and_the_states_they_need() {
    let place = three().await;
    let store = place.store().keep_history(3);
    for note in 0..2 {
        store.note(&named(&format!("note-{note}"), End::Stopped)).await.expect("a note");
    }
    assert_eq!(numbers(&store.history().await.expect("a history")), [3, 4, 5]);
    assert_eq!(store.snapshot_at(5).await.expect("still there"), snapshot(3, 3));
    assert!(!place.file("history/2.state.json").exists() && place.file("history/3.state.json").exists());
    store.note(&named("note-3", End::Stopped)).await.expect("a note");
    assert_eq!(numbers(&store.history().await.expect("a history")), [4, 5, 6]);
    assert_eq!(store.snapshot_at(6).await.expect("its run is not there, and it is"), snapshot(3, 3));
}

#[tokio::test]
async fn a_note_whose_state_was_never_published_does_not_count() {
    let place = three().await;
    let good = place.bytes("state.json");
    let (seen, before) = (place.bytes("seen.json"), place.bytes("state.json.backup"));
    // Killed between the note of run 4 and the state: everything else is as before.
    write(&place.store(), &snapshot(4, 4), "run-4").await;
    place.put("state.json", &good);
    place.put("seen.json", &seen);
    place.put("state.json.backup", &before);
    let store = place.store();
    assert_eq!(numbers(&store.history().await.expect("a history")), [1, 2, 3]);
    assert!(matches!(store.snapshot_at(4).await, Err(StateError::NoSuchRun { number: 4, .. })));
    write(&store, &snapshot(4, 1), "again").await;
    let runs = store.history().await.expect("a history");
    assert_eq!((numbers(&runs), runs[3].report.run.id.as_str()), (vec![1, 2, 3, 4], "again"));
    assert_eq!(store.snapshot_at(4).await.expect("its state"), snapshot(4, 1));
}

#[tokio::test]
async fn a_published_state_keeps_its_note_whatever_becomes_of_the_file() {
    let place = three().await;
    // Killed before the state was remembered.
    let seen = place.bytes("seen.json");
    write(&place.store(), &snapshot(4, 4), "run-4").await;
    let now = place.bytes("seen.json");
    place.put("seen.json", &seen);
    assert_eq!(numbers(&place.store().history().await.expect("a history")), [1, 2, 3, 4]);
    // Put back by hand.
    place.put("seen.json", &now);
    place.put("state.json", &state::encode(&snapshot(2, 2)));
    assert_eq!(numbers(&place.store().history().await.expect("a history")), [1, 2, 3, 4]);
    for odd in [&b""[..], b"{"] {
        place.put("state.json", odd);
        assert_eq!(place.store().snapshot_at(4).await.expect("the lost state"), snapshot(4, 4));
    }
}

#[tokio::test]
async fn a_killed_run_is_told_by_the_journal_it_left() {
    let place = three().await;
    let store = place.store();
    let lock = store.lock(&holder("killed")).await.expect("a free lock");
    let killed = Run { id: "killed".to_owned(), ..run(3) };
    let journal = store.journal(&lock, &killed).await.expect("a journal");
    for record in [intent(1, 3), done(1), intent(2, 4), intent(3, 5), failed(3, state::Outcome::Gone)] {
        journal.append(record).await.expect("a legal record");
    }
    drop((journal, lock));

    for _ in 0..2 {
        // However often it is taken up, it is one run.
        let lock = store.lock(&holder("next")).await.expect("a free lock");
        drop(store.journal(&lock, &Run { id: "next".to_owned(), ..run(3) }).await.expect("the same journal"));
        store.unlock(lock).await.expect("our own lock");
    }
    let runs = store.history().await.expect("a history");
    let noted = &runs[3];
    assert_eq!((noted.report.end, noted.report.ended.as_deref(), noted.serial), (End::Interrupted, None, 3));
    let went: Vec<_> = noted.report.changes.iter().map(|changed| (&changed.address, changed.went)).collect();
    assert_eq!(went, [(&address(3), Went::Done), (&address(4), Went::Open), (&address(5), Went::Failed)]);
    assert_eq!(runs.iter().filter(|past| past.report.run == killed).count(), 1, "{runs:?}");
}

#[tokio::test]
async fn any_flipped_bit_and_any_cut_of_its_files_is_noticed() {
    let place = three().await;
    for name in ["history/2.json", "history/2.state.json"] {
        let good = place.bytes(name);
        let refused = async |bytes: &[u8], what: &str| {
            place.put(name, bytes);
            let error = place.store().snapshot_at(2).await.expect_err(what);
            assert!(error.is_damaged() && error.to_string().contains("move it away"), "{what}: {error}");
        };
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            refused(&bytes, &format!("{name}: bit {bit}")).await;
        }
        for length in 0..good.len() {
            refused(&good[..length], &format!("{name}: cut to {length}")).await;
        }
        place.put(name, &good);
    }
    // A good file under another's name is damage, too.
    let other = place.bytes("history/1.json");
    place.put("history/2.json", &other);
    assert!(place.store().history().await.expect_err("a wrong name").to_string().contains("holds run 1"));
    // And yet the next run is noted.
    write(&place.store(), &snapshot(4, 1), "run-4").await;
    assert!(place.file("history/4.json").exists());
    std::fs::remove_file(place.file("history/2.json")).expect("a file");
    assert_eq!(numbers(&place.store().history().await.expect("the others")), [1, 3, 4]);
}

#[tokio::test]
async fn runs_that_are_noted_at_once_get_numbers_of_their_own() {
    let place = Place::new();
    let note = async |id: u64| place.store().note(&named(&id.to_string(), End::Complete)).await;
    let notes = futures_util::future::join_all((0..8).map(note)).await;
    assert!(notes.iter().all(Result::is_ok), "{notes:?}");
    assert_eq!(numbers(&place.store().history().await.expect("a history")), (1..=8).collect::<Vec<_>>());
}

#[test]
fn changes_are_counted_when_they_are_done() {
    let changed = |n, action: &str, went| Changed { address: address(n), action: action.to_owned(), went };
    let changes = vec![
        changed(0, "create", Went::Done),
        changed(1, "create", Went::Failed),
        changed(2, "delete", Went::Done),
    ];
    let past = PastRun {
        number: 1,
        report: Report { changes, ..report() },
        serial: 1,
        digest: None,
        snapshot: None,
    };
    assert_eq!(past.counts(), [("create", 1), ("delete", 1)].into());
}
