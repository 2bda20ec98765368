//! What holds of every plan, whatever the case and whatever the order of the documents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use model::{Address, Live, Observed, Provisioning, Resource, Seal, Snapshot};
use planner::render::{self, Paint};
use planner::{Action, Graph, Options, Plan, Verb, entry, resolve};
use proptest::prelude::*;
use testkit::Random;

use crate::case::Case;

fn cases() -> Vec<(String, Case)> {
    let root = testkit::workspace_root().join("testdata/plan");
    let folders = fs::read_dir(&root).expect("testdata").flatten().map(|e| e.path()).filter(|p| p.is_dir());
    let named = folders.map(|folder| (folder.display().to_string(), Case::read(&folder)));
    named.filter(|(_, case)| !case.diagnostics.has_errors()).collect()
}

fn text(plan: &Plan) -> String {
    format!("{}\n{:?}\n{:#}", render::human(plan, Paint(true)), plan.steps, render::json(plan))
}

#[test]
fn the_order_of_documents_does_not_matter() {
    for (name, mut case) in cases() {
        let Ok(plan) = case.plan() else { continue };
        for seed in 0..5 {
            let mut random = Random::new(seed);
            random.shuffle(&mut case.resources);
            for resource in &mut case.resources {
                random.shuffle(&mut resource.dependencies);
            }
            assert_eq!(text(&case.plan().expect("a plan")), text(&plan), "{name}, seed {seed}");
        }
    }
}

#[test]
fn what_stands_as_written_needs_nothing() {
    for (name, case) in cases() {
        let Ok(plan) = settled(&case) else { continue };
        assert!(plan.steps.is_empty(), "{name}: {:?}", plan.steps);
        assert!(plan.changes.iter().all(|c| c.action == Action::NoOp && c.differences.is_empty()), "{name}");
        assert!(plan.drift.is_empty(), "{name}: {:?}", plan.drift);
        assert!(plan.refreshed.is_empty(), "{name}: {:?}", plan.refreshed);
    }
}

/// The plan of a case whose documents were all applied, with nothing touched since.
fn settled(case: &Case) -> Result<Plan, model::Diagnostics> {
    let graph = Graph::build(case.resources.clone())?;
    let mut snapshot = Snapshot { lineage: "l".to_owned(), serial: 1, ..Snapshot::default() };
    let mut live = Live::default();
    for resource in graph.in_dependency_order() {
        let (observed, state) = applied(resource, &live, &case.seal);
        if !resource.existing {
            snapshot.resources.insert(resource.address.clone(), state);
        }
        if resource.kind.in_arm() {
            live.resources.insert(resource.address.clone(), observed);
        }
    }
    let options = Options::default();
    Ok(planner::plan(&graph, &BTreeMap::new(), &snapshot, Some(&live), &case.seal, &options))
}

/// A resource as Azure and the state have it after its apply; every computed value is its own name.
fn applied(resource: &Resource, live: &Live, seal: &Seal) -> (Observed, model::ResourceState) {
    let lookup = |address: &Address, name: &str| live.get(address)?.computed.get(name).cloned();
    let resolved = resolve(resource, &lookup).expect("values");
    let mut state = entry::whole(resource, &resolved, seal);
    let computed: BTreeMap<&'static str, model::Json> = resource
        .kind
        .computed
        .iter()
        .filter(|c| c.listed.is_none())
        .map(|c| (c.name, c.name.into()))
        .collect();
    let kept = computed.iter().filter(|(name, _)| entry::is_kept(name));
    state.observed = kept.map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let sent = |path: &str| resource.kind.attribute(path).is_some_and(|a| !a.arm.is_empty());
    let observed = Observed {
        arm_id: resource.arm_id.clone().unwrap_or_else(|| model::ArmId::group("s", "none")),
        attributes: state.applied.iter().filter(|(p, _)| sent(p)).map(|(p, v)| (*p, v.clone())).collect(),
        computed,
        provisioning: Provisioning::Succeeded,
        created: None,
    };
    (observed, state)
}

#[test]
fn every_delete_in_the_steps_is_one_that_is_shown() {
    for (name, case) in cases() {
        let Ok(plan) = case.plan() else { continue };
        let shown = render::human(&plan, Paint(false));
        for step in plan.steps.iter().filter(|s| s.verb == Verb::Delete) {
            let change = &plan.changes[step.change];
            assert!(
                matches!(change.action, Action::Delete | Action::Replace { .. }),
                "{name}: {}",
                step.address
            );
            assert!(shown.contains(&format!("# {} ", step.address)), "{name}: {} is not shown", step.address);
            assert!(
                case.snapshot.resources.contains_key(change.previous.as_ref().unwrap_or(&step.address)),
                "{name}: {} is not ours",
                step.address
            );
        }
    }
}

/// The steps in an order that they can be worked off in; fails on a cycle.
fn order(plan: &Plan) -> Vec<usize> {
    let mut done = BTreeSet::new();
    let mut order = Vec::new();
    while order.len() < plan.steps.len() {
        let ready: Vec<usize> = (0..plan.steps.len())
            .filter(|i| !done.contains(i) && plan.steps[*i].after.iter().all(|b| done.contains(b)))
            .collect();
        assert!(!ready.is_empty(), "steps wait for each other: {:?}", plan.steps);
        done.extend(ready.iter().copied());
        order.extend(ready);
    }
    order
}

