//! An opened project: its file, its variables, and on demand its manifests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use manifest::{Inputs, Layer, LayerForm, Project, ProjectFiles, find_manifests};
use model::{Diagnostics, SourceId, Sources, Value};
use planner::Graph;

use crate::failure::Failure;
use crate::output::{self, diagnostics};
use crate::past::Back;
use crate::saved::Saved;
use crate::settings::Settings;

/// The subscription of the embedded cloud when nobody names one.
const EMBEDDED_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";

/// A project that a command works on.
pub struct Session {
    /// Flags and environment.
    pub settings: Settings,
    /// plumb.toml, the chosen environment applied.
    pub project: Project,
    /// Every text that diagnostics may point into.
    pub sources: Sources,
    /// What the manifests say; empty until they are loaded.
    pub manifests: Manifests,
    /// The saved plan that is to be applied.
    pub approved: Option<Saved>,
    /// The earlier state that is wanted back, instead of what the manifests say.
    pub past: Option<Back>,
}

/// What the manifests say.
#[derive(Default)]
pub struct Manifests {
    /// The desired resources.
    pub graph: Graph,
    /// `[outputs]`.
    pub outputs: BTreeMap<String, Value>,
    /// What there is to say about them.
    pub diagnostics: Diagnostics,
}

impl Session {
    /// Reads plumb.toml.
    pub fn open(settings: Settings) -> Result<Self, Failure> {
        let path = settings.root.join("plumb.toml");
        let text = read_text(&path).with_context(|| missing_project(&settings.root))?;
        let mut sources = Sources::default();
        let source = sources.add("plumb.toml", text.as_str());
        let environment = Some(settings.environment.as_str()).filter(|e| !e.is_empty());
        let (project, diagnostics) = manifest::project::read(&text, source, environment);
        if diagnostics.has_errors() {
            return Err(Failure::Input(Box::new((sources, diagnostics))));
        }
        Ok(Self { settings, project, sources, manifests: Manifests::default(), approved: None, past: None })
    }

    /// Whether there is any manifest.
    pub fn has_manifests(&self) -> bool {
        !find_manifests(&self.settings.root, &self.project.manifests).files.is_empty()
    }

    /// Reads and checks every manifest; what is wrong is kept as diagnostics.
    pub fn load(&mut self) -> Result<(), Failure> {
        self.load_among(Vec::new())
    }

    /// The same with further texts, by name, as if they stood in the project.
    pub fn load_among(&mut self, more: Vec<(String, String)>) -> Result<(), Failure> {
        let found = find_manifests(&self.settings.root, &self.project.manifests);
        let mut all = Diagnostics::default();
        let given = self.settings.variable_files.iter().filter_map(|f| f.canonicalize().ok());
        let variables_only: Vec<PathBuf> = given.collect();
        let is_manifest = |name: &str| {
            variables_only.is_empty()
                || self.settings.root.join(name).canonicalize().map_or(true, |p| !variables_only.contains(&p))
        };
        let texts: Vec<(String, String)> =
            found.files.into_iter().filter(|(name, _)| is_manifest(name)).chain(more).collect();
        let manifests: Vec<SourceId> =
            texts.into_iter().map(|(name, text)| self.sources.add(name, text)).collect();
        all.extend(found.diagnostics);
        let variables = self.layers()?;
        let subscription = self.subscription().to_owned();
        let files = ProjectFiles::new(&self.settings.root);
        let inputs = Inputs {
            project: &self.project,
            environment: &self.settings.environment,
            variables,
            subscription: &subscription,
            files: &files,
        };
        let loaded = manifest::load(&mut self.sources, &manifests, &inputs);
        all.extend(loaded.diagnostics);
        let graph = if all.has_errors() { Ok(Graph::default()) } else { Graph::build(loaded.resources) };
        let graph = graph.unwrap_or_else(|wrong| {
            all.extend(wrong);
            Graph::default()
        });
        self.manifests = Manifests { graph, outputs: loaded.outputs, diagnostics: all };
        Ok(())
    }

    /// The same; that there is no manifest at all may be meant.
    pub fn load_valid_or_empty(&mut self, allow_empty: bool) -> Result<(), Failure> {
        let found = find_manifests(&self.settings.root, &self.project.manifests);
        let none = found.files.is_empty() && !found.diagnostics.has_errors();
        if none && allow_empty { Ok(()) } else { self.load_valid() }
    }

    /// Reads every manifest, and fails with all that is wrong in them.
    pub fn load_valid(&mut self) -> Result<(), Failure> {
        self.load()?;
        if self.manifests.diagnostics.has_errors() {
            return Err(self.refused(Diagnostics::default()));
        }
        Ok(())
    }

