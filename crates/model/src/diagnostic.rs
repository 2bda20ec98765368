//! Diagnostics: what is wrong in the user's input, where it stands, and what to do about it.
//!
//! Diagnostics are values. They are collected over a whole run and shown together, in file order.

use crate::{Address, Place};

/// Whether a diagnostic stops the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The input cannot be used; exit 1.
    Error,
    /// The input can be used, yet somebody should look at it.
    Warning,
}

/// One error or warning about the user's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub summary: String,
    /// What to do, in one line.
    pub help: Option<String>,
    /// Where; `None` only for input that has no text (a missing file, no manifests at all).
    pub place: Option<Place>,
    /// A few words under the place's mark.
    pub label: Option<String>,
    /// Other places that belong to it, each with its words: the first of two duplicates, the edges of a cycle.
    pub related: Vec<(Place, String)>,
    /// The resource it is about.
    pub address: Option<Address>,
    /// The attribute it is about.
    pub attribute: Option<String>,
    /// Whether its line may hold a secret in clear, so that nothing shows it.
    pub secret: bool,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(summary: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            help: None,
            place: None,
            label: None,
            related: Vec::new(),
            address: None,
            attribute: None,
            secret: false,
        }
    }

    /// A warning without a place.
    pub fn warning(summary: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary) }
    }

    /// Says where.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a few words under the mark.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds another place that belongs to it.
    pub fn related(mut self, place: Place, words: impl Into<String>) -> Self {
        self.related.push((place, words.into()));
        self
    }

    /// Names the resource.
    pub fn address(mut self, address: &Address) -> Self {
        self.address = Some(address.clone());
        self
    }

    /// Names the attribute.
    pub fn attribute(mut self, path: impl Into<String>) -> Self {
        self.attribute = Some(path.into());
        self
    }
}

/// The diagnostics of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds many.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(others);
    }

    /// Whether any of them stops the run.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Those added after the first `count`.
    pub fn since(&mut self, count: usize) -> &mut [Diagnostic] {
        &mut self.0[count..]
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// File order, those without a place first; the same thing said twice is said once.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by(|a, b| (a.place, a.severity, &a.summary).cmp(&(b.place, b.severity, &b.summary)));
        self.0.dedup();
        self.0
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<T: IntoIterator<Item = Diagnostic>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}
