//! The project file `plumb.toml`: what it may say, and what it says in the chosen environment.

mod read;
mod toml_tree;

use std::collections::BTreeMap;

use model::{Diagnostics, Json, Place, SourceId};

use crate::yaml::{Entry, Node};

/// What `plumb.toml` says, the chosen environment applied.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// `[project] name`.
    pub name: String,
    /// Globs of manifests, relative to the project; empty means every YAML file.
    pub manifests: Vec<String>,
    /// The workspace of documents with az ml's own header.
    pub default_workspace: Option<String>,
    /// `[cloud]`.
    pub cloud: CloudSettings,
    /// `[state]`.
    pub state: StateSettings,
    /// `[variables]`.
    pub variables: BTreeMap<String, Variable>,
    /// Values that the chosen environment gives to variables, with their places.
    pub overrides: BTreeMap<String, (Json, Place)>,
    /// `[guard]`.
    pub guard: Guard,
    /// The names of all environments.
    pub environments: Vec<String>,
    pub(crate) outputs: BTreeMap<String, Output>,
}

/// One of `[outputs]`: a value, which may be an expression.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) value: Node<'static>,
}

/// `[cloud]`.
#[derive(Debug, Clone, Default)]
pub struct CloudSettings {
    /// Which cloud.
    pub endpoint: Endpoint,
    /// The subscription of what names none.
    pub subscription: Option<String>,
    /// Where tokens come from.
    pub credential: Credential,
}

/// The clouds that a project file may name. Any other endpoint comes from the command line only, so
/// that no repository can send a token elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Endpoint {
    /// The emulator inside the process.
    #[default]
    Embedded,
    /// Azure.
    Azure,
    /// Azure for the government of the United States.
    AzureUsgov,
    /// Azure operated by 21Vianet.
    AzureChina,
}

/// Where tokens come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Credential {
    /// The first that works.
    #[default]
    Auto,
    /// `az account get-access-token`.
    Cli,
    /// The machine's managed identity.
    ManagedIdentity,
    /// A federated token of the workload.
    WorkloadIdentity,
    /// A service principal's secret.
    ClientSecret,
    /// A service principal's certificate.
    ClientCertificate,
    /// Azure Pipelines' service connection.
    Pipelines,
}

/// `[state]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSettings {
    /// Where the state lives; only `local` in this version.
    pub backend: String,
    /// The state file, relative to the project.
    pub path: String,
    /// How many runs the history keeps.
    pub history: usize,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self { backend: "local".to_owned(), path: ".plumb/state.json".to_owned(), history: 100 }
    }
}

/// `[guard]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Guard {
    /// A plan that deletes or replaces more fails.
    pub max_deletes: Option<usize>,
}

/// A declared variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// What its values are.
    pub value_type: VariableType,
    /// The value when nobody gives one.
    pub default: Option<Json>,
    /// For people.
    pub description: Option<String>,
    /// Whether its values are secrets.
    pub sensitive: bool,
    /// Where it is declared.
    pub place: Place,
}

/// The type of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableType {
    /// Text.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of anything.
    List,
    /// A mapping to anything.
    Map,
}

impl VariableType {
    /// Every type, with its word.
    pub(crate) const ALL: [(&'static str, VariableType); 5] = [
        ("string", VariableType::String),
        ("number", VariableType::Number),
        ("boolean", VariableType::Boolean),
        ("list", VariableType::List),
        ("map", VariableType::Map),
    ];

    /// The word in `plumb.toml`.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, t)| *t == self).map_or("", |(word, _)| word)
    }

    /// Whether a value is of this type.
    pub fn fits(self, value: &Json) -> bool {
        match self {
            VariableType::String => value.is_string(),
            VariableType::Number => value.is_number(),
            VariableType::Boolean => value.is_boolean(),
            VariableType::List => value.is_array(),
            VariableType::Map => value.is_object(),
        }
    }
}

/// Reads the declaration of a variable or, as a component has it, of an input; `noun` says which.
pub(crate) fn declaration(
    entry: &Entry<'_>,
    noun: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<Variable> {
    let mut reader = read::Reader::default();
    let declared = reader.declared(entry, noun);
    diagnostics.extend(reader.diagnostics);
    declared
}

/// Reads `plumb.toml` for one environment. Unknown keys, wrong values and an unknown environment
/// are diagnostics; what could be read is returned with them.
pub fn read(text: &str, source: SourceId, environment: Option<&str>) -> (Project, Diagnostics) {
    let mut reader = read::Reader::default();
    let mut project = Project::default();
    match toml_tree::parse(text, source) {
        Ok(root) => reader.project(&root, environment, &mut project),
        Err(diagnostic) => reader.diagnostics.push(*diagnostic),
    }
    (project, reader.diagnostics)
}
