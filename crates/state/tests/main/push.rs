//! Pushing a state: what is refused, what `force` overrides, and what is put back as it was.

use model::{Address, Snapshot};
use state::{LocalStore, Objection, Pushed, Report, Run, StateError, StateStore, decode, encode};

use crate::support::{Place, done, holder, intent, mode, report, run, snapshot};

/// A directory with states 1 to 3.
async fn with_states() -> Place {
    let place = Place::new();
    let store = place.store();
    let lock = store.lock(&holder("one")).await.expect("a free lock");
    for serial in 1..=3 {
        store.write(&lock, &snapshot(serial, 2), &report()).await.expect("the next one");
    }
    place
}

async fn push(place: &Place, bytes: &[u8], force: bool) -> Result<Pushed, StateError> {
    let store = place.store();
    let lock = store.lock(&holder("push")).await.expect("a free lock");
    let run = Run { id: "push".to_owned(), command: "plumb state push".to_owned(), ..run(0) };
    let pushed = store.push(&lock, bytes, force, &Report { run, changes: Vec::new(), ..report() }).await;
    store.unlock(lock).await.expect("our own lock");
    pushed
}

async fn read(place: &Place) -> Snapshot {
    place.store().read().await.expect("a good state").snapshot.expect("a state")
}

/// Leaves a journal as a killed run does, on serial 3.
async fn killed(place: &Place, ended: bool) {
    let store = place.store();
    let lock = store.lock(&holder("killed")).await.expect("a free lock");
    let journal = store.journal(&lock, &Run { id: "killed".to_owned(), ..run(3) }).await.expect("a journal");
    journal.append(intent(1, 7)).await.expect("an intent");
    if ended {
        journal.append(done(1)).await.expect("its end");
    }
}

#[tokio::test]
async fn a_newer_state_is_written_under_its_serial_and_noted() {
    let place = with_states().await;
    let pushed = push(&place, &encode(&snapshot(4, 1)), false).await.expect("a newer one");
    assert_eq!(pushed, Pushed::Written { serial: 4, overridden: Vec::new() });
    assert_eq!(read(&place).await, snapshot(4, 1));
    assert_eq!(decode(&place.bytes("state.json.backup")).expect("a backup").serial, 3);
    let history = place.store().history().await.expect("a history");
    let last = history.last().expect("a run");
    assert_eq!((last.number, last.report.run.base_serial, last.serial), (4, 3, 4));
    assert_eq!(last.counts(), [("push", 1)].into(), "one resource is another");
    assert_eq!(place.store().snapshot_at(4).await.expect("its state"), snapshot(4, 1));
}

#[tokio::test]
async fn what_speaks_against_it_is_refused_and_told_when_forced() {
    let stranger = Snapshot { lineage: "another".to_owned(), ..snapshot(9, 1) };
    let elsewhere =
        Snapshot { cloud: "azure/s2".to_owned(), environment: "prod".to_owned(), ..snapshot(4, 1) };
    for (state, words, objections, serial) in [
        (snapshot(2, 1), "it is older: its serial is 2, and here it is 3", 1, 4),
        (snapshot(3, 1), "other content", 1, 4),
        (stranger, "another state's: its lineage is another", 1, 9),
        (elsewhere, "it is of environment \"prod\"", 2, 4),
    ] {
        let place = with_states().await;
        let before = place.bytes("state.json");
        let refused = push(&place, &encode(&state), false).await.expect_err("something speaks against it");
        let text = refused.to_string();
        assert!(text.contains(words) && text.contains("--force"), "{text}");
        assert_eq!(place.bytes("state.json"), before);
        let forced = push(&place, &encode(&state), true).await.expect("it was asked for");
        let Pushed::Written { serial: written, overridden } = forced else { panic!("{forced:?}") };
        assert_eq!((written, overridden.len()), (serial, objections), "{overridden:?}");
        assert_eq!(read(&place).await, Snapshot { serial, ..state });
    }
}

#[tokio::test]
async fn what_is_there_already_is_left_alone() {
    let place = with_states().await;
    let files = place.bytes("state.json.backup");
    assert_eq!(push(&place, &place.bytes("state.json"), false).await.expect("the same"), Pushed::Already);
    assert_eq!(place.bytes("state.json.backup"), files);
    assert_eq!(place.store().history().await.expect("a history").len(), 3);
}

#[tokio::test]
async fn the_first_state_may_be_pushed() {
    let place = Place::new();
    let pushed = push(&place, &encode(&snapshot(6, 2)), false).await.expect("nothing is there");
    assert_eq!(pushed, Pushed::Written { serial: 6, overridden: Vec::new() });
    assert_eq!(read(&place).await, snapshot(6, 2));
}

