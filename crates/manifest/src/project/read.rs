//! From the tree of `plumb.toml` to [`Project`], section by section.

use model::accept::{described, known_keys, quoted};
use model::{Diagnostic, Diagnostics, Place};

use super::{Credential, Endpoint, Output, Project, Variable, VariableType};
use crate::yaml::{Entry, Node, Yaml};

const SECTIONS: [&str; 7] = ["project", "cloud", "state", "variables", "outputs", "environments", "guard"];

const ENDPOINTS: [(&str, Endpoint); 4] = [
    ("embedded", Endpoint::Embedded),
    ("azure", Endpoint::Azure),
    ("azure-usgov", Endpoint::AzureUsgov),
    ("azure-china", Endpoint::AzureChina),
];

const CREDENTIALS: [(&str, Credential); 7] = [
    ("auto", Credential::Auto),
    ("cli", Credential::Cli),
    ("managed-identity", Credential::ManagedIdentity),
    ("workload-identity", Credential::WorkloadIdentity),
    ("client-secret", Credential::ClientSecret),
    ("client-certificate", Credential::ClientCertificate),
    ("pipelines", Credential::Pipelines),
];

/// Collects what is wrong on the way.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) diagnostics: Diagnostics,
}

impl Reader {
    pub(super) fn project(&mut self, root: &Node<'_>, environment: Option<&str>, project: &mut Project) {
        self.known(root, "the project file", &SECTIONS);
        self.sections(root, project);
        self.variables(root, project);
        for entry in self.below(root, "outputs") {
            project.outputs.insert(entry.key.to_string(), Output { value: owned(&entry.node) });
        }
        let environments = self.below(root, "environments");
        project.environments = environments.iter().map(|e| e.key.to_string()).collect();
        for entry in environments {
            // Every environment is read, so that a mistake in one shows before it is used.
            let mut trial = project.clone();
            self.environment(entry, &mut trial);
            if environment == Some(entry.key.as_ref()) {
                *project = trial;
            }
        }
        if let Some(name) = environment.filter(|n| !project.environments.iter().any(|e| e == n)) {
            self.unknown_environment(root, name, project);
        }
    }

    fn unknown_environment(&mut self, root: &Node<'_>, name: &str, project: &Project) {
        let words = format!("there is no environment `{name}`");
        let help = match project.environments.is_empty() {
            true => format!("declare it as `[environments.{name}]` in plumb.toml"),
            false => known_keys(name, project.environments.iter().map(String::as_str)),
        };
        let place =
            root.entry("environments").map_or(Place { end: root.place.start, ..root.place }, |e| e.place);
        self.diagnostics.push(Diagnostic::error(words).help(help).at(place));
    }

    fn environment(&mut self, entry: &Entry<'_>, project: &mut Project) {
        let name = format!("environment `{}`", entry.key);
        if self.mapping(&entry.node, &name).is_none() {
            return;
        }
        self.known(&entry.node, &name, &["project", "cloud", "state", "variables", "guard"]);
        self.sections(&entry.node, project);
        for variable in self.below(&entry.node, "variables") {
            if !project.variables.contains_key(variable.key.as_ref()) {
                let words = format!("there is no variable `{}`", variable.key);
                let help = known_or_declare(&variable.key, project);
                self.diagnostics.push(Diagnostic::error(words).help(help).at(variable.place));
                continue;
            }
            let value = (variable.node.to_json(), variable.node.place);
            project.overrides.insert(variable.key.to_string(), value);
        }
    }

    fn sections(&mut self, root: &Node<'_>, project: &mut Project) {
        for entry in self.below(root, "project") {
            match entry.key.as_ref() {
                "name" => self.text(entry, &mut project.name),
                "manifests" => self.globs(entry, &mut project.manifests),
                "default_workspace" => self.optional(entry, &mut project.default_workspace),
                _ => self.unknown(entry, "[project]", &["name", "manifests", "default_workspace"]),
            }
        }
        for entry in self.below(root, "cloud") {
            match entry.key.as_ref() {
                "endpoint" => self.endpoint(entry, &mut project.cloud.endpoint),
                "subscription" => self.subscription(entry, &mut project.cloud.subscription),
                "credential" => self.word(entry, &CREDENTIALS, &mut project.cloud.credential),
                _ => self.unknown(entry, "[cloud]", &["endpoint", "subscription", "credential"]),
            }
        }
        for entry in self.below(root, "state") {
            match entry.key.as_ref() {
                "backend" => self.backend(entry),
                "path" => self.state_path(entry, &mut project.state.path),
                "history" => self.history(entry, &mut project.state.history),
                _ => self.unknown(entry, "[state]", &["backend", "path", "history"]),
            }
        }
        for entry in self.below(root, "guard") {
            match (entry.key.as_ref(), &entry.node.yaml) {
                ("max_deletes", Yaml::Integer(number)) if *number >= 0 => {
                    project.guard.max_deletes = usize::try_from(*number).ok();
                }
                ("max_deletes", _) => self.wrong(entry, "a whole number, 0 or more", None),
                _ => self.unknown(entry, "[guard]", &["max_deletes"]),
            }
        }
    }

