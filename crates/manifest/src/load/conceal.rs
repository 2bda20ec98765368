//! Diagnostics on lines that hold a secret in clear are marked as being about that secret, so that
//! their frames are not shown.

use std::collections::BTreeMap;
use std::ops::Bound;

use model::rule::nearest;
use model::{Address, Diagnostic, Kind, Place, Sensitivity, SourceId, Sources, kinds};

use super::Load;
use super::component::Component;
use super::document::{Document, is_id};
use super::uses::Use;
use crate::yaml::{Entry, Node, Yaml};

/// What a diagnostic is marked with.
#[derive(Clone)]
enum Mark {
    /// The attribute whose secret it may show.
    Attribute(Address, &'static str),
    /// A component's sensitive input.
    Input,
}

/// Secrets by where their keys begin; where they end.
type Spans = BTreeMap<(SourceId, u32), (u32, Mark)>;

impl Load<'_, '_> {
    /// Marks every diagnostic on a line of a secret; other places on such lines are left out.
    pub(super) fn conceal(&mut self, sources: &Sources) {
        if self.diagnostics.is_empty() {
            return;
        }
        let mut spans = Spans::new();
        for document in &self.documents {
            let secrets: Vec<&'static str> = secrets(document.kind).collect();
            if !secrets.is_empty() {
                collect(document, &secrets, &document.root, &mut spans);
            }
        }
        for used in &self.uses {
            collect_inputs(used, &self.components, &mut spans);
        }
        let conceal = |mut diagnostic: Diagnostic| {
            diagnostic.related.retain(|(place, _)| mark(sources, &spans, *place).is_none());
            match diagnostic.place.and_then(|place| mark(sources, &spans, place)) {
                Some(Mark::Attribute(address, path)) => {
                    // What is secret of a type of its own, its document alone says.
                    let secret = diagnostic.secret || address.kind() == kinds::arm::KIND.name;
                    Diagnostic { address: Some(address), secret, ..diagnostic }.attribute(path)
                }
                Some(Mark::Input) => Diagnostic { secret: true, ..diagnostic },
                None => diagnostic,
            }
        };
        self.diagnostics = std::mem::take(&mut self.diagnostics).into_iter().map(conceal).collect();
    }
}

fn secrets(kind: &'static Kind) -> impl Iterator<Item = &'static str> {
    kind.attributes.iter().filter(|a| a.sensitivity == Sensitivity::Secret).map(|a| a.path)
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn collect(document: &Document<'_>, secrets: &[&'static str], node: &Node<'_>, spans: &mut Spans) {
    match &node.yaml {
        Yaml::Map(entries) => {
            for entry in entries {
                match secret_of(document.kind, secrets, entry) {
                    Some(path) => {
                        insert(entry, Mark::Attribute(address(document), path), spans);
                    }
                    None => collect(document, secrets, &entry.node, spans),
                }
            }
        }
        Yaml::List(list) => list.iter().for_each(|n| collect(document, secrets, n, spans)),
        _ => {}
    }
}

/// What a use hands in as a sensitive input, rightly written or nearly so.
fn collect_inputs(used: &Use<'_>, components: &[Component<'_>], spans: &mut Spans) {
    let Some(component) = used.component.map(|at| &components[at]) else {
        return;
    };
    for entry in used.handed() {
        let names = component.inputs.keys().map(String::as_str);
        let meant = component.inputs.get(entry.key.as_ref());
        let meant = meant.or_else(|| component.inputs.get(nearest(&entry.key, names)?));
        if meant.is_some_and(|declared| declared.sensitive) {
            insert(entry, Mark::Input, spans);
        }
    }
}

fn insert(entry: &Entry<'_>, mark: Mark, spans: &mut Spans) {
    let end = end(&entry.node).max(entry.place.end);
    spans.insert((entry.place.source, entry.place.start), (end, mark));
}

/// The secret that a key means, rightly written or nearly so.
fn secret_of(kind: &Kind, secrets: &[&'static str], entry: &Entry<'_>) -> Option<&'static str> {
    let named = |key: &str| secrets.iter().copied().find(|path| last(path) == key);
    let known = || kind.attributes.iter().flat_map(|a| a.path.split('.'));
    named(&entry.key).or_else(|| match known().any(|k| k == entry.key) {
        true => None,
        false => named(nearest(&entry.key, known())?),
    })
}

/// Where the last of a value ends.
fn end(node: &Node<'_>) -> u32 {
    let below = match &node.yaml {
        Yaml::List(list) => list.iter().map(end).max(),
        Yaml::Map(entries) => entries.iter().map(|e| end(&e.node)).max(),
        _ => None,
    };
    node.place.end.max(below.unwrap_or_default())
}

/// As far as it is known: a diagnostic may be about why there is no address.
fn address(document: &Document<'_>) -> Address {
    let name = document.get("name").and_then(|node| node.text()).filter(|name| is_id(name));
    Address::new(document.kind.name, None, name.unwrap_or("unnamed"), None)
}

fn mark(sources: &Sources, spans: &Spans, place: Place) -> Option<Mark> {
    let text = &*sources.get(place.source).text;
    let floor = |at: u32| (0..=text.len().min(at as usize)).rev().find(|at| text.is_char_boundary(*at));
    let floor = |at: u32| floor(at).unwrap_or_default();
    let from = text[..floor(place.start)].rfind('\n').map_or(0, |at| at + 1);
    let to = floor(place.end.max(place.start));
    let to = text[to..].find('\n').map_or(text.len(), |at| to + at);
    let first = (place.source, 0);
    let until = (place.source, u32::try_from(to).unwrap_or(u32::MAX));
    let before = spans.range((Bound::Included(first), Bound::Included(until))).next_back();
    let spanned = before.filter(|(_, (end, _))| *end as usize >= from).map(|(_, (_, mark))| mark.clone());
    // A document that is no YAML, or has no kind, has no keys yet.
    spanned.or_else(|| in_words(&text[from..to]))
}

/// The secret that a line names, of whatever kind.
fn in_words(line: &str) -> Option<Mark> {
    let mut words = line.match_indices(':').filter_map(|(at, _)| {
        let key = line[..at].trim_end_matches(['"', '\'', ' ']);
        key.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().filter(|word| !word.is_empty())
    });
    words.find_map(|word| {
        let mut all = kinds::KINDS.iter().flat_map(|kind| secrets(kind).map(move |path| (kind.name, path)));
        all.find(|(_, path)| last(path) == word)
            .map(|(kind, path)| Mark::Attribute(Address::new(kind, None, "unnamed", None), path))
    })
}

#[cfg(test)]
mod tests {
    use model::Diagnostics;

