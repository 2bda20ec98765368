//! What people are told about a refusal: what to do, and the facts to do it with (arm-faults §5,
//! machine-learning facts §9). A row is found by code, by a mark that Azure does not translate, or by
//! status; facts are taken from quoted ids, numbers and structured details, never from sentences.

use executor::provider::CloudError;
use model::{Json, permissions};

use crate::fault::Fault;

/// One kind of refusal.
struct Row {
    /// The codes that mean it, at any depth of the error.
    codes: &'static [&'static str],
    /// Code-like words inside messages that mean it.
    marks: &'static [&'static str],
    facts: &'static [Fact],
    /// Whether region and size of the resource belong into the report.
    about_place: bool,
    /// What to do; `{label}` stands for a fact.
    advice: &'static str,
}

/// Something that a refusal tells beside its message.
#[derive(Debug, Clone, Copy)]
enum Fact {
    /// The RBAC actions that are missing.
    Permission,
    /// The scope that the request was about.
    Scope,
    /// The scope that is locked.
    Lock,
    /// Names and ids of the policies.
    Policy,
    /// The resource provider's namespace.
    Namespace,
    /// Family, limit, usage and what was required.
    Quota,
    /// The tenant that the subscription belongs to.
    Tenant,
    /// What would be accepted instead.
    Supported,
}

const PLAIN: Row = Row { codes: &[], marks: &[], facts: &[], about_place: false, advice: "" };

