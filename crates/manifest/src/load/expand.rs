//! From documents to drafts: `for_each`, `when`, names and ids.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::accept::described;
use model::expression::Known;
use model::{Diagnostic, Diagnostics, Json, Place};

use super::Load;
use super::document::{Document, is_id};
use super::draft::{Draft, Each};
use super::expression::{Names, Wrong};
use super::index::{Index, LeftOut};
use crate::variables::Variables;

/// The most values of a run that `for_each` writes out.
const WRITTEN_OUT_MAX: usize = 2_000_000;

impl Load<'_, '_> {
    /// Makes the drafts of every document.
    pub(super) fn expand(&mut self) {
        let mut written_out = 0;
        for (at, document) in self.documents.iter().enumerate() {
            let mut expansion = Expansion {
                document,
                at,
                variables: &self.variables,
                environment: self.inputs.environment,
                index: &mut self.index,
                diagnostics: &mut self.diagnostics,
                written_out: &mut written_out,
            };
            self.drafts.extend(expansion.drafts());
        }
        for (at, draft) in self.drafts.iter().enumerate().filter(|(_, d)| d.named) {
            self.index.add(at, draft);
        }
    }
}

struct Expansion<'e, 't> {
    document: &'e Document<'t>,
    at: usize,
    variables: &'e Variables,
    environment: &'e str,
    index: &'e mut Index,
    diagnostics: &'e mut Diagnostics,
    written_out: &'e mut usize,
}

impl Expansion<'_, '_> {
    fn drafts(&mut self) -> Vec<Draft> {
        let Some((elements, id)) = self.elements().and_then(|e| Some((e, self.shared_id()?))) else {
            self.lose();
            return Vec::new();
        };
        let mut drafts: Vec<Draft> =
            elements.into_iter().filter_map(|each| self.draft(each, id.as_deref())).collect();
        self.one_name(&mut drafts);
        drafts
    }

    /// Elements that all have one name are one mistake; the first of them goes on.
    fn one_name(&mut self, drafts: &mut Vec<Draft>) {
        let [first, others @ ..] = drafts.as_slice() else {
            return;
        };
        let constant = self.document.get("name").is_some_and(|node| !node.mentions("${"));
        if !constant || !first.named || others.is_empty() {
            return;
        }
        let (name, place) = (first.name.clone(), first.name_place);
        let words = format!("`for_each` makes {} resources named `{name}`", drafts.len());
        self.error(words, format!("write `name: {name}-${{each.key}}`"), place);
        self.lose();
        drafts.truncate(1);
    }

    /// What refers to this document is not another mistake.
    fn lose(&mut self) {
        let name = self.document.get("name").filter(|node| !node.mentions("${")).and_then(|node| node.text());
        let id = self.document.id.as_ref().map(|(id, _)| id.as_str()).filter(|_| name.is_some());
        self.index.lose(Some(self.document.kind.name), name.into_iter().chain(id));
    }

    fn leave_out(&mut self, each: Option<&Each>, id: Option<&str>) {
        let document = self.document;
        let mut names = Names::new(self.variables, self.environment);
        names.each = each;
        let name = document.get("name").and_then(|node| names.evaluate(node).ok());
        let name = match name {
            Some((Json::String(name), false)) => name,
            _ => String::new(),
        };
        self.index.leave_out(LeftOut {
            kind: document.kind.name,
            id: id.unwrap_or(&name).to_owned(),
            name,
            key: each.map(|e| e.text.clone()),
            place: document.get("when").map_or(document.place(), |node| node.place),
        });
    }

    fn error(&mut self, words: impl Into<String>, help: impl Into<String>, place: Place) {
        self.diagnostics.push(Diagnostic::error(words).help(help).at(place));
    }

    fn wrong(&mut self, (words, place): Wrong) {
        if !words.is_empty() {
            self.diagnostics.push(Diagnostic::error(words).at(place));
        }
    }

