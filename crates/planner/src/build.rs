//! The plan, from what is desired, what was applied, and what is live.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use model::{
    Address, Adopt, Diagnostic, Diagnostics, Due, Json, Live, Observed, Resource, ResourceState, Seal,
    Snapshot, Status, Trigger, Value,
};

use crate::difference::{self, Compared, Sides};
use crate::moves::{self, Moves, Prior};
use crate::options::Options;
use crate::plan::{Action, Change, Difference, Drift, Effect, Plan, Reason};
use crate::resolve::{Resolved, resolve, stand_in};
use crate::{Graph, entry, notes, refusals};

/// Plans. Pure: the same input gives the same plan, to the byte. `live` is `None` when refresh is off,
/// and what was applied then stands for what is live.
pub fn plan(
    graph: &Graph,
    outputs: &BTreeMap<String, Value>,
    snapshot: &Snapshot,
    live: Option<&Live>,
    seal: &Seal,
    options: &Options,
) -> Plan {
    let graph = &*graph.beside(snapshot);
    let Moves { priors, diagnostics } = match options.refresh_only {
        true => moves::none(snapshot),
        false => moves::find(graph, snapshot),
    };
    let renamed = priors.iter().filter_map(|(now, prior)| Some((prior.previous?, *now))).collect();
    let mut planner = Planner {
        graph,
        live,
        seal,
        options,
        priors,
        renamed,
        changes: HashMap::with_capacity(graph.resources().len()),
        refreshed: BTreeMap::new(),
        diagnostics,
    };
    let drift = planner.drift();
    if options.refresh_only {
        return planner.taken_in(snapshot, drift);
    }
    for resource in graph.in_dependency_order() {
        planner.desired(resource);
    }
    planner.absent();
    let shown = planner.outputs(outputs, snapshot);
    let old = planner.deposed();
    let mut changes: Vec<Change> = std::mem::take(&mut planner.changes).into_values().chain(old).collect();
    changes.sort_by(|a, b| (&a.address, a.deposed, &a.arm_id).cmp(&(&b.address, b.deposed, &b.arm_id)));
    planner.finish((changes, drift, shown), outputs, snapshot)
}

/// A plan while it is made.
pub(crate) struct Planner<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) live: Option<&'a Live>,
    pub(crate) seal: &'a Seal,
    pub(crate) options: &'a Options,
    pub(crate) priors: BTreeMap<&'a Address, Prior<'a>>,
    /// Today's addresses by earlier ones.
    renamed: HashMap<&'a Address, &'a Address>,
    pub(crate) changes: HashMap<Address, Change>,
    pub(crate) refreshed: BTreeMap<Address, ResourceState>,
    pub(crate) diagnostics: Diagnostics,
}

impl<'a> Planner<'a> {
    /// Decides about one resource of the documents; what it depends on is decided already.
    fn desired(&mut self, resource: &Arc<Resource>) {
        if resource.existing {
            return self.looked_at(resource);
        }
        let resolved = match resolve(resource, &|address, name| self.known(address, name)) {
            Ok(resolved) => resolved,
            Err((path, words)) => {
                let place = resource.place_of(path);
                self.diagnostics
                    .push(Diagnostic::error(words).at(place).address(&resource.address).attribute(path));
                return;
            }
        };
        if self.live.is_some_and(|l| l.unreadable.contains_key(self.live_address(&resource.address))) {
            return;
        }
        let prior = self.priors.get(&resource.address).cloned();
        let observed = self.observed(&resource.address);
        let change = match (&prior, observed) {
            (None, None) => self.create(resource, &resolved, None, Reason::Manifest),
            (None, Some(observed)) => self.unowned(resource, &resolved, observed),
            (Some(prior), None) if self.live.is_some() && resource.kind.in_arm() => {
                self.create(resource, &resolved, Some(prior.clone()), Reason::Drift)
            }
            (Some(prior), observed) => self.standing(resource, &resolved, prior, observed),
        };
        self.changes.insert(resource.address.clone(), change);
    }

