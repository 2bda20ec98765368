//! The steps of each change, and the order between the steps of different changes.
//!
//! A resource is built after what it depends on, and torn down after what depends on it, also after
//! the updates that let go of it.

use std::collections::HashMap;
use std::ops::Range;

use model::{Address, schema};

use crate::plan::{Action, Change, Difference, Effect, Shown, Step, Verb};

/// The ranges of one change's steps.
#[derive(Default, Clone)]
struct Spans {
    build: Option<Range<usize>>,
    teardown: Option<Range<usize>>,
}

/// All steps, ordered so that each comes after those it waits for wherever the changes allow.
pub(crate) fn steps(changes: &[Change]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut spans: HashMap<&Address, Spans> = HashMap::new();
    for change in changes {
        let own = own_steps(change, &mut steps);
        if own.build.is_some() || own.teardown.is_some() {
            spans.insert(&change.address, own);
        }
    }
    let claimed = claimed(changes);
    for change in changes {
        if let Some(own) = spans.get(&change.address) {
            wait_for_dependencies(change, own, &spans, &mut steps);
            wait_for_dependents(change, own, &spans, (changes, &claimed), &mut steps);
            wait_for_name(change, own, &spans, &claimed, &mut steps);
        }
    }
    for step in &mut steps {
        step.after.sort_unstable();
        step.after.dedup();
    }
    steps
}

/// Pushes a change's own steps, each after the one before it.
fn own_steps(change: &Change, steps: &mut Vec<Step>) -> Spans {
    let mut chain = |verbs: Vec<(Verb, Vec<&'static str>)>| {
        let start = steps.len();
        for (index, (verb, paths)) in verbs.into_iter().enumerate() {
            let after = if index > 0 { vec![steps.len() - 1] } else { Vec::new() };
            steps.push(Step { address: change.address.clone(), verb, paths, after });
        }
        (steps.len() > start).then_some(start..steps.len())
    };
    match change.action {
        Action::NoOp => Spans::default(),
        Action::Delete => Spans { build: None, teardown: chain(vec![(teardown_verb(change), Vec::new())]) },
        Action::Replace { create_first } => {
            let teardown = chain(vec![(teardown_verb(change), Vec::new())]);
            let build = chain(build_steps(change));
            if let (Some(build), Some(teardown)) = (&build, &teardown) {
                let (waits, first) = if create_first {
                    (teardown.start, build.end - 1)
                } else {
                    (build.start, teardown.end - 1)
                };
                steps[waits].after.push(first);
            }
            Spans { build, teardown }
        }
        Action::Create => Spans { build: chain(build_steps(change)), teardown: None },
        Action::Update => Spans { build: chain(update_steps(change)), teardown: None },
        Action::Adopt => {
            let mut verbs = vec![(Verb::Record, Vec::new())];
            verbs.extend(update_steps(change));
            Spans { build: chain(verbs), teardown: None }
        }
        Action::Move | Action::Forget => {
            Spans { build: chain(vec![(Verb::Record, Vec::new())]), teardown: None }
        }
        Action::Start => Spans { build: chain(vec![(Verb::Start, Vec::new())]), teardown: None },
        Action::Stop => Spans { build: chain(vec![(Verb::Stop, Vec::new())]), teardown: None },
        Action::Restart => Spans { build: chain(vec![(Verb::Restart, Vec::new())]), teardown: None },
    }
}

fn teardown_verb(change: &Change) -> Verb {
    if change.kind.in_arm() { Verb::Delete } else { Verb::Record }
}

/// A create sets everything at once, but for what only an action or a power request can set.
fn build_steps(change: &Change) -> Vec<(Verb, Vec<&'static str>)> {
    let given = || change.differences.iter().filter(|d| d.after != Shown::Absent);
    if !change.kind.in_arm() {
        return vec![(Verb::Record, given().map(|d| d.attribute.path).collect())];
    }
    let at_once = given().filter(|d| d.attribute.at_creation).map(|d| d.attribute.path).collect();
    let mut verbs = vec![(Verb::Create, at_once)];
    let later = given().filter(|d| !d.attribute.at_creation);
    verbs.extend(later.filter_map(|d| match d.attribute.change {
        schema::Change::Action(action) => Some((Verb::Act(action), vec![d.attribute.path])),
        _ => None,
    }));
    let stopped = |d: &&Difference| {
        d.attribute.change == schema::Change::Power && d.after == Shown::Known("stopped".into())
    };
    verbs.extend(change.differences.iter().find(stopped).map(|d| (Verb::Stop, vec![d.attribute.path])));
    verbs
}

