//! Registration of resource providers: a subscription can use a namespace once it is registered for it.
//!
//! | Control request | What it does |
//! |---|---|
//! | `POST registrations {"namespace", "registered": false, "subscription"}` | takes a namespace's registration away, or gives it |
//! | `GET registrations` | what was changed, by subscription and namespace |

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::ArmError;
use crate::time::timing::Work;
use crate::wire::Method;
use crate::world::{Call, World};

/// How far a registration is; whatever is not noted is registered, unless the options say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Registration {
    Missing,
    /// It is registered from this moment on.
    From(Timestamp),
}

/// Registrations by subscription and namespace, in lower case.
pub(crate) type Registrations = BTreeMap<String, Registration>;

fn key(subscription: &str, namespace: &str) -> String {
    format!("{subscription}/{namespace}").to_ascii_lowercase()
}

/// The word for it in a provider's body.
pub(crate) fn state(world: &World, subscription: &str, namespace: &str, now: Timestamp) -> &'static str {
    let noted = world.governance.registrations.get(&key(subscription, namespace)).copied();
    let is_off = || world.options.unregistered.iter().any(|off| off.eq_ignore_ascii_case(namespace));
    match noted {
        Some(Registration::Missing) => "NotRegistered",
        Some(Registration::From(time)) if now < time => "Registering",
        None if is_off() => "NotRegistered",
        _ => "Registered",
    }
}

/// `POST …/register`, which takes a while.
pub(crate) fn register(world: &mut World, call: &Call, subscription: &str, namespace: &str) {
    if state(world, subscription, namespace, call.now) == "NotRegistered" {
        note(world, subscription, namespace, Registration::From(call.after(Work::Registration)));
    }
}

/// `POST …/unregister`; that it is over at once is our choice.
pub(crate) fn unregister(world: &mut World, subscription: &str, namespace: &str) {
    note(world, subscription, namespace, Registration::Missing);
}

/// Sets how far a registration is.
pub(crate) fn note(world: &mut World, subscription: &str, namespace: &str, registration: Registration) {
    let key = key(subscription, namespace);
    world.govern(|governance| governance.registrations.insert(key, registration));
}

/// Refuses writes in a namespace that the subscription is not registered for. That reads go on is our choice.
pub(crate) fn check(world: &World, call: &Call) -> Result<(), ArmError> {
    let (subject, method) = (&call.subject, call.request.method);
    let action = subject.action.to_ascii_lowercase();
    let is_about_it = action.ends_with("/register/action") || action.ends_with("/unregister/action");
    if is_about_it || matches!(method, Method::Get | Method::Head) {
        return Ok(());
    }
    let namespace = subject.namespace();
    if state(world, &subject.subscription, namespace, call.now) == "Registered" {
        return Ok(());
    }
    let message = format!(
        "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to \
         register subscriptions."
    );
    const CODE: &str = "MissingSubscriptionRegistration";
    let detail = serde_json::json!({ "code": CODE, "target": namespace, "message": message });
    let mut error = ArmError::gateway(409, CODE, message);
    error.details.push(detail);
    Err(error)
}