    /// A resource that stands without plumb: it must be there. One that was plumb's own until now is let go of.
    fn looked_at(&mut self, resource: &Arc<Resource>) {
        let address = &resource.address;
        if self.live.is_some_and(|live| live.unreadable.contains_key(self.live_address(address))) {
            return;
        }
        let prior = self.priors.get(address).cloned();
        if self.live.is_some() && self.observed(address).is_none() {
            self.diagnostics.push(refusals::not_there(resource));
        }
        let change = match prior {
            None => self.change(resource, Action::NoOp, None, None, Vec::new()),
            Some(prior) if prior.state.has_id(resource.arm_id.as_ref()) => notes::let_go(Change {
                action: Action::Forget,
                ..self.torn_down(address, &prior, prior.state, Reason::Manifest)
            }),
            Some(prior) => {
                self.diagnostics.push(refusals::exists_elsewhere(resource, prior.state.arm_id.as_ref()));
                self.left_alone(address, &prior)
            }
        };
        self.changes.insert(address.clone(), change);
    }

    /// A resource that is not there.
    fn create(
        &mut self,
        resource: &Arc<Resource>,
        resolved: &Resolved,
        prior: Option<Prior<'a>>,
        reason: Reason,
    ) -> Change {
        if let (Some(Adopt::Id(id)), None, Some(_)) = (&resource.adopt, &prior, self.live) {
            self.diagnostics.push(refusals::nothing_to_adopt(resource, id.as_str()));
        }
        let differences = difference::whole(resource, resolved);
        let change = self.change(resource, Action::Create, Some(reason), prior, differences);
        notes::of_create(change)
    }

    /// A resource that stands in Azure and in no state: it is adopted when its document says so.
    fn unowned(&mut self, resource: &Arc<Resource>, resolved: &Resolved, observed: &Observed) -> Change {
        if resource.adopt.is_none() {
            self.diagnostics.push(refusals::not_ours(resource));
        }
        let sides = Sides {
            resource,
            resolved,
            prior: None,
            live: Some(observed),
            due: self.due(&resource.address),
            trust_secrets: false,
        };
        let compared = difference::compare(&sides, self.seal);
        let replaced = compared.differences.iter().find(|d| d.effect == Effect::Replace);
        if let (Some(difference), Some(_)) = (replaced, &resource.adopt) {
            self.diagnostics.push(refusals::adopts_another(resource, difference));
        }
        let mut change =
            self.change(resource, Action::Adopt, Some(Reason::Requested), None, compared.differences);
        change.notes.extend(compared.resting.map(|because| because.words(resource, resolved)));
        change.unchanged = compared.unchanged;
        notes::of_update(change)
    }

    /// A resource that is in the state, and live as far as we know.
    fn standing(
        &mut self,
        resource: &Arc<Resource>,
        resolved: &Resolved,
        prior: &Prior<'a>,
        observed: Option<&Observed>,
    ) -> Change {
        let sides = Sides {
            resource,
            resolved,
            prior: Some(prior.state),
            live: observed,
            due: self.due(&resource.address),
            trust_secrets: self.options.trust_secrets,
        };
        let compared = difference::compare(&sides, self.seal);
        let (action, reason) = self.judge(resource, prior, &compared);
        self.diagnostics.extend(impossible_order(resource, prior.state, action, reason));
        if matches!(action, Action::NoOp | Action::Update | Action::Move) {
            self.refresh_entry(resource, resolved, prior, observed, &compared);
        }
        let resting = compared.resting.filter(|_| !matches!(action, Action::Replace { .. }));
        let differences = match action {
            Action::Replace { .. } => difference::replaced(resource, resolved, compared.differences),
            _ => compared.differences,
        };
        let mut change = self.change(resource, action, reason, Some(prior.clone()), differences);
        change.unchanged = compared.unchanged;
        change.notes.extend(resting.map(|because| because.words(resource, resolved)));
        match (action, reason) {
            (Action::Replace { .. }, Some(Reason::Triggered)) => {
                notes::triggered(notes::of_replace(change), &self.triggers(resource))
            }
            (Action::Replace { .. }, _) => notes::of_replace(change),
            _ => notes::of_update(change),
        }
    }

