//! What moved between an approved plan and the plan that would be carried out now, in words.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, Diagnostic, Json};
use serde::Serialize;

use super::form::{ChangeForm, DifferenceForm, DocumentForm};
use super::{Approval, Look};
use crate::plan::{Action, Shown};
use crate::render::shown;

/// So many reasons say enough.
const REASONS_MAX: usize = 20;

impl Approval {
    /// Every reason why `now`, made of the plan that would be carried out, is not what was approved; none when it is.
    pub fn moved(&self, now: &Approval) -> Vec<Diagnostic> {
        let ground = self.ground_moved(now);
        if !ground.is_empty() {
            // Everything else follows from it.
            return ground;
        }
        let mut reasons = self.options_moved(now);
        for address in union(&self.plan.changes, &now.plan.changes) {
            reasons.extend(self.change_moved(now, address));
        }
        let told: BTreeSet<Address> = reasons.iter().filter_map(|d| d.address.clone()).collect();
        reasons.extend(self.rest_moved(now, &told));
        if reasons.is_empty() && !self.is_same(now) {
            reasons.push(Diagnostic::error("the plan would not do the same"));
        }
        shortened(reasons)
    }

    fn is_same(&self, now: &Approval) -> bool {
        let placeless = |approval: &Approval| {
            let mut plan = approval.plan.clone();
            plan.changes.values_mut().filter_map(|c| c.document.as_mut()).for_each(|d| d.source.clear());
            plan
        };
        (&self.options, &self.live) == (&now.options, &now.live) && placeless(self) == placeless(now)
    }

    fn ground_moved(&self, now: &Approval) -> Vec<Diagnostic> {
        let (then, here) = (&self.ground, &now.ground);
        let named = |environment: &str| match environment {
            "" => "no environment".to_owned(),
            name => format!("environment {name}"),
        };
        let words = match () {
            () if then.cloud != here.cloud => format!("it is for {}, and this is {}", then.cloud, here.cloud),
            () if then.environment != here.environment => {
                format!("it is for {}, and this is {}", named(&then.environment), named(&here.environment))
            }
            () if then.lineage.is_empty() && !here.lineage.is_empty() => {
                format!("there was no state when it was made, and now there is one, serial {}", here.serial)
            }
            () if then.lineage != here.lineage => {
                format!(
                    "it stands on the state of lineage {}, and this is lineage {}",
                    then.lineage, here.lineage
                )
            }
            () if then.serial != here.serial => {
                format!(
                    "it stands on serial {} of the state, and the state is at serial {}",
                    then.serial, here.serial
                )
            }
            () if self.state != now.state => {
                format!("the state was changed since, under the same serial {}", here.serial)
            }
            () => return Vec::new(),
        };
        vec![Diagnostic::error(format!("the plan is stale: {words}"))]
    }

    fn options_moved(&self, now: &Approval) -> Vec<Diagnostic> {
        let (then, here) = (plain(&self.options), plain(&now.options));
        let differs = |name: &&String| then.get(name.as_str()) != here.get(name.as_str());
        let names = then.as_object().into_iter().flat_map(|o| o.keys()).filter(differs);
        let words = |name: &String| {
            let (then, here) = (&then[name.as_str()], &here[name.as_str()]);
            Diagnostic::error(format!("`{name}` was {then} when the plan was made, and is {here}"))
        };
        names.map(words).collect()
    }