/// Every step that must come before `index`, directly or not.
fn before(plan: &Plan, index: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = plan.steps[index].after.clone();
    while let Some(at) = open.pop() {
        if found.insert(at) {
            open.extend(&plan.steps[at].after);
        }
    }
    found
}

/// The steps of an address that build, or that tear down.
fn of<'a>(plan: &'a Plan, address: &'a Address, teardown: bool) -> impl Iterator<Item = usize> + 'a {
    let steps = plan.steps.iter().enumerate();
    let fits = move |s: &planner::Step| s.address == *address && s.verb.removes() == teardown;
    steps.filter(move |(_, s)| fits(s)).map(|(index, _)| index)
}

fn check_order(name: &str, plan: &Plan) {
    order(plan);
    for change in &plan.changes {
        for dependency in change.desired.iter().flat_map(|d| &d.dependencies) {
            for mine in of(plan, &change.address, false) {
                let earlier = before(plan, mine);
                let unmet: Vec<usize> =
                    of(plan, &dependency.address, false).filter(|i| !earlier.contains(i)).collect();
                assert!(
                    unmet.is_empty(),
                    "{name}: {} is built before {}",
                    change.address,
                    dependency.address
                );
            }
        }
        for dependency in change.prior.iter().flat_map(|p| &p.depends_on) {
            for theirs in of(plan, dependency, true) {
                let earlier = before(plan, theirs);
                let unmet: Vec<usize> =
                    of(plan, &change.address, true).filter(|i| !earlier.contains(i)).collect();
                assert!(unmet.is_empty(), "{name}: {dependency} goes before {}", change.address);
            }
        }
    }
}

#[test]
fn builds_follow_dependencies_and_teardowns_go_the_other_way() {
    for (name, case) in cases() {
        if let Ok(plan) = case.plan() {
            check_order(&name, &plan);
        }
    }
}

/// Any mix of creates, deletes, replacements and updates over a random graph.
#[test]
fn random_changes_over_random_graphs_are_ordered_well() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let case = random_case(&mut random);
        let plan = case.plan().expect("no cycles");
        check_order(&format!("seed {seed}"), &plan);
        let deletes =
            plan.changes.iter().filter(|c| matches!(c.action, Action::Delete | Action::Replace { .. }));
        let expected = deletes.filter(|c| c.kind.in_arm()).count();
        let sent = plan.steps.iter().filter(|s| s.verb == Verb::Delete).count();
        assert_eq!(sent, expected, "seed {seed}");
    }
}

/// Twelve identities that depend on earlier ones, in documents and state by chance, some to be replaced.
fn random_case(random: &mut Random) -> Case {
    let count = 12;
    let mut case = identities(count);
    let addresses: Vec<Address> = case.resources.iter().map(|r| r.address.clone()).collect();
    for at in 0..case.resources.len() {
        let resource = &mut case.resources[at];
        let mut edges = |chance| -> Vec<Address> {
            addresses[..at].iter().filter(|_| random.chance(chance, 5)).cloned().collect()
        };
        let place = resource.place;
        resource.dependencies =
            edges(2).into_iter().map(|address| model::Dependency { address, place }).collect();
        let state = case.snapshot.resources.get_mut(&resource.address).expect("an entry");
        state.depends_on = edges(2);
        if random.chance(1, 3) {
            state.applied.insert("location", "northeurope".into());
        }
    }
    let live = case.live.get_or_insert_default();
    for address in &addresses {
        match random.below(5) {
            0 => {
                case.snapshot.resources.remove(address);
                live.resources.remove(address);
            }
            1 => {
                case.resources.retain(|r| r.address != *address);
                case.resources.iter_mut().for_each(|r| r.dependencies.retain(|d| d.address != *address));
            }
            _ => {}
        }
        if let Some(state) = case.snapshot.resources.get(address) {
            live.resources.get_mut(address).expect("live").attributes = state.applied.clone();
        }
    }
    for state in case.snapshot.resources.values_mut() {
        state.depends_on.retain(|a| live.resources.contains_key(a));
    }
    case
}

/// So many identities, all applied and untouched.
fn identities(count: usize) -> Case {
    let folder = testkit::workspace_root().join("testdata/plan/unknown");
    let mut case = Case::read(&folder);
    let one = case.resources.iter().find(|r| r.kind.name == "user_assigned_identity").expect("it").clone();
    case.resources = (0..count)
        .map(|n| {
            let name = format!("identity-{n:02}");
            let arm_id = one.arm_id.as_ref().and_then(|id| id.parent()).expect("a group");
            let arm_id = arm_id.in_group(one.kind.resource_type(), &name);
            let address = Address::new(one.kind.name, None, &name, None);
            Resource { address, name, arm_id: Some(arm_id), dependencies: Vec::new(), ..one.clone() }
        })
        .collect();
    case.snapshot.resources.clear();
    let mut live = Live::default();
    for resource in &case.resources {
        let (observed, state) = applied(resource, &live, &case.seal);
        live.resources.insert(resource.address.clone(), observed);
        case.snapshot.resources.insert(resource.address.clone(), state);
    }
    case.live = Some(live);
    case
}