    fn endpoint(&mut self, entry: &Entry<'_>, endpoint: &mut Endpoint) {
        let Some(text) = entry.node.text().filter(|t| !ENDPOINTS.iter().any(|(word, _)| word == t)) else {
            return self.word(entry, &ENDPOINTS, endpoint);
        };
        if !text.contains(['/', ':', '.']) {
            return self.word(entry, &ENDPOINTS, endpoint);
        }
        let words = "a project file cannot name the address of an endpoint";
        let help = "an endpoint other than the named ones comes from `--endpoint` or `PLUMB_ENDPOINT` only, so that no repository can send a token elsewhere";
        self.diagnostics.push(Diagnostic::error(words).help(help).at(entry.node.place));
    }

    fn subscription(&mut self, entry: &Entry<'_>, subscription: &mut Option<String>) {
        let broken = model::rule::Rule::Guid.violation(&entry.node.to_json());
        match (entry.node.text(), broken) {
            (Some(text), None) => *subscription = Some(text.to_owned()),
            _ => self.wrong(entry, "a GUID, `00000000-0000-0000-0000-000000000000`", None),
        }
    }

    fn backend(&mut self, entry: &Entry<'_>) {
        match entry.node.text() {
            Some("local") => {}
            Some(name @ ("azblob" | "postgres" | "http")) => {
                let words = format!("the state backend `{name}` is not supported by this version");
                let help = "use `backend = \"local\"`";
                self.diagnostics.push(Diagnostic::error(words).help(help).at(entry.node.place));
            }
            _ => self.wrong(entry, "`local`", None),
        }
    }

    fn state_path(&mut self, entry: &Entry<'_>, path: &mut String) {
        let inside = entry.node.text().filter(|t| !t.is_empty() && !t.starts_with('/') && !t.contains('\\'));
        match inside.filter(|t| t.split('/').all(|part| part != "..")) {
            Some(text) => *path = text.to_owned(),
            None => self.wrong(entry, "a path inside the project, without `..`", None),
        }
    }

    fn history(&mut self, entry: &Entry<'_>, history: &mut usize) {
        match &entry.node.yaml {
            Yaml::Integer(runs @ 1..=10_000) => *history = usize::try_from(*runs).unwrap_or(*history),
            _ => self.wrong(entry, "a number of runs to keep, 1 to 10000", None),
        }
    }

    fn globs(&mut self, entry: &Entry<'_>, globs: &mut Vec<String>) {
        let Yaml::List(list) = &entry.node.yaml else {
            return self.wrong(entry, "a list of globs, `[\"manifests/**/*.yaml\"]`", None);
        };
        globs.clear();
        for node in list {
            match node.text().filter(|t| globset::Glob::new(t).is_ok()) {
                Some(text) => globs.push(text.to_owned()),
                None => {
                    let words = format!("{} is no glob", described(&node.to_json()));
                    let help = "write a path such as `manifests/**/*.yaml`";
                    self.diagnostics.push(Diagnostic::error(words).help(help).at(node.place));
                }
            }
        }
    }

    fn variables(&mut self, root: &Node<'_>, project: &mut Project) {
        for entry in self.below(root, "variables") {
            if let Some(variable) = self.declared(entry, "variable") {
                project.variables.insert(entry.key.to_string(), variable);
            }
        }
    }

    /// A variable, or an input of a component: `noun` says which.
    pub(super) fn declared(&mut self, entry: &Entry<'_>, noun: &str) -> Option<Variable> {
        const KEYS: [&str; 4] = ["type", "default", "description", "sensitive"];
        if !is_name(&entry.key) {
            let article = if noun.starts_with('i') { "an" } else { "a" };
            let words = format!("`{}` cannot be the name of {article} {noun}", entry.key);
            let help = "use letters, digits and `_`, and start with a letter";
            self.diagnostics.push(Diagnostic::error(words).help(help).at(entry.place));
            return None;
        }
        let before = self.diagnostics.len();
        let declared = self.declaration(entry, noun, &KEYS);
        if declared.as_ref().is_some_and(|variable| variable.sensitive)
            || is_meant_to_be_sensitive(&entry.node)
        {
            // What is wrong beside a secret's default is shown without its line.
            self.diagnostics.since(before).iter_mut().for_each(|diagnostic| diagnostic.secret = true);
        }
        declared
    }

