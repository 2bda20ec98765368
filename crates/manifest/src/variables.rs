//! Variables: declarations and layered values to one value each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::accept::{described, known_keys};
use model::expression::Known;
use model::{Diagnostic, Diagnostics, Json, Place, SourceId, Sources};

use crate::inputs::{Inputs, LayerForm};
use crate::project::{Variable, VariableType};
use crate::yaml::{self, Entry, Node};

/// The values of a run.
#[derive(Default)]
pub(crate) struct Variables {
    values: BTreeMap<String, Arc<Known>>,
    sensitive: BTreeSet<String>,
    declared: BTreeSet<String>,
}

impl Variables {
    /// A value, and whether it is a secret; the error says what is wrong with the name, and is
    /// empty when that was said before.
    pub(crate) fn get(&self, name: &str) -> Result<(Arc<Known>, bool), String> {
        match self.values.get(name) {
            Some(known) => Ok((Arc::clone(known), self.sensitive.contains(name))),
            // Said once, where it is declared.
            None if self.declared.contains(name) => Err(String::new()),
            None if self.declared.is_empty() => {
                Err(format!("there is no variable `{name}`; declare it below `[variables]` in plumb.toml"))
            }
            None => {
                let help = known_keys(name, self.declared.iter().map(String::as_str));
                Err(format!("there is no variable `{name}`; {help}"))
            }
        }
    }

    /// All values as one mapping, and whether a secret is among them.
    pub(crate) fn all(&self) -> (Arc<Known>, bool) {
        let map = self.values.iter().map(|(name, known)| (name.clone(), known.json().clone()));
        let secret = self.values.keys().any(|name| self.sensitive.contains(name));
        (Arc::new(Known::new(Json::Object(map.collect()))), secret)
    }
}

/// Puts the layers together, weakest first.
pub(crate) fn resolve(sources: &Sources, inputs: &Inputs<'_>, diagnostics: &mut Diagnostics) -> Variables {
    let declared = &inputs.project.variables;
    let mut values: BTreeMap<String, Json> = BTreeMap::new();
    for (name, variable) in declared {
        values.extend(
            variable.default.clone().filter(|d| variable.value_type.fits(d)).map(|d| (name.clone(), d)),
        );
    }
    let mut layer = Layering { declared, values: &mut values, diagnostics };
    for (name, (value, place)) in &inputs.project.overrides {
        layer.set(name, value.clone(), *place, *place);
    }
    for given in &inputs.variables {
        let source = sources.get(given.source);
        let from_environment = source.name.starts_with("PLUMB_VAR_");
        match &given.form {
            LayerForm::File => layer.file(&source.text, given.source),
            LayerForm::One(name) if from_environment && !declared.contains_key(name) => layer.ignored(name),
            LayerForm::One(name) => layer.one(name, &source.text, given.source),
        }
    }
    for (name, variable) in
        declared.iter().filter(|(name, v)| v.default.is_none() && !values.contains_key(*name))
    {
        diagnostics.push(missing(name, variable));
    }
    Variables {
        sensitive: declared.iter().filter(|(_, v)| v.sensitive).map(|(n, _)| n.clone()).collect(),
        declared: declared.keys().cloned().collect(),
        values: values.into_iter().map(|(name, json)| (name, Arc::new(Known::new(json)))).collect(),
    }
}

struct Layering<'l> {
    declared: &'l BTreeMap<String, Variable>,
    values: &'l mut BTreeMap<String, Json>,
    diagnostics: &'l mut Diagnostics,
}