    fn change_moved(&self, now: &Approval, address: &Address) -> Vec<Diagnostic> {
        let (then, here) = (self.plan.changes.get(address), now.plan.changes.get(address));
        let about = |words: String| Diagnostic::error(format!("{address} {words}")).address(address);
        let (then, here) = match (then, here) {
            (Some(then), Some(here)) => (then, here),
            (None, Some(here)) => return vec![about(format!("was not there; now {}", will_be(here.action)))],
            (Some(_), None) => {
                return vec![about("is in the plan, and now nothing is planned for it".to_owned())];
            }
            (None, None) => return Vec::new(),
        };
        let live = match (self.live.get(address), now.live.get(address)) {
            (Some(was), Some(is)) => live_moved(address, (was, then), (is, here)),
            _ => Vec::new(),
        };
        let seen: BTreeSet<&str> = live.iter().filter_map(|d| d.attribute.as_deref()).collect();
        let in_place = |change: &ChangeForm| matches!(change.action, Action::NoOp | Action::Update);
        let mut reasons = match then.action == here.action || (in_place(then) && in_place(here)) {
            true => differences_moved(address, then, here),
            // Another action sets or loses everything.
            false => Vec::new(),
        };
        reasons.retain(|d| d.attribute.as_deref().is_none_or(|path| !seen.contains(path)));
        reasons.splice(0..0, live.iter().cloned());
        let action = (then.action, then.reason, &then.previous);
        if reasons.is_empty() && action != (here.action, here.reason, &here.previous) {
            let (was, is) = (will_be(then.action), will_be(here.action));
            reasons.push(about(match was == is {
                true => format!("{was} for another reason than when the plan was made"),
                false => format!("{was} in the plan, and now {is}"),
            }));
        }
        if reasons.is_empty() && compared(then) != compared(here) {
            reasons.push(about(
                "is described otherwise by the manifests than when the plan was made".to_owned(),
            ));
        }
        reasons
    }

    /// What is not about one change: drift, the state's own entries, outputs, the order of requests. What has been
    /// told of a resource is the cause of the rest.
    fn rest_moved(&self, now: &Approval, told: &BTreeSet<Address>) -> Vec<Diagnostic> {
        let (then, here) = (&self.plan, &now.plan);
        let mut reasons = Vec::new();
        let drift = |list: &[super::form::DriftForm]| -> BTreeMap<(Address, bool), Json> {
            list.iter().map(|d| ((d.address.clone(), d.unmanaged), plain(d))).collect()
        };
        let (was, is) = (drift(&then.drift), drift(&here.drift));
        for (address, _) in differing(&was, &is).into_iter().filter(|(a, _)| !told.contains(a)) {
            let words =
                format!("{address} was changed outside plumb since the plan was made, or changed back");
            reasons.push(Diagnostic::error(words).address(address));
        }
        for address in then.lost.symmetric_difference(&here.lost).filter(|a| !told.contains(a)) {
            let words = format!("{address} would leave the state in one of both plans only");
            reasons.push(Diagnostic::error(words).address(address));
        }
        for address in differing(&then.deposed, &here.deposed) {
            let words = format!("what a replacement of {address} left behind is not the same any more");
            reasons.push(Diagnostic::error(words).address(address));
        }
        let entries = differing(&then.refreshed, &here.refreshed);
        for address in entries.into_iter().filter(|a| !told.contains(a)) {
            let words = format!("what the state would keep of {address} is not the same any more");
            reasons.push(Diagnostic::error(words).address(address));
        }
        for name in differing(&then.outputs, &here.outputs) {
            let now = here.outputs.get(name).map_or(Shown::Absent, |o| o.after.clone());
            let words =
                format!("the output `{name}` would become {}, which is not what was approved", shown(&now));
            reasons.push(Diagnostic::error(words));
        }
        if told.is_empty() && reasons.is_empty() && then.steps != here.steps {
            reasons.push(Diagnostic::error("the requests, or their order, would not be the same"));
        }
        reasons
    }
}

/// What is the same whatever the place of the document.
fn compared(change: &ChangeForm) -> ChangeForm {
    let mut change = change.clone();
    change.document.iter_mut().for_each(|document| document.source.clear());
    change
}

/// What somebody did to a live resource that the plan touches.
fn live_moved(
    address: &Address,
    (was, then): (&Option<Look>, &ChangeForm),
    (is, here): (&Option<Look>, &ChangeForm),
) -> Vec<Diagnostic> {
    let about = |words: String| {
        Diagnostic::error(format!("{address} moved in Azure since the plan was made: {words}"))
            .address(address)
    };
    let (was, is) = match (was, is) {
        (Some(was), Some(is)) => (was, is),
        (None, Some(_)) => return vec![about("it was not there, and is".to_owned())],
        (Some(_), None) => return vec![about("it is gone".to_owned())],
        (None, None) => return Vec::new(),
    };
    let Look { id, created, provisioning, attributes, computed } = is;
    if (&was.id, &was.created) != (id, created) {
        return vec![about("it was deleted and made again".to_owned())];
    }
    let mut moved = Vec::new();
    if was.provisioning != *provisioning {
        moved.push(about(format!("its provisioning was `{}`, and is `{provisioning}`", was.provisioning)));
    }
    for path in differing(&was.attributes, attributes) {
        let words = match (live_value(then, path), live_value(here, path)) {
            (Some(was), Some(is)) if was != is => {
                format!("`{path}` was {}, and is {}", shown(&was), shown(&is))
            }
            _ => format!("`{path}` has another value"),
        };
        moved.push(about(words).attribute(path));
    }
    for name in differing(&was.computed, computed) {
        moved.push(about(format!("its `{name}` is another")));
    }
    moved
}

