//! What to do about a refusal, by status and code (arm-faults §5, machine-learning facts §9).

use crate::fault::Fault;

/// Codes and the advice on each; the first that the error has is given.
const BY_CODE: &[(&str, &str)] = &[
    (
        "AuthorizationFailed",
        "Ask for a role that allows this action on this scope. A role given a moment ago takes up to ten minutes.",
    ),
    ("LinkedAuthorizationFailed", "The missing permission is on the second resource that the message names."),
    (
        "RequestDisallowedByPolicy",
        "An Azure Policy forbids this; change the manifest, or ask the policy's owner.",
    ),
    ("ScopeLocked", "A lock stands in the way. plumb never removes locks: ask its owner."),
    (
        "MissingSubscriptionRegistration",
        "Register the resource provider once for the subscription: `az provider register --namespace NAMESPACE`.",
    ),
    ("SubscriptionNotFound", "Check the subscription's id and that you are signed in to its tenant."),
    (
        "InvalidAuthenticationTokenTenant",
        "You are signed in to another tenant than the subscription's: `az login --tenant TENANT`.",
    ),
    (
        "ResourceGroupNotFound",
        "The resource group does not exist; add a `resource_group` document for it, or create it.",
    ),
    ("ResourceGroupBeingDeleted", "The resource group is being deleted; wait until it is gone."),
    ("ReadOnlyDisabledSubscription", "The subscription is disabled; its owner must enable it again."),
    (
        "ClusterMinNodesExceedCoreQuota",
        "Ask for more quota of this VM family, or choose another size; `plumb quota` shows what there is.",
    ),
    ("SkuNotAvailable", "This size is not to be had in this region now; choose another."),
    ("VaultAlreadyExists", "A deleted vault still holds this name; recover it, or choose another name."),
    (
        "StartComputeInstanceOnlyAllowedInStoppedState",
        "The instance is not stopped; look at its state and plan again.",
    ),
    ("NoRegisteredProviderFound", "This cloud may not have this api-version of the service."),
];

/// The advice on a refusal.
pub(crate) fn of(status: u16, fault: &Fault) -> Option<String> {
    let by_code = BY_CODE.iter().find(|(code, _)| fault.has(code)).map(|(_, words)| *words);
    let by_status = || match status {
        401 => Some("Sign in again, for example with `az login`."),
        407 => Some("A proxy asks for credentials; look at HTTPS_PROXY."),
        412 => Some("Somebody changed it meanwhile; plan again."),
        _ => None,
    };
    by_code.or_else(by_status).map(str::to_owned)
}
