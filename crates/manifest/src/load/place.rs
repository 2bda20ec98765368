//! Where each draft lies: its subscription, group or workspace, and so its address and ARM id.
//!
//! Groups come first, then what lies in groups, then what lies in those, and at last what lies on any of them, so
//! that each finds its place known.

use std::collections::BTreeSet;

use model::accept::described;
use model::rule::Rule;
use model::schema::Need;
use model::{Address, ArmId, Diagnostic, Json, Naming, Place, Placement, Under, kinds};
use uuid::Uuid;

use super::Load;
use super::draft::Home;
use super::expression::{Names, Resources, missing_words};
use super::index::Missing;

/// A parent, as a document names it.
struct Parent {
    arm_id: ArmId,
    draft: Option<usize>,
    place: Place,
}

impl Load<'_, '_> {
    /// Gives every draft its home; drafts without one have been reported.
    pub(super) fn place(&mut self) {
        let depths: Vec<usize> = self.drafts.iter().map(|draft| kinds::depth(draft.kind)).collect();
        for turn in depths.iter().copied().collect::<BTreeSet<_>>() {
            for (at, depth) in depths.iter().enumerate() {
                if self.drafts[at].named && *depth == turn {
                    let before = self.diagnostics.len();
                    self.drafts[at].home = self.home(at);
                    self.used_here(before, self.drafts[at].scope);
                    if let Some(id) = self.drafts[at].arm_id() {
                        self.index.arm.entry(id.folded()).or_insert(at);
                    }
                }
            }
        }
    }

    fn home(&mut self, at: usize) -> Option<Home> {
        let kind = self.drafts[at].kind;
        let (arm_id, parent) = match kind.placement {
            Placement::Local => (None, None),
            Placement::Group { .. } => {
                let subscription = self.subscription(at)?;
                (Some(ArmId::group(&subscription, &self.drafts[at].name)), None)
            }
            Placement::InGroup { resource_type, .. } => {
                let group = self.parent(at, "resource_group")?;
                (Some(group.arm_id.in_group(resource_type, &self.drafts[at].name)), Some(group))
            }
            Placement::InParent { parent, collection, .. } => {
                let parent = self.parent(at, parent)?;
                (Some(parent.arm_id.child(collection, &self.drafts[at].name)), Some(parent))
            }
            Placement::Typed { resource_type, under, .. } => {
                let above = match under {
                    Under::Group => self.parent(at, "resource_group")?,
                    Under::Parent => self.holder(at, resource_type)?,
                    Under::Scope => self.scope(at, "scope")?,
                };
                let (name, last) =
                    (&self.drafts[at].name, resource_type.rsplit('/').next().unwrap_or_default());
                let arm_id = match under {
                    Under::Parent => above.arm_id.child(last, name),
                    Under::Group | Under::Scope => above.arm_id.in_group(resource_type, name),
                };
                (Some(arm_id), Some(above))
            }
            Placement::OnScope { resource_type, naming, .. } => {
                let scope = self.scope(at, "scope")?;
                let name = match naming {
                    Naming::Own => self.drafts[at].name.clone(),
                    Naming::Guid => guid(&scope.arm_id, &self.drafts[at].name),
                };
                (Some(scope.arm_id.in_group(resource_type, &name)), Some(scope))
            }
        };
        let nested = parent.as_ref().filter(|_| kind.parent().is_some());
        let above =
            nested.map(|p| p.draft.map_or(p.arm_id.name(), |d| self.drafts[d].as_parent()).to_owned());
        let draft = &self.drafts[at];
        let key = draft.each.as_ref().map(|e| e.text.as_str());
        let uses = &self.scopes.get(draft.scope).prefix;
        let address = Address::inside(uses, kind.name, above.as_deref(), &draft.id, key);
        if let Some((draft, place)) = parent.as_ref().and_then(|p| Some((p.draft?, p.place))) {
            let address = self.drafts[draft].address()?.clone();
            self.drafts[at].depend(&address, place);
        }
        Some(Home { address, arm_id, parent: parent.and_then(|p| p.draft) })
    }

    fn fail(&mut self, words: impl Into<String>, help: &str, place: Place) {
        self.diagnostics.push(Diagnostic::error(words).help(help).at(place));
    }

