//! Outputs: what they were, and what they will be.

use std::collections::BTreeMap;

use model::{Address, Diagnostic, Json, Snapshot, Value};

use crate::build::Planner;
use crate::entry;
use crate::plan::{Action, OutputChange, Shown};

/// Whether an output's value is known without what a plan leaves out.
pub(crate) fn is_settled(wanted: Option<&Value>, open: impl Fn(&Address) -> bool) -> bool {
    match wanted {
        Some(Value::Deferred(expression)) => {
            !expression.references().iter().any(|(address, _)| open(address))
        }
        _ => true,
    }
}

impl Planner<'_> {
    /// Every output, wanted or in the state.
    pub(crate) fn outputs(
        &mut self,
        wanted: &BTreeMap<String, Value>,
        snapshot: &Snapshot,
    ) -> BTreeMap<String, OutputChange> {
        let mut outputs = BTreeMap::new();
        for name in wanted.keys().chain(snapshot.outputs.keys()) {
            let after = match wanted.get(name).filter(|_| !self.options.destroy) {
                None => Ok((Shown::Absent, None)),
                Some(value) => self.output(name, value),
            };
            let (after, sealed) = after.unwrap_or_else(|words| {
                self.diagnostics
                    .push(Diagnostic::error(format!("the output `{name}` has no value: {words}")));
                (Shown::Absent, None)
            });
            let before = snapshot.outputs.get(name).cloned();
            outputs.insert(name.clone(), OutputChange { before, after, sealed });
        }
        outputs
    }

    /// What an output shows, and what the state would keep of it when it is a secret.
    fn output(&self, name: &str, value: &Value) -> Result<(Shown, Option<Json>), String> {
        let sealed = |json: &Json| (Shown::Sensitive, Some(entry::sealed_output(name, json, self.seal)));
        let lookup = |address: &Address, name: &str| self.known(address, name);
        let expression = match value {
            Value::Known(json) => return Ok((Shown::Known(json.clone()), None)),
            Value::Secret(secret) => return Ok(sealed(&Json::from(secret.expose()))),
            Value::Deferred(expression) if expression.is_secret() => {
                let json = expression.evaluate(&lookup)?;
                return Ok(json.as_ref().map_or((Shown::Sensitive, None), sealed));
            }
            Value::Deferred(expression) => expression,
        };
        let stands = |address: &Address| self.changes.get(address).is_some_and(|c| c.action == Action::NoOp);
        let shown = match expression.evaluate(&lookup)? {
            Some(json) => Shown::Known(json),
            // Azure has no such value, and nothing is about to happen that could give it one.
            None if expression.references().iter().all(|(address, _)| stands(address)) => Shown::Absent,
            None => Shown::Unknown,
        };
        Ok((shown, None))
    }
}
