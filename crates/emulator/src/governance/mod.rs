//! What the owner of the cloud has laid down for everybody in it: denials, policies, shortages, registrations, quotas,
//! and which subscriptions are disabled. All of it is in the cloud file, as locks are; faults and budgets are not.
//!
//! Each kind of rule has its module, with its control requests. Here are those of the settings:
//!
//! | Control request | What it does |
//! |---|---|
//! | `POST quotas {"core_limit": n, "core_limits": {family: n}, "compute_limit": n}` | sets the dedicated cores of every family, of some, and the computes of a region |
//! | `GET quotas` | the limits that hold |
//! | `POST subscriptions {"subscription", "state": "Disabled" or "Enabled"}` | disables a subscription, which is read-only then |
//! | `GET subscriptions` | the disabled ones |

pub(crate) mod budgets;
pub(crate) mod capacity;
pub(crate) mod denials;
pub(crate) mod locks;
pub(crate) mod policies;
pub(crate) mod registration;

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{ArmError, Reply, bad_content, method_not_allowed};
use crate::governance::capacity::Shortage;
use crate::governance::denials::Denial;
use crate::governance::policies::Policy;
use crate::governance::registration::{Registration, Registrations};
use crate::json;
use crate::wire::{Method, Request, Response};
use crate::world::{Call, World};

/// Everything that was laid down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Governance {
    made: u64,
    pub(crate) denials: Vec<Numbered<Denial>>,
    pub(crate) policies: Vec<Numbered<Policy>>,
    pub(crate) shortages: Vec<Numbered<Shortage>>,
    pub(crate) registrations: Registrations,
    pub(crate) quotas: Quotas,
    /// Subscriptions in lower case.
    disabled: BTreeSet<String>,
}

/// A rule with its number and its counters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Numbered<T> {
    id: u64,
    pub(crate) rule: T,
    /// Requests that it refused.
    #[serde(default)]
    pub(crate) refused: u64,
    /// Requests that it changed.
    #[serde(default)]
    pub(crate) changed: u64,
}

