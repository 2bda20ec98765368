//! The plan, from what is desired, what was applied, and what is live.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use model::{
    Address, Adopt, Diagnostic, Diagnostics, Json, Live, Observed, Resource, ResourceState, Seal, Snapshot,
    Status, Value,
};

use crate::difference::{self, Compared, Sides};
use crate::options::Options;
use crate::plan::{Action, Change, Difference, Drift, Effect, Ground, OutputChange, Plan, Reason, Shown};
use crate::resolve::{Resolved, resolve};
use crate::{Graph, entry, guard, notes, order};

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
    let mut planner = Planner {
        graph,
        live,
        seal,
        options,
        priors: priors(graph, snapshot),
        changes: HashMap::with_capacity(graph.resources().len()),
        refreshed: BTreeMap::new(),
        diagnostics: Diagnostics::default(),
    };
    for resource in graph.in_dependency_order() {
        planner.desired(resource);
    }
    planner.absent();
    let outputs = planner.outputs(outputs, snapshot);
    let drift = planner.drift();
    let mut changes: Vec<Change> = planner.changes.into_values().collect();
    changes.sort_by(|a, b| a.address.cmp(&b.address));
    let mut diagnostics = planner.diagnostics;
    diagnostics.extend(guard::check(&changes, options));
    let doubts = live.map(|live| guard::doubts(graph, &changes, snapshot, live, options));
    let doubts: Diagnostics = doubts.into_iter().flatten().collect();
    diagnostics.extend(doubts.clone());
    Plan {
        ground: Ground {
            cloud: options.cloud.clone(),
            environment: options.environment.clone(),
            lineage: snapshot.lineage.clone(),
            serial: snapshot.serial,
        },
        steps: order::steps(&changes),
        drift,
        refreshed: planner.refreshed,
        outputs,
        diagnostics,
        doubts,
        changes,
    }
}

/// A state entry, under the address that the documents call it by, and the one it had.
#[derive(Clone)]
struct Prior<'a> {
    state: &'a ResourceState,
    previous: Option<&'a Address>,
}

struct Planner<'a> {
    graph: &'a Graph,
    live: Option<&'a Live>,
    seal: &'a Seal,
    options: &'a Options,
    priors: BTreeMap<&'a Address, Prior<'a>>,
    changes: HashMap<Address, Change>,
    refreshed: BTreeMap<Address, ResourceState>,
    diagnostics: Diagnostics,
}

/// The state's entries by today's addresses: `moved_from` renames.
fn priors<'a>(graph: &'a Graph, snapshot: &'a Snapshot) -> BTreeMap<&'a Address, Prior<'a>> {
    let mut priors: BTreeMap<&Address, Prior<'_>> = snapshot
        .resources
        .iter()
        .map(|(address, state)| (address, Prior { state, previous: None }))
        .collect();
    for resource in graph.resources().iter().filter(|r| !r.moved_from.is_empty()) {
        let from = resource.moved_from.iter().find(|a| priors.contains_key(a) && graph.get(a).is_none());
        if let Some(from) = from.filter(|_| !priors.contains_key(&resource.address)) {
            let prior = priors.remove(from).expect("BUG: just found");
            priors.insert(&resource.address, Prior { previous: Some(from), ..prior });
        }
    }
    priors
}