/// The same, wilder: names that change, both orders of replacement, updates, states that remember edges in any
/// direction, and what replacements left behind.
fn wild_case(random: &mut Random) -> Case {
    let mut case = random_case(random);
    let addresses: Vec<Address> = case.snapshot.resources.keys().cloned().collect();
    for resource in &mut case.resources {
        resource.lifecycle.create_before_destroy = random.chance(1, 3);
        resource.lifecycle.retain = random.chance(1, 8);
        if random.chance(1, 3) {
            resource.name.push_str("-new");
            let parent = resource.arm_id.as_ref().and_then(|id| id.parent()).expect("a group");
            resource.arm_id = Some(parent.in_group(resource.kind.resource_type(), &resource.name));
        }
    }
    for (at, state) in case.snapshot.resources.values_mut().enumerate() {
        state.depends_on = addresses.iter().filter(|_| random.chance(1, 6)).cloned().collect();
        state.retained = random.chance(1, 8);
        if random.chance(1, 3) {
            state.applied.insert("tags", serde_json::json!({ "stage": "old" }));
        }
        if random.chance(1, 4) {
            let parent = state.arm_id.as_ref().and_then(|id| id.parent()).expect("a group");
            let arm_id = Some(parent.in_group(state.kind().resource_type(), &format!("left-{at}")));
            state.deposed = vec![model::ResourceState { arm_id, ..state.clone() }];
        }
    }
    let live = case.live.get_or_insert_default();
    for (address, state) in &case.snapshot.resources {
        live.resources.get_mut(address).expect("live").attributes = state.applied.clone();
    }
    case
}

/// Each step belongs to a change that is shown, nothing but what is shown is deleted, and the steps can be worked off.
fn check_steps(plan: &Plan) {
    order(plan);
    let shown = render::human(plan, Paint(false));
    for (at, step) in plan.steps.iter().enumerate() {
        let change = &plan.changes[step.change];
        assert!(change.address == step.address && change.action != Action::NoOp, "{step:?}");
        assert!(
            shown.contains(&format!("# {} ", change.label())) || change.action == Action::Move,
            "{step:?}"
        );
        if step.verb == Verb::Delete {
            assert!(matches!(change.action, Action::Delete | Action::Replace { .. }), "{step:?}");
        }
        let own = before(plan, at).into_iter().filter(|b| plan.steps[*b].change == step.change);
        let earlier: Vec<Verb> = own.map(|b| plan.steps[b].verb).collect();
        match (change.action, step.verb) {
            (Action::Replace { create_first: true }, Verb::Delete) => {
                assert!(earlier.contains(&Verb::Create))
            }
            (Action::Replace { create_first: false }, Verb::Create) => {
                assert!(earlier.contains(&Verb::Delete))
            }
            _ => {}
        }
    }
}

/// What a partial plan does, the whole plan does too, and nothing of it waits for what was left out.
fn check_part(whole: &Plan, part: &Plan) {
    let kept: BTreeSet<&Address> = part.changes.iter().map(|c| &c.address).collect();
    for step in whole.steps.iter().filter(|s| kept.contains(&s.address)) {
        let waits = step.after.iter().map(|before| &whole.steps[*before].address);
        let missing: Vec<&Address> = waits.filter(|address| !kept.contains(*address)).collect();
        assert!(missing.is_empty(), "{} needs {missing:?}", step.address);
    }
    let verbs = |plan: &Plan| -> BTreeSet<(Address, &'static str)> {
        let kept = plan.steps.iter().filter(|s| kept.contains(&s.address));
        kept.map(|s| (s.address.clone(), s.verb.word())).collect()
    };
    assert_eq!(verbs(part), verbs(whole));
    for change in &part.changes {
        let needs = change.desired.iter().flat_map(|d| &d.dependencies);
        needs.for_each(|d| assert!(kept.contains(&d.address), "{} without {}", change.address, d.address));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn wild_plans_keep_the_laws(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let mut case = wild_case(&mut random);
        let whole = case.plan().expect("no cycles in the documents");
        check_steps(&whole);
        random.shuffle(&mut case.resources);
        case.resources.iter_mut().for_each(|r| random.shuffle(&mut r.dependencies));
        prop_assert_eq!(text(&case.plan().expect("a plan")), text(&whole));
        let named = whole.changes[random.below(whole.changes.len() as u64) as usize].address.to_string();
        for exclude in [false, true] {
            case.options.targets = (!exclude).then(|| named.clone()).into_iter().collect();
            case.options.excludes = exclude.then(|| named.clone()).into_iter().collect();
            let part = case.plan().expect("a plan");
            check_steps(&part);
            if !whole.steps.is_empty() {
                check_part(&whole, &part);
            }
            prop_assert_eq!(part.change(&Address::parse(&named).expect("an address")).is_some(), !exclude);
        }
    }
}
