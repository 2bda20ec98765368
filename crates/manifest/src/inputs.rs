//! What loading needs beside the manifests' texts.

use model::SourceId;

use crate::Project;

/// Everything that loading reads beside manifests.
pub struct Inputs<'a> {
    /// The project file.
    pub project: &'a Project,
    /// The chosen environment's name, for `${environment}`; empty when none is chosen.
    pub environment: &'a str,
    /// Values of variables, weakest first. The project's defaults and the environment's values come
    /// before all of them.
    pub variables: Vec<Layer>,
    /// The subscription of what names none.
    pub subscription: &'a str,
    /// Reads setup scripts and components.
    pub files: &'a dyn Files,
}

/// One source of variables' values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its text among the run's sources.
    pub source: SourceId,
    /// What the text is.
    pub form: LayerForm,
}

/// What the text of a [`Layer`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerForm {
    /// A YAML mapping from names to values: a file of variables.
    File,
    /// The value of the variable with this name: a flag or an environment variable. Text for a
    /// variable of type string, YAML for the others.
    One(String),
}

/// Reads files below the project root: scripts and components.
pub trait Files {
    /// The bytes of a regular file of at most `limit` bytes. The error is in plain words that follow
    /// the path: "does not exist".
    fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, String>;

    /// The names of the YAML files that lie directly in a folder, in order. The error is in plain words that
    /// follow the path.
    fn yaml_files(&self, folder: &str) -> Result<Vec<String>, String>;
}

/// A project without files.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str, _: usize) -> Result<Vec<u8>, String> {
        Err("does not exist".to_owned())
    }

    fn yaml_files(&self, _: &str) -> Result<Vec<String>, String> {
        Err("does not exist".to_owned())
    }
}