/// Limits in the place of those of the options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Quotas {
    core_limit: Option<i64>,
    core_limits: BTreeMap<String, i64>,
    compute_limit: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistrationChange {
    namespace: String,
    #[serde(default)]
    registered: bool,
    #[serde(default)]
    subscription: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriptionChange {
    #[serde(default)]
    subscription: Option<String>,
    state: State,
}

#[derive(Deserialize, PartialEq, Eq)]
enum State {
    Enabled,
    Disabled,
}

impl World {
    /// The dedicated cores that a family may use in one region.
    pub(crate) fn cores_allowed(&self, family: &str) -> i64 {
        let quotas = &self.governance.quotas;
        let own = quotas.core_limits.iter().find(|(name, _)| name.eq_ignore_ascii_case(family));
        own.map(|(_, limit)| *limit)
            .or(quotas.core_limit)
            .unwrap_or_else(|| self.options.cores_allowed(family))
    }

    /// The same for a family that nothing else is said about.
    pub(crate) fn core_limit(&self) -> i64 {
        self.governance.quotas.core_limit.unwrap_or(self.options.core_limit)
    }

    /// Clusters and instances that a region may hold.
    pub(crate) fn compute_limit(&self) -> i64 {
        self.governance.quotas.compute_limit.unwrap_or(self.options.compute_limit)
    }

    /// Whether a subscription is disabled.
    pub(crate) fn is_disabled(&self, subscription: &str) -> bool {
        self.governance.disabled.contains(&subscription.to_ascii_lowercase())
    }

    fn subscription(&self, asked: Option<String>) -> Result<String, ArmError> {
        let asked = asked.unwrap_or_else(|| self.options.subscription.clone());
        let known = self.options.subscription_named(&asked).map(str::to_owned);
        known.ok_or_else(|| crate::error::subscription_not_found(&asked))
    }
}

/// Refuses writes in a disabled subscription.
pub(crate) fn check(world: &World, call: &Call) -> Result<(), ArmError> {
    let subscription = &call.subject.subscription;
    if matches!(call.request.method, Method::Get | Method::Head) || !world.is_disabled(subscription) {
        return Ok(());
    }
    let message = format!(
        "The subscription '{subscription}' is disabled and therefore marked as read only. You cannot perform any write \
         actions on this subscription until it is re-enabled."
    );
    Err(ArmError::gateway(409, "ReadOnlyDisabledSubscription", message))
}

/// Answers a control request if it is about any of this.
pub(crate) fn handle(world: &mut World, request: &Request, what: &str) -> Option<Reply> {
    let answer = match what {
        "denials" => {
            let now = world.time();
            let begun = move |denial: Denial| Ok(denial.begun(now));
            rules(world, request, |governance| &mut governance.denials, begun)
        }
        "policies" => {
            let checked = |policy: Policy| policy.check().map(|()| policy);
            rules(world, request, |governance| &mut governance.policies, checked)
        }
        "capacity" => {
            let checked = |shortage: Shortage| shortage.check().map(|()| shortage);
            rules(world, request, |governance| &mut governance.shortages, checked)
        }
        "quotas" => quotas(world, request),
        "registrations" => registrations(world, request),
        "subscriptions" => subscriptions(world, request),
        _ => return None,
    };
    Some(answer.map(|answer| match answer {
        Value::Null => Response::empty(204),
        answer => Response::json(200, &answer),
    }))
}

/// Adds, lists and drops rules of one kind.
fn rules<T: Clone + Serialize + DeserializeOwned>(
    world: &mut World,
    request: &Request,
    of: fn(&mut Governance) -> &mut Vec<Numbered<T>>,
    accept: impl FnOnce(T) -> Result<T, ArmError>,
) -> Result<Value, ArmError> {
    match request.method {
        Method::Get => {
            let value: Vec<Value> = of(&mut world.governance).iter().map(Numbered::shown).collect();
            Ok(json!({ "value": value }))
        }
        Method::Post => {
            let rule = accept(parsed(request)?)?;
            Ok(world.govern(|governance| {
                governance.made += 1;
                let id = governance.made;
                of(governance).push(Numbered { id, rule, refused: 0, changed: 0 });
                json!({ "id": id })
            }))
        }
        Method::Delete => {
            let one = request.parameter("id");
            world.govern(|governance| {
                of(governance).retain(|rule| one.as_ref().is_some_and(|id| *id != rule.id.to_string()));
            });
            Ok(Value::Null)
        }
        method => Err(method_not_allowed(method.name())),
    }
}

impl<T: Serialize> Numbered<T> {
    fn shown(&self) -> Value {
        let mut shown = json!({ "id": self.id, "refused": self.refused, "changed": self.changed });
        json::overlay(&mut shown, &json!(self.rule));
        shown
    }
}

fn quotas(world: &mut World, request: &Request) -> Result<Value, ArmError> {
    if request.method == Method::Post {
        let asked: Quotas = parsed(request)?;
        world.govern(|governance| {
            let quotas = &mut governance.quotas;
            quotas.core_limit = asked.core_limit.or(quotas.core_limit);
            quotas.compute_limit = asked.compute_limit.or(quotas.compute_limit);
            quotas.core_limits.extend(asked.core_limits);
        });
    } else if request.method != Method::Get {
        return Err(method_not_allowed(request.method.name()));
    }
    let families = crate::regions::vm_sizes::FAMILIES
        .map(|(family, _)| (family.to_owned(), json!(world.cores_allowed(family))));
    Ok(json!({ "core_limits": serde_json::Map::from_iter(families), "compute_limit": world.compute_limit() }))
}

fn registrations(world: &mut World, request: &Request) -> Result<Value, ArmError> {
    match request.method {
        Method::Get => Ok(json!({ "value": world.governance.registrations })),
        Method::Post => {
            let asked: RegistrationChange = parsed(request)?;
            let subscription = world.subscription(asked.subscription)?;
            let state =
                if asked.registered { Registration::From(world.time()) } else { Registration::Missing };
            registration::note(world, &subscription, &asked.namespace, state);
            Ok(Value::Null)
        }
        method => Err(method_not_allowed(method.name())),
    }
}

fn subscriptions(world: &mut World, request: &Request) -> Result<Value, ArmError> {
    match request.method {
        Method::Get => Ok(json!({ "disabled": world.governance.disabled })),
        Method::Post => {
            let asked: SubscriptionChange = parsed(request)?;
            let subscription = world.subscription(asked.subscription)?.to_ascii_lowercase();
            world.govern(|governance| match asked.state {
                State::Disabled => governance.disabled.insert(subscription),
                State::Enabled => governance.disabled.remove(&subscription),
            });
            Ok(Value::Null)
        }
        method => Err(method_not_allowed(method.name())),
    }
}

fn parsed<T: DeserializeOwned>(request: &Request) -> Result<T, ArmError> {
    serde_json::from_slice(&request.body).map_err(|error| bad_content(error.to_string()))
}