    fn subscription(&mut self, at: usize) -> Option<String> {
        let given = match self.placing_text(at, "subscription") {
            Some(given) => given?.0,
            None => self.inputs.subscription.to_owned(),
        };
        if given.is_empty() {
            let help = "set `subscription` below `[cloud]` in plumb.toml, or on the resource_group document";
            self.fail("no subscription is known", help, self.drafts[at].name_place);
            return None;
        }
        Some(given)
    }

    /// What a resource of a nested type lies in, which is of the type above.
    fn holder(&mut self, at: usize, resource_type: &str) -> Option<Parent> {
        let holder = self.scope(at, "parent")?;
        let wanted = resource_type.rsplit_once('/').map_or("", |(above, _)| above);
        if holder.arm_id.resource_type().eq_ignore_ascii_case(wanted) {
            return Some(holder);
        }
        let words = format!("`{}` does not lie in `{}`", resource_type, holder.arm_id);
        self.fail(words, &format!("its parent must be of the type `{wanted}`"), holder.place);
        None
    }

    /// What an extension resource lies on, as `key` says: or the project's subscription where its kind needs none.
    fn scope(&mut self, at: usize, key: &'static str) -> Option<Parent> {
        let Some(given) = self.placing_text(at, key) else {
            if self.drafts[at].kind.attribute(key).is_some_and(|a| a.need == Need::Required) {
                self.needs(at, key);
                return None;
            }
            let place = self.drafts[at].name_place;
            let subscription = self.subscription(at)?;
            let arm_id = ArmId::parse(&format!("/subscriptions/{subscription}"))?;
            return Some(Parent { arm_id, draft: None, place });
        };
        let Some((text, place)) = given else {
            if !self.diagnostics.has_errors() {
                let help = "write the full ARM id of what it lies on";
                self.fail(
                    format!("`{key}` names something whose own place is not known yet"),
                    help,
                    self.drafts[at].name_place,
                );
            }
            return None;
        };
        let Some(arm_id) = ArmId::parse(&text) else {
            let help = "write `${workspace[\"NAME\"].id}`, for a resource that has a document, or a full ARM id: `/subscriptions/…`";
            self.fail(format!("`{key}` must be the ARM id of what it lies on, and is `{text}`"), help, place);
            return None;
        };
        let draft = self.index.arm.get(&arm_id.folded()).copied();
        Some(Parent { arm_id, draft, place })
    }

    /// The parent that the attribute called `kind` names.
    fn parent(&mut self, at: usize, kind: &'static str) -> Option<Parent> {
        let document = &self.documents[self.drafts[at].document];
        let own = document.workspace.clone().map(|name| (name, document.place()));
        let handed = document.get(kind).is_some_and(|node| node.mentions("inputs"));
        let (text, place) = match self.placing_text(at, kind) {
            Some(given) => given?,
            None => match own.filter(|_| kind == "workspace") {
                Some(own) => own,
                None => {
                    self.needs(at, kind);
                    return None;
                }
            },
        };
        if text.starts_with('/') {
            return self.parent_by_id(kind, &text, place);
        }
        let scope = self.drafts[at].scope;
        match self.index.find_handed(&self.drafts, (scope, handed), kind, &text, None) {
            Ok(found) => {
                // A parent without a home has been reported.
                let arm_id = self.drafts[found].arm_id()?.clone();
                Some(Parent { arm_id, draft: Some(found), place })
            }
            Err(Missing::Unknown(_) | Missing::LeftOut(_)) if kind == "resource_group" => {
                self.standing_group(&text, place)
            }
            Err(Missing::Reported) => None,
            Err(missing) => {
                let words = missing_words(&missing, kind, &[text]);
                let help = "write such a document, or the full ARM id of one that stands already";
                self.diagnostics.push(missing.related(Diagnostic::error(words).help(help).at(place)));
                None
            }
        }
    }

    fn needs(&mut self, at: usize, kind: &'static str) {
        let draft = &self.drafts[at];
        let document = &self.documents[draft.document];
        if document.az_ml && kind == "workspace" {
            return; // said when the header was read
        }
        let near = document.root.entries().into_iter().flatten().find(|e| {
            self.tables.slot(draft.kind, &e.key).is_none() && model::rule::nearest(&e.key, [kind]).is_some()
        });
        if near.is_some() {
            return; // the unknown key is said with "did you mean"
        }
        let words = format!("the {} `{}` needs `{kind}`", draft.kind.name, draft.name);
        let place = draft.name_place;
        let doc = draft.kind.attribute(kind).map_or("", |a| a.doc);
        self.fail(words, doc, place);
    }

