//! Faults on demand: a rule waits for its request and answers in the cloud's place.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire::{Delivery, Request, Response};

/// One rule; every field but the effect is optional.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only requests with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path and query contain this, in any casing.
    #[serde(default)]
    pub path_contains: Option<String>,
    /// The first matching request that is struck, counted from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many matching requests are struck from there on.
    #[serde(default = "one")]
    pub times: u64,
    /// The status of the reply.
    #[serde(default = "internal_error")]
    pub status: u16,
    /// Headers of the reply.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    /// The body of the reply; text is sent as it is, anything else as JSON.
    #[serde(default)]
    pub body: Value,
    /// Whether the request takes effect before the reply goes wrong.
    #[serde(default)]
    pub after_effect: bool,
    /// Whether the connection closes without any reply.
    #[serde(default)]
    pub drop: bool,
    /// How many requests have matched.
    #[serde(default, skip_deserializing)]
    pub seen: u64,
}

fn one() -> u64 {
    1
}

fn internal_error() -> u16 {
    500
}

impl Fault {
    fn matches(&self, request: &Request) -> bool {
        let target = format!("{}?{}", request.path, request.query).to_ascii_lowercase();
        let method =
            self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(request.method.name()));
        method && self.path_contains.as_ref().is_none_or(|part| target.contains(&part.to_ascii_lowercase()))
    }

    /// The reply that this fault gives.
    pub(crate) fn response(&self) -> Response {
        let mut response = match &self.body {
            Value::Null => Response::empty(self.status),
            Value::String(text) => {
                Response { body: text.clone().into_bytes(), ..Response::empty(self.status) }
                    .with("content-type", "text/html")
            }
            body => Response::json(self.status, body),
        };
        for (name, value) in &self.headers {
            response = response.with(name, value);
        }
        let delivery = if self.drop { Delivery::Reset } else { Delivery::Whole };
        Response { delivery, ..response }
    }
}

/// The rules that wait, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) rules: Vec<Fault>,
}

impl Faults {
    /// The fault that strikes this request; a rule that has done its work is dropped.
    pub(crate) fn strike(&mut self, request: &Request) -> Option<Fault> {
        let mut struck = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.matches(request)) {
            rule.seen += 1;
            if struck.is_none() && rule.seen >= rule.nth {
                struck = Some(rule.clone());
            }
        }
        self.rules.retain(|rule| rule.seen < rule.nth.saturating_add(rule.times).saturating_sub(1).max(1));
        struck
    }
}
