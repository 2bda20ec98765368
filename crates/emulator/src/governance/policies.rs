//! Policies: what may not be written, and what is added to what is written.
//!
//! Those that add come first, as Azure has it; then everything that is refused is named at once. They look at PUTs and
//! PATCHes of resources; at groups, role assignments and the like only where `types` says so.
//!
//! | Control request | What it does |
//! |---|---|
//! | `POST policies {"name", "effect": "deny", "allowed_locations": […], "required_tag": …, "not_allowed_types": […]}` | refuses what does not comply |
//! | `POST policies {"name", "effect": "modify" or "append", "tags": {…}, "identity": {…}}` | sets tags and identity, or adds what is missing |
//! | `GET policies`, `DELETE policies`, `DELETE policies?id=` | lists them with how many requests each refused or changed; drops them |
//!
//! All take `scope` and `types` to concern less.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::{ArmError, bad_content};
use crate::governance::denials::is_within;
use crate::json;
use crate::random::guid_of;
use crate::route::location;
use crate::route::router::place;
use crate::route::subject::Class;
use crate::wire::{Method, Request};
use crate::world::{Call, World};

/// One assigned policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policy {
    name: String,
    effect: Effect,
    /// The scope and all below it; empty is everywhere.
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    /// Only these types; none is all resources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_locations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required_tag: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_allowed_types: Vec<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    tags: Map<String, Value>,
    #[serde(skip_serializing_if = "Value::is_null")]
    identity: Value,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Effect {
    #[default]
    Deny,
    /// What is there is overwritten.
    Modify,
    /// What is there stays.
    Append,
}

/// Namespaces whose resources policies look at only when told so.
const ASIDE: [&str; 2] = ["Microsoft.Resources", "Microsoft.Authorization"];

/// One rule that a request broke.
pub(crate) struct Violation {
    /// The name of the policy, shown as the definition's display name.
    pub(crate) policy: String,
    /// What was looked at, what it was, and what it was compared with.
    pub(crate) field: String,
    pub(crate) found: Value,
    pub(crate) wanted: Value,
    pub(crate) operator: &'static str,
}

impl Policy {
    /// Refuses a policy that says nothing.
    pub(crate) fn check(&self) -> Result<(), ArmError> {
        let denies = !self.allowed_locations.is_empty()
            || self.required_tag.is_some()
            || !self.not_allowed_types.is_empty();
        let adds = !self.tags.is_empty() || !self.identity.is_null();
        let is_good = if self.effect == Effect::Deny { denies && !adds } else { adds && !denies };
        if is_good && !self.name.is_empty() {
            return Ok(());
        }
        Err(bad_content(
            "A policy has a 'name'; one that denies has 'allowed_locations', 'required_tag' or 'not_allowed_types', \
             any other has 'tags' or 'identity'.",
        ))
    }

    fn concerns(&self, call: &Call) -> bool {
        let subject = &call.subject;
        let is_named = self.types.iter().any(|kind| kind.eq_ignore_ascii_case(&subject.resource_type));
        let is_aside = ASIDE.iter().any(|namespace| namespace.eq_ignore_ascii_case(subject.namespace()));
        is_within(&subject.scope, &self.scope) && (is_named || (self.types.is_empty() && !is_aside))
    }

    /// Adds to a body, and says whether that changed it.
    fn add_to(&self, body: &mut Value) -> bool {
        let before = body.clone();
        let mut more = json!({});
        if !self.tags.is_empty() {
            more["tags"] = json!(self.tags);
        }
        if !self.identity.is_null() {
            more["identity"] = self.identity.clone();
        }
        match self.effect {
            Effect::Modify => json::overlay(body, &more),
            Effect::Append => json::fill(body, &more),
            Effect::Deny => {}
        }
        *body != before
    }

    fn violations(&self, content: &Content) -> Vec<Violation> {
        let broken = |field: &str, found: &str, wanted: Value, operator| Violation {
            policy: self.name.clone(),
            field: field.to_owned(),
            found: json!(found),
            wanted,
            operator,
        };
        let mut found = Vec::new();
        let allowed: Vec<String> = self.allowed_locations.iter().map(|location| place(location)).collect();
        if !allowed.is_empty() && !content.location.is_empty() && !allowed.contains(&content.location) {
            found.push(broken("location", &content.location, json!(self.allowed_locations), "NotIn"));
        }
        let has = |tag: &str| content.tags.keys().any(|name| name.eq_ignore_ascii_case(tag));
        if let Some(tag) = self.required_tag.as_ref().filter(|tag| !has(tag)) {
            found.push(broken(&format!("tags[{tag}]"), "", json!("false"), "Exists"));
        }
        if self.not_allowed_types.iter().any(|kind| kind.eq_ignore_ascii_case(content.resource_type)) {
            found.push(broken("type", content.resource_type, json!(self.not_allowed_types), "In"));
        }
        found
    }
}

