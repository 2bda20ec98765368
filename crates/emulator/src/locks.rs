//! Locks.

use crate::error::ArmError;
use crate::wire::Method;
use crate::world::Call;

/// 409 for a request that these locked scopes stop.
pub(crate) fn refusal(call: &Call, locked: &[String]) -> ArmError {
    // What ARM calls the operation of an action under a lock was not seen; this is our choice.
    let verb = if call.request.method == Method::Delete { "delete" } else { "write" };
    let message = format!(
        "The scope '{}' cannot perform {verb} operation because following scope(s) are locked: '{}'. Please remove the \
         lock and try again.",
        call.subject.scope,
        locked.join(",")
    );
    ArmError::gateway(409, "ScopeLocked", message)
}
