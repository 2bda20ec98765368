//! A plan as data: what a saved plan holds of it, and what two plans are compared by.
//!
//! It holds no secret. A value that is not shown stands as a keyed hash, and so does an expression that is not
//! known yet, so that another one is noticed. What only says where a document stands is kept, and not compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::kinds::arm;
use model::{
    Address, Adopt, ArmId, Attribute, Diagnostics, Expression, Json, Kind, Lifecycle, Place, Resource,
    ResourceState, Seal, Value, accept, expression, schema,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use crate::entry::digest;
use crate::options::Options;
use crate::plan::{
    Action, Change, Difference, Drift, Effect, Ground, OutputChange, Plan, Reason, Shown, Step, Verb,
};

/// A plan as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanForm {
    pub changes: BTreeMap<Address, ChangeForm>,
    /// What replacements left behind, by the address it is of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deposed: BTreeMap<Address, Vec<ChangeForm>>,
    pub steps: Vec<StepForm>,
    pub drift: Vec<DriftForm>,
    pub refreshed: BTreeMap<Address, ResourceState>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lost: BTreeSet<Address>,
    pub outputs: BTreeMap<String, OutputForm>,
}

/// One resource's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeForm {
    pub action: Action,
    pub reason: Option<Reason>,
    pub previous: Option<Address>,
    pub arm_id: Option<ArmId>,
    pub differences: Vec<DifferenceForm>,
    pub unchanged: Vec<(String, Json)>,
    pub notes: Vec<String>,
    pub implied_by: Option<Address>,
    pub document: Option<DocumentForm>,
}

