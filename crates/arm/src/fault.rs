//! ARM's error bodies, in every shape that is met (arm-faults §2): with and without envelope, nested
//! details, `innererror`, JSON inside a message, HTML, plain text, nothing.

use executor::provider::{CloudError, Outcome};
use http::{HeaderMap, StatusCode};
use model::Json;

use crate::report;

const MESSAGE_CHARACTERS_MAX: usize = 4000;
const DEPTH_MAX: usize = 8;

/// Headers that support people ask for.
const ID_HEADERS: [&str; 3] = ["x-ms-request-id", "x-ms-correlation-request-id", "x-ms-routing-request-id"];

/// What an error body says: codes from the outermost to the innermost, and the messages.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) codes: Vec<String>,
    pub(crate) messages: Vec<String>,
    /// What the levels are about.
    pub(crate) targets: Vec<String>,
    /// The `info` of every `additionalInfo`: the policies, when those refuse.
    pub(crate) info: Vec<Json>,
}

impl Fault {
    /// Reads a reply's body.
    pub(crate) fn of_body(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        match serde_json::from_str::<Json>(text.trim()) {
            Ok(json) => Self::of_json(&json),
            Err(_) => Self { messages: plain_text(&text).into_iter().collect(), ..Self::default() },
        }
    }

    /// Reads an error object, or an object that holds one as `error`.
    pub(crate) fn of_json(json: &Json) -> Self {
        let mut fault = Self::default();
        fault.descend(json, 0);
        fault
    }

    /// The innermost code that says something; empty when there is none.
    pub(crate) fn code(&self) -> &str {
        self.codes.last().map_or("", String::as_str)
    }

    /// Whether any level of the error has this code.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|c| c.eq_ignore_ascii_case(code))
    }

    /// Whether a message, or a code, has this in it.
    pub(crate) fn says(&self, mark: &str) -> bool {
        self.messages.iter().chain(&self.codes).any(|text| text.contains(mark))
    }

    /// The messages as one: the general ones first, without what another already says.
    pub(crate) fn message(&self) -> String {
        let mut kept: Vec<&str> = Vec::new();
        for message in self.messages.iter().map(String::as_str) {
            if kept.iter().any(|k| k.contains(message)) {
                continue;
            }
            kept.retain(|k| !message.contains(k));
            kept.push(message);
        }
        kept.join(" ").chars().take(MESSAGE_CHARACTERS_MAX).collect()
    }

    fn descend(&mut self, json: &Json, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        if let Some(inner) = member(json, "error").filter(|e| e.is_object()) {
            return self.descend(inner, depth + 1);
        }
        self.codes.extend(text(json, "code").filter(|c| !self.has(c)));
        match text(json, "message") {
            Some(message) => self.take_message(&message, depth),
            None => self.messages.extend(text(json, "error")),
        }
        self.targets.extend(text(json, "target"));
        let infos = member(json, "additionalInfo").and_then(Json::as_array);
        self.info.extend(infos.into_iter().flatten().filter_map(|more| member(more, "info")).cloned());
        for key in ["details", "innererror"] {
            match member(json, key) {
                Some(Json::Array(list)) => list.iter().for_each(|detail| self.descend(detail, depth + 1)),
                Some(inner @ Json::Object(_)) => self.descend(inner, depth + 1),
                _ => {}
            }
        }
    }

    /// A message may be error JSON itself.
    fn take_message(&mut self, message: &str, depth: usize) {
        match serde_json::from_str::<Json>(message) {
            Ok(json @ Json::Object(_)) => self.descend(&json, depth + 1),
            _ => self.messages.push(message.trim().to_owned()),
        }
    }
}

/// A refused request as an error of the provider.
pub(crate) fn cloud_error(
    outcome: Outcome,
    status: StatusCode,
    headers: &HeaderMap,
    fault: &Fault,
) -> CloudError {
    let mut message = fault.message();
    if message.is_empty() {
        let reason = status.canonical_reason().unwrap_or("no reason given");
        message = format!("Azure answered {} without saying why", reason.to_lowercase());
    }
    let report = report::of(status.as_u16(), fault);
    CloudError {
        outcome,
        status: Some(status.as_u16()),
        code: fault.code().to_owned(),
        message,
        facts: report.facts,
        advice: report.advice,
        request_ids: request_ids(headers),
    }
}

/// The ids of a reply.
pub(crate) fn request_ids(headers: &HeaderMap) -> Box<[(String, String)]> {
    let id = |name: &&str| Some(((*name).to_owned(), headers.get(*name)?.to_str().ok()?.to_owned()));
    ID_HEADERS.iter().filter_map(id).collect()
}

/// A member whatever the case of its key: `Message`, `innerError`.
fn member<'a>(json: &'a Json, key: &str) -> Option<&'a Json> {
    json.as_object()?.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v)
}

fn text(json: &Json, key: &str) -> Option<String> {
    member(json, key)?.as_str().map(str::to_owned).filter(|t| !t.trim().is_empty())
}

/// Plain text as it is; of HTML only that it is HTML.
fn plain_text(text: &str) -> Option<String> {
    let text = text.trim();
    match text.starts_with('<') {
        _ if text.is_empty() => None,
        true => Some("the reply is a web page, not ARM's".to_owned()),
        false => Some(text.chars().take(500).collect()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Json) -> (String, String) {
        let fault = Fault::of_body(body.to_string().as_bytes());
        (fault.code().to_owned(), fault.message())
    }

    #[test]
    fn the_innermost_code_and_message_are_found() {
        let detail = json!({ "code": "ClusterMinNodesExceedCoreQuota", "message": "a vCPU quota of 0" });
        let nested =
            json!({ "error": { "code": "BadRequest", "message": "see details", "details": [detail] } });
        assert_eq!(
            read(nested),
            ("ClusterMinNodesExceedCoreQuota".into(), "see details a vCPU quota of 0".into())
        );
        let inner = json!({ "error": { "code": "UserError", "message": "m", "innerError": { "code": "BadArgument" } } });
        assert_eq!(read(inner), ("BadArgument".into(), "m".into()));
    }

    #[test]
    fn odd_shapes_are_read() {
        assert_eq!(read(json!({ "code": "C", "Message": "m" })), ("C".into(), "m".into()));
        let quoted =
            json!({ "error": { "code": "C", "message": r#"{"error":{"code":"D","message":"m"}}"# } });
        assert_eq!(read(quoted), ("D".into(), "m".into()));
        assert_eq!(Fault::of_body(b"").message(), "");
        assert_eq!(Fault::of_body(b"The page cannot be displayed").message(), "The page cannot be displayed");
        assert!(Fault::of_body(b"<!DOCTYPE html><p>login").message().contains("web page"));
        assert_eq!(read(json!([1, "x"])), (String::new(), String::new()));
    }

    #[test]
    fn repeated_messages_are_said_once() {
        let detail = json!({ "code": "MissingSubscriptionRegistration", "message": "not registered" });
        let body = json!({ "error": { "code": "MissingSubscriptionRegistration", "message": "The subscription is not registered", "details": [detail] } });
        assert_eq!(
            read(body),
            ("MissingSubscriptionRegistration".into(), "The subscription is not registered".into())
        );
    }
}
