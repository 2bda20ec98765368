//! Scopes: where names have one meaning. The project's manifests are the first; each use of a component is one
//! more, in which names are its own, variables are out of sight, and `inputs` are what the use hands in.

use std::collections::HashMap;
use std::sync::Arc;

use model::expression::{COMPONENT, Known};
use model::{Diagnostic, Place};

use super::Load;
use super::component::Component;
use super::draft::Each;
use super::index::Missing;
use super::uses::Use;
use crate::project::Variable;
use crate::variables::Variables;
use crate::yaml::Node;

/// The scope of the project's own manifests.
pub(super) const PROJECT: usize = 0;

/// One scope.
#[derive(Default)]
pub(super) struct Scope {
    /// What stands before its addresses, `team["alice"]/`; empty for the project.
    pub(super) prefix: String,
    /// Whose documents count in it.
    pub(super) component: usize,
    /// The use that made it; none for the project.
    pub(super) origin: Option<Origin>,
}

/// Where a scope comes from.
pub(super) struct Origin {
    /// The scope in which the use stands.
    pub(super) outer: usize,
    /// Which of the run's uses it is.
    pub(super) used: usize,
    /// Its name with its key, `team["alice"]`.
    pub(super) name: String,
    pub(super) each: Option<Each>,
}

/// Every scope, and how to find one.
pub(super) struct Scopes {
    all: Vec<Scope>,
    /// By the scope in which a use stands, and its name without its key.
    named: HashMap<(usize, String), Vec<usize>>,
}

impl Scopes {
    /// The project alone.
    pub(super) fn new() -> Self {
        Self { all: vec![Scope::default()], named: HashMap::new() }
    }

    pub(super) fn get(&self, scope: usize) -> &Scope {
        &self.all[scope]
    }

    /// Adds the scope of a use called `name`, and returns its number.
    pub(super) fn add(&mut self, name: &str, scope: Scope) -> usize {
        let outer = scope.origin.as_ref().map_or(PROJECT, |origin| origin.outer);
        self.named.entry((outer, name.to_owned())).or_default().push(self.all.len());
        self.all.push(scope);
        self.all.len() - 1
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Where a scope's use stands; none for the project.
    pub(super) fn outer(&self, scope: usize) -> Option<usize> {
        self.all[scope].origin.as_ref().map(|origin| origin.outer)
    }

    /// A scope's origin, then that of the scope in which that use stands, and so on.
    pub(super) fn origins(&self, scope: usize) -> impl Iterator<Item = (usize, &Origin)> {
        let with = |scope: usize| Some((scope, self.all[scope].origin.as_ref()?));
        std::iter::successors(with(scope), move |(_, origin)| with(origin.outer))
    }

    /// Whether a use of this name made a scope.
    pub(super) fn has(&self, outer: usize, name: &str) -> bool {
        self.named.contains_key(&(outer, name.to_owned()))
    }

    /// The scope of a use, by its name and its key.
    pub(super) fn find(&self, outer: usize, name: &str, key: Option<&str>) -> Result<usize, Missing> {
        let Some(found) = self.named.get(&(outer, name.to_owned())) else {
            let names = self.named.keys().filter(|(scope, _)| *scope == outer).map(|(_, name)| name.as_str());
            return Err(Missing::Unknown(model::rule::nearest(name, names.take(2_000)).map(str::to_owned)));
        };
        let each = |scope: usize| self.all[scope].origin.as_ref().and_then(|origin| origin.each.as_ref());
        match (found.as_slice(), key) {
            ([only], None) if each(*only).is_none() => Ok(*only),
            (_, None) => Err(Missing::NeedsKey),
            (all, Some(key)) => {
                let named = |scope: &&usize| each(**scope).is_some_and(|each| each.text == key);
                all.iter().find(named).copied().ok_or(Missing::NoElement)
            }
        }
    }
}

/// What every expression may rest on, whichever document it stands in.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) variables: &'a Variables,
    pub(super) environment: &'a str,
    pub(super) scopes: &'a Scopes,
    pub(super) uses: &'a [Use<'a>],
    pub(super) components: &'a [Component<'a>],
}

