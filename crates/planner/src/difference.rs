//! The three-way comparison of one resource: desired, applied and live, attribute by attribute.

use model::compare::same;
use model::given::{Words, seen};
use model::{
    Attribute, Change, Compare, Due, Json, Lifecycle, Observed, Resource, ResourceState, Seal, Type, body,
};

use crate::entry::digest;
use crate::plan::{Difference, Effect, Reason, Shown};
use crate::power::{self, Because};
use crate::resolve::Resolved;

/// What is known of one resource on the three sides.
pub(crate) struct Sides<'a> {
    /// The document.
    pub resource: &'a Resource,
    /// Its values.
    pub resolved: &'a Resolved,
    /// The state's entry; none when it is being adopted.
    pub prior: Option<&'a ResourceState>,
    /// What ARM says; none when it was not asked.
    pub live: Option<&'a Observed>,
    /// What its schedules asked for last, if that is known.
    pub due: Option<Due>,
    /// Whether hidden values that have a hash are taken to be unchanged.
    pub trust_secrets: bool,
}

/// What came of comparing one resource.
#[derive(Default)]
pub(crate) struct Compared {
    /// What differs.
    pub differences: Vec<Difference>,
    /// Plain values that stay as they are.
    pub unchanged: Vec<(&'static Attribute, Json)>,
    /// Whether the state says otherwise although live is as desired.
    pub stale: bool,
    /// Hidden values that were taken on trust, and get new hashes.
    pub trusted: Vec<&'static str>,
    /// What of the instance's own explains that its power is not as wished.
    pub resting: Option<Because>,
}

/// Compares every managed attribute of a resource that stands.
pub(crate) fn compare(sides: &Sides<'_>, seal: &Seal) -> Compared {
    let mut compared = Compared::default();
    let ignored = &sides.resource.lifecycle.ignore_changes;
    let managed = |a: &&'static Attribute| is_managed(a, sides) && !Lifecycle::covers(ignored, a.path);
    for attribute in sides.resource.kind.attributes.iter().filter(managed) {
        let hidden = sides.resolved.is_hidden(attribute) || sides.applied_digest(attribute).is_some();
        let asked = sides.resource.attributes.contains_key(attribute.path);
        if attribute.kept && !asked {
            compared.stale = true;
        } else if hidden {
            hidden_attribute(attribute, sides, seal, &mut compared)
        } else {
            plain_attribute(attribute, sides, &mut compared)
        }
    }
    compared
}

/// Every attribute of a document, as a create shows them.
pub(crate) fn whole(resource: &Resource, resolved: &Resolved) -> Vec<Difference> {
    let given = resource.kind.attributes.iter().filter(|a| resource.attributes.contains_key(a.path));
    given
        .filter(|a| {
            !(a.change == Change::Power && resolved.values.get(a.path).is_some_and(|v| v == "unmanaged"))
        })
        .map(|attribute| Difference {
            attribute,
            before: Shown::Absent,
            after: wanted(attribute, resolved),
            applied: None,
            reason: Reason::Manifest,
            effect: Effect::Whole,
        })
        .collect()
}

/// A replacement: the whole document, since all of it is set anew, with its differences; the rest is the same before and after.
pub(crate) fn replaced(
    resource: &Resource,
    resolved: &Resolved,
    differences: Vec<Difference>,
) -> Vec<Difference> {
    let mut all = whole(resource, resolved);
    for same in &mut all {
        same.before = same.after.clone();
    }
    for difference in differences {
        match all.iter_mut().find(|d| d.attribute.path == difference.attribute.path) {
            Some(same) => *same = difference,
            None => all.push(difference),
        }
    }
    all
}

/// What was applied, as a delete shows it.
pub(crate) fn removed(prior: &ResourceState) -> Vec<Difference> {
    let shown = |attribute: &'static Attribute| {
        let known = prior.applied.get(attribute.path).cloned().map(Shown::Known);
        known.or_else(|| prior.secrets.contains_key(attribute.path).then(|| concealed(attribute)))
    };
    let gone = prior.kind().attributes.iter().filter_map(|attribute| Some((attribute, shown(attribute)?)));
    gone.map(|(attribute, before)| Difference {
        attribute,
        before,
        after: Shown::Absent,
        applied: None,
        reason: Reason::Manifest,
        effect: Effect::Whole,
    })
    .collect()
}

