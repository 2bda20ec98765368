//! Setup scripts: their text from a file or a document, and the leaves they become on instances.

use model::accept::{self, described};
use model::rule::Rule;
use model::{Attribute, Diagnostic, Json, Place, Secret, Value};

use super::Load;
use super::draft::{Draft, Leaf};
use super::expression::{Names, missing_words};
use super::index::Missing;
use crate::yaml::{Node, Yaml};

/// An instance that names a setup_script document.
pub(super) struct ScriptUse {
    at: usize,
    /// `setup_scripts.creation_script`.
    role: &'static str,
    name: String,
    /// Whether an input of a component named it.
    handed: bool,
    place: Place,
}

impl ScriptUse {
    /// The instance's draft.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Whether it runs when the instance is created, and never again.
    pub(super) fn is_creation(&self) -> bool {
        self.role == "setup_scripts.creation_script"
    }
}

impl Load<'_, '_> {
    /// The value of `creation_script` or `startup_script`: a name, or az ml's mapping.
    pub(super) fn script(&mut self, at: usize, attribute: &'static Attribute, node: &Node<'_>) {
        if let Yaml::Map(_) = node.yaml {
            return self.script_mapping(at, attribute.path, node);
        }
        let draft = &self.drafts[at];
        let mut names = Names::new(self.ground(), draft.scope);
        names.each = draft.each.as_ref();
        match names.evaluate(node) {
            Ok((Json::String(name), false)) => {
                let handed = node.mentions("inputs");
                let used = ScriptUse { at, role: attribute.path, name, handed, place: node.place };
                self.script_uses.push(used);
            }
            Ok((other, _)) => {
                let words = format!(
                    "`{}` must name a setup_script document, and is {}",
                    attribute.path,
                    described(&other)
                );
                let help = "write a document's name, or `{ path: …, command: …, timeout_minutes: … }`";
                self.report(at, Diagnostic::error(words).help(help).at(node.place), attribute.path);
            }
            Err((words, place)) => {
                if !words.is_empty() {
                    self.report(at, Diagnostic::error(words).at(place), attribute.path);
                }
            }
        }
    }

    /// az ml's form: a script on the workspace's file share (az ml facts §3).
    fn script_mapping(&mut self, at: usize, role: &'static str, node: &Node<'_>) {
        const KEYS: [&str; 3] = ["path", "command", "timeout_minutes"];
        let kind = self.drafts[at].kind;
        for entry in node.entries().unwrap_or_default() {
            let path = format!("{role}.{}", entry.key);
            match kind.attribute(&path).filter(|_| KEYS.contains(&entry.key.as_ref())) {
                Some(attribute) => self.leaf(at, attribute, &entry.node, true),
                None => {
                    let words = format!("`{role}` has no key `{}`", entry.key);
                    let help = accept::known_keys(&entry.key, KEYS);
                    self.report(at, Diagnostic::error(words).help(help).at(entry.place), role);
                }
            }
        }
        if node.entry("path").is_none() {
            let help = "give the script's path on the workspace's file share, or the name of a setup_script document";
            self.report(
                at,
                Diagnostic::error(format!("`{role}` needs `path`")).help(help).at(node.place),
                role,
            );
        }
        self.set(at, &format!("{role}.source"), Value::Known(Json::from("workspaceStorage")));
    }

    /// Sets a derived attribute.
    pub(super) fn set(&mut self, at: usize, path: &str, value: Value) {
        if let Some(attribute) = self.drafts[at].kind.attribute(path) {
            self.drafts[at].leaves.insert(attribute.path, Leaf::Value(value));
        }
    }

    /// Reads every script, then hands its parts to the instances that name it.
    pub(super) fn scripts(&mut self) {
        for at in 0..self.drafts.len() {
            if self.drafts[at].kind.name == "setup_script" && self.drafts[at].home.is_some() {
                let before = self.diagnostics.len();
                self.read_script(at);
                self.used_here(before, self.drafts[at].scope);
            }
        }
        for used in std::mem::take(&mut self.script_uses) {
            let before = self.diagnostics.len();
            self.hand_on(&used);
            self.used_here(before, self.drafts[used.at].scope);
        }
    }

    fn read_script(&mut self, at: usize) {
        let on_share = self.is_on_share(at);
        let draft = &self.drafts[at];
        let given = |path: &str| draft.leaves.contains_key(path);
        let (file, content, stands) = (given("file"), given("content"), on_share && given("path"));
        if (file && content) || !(file || content || stands) {
            let words = match (file, on_share) {
                (true, _) => "a setup script takes `file` or `content`, not both",
                (false, false) => "a setup script needs `file` or `content`",
                (false, true) => "a setup script on the share needs `file`, `content` or `path`",
            };
            let place = draft.place_of("content").unwrap_or(draft.name_place);
            let help = "name a file below the project, or write the text below `content: |`";
            return self.report(at, Diagnostic::error(words).help(help).at(place), "content");
        }
        if file {
            self.read_file(at);
        }
        if on_share {
            self.path_on_share(at);
        }
        self.join_args(at);
        let script = self.drafts[at].known_text("content").map(|t| t.starts_with("#!"));
        if script == Some(false) {
            let draft = &self.drafts[at];
            let place = draft.place_of("content").unwrap_or(draft.name_place);
            let help = "begin it with `#!/bin/bash`, so that it does not depend on the default shell";
            let diagnostic =
                Diagnostic::warning("the script's first line names no interpreter").help(help).at(place);
            self.report(at, diagnostic, "content");
        }
    }