impl<'a> Planner<'a> {
    /// Decides about one resource of the documents; what it depends on is decided already.
    fn desired(&mut self, resource: &Arc<Resource>) {
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

    /// A resource that is not there.
    fn create(
        &mut self,
        resource: &Arc<Resource>,
        resolved: &Resolved,
        prior: Option<Prior<'a>>,
        reason: Reason,
    ) -> Change {
        if let (Some(Adopt::Id(id)), None, Some(_)) = (&resource.adopt, &prior, self.live) {
            self.diagnostics.push(nothing_to_adopt(resource, id.as_str()));
        }
        let differences = difference::whole(resource, resolved);
        let change = self.change(resource, Action::Create, Some(reason), prior, differences);
        notes::of_create(change)
    }

    /// A resource that stands in Azure and in no state: it is adopted when its document says so.
    fn unowned(&mut self, resource: &Arc<Resource>, resolved: &Resolved, observed: &Observed) -> Change {
        if resource.adopt.is_none() {
            self.diagnostics.push(not_ours(resource));
        }
        let sides = Sides { resource, resolved, prior: None, live: Some(observed), trust_secrets: false };
        let compared = difference::compare(&sides, self.seal);
        let replaced = compared.differences.iter().find(|d| d.effect == Effect::Replace);
        if let (Some(difference), Some(_)) = (replaced, &resource.adopt) {
            self.diagnostics.push(adopts_another(resource, difference));
        }
        let mut change =
            self.change(resource, Action::Adopt, Some(Reason::Requested), None, compared.differences);
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
            trust_secrets: self.options.trust_secrets,
        };
        let compared = difference::compare(&sides, self.seal);
        let (action, reason) = self.judge(resource, prior, &compared);
        if action == Action::NoOp || action == Action::Update {
            self.refresh_entry(resource, resolved, prior, observed, &compared);
        }
        let differences = match action {
            Action::Replace { .. } => difference::replaced(resource, resolved, compared.differences),
            _ => compared.differences,
        };
        let mut change = self.change(resource, action, reason, Some(prior.clone()), differences);
        change.unchanged = compared.unchanged;
        if let Action::Replace { .. } = action { notes::of_replace(change) } else { notes::of_update(change) }
    }

    fn judge(&self, resource: &Resource, prior: &Prior<'_>, compared: &Compared) -> (Action, Option<Reason>) {
        let elsewhere = prior
            .state
            .arm_id
            .as_ref()
            .zip(resource.arm_id.as_ref())
            .is_some_and(|(a, b)| !a.same(b.as_str()));
        // Two resources never have one name: a create on top of the standing one would be deleted with it.
        let replace = Action::Replace { create_first: elsewhere && resource.lifecycle.create_before_destroy };
        let because = |effect| reason_of(compared.differences.iter().filter(move |d| d.effect == effect));
        match () {
            () if self.parent_is_replaced(resource) => (replace, Some(Reason::ParentReplaced)),
            () if prior.state.status == Status::Tainted => (replace, Some(Reason::Tainted)),
            () if self.options.replace.contains(&resource.address) => (replace, Some(Reason::Requested)),
            () if because(Effect::Replace).is_some() => (replace, because(Effect::Replace)),
            () if elsewhere => (replace, Some(Reason::Manifest)),
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
        let ResourceState { depends_on, protected, source, .. } = entry::blank(resource);
        // Most entries of a large state stay as they are: they are not copied to find that out.
        let stays = depends_on == prior.state.depends_on
            && protected == prior.state.protected
            && source == prior.state.source
            && observed.as_ref().is_none_or(|observed| *observed == prior.state.observed);
        if stays && !applies && !completed {
            return;
        }
        let mut entry = ResourceState { depends_on, protected, source, ..prior.state.clone() };
        if applies {
            entry::apply(&mut entry, resource, resolved, settled.chain(gone), self.seal);
        }
        entry.observed = observed.unwrap_or(entry.observed);
        if completed {
            entry.status = Status::Ready;
        }
        if entry != *prior.state {
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
            let reason = if self.options.destroy { Reason::Requested } else { Reason::Manifest };
            let change = Change {
                address: address.clone(),
                kind: prior.state.kind(),
                action: Action::Delete,
                reason: Some(reason),
                previous: None,
                arm_id: prior.state.arm_id.clone(),
                differences: difference::removed(prior.state),
                unchanged: Vec::new(),
                notes: Vec::new(),
                implied_by: None,
                desired: None,
                prior: Some(prior.state.clone()),
            };
            self.changes.insert(address.clone(), notes::of_delete(change));
        }
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
            prior: prior.map(|p| p.state.clone()),
        }
    }

    /// A computed value of another resource, unless this plan makes that resource anew.
    fn known(&self, address: &Address, name: &str) -> Option<Json> {
        let remade = self
            .changes
            .get(address)
            .is_some_and(|c| matches!(c.action, Action::Create | Action::Replace { .. }));
        let live = || self.observed(address)?.computed.get(name).cloned();
        let kept = || self.priors.get(address)?.state.observed.get(name).cloned();
        if remade { None } else { live().or_else(kept) }
    }