    /// One element without `for_each`, else one for each entry; `None` after a diagnostic.
    fn elements(&mut self) -> Option<Vec<Option<Each>>> {
        let Some(node) = self.document.get("for_each") else {
            return Some(vec![None]);
        };
        let place = node.place;
        let evaluated = Names::new(self.variables, self.environment).evaluate(node);
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
        *self.written_out =
            self.written_out.saturating_add(pairs.len().saturating_mul(self.document.root.size()));
        if *self.written_out > WRITTEN_OUT_MAX {
            let words =
                format!("`for_each` writes out more than {WRITTEN_OUT_MAX} values in all documents together");
            self.error(words, "split the project", place);
            return None;
        }
        let each = |(text, value): (String, Json)| {
            let key = Arc::new(Known::new(Json::from(text.as_str())));
            Some(Each { text, key, value: Arc::new(Known::new(value)) })
        };
        Some(pairs.into_iter().map(each).collect())
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

    /// The id that all elements share: as given, or the name's text around its expressions. The inner
    /// `None` is a document without `for_each`, whose id is its name.
    fn shared_id(&mut self) -> Option<Option<String>> {
        if let Some((id, _)) = &self.document.id {
            return Some(Some(id.clone()));
        }
        if self.document.get("for_each").is_none() {
            return Some(None);
        }
        let node = self.document.get("name")?;
        let text = without_expressions(node.text().unwrap_or_default());
        let id = text.trim_matches(['-', '_', '.']);
        if is_id(id) {
            return Some(Some(id.to_owned()));
        }
        let help = "add `id: …`, the last part of the addresses of all its elements";
        self.error("the document has no `id`, and none follows from its name", help, node.place);
        None
    }

    fn draft(&mut self, each: Option<Each>, id: Option<&str>) -> Option<Draft> {
        match self.when(each.as_ref()) {
            Some(true) => {}
            Some(false) => {
                self.leave_out(each.as_ref(), id);
                return None;
            }
            None => {
                self.lose();
                return None;
            }
        }
        let name = self.name(each.as_ref());
        let named = name.is_some();
        if !named {
            self.lose();
        }
        let name = name.unwrap_or_default();
        Some(Draft {
            kind: self.document.kind,
            document: self.at,
            each,
            id: id.unwrap_or(&name).to_owned(),
            name,
            name_place: self.document.get("name").map_or(self.document.place(), |node| node.place),
            named,
            home: None,
            leaves: Default::default(),
            places: Vec::new(),
            dependencies: Vec::new(),
            triggers: Vec::new(),
            implied_by: None,
        })
    }

    /// The element's name in Azure; `None` after a diagnostic.
    fn name(&mut self, each: Option<&Each>) -> Option<String> {
        let document = self.document;
        let kind = document.kind;
        let Some(node) = document.get("name") else {
            let help = "write `name: …`, the resource's name in Azure";
            self.error(format!("the {} has no `name`", kind.name), help, document.place());
            return None;
        };
        let mut names = Names::new(self.variables, self.environment);
        names.each = each;
        let name = match names.evaluate(node).map_err(|wrong| self.wrong(wrong)).ok()? {
            (Json::String(name), false) => name,
            (_, true) => {
                self.error("a name cannot come from a secret", "everybody may see names", node.place);
                return None;
            }
            (other, false) => {
                let words = format!("`name` must be text, and is {}", described(&other));
                self.error(words, "write it in quotes", node.place);
                return None;
            }
        };
        let broken = kind.name_rules.iter().find_map(|r| r.violation(&Json::from(name.as_str())));
        if let Some(words) = broken.or_else(|| (!is_id(&name)).then(|| "must be a plain name".to_owned())) {
            let words = format!("the name `{}` of the {} {words}", name.escape_debug(), kind.name);
            self.diagnostics.push(Diagnostic::error(words).at(node.place).attribute("name"));
            return None;
        }
        Some(name)
    }

    fn when(&mut self, each: Option<&Each>) -> Option<bool> {
        let Some(node) = self.document.get("when") else {
            return Some(true);
        };
        let mut names = Names::new(self.variables, self.environment);
        names.each = each;
        match names.evaluate(node).map_err(|wrong| self.wrong(wrong)).ok()? {
            (Json::Bool(counts), false) => Some(counts),
            (_, true) => {
                self.error(
                    "`when` cannot depend on a secret",
                    "everybody sees whether a resource exists",
                    node.place,
                );
                None
            }
            (other, false) => {
                let words = format!("`when` must be `true` or `false`, and is {}", described(&other));
                self.error(words, "compare: `${environment == \"prod\"}`", node.place);
                None
            }
        }
    }
}

/// A text without its `${…}`.
fn without_expressions(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_text_around_expressions() {
        assert_eq!(without_expressions("ci-${each.key}-x"), "ci--x");
        assert_eq!(without_expressions("plain"), "plain");
        assert_eq!(without_expressions("${a"), "");
    }
}