/// What somebody changed: managed attributes whose live value is not the applied one.
pub(crate) fn drifted(
    prior: &ResourceState,
    live: &Observed,
    due: Option<Due>,
    ignored: &[String],
) -> Vec<(&'static Attribute, Option<Json>, Option<Json>)> {
    let kind = prior.kind();
    let managed = kind.attributes.iter().filter(|a| prior.applied.contains_key(a.path));
    let told = managed.filter(|a| is_seen(a, Some(live)) && !Lifecycle::covers(ignored, a.path));
    let moved = told.filter_map(|attribute| {
        let applied = prior.applied.get(attribute.path);
        let now = live.attributes.get(attribute.path);
        let now = seen(attribute, applied, now, Words::Folded);
        let now = now.as_deref();
        let explained = attribute.change == Change::Power
            && (power::is_settled(applied, now) || power::explained(Some(live), due).is_some());
        let differs = !same(attribute, applied, now) && !explained;
        differs.then(|| (attribute, applied.cloned(), now.cloned()))
    });
    moved.collect()
}

/// Live attributes that plumb does not manage and that are set to something.
pub(crate) fn unmanaged(
    prior: &ResourceState,
    live: &Observed,
) -> Vec<(&'static Attribute, Option<Json>, Option<Json>)> {
    let managed = |a: &Attribute| prior.applied.contains_key(a.path) || prior.secrets.contains_key(a.path);
    let others =
        prior.kind().attributes.iter().filter(|a| !managed(a) && a.change != Change::Power && !a.derived);
    let set = others.filter_map(|a| Some((a, live.attributes.get(a.path)?)));
    set.filter(|(a, now)| !same(a, None, Some(now))).map(|(a, now)| (a, None, Some(now.clone()))).collect()
}

/// What a resource had that is gone.
pub(crate) fn lost(prior: &ResourceState) -> Vec<(&'static Attribute, Option<Json>, Option<Json>)> {
    let attributes = prior.kind().attributes.iter();
    attributes.filter_map(|a| Some((a, Some(prior.applied.get(a.path)?.clone()), None))).collect()
}

impl Sides<'_> {
    fn applied(&self, attribute: &Attribute) -> Option<&Json> {
        self.prior?.applied.get(attribute.path)
    }

    fn applied_digest(&self, attribute: &Attribute) -> Option<&str> {
        self.prior?.secrets.get(attribute.path).map(String::as_str)
    }
}

/// Managed: in the document (or defaulted), or applied once and since dropped from it.
fn is_managed(attribute: &Attribute, sides: &Sides<'_>) -> bool {
    let asked = sides.resource.attributes.contains_key(attribute.path);
    let unmanaged_power = attribute.change == Change::Power
        && sides.resolved.values.get(attribute.path).is_none_or(|v| v == "unmanaged");
    (asked || sides.applied(attribute).is_some() || sides.applied_digest(attribute).is_some())
        && !unmanaged_power
}

/// Whether what ARM answers tells the attribute's value at all.
fn is_seen(attribute: &Attribute, live: Option<&Observed>) -> bool {
    let Some(live) = live else { return false };
    let placed = !attribute.arm.is_empty() || live.attributes.contains_key(attribute.path);
    placed && (attribute.answered || live.attributes.contains_key(attribute.path))
}

/// A value that can be compared in clear.
fn plain_attribute(attribute: &'static Attribute, sides: &Sides<'_>, compared: &mut Compared) {
    let applied = sides.applied(attribute);
    let asked = sides.resource.attributes.contains_key(attribute.path);
    let fallback = fallback(attribute);
    let desired = if asked { sides.resolved.values.get(attribute.path) } else { fallback.as_ref() };
    let unknown = sides.resolved.unknown.contains(attribute.path);
    let raw = sides.live.and_then(|l| l.attributes.get(attribute.path));
    let is_as_before = applied.is_none() || desired.is_none() || desired == applied;
    let words = if is_as_before { Words::Folded } else { Words::Exact };
    let shows = seen(attribute, desired.or(applied), raw, words);
    let live = match (is_seen(attribute, sides.live), sides.prior) {
        (true, _) => shows.as_deref(),
        (false, Some(_)) => applied,
        // Adopting: what cannot be seen is taken to be as the document says.
        (false, None) => desired,
    };
    let settled = attribute.change == Change::Power && power_stays(desired, live, sides, compared);
    if !unknown && (same(attribute, desired, live) || settled) {
        compared.stale |= !same(attribute, desired, applied) || (!asked && applied.is_some());
        compared.unchanged.extend(desired.map(|value| (attribute, value.clone())));
        return;
    }
    // What was never managed cannot have drifted.
    let found = raw.and_then(|raw| seen(attribute, applied, Some(raw), Words::Folded));
    let moved = applied.is_some() && !same(attribute, found.as_deref().or(live), applied);
    let edited = unknown || !same(attribute, desired, applied);
    let reason = match (edited, moved && sides.prior.is_some()) {
        (false, true) => Reason::Drift,
        (true, true) => Reason::Both,
        _ => Reason::Manifest,
    };
    compared.differences.push(Difference {
        attribute,
        before: shown(live),
        after: if unknown { Shown::Unknown } else { shown(desired) },
        applied: (reason == Reason::Both).then(|| applied.cloned().unwrap_or(Json::Null)),
        reason,
        effect: effect(attribute, &sides.resource.lifecycle),
    });
}

