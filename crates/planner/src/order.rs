//! The steps of each change, and the order between the steps of different changes.
//!
//! A resource is built after what it depends on, and torn down after what depends on it, also after the updates that
//! let go of it. No step waits for itself: where what is wanted goes round in a circle, the softer wishes give way.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use model::{Address, schema};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::plan::{Action, Change, Difference, Effect, Reason, Shown, Step, Verb};

/// All steps, each with those it waits for; or the addresses that wait for each other whatever gives way.
pub(crate) fn steps(changes: &[Change]) -> Result<Vec<Step>, Vec<Address>> {
    let mut order = Order::new(changes);
    for (index, change) in changes.iter().enumerate() {
        order.after_dependencies(index, change);
        order.after_dependents(index, change);
        order.after_current(index, change);
        order.after_departure(index, change);
    }
    order.after_names();
    order.give_way()?;
    order.early_teardowns();
    Ok(order.finish())
}

/// How firmly one step waits for another, the softest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Firmness {
    /// A teardown for an update that lets go.
    LetGo,
    /// A teardown for the teardown of what used it, as the state remembers it.
    Used,
    /// Nothing else is possible in Azure.
    Firm,
}

/// One step waits for another.
struct Tie {
    before: usize,
    after: usize,
    firmness: Firmness,
}

/// The ranges of one change's steps.
#[derive(Default, Clone)]
struct Spans {
    whole: Range<usize>,
    build: Option<Range<usize>>,
    teardown: Option<Range<usize>>,
}

struct Order<'a> {
    changes: &'a [Change],
    steps: Vec<Step>,
    spans: Vec<Spans>,
    /// The changes of an address: that of its current object first.
    at: HashMap<&'a Address, Vec<usize>>,
    ties: Vec<Tie>,
}

impl<'a> Order<'a> {
    fn new(changes: &'a [Change]) -> Self {
        let mut order = Order {
            changes,
            steps: Vec::new(),
            spans: Vec::with_capacity(changes.len()),
            at: HashMap::with_capacity(changes.len()),
            ties: Vec::new(),
        };
        for (index, change) in changes.iter().enumerate() {
            let spans = order.own_steps(index, change);
            order.spans.push(spans);
            order.at.entry(&change.address).or_default().push(index);
        }
        order
    }

    /// Adds a change's own steps, each after the one before it.
    fn own_steps(&mut self, index: usize, change: &Change) -> Spans {
        let start = self.steps.len();
        let mut spans = Spans::default();
        for (part, verbs) in parts(change) {
            let from = self.steps.len();
            for (verb, paths) in verbs {
                let after = if self.steps.len() > start { vec![self.steps.len() - 1] } else { Vec::new() };
                let moved_from = change.previous.clone().filter(|_| verb == Verb::Move);
                let address = change.address.clone();
                self.steps.push(Step { change: index, address, verb, paths, moved_from, after });
            }
            let range = (self.steps.len() > from).then_some(from..self.steps.len());
            match part {
                Part::Note => {}
                Part::Build => spans.build = range,
                Part::Teardown => spans.teardown = range,
            }
        }
        spans.whole = start..self.steps.len();
        spans
    }

    fn tie(&mut self, before: usize, after: usize, firmness: Firmness) {
        self.ties.push(Tie { before, after, firmness });
    }

    /// What is built comes after what it depends on; directly, or through resources that nothing is done to.
    fn after_dependencies(&mut self, index: usize, change: &'a Change) {
        let Some(build) = self.spans[index].build.clone() else { return };
        for dependency in self.nearest(change, wanted) {
            if let Some(before) = self.spans[dependency].build.clone() {
                self.tie(before.end - 1, build.start, Firmness::Firm);
            }
        }
    }