    fn judge(&self, resource: &Resource, prior: &Prior<'_>, compared: &Compared) -> (Action, Option<Reason>) {
        let elsewhere = prior
            .state
            .arm_id
            .as_ref()
            .zip(resource.arm_id.as_ref())
            .is_some_and(|(a, b)| !a.same(b.as_str()));
        // Two resources never have one name: a create on top of the standing one would be deleted with it.
        let replace = Action::Replace { create_first: elsewhere && resource.create_first.is_some() };
        let because = |effect| reason_of(compared.differences.iter().filter(move |d| d.effect == effect));
        match () {
            () if self.parent_is_replaced(resource) => (replace, Some(Reason::ParentReplaced)),
            () if prior.state.status == Status::Tainted => (replace, Some(Reason::Tainted)),
            () if self.options.replace.contains(&resource.address) => (replace, Some(Reason::Requested)),
            () if because(Effect::Replace).is_some() => (replace, because(Effect::Replace)),
            () if elsewhere => (replace, Some(Reason::Manifest)),
            () if !self.triggers(resource).is_empty() => (replace, Some(Reason::Triggered)),
            () if because(Effect::Update).is_some() => (Action::Update, because(Effect::Update)),
            () if prior.previous.is_some() => (Action::Move, Some(Reason::Requested)),
            () => (Action::NoOp, None),
        }
    }

    /// Live is as desired and the state is not: the state follows, without a request.
    fn refresh_entry(
        &mut self,
        resource: &Arc<Resource>,
        resolved: &Resolved,
        prior: &Prior<'a>,
        observed: Option<&Observed>,
        compared: &Compared,
    ) {
        let settled = compared.unchanged.iter().map(|(a, _)| a.path).chain(compared.trusted.iter().copied());
        let left = prior.state.applied.keys().copied().filter(|p| !resource.attributes.contains_key(p));
        let gone: Vec<&'static str> =
            left.filter(|p| !compared.differences.iter().any(|d| d.attribute.path == *p)).collect();
        let applies = compared.stale || !gone.is_empty();
        let observed: Option<BTreeMap<String, Json>> = observed.map(|observed| {
            let kept = observed.computed.iter().filter(|(n, _)| entry::is_kept(n));
            kept.map(|(n, v)| ((*n).to_owned(), v.clone())).collect()
        });
        let completed = prior.state.status == Status::Incomplete && compared.differences.is_empty();
        // Most entries of a large state stay as they are: they are not copied to find that out.
        let stays = entry::says_the_same(resource, prior.state)
            && observed.as_ref().is_none_or(|observed| *observed == prior.state.observed);
        if stays && !applies && !completed {
            return;
        }
        let mut entry = entry::retold(resource, prior.state);
        if applies {
            entry::apply(&mut entry, resource, resolved, settled.chain(gone), self.seal);
        }
        entry.observed = observed.unwrap_or(entry.observed);
        if completed {
            entry.status = Status::Ready;
        }
        if entry != *prior.state {
            // This is about the current object alone.
            entry.deposed.clear();
            self.refreshed.insert(resource.address.clone(), entry);
        }
    }

