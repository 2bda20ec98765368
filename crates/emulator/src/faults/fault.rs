//! A fault as its user writes it: its name, which requests it strikes, and its parameters.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::menu::{self, Entry};
use crate::error::{ArmError, bad_content};
use crate::route::subject::Class;
use crate::world::Call;

/// One rule. What it does is `fault`, a name of the menu; without one it answers with `status`, `headers` and `body`.
/// The first group of fields says which requests it strikes, the second how; `docs/emulator.md` has them all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// A name of the menu; empty for a reply of one's own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fault: String,

    /// Only requests with this method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path and query contain this, in any casing. Requests for tokens and metadata are struck by
    /// rules with a path alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
    /// Only requests of this sort: `resource`, `list`, `action` or `poll`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Only requests about something in this location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The first matching request that is struck, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// How many are struck from there on: 1, or without limit where `probability` or an end in time is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How likely each of them is struck, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// The seed of that chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// None is struck from this moment of the cloud's time on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The same as seconds of the cloud from the moment the rule is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_seconds: Option<f64>,

    /// The (n) of the menu: how many refusals, old reads, or polls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Seconds, or `none`, `date` (ten seconds on), `garbage`, or any other text for the header.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub retry_after: Value,
    /// A length of time, in the clients' seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The origin that the foreign ones name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The ARM id of the resource concerned, when it is not that of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whatever else the entry of the menu takes.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub value: Value,
    /// Another error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Another error message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether the properties go back to what they were when an update fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverts: Option<bool>,
    /// Whether the request takes effect before the reply goes wrong.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub after_effect: bool,

    /// The status of a reply of one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Its headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Its body; text is sent as it is, anything else as JSON.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// Whether the connection closes instead.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

/// The fields that any fault may have.
pub(super) const SELECTORS: [&str; 11] = [
    "fault",
    "method",
    "path_contains",
    "target",
    "location",
    "nth",
    "times",
    "probability",
    "seed",
    "until",
    "for_seconds",
];

const TARGETS: [(&str, Class); 4] =
    [("resource", Class::Resource), ("list", Class::List), ("action", Class::Action), ("poll", Class::Poll)];

impl Fault {
    /// The fault of that name, for the first request it can strike.
    pub fn named(name: &str) -> Fault {
        Fault { fault: name.to_owned(), ..Fault::default() }
    }

    /// Its entry of the menu, when it makes sense as a whole; or what does not.
    pub(super) fn entry(&self) -> Result<&'static Entry, ArmError> {
        let entry = menu::find(&self.fault).ok_or_else(|| {
            bad_content(format!(
                "There is no fault '{}'. There are: {}.",
                self.fault,
                menu::names().join(", ")
            ))
        })?;
        let given = serde_json::to_value(self).unwrap_or_default();
        let given = given.as_object().map(Map::keys).into_iter().flatten();
        let stray = given.map(String::as_str).find(|key| !SELECTORS.contains(key) && !entry.takes(key));
        if let Some(stray) = stray {
            return Err(bad_content(format!(
                "The fault '{}' does not take '{stray}'; it takes: {}.",
                self.fault,
                entry.parameters().collect::<Vec<_>>().join(", ")
            )));
        }
        if let Some(target) = self.target.as_ref().filter(|_| self.class().is_none()) {
            let known = TARGETS.map(|(name, _)| name).join(", ");
            return Err(bad_content(format!("The target '{target}' is none of: {known}.")));
        }
        if let Some(missing) = entry.needs.iter().find(|key| !self.has(key)) {
            return Err(bad_content(format!("The fault '{}' needs '{missing}'.", self.fault)));
        }
        if self.probability.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) || self.nth == Some(0) {
            return Err(bad_content("A probability lies between 0 and 1, and 'nth' counts from 1."));
        }
        Ok(entry)
    }

    /// With an end in time as a moment.
    pub(super) fn begun(mut self, now: Timestamp) -> Fault {
        if let Some(seconds) = self.for_seconds.take() {
            let length = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX);
            self.until = Some(now.saturating_add(length).unwrap_or(Timestamp::MAX));
        }
        self
    }

    /// How many requests are struck at most.
    pub(super) fn limit(&self, entry: &Entry) -> u64 {
        let counted = self.count.filter(|_| entry.counts_requests);
        let endless = self.probability.is_some() || self.until.is_some();
        self.times.or(counted).unwrap_or(if endless { u64::MAX } else { 1 })
    }

    /// Whether a request is one of those that are meant; where it is, is asked for only if it matters.
    pub(super) fn means(&self, call: &Call, location: impl FnOnce() -> String) -> bool {
        let request = call.request;
        let target = || format!("{}?{}", request.path, request.query).to_ascii_lowercase();
        let is_in_view = self.path_contains.is_some() || !call.is_anonymous();
        is_in_view
            && self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(request.method.name()))
            && self.path_contains.as_ref().is_none_or(|part| target().contains(&part.to_ascii_lowercase()))
            && self.class().is_none_or(|class| class == call.subject.class)
            && self.until.is_none_or(|until| call.now < until)
            && self.location.as_ref().is_none_or(|wanted| crate::route::router::place(wanted) == location())
    }

    fn class(&self) -> Option<Class> {
        let wanted = self.target.as_ref()?;
        TARGETS.iter().find(|(name, _)| name == wanted).map(|(_, class)| *class)
    }

    fn has(&self, key: &str) -> bool {
        serde_json::to_value(self).is_ok_and(|given| given.get(key).is_some())
    }
}
