//! Missing permissions.

use crate::error::ArmError;
use crate::world::Call;

/// 403 for a request without permission; for a linked one it is the second resource that the caller may not use:
/// its id, and the action on it.
pub(crate) fn refusal(call: &Call, linked: Option<(&str, &str)>) -> ArmError {
    let (action, scope) = (&call.subject.action, &call.subject.scope);
    let client = &call.principal;
    let Some((id, linked_action)) = linked else {
        let message = format!(
            "The client '{client}' with object id '{client}' does not have authorization to perform action '{action}' over \
             scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
        );
        return ArmError::gateway(403, "AuthorizationFailed", message);
    };
    let message = format!(
        "The client '{client}' with object id '{client}' has permission to perform action '{action}' on scope '{scope}'; \
         however, it does not have permission to perform action(s) '{linked_action}' on the linked scope(s) '{id}' \
         (respectively) or the linked scope(s) are invalid."
    );
    ArmError::gateway(403, "LinkedAuthorizationFailed", message)
}