    /// What a resource depended on may go only after the resource has gone, or has let go of it.
    fn after_dependents(&mut self, index: usize, change: &'a Change) {
        let Spans { whole, build, teardown } = self.spans[index].clone();
        if whole.is_empty() {
            return;
        }
        // A state may remember edges that go round, and then lead back here.
        let others = |at: &usize| self.changes[*at].address != change.address;
        for dependency in self.nearest(change, used).into_iter().filter(others).collect::<Vec<_>>() {
            for gone in self.at[&self.changes[dependency].address].clone() {
                let Some(theirs) = self.spans[gone].teardown.clone() else { continue };
                let other = &self.changes[gone];
                if let Some(own) = &teardown {
                    let firmness = if lies_in(change, other) { Firmness::Firm } else { Firmness::Used };
                    self.tie(own.end - 1, theirs.start, firmness);
                }
                if let Some(own) = build.as_ref().filter(|_| outlives(other)) {
                    self.tie(own.end - 1, theirs.start, Firmness::LetGo);
                }
            }
        }
    }

    /// An old object goes after whatever happens to the one that took its place.
    fn after_current(&mut self, index: usize, change: &Change) {
        let (true, Some(teardown)) = (change.deposed, self.spans[index].teardown.clone()) else { return };
        let current = self.at[&change.address][0];
        let steps = self.spans[current].whole.clone();
        if current == index || steps.is_empty() {
            return;
        }
        if self.steps[steps.start].verb == Verb::Move {
            self.tie(steps.start, teardown.start, Firmness::Firm);
        }
        self.tie(steps.end - 1, teardown.start, Firmness::LetGo);
    }

    /// What another resource moves away from is free for what moves there only then.
    fn after_departure(&mut self, index: usize, change: &Change) {
        let from = change.previous.as_ref().filter(|_| !change.deposed);
        let arrives = from.and_then(|from| self.at.get(from)).map(|all| self.spans[all[0]].whole.start);
        if let Some(arrives) = arrives {
            self.tie(self.spans[index].whole.start, arrives, Firmness::Firm);
        }
    }

    /// A name is free only when what had it is gone; otherwise a create would land on it, and be deleted with it.
    fn after_names(&mut self) {
        let mut vacated: HashMap<String, usize> = HashMap::new();
        for (index, change) in self.changes.iter().enumerate() {
            let goes = self.spans[index].teardown.is_some() && change.action != Action::Forget;
            let id = change.standing_id().filter(|_| goes);
            vacated.extend(id.map(|id| (id.folded(), index)));
        }
        for (index, change) in self.changes.iter().enumerate() {
            let makes = matches!(change.action, Action::Create | Action::Replace { .. });
            let id = change.arm_id.as_ref().filter(|_| makes && !vacated.is_empty());
            let gone = id.and_then(|id| vacated.get(&id.folded())).filter(|gone| **gone != index);
            if let (Some(gone), Some(build)) = (gone, self.spans[index].build.clone()) {
                let teardown = self.spans[*gone].teardown.clone();
                let last = teardown.expect("BUG: what vacates a name is torn down").end - 1;
                self.tie(last, build.start, Firmness::Firm);
            }
        }
    }

    /// Drops soft ties that go round in a circle; the addresses of a circle that stays.
    fn give_way(&mut self) -> Result<(), Vec<Address>> {
        for firmness in [Firmness::LetGo, Firmness::Used] {
            let Some(circles) = self.circles() else { return Ok(()) };
            self.ties.retain(|tie| {
                let circular = circles[tie.before].is_some() && circles[tie.before] == circles[tie.after];
                tie.firmness != firmness || !circular
            });
        }
        let Some(circles) = self.circles() else { return Ok(()) };
        let first = circles.iter().flatten().min().copied();
        let members = self.steps.iter().zip(&circles).filter(|(_, circle)| **circle == first);
        let mut addresses: Vec<Address> = members.map(|(step, _)| step.address.clone()).collect();
        addresses.dedup();
        Err(addresses)
    }