const ROWS: &[Row] = &[
    Row {
        codes: &["LinkedAuthorizationFailed"],
        facts: &[Fact::Permission, Fact::Scope],
        advice: "{ask} on the second resource, the linked scope.",
        ..PLAIN
    },
    Row {
        codes: &["AuthorizationFailed"],
        facts: &[Fact::Permission, Fact::Scope],
        advice: "{ask} on the scope. A role given a moment ago takes up to ten minutes.",
        ..PLAIN
    },
    Row {
        codes: &["RequestDisallowedByPolicy"],
        facts: &[Fact::Policy],
        advice: "An Azure Policy forbids this: change the manifest, or ask the policy's owner for an exemption.",
        ..PLAIN
    },
    Row {
        codes: &["RequestDisallowedByAzure", "DisallowedProvider", "LocationNotAvailableForResourceType"],
        about_place: true,
        advice: "This subscription may not use this region or service: choose another region, or ask Azure support.",
        ..PLAIN
    },
    Row {
        codes: &["ScopeLocked"],
        facts: &[Fact::Lock],
        advice: "A lock stands in the way. plumb never removes locks: ask its owner.",
        ..PLAIN
    },
    Row {
        codes: &["MissingSubscriptionRegistration", "SubscriptionNotRegistered"],
        facts: &[Fact::Namespace],
        advice: "Register it once for the subscription: `az provider register --namespace {namespace}`.",
        ..PLAIN
    },
    Row {
        codes: &["SubscriptionNotFound"],
        advice: "Check the subscription's id, and that you are signed in to its tenant.",
        ..PLAIN
    },
    Row {
        codes: &["InvalidAuthenticationTokenTenant"],
        facts: &[Fact::Tenant],
        advice: "You are signed in to another tenant than the subscription's: `az login --tenant {tenant}`.",
        ..PLAIN
    },
    Row {
        codes: &["ResourceGroupNotFound"],
        advice: "The resource group does not exist: add a `resource_group` document for it, or create it.",
        ..PLAIN
    },
    Row {
        codes: &["ParentResourceNotFound"],
        advice: "What it lies in does not exist (any more): plan again.",
        ..PLAIN
    },
    Row {
        codes: &["ResourceGroupBeingDeleted"],
        advice: "The resource group is being deleted: wait until it is gone, then plan again.",
        ..PLAIN
    },
    Row {
        codes: &["ReadOnlyDisabledSubscription"],
        advice: "The subscription is disabled: its owner must enable it again.",
        ..PLAIN
    },
    Row {
        codes: &["ClusterMinNodesExceedCoreQuota", "QuotaExceeded"],
        marks: &["vCPU quota", "Cores quota", "quota limits"],
        facts: &[Fact::Quota],
        about_place: true,
        advice: "Ask for more quota of this family in this region, or choose another size or region.",
    },
    Row {
        codes: &[
            "SkuNotAvailable",
            "AllocationFailed",
            "ZonalAllocationFailed",
            "OverconstrainedAllocationRequest",
        ],
        about_place: true,
        advice: "Azure has no room for this size in this region now: choose another, or try again later.",
        ..PLAIN
    },
    Row {
        marks: &["SupportedVMSizes", "not a supported VM size"],
        facts: &[Fact::Supported],
        about_place: true,
        advice: "Choose a size that the region has for this use.",
        ..PLAIN
    },
    Row {
        marks: &["aka.ms/wsoftdelete", "Soft-deleted workspace"],
        advice: "A deleted workspace still holds this name. Recover it in the portal, or purge it there; plumb never purges what it did not delete (`purge_on_delete: true` purges with the next delete).",
        ..PLAIN
    },
    Row {
        codes: &["VaultAlreadyExists", "ConflictError"],
        advice: "A deleted vault still holds this name: recover or purge it (`az keyvault list-deleted`), or choose another name.",
        ..PLAIN
    },
    Row {
        codes: &[
            "StorageAccountAlreadyTaken",
            "StorageAccountAlreadyExists",
            "AlreadyInUse",
            "NameAlreadyExists",
            "DnsRecordInUse",
        ],
        marks: &["Reason: AlreadyExists"],
        advice: "The name is taken, perhaps in another workspace or tenant: instance names are unique in a region. Choose another; if the resource is yours, say `adopt: true`.",
        ..PLAIN
    },
    Row {
        codes: &["InvalidResourceLocation"],
        advice: "It stands in another region: give the manifest that region, or another name.",
        ..PLAIN
    },
    Row {
        codes: &["StartComputeInstanceOnlyAllowedInStoppedState"],
        advice: "The instance is not stopped: look at its state and plan again.",
        ..PLAIN
    },
    Row {
        codes: &["OperationCanceled", "OperationCancelled", "Canceled"],
        advice: "Somebody, or Azure itself, canceled it: plan again.",
        ..PLAIN
    },
    Row {
        codes: &["PrincipalNotFound"],
        advice: "Entra does not know this principal (yet): check its object id, and try again in some minutes.",
        ..PLAIN
    },
    Row {
        codes: &["NoRegisteredProviderFound", "InvalidApiVersionParameter", "InvalidResourceType"],
        advice: "This cloud may not have this service or its api-version: if it should, report it to plumb.",
        ..PLAIN
    },
    Row {
        codes: &["AuthorizationPermissionMismatch"],
        advice: "The token is good and the role is missing: ask for a role on the data itself.",
        ..PLAIN
    },
    Row {
        codes: &[
            "InvalidParameter",
            "BadArgument",
            "ValidationError",
            "InvalidRequestContent",
            "UserError",
            "InvalidPropertyValue",
            "PropertyChangeNotAllowed",
        ],
        advice: "Change the manifest; `plumb explain KIND` tells what each attribute takes.",
        ..PLAIN
    },
];

/// What to do when only the status tells.
const BY_STATUS: &[(u16, &str)] = &[
    (400, REFUSED),
    (401, "Sign in again, for example with `az login`."),
    (403, "You may not do this: ask for a role that allows it."),
    (404, "It, or what it lies in, is not there (any more): plan again."),
    (407, "A proxy asks for credentials: look at HTTPS_PROXY."),
    (409, "Something else is at work on it: wait until that has ended, and plan again."),
    (412, "Somebody changed it meanwhile: plan again."),
    (413, "The request is too large for Azure: report it to plumb."),
    (414, "The request is too large for Azure: report it to plumb."),
    (429, "Azure still asks for patience: run the command again later, or with a lower --parallelism."),
    (431, "The request is too large for Azure: report it to plumb."),
    (500, TROUBLE),
    (502, TROUBLE),
    (503, TROUBLE),
    (504, TROUBLE),
];