    fn parent_by_id(&mut self, kind: &str, text: &str, place: Place) -> Option<Parent> {
        let wanted = kinds::find(kind).and_then(kinds::type_of).unwrap_or_default();
        match ArmId::parse(text).filter(|id| id.resource_type().eq_ignore_ascii_case(&wanted)) {
            Some(arm_id) => {
                let draft = self.index.arm.get(&arm_id.folded()).copied();
                Some(Parent { arm_id, draft, place })
            }
            None => {
                self.fail(
                    format!("`{text}` is no ARM id of a {kind}"),
                    &format!("its type must be `{wanted}`"),
                    place,
                );
                None
            }
        }
    }

    fn standing_group(&mut self, name: &str, place: Place) -> Option<Parent> {
        if self.inputs.subscription.is_empty() {
            let help = "set `subscription` below `[cloud]` in plumb.toml, or write a resource_group document";
            self.fail("no subscription is known", help, place);
            return None;
        }
        let rules = kinds::find("resource_group").map_or(&[][..], |k| k.name_rules);
        if let Some(words) = rules.iter().find_map(|r| r.violation(&Json::from(name))) {
            self.fail(
                format!("the name `{}` of the resource group {words}", name.escape_debug()),
                "write the group's name or ARM id",
                place,
            );
            return None;
        }
        Some(Parent { arm_id: ArmId::group(self.inputs.subscription, name), draft: None, place })
    }

    /// The text of an attribute that says where a draft lies. The outer `None`: not given; the inner
    /// one: wrong, and reported.
    fn placing_text(&mut self, at: usize, path: &'static str) -> Option<Option<(String, Place)>> {
        let draft = &self.drafts[at];
        let node = self.documents[draft.document].get(path)?;
        let mut names = Names::new(self.ground(), draft.scope);
        names.each = draft.each.as_ref();
        names.self_name = Some(&draft.name);
        names.resources = Some(Resources { drafts: &self.drafts, index: &self.index, own: Some(at) });
        let place = node.place;
        let words = match names.evaluate(node) {
            Ok((Json::String(text), false)) if !text.is_empty() => return Some(Some((text, place))),
            Ok((_, true)) => format!("`{path}` cannot come from a secret"),
            Ok((other, false)) => {
                format!("`{path}` must be a name or an ARM id, and is {}", described(&other))
            }
            Err((words, place)) => {
                if !words.is_empty() {
                    self.diagnostics.push(Diagnostic::error(words).at(place));
                }
                return Some(None);
            }
        };
        self.diagnostics.push(Diagnostic::error(words).at(place));
        Some(None)
    }

    /// No two drafts have one address or one ARM id; the computes of a workspace share their names.
    pub(super) fn unique(&mut self) {
        let mut addresses = std::collections::HashMap::new();
        for at in 0..self.drafts.len() {
            let Some(home) = &self.drafts[at].home else {
                continue;
            };
            let twice = addresses.insert(home.address.clone(), at);
            let folded = home.arm_id.as_ref().map(ArmId::folded);
            let taken = folded.and_then(|id| self.index.arm.get(&id).copied()).filter(|first| *first != at);
            if let Some(first) = twice {
                let words = format!("two documents have the address {}", home.address);
                self.clash(first, at, words, "give one of them another name, or an `id` of its own");
            } else if let Some(first) = taken {
                let words = format!("two documents describe the same resource, `{}`", self.drafts[at].name);
                let help = match self.drafts[at].kind.parent() {
                    Some(_) => "computes of one workspace share their names, without regard to case",
                    None => {
                        "names of Azure resources do not differ by case; remove one, or give it another name"
                    }
                };
                self.clash(first, at, words, help);
            }
        }
    }

    fn clash(&mut self, first: usize, second: usize, words: String, help: &str) {
        let diagnostic = Diagnostic::error(words)
            .help(help)
            .label("again here")
            .at(self.drafts[second].name_place)
            .related(self.drafts[first].name_place, "first here");
        self.diagnostics.push(diagnostic);
    }
}

/// The GUID of what ARM names by one: the name if it is one, else one that the same scope and name always get.
fn guid(scope: &ArmId, name: &str) -> String {
    match Rule::Guid.violation(&Json::from(name)) {
        None => name.to_owned(),
        Some(_) => {
            let whole = format!("{}/{name}", scope.folded());
            Uuid::new_v5(&Uuid::NAMESPACE_URL, whole.as_bytes()).to_string()
        }
    }
}
