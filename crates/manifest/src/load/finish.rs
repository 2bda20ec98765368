//! From drafts to resources: what needs more than one attribute or more than one document.

use std::collections::BTreeSet;

use model::schema::Need;
use model::{Address, Adopt, Attributes, Diagnostic, Json, Lifecycle, Resource, Sources, Value, accept};

use super::Load;
use super::attributes::below;
use super::draft::{Draft, Leaf};

impl Load<'_, '_> {
    /// Every resource, ordered by address.
    pub(super) fn finish(&mut self, sources: &Sources) -> Vec<Resource> {
        self.scripts();
        for at in 0..self.drafts.len() {
            let before = self.diagnostics.len();
            let placed = self.drafts[at].home.is_some();
            if placed {
                self.subnet(at);
            }
            if self.drafts[at].named && !self.drafts[at].existing {
                self.strangers(at);
                self.needs_of(at);
            }
            if !self.drafts[at].existing {
                self.rules(at);
                self.checks(at);
                self.identities(at);
            }
            if placed {
                self.adopts(at);
            }
            self.used_here(before, self.drafts[at].scope);
        }
        self.edges();
        self.keys_of_moves();
        self.moves_of_uses();
        let mut resources = Vec::with_capacity(self.drafts.len());
        let addresses: Vec<Option<Address>> = self.drafts.iter().map(|d| d.address().cloned()).collect();
        for draft in std::mem::take(&mut self.drafts) {
            let document = &self.documents[draft.document];
            let name = &sources.get(document.root.place.source).name;
            let source = format!("{name}:{}", document.line);
            resources.extend(self.resource(draft, source, &addresses));
        }
        resources.sort_by(|a, b| a.address.cmp(&b.address));
        resources
    }

    fn resource(&self, draft: Draft, source: String, addresses: &[Option<Address>]) -> Option<Resource> {
        let document = &self.documents[draft.document];
        let address = draft.address()?.clone();
        let implied_by = draft.implied_by.and_then(|at| addresses[at].clone());
        let own = implied_by.is_none();
        let known = |(path, leaf)| match leaf {
            Leaf::Value(value) => Some((path, value)),
            _ => None,
        };
        let moved_from = if own { self.moved_from(&draft, &address) } else { Vec::new() };
        // What a workspace brings along is taken over with it, under the names that follow.
        let lifecycle = match own {
            true => document.lifecycle.clone(),
            // A workspace that stays needs what it brought along.
            false => Lifecycle { retain: document.lifecycle.retain, ..Lifecycle::default() },
        };
        let arm_id = draft.home.and_then(|home| home.arm_id);
        let adopt = document.adopt.clone().filter(|_| own || document.adopt == Some(Adopt::Named));
        Some(Resource {
            address,
            kind: draft.kind,
            name: arm_id.as_ref().map_or(draft.name, |id| id.name().to_owned()),
            arm_id,
            attributes: draft.leaves.into_iter().filter_map(known).collect(),
            dependencies: draft.dependencies,
            lifecycle: Lifecycle { triggers: draft.triggers, ..lifecycle },
            create_first: None,
            moved_from,
            adopt,
            implied_by,
            existing: draft.existing,
            place: draft.name_place,
            source,
            places: draft.places,
        })
    }

    /// A bare subnet name and `vnet_name` mean a subnet in the workspace's group (az ml facts §1).
    fn subnet(&mut self, at: usize) {
        const SUBNET: &str = "network_settings.subnet";
        let draft = &self.drafts[at];
        let Some(name) = draft.known_text(SUBNET).filter(|t| !t.starts_with('/')).map(str::to_owned) else {
            return;
        };
        let place = draft.place_of(SUBNET).unwrap_or(draft.name_place);
        let network = draft.known_text("network_settings.vnet_name").map(str::to_owned);
        let group = draft.arm_id().and_then(|id| id.parent()).and_then(|workspace| workspace.parent());
        let (Some(network), Some(group)) = (network, group) else {
            let words =
                format!("the subnet `{name}` is no ARM id, and `vnet_name` does not say whose subnet it is");
            let help = "write `network_settings: { vnet_name: …, subnet: … }`, or the subnet's full ARM id";
            self.drafts[at].leaves.insert(SUBNET, Leaf::Broken);
            return self.report(at, Diagnostic::error(words).help(help).at(place), SUBNET);
        };
        let id = group.in_group("Microsoft.Network/virtualNetworks", &network).child("subnets", &name);
        self.drafts[at].leaves.insert(SUBNET, Leaf::Value(Value::Known(Json::from(id.as_str()))));
    }

    /// Attributes of another member of the union.
    fn strangers(&mut self, at: usize) {
        let draft = &self.drafts[at];
        let given = draft.leaves.keys().filter_map(|path| draft.kind.attribute(path));
        let strangers: Vec<_> = given.filter(|a| !draft.takes(a)).collect();
        for attribute in strangers {
            let (sibling, word) = attribute.when.unwrap_or_default();
            let draft = &self.drafts[at];
            let words = format!("`{}` belongs to `{sibling}: {word}` only", attribute.path);
            let help = format!("remove it, or write `{sibling}: {word}`");
            let place = draft.place_of(attribute.path).unwrap_or(draft.name_place);
            self.report(at, Diagnostic::error(words).help(help).at(place), attribute.path);
        }
    }