const REFUSED: &str =
    "Change what the message names, and plan again; if all is right there, quote the ids to Azure's support.";
const TROUBLE: &str = "Azure is in trouble: look at its status page, and run the command again.";

/// What is told beside the message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Report {
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) advice: Option<String>,
}

/// The report on a refusal.
pub(crate) fn of(status: u16, fault: &Fault) -> Report {
    let Some(row) = row_of(|code| fault.has(code), |mark| fault.says(mark)) else {
        let by_status = BY_STATUS.iter().find(|(s, _)| *s == status).map(|(_, words)| *words);
        let otherwise = (status >= 400).then_some(REFUSED);
        return Report { advice: by_status.or(otherwise).map(str::to_owned), ..Report::default() };
    };
    let facts: Vec<_> = row.facts.iter().flat_map(|fact| find(*fact, fault)).collect();
    let advice = facts
        .iter()
        .fold(row.advice.to_owned(), |words, (label, value)| words.replace(&format!("{{{label}}}"), value));
    let missing = facts.iter().find(|(label, _)| *label == "permission");
    let advice = advice.replace("{ask}", &ask(missing.map(|(_, action)| action.as_str())));
    // A fact that was not found leaves a word in capitals, as in a synopsis.
    let advice = advice.replace("{namespace}", "NAMESPACE").replace("{tenant}", "TENANT");
    Report { facts, advice: Some(advice) }
}

/// What to ask for when an action is missing: a line of one of plumb's own roles, if it is in one.
fn ask(action: Option<&str>) -> String {
    let known = action.and_then(|action| Some((action, permissions::role_with(action)?)));
    match known {
        Some((action, role)) => {
            format!("Ask for `{action}`, a line of the role that `plumb rbac --for {}` prints,", role.word())
        }
        None => "Ask for a role that allows this".to_owned(),
    }
}

/// Whether the region and the size of the resource help to understand an error.
pub(crate) fn is_about_place(error: &CloudError) -> bool {
    let row = row_of(|code| error.code == code, |mark| error.message.contains(mark));
    row.is_some_and(|row| row.about_place)
}

fn row_of(has: impl Fn(&str) -> bool, says: impl Fn(&str) -> bool) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.codes.iter().any(|code| has(code)) || row.marks.iter().any(|mark| says(mark)))
}

fn find(fact: Fact, fault: &Fault) -> Vec<(&'static str, String)> {
    let quoted = || fault.messages.iter().flat_map(|message| quoted(message));
    let scopes = || quoted().filter(|text| text.starts_with("/subscriptions/"));
    match fact {
        Fact::Permission => listed("permission", quoted().filter(|text| is_action(text)).last()),
        Fact::Scope => listed("scope", scopes().last()),
        Fact::Lock => listed("locked", scopes().last()),
        Fact::Policy => policies(fault),
        Fact::Namespace => {
            let named = fault.targets.iter().cloned().chain(quoted().map(str::to_owned));
            listed("namespace", named.into_iter().find(|text| is_namespace(text)))
        }
        Fact::Quota => quota(fault),
        Fact::Tenant => {
            let issuers = quoted().filter_map(|text| text.strip_prefix("https://sts.windows.net/"));
            listed("tenant", issuers.last().map(|id| id.trim_end_matches('/')))
        }
        Fact::Supported => {
            let list = fault.messages.iter().find(|m| m.matches(',').count() > 1 && !m.contains(". "));
            listed("supported", list.cloned())
        }
    }
}

fn listed(label: &'static str, value: Option<impl Into<String>>) -> Vec<(&'static str, String)> {
    value.into_iter().map(|value| (label, value.into())).collect()
}

/// What stands between single quotes; lists in them are taken apart.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    let inside = message.split('\'').skip(1).step_by(2);
    inside.flat_map(|text| text.split([',', ';'])).map(str::trim).filter(|text| !text.is_empty())
}

