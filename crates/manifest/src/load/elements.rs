//! The elements of a document: `for_each` and `when`, whether it describes a resource or uses a component.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::accept::described;
use model::expression::Known;
use model::{Diagnostic, Diagnostics, Json, Place};

use super::draft::Each;
use super::expression::{Names, Wrong};
use super::scope::{Ground, PROJECT};
use crate::yaml::Node;

/// The most values of a run that `for_each` and components write out.
const WRITTEN_OUT_MAX: usize = 2_000_000;

/// What reads the elements of one document in one scope.
pub(super) struct Elements<'e> {
    pub(super) root: &'e Node<'e>,
    pub(super) ground: Ground<'e>,
    pub(super) scope: usize,
    pub(super) diagnostics: &'e mut Diagnostics,
}

impl Elements<'_> {
    /// One element without `for_each`, else one for each entry; `None` after a diagnostic.
    /// Each writes out `size` values, of which all documents together may have only so many.
    pub(super) fn all(
        &mut self,
        size: impl Fn() -> usize,
        written_out: &mut usize,
    ) -> Option<Vec<Option<Each>>> {
        let Some(node) = self.root.entry("for_each").map(|e| &e.node) else {
            // What is written once as it stands costs nothing more; a component does.
            let bounded = self.scope == PROJECT || self.write_out(1, size(), self.root.place, written_out);
            return bounded.then(|| vec![None]);
        };
        let place = node.place;
        let evaluated = Names::new(self.ground, self.scope).evaluate(node);
        let (value, secret) = evaluated.map_err(|wrong| self.wrong(wrong)).ok()?;
        if secret {
            let help =
                "keys stand in addresses, which everybody may see; use a variable that is not sensitive";
            self.error("`for_each` goes over a secret", help, place);
            return None;
        }
        let pairs: Vec<(String, Json)> = match value {
            Json::Object(map) => map.into_iter().collect(),
            Json::Array(list) => self.listed(list, place)?,
            other => {
                let words =
                    format!("`for_each` must be a mapping or a list of texts, and is {}", described(&other));
                self.error(words, "give a mapping such as `${vars.people}`", place);
                return None;
            }
        };
        if !self.write_out(pairs.len(), size(), place, written_out) {
            return None;
        }
        let each = |(text, value): (String, Json)| {
            let key = Arc::new(Known::new(Json::from(text.as_str())));
            Some(Each { text, key, value: Arc::new(Known::new(value)) })
        };
        Some(pairs.into_iter().map(each).collect())
    }

    fn write_out(&mut self, count: usize, size: usize, place: Place, written_out: &mut usize) -> bool {
        *written_out = written_out.saturating_add(count.saturating_mul(size));
        let bounded = *written_out <= WRITTEN_OUT_MAX;
        if !bounded {
            let words = format!(
                "`for_each` and components write out more than {WRITTEN_OUT_MAX} values in all documents together"
            );
            self.error(words, "split the project", place);
        }
        bounded
    }

    fn listed(&mut self, list: Vec<Json>, place: Place) -> Option<Vec<(String, Json)>> {
        let mut seen = BTreeSet::new();
        let mut pairs = Vec::new();
        for element in list {
            let Json::String(text) = element else {
                let words = format!("a list in `for_each` must have texts, and has {}", described(&element));
                self.error(words, "use a mapping, whose keys name the elements", place);
                return None;
            };
            if !seen.insert(text.clone()) {
                self.error(
                    format!("`for_each` has `{text}` twice"),
                    "each element needs a key of its own",
                    place,
                );
                return None;
            }
            pairs.push((text.clone(), Json::from(text)));
        }
        Some(pairs)
    }

    /// Whether an element counts; `None` after a diagnostic.
    pub(super) fn when(&mut self, each: Option<&Each>) -> Option<bool> {
        self.condition("when", true, each)
    }

    /// Whether an element stands without plumb; `None` after a diagnostic.
    pub(super) fn existing(&mut self, each: Option<&Each>) -> Option<bool> {
        self.condition("existing", false, each)
    }

    fn condition(&mut self, key: &str, absent: bool, each: Option<&Each>) -> Option<bool> {
        let Some(node) = self.root.entry(key).map(|e| &e.node) else {
            return Some(absent);
        };
        let mut names = Names::new(self.ground, self.scope);
        names.each = each;
        match names.evaluate(node).map_err(|wrong| self.wrong(wrong)).ok()? {
            (Json::Bool(holds), false) => Some(holds),
            (_, true) => {
                let help = "everybody sees what becomes of a resource";
                self.error(format!("`{key}` cannot depend on a secret"), help, node.place);
                None
            }
            (other, false) => {
                let words = format!("`{key}` must be `true` or `false`, and is {}", described(&other));
                self.error(words, "compare: `${environment == \"prod\"}`", node.place);
                None
            }
        }
    }

    pub(super) fn error(&mut self, words: impl Into<String>, help: impl Into<String>, place: Place) {
        self.diagnostics.push(Diagnostic::error(words).help(help).at(place));
    }

    pub(super) fn wrong(&mut self, (words, place): Wrong) {
        if !words.is_empty() {
            self.diagnostics.push(Diagnostic::error(words).at(place));
        }
    }
}