impl Layering<'_> {
    fn file(&mut self, text: &str, source: SourceId) {
        let parsed = yaml::parse(text, source);
        self.diagnostics.extend(parsed.diagnostics);
        for document in &parsed.documents {
            match document.entries() {
                Some(entries) => entries.iter().for_each(|e| self.entry(e)),
                None => self.diagnostics.push(
                    Diagnostic::error("a file of variables must be a mapping")
                        .help("write `name: value` lines")
                        .at(document.place),
                ),
            }
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        self.set(&entry.key, entry.node.to_json(), entry.place, entry.node.place);
    }

    fn one(&mut self, name: &str, text: &str, source: SourceId) {
        let place = Place { source, start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) };
        let text_wanted = self.declared.get(name).is_none_or(|v| v.value_type == VariableType::String);
        if text_wanted {
            return self.set(name, Json::from(text), place, place);
        }
        let mut parsed = yaml::parse(text, source);
        let broken = parsed.diagnostics.has_errors();
        self.diagnostics.extend(parsed.diagnostics);
        match parsed.documents.pop() {
            Some(node) => self.set(name, Node::to_json(&node), place, place),
            None if broken => {}
            None => self.set(name, Json::Null, place, place),
        }
    }

    /// The environment may be meant for another project. Without a place, as its text is the value,
    /// which may be a secret.
    fn ignored(&mut self, name: &str) {
        let words = format!("PLUMB_VAR_{name} is ignored: there is no variable `{name}`");
        self.diagnostics.push(Diagnostic::warning(words).help(self.undeclared(name)));
    }

    /// What to do about a variable that is not declared.
    fn undeclared(&self, name: &str) -> String {
        match self.declared.is_empty() {
            true => {
                format!("declare it as `{name} = {{ type = \"string\" }}` below `[variables]` in plumb.toml")
            }
            false => known_keys(name, self.declared.keys().map(String::as_str)),
        }
    }

    fn set(&mut self, name: &str, value: Json, name_place: Place, place: Place) {
        let Some(variable) = self.declared.get(name) else {
            let words = format!("there is no variable `{name}`");
            let help = self.undeclared(name);
            return self.diagnostics.push(Diagnostic::error(words).help(help).at(name_place));
        };
        if variable.value_type.fits(&value) {
            self.values.insert(name.to_owned(), value);
            return;
        }
        // Not the value itself: it may be a secret in the wrong place.
        let found = if variable.sensitive { "something else".to_owned() } else { described(&value) };
        let words = format!("variable `{name}` must be a {}, and is {found}", variable.value_type.word());
        let wrong = Diagnostic { secret: variable.sensitive, ..Diagnostic::error(words).at(place) };
        self.diagnostics.push(match shows_a_secret(variable) {
            true => wrong,
            false => wrong.related(variable.place, "declared here"),
        });
        // Something must stand, or every use of it would be another error.
        self.values.entry(name.to_owned()).or_insert(value);
    }
}

/// Whether the line of a declaration has a secret in it.
pub(crate) fn shows_a_secret(declared: &Variable) -> bool {
    declared.sensitive && declared.default.is_some()
}

fn missing(name: &str, variable: &Variable) -> Diagnostic {
    let help = match variable.sensitive {
        true => format!("set PLUMB_VAR_{name}, or give it in a file that is not committed"),
        false => format!("give `--var {name}=…`, PLUMB_VAR_{name}, a line in plumb.vars.yaml, or a default"),
    };
    Diagnostic::error(format!("variable `{name}` has no value")).help(help).at(variable.place)
}

#[cfg(test)]
mod tests {
    use model::Severity;

    use super::*;
    use crate::inputs::{Layer, NoFiles};
    use crate::project;

    #[test]
    fn only_the_environment_may_set_what_is_not_declared() {
        let mut sources = Sources::default();
        let id = sources.add("plumb.toml", "[project]\nname = \"t\"\n");
        let (project, _) = project::read(&sources.get(id).text, id, None);
        let mut given = |source: &str| {
            let source = sources.add(source, "hunter2");
            let variables = vec![Layer { source, form: LayerForm::One("x".to_owned()) }];
            let inputs =
                Inputs { project: &project, environment: "", variables, subscription: "", files: &NoFiles };
            let mut diagnostics = Diagnostics::default();
            resolve(&sources, &inputs, &mut diagnostics);
            let all = diagnostics.sorted();
            assert_eq!(all.len(), 1);
            assert!(!format!("{all:?}").contains("hunter2"));
            (all[0].severity, all[0].place)
        };
        assert_eq!(given("PLUMB_VAR_x"), (Severity::Warning, None));
        assert_eq!(given("--var x").0, Severity::Error);
    }
}