    /// Everything there is to say, as the reason for not going on.
    pub fn refused(&self, more: Diagnostics) -> Failure {
        let mut all = self.manifests.diagnostics.clone();
        all.extend(more);
        Failure::Input(Box::new((self.sources.clone(), all)))
    }

    /// Shows warnings.
    pub fn warn(&self, more: &Diagnostics) {
        let mut all = self.manifests.diagnostics.clone();
        all.extend(more.clone());
        if !all.is_empty() {
            output::message(&diagnostics::human(&all.sorted(), &self.sources, self.settings.color));
        }
    }

    /// The same as events of a JSON stream.
    pub fn diagnostic_events(&self, more: &Diagnostics) -> String {
        let mut all = self.manifests.diagnostics.clone();
        all.extend(more.clone());
        let value = diagnostics::json(&all.sorted(), &self.sources);
        value["diagnostics"].as_array().into_iter().flatten().map(output::events::diagnostic).collect()
    }

    /// The subscription of what names none.
    pub fn subscription(&self) -> &str {
        self.project.cloud.subscription.as_deref().unwrap_or(EMBEDDED_SUBSCRIPTION)
    }

    /// The state file: each environment has its own, unless plumb.toml says otherwise.
    pub fn state_file(&self) -> PathBuf {
        let path = Path::new(&self.project.state.path);
        let default = manifest::project::StateSettings::default().path;
        let environment = &self.settings.environment;
        match environment.is_empty() || self.project.state.path != default {
            true => self.settings.root.join(path),
            false => self.settings.root.join(".plumb").join(environment).join("state.json"),
        }
    }

    /// `[guard] max_deletes`.
    pub fn max_deletes(&self) -> Option<usize> {
        self.project.guard.max_deletes
    }

    /// Variables beyond plumb.toml, weakest first: plumb.vars.yaml, `--var-file`, `PLUMB_VAR_…`, `--var`.
    fn layers(&mut self) -> Result<Vec<Layer>, Failure> {
        let mut layers = Vec::new();
        let standing = self.settings.root.join("plumb.vars.yaml");
        let standing = standing.exists().then_some((standing, "plumb.vars.yaml".to_owned()));
        let named = self.settings.variable_files.iter().map(|p| (p.clone(), p.display().to_string()));
        for (path, name) in standing.into_iter().chain(named) {
            let text =
                read_text(&path).with_context(|| format!("reading variables from {}", path.display()))?;
            let secrets = || self.project.variables.iter().filter(|(_, v)| v.sensitive);
            let hidden = secrets().any(|(secret, _)| text.contains(secret.as_str()));
            let source =
                if hidden { self.sources.add_hidden(name, text) } else { self.sources.add(name, text) };
            layers.push(Layer { source, form: LayerForm::File });
        }
        let mut environment: Vec<(String, String)> = std::env::vars()
            .filter_map(|(k, v)| Some((k.strip_prefix("PLUMB_VAR_")?.to_owned(), v)))
            .collect();
        environment.sort();
        for (name, value) in environment {
            layers.push(self.one(&name, format!("PLUMB_VAR_{name}"), &value));
        }
        for flag in self.settings.variables.clone() {
            let (name, value) =
                flag.split_once('=').ok_or_else(|| anyhow!("--var {flag}: write --var NAME=VALUE"))?;
            layers.push(self.one(name, format!("--var {name}"), value));
        }
        Ok(layers)
    }

    /// The value of one variable, as a source that is not shown when it is a secret.
    fn one(&mut self, name: &str, shown_as: String, value: &str) -> Layer {
        // What nobody declared may be anything; a secret, too.
        let secret = self.project.variables.get(name).is_none_or(|v| v.sensitive);
        let source =
            if secret { self.sources.add_hidden(shown_as, value) } else { self.sources.add(shown_as, value) };
        Layer { source, form: LayerForm::One(name.to_owned()) }
    }
}

/// The largest project or variable file; beyond it somebody named the wrong file.
const TEXT_BYTES_MAX: u64 = 4 * 1024 * 1024;

fn read_text(path: &Path) -> anyhow::Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > TEXT_BYTES_MAX {
        return Err(anyhow!("it has {size} bytes, more than {TEXT_BYTES_MAX}"));
    }
    String::from_utf8(std::fs::read(path)?).map_err(|_| anyhow!("it is not UTF-8 text"))
}

fn missing_project(root: &Path) -> String {
    format!(
        "there is no plumb.toml to read in {}; `plumb init` makes a project, -C DIR works in another directory",
        root.display()
    )
}