/// The gentlest requests that set what differs: one PATCH or one PUT, an action for each attribute that
/// has its own, then power.
fn update_steps(change: &Change) -> Vec<(Verb, Vec<&'static str>)> {
    let (mut whole, mut put, mut local, mut verbs, mut power) =
        (Vec::new(), false, Vec::new(), Vec::new(), None);
    for difference in change.differences.iter().filter(|d| d.effect == Effect::Update) {
        let path = difference.attribute.path;
        match difference.attribute.change {
            schema::Change::Put => {
                put = true;
                whole.push(path);
            }
            schema::Change::Patch => whole.push(path),
            schema::Change::Action(action) => verbs.push((Verb::Act(action), vec![path])),
            schema::Change::Power => {
                let start = difference.after == Shown::Known("running".into());
                power = Some((if start { Verb::Start } else { Verb::Stop }, vec![path]));
            }
            schema::Change::Local => local.push(path),
            schema::Change::CreateOnly | schema::Change::Held => {}
        }
    }
    if !whole.is_empty() {
        verbs.insert(0, (if put { Verb::Put } else { Verb::Patch }, whole));
    }
    if !local.is_empty() {
        verbs.push((Verb::Record, local));
    }
    verbs.extend(power);
    verbs
}

fn wait_for_dependencies(change: &Change, own: &Spans, spans: &HashMap<&Address, Spans>, steps: &mut [Step]) {
    let (Some(build), Some(desired)) = (&own.build, &change.desired) else { return };
    for dependency in &desired.dependencies {
        if let Some(before) = spans.get(&dependency.address).and_then(|s| s.build.as_ref()) {
            steps[build.start].after.push(before.end - 1);
        }
    }
}

/// What this resource depended on may go only after this resource has gone, or has let go of it.
fn wait_for_dependents(
    change: &Change,
    own: &Spans,
    spans: &HashMap<&Address, Spans>,
    (changes, claimed): (&[Change], &Claimed<'_>),
    steps: &mut [Step],
) {
    let Some(prior) = &change.prior else { return };
    for dependency in &prior.depends_on {
        let Some(teardown) = spans.get(dependency).and_then(|s| s.teardown.as_ref()) else { continue };
        let let_go = match (&own.teardown, &own.build) {
            (Some(gone), _) => gone.end - 1,
            (None, Some(build)) if outlives(dependency, changes, claimed) => build.end - 1,
            _ => continue,
        };
        steps[teardown.start].after.push(let_go);
    }
}

/// Whether the teardown of an address may wait for its dependents' updates: nothing is built after it.
fn outlives(address: &Address, changes: &[Change], claimed: &Claimed<'_>) -> bool {
    let at = changes.binary_search_by(|c| c.address.cmp(address));
    let stays = |c: &Change| matches!(c.action, Action::Delete | Action::Replace { create_first: true });
    at.is_ok_and(|at| stays(&changes[at]) && !claimed.contains_key(address))
}

/// Deleted addresses whose name in Azure another address is to have, with that one.
type Claimed<'a> = HashMap<&'a Address, &'a Address>;

fn claimed(changes: &[Change]) -> Claimed<'_> {
    let made = changes.iter().filter(|c| matches!(c.action, Action::Create | Action::Replace { .. }));
    let heirs: HashMap<String, &Address> =
        made.filter_map(|c| Some((c.arm_id.as_ref()?.folded(), &c.address))).collect();
    let gone = changes.iter().filter(|c| c.action == Action::Delete);
    gone.filter_map(|c| Some((&c.address, *heirs.get(&c.arm_id.as_ref()?.folded())?))).collect()
}

/// A name is free only when what had it is gone; otherwise a create would land on it, and be deleted with it.
fn wait_for_name(
    change: &Change,
    own: &Spans,
    spans: &HashMap<&Address, Spans>,
    claimed: &Claimed<'_>,
    steps: &mut [Step],
) {
    let (Some(gone), Some(heir)) = (&own.teardown, claimed.get(&change.address)) else { return };
    if let Some(build) = spans.get(*heir).and_then(|s| s.build.as_ref()) {
        steps[build.start].after.push(gone.end - 1);
    }
}
