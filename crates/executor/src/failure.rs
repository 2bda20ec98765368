//! Why a step did not end well: for people, and for programs that read the event stream.

use std::fmt;

use crate::logs::Tail;
use crate::provider::CloudError;

/// Why a step did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// What happened, in words.
    pub words: String,
    /// The HTTP status, if a reply said it.
    pub status: Option<u16>,
    /// ARM's innermost code; empty when there is none.
    pub code: Box<str>,
    /// What it is about, each with its label: the missing permission, the lock, the quota.
    pub facts: Vec<(&'static str, String)>,
    /// What to do about it.
    pub advice: Option<String>,
    /// The ids to quote to support, by header name.
    pub request_ids: Box<[(String, String)]>,
    /// What a failed setup script wrote at last. It is no part of the words, which the journal keeps.
    pub log: Option<Box<Tail>>,
}

impl Failure {
    /// The same failure, with something said after its words.
    pub(crate) fn and(mut self, words: &str) -> Self {
        self.words.push_str(words);
        self
    }
}

impl From<String> for Failure {
    fn from(words: String) -> Self {
        Self { words, ..Self::default() }
    }
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        let words = error.to_string();
        let CloudError { outcome: _, status, code, message: _, facts, advice, request_ids } = error;
        Self { words, status, code: code.into(), facts, advice, request_ids, log: None }
    }
}

/// The words, then a line for each fact and id, then what to do.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)?;
        for (label, value) in &self.facts {
            write!(f, "\n{label}: {value}")?;
        }
        for (name, id) in &self.request_ids {
            write!(f, "\n{name}: {id}")?;
        }
        self.advice.as_ref().map_or(Ok(()), |advice| write!(f, "\n{advice}"))
    }
}
