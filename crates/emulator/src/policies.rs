//! Policies.

use serde_json::{Value, json};

use crate::error::ArmError;
use crate::random::guid_of;
use crate::world::Call;

/// One rule that a request broke.
pub(crate) struct Violation {
    /// The name of the policy, shown as the definition's display name.
    pub(crate) policy: String,
    /// What was looked at, what it was, and what it should have been.
    pub(crate) field: String,
    pub(crate) found: Value,
    pub(crate) wanted: Value,
    pub(crate) operator: &'static str,
}

/// 403 that names every policy that a request broke.
pub(crate) fn refusal(call: &Call, violations: &[Violation]) -> ArmError {
    let subject = &call.subject;
    let ids = |violation: &Violation| {
        let name = violation.policy.to_ascii_lowercase().replace(' ', "-");
        let assignment = format!(
            "/subscriptions/{}/providers/Microsoft.Authorization/policyAssignments/{name}",
            subject.subscription
        );
        let definition = format!("/providers/Microsoft.Authorization/policyDefinitions/{}", guid_of(&name));
        (name, assignment, definition)
    };
    let identifiers: Vec<Value> = violations
        .iter()
        .map(|violation| {
            let (name, assignment, definition) = ids(violation);
            json!({
                "policyAssignment": { "name": name, "id": assignment },
                "policyDefinition": { "name": violation.policy, "id": definition },
            })
        })
        .collect();
    let message = format!(
        "Resource '{}' was disallowed by policy. Policy identifiers: '{}'.",
        subject.name(),
        json!(identifiers)
    );
    let error = ArmError::gateway(403, "RequestDisallowedByPolicy", message).about(subject.name());
    violations.iter().fold(error, |error, violation| {
        let (name, assignment, definition) = ids(violation);
        let info = json!({
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
            "policyDefinitionId": definition,
            "policyDefinitionName": guid_of(&name),
            "policyDefinitionDisplayName": violation.policy,
            "policyDefinitionEffect": "deny",
            "policyAssignmentId": assignment,
            "policyAssignmentName": name,
            "policyAssignmentDisplayName": violation.policy,
            "policyAssignmentScope": format!("/subscriptions/{}", subject.subscription),
            "policyAssignmentParameters": {},
        });
        error.also("PolicyViolation", info)
    })
}