/// `Microsoft.X/y/read`, `…/write`, `…/delete`, `…/action`.
fn is_action(text: &str) -> bool {
    let verb = text.rsplit('/').next().unwrap_or_default();
    !text.starts_with('/') && text.contains('/') && ["read", "write", "delete", "action"].contains(&verb)
}

fn is_namespace(text: &str) -> bool {
    text.contains('.') && !text.contains(['/', ' ']) && !text.starts_with("http")
}

/// Display names and assignments; of a message without details the names that its JSON has.
fn policies(fault: &Fault) -> Vec<(&'static str, String)> {
    let text = |info: &Json, key: &str| info.get(key).and_then(Json::as_str).map(str::to_owned);
    let named = |info: &Json| {
        let name = text(info, "policyDefinitionDisplayName").or_else(|| text(info, "policyDefinitionName"));
        let assignment = text(info, "policyAssignmentId");
        listed("policy", name).into_iter().chain(listed("assignment", assignment)).collect::<Vec<_>>()
    };
    let structured: Vec<_> = fault.info.iter().flat_map(named).collect();
    if !structured.is_empty() {
        return structured;
    }
    let lists = fault.messages.iter().filter_map(|message| {
        let (start, end) = (message.find("[{")?, message.rfind("}]")?);
        serde_json::from_str::<Vec<Json>>(message.get(start..end + 2)?).ok()
    });
    let name = |policy: Json| text(policy.get("policyDefinition")?, "name");
    lists.flatten().filter_map(name).map(|name| ("policy", name)).collect()
}

