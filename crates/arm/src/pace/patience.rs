//! Refusals that end by themselves (arm-faults §5, §6): another operation is at work on the resource, or
//! what this run made a moment ago is not known everywhere yet. They are waited out, within bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use executor::provider::CloudError;
use model::ArmId;
use tokio::time::Instant;

/// Why a refusal may end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// An operation on the resource, or beside it, is running: 409 whatever the code says, unless the
    /// code is of [`FINAL`], and these codes with any status.
    Busy,
    /// What the resource lies in was made by this run.
    YoungParent,
    /// Something of this type was made by this run.
    Young(&'static str),
}

/// One kind of refusal to wait out.
struct Row {
    cause: Cause,
    status: u16,
    /// Empty: any.
    codes: &'static [&'static str],
    /// How long Azure takes at most to know what was made.
    window: Duration,
}

/// A role given a moment ago (arm-faults §5, §6: up to ten minutes, old tokens included).
const ROLE: Duration = Duration::from_secs(10 * 60);
const PARENT: Duration = Duration::from_secs(2 * 60);
const PRINCIPAL: Duration = Duration::from_secs(5 * 60);

const ROWS: &[Row] = &[
    Row {
        cause: Cause::YoungParent,
        status: 404,
        codes: &["ParentResourceNotFound", "ResourceGroupNotFound", "ResourceNotFound", "NotFound"],
        window: PARENT,
    },
    Row { cause: Cause::YoungParent, status: 400, codes: &["ParentResourceNotFound"], window: PARENT },
    Row {
        cause: Cause::Young("Microsoft.Authorization/roleAssignments"),
        status: 403,
        codes: &["AuthorizationFailed", "LinkedAuthorizationFailed"],
        window: ROLE,
    },
    Row {
        cause: Cause::Young("Microsoft.ManagedIdentity/userAssignedIdentities"),
        status: 400,
        codes: &["PrincipalNotFound"],
        window: PRINCIPAL,
    },
    Row { cause: Cause::Busy, status: 409, codes: &[], window: Duration::ZERO },
    Row { cause: Cause::Busy, status: 400, codes: QUEUED, window: Duration::ZERO },
    Row { cause: Cause::Busy, status: 429, codes: QUEUED, window: Duration::ZERO },
];

/// Said when an operation beside the resource is in the way: one below the same parent.
const QUEUED: &[&str] = &["AnotherOperationInProgress", "RetryableErrorDueToAnotherOperation"];

/// Conflicts that another operation's end does not solve.
const FINAL: &[&str] = &[
    "ScopeLocked",
    "MissingSubscriptionRegistration",
    "ResourceGroupBeingDeleted",
    "ReadOnlyDisabledSubscription",
    "InvalidResourceLocation",
    "ConflictError",
    "VaultAlreadyExists",
    "RoleAssignmentExists",
    "OperationNotAllowed",
    "SkuNotAvailable",
    "AllocationFailed",
    "ZonalAllocationFailed",
    "QuotaExceeded",
    "StorageAccountAlreadyTaken",
    "AlreadyInUse",
    "NameAlreadyExists",
];

/// Conflicts that are waited out even where the resource itself shows no operation.
const BUSY: &[&str] = &[
    "Conflict",
    "RequestConflict",
    "ResourceInUse",
    "InvalidResourceOperation",
    "AnotherOperationInProgress",
    "RetryableErrorDueToAnotherOperation",
    "OperationInProgress",
];

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until no operation is running on the resource; whether the refusal is worth another try even if
    /// none is seen.
    Terminal { anyway: bool },
    /// Some time, up to this long after the younger thing was made.
    Known { until: Instant },
}

/// Whether a code asks for one write at a time below a parent.
pub(crate) fn asks_for_a_queue(code: &str) -> bool {
    QUEUED.contains(&code)
}

/// What this run has made or deleted, and when.
#[derive(Debug, Default)]
pub(crate) struct Young {
    /// Types and times by folded id.
    made: Mutex<BTreeMap<String, (String, Instant)>>,
    deleted: Mutex<BTreeSet<String>>,
}