/// What a resource will be once it is written.
struct Content<'a> {
    resource_type: &'a str,
    location: String,
    tags: Map<String, Value>,
}

/// Refuses what a policy denies; otherwise the request that policies made of this one, if they changed it.
pub(crate) fn judge(world: &mut World, call: &Call) -> Result<Option<Request>, ArmError> {
    let is_write = matches!(call.request.method, Method::Put | Method::Patch);
    if world.governance.policies.is_empty() || !is_write || call.subject.class != Class::Resource {
        return Ok(None);
    }
    let Ok(mut body) = call.object() else { return Ok(None) };
    // A PATCH without tags leaves them as they are.
    let takes = call.request.method == Method::Put || body.get("tags").is_some();
    let mut is_changed = false;
    for policy in world.governance.policies.iter_mut().filter(|policy| takes && policy.rule.concerns(call)) {
        let has_changed = policy.rule.add_to(&mut body);
        policy.changed += u64::from(has_changed);
        is_changed |= has_changed;
    }
    let content = content(world, call, &body);
    let mut violations = Vec::new();
    for policy in world.governance.policies.iter_mut().filter(|policy| policy.rule.concerns(call)) {
        let found = policy.rule.violations(&content);
        policy.refused += u64::from(!found.is_empty());
        violations.extend(found);
    }
    if !violations.is_empty() {
        return Err(refusal(call, &violations));
    }
    Ok(is_changed.then(|| call.request.clone().json(&body)))
}

fn content<'a>(world: &World, call: &'a Call, body: &Value) -> Content<'a> {
    let stored = world.store.get(&call.subject.key()).map(|resource| &resource.body);
    let stands = |pointer: &str| stored.map_or(Value::Null, |stored| json::at(stored, pointer).clone());
    let tags = body
        .get("tags")
        .cloned()
        .unwrap_or_else(|| if call.request.method == Method::Patch { stands("/tags") } else { Value::Null });
    let sent = place(json::text(body, "/location"));
    Content {
        resource_type: &call.subject.resource_type,
        location: if sent.is_empty() { location::of(world, call) } else { sent },
        tags: tags.as_object().cloned().unwrap_or_default(),
    }
}

/// 403 that names every policy that a request broke.
pub(crate) fn refusal(call: &Call, violations: &[Violation]) -> ArmError {
    let name = call.subject.name();
    let assigned: Vec<Assignment> =
        violations.iter().map(|violation| Assignment::of(call, violation)).collect();
    let identifiers: Vec<Value> = assigned.iter().map(Assignment::identifiers).collect();
    let message =
        format!("Resource '{name}' was disallowed by policy. Policy identifiers: '{}'.", json!(identifiers));
    let error = ArmError::gateway(403, "RequestDisallowedByPolicy", message).about(name);
    violations.iter().zip(&assigned).fold(error, |error, (violation, assignment)| {
        error.also("PolicyViolation", assignment.info(violation))
    })
}

/// The ids that a policy would have in Azure; they follow from its name.
struct Assignment {
    display_name: String,
    scope: String,
    name: String,
    id: String,
    definition_name: String,
    definition_id: String,
}

impl Assignment {
    fn of(call: &Call, violation: &Violation) -> Assignment {
        let name = violation.policy.to_ascii_lowercase().replace(' ', "-");
        let scope = format!("/subscriptions/{}", call.subject.subscription);
        let definition_name = guid_of(&name);
        Assignment {
            display_name: violation.policy.clone(),
            id: format!("{scope}/providers/Microsoft.Authorization/policyAssignments/{name}"),
            scope,
            definition_id: format!("/providers/Microsoft.Authorization/policyDefinitions/{definition_name}"),
            definition_name,
            name,
        }
    }

    fn identifiers(&self) -> Value {
        json!({
            "policyAssignment": { "name": self.name, "id": self.id },
            "policyDefinition": { "name": self.display_name, "id": self.definition_id },
        })
    }

    fn info(&self, violation: &Violation) -> Value {
        json!({
            "evaluationDetails": {
                "evaluatedExpressions": [{
                    "result": "True",
                    "expressionKind": "Field",
                    "expression": violation.field,
                    "path": violation.field,
                    "expressionValue": violation.found,
                    "targetValue": violation.wanted,
                    "operator": violation.operator,
                }],
            },
            "policyDefinitionId": self.definition_id,
            "policyDefinitionName": self.definition_name,
            "policyDefinitionDisplayName": self.display_name,
            "policyDefinitionEffect": "deny",
            "policyAssignmentId": self.id,
            "policyAssignmentName": self.name,
            "policyAssignmentDisplayName": self.display_name,
            "policyAssignmentScope": self.scope,
            "policyAssignmentParameters": {},
        })
    }
}