    /// Resources of the state that no document asks for.
    fn absent(&mut self) {
        let gone: Vec<(&Address, Prior<'a>)> = self
            .priors
            .iter()
            .filter(|(a, _)| self.graph.get(a).is_none())
            .map(|(a, p)| (*a, p.clone()))
            .collect();
        for (address, prior) in gone {
            let reason = match self.options.destroy {
                true => Reason::Requested,
                false if self.is_repeated_otherwise(address) => Reason::Repetition,
                false => Reason::Manifest,
            };
            let change = self.torn_down(address, &prior, prior.state, reason);
            self.changes.insert(address.clone(), change);
        }
    }

    /// Whether a document stands where this address is from, with `for_each` if that has none, or the other way round.
    fn is_repeated_otherwise(&self, address: &Address) -> bool {
        match address.key() {
            Some(_) => Address::parse(address.stem()).is_some_and(|whole| self.graph.get(&whole).is_some()),
            None => self.graph.has_elements_of(address),
        }
    }

    /// What replacements left behind goes, whatever the documents say.
    fn deposed(&self) -> Vec<Change> {
        let all = self
            .priors
            .iter()
            .flat_map(|(a, prior)| prior.state.deposed.iter().map(move |old| (*a, prior, old)));
        all.map(|(address, prior, old)| Change {
            deposed: true,
            ..self.torn_down(address, prior, old, Reason::Deposed)
        })
        .collect()
    }

    /// An entry that nothing is done to, whatever the documents say.
    pub(crate) fn left_alone(&self, address: &Address, prior: &Prior<'a>) -> Change {
        let change = self.torn_down(address, prior, prior.state, Reason::Requested);
        Change { action: Action::NoOp, reason: None, differences: Vec::new(), notes: Vec::new(), ..change }
    }

    /// The end of one object of an address.
    fn torn_down(
        &self,
        address: &Address,
        prior: &Prior<'a>,
        object: &ResourceState,
        reason: Reason,
    ) -> Change {
        let change = Change {
            address: address.clone(),
            kind: object.kind(),
            action: if object.retained { Action::Forget } else { Action::Delete },
            reason: Some(reason),
            previous: prior.previous.cloned(),
            arm_id: object.arm_id.clone(),
            differences: difference::removed(object),
            unchanged: Vec::new(),
            notes: Vec::new(),
            implied_by: None,
            desired: None,
            prior: Some(self.remembered(object)),
            deposed: false,
        };
        notes::of_delete(change)
    }

    /// An object as the state has it, what it depends on by today's addresses.
    fn remembered(&self, object: &ResourceState) -> ResourceState {
        let mut object = ResourceState { deposed: Vec::new(), ..object.clone() };
        for dependency in object.depends_on.iter_mut().filter(|_| !self.renamed.is_empty()) {
            if let Some(now) = self.renamed.get(dependency) {
                *dependency = (*now).clone();
            }
        }
        object
    }

    fn change(
        &self,
        resource: &Arc<Resource>,
        action: Action,
        reason: Option<Reason>,
        prior: Option<Prior<'a>>,
        differences: Vec<Difference>,
    ) -> Change {
        Change {
            address: resource.address.clone(),
            kind: resource.kind,
            action,
            reason,
            previous: prior.as_ref().and_then(|p| p.previous.cloned()),
            arm_id: resource.arm_id.clone(),
            differences,
            unchanged: Vec::new(),
            notes: Vec::new(),
            implied_by: resource.implied_by.clone(),
            desired: Some(resource.clone()),
            prior: prior.map(|p| self.remembered(p.state)),
            deposed: false,
        }
    }

    /// A computed value of another resource, unless this plan makes that resource anew; of a secret one what stands
    /// for it.
    pub(crate) fn known(&self, address: &Address, name: &str) -> Option<Json> {
        let remade = self
            .changes
            .get(address)
            .is_some_and(|c| matches!(c.action, Action::Create | Action::Replace { .. }));
        if remade {
            return None;
        }
        let (observed, prior) = (self.observed(address), self.priors.get(address));
        let live = |name: &str| observed?.computed.get(name).cloned();
        let kept = |name: &str| prior?.state.observed.get(name).cloned();
        let seen = |name: &str| live(name).or_else(|| kept(name));
        let Some(listed) = address.listed(name) else { return seen(name) };
        let arm_id = observed.map(|o| &o.arm_id).or_else(|| prior?.state.arm_id.as_ref())?;
        Some(stand_in(arm_id, name, seen(listed.moves_with).as_ref()))
    }

    fn parent_is_replaced(&self, resource: &Resource) -> bool {
        let goes = resource.kind.goes_with_its_place();
        let Some(arm_id) = resource.arm_id.as_ref().filter(|_| goes) else { return false };
        let before = resource.dependencies.iter().filter_map(|d| self.changes.get(&d.address));
        let mut replaced = before.filter(|c| {
            matches!(c.action, Action::Replace { .. }) || (c.action == Action::Create && c.prior.is_some())
        });
        replaced.any(|c| c.arm_id.as_ref().zip(arm_id.parent()).is_some_and(|(a, b)| a.same(b.as_str())))
    }

    /// What of that which its `replace_on` names changes.
    fn triggers<'r>(&self, resource: &'r Resource) -> Vec<&'r Trigger> {
        let change = |trigger: &Trigger| self.changes.get(&trigger.address);
        let sets_off = |t: &&Trigger| change(t).is_some_and(|c| c.sets_off(t.path.as_deref()));
        resource.lifecycle.triggers.iter().filter(sets_off).collect()
    }

    /// Live was read by the addresses that the state knows.
    fn live_address<'b>(&'b self, address: &'b Address) -> &'b Address {
        self.priors.get(address).and_then(|p| p.previous).unwrap_or(address)
    }

    fn observed(&self, address: &Address) -> Option<&'a Observed> {
        self.live?.get(self.live_address(address))
    }

    fn due(&self, address: &Address) -> Option<Due> {
        self.live?.due.get(self.live_address(address)).copied()
    }

    fn drift(&self) -> Vec<Drift> {
        let Some(live) = self.live else { return Vec::new() };
        let mut drift = Vec::new();
        for (address, prior) in self.priors.iter().filter(|(_, p)| p.state.kind().in_arm()) {
            let read_as = prior.previous.unwrap_or(address);
            if live.unreadable.contains_key(read_as) {
                continue;
            }
            let kind = prior.state.kind();
            let found = |gone, unmanaged, attributes| Drift {
                address: (*address).clone(),
                kind,
                gone,
                unmanaged,
                attributes,
            };
            let ignored = self.graph.get(address).map_or(&[][..], |r| &r.lifecycle.ignore_changes);
            match live.get(read_as) {
                None => drift.push(found(true, false, difference::lost(prior.state))),
                Some(observed) => {
                    let moved =
                        difference::drifted(prior.state, observed, live.due.get(read_as).copied(), ignored);
                    drift.extend((!moved.is_empty()).then(|| found(false, false, moved)));
                    if self.options.show_unmanaged {
                        let others = difference::unmanaged(prior.state, observed);
                        drift.extend((!others.is_empty()).then(|| found(false, true, others)));
                    }
                }
            }
        }
        drift
    }
}

/// A replacement cannot be made first under the name of what it replaces. What nobody can use yet is no loss: a half
/// made one, and one whose parent goes.
fn impossible_order(
    resource: &Resource,
    prior: &ResourceState,
    action: Action,
    reason: Option<Reason>,
) -> Option<Diagnostic> {
    let cause = resource.create_first.as_ref()?;
    let lost = prior.status == Status::Tainted || reason == Some(Reason::ParentReplaced);
    let in_vain = action == Action::Replace { create_first: false } && resource.kind.in_arm() && !lost;
    in_vain.then(|| refusals::same_name(resource, cause))
}

/// One reason for several differences: theirs if they agree, else both.
fn reason_of<'b>(differences: impl Iterator<Item = &'b Difference>) -> Option<Reason> {
    let reasons: BTreeSet<Reason> = differences.map(|d| d.reason).collect();
    match reasons.len() {
        0 => None,
        1 => reasons.into_iter().next(),
        _ => Some(Reason::Both),
    }
}
