//! The values of `[outputs]`.

use std::collections::BTreeMap;

use model::{Diagnostic, Secret, Value};

use super::Load;
use super::draft::Pending;
use super::expression::{Names, Resources, Wrong};
use crate::yaml::Node;

impl Load<'_, '_> {
    /// Evaluates every output; those with errors are left out.
    pub(super) fn outputs(&mut self) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for (name, output) in &self.inputs.project.outputs {
            match self.output(&output.value) {
                Ok(value) => values.extend(value.map(|v| (name.clone(), v))),
                Err((words, place)) => {
                    if !words.is_empty() {
                        let words = format!("output `{name}`: {words}");
                        self.diagnostics.push(Diagnostic::error(words).at(place));
                    }
                }
            }
        }
        values
    }

    fn output(&self, node: &Node<'_>) -> Result<Option<Value>, Wrong> {
        let mut names = Names::new(&self.variables, self.inputs.environment);
        names.resources = Some(Resources { drafts: &self.drafts, index: &self.index, own: None });
        let expression = names.compile(node)?;
        let computed = node.computed().unwrap_or(node.place);
        let pending = Pending { expression, targets: names.targets, place: node.place, computed };
        let Some(Pending { expression, .. }) = self.bound(pending) else {
            return Ok(None);
        };
        let json = expression.evaluate(&|_, _| None).map_err(|words| (words, computed))?;
        Ok(Some(match json {
            None => Value::Deferred(expression.into()),
            Some(json) if expression.is_secret() => {
                Value::Secret(Secret::new(json.as_str().map_or_else(|| json.to_string(), str::to_owned)))
            }
            Some(json) => Value::Known(json),
        }))
    }
}