#[tokio::test]
async fn a_damaged_or_missing_state_is_put_back_as_it_was_and_its_journal_kept() {
    let odd: [Option<&[u8]>; 4] = [Some(b""), Some(b"{\n  \"format\": 1,"), None, Some(b"<<<<<<< HEAD\n")];
    for bytes in odd {
        let place = with_states().await;
        killed(&place, false).await;
        let kept = place.bytes("history/3.state.json");
        match bytes {
            Some(bytes) => place.put("state.json", bytes),
            None => std::fs::remove_file(place.file("state.json")).expect("a state"),
        }
        let error = place.store().read().await.expect_err("a bad state").to_string();
        assert!(error.contains("history/3.state.json"), "{error}");
        assert_eq!(push(&place, &kept, false).await.expect("the last one"), Pushed::Restored);
        let stored = place.store().read().await.expect("all of it");
        assert_eq!(stored.snapshot, Some(snapshot(3, 2)));
        assert_eq!(stored.journal.len(), 2, "what was in flight is not forgotten");
        assert_eq!(place.file("state.json.damaged").exists(), bytes.is_some());
        assert_eq!(decode(&place.bytes("state.json.backup")).expect("a good backup").serial, 2);
        if bytes.is_some() {
            place.put("state.json", b"again");
            assert_eq!(push(&place, &kept, false).await.expect("the last one"), Pushed::Restored);
            assert!(place.file("state.json.damaged.2").exists(), "nothing is overwritten");
        }
    }
}

#[tokio::test]
async fn a_damaged_state_gives_way_to_a_newer_one_only() {
    let place = with_states().await;
    place.put("state.json", b"");
    let refused = push(&place, &encode(&snapshot(2, 2)), false).await.expect_err("an older one");
    assert!(
        matches!(&refused, StateError::Refused { objections } if *objections == [Objection::Older { here: 3, pushed: 2 }])
    );
    let pushed = push(&place, &encode(&snapshot(4, 2)), false).await.expect("a newer one");
    assert_eq!(pushed, Pushed::Written { serial: 4, overridden: Vec::new() });
    assert_eq!(place.bytes("state.json.damaged"), b"");
}

#[tokio::test]
async fn open_intents_are_never_pushed_away() {
    let place = with_states().await;
    killed(&place, false).await;
    for force in [false, true] {
        let refused = push(&place, &encode(&snapshot(4, 2)), force).await.expect_err("an open intent");
        assert!(matches!(refused, StateError::OpenIntents { count: 1, .. }), "{refused}");
    }
    place.put("state.json", b"");
    let refused = push(&place, &encode(&snapshot(4, 2)), true).await.expect_err("an open intent");
    assert!(matches!(refused, StateError::OpenIntents { count: 1, .. }), "{refused}");
    assert!(place.file("journal").exists());
    place.put("journal", b"plumb journal 1\nwhatever\n");
    assert!(push(&place, &encode(&snapshot(4, 2)), true).await.expect_err("a damaged journal").is_damaged());
}

#[tokio::test]
async fn what_a_journal_says_has_ended_must_be_in_the_pushed_state() {
    let place = with_states().await;
    killed(&place, true).await;
    let refused = push(&place, &encode(&snapshot(4, 2)), false).await.expect_err("it does not know cpu-7");
    assert!(refused.to_string().contains("a killed run has changed cluster/research/cpu-7"), "{refused}");

    // A recovery file has it folded in.
    let stored = place.store().read().await.expect("state and journal");
    let folded = state::replay(stored.snapshot.as_ref(), &stored.journal).expect("they fit").snapshot;
    let recovered = Snapshot { serial: 4, ..folded.expect("a state") };
    assert!(recovered.resources.contains_key(&Address::parse("cluster/research/cpu-7").expect("an address")));
    push(&place, &encode(&recovered), false).await.expect("it has everything");
    assert!(!place.file("journal").exists());
    assert_eq!(read(&place).await, recovered);
    let ids: Vec<String> = place
        .store()
        .history()
        .await
        .expect("a history")
        .into_iter()
        .map(|past| past.report.run.id)
        .collect();
    assert_eq!(ids[3..], ["killed", "push"]);
}

#[tokio::test]
async fn a_file_that_is_no_state_is_not_pushed() {
    let place = with_states().await;
    for bytes in [&b""[..], b"{}", &encode(&snapshot(4, 1))[..100]] {
        assert!(push(&place, bytes, true).await.expect_err("no state").is_damaged());
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_saved_goes_wherever_there_is_room_and_overwrites_nothing() {
    let place = with_states().await;
    let store = place.store();
    for name in ["state-recovery-4.json", "state-recovery-4.json.2"] {
        let path = store.rescue(&snapshot(4, 2)).await.expect("beside the state");
        assert_eq!(path, place.file(name));
        assert_eq!(decode(&place.bytes(name)), Ok(snapshot(4, 2)));
        assert_eq!(mode(&path), 0o600);
    }
    let nowhere = place.root.path().join("file");
    std::fs::write(&nowhere, "").expect("a file");
    let refuge = place.root.path().join("refuge");
    std::fs::create_dir(&refuge).expect("a directory");
    let store = LocalStore::new(place.dir(), nowhere.join("state.json"))
        .refuges(vec![nowhere.clone(), refuge.clone()]);
    let path = store.rescue(&snapshot(4, 2)).await.expect("the second refuge");
    assert_eq!(path, refuge.join("state-recovery-4.json"));
    let store = store.refuges(Vec::new());
    assert!(matches!(store.rescue(&snapshot(4, 2)).await, Err(StateError::Io { .. })));
}
