//! What az ml's workspace YAML has inside or leaves unsaid: its outbound rules, each of which becomes a document of
//! its own, and which kind of workspace it is.

use std::borrow::Cow;

use model::{Diagnostic, Diagnostics};

use super::document;
use crate::yaml::{Entry, Node, Yaml};

/// Where the list stands.
const NETWORK: &str = "managed_network";
const RULES: &str = "outbound_rules";

/// Takes the list of rules out of a workspace's document, and makes a document of each.
pub(super) fn outbound_rules<'t>(root: &mut Node<'t>, diagnostics: &mut Diagnostics) -> Vec<Node<'t>> {
    let Some(list) = take(root) else { return Vec::new() };
    let mut complain = |words: &str, help: &str, node: &Node<'_>| {
        diagnostics.push(Diagnostic::error(words).help(help).at(node.place));
    };
    let Yaml::List(rules) = list.yaml else {
        let help =
            "write `- name: …`, `type: …` and `destination: …` for each, or `kind: outbound_rule` documents";
        complain("`managed_network.outbound_rules` must be a list of rules", help, &list);
        return Vec::new();
    };
    if root.entry("for_each").is_some() {
        let help = "write `kind: outbound_rule` documents with the same `for_each`";
        let at = rules.first().unwrap_or(root);
        complain("outbound rules inside a workspace with `for_each` are not supported", help, at);
        return Vec::new();
    }
    // In az ml's own documents `id` is what the service answered.
    let id = root.entry("id").filter(|_| root.entry("kind").is_some());
    let home = id.or_else(|| root.entry("name")).cloned();
    let when = root.entry("when").cloned();
    let mut documents = Vec::new();
    for mut rule in rules {
        let Yaml::Map(entries) = &mut rule.yaml else {
            complain(
                "an outbound rule must be a mapping",
                "write `name: …`, `type: …` and `destination: …`",
                &rule,
            );
            continue;
        };
        let kind = Yaml::Text { text: Cow::Borrowed("outbound_rule"), plain: false };
        entries.push(Entry {
            key: Cow::Borrowed("kind"),
            place: rule.place,
            node: Node { place: rule.place, yaml: kind },
        });
        entries.extend(home.clone().map(|home| Entry { key: Cow::Borrowed("workspace"), ..home }));
        entries.extend(when.clone());
        documents.push(rule);
    }
    documents
}

/// Says in a document of az ml's what its `$schema` says: that the workspace is a hub or a project.
pub(super) fn workspace_kind(root: &mut Node<'_>) {
    const KEY: &str = "workspace_kind";
    let word = document::az_ml_workspace(root).filter(|word| *word != "default");
    let unsaid = root.entry("kind").is_none() && root.entry(KEY).is_none();
    let place = root.place;
    if let (Some(word), true, Yaml::Map(entries)) = (word, unsaid, &mut root.yaml) {
        let yaml = Yaml::Text { text: Cow::Borrowed(word), plain: false };
        entries.push(Entry { key: Cow::Borrowed(KEY), place, node: Node { place, yaml } });
    }
}

/// Removes the list from the document; only a workspace's is one.
fn take<'t>(root: &mut Node<'t>) -> Option<Node<'t>> {
    let Yaml::Map(entries) = &mut root.yaml else { return None };
    let network = entries.iter_mut().find(|e| e.key == NETWORK)?;
    let Yaml::Map(below) = &mut network.node.yaml else { return None };
    let at = below.iter().position(|e| e.key == RULES)?;
    Some(below.remove(at).node)
}