/// What a use hands in as one input.
pub(super) enum Handed<'a> {
    /// A value as it stands.
    Plain(Arc<Known>),
    /// A value with expressions, which mean what they mean where the use stands.
    Computed(&'a Node<'a>, &'a Origin),
    /// Nothing that could be used, which is said at the use.
    Wrong,
}

impl<'a> Ground<'a> {
    /// The component that a scope is of.
    pub(super) fn component(&self, scope: usize) -> &'a Component<'a> {
        &self.components[self.scopes.get(scope).component]
    }

    /// An input of a scope, and its declaration. The error is in plain words.
    pub(super) fn input(&self, scope: usize, name: &str) -> Result<(Handed<'a>, &'a Variable), String> {
        let Some(origin) = &self.scopes.get(scope).origin else {
            return Err(
                "`inputs` exists only inside a component; here `vars.NAME` is a variable of plumb.toml"
                    .to_owned(),
            );
        };
        let inputs = &self.component(scope).inputs;
        let Some(declared) = inputs.get(name) else {
            let help = match inputs.is_empty() {
                true => "declare it below `inputs:` in component.yaml".to_owned(),
                false => model::accept::known_keys(name, inputs.keys().map(String::as_str)),
            };
            return Err(format!("the component has no input `{name}`; {help}"));
        };
        let fitting = |json: model::Json| match declared.value_type.fits(&json) {
            true => Handed::Plain(Arc::new(Known::new(json))),
            false => Handed::Wrong,
        };
        let handed = match self.uses[origin.used].with(name) {
            Some(entry) if entry.node.mentions("${") => Handed::Computed(&entry.node, origin),
            Some(entry) => fitting(entry.node.to_json()),
            None => declared.default.clone().map_or(Handed::Wrong, fitting),
        };
        Ok((handed, declared))
    }
}

impl<'t> Load<'t, '_> {
    /// What expressions rest on.
    pub(super) fn ground(&self) -> Ground<'_> {
        Ground {
            variables: &self.variables,
            environment: self.inputs.environment,
            scopes: &self.scopes,
            uses: &self.uses,
            components: &self.components,
        }
    }

    /// Adds the uses to what was said since there were `count` diagnostics: what is wrong inside a component is
    /// wrong there for what one use hands in.
    pub(super) fn used_here(&mut self, count: usize, scope: usize) {
        if scope == PROJECT || self.diagnostics.len() == count {
            return;
        }
        let places: Vec<Place> =
            self.scopes.origins(scope).map(|(_, origin)| self.uses[origin.used].name_place).collect();
        for diagnostic in self.diagnostics.since(count) {
            for place in places.iter().filter(|place| diagnostic.place != Some(**place)) {
                diagnostic.related.push((*place, "used here".to_owned()));
            }
        }
    }

    /// The same mistake inside a component is said once, not for each of its uses.
    pub(super) fn once(&mut self) {
        if self.scopes.len() == 1 {
            return;
        }
        let mut said = std::collections::HashSet::new();
        let inside = |d: &Diagnostic| d.related.iter().any(|(_, words)| words == "used here");
        let first = |d: &Diagnostic| !inside(d) || said.insert((d.place, d.summary.clone()));
        self.diagnostics = std::mem::take(&mut self.diagnostics).into_iter().filter(first).collect();
    }
}

/// Words for a use that was not found; none for what was reported before.
pub(super) fn missing_use(missing: &Missing, name: &str, key: Option<&str>) -> String {
    match missing {
        Missing::Unknown(Some(near)) => format!("no component is used as `{name}`; did you mean `{near}`?"),
        Missing::NeedsKey => {
            format!("`{name}` has `for_each`; name one element: `{COMPONENT}[\"{name}\"][\"key\"]`")
        }
        Missing::NoElement => {
            format!("the component `{name}` has no element `{}`", key.unwrap_or_default())
        }
        Missing::LeftOut(_) => format!("`{name}` is left out: its `when` is false"),
        Missing::Reported => String::new(),
        Missing::Unknown(None) | Missing::Several => format!("no component is used as `{name}`"),
    }
}