/// Numbers by their English labels where those are there; the family is a word of its own form.
fn quota(fault: &Fault) -> Vec<(&'static str, String)> {
    let all = fault.messages.join(" ");
    let labelled =
        [("limit", "Current Limit: "), ("usage", "Current Usage: "), ("required", "Additional Required: ")];
    let mut facts: Vec<(&'static str, String)> = labelled
        .iter()
        .filter_map(|(label, words)| Some((*label, number(all.split_once(words)?.1)?)))
        .collect();
    let of = |words: &str| all.split_once(words).and_then(|(_, rest)| number(rest));
    if facts.is_empty() {
        facts.extend(of(" quota of ").map(|limit| ("limit", limit)));
        facts.extend(of(" maps to ").map(|required| ("required", required)));
    }
    let family = all.split([' ', '\'', '"']).find(|word| word.len() > 6 && word.ends_with("Family"));
    let mut found = listed("family", family);
    found.append(&mut facts);
    found
}

fn number(text: &str) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(status: u16, body: Json) -> (Vec<(&'static str, String)>, String) {
        let report = of(status, &Fault::of_json(&body));
        (report.facts, report.advice.unwrap_or_default())
    }

    fn fact(label: &'static str, value: &str) -> (&'static str, String) {
        (label, value.to_owned())
    }

    #[test]
    fn a_missing_permission_is_named_with_its_scope() {
        let message = "The client 'o' with object id 'o' does not have authorization to perform action 'Microsoft.Network/routeTables/read' over scope '/subscriptions/s/resourceGroups/rg' or the scope is invalid.";
        let (facts, advice) =
            told(403, json!({ "error": { "code": "AuthorizationFailed", "message": message } }));
        assert!(!advice.contains("plumb rbac"), "plumb never needs this: {advice}");
        let expected = [
            fact("permission", "Microsoft.Network/routeTables/read"),
            fact("scope", "/subscriptions/s/resourceGroups/rg"),
        ];
        assert_eq!(facts, expected);
        let linked = "The client has permission to perform action 'Microsoft.X/y/write' on scope '/subscriptions/s/a'; however, it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/subscriptions/s/b'";
        let (facts, advice) =
            told(403, json!({ "error": { "code": "LinkedAuthorizationFailed", "message": linked } }));
        assert!(advice.contains("`Microsoft.Network/virtualNetworks/subnets/join/action`"), "{advice}");
        assert!(advice.contains("`plumb rbac --for apply`"), "{advice}");
        let expected = [
            fact("permission", "Microsoft.Network/virtualNetworks/subnets/join/action"),
            fact("scope", "/subscriptions/s/b"),
        ];
        assert_eq!(facts, expected);
    }

    #[test]
    fn locks_policies_and_namespaces_are_named() {
        let message = "The scope '/subscriptions/s/resourceGroups/rg/x' cannot perform delete operation because following scope(s) are locked: '/subscriptions/s/resourceGroups/rg'.";
        let (facts, advice) = told(409, json!({ "error": { "code": "ScopeLocked", "message": message } }));
        assert_eq!(facts, [fact("locked", "/subscriptions/s/resourceGroups/rg")]);
        assert!(advice.contains("never removes locks"));
        let info = json!({ "policyDefinitionDisplayName": "Allowed locations", "policyAssignmentId": "/subscriptions/s/p" });
        let body = json!({ "error": { "code": "RequestDisallowedByPolicy", "message": "no", "additionalInfo": [{ "type": "PolicyViolation", "info": info }] } });
        assert_eq!(
            told(403, body).0,
            [fact("policy", "Allowed locations"), fact("assignment", "/subscriptions/s/p")]
        );
        let message = r#"Policy identifiers: '[{"policyAssignment":{"name":"a"},"policyDefinition":{"name":"only europe"}}]'."#;
        let body = json!({ "error": { "code": "RequestDisallowedByPolicy", "message": message } });
        assert_eq!(told(403, body).0, [fact("policy", "only europe")]);
        let detail =
            json!({ "code": "MissingSubscriptionRegistration", "target": "Microsoft.Web", "message": "m" });
        let body = json!({ "error": { "code": "MissingSubscriptionRegistration", "message": "m", "details": [detail] } });
        assert!(told(409, body).1.ends_with("`az provider register --namespace Microsoft.Web`."));
    }

    #[test]
    fn quotas_tell_their_numbers() {
        let message = "exceeding approved Total Regional Cores quota. Current Limit: 10, Current Usage: 8, Additional Required: 4 …";
        let (facts, _) = told(409, json!({ "error": { "code": "OperationNotAllowed", "message": message } }));
        assert_eq!(facts, [fact("limit", "10"), fact("usage", "8"), fact("required", "4")]);
        let message = "The specified subscription has a standardNCFamily vCPU quota of 0 and cannot accomodate for at least 1 requested managed compute node(s) which maps to 6 vCPUs.";
        let body = json!({ "error": { "code": "BadRequest", "message": "m", "details": [{ "code": "ClusterMinNodesExceedCoreQuota", "message": message }] } });
        assert_eq!(
            told(400, body).0,
            [fact("family", "standardNCFamily"), fact("limit", "0"), fact("required", "6")]
        );
    }

    #[test]
    fn names_that_are_taken_are_told_by_marks() {
        let message = "Compute name 'x' is not available. Reason: AlreadyExists. Message: The specified name x is already in use";
        assert!(
            told(400, json!({ "error": { "code": "UserError", "message": message } }))
                .1
                .contains("adopt: true")
        );
        let message = "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete";
        assert!(
            told(400, json!({ "error": { "code": "BadRequest", "message": message } })).1.contains("Recover")
        );
        assert!(
            told(400, json!({ "error": { "code": "BadArgument", "message": "m" } })).1.contains("explain")
        );
        assert_eq!(told(418, json!({})).1, REFUSED);
        assert_eq!(told(200, json!({})).1, "");
    }

    #[test]
    fn advice_has_no_blank_left() {
        for row in ROWS {
            let code = row.codes.first().or(row.marks.first()).expect("a row is found by something");
            let (_, advice) = told(400, json!({ "error": { "code": code, "message": code } }));
            assert!(!advice.is_empty() && !advice.contains('{'), "{advice}");
        }
    }
}
