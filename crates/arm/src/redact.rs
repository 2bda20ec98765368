//! Azure echoes requests in its errors (arm-faults §5, §10 `secret-echo`): what a request held in
//! secret is taken out of every text that comes back.

use std::sync::Mutex;

use model::{Json, Secret};

const SHOWN: &str = "(sensitive value)";

/// The secrets that this process has sent.
#[derive(Debug, Default)]
pub(crate) struct Redactor(Mutex<Vec<Secret>>);

impl Redactor {
    /// Remembers every text in a value that is about to be sent.
    pub(crate) fn learn(&self, value: &Json) {
        match value {
            Json::String(text) if !text.is_empty() => self.learn_text(text),
            Json::Array(list) => list.iter().for_each(|v| self.learn(v)),
            Json::Object(map) => map.values().for_each(|v| self.learn(v)),
            _ => {}
        }
    }

    fn learn_text(&self, text: &str) {
        let quoted = Json::from(text).to_string();
        let escaped = quoted.trim_matches('"');
        let mut known = self.0.lock().expect("BUG: a holder of the lock panicked");
        for form in [text, escaped] {
            if !known.iter().any(|s| s.expose() == form) {
                known.push(Secret::new(form));
            }
        }
        // Longest first: a secret may contain another.
        known.sort_by_key(|s| std::cmp::Reverse(s.expose().len()));
    }

    /// The text without any of them.
    pub(crate) fn scrub(&self, text: String) -> String {
        let known = self.0.lock().expect("BUG: a holder of the lock panicked");
        known.iter().fold(text, |text, secret| {
            if text.contains(secret.expose()) { text.replace(secret.expose(), SHOWN) } else { text }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn echoed_secrets_are_taken_out() {
        let redactor = Redactor::default();
        redactor.learn(&json!({ "a": "pa\"ss", "b": ["longer pa\"ss"], "c": "" }));
        let text = redactor.scrub(r#"bad: pa"ss, {"x":"pa\"ss"}, longer pa"ss"#.to_owned());
        assert_eq!(text, r#"bad: (sensitive value), {"x":"(sensitive value)"}, (sensitive value)"#);
    }
}