    /// The circle that each step is in; none at all when nothing goes round.
    fn circles(&self) -> Option<Vec<Option<usize>>> {
        let own =
            self.steps.iter().enumerate().flat_map(|(at, step)| step.after.iter().map(move |b| (*b, at)));
        let edges = own.chain(self.ties.iter().map(|tie| (tie.before, tie.after)));
        let mut graph = DiGraph::<(), ()>::with_capacity(self.steps.len(), self.ties.len());
        self.steps.iter().for_each(|_| _ = graph.add_node(()));
        edges.for_each(|(before, after)| {
            _ = graph.add_edge(NodeIndex::new(before), NodeIndex::new(after), ())
        });
        let mut circles = vec![None; self.steps.len()];
        for members in tarjan_scc(&graph).into_iter().filter(|members| members.len() > 1) {
            let name = members.iter().map(|node| node.index()).min();
            members.iter().for_each(|node| circles[node.index()] = name);
        }
        circles.iter().any(Option::is_some).then_some(circles)
    }

    /// What is deleted before it is made again goes before what it depends on is made anew the other way round, and
    /// before what sets its replacement off. So a failure on the way leaves a plan that does the same again.
    fn early_teardowns(&mut self) {
        let early = self.early();
        for (index, change) in self.changes.iter().enumerate() {
            let teardown = self.spans[index].teardown.clone().filter(|t| early[t.end - 1]);
            let deleted_first = change.action == Action::Replace { create_first: false };
            let Some(last) = teardown.filter(|_| deleted_first).map(|t| t.end - 1) else { continue };
            let renewed = |at: &usize| self.changes[*at].action == Action::Replace { create_first: true };
            let mut later: Vec<usize> = self.nearest(change, wanted).into_iter().filter(renewed).collect();
            if change.reason == Some(Reason::Triggered) {
                later.extend(triggers(change).into_iter().filter_map(|t| self.at.get(t)).map(|all| all[0]));
            }
            for build in later.into_iter().filter_map(|at| self.spans[at].build.clone()).collect::<Vec<_>>() {
                self.tie(last, build.start, Firmness::Firm);
            }
        }
    }

    /// Whether a step, and all that come before it, build nothing: whatever waits for such a step closes no circle.
    fn early(&self) -> Vec<bool> {
        let mut builds = vec![false; self.steps.len()];
        for build in self.spans.iter().filter_map(|s| s.build.clone()) {
            builds[build].fill(true);
        }
        let mut later: Vec<Vec<usize>> = vec![Vec::new(); self.steps.len()];
        for (at, step) in self.steps.iter().enumerate() {
            step.after.iter().for_each(|before| later[*before].push(at));
        }
        self.ties.iter().for_each(|tie| later[tie.before].push(tie.after));
        let mut open: Vec<usize> = (0..builds.len()).filter(|at| builds[*at]).collect();
        while let Some(at) = open.pop() {
            for next in later[at].drain(..) {
                if !std::mem::replace(&mut builds[next], true) {
                    open.push(next);
                }
            }
        }
        builds.into_iter().map(|built| !built).collect()
    }

    /// The nearest changes along some edges that anything is done to; what nothing is done to passes its own on.
    fn nearest(&self, change: &'a Change, edges: fn(&'a Change) -> Vec<&'a Address>) -> Vec<usize> {
        let mut seen: HashSet<&Address> = HashSet::new();
        let mut open = edges(change);
        let mut found = Vec::new();
        while let Some(address) = open.pop() {
            let Some(all) = self.at.get(address).filter(|_| seen.insert(address)) else { continue };
            let idle = self.spans[all[0]].whole.is_empty();
            found.extend((!idle || all.len() > 1).then_some(all[0]));
            if idle {
                open.extend(edges(&self.changes[all[0]]));
            }
        }
        found
    }

    fn finish(self) -> Vec<Step> {
        let mut steps = self.steps;
        for tie in self.ties {
            steps[tie.after].after.push(tie.before);
        }
        for step in &mut steps {
            step.after.sort_unstable();
            step.after.dedup();
        }
        steps
    }
}

/// What a document depends on.
fn wanted(change: &Change) -> Vec<&Address> {
    change.desired.iter().flat_map(|d| &d.dependencies).map(|d| &d.address).collect()
}

/// What an object depends on, as the state remembers it.
fn used(change: &Change) -> Vec<&Address> {
    change.prior.iter().flat_map(|p| &p.depends_on).collect()
}