    use super::*;
    use crate::inputs::{Inputs, NoFiles};
    use crate::project;

    fn diagnostics(text: &str) -> Diagnostics {
        let mut sources = Sources::default();
        let id = sources.add("plumb.toml", "[project]\nname = \"t\"\n");
        let (project, _) = project::read(&sources.get(id).text, id, None);
        let inputs = Inputs {
            project: &project,
            environment: "",
            variables: Vec::new(),
            subscription: "",
            files: &NoFiles,
        };
        let source = sources.add("m.yaml", text);
        crate::load(&mut sources, &[source], &inputs).diagnostics
    }

    /// A component in `c` with one input that is sensitive.
    struct Sensitive;

    impl crate::Files for Sensitive {
        fn read(&self, _: &str, _: usize) -> Result<Vec<u8>, String> {
            Ok(b"inputs: { password: { type: string, sensitive: true } }".to_vec())
        }

        fn yaml_files(&self, _: &str) -> Result<Vec<String>, String> {
            Ok(vec!["component.yaml".to_owned()])
        }
    }

    #[test]
    fn what_shares_a_line_with_a_sensitive_input_is_secret() {
        for case in
            ["password: [canary]", "pasword: canary", "password: \"${canary}\"", "password: 7, canary: 1"]
        {
            let text = format!("uses: ./c\nname: a\nwith: {{ {case} }}");
            let mut sources = Sources::default();
            let source = sources.add("m.yaml", text.as_str());
            let project = crate::Project::default();
            let variables = Vec::new();
            let inputs =
                Inputs { project: &project, environment: "", variables, subscription: "", files: &Sensitive };
            let on_the_line =
                |d: &&Diagnostic| d.place.is_some_and(|p| p.start as usize >= text.len() - case.len() - 4);
            let all = crate::load(&mut sources, &[source], &inputs).diagnostics.sorted();
            assert!(all.iter().any(|d| on_the_line(&d)), "{case}: {all:?}");
            assert!(all.iter().filter(on_the_line).all(|d| d.secret), "{case}: {all:?}");
            assert!(!all.iter().any(|d| d.summary.contains("text `canary")), "{case}: {all:?}");
        }
    }

    #[test]
    fn what_shares_a_line_with_a_secret_is_about_the_secret() {
        let cases = [
            "kind: cluster\nname: a\nworkspace: w\nssh_settings: { admin_username: [b], admin_password: canary }",
            "kind: cluster\nname: a\nworkspace: w\nssh_settings:\n  admin_pasword: canary",
            "kind: cluster\nname: a\nworkspace: w\nssh_settings:\n  admin_password:\n  - canary",
            "{ kind: cluster, name: 1, admin_password: canary }",
            "kind: setup_script\nname: a\ncontent: '#!'\nargs:\n- { canary: 1 }",
            "kind: cluster\nssh_settings:\n  admin_password: \"canary",
            "kind: clster\nssh_settings: { admin_password: canary, admin_password: canary }",
        ];
        for case in cases {
            let mut concealed = 0;
            for diagnostic in diagnostics(case) {
                let Some(place) = diagnostic.place.filter(|p| p.source == SourceId(1)) else {
                    continue;
                };
                let at = (place.start as usize).min(case.len());
                let from = case[..at].rfind('\n').map_or(0, |at| at + 1);
                if case[from..].lines().next().is_some_and(|line| line.contains("canary")) {
                    let kind = diagnostic.address.as_ref().and_then(|a| kinds::find(a.kind()));
                    let attribute = kind.zip(diagnostic.attribute.as_ref()).and_then(|(k, a)| k.attribute(a));
                    assert_eq!(attribute.map(|a| a.sensitivity), Some(Sensitivity::Secret), "{diagnostic:?}");
                    concealed += 1;
                }
            }
            assert!(concealed > 0, "{case}");
        }
    }
}