    fn read_file(&mut self, at: usize) {
        let draft = &self.drafts[at];
        let place = draft.place_of("file").unwrap_or(draft.name_place);
        let Some(path) = draft.known_text("file").map(str::to_owned) else {
            if !matches!(draft.leaves.get("file"), Some(Leaf::Broken)) {
                let words = "`file` must be known before anything is made, and no secret";
                self.report(at, Diagnostic::error(words).help("write the path out").at(place), "file");
            }
            return;
        };
        let (path, read) = self.read_beside(draft.scope, &path, bytes_max(draft));
        let text = read.and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| "is not UTF-8 text; save it as UTF-8".to_owned())
        });
        match text {
            Ok(text) => {
                self.drafts[at].stands("content", place);
                self.set(at, "content", Value::Known(Json::from(text)));
            }
            Err(words) => {
                let words = format!("the script `{}` {words}", path.escape_debug());
                let help = "a script is a regular file below the project, of at most 64 KiB";
                self.report(at, Diagnostic::error(words).help(help).at(place), "file");
            }
        }
    }

    /// Arguments as one string, each quoted for the shell.
    fn join_args(&mut self, at: usize) {
        let draft = &self.drafts[at];
        let Some(attribute) = draft.kind.attribute("args") else {
            return;
        };
        match draft.leaves.get("args") {
            Some(Leaf::Value(Value::Secret(secret))) => {
                let list = accept::reveal(attribute, secret);
                let quoted: Vec<String> =
                    list.as_array().into_iter().flatten().filter_map(Json::as_str).map(quoted).collect();
                self.set(at, "args", Value::Secret(Secret::new(quoted.join(" "))));
            }
            Some(Leaf::Value(Value::Deferred(_))) => {
                let place = draft.place_of("args").unwrap_or(draft.name_place);
                let words = "the arguments of a script must be known before anything is made";
                let help = "look the value up inside the script, with the instance's own identity";
                self.report(at, Diagnostic::error(words).help(help).at(place), "args");
            }
            _ => {}
        }
    }

    fn hand_on(&mut self, used: &ScriptUse) {
        let whose = (self.drafts[used.at].scope, used.handed);
        let found = self.index.find_handed(&self.drafts, whose, "setup_script", &used.name, None);
        let script = match found {
            Ok(script) => script,
            Err(Missing::Reported) => return,
            Err(missing) => {
                let words = missing_words(&missing, "setup_script", std::slice::from_ref(&used.name));
                let help =
                    "write such a document, or `{ path: … }` for a script on the workspace's file share";
                let diagnostic = missing.related(Diagnostic::error(words).help(help).at(used.place));
                return self.report(used.at, diagnostic, used.role);
            }
        };
        let Some(address) = self.drafts[script].address().cloned() else {
            return;
        };
        self.drafts[used.at].depend(&address, used.place);
        let name = self.drafts[script].name.clone();
        self.set(used.at, &format!("{}.script", used.role), Value::Known(Json::from(name)));
        let on_share = self.is_on_share(script);
        let source = if on_share { "workspaceStorage" } else { "inline" };
        self.set(used.at, &format!("{}.source", used.role), Value::Known(Json::from(source)));
        if on_share {
            self.hand_file(used, script);
            let path = self.drafts[used.at].kind.attribute(&format!("{}.path", used.role)).map(|a| a.path);
            path.into_iter().for_each(|path| self.drafts[used.at].stands(path, used.place));
        }
        let text = if on_share { ("path", "path") } else { ("content", "content") };
        for (from, to) in [text, ("args", "command"), ("timeout", "timeout_minutes")] {
            if let Some(Leaf::Value(value)) = self.drafts[script].leaves.get(from) {
                let value = value.clone();
                self.set(used.at, &format!("{}.{to}", used.role), value);
            }
        }
    }
}

/// The most bytes of a script, as its table has it.
fn bytes_max(draft: &Draft) -> usize {
    let rules = draft.kind.attribute("content").map_or(&[][..], |a| a.rules);
    rules
        .iter()
        .find_map(|r| if let Rule::Length(_, most) = r { Some(*most) } else { None })
        .unwrap_or_default()
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        assert_eq!(quoted("numpy>=1"), "'numpy>=1'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a-b_c.d"), "a-b_c.d");
    }
}
