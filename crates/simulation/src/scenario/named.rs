//! One scenario for each feature of a resource's life. The last round is the one whose every effect is a death.

use model::Json;
use serde_json::json;

use super::parts::{cluster, compute_id, group, instance, strange_cluster, with, workspace};
use super::{Round, Scenario};
use crate::edit::Edit;
use crate::fault::Fault;
use crate::law::PASSWORD;

/// A scenario by its name.
pub struct Named {
    /// Its name, as `SCENARIO=` has it.
    pub name: &'static str,
    rounds: fn() -> Vec<Round>,
}

/// All of them.
pub const NAMED: &[Named] = &[
    Named { name: "create", rounds: create },
    Named { name: "update", rounds: update },
    Named { name: "replace", rounds: replace },
    Named { name: "create-before-destroy", rounds: create_before_destroy },
    Named { name: "delete", rounds: delete },
    Named { name: "taint", rounds: taint },
    Named { name: "move", rounds: move_address },
    Named { name: "adopt", rounds: adopt },
    Named { name: "power", rounds: power },
    Named { name: "for-each", rounds: for_each },
    Named { name: "protect", rounds: protect },
    Named { name: "ignore", rounds: ignore },
    Named { name: "replace-parent", rounds: replace_parent },
];

impl Named {
    /// The scenario.
    pub fn scenario(&self) -> Scenario {
        Scenario { seed: 1, rounds: (self.rounds)() }
    }
}

/// The scenario with this name.
pub fn find(name: &str) -> Option<&'static Named> {
    NAMED.iter().find(|named| named.name == name)
}

fn lab(more: Vec<Json>) -> Round {
    Round::of([vec![group("ml"), workspace("ml", "lab")], more].concat())
}

fn secret() -> Json {
    json!({ "ssh_settings": { "admin_username": "me", "admin_password": PASSWORD } })
}

fn create() -> Vec<Round> {
    vec![lab(vec![
        with(cluster("lab", "cpu"), secret()),
        with(instance("lab", "alice-ci"), json!({ "depends_on": ["cluster/lab/cpu"] })),
    ])]
}

fn update() -> Vec<Round> {
    let before = vec![cluster("lab", "cpu"), instance("lab", "alice-ci")];
    let after = vec![
        with(cluster("lab", "cpu"), json!({ "max_instances": 9, "tags": { "team": "red" } })),
        with(
            instance("lab", "alice-ci"),
            json!({ "size": "Standard_DS11_v2", "idle_time_before_shutdown_minutes": 30 }),
        ),
    ];
    vec![lab(before), lab(after)]
}

fn replace() -> Vec<Round> {
    let small = with(cluster("lab", "cpu"), secret());
    let large = with(small.clone(), json!({ "size": "Standard_NC6s_v3" }));
    vec![lab(vec![small]), lab(vec![large])]
}

fn create_before_destroy() -> Vec<Round> {
    let lasting = json!({ "id": "cpu", "lifecycle": { "create_before_destroy": true } });
    let named = |name: &str| with(cluster("lab", name), lasting.clone());
    let user = |size: u64| {
        with(
            instance("lab", "alice-ci"),
            json!({ "depends_on": ["cluster/lab/cpu"], "idle_time_before_shutdown_minutes": size }),
        )
    };
    vec![lab(vec![named("cpu-one"), user(30)]), lab(vec![named("cpu-two"), user(60)])]
}

fn delete() -> Vec<Round> {
    let dependent = with(instance("lab", "alice-ci"), json!({ "depends_on": ["cluster/lab/cpu"] }));
    vec![lab(vec![cluster("lab", "cpu"), dependent]), Round::of(vec![group("ml")])]
}

fn taint() -> Vec<Round> {
    let wanted = || lab(vec![cluster("lab", "cpu")]);
    let failing = Round { faults: vec![(1, Fault::Slow(1)), (7, Fault::OperationFails)], ..wanted() };
    vec![Round::of(vec![group("ml"), workspace("ml", "lab")]), failing, wanted()]
}

fn move_address() -> Vec<Round> {
    let moved = json!({ "id": "compute", "moved_from": "cluster/lab/cpu", "max_instances": 5 });
    vec![lab(vec![cluster("lab", "cpu")]), lab(vec![with(cluster("lab", "cpu"), moved)])]
}

fn adopt() -> Vec<Round> {
    let made = Edit::Make { id: compute_id("ml", "lab", "cpu"), body: strange_cluster() };
    let adopting = lab(vec![with(cluster("lab", "cpu"), json!({ "adopt": true }))]);
    vec![lab(vec![]), Round { before: vec![made], ..adopting }]
}

fn power() -> Vec<Round> {
    let at = |word: &str| with(instance("lab", "alice-ci"), json!({ "power": word }));
    vec![
        lab(vec![at("running")]),
        lab(vec![at("stopped"), with(instance("lab", "bob-ci"), json!({ "power": "stopped" }))]),
    ]
}

fn for_each() -> Vec<Round> {
    let pool =
        |people: Json| with(instance("lab", "ci-${each.key}"), json!({ "id": "ci", "for_each": people }));
    let first = pool(json!({ "ann": {}, "bob": {} }));
    vec![lab(vec![first]), lab(vec![pool(json!({ "bob": {}, "cyd": {} }))])]
}

fn protect() -> Vec<Round> {
    let kept = with(cluster("lab", "cpu"), json!({ "lifecycle": { "prevent_destroy": true } }));
    let refused = Round { blocked: true, ..lab(vec![]) };
    vec![lab(vec![kept]), refused, lab(vec![cluster("lab", "cpu")]), lab(vec![])]
}

fn ignore() -> Vec<Round> {
    let ignoring = json!({ "lifecycle": { "ignore_changes": ["max_instances"] }, "max_instances": 8, "tags": { "team": "blue" } });
    vec![lab(vec![cluster("lab", "cpu")]), lab(vec![with(cluster("lab", "cpu"), ignoring)])]
}

fn replace_parent() -> Vec<Round> {
    let isolated = with(workspace("ml", "lab"), json!({ "hbi_workspace": true }));
    let inside = || vec![cluster("lab", "cpu"), cluster("lab", "gpu")];
    vec![lab(inside()), Round::of([vec![group("ml"), isolated], inside()].concat())]
}