    fn declaration(&mut self, entry: &Entry<'_>, noun: &str, keys: &[&str]) -> Option<Variable> {
        let title = format!("{noun} `{}`", entry.key);
        self.mapping(&entry.node, &title)?;
        self.known(&entry.node, &title, keys);
        let sensitive = match entry.node.entry("sensitive").map(|e| (e, &e.node.yaml)) {
            None => false,
            Some((_, Yaml::Boolean(yes))) => *yes,
            Some((found, _)) => {
                self.wrong(found, "`true` or `false`", None);
                true
            }
        };
        let default = entry.node.entry("default");
        let mut value_type = VariableType::String;
        match entry.node.entry("type") {
            Some(found) => self.word(found, &VariableType::ALL, &mut value_type),
            None => value_type = default.map_or(VariableType::String, |d| type_of(&d.node)),
        }
        let value = default.map(|d| d.node.to_json());
        if let (Some(found), Some(value)) = (default, value.as_ref().filter(|v| !value_type.fits(v))) {
            let hidden = sensitive || is_meant_to_be_sensitive(&entry.node);
            let found_words = if hidden { "something else".to_owned() } else { described(value) };
            let words =
                format!("the default of {title} must be a {}, and is {found_words}", value_type.word());
            self.diagnostics.push(Diagnostic::error(words).at(found.node.place));
        }
        let mut description = None;
        entry.node.entry("description").into_iter().for_each(|e| self.optional(e, &mut description));
        Some(Variable { value_type, default: value, description, sensitive, place: entry.place })
    }

    fn below<'n, 't>(&mut self, root: &'n Node<'t>, section: &str) -> &'n [Entry<'t>] {
        match root.entry(section) {
            Some(entry) => self.mapping(&entry.node, &format!("`{section}`")).unwrap_or_default(),
            None => &[],
        }
    }

    fn mapping<'n, 't>(&mut self, node: &'n Node<'t>, title: &str) -> Option<&'n [Entry<'t>]> {
        if node.entries().is_none() {
            let words = format!("{title} must be a table, and is {}", described(&node.to_json()));
            self.diagnostics.push(Diagnostic::error(words).at(node.place));
        }
        node.entries()
    }

    fn known(&mut self, node: &Node<'_>, title: &str, keys: &[&str]) {
        for entry in node.entries().unwrap_or_default().iter().filter(|e| !keys.contains(&e.key.as_ref())) {
            self.unknown(entry, title, keys);
        }
    }

    fn unknown(&mut self, entry: &Entry<'_>, title: &str, keys: &[&str]) {
        let words = format!("unknown key `{}` in {title}", entry.key);
        let help = known_keys(&entry.key, keys.iter().copied());
        self.diagnostics.push(Diagnostic::error(words).help(help).at(entry.place));
    }

    fn word<T: Copy>(&mut self, entry: &Entry<'_>, words: &[(&str, T)], value: &mut T) {
        match words.iter().find(|(word, _)| entry.node.text() == Some(word)) {
            Some((_, found)) => *value = *found,
            None => {
                let near = entry.node.text().and_then(|t| model::rule::nearest(t, words.iter().map(|w| w.0)));
                let help = near.map(|n| format!("did you mean `{n}`?"));
                self.wrong(entry, &format!("one of {}", quoted(words.iter().map(|w| w.0))), help);
            }
        }
    }

    fn text(&mut self, entry: &Entry<'_>, value: &mut String) {
        match entry.node.text() {
            Some(text) => *value = text.to_owned(),
            None => self.wrong(entry, "text", Some("write it in quotes".to_owned())),
        }
    }

    fn optional(&mut self, entry: &Entry<'_>, value: &mut Option<String>) {
        let mut text = String::new();
        self.text(entry, &mut text);
        *value = (!text.is_empty()).then_some(text);
    }

    fn wrong(&mut self, entry: &Entry<'_>, wanted: &str, help: Option<String>) {
        let words = format!("`{}` must be {wanted}, and is {}", entry.key, described(&entry.node.to_json()));
        let diagnostic = Diagnostic { help, ..Diagnostic::error(words).at(entry.node.place) };
        self.diagnostics.push(diagnostic);
    }
}

/// Whether a declaration has `sensitive`, rightly written or nearly so.
fn is_meant_to_be_sensitive(node: &Node<'_>) -> bool {
    let nearly = |key: &str| model::rule::nearest(key, ["sensitive"]).is_some();
    node.entries().unwrap_or_default().iter().any(|entry| entry.key != "sensitive" && nearly(&entry.key))
}

fn known_or_declare(name: &str, project: &Project) -> String {
    match project.variables.is_empty() {
        true => format!("declare it as `{name} = {{ type = \"string\" }}` below `[variables]`"),
        false => known_keys(name, project.variables.keys().map(String::as_str)),
    }
}

fn type_of(node: &Node<'_>) -> VariableType {
    let json = node.to_json();
    let found = VariableType::ALL.iter().find(|(_, t)| t.fits(&json));
    found.map_or(VariableType::String, |(_, t)| *t)
}

/// Whether expressions can name it.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn owned(node: &Node<'_>) -> Node<'static> {
    Node::from_json(node.to_json(), node.place)
}