/// What stands behind a change beyond what it shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentForm {
    /// `file:line`; not compared.
    pub source: String,
    /// Whether it takes over what stands.
    pub adopts: bool,
    /// Whether it is about what stands without plumb.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub existing: bool,
    /// Keyed hashes of values that are not shown, and of expressions that are not known yet.
    pub hidden: BTreeMap<String, String>,
    /// A keyed hash of all that it asks; empty where nothing is done.
    pub whole: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DifferenceForm {
    pub path: String,
    pub before: Shown,
    pub after: Shown,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub applied: Option<Json>,
    pub reason: Reason,
    pub effect: Effect,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepForm {
    /// The number of its change, where every change is followed by those of what it left behind.
    pub change: usize,
    pub address: Address,
    pub verb: String,
    pub paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Address>,
    pub after: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DriftForm {
    pub address: Address,
    pub gone: bool,
    pub unmanaged: bool,
    pub attributes: Vec<MovedForm>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MovedForm {
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub applied: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub live: Option<Json>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputForm {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub before: Option<Json>,
    pub after: Shown,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub sealed: Option<Json>,
}

/// A value that is there is a value, also when it is null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

impl PlanForm {
    /// The plan's data. Its diagnostics are not part of it: a plan with errors is not approved.
    pub fn of(plan: &Plan, seal: &Seal) -> Self {
        let refreshed = plan.refreshed.iter().filter_map(|(address, entry)| refreshed(plan, address, entry));
        let mut deposed: BTreeMap<Address, Vec<ChangeForm>> = BTreeMap::new();
        for change in plan.changes.iter().filter(|c| c.deposed) {
            deposed.entry(change.address.clone()).or_default().push(ChangeForm::of(change, seal));
        }
        let current = plan.changes.iter().filter(|c| !c.deposed);
        Self {
            changes: current.map(|c| (c.address.clone(), ChangeForm::of(c, seal))).collect(),
            deposed,
            steps: plan.steps.iter().map(StepForm::of).collect(),
            drift: plan.drift.iter().map(DriftForm::of).collect(),
            refreshed: refreshed.collect(),
            lost: plan.lost.clone(),
            outputs: plan.outputs.iter().map(|(n, o)| (n.clone(), OutputForm::of(o))).collect(),
        }
    }

    /// A plan that shows the same. It is for renderers: what apply needs of documents is not there.
    pub fn plan(&self, ground: Ground, options: &Options) -> Plan {
        let current = self.changes.iter().map(|(address, form)| (address, false, form));
        let old =
            self.deposed.iter().flat_map(|(address, all)| all.iter().map(move |form| (address, true, form)));
        let mut forms: Vec<(&Address, bool, &ChangeForm)> = current.chain(old).collect();
        forms.sort_by_key(|(address, deposed, _)| (*address, *deposed));
        let change = |(address, deposed, form): (&Address, bool, &ChangeForm)| Change {
            deposed,
            ..form.change(address)
        };
        Plan {
            ground,
            partial: options.is_partial(),
            refresh_only: options.refresh_only,
            changes: forms.into_iter().map(change).collect(),
            steps: self.steps.iter().map(StepForm::step).collect(),
            drift: self.drift.iter().map(DriftForm::drift).collect(),
            refreshed: self.refreshed.clone(),
            lost: self.lost.clone(),
            outputs: self.outputs.iter().map(|(n, o)| (n.clone(), o.output())).collect(),
            diagnostics: Diagnostics::default(),
            doubts: Diagnostics::default(),
        }
    }
}

/// What the state is to say of a resource that needs no request; nothing when only its document's place moved.
fn refreshed(plan: &Plan, address: &Address, entry: &ResourceState) -> Option<(Address, ResourceState)> {
    let placeless = |entry: &ResourceState| ResourceState { source: String::new(), ..entry.clone() };
    let prior = plan.change(address).and_then(|c| c.prior.as_ref());
    let same = prior.is_some_and(|prior| placeless(prior) == placeless(entry));
    (!same).then(|| (address.clone(), placeless(entry)))
}

impl ChangeForm {
    fn of(change: &Change, seal: &Seal) -> Self {
        let Change {
            address: _,
            kind: _,
            action,
            reason,
            previous,
            arm_id,
            differences,
            unchanged,
            notes,
            implied_by,
            desired,
            // The ground has the state it comes from.
            prior: _,
            deposed: _,
        } = change;
        let done = *action != Action::NoOp;
        Self {
            action: *action,
            reason: *reason,
            previous: previous.clone(),
            arm_id: arm_id.clone(),
            differences: differences.iter().map(DifferenceForm::of).collect(),
            unchanged: unchanged.iter().map(|(a, value)| (a.path.to_owned(), value.clone())).collect(),
            notes: notes.clone(),
            implied_by: implied_by.clone(),
            document: desired.as_ref().map(|resource| DocumentForm::of(resource, done, seal)),
        }
    }

    fn change(&self, address: &Address) -> Change {
        let differing = self.differences.iter().map(|d| &d.path);
        let kind = kind_of(address, differing.chain(self.unchanged.iter().map(|(path, _)| path)));
        let attribute = |path: &String| attribute(kind, path);
        Change {
            address: address.clone(),
            kind,
            action: self.action,
            reason: self.reason,
            previous: self.previous.clone(),
            arm_id: self.arm_id.clone(),
            differences: self.differences.iter().map(|d| d.difference(kind)).collect(),
            unchanged: self.unchanged.iter().map(|(path, v)| (attribute(path), v.clone())).collect(),
            notes: self.notes.clone(),
            implied_by: self.implied_by.clone(),
            desired: self.document.as_ref().map(|document| Arc::new(document.resource(address, kind))),
            prior: None,
            deposed: false,
        }
    }
}

/// The kind of an address that has attributes at these paths.
fn kind_of<'p>(address: &Address, paths: impl IntoIterator<Item = &'p String>) -> &'static Kind {
    arm::named(address.kind(), paths).expect("BUG: a seal covers the kinds of a saved plan")
}

fn attribute(kind: &'static Kind, path: &str) -> &'static Attribute {
    kind.attribute(path).expect("BUG: a seal covers the attributes of a saved plan")
}

impl DocumentForm {
    fn of(resource: &Resource, done: bool, seal: &Seal) -> Self {
        let (hidden, whole) = if done { asked(resource, seal) } else { Default::default() };
        let (source, existing) = (resource.source.clone(), resource.existing);
        Self { source, adopts: resource.adopt.is_some(), existing, hidden, whole }
    }

    /// As much of a resource as renderers look at.
    fn resource(&self, address: &Address, kind: &'static Kind) -> Resource {
        Resource {
            address: address.clone(),
            kind,
            name: String::new(),
            arm_id: None,
            attributes: BTreeMap::new(),
            dependencies: Vec::new(),
            lifecycle: Lifecycle::default(),
            moved_from: Vec::new(),
            create_first: None,
            adopt: self.adopts.then_some(Adopt::Named),
            implied_by: None,
            existing: self.existing,
            place: Place::default(),
            source: self.source.clone(),
            places: Vec::new(),
        }
    }
}

/// Keyed hashes of what a plan does not show of a document, and one of everything that it asks.
fn asked(resource: &Resource, seal: &Seal) -> (BTreeMap<String, String>, String) {
    let Resource {
        address,
        kind,
        name,
        arm_id,
        attributes,
        dependencies,
        lifecycle,
        moved_from,
        create_first,
        adopt,
        implied_by: _,
        // Nothing is done to it, so nothing is approved.
        existing: _,
        place: _,
        source: _,
        places: _,
    } = resource;
    let Lifecycle { prevent_destroy, ignore_changes, replace_on, triggers, create_before_destroy, retain } =
        lifecycle;
    let triggers = triggers.iter().map(|t| json!([t.address, t.path]));
    let mut hidden = BTreeMap::new();
    let mut open = BTreeMap::new();
    for (path, value) in attributes {
        match concealed(resource, attribute(kind, path), value, seal) {
            Some(digest) => _ = hidden.insert((*path).to_owned(), digest),
            None => _ = open.insert(*path, value.known()),
        }
    }
    let mut depends_on: Vec<&Address> = dependencies.iter().map(|d| &d.address).collect();
    depends_on.sort();
    let whole = json!({
        "name": name,
        "arm_id": arm_id,
        "attributes": open,
        "hidden": hidden,
        "depends_on": depends_on,
        "lifecycle": [
            json!(prevent_destroy), json!(ignore_changes), json!(replace_on), triggers.collect::<Json>(),
            json!(create_before_destroy), json!(create_first), json!(retain),
        ],
        "moved_from": moved_from.iter().map(|(address, _)| address).collect::<Vec<_>>(),
        "adopt": match adopt {
            None => Json::Null,
            Some(Adopt::Named) => json!(true),
            Some(Adopt::Id(id)) => json!(id),
        },
    });
    let whole = seal.digest(address.as_str(), "", &whole.to_string());
    (hidden, whole)
}

/// The keyed hash of a value that must not be shown, or is not known; `None` for one that may stand as it is.
fn concealed(resource: &Resource, attribute: &Attribute, value: &Value, seal: &Seal) -> Option<String> {
    match value {
        Value::Known(json) => attribute.is_hidden().then(|| digest(resource, attribute.path, json, seal)),
        Value::Secret(secret) => {
            Some(digest(resource, attribute.path, &accept::reveal(attribute, secret), seal))
        }
        Value::Deferred(expression) => Some(digest(resource, attribute.path, &unknown(expression), seal)),
    }
}

/// Everything that an expression's value depends on. It may hold secrets: it is only hashed.
fn unknown(expression: &Expression) -> Json {
    let bindings = expression.bindings().iter().map(|binding| match binding {
        expression::Binding::Known(known) => json!({ "known": known.json() }),
        expression::Binding::Nested(inner) => json!({ "nested": unknown(inner) }),
        expression::Binding::Computed(address, name) => json!({ "computed": [address, name] }),
        expression::Binding::Pending(number) => json!({ "pending": number }),
    });
    json!({ "text": expression.text(), "bindings": bindings.collect::<Vec<_>>() })
}

impl DifferenceForm {
    fn of(difference: &Difference) -> Self {
        let Difference { attribute, before, after, applied, reason, effect } = difference.clone();
        Self { path: attribute.path.to_owned(), before, after, applied, reason, effect }
    }

    fn difference(&self, kind: &'static Kind) -> Difference {
        let Self { path, before, after, applied, reason, effect } = self.clone();
        Difference { attribute: attribute(kind, &path), before, after, applied, reason, effect }
    }
}

impl StepForm {
    fn of(step: &Step) -> Self {
        let Step { change, address, verb, paths, moved_from, after } = step.clone();
        let paths = paths.into_iter().map(str::to_owned).collect();
        Self { change, address, verb: verb.word().to_owned(), paths, moved_from, after }
    }

    fn step(&self) -> Step {
        let kind = kind_of(&self.address, &self.paths);
        Step {
            change: self.change,
            address: self.address.clone(),
            verb: verb(kind, &self.verb),
            paths: self.paths.iter().map(|path| attribute(kind, path).path).collect(),
            moved_from: self.moved_from.clone(),
            after: self.after.clone(),
        }
    }
}

/// The verb with this word; what is none of the common ones is an action of the kind.
fn verb(kind: &Kind, word: &str) -> Verb {
    const COMMON: [Verb; 10] = [
        Verb::Create,
        Verb::Put,
        Verb::Patch,
        Verb::Start,
        Verb::Stop,
        Verb::Restart,
        Verb::Delete,
        Verb::Record,
        Verb::Move,
        Verb::Forget,
    ];
    let action = || {
        kind.attributes.iter().find_map(|attribute| match attribute.change {
            schema::Change::Action(action) if action.name == word => Some(Verb::Act(action)),
            _ => None,
        })
    };
    let common = COMMON.into_iter().find(|verb| verb.word() == word);
    common.or_else(action).expect("BUG: a seal covers the steps of a saved plan")
}

impl DriftForm {
    fn of(drift: &Drift) -> Self {
        let Drift { address, kind: _, gone, unmanaged, attributes } = drift;
        let attributes = attributes.iter().map(|(attribute, applied, live)| MovedForm {
            path: attribute.path.to_owned(),
            applied: applied.clone(),
            live: live.clone(),
        });
        Self {
            address: address.clone(),
            gone: *gone,
            unmanaged: *unmanaged,
            attributes: attributes.collect(),
        }
    }

    fn drift(&self) -> Drift {
        let kind = kind_of(&self.address, self.attributes.iter().map(|moved| &moved.path));
        let moved = |m: &MovedForm| (attribute(kind, &m.path), m.applied.clone(), m.live.clone());
        Drift {
            address: self.address.clone(),
            kind,
            gone: self.gone,
            unmanaged: self.unmanaged,
            attributes: self.attributes.iter().map(moved).collect(),
        }
    }
}

impl OutputForm {
    fn of(output: &OutputChange) -> Self {
        let OutputChange { before, after, sealed } = output.clone();
        Self { before, after, sealed }
    }

    fn output(&self) -> OutputChange {
        let Self { before, after, sealed } = self.clone();
        OutputChange { before, after, sealed }
    }
}
