//! Missing permissions: what callers may not do, by action and scope.
//!
//! | Control request | What it does |
//! |---|---|
//! | `POST denials {"action", "not_actions", "scope", "principal", "until" or "for_seconds", "linked_scope", "linked_action"}` | takes a permission away; all but the action are optional |
//! | `GET denials`, `DELETE denials`, `DELETE denials?id=` | lists them with how many requests each refused; gives permissions back |

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::ArmError;
use crate::world::{Call, World};

/// A permission that is not there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Denial {
    /// Actions as access control names them; `*` stands for any text.
    action: String,
    /// Actions that stay: with `*` as the action, all that a role has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_actions: Vec<String>,
    /// The scope and all below it; empty is everywhere.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    scope: String,
    /// The object id of the one caller that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    /// When the permission is there, of the cloud's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// The same as seconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    for_seconds: Option<f64>,
    /// A second resource that the body names: what is missing is a permission on that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linked_scope: Option<String>,
    /// The action on the second resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linked_action: Option<String>,
}

const JOIN: &str = "Microsoft.Network/virtualNetworks/subnets/join/action";

impl Denial {
    /// With its end as a moment.
    pub(crate) fn begun(mut self, now: Timestamp) -> Denial {
        if let Some(seconds) = self.for_seconds.take() {
            let length = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX);
            self.until = Some(now.saturating_add(length).unwrap_or(Timestamp::MAX));
        }
        self
    }

    fn concerns(&self, call: &Call) -> bool {
        let subject = &call.subject;
        let action = subject.action.to_ascii_lowercase();
        let has = |pattern: &String| matches(&pattern.to_ascii_lowercase(), &action);
        has(&self.action)
            && !self.not_actions.iter().any(has)
            && is_within(&subject.scope, &self.scope)
            && self.until.is_none_or(|until| call.now < until)
            && self.principal.as_ref().is_none_or(|who| who.eq_ignore_ascii_case(&call.principal))
            && self.linked_scope.as_ref().is_none_or(|id| names(&call.request.body, id))
    }
}

/// Whether a scope is this one or lies below it, without case.
pub(crate) fn is_within(scope: &str, above: &str) -> bool {
    let (scope, above) = (scope.to_ascii_lowercase(), above.trim_end_matches('/').to_ascii_lowercase());
    scope.strip_prefix(&above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a text has the form of a pattern, where `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(first) else { return false };
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))
}

fn names(body: &[u8], id: &str) -> bool {
    String::from_utf8_lossy(body).to_ascii_lowercase().contains(&id.to_ascii_lowercase())
}

/// Refuses what the caller may not do.
pub(crate) fn check(world: &mut World, call: &Call) -> Result<(), ArmError> {
    let denials = &mut world.governance.denials;
    let Some(denial) = denials.iter_mut().find(|denial| denial.rule.concerns(call)) else { return Ok(()) };
    denial.refused += 1;
    let rule = &denial.rule;
    let linked = rule.linked_scope.as_deref().map(|id| (id, rule.linked_action.as_deref().unwrap_or(JOIN)));
    Err(refusal(call, linked))
}

/// 403 for a request without permission; for a linked one it is the second resource that the caller may not use:
/// its id, and the action on it.
pub(crate) fn refusal(call: &Call, linked: Option<(&str, &str)>) -> ArmError {
    let (action, scope, client) = (&call.subject.action, &call.subject.scope, &call.principal);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in
            [("*", "a/b"), ("a/*/write", "a/b/c/write"), ("*/write", "a/write"), ("a", "a")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a/*/write", "a/write"), ("*/write", "a/writes"), ("a", "ab"), ("", "a")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_scope_holds_what_lies_below_it() {
        assert!(is_within("/a/B/c", "/A/b") && is_within("/a", "") && is_within("/a", "/a/"));
        assert!(!is_within("/a/bc", "/a/b") && !is_within("/a", "/a/b"));
    }
}