    /// Attributes that must be given.
    fn needs_of(&mut self, at: usize) {
        let draft = &self.drafts[at];
        if draft.implied_by.is_some() {
            return;
        }
        let missing: Vec<_> = draft
            .kind
            .attributes
            .iter()
            .filter(|a| !draft.leaves.contains_key(a.path) && draft.takes(a))
            .filter(|a| draft.home.is_some() || draft.kind.placed_by() != Some(a.path))
            .filter(|a| match a.need {
                Need::Optional => false,
                Need::Required => true,
                Need::WithGroup => {
                    a.group().is_some_and(|group| draft.places.iter().any(|(path, _)| below(path, group)))
                }
            })
            .collect();
        for attribute in missing {
            let draft = &self.drafts[at];
            let words = format!("the {} `{}` needs `{}`", draft.kind.name, draft.name, attribute.path);
            let sibling = attribute.group().and_then(|group| {
                draft.places.iter().find(|(path, _)| below(path, group)).map(|(_, place)| *place)
            });
            let place = sibling.unwrap_or(draft.name_place);
            self.report(at, Diagnostic::error(words).help(attribute.doc).at(place), attribute.path);
        }
    }

    /// Rules over one value.
    fn rules(&mut self, at: usize) {
        let draft = &self.drafts[at];
        let mut broken: Vec<(&'static str, String)> = Vec::new();
        for (path, leaf) in &draft.leaves {
            // What plumb filled in itself keeps the rules.
            let Some(attribute) = draft.kind.attribute(path).filter(|a| !a.rules.is_empty() && !a.derived)
            else {
                continue;
            };
            match leaf {
                Leaf::Value(Value::Known(json)) => {
                    broken.extend(accept::rules(attribute, json).map(|words| (*path, words)));
                }
                Leaf::Value(Value::Secret(secret)) => {
                    let wrong = accept::rules(attribute, &accept::reveal(attribute, secret)).is_some();
                    let words = || format!("`{path}` has a secret value of the wrong form");
                    broken.extend(wrong.then(|| (*path, words())));
                }
                _ => {}
            }
        }
        for (path, words) in broken {
            let draft = &self.drafts[at];
            let place = draft.place_of(path).unwrap_or(draft.name_place);
            self.report(at, Diagnostic::error(words).at(place), path);
        }
    }

    /// Rules over several values.
    fn checks(&mut self, at: usize) {
        let draft = &self.drafts[at];
        if draft.kind.checks.is_empty() {
            return;
        }
        // No check reads a text but the location.
        let read = |path: &str, json: &Json| !json.is_string() || path == "location";
        let known: Attributes = draft
            .leaves
            .iter()
            .filter_map(|(path, leaf)| match leaf {
                Leaf::Value(Value::Known(json)) if read(path, json) => Some((*path, json.clone())),
                _ => None,
            })
            .collect();
        let given: BTreeSet<&str> = draft.leaves.keys().copied().collect();
        let parent = draft.home.as_ref().and_then(|h| h.parent);
        let location = parent.and_then(|p| self.drafts[p].known_text("location"));
        let broken: Vec<_> =
            draft.kind.checks.iter().filter_map(|check| check.broken(&known, &given, location)).collect();
        for found in broken {
            let draft = &self.drafts[at];
            let place = draft.place_of(found.attribute).unwrap_or(draft.name_place);
            let diagnostic = match found.warning {
                true => Diagnostic::warning(found.words),
                false => Diagnostic::error(found.words),
            };
            self.report(at, diagnostic.at(place), found.attribute);
        }
    }

    /// Identities are given if and only if the type says so.
    fn identities(&mut self, at: usize) {
        const TYPE: &str = "identity.type";
        const LIST: &str = "identity.user_assigned_identities";
        let draft = &self.drafts[at];
        let Some(wanted) = draft.known_text(TYPE).map(|word| word.contains("user_assigned")) else {
            return;
        };
        let given = match draft.leaves.get(LIST) {
            None => false,
            Some(Leaf::Value(Value::Known(json))) => json.as_array().is_none_or(|list| !list.is_empty()),
            Some(_) => true,
        };
        let (path, words) = match (wanted, given) {
            (true, false) => (TYPE, format!("`{TYPE}` has `user_assigned`, and no identity is given")),
            (false, true) => (LIST, format!("`{LIST}` is given, and `{TYPE}` has no `user_assigned`")),
            _ => return,
        };
        let help = "write `user_assigned` in the type and name the identities below `user_assigned_identities`, or neither";
        let place = draft.place_of(path).unwrap_or(draft.name_place);
        self.report(at, Diagnostic::error(words).help(help).at(place), path);
    }

    /// An id to adopt is the one that follows from the document's names.
    fn adopts(&mut self, at: usize) {
        let draft = &self.drafts[at];
        let document = &self.documents[draft.document];
        if let (Some(node), true) = (document.get("adopt"), draft.existing) {
            let words = "`existing` leaves a resource to others, and `adopt` takes it over: it can only be one of them";
            let diagnostic = Diagnostic::error(words).help("remove one of them").at(node.place);
            return self.report(at, diagnostic, "adopt");
        }
        let (Some(Adopt::Id(id)), None) = (&document.adopt, draft.implied_by) else {
            return;
        };
        let Some(own) = draft.arm_id().filter(|own| own.folded() != id.folded()) else {
            return;
        };
        let words = format!("`adopt` is `{id}`, and this document describes `{own}`");
        let help = "give the document the names of what it takes over, or write `adopt: true`";
        let place = document.get("adopt").map_or(draft.name_place, |node| node.place);
        self.report(at, Diagnostic::error(words).help(help).at(place), "adopt");
    }
}