/// The others whose change replaces this one.
fn triggers(change: &Change) -> Vec<&Address> {
    change.desired.iter().flat_map(|d| &d.lifecycle.triggers).map(|t| &t.address).collect()
}

/// Whether what stands of one lies, in Azure, in what stands of the other.
fn lies_in(change: &Change, other: &Change) -> bool {
    change.standing_id().zip(other.standing_id()).is_some_and(|(inner, outer)| inner.lies_in(outer))
}

/// Whether a teardown may wait until its dependents are updated: what takes its place, if anything, stands by then.
fn outlives(change: &Change) -> bool {
    matches!(change.action, Action::Delete | Action::Forget | Action::Replace { create_first: true })
}

/// What a part of a change's steps does to what stands.
enum Part {
    Note,
    Build,
    Teardown,
}

type Verbs = Vec<(Verb, Vec<&'static str>)>;

/// Whether what stood is gone, and what is made in its place gets another id: the state must not keep the gone one.
fn is_made_elsewhere(change: &Change) -> bool {
    let before = change.prior.as_ref().and_then(|prior| prior.arm_id.as_ref());
    let other =
        before.zip(change.arm_id.as_ref()).is_some_and(|(before, after)| !before.same(after.as_str()));
    change.action == Action::Create && other
}

/// The parts of a change, in their order.
fn parts(change: &Change) -> Vec<(Part, Verbs)> {
    let one = |verb| vec![(verb, Vec::new())];
    let teardown = || (Part::Teardown, one(if change.kind.in_arm() { Verb::Delete } else { Verb::Forget }));
    let build = || (Part::Build, build_steps(change));
    let own = match change.action {
        Action::NoOp => Vec::new(),
        Action::Move => return vec![(Part::Build, one(Verb::Move))],
        Action::Delete => vec![teardown()],
        Action::Forget => vec![(Part::Teardown, one(Verb::Forget))],
        Action::Replace { create_first: false } => vec![teardown(), build()],
        Action::Replace { create_first: true } => vec![build(), teardown()],
        Action::Create => vec![build()],
        Action::Update => vec![(Part::Build, update_steps(change))],
        Action::Adopt => vec![(Part::Build, [one(Verb::Record), update_steps(change)].concat())],
        Action::Start => vec![(Part::Build, one(Verb::Start))],
        Action::Stop => vec![(Part::Build, one(Verb::Stop))],
        Action::Restart => vec![(Part::Build, one(Verb::Restart))],
    };
    let moved = (change.previous.is_some() && !change.deposed).then(|| (Part::Note, one(Verb::Move)));
    let forgotten = is_made_elsewhere(change).then(|| (Part::Note, one(Verb::Forget)));
    moved.into_iter().chain(forgotten).chain(own).collect()
}

/// A create sets everything at once, but for what only an action or a power request can set.
fn build_steps(change: &Change) -> Verbs {
    let given = || change.differences.iter().filter(|d| d.after != Shown::Absent);
    if !change.kind.in_arm() {
        return vec![(Verb::Record, given().map(|d| d.attribute.path).collect())];
    }
    let stopped = |d: &&Difference| {
        d.attribute.change == schema::Change::Power && d.after == Shown::Known("stopped".into())
    };
    let at_once =
        given().filter(|d| d.attribute.at_creation && !stopped(d)).map(|d| d.attribute.path).collect();
    let mut verbs = vec![(Verb::Create, at_once)];
    let later = given().filter(|d| !d.attribute.at_creation);
    verbs.extend(later.filter_map(|d| match d.attribute.change {
        schema::Change::Action(action) => Some((Verb::Act(action), vec![d.attribute.path])),
        _ => None,
    }));
    verbs.extend(change.differences.iter().find(stopped).map(|d| (Verb::Stop, vec![d.attribute.path])));
    verbs
}

/// The gentlest requests that set what differs: one PATCH or one PUT, an action for each attribute that
/// has its own, then power.
fn update_steps(change: &Change) -> Verbs {
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
