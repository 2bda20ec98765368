//! From documents to drafts: `for_each`, `when`, names and ids.

use model::accept::described;
use model::{Diagnostic, Json};

use super::Load;
use super::document::{Document, is_id};
use super::draft::{Draft, Each};
use super::elements::Elements;
use super::expression::Names;
use super::index::{Index, LeftOut};
use super::scope::Ground;

impl Load<'_, '_> {
    /// Makes the drafts of every document, scope by scope: each use of a component adds one.
    pub(super) fn expand(&mut self) {
        let mut written_out = 0;
        let mut scope = 0;
        while scope < self.scopes.len() {
            self.index.enter(self.scopes.get(scope).component, self.scopes.outer(scope));
            self.drafts_of(scope, &mut written_out);
            self.enter(scope, &mut written_out);
            scope += 1;
        }
        for (at, draft) in self.drafts.iter().enumerate().filter(|(_, d)| d.named) {
            self.index.add(at, draft);
        }
    }

    fn drafts_of(&mut self, scope: usize, written_out: &mut usize) {
        let component = self.scopes.get(scope).component;
        let before = self.diagnostics.len();
        for at in self.components[component].documents.clone() {
            let document = &self.documents[at];
            let ground = Ground {
                variables: &self.variables,
                environment: self.inputs.environment,
                scopes: &self.scopes,
                uses: &self.uses,
                components: &self.components,
            };
            let elements =
                Elements { root: &document.root, ground, scope, diagnostics: &mut self.diagnostics };
            let mut expansion = Expansion { document, at, component, index: &mut self.index, elements };
            self.drafts.extend(expansion.drafts(written_out));
        }
        self.used_here(before, scope);
    }
}

struct Expansion<'e, 't> {
    document: &'e Document<'t>,
    at: usize,
    component: usize,
    index: &'e mut Index,
    elements: Elements<'e>,
}

impl Expansion<'_, '_> {
    fn drafts(&mut self, written_out: &mut usize) -> Vec<Draft> {
        let root = &self.document.root;
        let elements = self.elements.all(|| root.size(), written_out);
        let Some((elements, id)) = elements.and_then(|e| Some((e, self.shared_id()?))) else {
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
        self.elements.error(words, format!("write `name: {name}-${{each.key}}`"), place);
        self.lose();
        drafts.truncate(1);
    }

    /// What refers to this document is not another mistake.
    fn lose(&mut self) {
        let name = self.document.get("name").filter(|node| !node.mentions("${")).and_then(|node| node.text());
        let id = self.document.id.as_ref().map(|(id, _)| id.as_str()).filter(|_| name.is_some());
        self.index.lose(self.component, Some(self.document.kind.name), name.into_iter().chain(id));
    }

    fn leave_out(&mut self, each: Option<&Each>, id: Option<&str>) {
        let document = self.document;
        let mut names = Names::new(self.elements.ground, self.elements.scope);
        names.each = each;
        let name = document.get("name").and_then(|node| names.evaluate(node).ok());
        let name = match name {
            Some((Json::String(name), false)) => name,
            _ => String::new(),
        };
        self.index.leave_out(LeftOut {
            scope: self.elements.scope,
            kind: document.kind.name,
            id: id.unwrap_or(&name).to_owned(),
            name,
            key: each.map(|e| e.text.clone()),
            place: document.get("when").map_or(document.place(), |node| node.place),
        });
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
        self.elements.error("the document has no `id`, and none follows from its name", help, node.place);
        None
    }

    fn draft(&mut self, each: Option<Each>, id: Option<&str>) -> Option<Draft> {
        match self.elements.when(each.as_ref()) {
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
        let existing = self.elements.existing(each.as_ref());
        let name = self.name(each.as_ref()).filter(|_| existing.is_some());
        let named = name.is_some();
        if !named {
            self.lose();
        }
        let name = name.unwrap_or_default();
        Some(Draft {
            kind: self.document.kind,
            document: self.at,
            scope: self.elements.scope,
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
            existing: existing.unwrap_or_default(),
        })
    }

    /// The element's name in Azure; `None` after a diagnostic.
    fn name(&mut self, each: Option<&Each>) -> Option<String> {
        let document = self.document;
        let kind = document.kind;
        let Some(node) = document.get("name") else {
            let help = "write `name: …`, the resource's name in Azure";
            self.elements.error(format!("the {} has no `name`", kind.name), help, document.place());
            return None;
        };
        let mut names = Names::new(self.elements.ground, self.elements.scope);
        names.each = each;
        let name = match names.evaluate(node).map_err(|wrong| self.elements.wrong(wrong)).ok()? {
            (Json::String(name), false) => name,
            (_, true) => {
                self.elements.error(
                    "a name cannot come from a secret",
                    "everybody may see names",
                    node.place,
                );
                return None;
            }
            (other, false) => {
                let words = format!("`name` must be text, and is {}", described(&other));
                self.elements.error(words, "write it in quotes", node.place);
                return None;
            }
        };
        let broken = kind.name_rules.iter().find_map(|r| r.violation(&Json::from(name.as_str())));
        if let Some(words) = broken.or_else(|| (!is_id(&name)).then(|| "must be a plain name".to_owned())) {
            let words = format!("the name `{}` of the {} {words}", name.escape_debug(), kind.name);
            self.elements.diagnostics.push(Diagnostic::error(words).at(node.place).attribute("name"));
            return None;
        }
        Some(name)
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
