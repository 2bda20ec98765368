//! What was asked of the cloud, for tests to look at. Secrets never enter it.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::identity::anonymous::Anonymous;
use crate::template::{lenient, parameters};
use crate::wire::{Request, Response};

/// Keys whose values are left out, in lower case.
const SECRETS: [&str; 16] = [
    "accountkey",
    "adminpassword",
    "adminuserpassword",
    "cert",
    "client_assertion",
    "client_secret",
    "databricksaccesstoken",
    "key",
    "password",
    "privatekeydata",
    "protectedsettings",
    "publickeydata",
    "relayconnectionstring",
    "scriptarguments",
    "scriptdata",
    "servicebusconnectionstring",
];

/// The last requests, and exact counts of all of them.
#[derive(Debug)]
pub(crate) struct Log {
    entries: VecDeque<Value>,
    size: usize,
    sequence: u64,
    counters: BTreeMap<&'static str, u64>,
}

impl Log {
    pub(crate) fn new(size: usize) -> Log {
        Log { entries: VecDeque::new(), size, sequence: 0, counters: BTreeMap::new() }
    }

    /// Notes a request and how it was answered.
    pub(crate) fn add(&mut self, request: &Request, response: &Response, now: Timestamp, id: &str) {
        self.sequence += 1;
        *self.counters.entry(request.method.name()).or_default() += 1;
        // A request for a token is made of secrets: of its query and body nothing is kept.
        let is_sign_in = Anonymous::of(&request.path).is_some();
        let text = if is_sign_in { "" } else { str::from_utf8(&request.body).unwrap_or("") };
        let mut body = lenient::parse(text).unwrap_or_default();
        parameters::redact(&mut body);
        redact(&mut body);
        self.entries.push_back(json!({
            "sequence": self.sequence,
            "id": id,
            "time": now.to_string(),
            "method": request.method.name(),
            "path": request.path,
            "query": if is_sign_in { "" } else { request.query.as_str() },
            "status": if response.is_answer() { json!(response.status) } else { Value::Null },
            "body": body,
        }));
        while self.entries.len() > self.size {
            self.entries.pop_front();
        }
    }

    /// The requests still remembered, oldest first.
    pub(crate) fn requests(&self) -> Value {
        json!(self.entries)
    }

    /// How many requests came by method since the last clearing.
    pub(crate) fn counters(&self) -> Value {
        json!(self.counters)
    }

    /// Forgets all requests and starts counting anew.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.counters.clear();
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if SECRETS.contains(&key.to_ascii_lowercase().as_str()) && !value.is_null() {
                    *value = json!("(removed)");
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}