/// A value of which only the keyed hash was kept, and which ARM never answers.
fn hidden_attribute(attribute: &'static Attribute, sides: &Sides<'_>, seal: &Seal, compared: &mut Compared) {
    let desired = sides.resolved.values.get(attribute.path);
    let unknown = sides.resolved.unknown.contains(attribute.path);
    let digest = desired.map(|value| digest(sides.resource, attribute.path, value, seal));
    let applied = sides.applied_digest(attribute);
    let trusted = sides.prior.is_none() || (sides.trust_secrets && applied.is_some() && digest.is_some());
    if !unknown && (trusted || digest.as_deref() == applied) {
        compared.stale |= trusted;
        compared.trusted.extend(trusted.then_some(attribute.path));
        return;
    }
    compared.differences.push(Difference {
        attribute,
        before: if applied.is_some() { concealed(attribute) } else { Shown::Absent },
        after: wanted(attribute, sides.resolved),
        applied: None,
        reason: Reason::Manifest,
        effect: effect(attribute, &sides.resource.lifecycle),
    });
}

/// What an attribute goes back to when it leaves its document; `None` where ARM is to forget it.
pub fn fallback(attribute: &Attribute) -> Option<Json> {
    match (
        body::default_of(attribute).or_else(|| body::initial_of(attribute)),
        attribute.compare,
        attribute.value,
    ) {
        (Some(default), _, _) => Some(default),
        (None, Compare::NoneIsAbsent, _) => Some(Json::from("none")),
        // What a body does not have is the service's to say.
        (None, Compare::Given | Compare::Unseen, _) => None,
        (None, _, Type::Map(_)) => Some(Json::Object(Default::default())),
        (None, _, Type::List(_)) => Some(Json::Array(Vec::new())),
        _ => None,
    }
}

/// Whether nothing is done about power. What explains itself is said; a new wish of the document counts all the same.
fn power_stays(
    desired: Option<&Json>,
    live: Option<&Json>,
    sides: &Sides<'_>,
    compared: &mut Compared,
) -> bool {
    if power::is_settled(desired, live) {
        return true;
    }
    let new_wish = sides.prior.is_some_and(|prior| prior.applied.get("power") != desired);
    compared.resting = power::explained(sides.live, sides.due).filter(|_| !new_wish);
    compared.resting.is_some()
}

/// How a difference of this attribute gets into Azure.
fn effect(attribute: &Attribute, lifecycle: &Lifecycle) -> Effect {
    match attribute.change {
        _ if Lifecycle::covers(&lifecycle.replace_on, attribute.path) => Effect::Replace,
        Change::CreateOnly => Effect::Replace,
        Change::Held => Effect::Held,
        Change::Put | Change::Patch | Change::Action(_) | Change::Power | Change::Local => Effect::Update,
    }
}

/// A document's value as a plan may show it.
pub(crate) fn wanted(attribute: &Attribute, resolved: &Resolved) -> Shown {
    if resolved.unknown.contains(attribute.path) {
        return Shown::Unknown;
    }
    match resolved.values.get(attribute.path) {
        None => Shown::Absent,
        Some(value) if !resolved.is_hidden(attribute) || is_plain_number(attribute, resolved, value) => {
            Shown::Known(value.clone())
        }
        Some(_) => concealed(attribute),
    }
}

/// A number that Azure is told and never asked for: no text that fills the screen, and no secret.
fn is_plain_number(attribute: &Attribute, resolved: &Resolved, value: &Json) -> bool {
    let written = attribute.sensitivity == model::Sensitivity::WriteOnly;
    written && value.is_number() && !resolved.secret.contains(attribute.path)
}

/// A plain value; an empty map or list is as good as none.
fn shown(value: Option<&Json>) -> Shown {
    match value {
        None | Some(Json::Null) => Shown::Absent,
        Some(Json::Object(map)) if map.is_empty() => Shown::Absent,
        Some(Json::Array(list)) if list.is_empty() => Shown::Absent,
        Some(value) => Shown::Known(value.clone()),
    }
}

fn concealed(attribute: &Attribute) -> Shown {
    match attribute.sensitivity {
        model::Sensitivity::WriteOnly => Shown::WriteOnly,
        model::Sensitivity::Plain | model::Sensitivity::Secret => Shown::Sensitive,
    }
}
