//! One resource: what it will be when everything is done, and what it shows until then.
//!
//! Its appearance is a function of the time of the read: it holds the phases still to come. What time does to it beyond
//! that happens in its kind's `turn`, when it is due.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json;

/// A stored resource.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Resource {
    /// The ARM id in the casing of its creation; lower-cased it is the key.
    pub(crate) id: String,
    /// The type as the provider spells it.
    pub(crate) kind: String,
    /// The body once all phases are over.
    pub(crate) body: Value,
    /// What covers the body meanwhile, earliest end first; of several that cover the same value the first one shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) phases: Vec<Phase>,
    /// The operation last started on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<String>,
    /// When that operation ends; until then other writes are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) busy_until: Option<Timestamp>,
    /// When it was stored first, and when last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) changed: Option<Timestamp>,
    /// When it vanishes; set by a delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gone_at: Option<Timestamp>,
    /// When its kind has something to do to it next; set by every write from the kind's `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due: Option<Timestamp>,
    /// What the service knows of it and no reply shows. Never a secret: it is in the cloud file.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) hidden: Value,
}

/// A stretch of time in which some values differ from the final body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Phase {
    /// The first instant at which this phase is over.
    pub(crate) until: Timestamp,
    /// The values that differ.
    pub(crate) shows: Value,
}

impl Resource {
    /// A resource at rest; its id is in its body.
    pub(crate) fn new(kind: &str, body: Value) -> Resource {
        let (id, kind) = (json::text(&body, "/id").to_owned(), kind.to_owned());
        Resource {
            id,
            kind,
            body,
            phases: Vec::new(),
            operation: None,
            busy_until: None,
            created: None,
            changed: None,
            gone_at: None,
            due: None,
            hidden: Value::Null,
        }
    }

    /// The key under which it is stored.
    pub(crate) fn key(&self) -> String {
        self.id.to_ascii_lowercase()
    }

    /// The ids of the principals that come with it.
    pub(crate) fn principals(&self) -> impl Iterator<Item = &str> {
        let pointers = ["/identity/principalId", "/properties/principalId"];
        pointers.into_iter().map(|pointer| json::text(&self.body, pointer)).filter(|id| !id.is_empty())
    }

    /// The last part of its id.
    pub(crate) fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or("")
    }

    /// How a GET shows it now.
    pub(crate) fn view(&self, now: Timestamp) -> Value {
        let mut body = self.body.clone();
        let covering = self.phases.iter().filter(|phase| now < phase.until);
        covering.rev().for_each(|phase| json::overlay(&mut body, &phase.shows));
        body
    }

    /// Whether an operation is running on it.
    pub(crate) fn is_busy(&self, now: Timestamp) -> bool {
        self.busy_until.is_some_and(|until| now < until)
    }

    /// Whether a delete is running on it.
    pub(crate) fn is_leaving(&self) -> bool {
        self.gone_at.is_some()
    }
}

/// The time as the ML service writes it: seven fraction digits and an offset.
pub(crate) fn long_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.7f+00:00").to_string()
}

/// The time with three fraction digits, as in allocation transitions.
pub(crate) fn short_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}
