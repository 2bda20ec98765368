//! Values that are nobody's attribute: `[outputs]`, and what crosses the borders of components.

use std::collections::BTreeMap;

use model::{Diagnostic, Expression, Json, Secret, Value};

use super::Load;
use super::draft::{Each, Pending};
use super::expression::{Names, Resources, Wrong};
use super::scope::PROJECT;
use super::uses::wrong_type;
use crate::yaml::Node;

/// A value, if it is known, and what it comes from.
type Evaluated = (Option<Json>, Expression);

impl Load<'_, '_> {
    /// Evaluates every output; those with errors are left out.
    pub(super) fn outputs(&mut self) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for (name, output) in &self.inputs.project.outputs {
            let evaluated = self.evaluate(&output.value, PROJECT, None);
            match self.said(evaluated, |words| format!("output `{name}`: {words}")) {
                Ok(found) => values.extend(found.map(|found| (name.clone(), value(found)))),
                Err(diagnostic) => self.diagnostics.extend(diagnostic.map(|d| *d)),
            }
        }
        values
    }

    /// Looks at every input and output of the components once, so that what is wrong with one is said where it
    /// stands, and not wherever it is used.
    pub(super) fn borders(&mut self) {
        for scope in PROJECT + 1..self.scopes.len() {
            self.inputs_of(scope);
            self.outputs_of(scope);
        }
    }

    fn inputs_of(&mut self, scope: usize) {
        let Some(origin) = &self.scopes.get(scope).origin else {
            return;
        };
        let (outer, declared) = (origin.outer, &self.ground().component(scope).inputs);
        let mut wrong = Vec::new();
        for entry in self.uses[origin.used].handed().iter().filter(|e| e.node.mentions("${")) {
            let Some(declared) = declared.get(entry.key.as_ref()) else { continue };
            let evaluated = self.evaluate(&entry.node, outer, origin.each.as_ref());
            match self.said(evaluated, |words| format!("input `{}`: {words}", entry.key)) {
                Ok(Some((Some(json), _))) if !declared.value_type.fits(&json) => {
                    wrong.push(wrong_type(&entry.key, declared, &json, entry.node.place));
                }
                Ok(_) => {}
                Err(diagnostic) => wrong.extend(diagnostic.map(|d| *d)),
            }
        }
        self.say_in(outer, wrong);
    }

    fn outputs_of(&mut self, scope: usize) {
        let mut wrong = Vec::new();
        for (name, node) in &self.ground().component(scope).outputs {
            let evaluated = self.evaluate(node, scope, None);
            let said = self.said(evaluated, |words| format!("output `{name}`: {words}"));
            wrong.extend(said.err().flatten().map(|diagnostic| *diagnostic));
        }
        self.say_in(scope, wrong);
    }

    fn say_in(&mut self, scope: usize, diagnostics: Vec<Diagnostic>) {
        let before = self.diagnostics.len();
        self.diagnostics.extend(diagnostics);
        self.used_here(before, scope);
    }

    /// A value's error as a diagnostic; none for what was reported before.
    fn said(
        &self,
        evaluated: Result<Option<Evaluated>, Wrong>,
        words: impl Fn(String) -> String,
    ) -> Result<Option<Evaluated>, Option<Box<Diagnostic>>> {
        evaluated.map_err(|(said, place)| {
            (!said.is_empty()).then(|| Box::new(Diagnostic::error(words(said)).at(place)))
        })
    }

    /// A value in a scope once every attribute is settled; `None` when it rests on something broken.
    fn evaluate(
        &self,
        node: &Node<'_>,
        scope: usize,
        each: Option<&Each>,
    ) -> Result<Option<Evaluated>, Wrong> {
        let mut names = Names::new(self.ground(), scope);
        names.each = each;
        names.resources = Some(Resources { drafts: &self.drafts, index: &self.index, own: None });
        let expression = names.compile(node)?;
        let computed = node.computed().unwrap_or(node.place);
        let pending =
            Pending { expression, targets: names.targets, handed: false, place: node.place, computed };
        let Some(Pending { expression, .. }) = self.bound(pending) else {
            return Ok(None);
        };
        let json = expression.evaluate(&|_, _| None).map_err(|words| (words, computed))?;
        Ok(Some((json, expression)))
    }
}

fn value((json, expression): Evaluated) -> Value {
    match json {
        None => Value::Deferred(expression.into()),
        Some(json) if expression.is_secret() => {
            Value::Secret(Secret::new(json.as_str().map_or_else(|| json.to_string(), str::to_owned)))
        }
        Some(json) => Value::Known(json),
    }
}
