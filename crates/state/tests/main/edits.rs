//! Edits of a snapshot by hand.

use model::{Address, ResourceState, Snapshot, Status, kinds};
use state::{EditError, forget, rename, taint, untaint};

use crate::support::{arm_id, entry, snapshot};

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

/// A workspace with two clusters, of which the second depends on the first.
fn team() -> Snapshot {
    let mut state = snapshot(3, 2);
    let workspace = ResourceState {
        kind: "workspace".to_owned(),
        arm_id: arm_id(0).parent(),
        applied: Default::default(),
        depends_on: Vec::new(),
        ..entry(0)
    };
    assert!(kinds::find(&workspace.kind).is_some());
    state.resources.insert(address("workspace/research"), workspace);
    let second = state.resources.get_mut(&address("cluster/research/cpu-1")).expect("a cluster");
    second.depends_on.push(address("cluster/research/cpu-0"));
    state
}

fn addresses(state: &Snapshot) -> Vec<&str> {
    state.resources.keys().map(Address::as_str).collect()
}

fn edges<'a>(state: &'a Snapshot, of: &str) -> Vec<&'a str> {
    state.resources[&address(of)].depends_on.iter().map(Address::as_str).collect()
}

#[test]
fn a_move_takes_the_edges_of_dependents_along() {
    let mut state = team();
    let moves = rename(&mut state, "cluster/research/cpu-0", "cluster/research/gpu[\"a\"]").expect("a move");
    assert_eq!(moves.len(), 1);
    assert_eq!(
        addresses(&state),
        ["cluster/research/cpu-1", "cluster/research/gpu[\"a\"]", "workspace/research"]
    );
    assert_eq!(
        edges(&state, "cluster/research/cpu-1"),
        ["workspace/research", "cluster/research/gpu[\"a\"]"]
    );
    rename(&mut state, "cluster/research/gpu[\"a\"]", "cluster/research/cpu-0").expect("and back");
    assert_eq!(state, team());
}

#[test]
fn an_address_without_a_key_moves_every_element_of_a_for_each() {
    let mut state = team();
    for n in ["0", "1"] {
        let to = format!("cluster/research/team[\"{n}\"]");
        rename(&mut state, &format!("cluster/research/cpu-{n}"), &to).expect("into a for_each");
    }
    let several = rename(&mut state.clone(), "cluster/research/team", "cluster/research/crew[\"x\"]");
    assert!(matches!(several, Err(EditError::ManyToOne { count: 2, .. })), "{several:?}");
    rename(&mut state, "cluster/research/team", "cluster/research/crew").expect("all of them");
    assert_eq!(
        addresses(&state),
        ["cluster/research/crew[\"0\"]", "cluster/research/crew[\"1\"]", "workspace/research"]
    );
    assert_eq!(
        edges(&state, "cluster/research/crew[\"1\"]"),
        ["workspace/research", "cluster/research/crew[\"0\"]"]
    );
}

#[test]
fn what_lies_in_a_moved_workspace_follows_it() {
    let mut state = team();
    let moves = rename(&mut state, "workspace/research", "workspace/lab").expect("a move");
    assert_eq!(moves.len(), 3);
    assert_eq!(addresses(&state), ["cluster/lab/cpu-0", "cluster/lab/cpu-1", "workspace/lab"]);
    assert_eq!(edges(&state, "cluster/lab/cpu-1"), ["workspace/lab", "cluster/lab/cpu-0"]);
    // One of several is known to its children by its name.
    rename(&mut state, "workspace/lab", "workspace/labs[\"eu\"]").expect("a move");
    assert_eq!(
        addresses(&state),
        ["cluster/research/cpu-0", "cluster/research/cpu-1", "workspace/labs[\"eu\"]"]
    );
}

#[test]
fn what_cannot_be_moved_is_refused_and_nothing_changes() {
    let mut state = team();
    for (from, to, words) in [
        ("cluster/research/cpu-9", "cluster/research/x", "did you mean `cluster/research/cpu-"),
        ("cluster/research/cpu-0", "cluster/research/cpu-1", "is in the state already"),
        ("cluster/research/cpu-0", "cluster/research/cpu-0", "is in the state already"),
        ("cluster/research/cpu-0", "instance/research/cpu-0", "keeps its kind"),
        ("cluster/research/cpu-0", "cpu", "is not an address"),
    ] {
        let refused = rename(&mut state, from, to).expect_err("no move").to_string();
        assert!(refused.contains(words), "{refused}");
        assert_eq!(state, team());
    }
}

#[test]
fn what_is_forgotten_leaves_no_edges_behind() {
    let mut state = team();
    let forgotten = forget(&mut state, &["cluster/research/cpu-0".to_owned()]).expect("it is there");
    assert_eq!(forgotten.addresses, [address("cluster/research/cpu-0")]);
    assert_eq!(forgotten.dependents, [address("cluster/research/cpu-1")]);
    assert_eq!(edges(&state, "cluster/research/cpu-1"), ["workspace/research"]);
    let texts = ["cluster/research/cpu-1".to_owned(), "cluster/research/gpu".to_owned()];
    let before = state.clone();
    forget(&mut state, &texts).expect_err("one of them is not there");
    assert_eq!(state, before);
}

#[test]
fn a_mark_is_set_and_taken_away_once() {
    let mut state = team();
    let cluster = "cluster/research/cpu-0";
    taint(&mut state, cluster).expect("it is ready");
    assert_eq!(state.resources[&address(cluster)].status, Status::Tainted);
    assert!(taint(&mut state, cluster).is_err_and(|error| error.to_string().contains("tainted already")));
    untaint(&mut state, cluster).expect("it is tainted");
    assert_eq!(state, team());
    assert!(untaint(&mut state, cluster).is_err_and(|error| error.to_string().contains("is not tainted")));
    rename(&mut state, cluster, "cluster/research/team[\"a\"]").expect("a move");
    let all = taint(&mut state, "cluster/research/team").expect_err("which one?").to_string();
    assert!(all.contains("several"), "{all}");
}