/// What a plan shows of an attribute's live value.
fn live_value(change: &ChangeForm, path: &str) -> Option<Shown> {
    let differs = change.differences.iter().find(|d| d.path == path).map(|d| d.before.clone());
    let same = || change.unchanged.iter().find(|(p, _)| p == path).map(|(_, v)| Shown::Known(v.clone()));
    differs.or_else(same)
}

/// Attributes of which something else would come.
fn differences_moved(address: &Address, then: &ChangeForm, here: &ChangeForm) -> Vec<Diagnostic> {
    let by_path = |change: &ChangeForm| -> BTreeMap<String, DifferenceForm> {
        change.differences.iter().map(|d| (d.path.clone(), d.clone())).collect()
    };
    let about = |path: &str, words: String| {
        Diagnostic::error(format!("{address}: `{path}` {words}")).address(address).attribute(path)
    };
    let (was, is) = (by_path(then), by_path(here));
    let mut reasons = Vec::new();
    for path in differing(&was, &is) {
        reasons.push(about(path, difference_words(was.get(path), is.get(path))));
    }
    let hidden = |change: &ChangeForm| {
        change.document.as_ref().map(|DocumentForm { hidden, .. }| hidden.clone()).unwrap_or_default()
    };
    for path in differing(&hidden(then), &hidden(here)) {
        let words = "has another value than when the plan was made; what it is, is not shown".to_owned();
        reasons.push(about(path, words));
    }
    reasons
}

fn difference_words(was: Option<&DifferenceForm>, is: Option<&DifferenceForm>) -> String {
    let change = |d: &DifferenceForm| format!("{} -> {}", shown(&d.before), shown(&d.after));
    match (was, is) {
        (Some(was), Some(is)) if change(was) != change(is) => {
            format!("is {} in the plan, and would now be {}", change(was), change(is))
        }
        (Some(_), Some(is)) => format!("would still be {}, but with other consequences", change(is)),
        (Some(was), None) => format!("is {} in the plan, and would now stay as it is", change(was)),
        (None, is) => {
            let now = is.map(change).unwrap_or_default();
            format!("stays as it is in the plan, and would now be {now}")
        }
    }
}

fn will_be(action: Action) -> &'static str {
    match action {
        Action::NoOp => "nothing is done to it",
        Action::Create => "it is created",
        Action::Update => "it is updated in place",
        Action::Replace { create_first: false } => "it is replaced",
        Action::Replace { create_first: true } => "it is replaced, the new one first",
        Action::Delete => "it is destroyed",
        Action::Adopt => "it is imported",
        Action::Forget => "it is forgotten",
        Action::Move => "it is moved",
        Action::Start => "it is started",
        Action::Stop => "it is stopped",
        Action::Restart => "it is restarted",
    }
}

fn plain(value: &impl Serialize) -> Json {
    serde_json::to_value(value).expect("BUG: what is approved has a JSON form")
}

fn union<'a, K: Ord, V>(a: &'a BTreeMap<K, V>, b: &'a BTreeMap<K, V>) -> BTreeSet<&'a K> {
    a.keys().chain(b.keys()).collect()
}

/// Keys whose values are not the same in both.
fn differing<'a, K: Ord, V: PartialEq>(a: &'a BTreeMap<K, V>, b: &'a BTreeMap<K, V>) -> Vec<&'a K> {
    union(a, b).into_iter().filter(|key| a.get(*key) != b.get(*key)).collect()
}

fn shortened(mut reasons: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let more = reasons.len().saturating_sub(REASONS_MAX);
    reasons.truncate(REASONS_MAX);
    if more > 0 {
        reasons.push(Diagnostic::error(format!("and {more} more differences of this kind")));
    }
    reasons
}