impl Young {
    /// A resource was made now.
    pub(crate) fn made(&self, id: &ArmId) {
        let mut made = self.made.lock().expect("BUG: a holder of the lock panicked");
        made.insert(id.folded(), (id.resource_type(), Instant::now()));
    }

    /// A resource was deleted now.
    pub(crate) fn deleted(&self, id: &ArmId) {
        self.deleted.lock().expect("BUG: a holder of the lock panicked").insert(id.folded());
    }

    /// Whether this run deleted a resource: readings may still show it.
    pub(crate) fn is_deleted(&self, id: &ArmId) -> bool {
        self.deleted.lock().expect("BUG: a holder of the lock panicked").contains(&id.folded())
    }

    /// What to wait for before a refused change to `id` is sent again; `None` when it is refused for good.
    pub(crate) fn patience(&self, id: &ArmId, error: &CloudError) -> Option<Wait> {
        let row = ROWS.iter().find(|row| row.suits(error) && self.since(row.cause, id).is_some())?;
        match row.cause {
            Cause::Busy if FINAL.contains(&error.code.as_str()) => None,
            Cause::Busy => Some(Wait::Terminal { anyway: BUSY.contains(&error.code.as_str()) }),
            _ => {
                let until = self.since(row.cause, id)? + row.window;
                (until > Instant::now()).then_some(Wait::Known { until })
            }
        }
    }

    /// When the cause began, if it is there at all.
    fn since(&self, cause: Cause, id: &ArmId) -> Option<Instant> {
        let made = self.made.lock().expect("BUG: a holder of the lock panicked");
        let of_type = |wanted: &str| {
            made.values().filter(|(t, _)| t.eq_ignore_ascii_case(wanted)).map(|(_, at)| *at).max()
        };
        match cause {
            Cause::Busy => Some(Instant::now()),
            Cause::YoungParent => {
                let parents = std::iter::successors(id.parent(), ArmId::parent);
                parents.filter_map(|parent| made.get(&parent.folded())).map(|(_, at)| *at).max()
            }
            Cause::Young(wanted) => of_type(wanted),
        }
    }
}

impl Row {
    fn suits(&self, error: &CloudError) -> bool {
        error.status == Some(self.status)
            && (self.codes.is_empty() || self.codes.contains(&error.code.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use executor::provider::Outcome;

    use super::*;
    use crate::judge::no_reply;

    fn error(status: u16, code: &str) -> CloudError {
        CloudError { status: Some(status), code: code.to_owned(), ..no_reply(Outcome::NotDone, "no") }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_made_a_moment_ago_is_waited_for() {
        let group = ArmId::group("s", "g");
        let vault = group.in_group("Microsoft.KeyVault/vaults", "v");
        let young = Young::default();
        let missing = error(404, "ResourceGroupNotFound");
        assert_eq!(young.patience(&vault, &missing), None);
        young.made(&group);
        assert_eq!(young.patience(&vault, &missing), Some(Wait::Known { until: Instant::now() + PARENT }));
        assert_eq!(young.patience(&vault, &error(403, "AuthorizationFailed")), None);
        young.made(&vault.child("providers/Microsoft.Authorization/roleAssignments", "r"));
        tokio::time::advance(PARENT).await;
        assert_eq!(young.patience(&vault, &missing), None);
    }

    #[test]
    fn conflicts_are_waited_out_unless_waiting_is_no_use() {
        let (young, id) = (Young::default(), ArmId::group("s", "g"));
        let waits = |code| young.patience(&id, &error(409, code));
        assert_eq!(waits("Conflict"), Some(Wait::Terminal { anyway: true }));
        assert_eq!(waits("SomethingOfAProvider"), Some(Wait::Terminal { anyway: false }));
        assert_eq!(waits("ScopeLocked"), None);
        assert_eq!(young.patience(&id, &error(400, "Conflict")), None);
    }
}
