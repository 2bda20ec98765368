//! Laws for generated states and journals.

use std::collections::BTreeMap;

use model::{Json, Snapshot};
use proptest::prelude::*;
use state::{Outcome, Record, decode, encode, replay};

use crate::support::{address, done, entry, failed, intent, operation, run, snapshot};

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

fn texts() -> impl Strategy<Value = BTreeMap<String, Json>> {
    prop::collection::btree_map(any::<String>(), json(), 0..5)
}

prop_compose! {
    fn state()(
        serial in 0..=u64::MAX / 2,
        cloud in any::<String>(),
        outputs in texts(),
        observed in prop::collection::vec((texts(), any::<String>()), 0..6),
    ) -> Snapshot {
        let mut state = Snapshot { serial, cloud, outputs, ..snapshot(0, 0) };
        for (n, (observed, source)) in observed.into_iter().enumerate() {
            let entry = model::ResourceState { observed, source, ..entry(n) };
            state.resources.insert(address(n), entry);
        }
        state
    }
}

/// Records in an order that a run could have written.
fn journal() -> impl Strategy<Value = Vec<Record>> {
    prop::collection::vec((0..4_u8, 0..6_usize), 0..40).prop_map(|choices| {
        let mut records = vec![Record::Begin(run(3))];
        let mut open: Vec<u64> = Vec::new();
        for (sequence, (choice, n)) in (1..).zip(choices) {
            let at = n % open.len().max(1);
            match (choice, open.is_empty()) {
                (1, false) => records.push(operation(open[at])),
                (2, false) => records.push(done(open.remove(at))),
                (3, false) => records.push(failed(open.remove(at), Outcome::Gone)),
                _ => {
                    open.push(sequence);
                    records.push(intent(sequence, n));
                }
            }
        }
        records
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn a_state_comes_back_as_it_was(state in state()) {
        let bytes = encode(&state);
        let again = decode(&bytes).expect("a good file");
        prop_assert_eq!(&again, &state);
        prop_assert_eq!(encode(&again), bytes);
    }

    #[test]
    fn any_changed_byte_is_noticed(state in state(), at in any::<prop::sample::Index>(), by in 1..=255_u8) {
        let mut bytes = encode(&state);
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn a_journal_cut_after_any_record_replays(records in journal()) {
        let base = snapshot(3, 4);
        for length in 0..=records.len() {
            let replayed = replay(Some(&base), &records[..length]).expect("a legal journal");
            let begun = records[..length].iter().filter(|r| matches!(r, Record::Intent(_))).count();
            let ended = records[..length].iter()
                .filter(|r| matches!(r, Record::Done { .. } | Record::Failed { .. })).count();
            prop_assert_eq!(replayed.open.len(), begun - ended);
        }
    }
}