    fn parent_is_replaced(&self, resource: &Resource) -> bool {
        let Some(arm_id) = resource.kind.parent().and(resource.arm_id.as_ref()) else { return false };
        let before = resource.dependencies.iter().filter_map(|d| self.changes.get(&d.address));
        let mut replaced = before.filter(|c| {
            matches!(c.action, Action::Replace { .. }) || (c.action == Action::Create && c.prior.is_some())
        });
        replaced.any(|c| c.arm_id.as_ref().zip(arm_id.parent()).is_some_and(|(a, b)| a.same(b.as_str())))
    }

    /// Live was read by the addresses that the state knows.
    fn live_address<'b>(&'b self, address: &'b Address) -> &'b Address {
        self.priors.get(address).and_then(|p| p.previous).unwrap_or(address)
    }

    fn observed(&self, address: &Address) -> Option<&'a Observed> {
        self.live?.get(self.live_address(address))
    }

    fn outputs(
        &mut self,
        wanted: &BTreeMap<String, Value>,
        snapshot: &Snapshot,
    ) -> BTreeMap<String, OutputChange> {
        let mut outputs = BTreeMap::new();
        for name in wanted.keys().chain(snapshot.outputs.keys()) {
            let after = match wanted.get(name).filter(|_| !self.options.destroy) {
                None => Ok((Shown::Absent, None)),
                Some(value) => self.output(name, value),
            };
            let (after, sealed) = after.unwrap_or_else(|words| {
                self.diagnostics
                    .push(Diagnostic::error(format!("the output `{name}` has no value: {words}")));
                (Shown::Absent, None)
            });
            let before = snapshot.outputs.get(name).cloned();
            outputs.insert(name.clone(), OutputChange { before, after, sealed });
        }
        outputs
    }

    /// What an output shows, and what the state would keep of it when it is a secret.
    fn output(&self, name: &str, value: &Value) -> Result<(Shown, Option<Json>), String> {
        let sealed = |json: &Json| (Shown::Sensitive, Some(entry::sealed_output(name, json, self.seal)));
        let lookup = |address: &Address, name: &str| self.known(address, name);
        let expression = match value {
            Value::Known(json) => return Ok((Shown::Known(json.clone()), None)),
            Value::Secret(secret) => return Ok(sealed(&Json::from(secret.expose()))),
            Value::Deferred(expression) if expression.is_secret() => {
                let json = expression.evaluate(&lookup)?;
                return Ok(json.as_ref().map_or((Shown::Sensitive, None), sealed));
            }
            Value::Deferred(expression) => expression,
        };
        let stands = |address: &Address| self.changes.get(address).is_some_and(|c| c.action == Action::NoOp);
        let shown = match expression.evaluate(&lookup)? {
            Some(json) => Shown::Known(json),
            // Azure has no such value, and nothing is about to happen that could give it one.
            None if expression.references().iter().all(|(address, _)| stands(address)) => Shown::Absent,
            None => Shown::Unknown,
        };
        Ok((shown, None))
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
                    let moved = difference::drifted(prior.state, observed, ignored);
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

/// One reason for several differences: theirs if they agree, else both.
fn reason_of<'b>(differences: impl Iterator<Item = &'b Difference>) -> Option<Reason> {
    let reasons: BTreeSet<Reason> = differences.map(|d| d.reason).collect();
    match reasons.len() {
        0 => None,
        1 => reasons.into_iter().next(),
        _ => Some(Reason::Both),
    }
}

fn nothing_to_adopt(resource: &Resource, id: &str) -> Diagnostic {
    Diagnostic::error(format!("{} is to be adopted, and Azure has nothing at its id", resource.address))
        .at(resource.place)
        .label(id.to_owned())
        .address(&resource.address)
        .help("correct the id, or drop `adopt` to have it created")
}

fn not_ours(resource: &Resource) -> Diagnostic {
    let id = resource.arm_id.as_ref().map_or("", |id| id.as_str());
    Diagnostic::error(format!("{} exists in Azure already, and is not in the state", resource.address))
        .at(resource.place)
        .label(id.to_owned())
        .address(&resource.address)
        .help("add `adopt: true` to take it over as it is, or give this document another name")
}

fn adopts_another(resource: &Resource, difference: &Difference) -> Diagnostic {
    let path = difference.attribute.path;
    Diagnostic::error(format!(
        "{} cannot be adopted as this document has it: `{path}` cannot change in place",
        resource.address
    ))
    .at(resource.place_of(path))
    .address(&resource.address)
    .attribute(path)
    .help("write what Azure has, or leave the attribute out; `plumb plan` replaces only what is in the state")
}
