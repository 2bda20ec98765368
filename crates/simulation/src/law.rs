//! What must hold, whatever happens: the rules, and who broke them.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use model::Json;

/// A secret in the documents; it may be nowhere else.
pub const PASSWORD: &str = "Canary-p4ssw0rd-9c1e";
/// What every token begins with; it may be in requests alone.
pub const TOKEN: &str = "canary-token-";

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Everything that we made is in the state or in the journal.
    Lost,
    /// Nothing is made twice, or on top of what another made.
    Twice,
    /// Nothing is deleted that the plan does not delete, or that was not in the state.
    Trespass,
    /// What is called done is: it succeeded, and was read back.
    Untrue,
    /// No change is sent without the lock and a durable intent.
    Unannounced,
    /// The serial grows by one with each write, the lineage never changes, and nothing goes back.
    Serial,
    /// The state and the journal can be read, always.
    Unreadable,
    /// No secret is on the disk, in an event or in a plan.
    Secret,
    /// When all is well again, an apply gets there.
    Unfinished,
    /// After that, there is nothing to do.
    Restless,
    /// Nothing panics, and nothing waits for ever.
    Broken,
}

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub rule: Rule,
    /// How.
    pub words: String,
}

/// How many words of a breach, and of the end that it tells of, tell it from another.
const WORDS_COMPARED: usize = 12;

/// What an end is called that has words of its own.
const ENDS: [&str; 3] = ["Blocked(", "Failed(", "Incomplete("];

impl Breach {
    /// What it is like, whatever the resources are called: the rule, how its words begin, and what the last run that it
    /// tells of was refused for. Two cases with one rule and different refusals are two mistakes.
    pub fn likeness(&self) -> (Rule, String, String) {
        let last = ENDS.iter().filter_map(|end| self.words.rfind(end)).max();
        let (before, end) = self.words.split_at(last.unwrap_or(self.words.len()));
        let (name, refusal) = end.split_once('(').unwrap_or_default();
        let refusal = refusal.split("; ").next().unwrap_or_default().trim_end_matches(['"', ')', ']']);
        // How many runs came before is no part of it.
        let first = before.split('[').next().unwrap_or_default();
        (self.rule, plain(first), format!("{name} {}", plain(refusal)))
    }
}

/// The words of a text that are no names.
fn plain(text: &str) -> String {
    let is_name =
        |word: &&str| word.contains(['/', '`', '"', '\\']) || word.contains(|c: char| c.is_ascii_digit());
    text.split_whitespace().filter(|word| !is_name(word)).take(WORDS_COMPARED).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.words)
    }
}

/// Watches over the rules; shared by all that takes part.
#[derive(Debug, Clone, Default)]
pub struct Law(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    breaches: Vec<Breach>,
    /// The serial that a run was told is written.
    acknowledged: u64,
}

impl Law {
    /// Notes a breach.
    pub fn broken(&self, rule: Rule, words: impl Into<String>) {
        self.inner().breaches.push(Breach { rule, words: words.into() });
    }

    /// Every breach so far.
    pub fn breaches(&self) -> Vec<Breach> {
        self.inner().breaches.clone()
    }

    /// Something is said that people or programs may read.
    pub fn said(&self, whose: &str, text: &str) {
        if let Some(secret) = [PASSWORD, TOKEN].into_iter().find(|secret| text.contains(secret)) {
            self.broken(Rule::Secret, format!("{whose} tells {secret}: {text}"));
        }
    }

    /// Bytes go to the disk.
    pub fn written(&self, path: &Path, bytes: &[u8]) {
        // A trial for room: zeros, and many.
        if bytes.first() == Some(&0) {
            return;
        }
        self.said(&path.display().to_string(), &String::from_utf8_lossy(bytes));
    }

    /// A file got a name, and another may have had it before.
    pub fn named(&self, path: &Path, before: Option<&[u8]>, after: Option<&[u8]>) {
        if !path.ends_with("state.json") {
            return;
        }
        let head = |bytes: &[u8]| {
            let json: Json = serde_json::from_slice(bytes).unwrap_or_default();
            (json["lineage"].to_string(), json["serial"].as_u64().unwrap_or_default())
        };
        let (before, after) = (before.map(head), head(after.unwrap_or_default()));
        let follows = match &before {
            None => after.1 == 1,
            Some((lineage, serial)) => *lineage == after.0 && serial + 1 == after.1,
        };
        if !follows {
            self.broken(Rule::Serial, format!("{before:?} is followed by {after:?}"));
        }
    }

    /// A run was told that the state with this serial is written.
    pub fn acknowledged(&self, serial: u64) {
        let mut inner = self.inner();
        inner.acknowledged = inner.acknowledged.max(serial);
    }

    /// The state has this serial now.
    pub fn stands_at(&self, serial: u64) {
        let acknowledged = self.inner().acknowledged;
        if serial < acknowledged {
            self.broken(
                Rule::Serial,
                format!("serial {acknowledged} was written, and serial {serial} is there"),
            );
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("BUG: a holder of the lock panicked")
    }
}
