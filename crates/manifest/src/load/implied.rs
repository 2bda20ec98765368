//! What a workspace needs and its document does not name: `az ml` makes a storage account, a key
//! vault and an Application Insights component along with it, and so does plumb.

use model::{Address, ArmId, Json, Kind, Value, kinds};
use uuid::Uuid;

use super::Load;
use super::draft::{Draft, Home, Leaf};
use super::expression::Names;

/// A name from the workspace's own letters and its hash.
type Naming = fn(&str, &str) -> String;

/// The workspace's attribute, which is also the kind; what its id ends in; how its name is made.
const IMPLIED: [(&str, &str, Naming); 3] = [
    ("storage_account", "storage", |stem, hash| format!("{stem}st{hash}")),
    ("key_vault", "vault", |stem, hash| format!("kv{stem}{hash}")),
    ("application_insights", "insights", |stem, hash| format!("{stem}insights{hash}")),
];

impl Load<'_, '_> {
    /// Adds what workspaces imply, then makes sure that nothing is described twice.
    pub(super) fn imply(&mut self) {
        for at in 0..self.drafts.len() {
            let draft = &self.drafts[at];
            if draft.kind.name != "workspace"
                || draft.home.is_none()
                || draft.existing
                || !self.brings_its_own(at)
            {
                continue;
            }
            for (attribute, tail, name) in IMPLIED {
                let document = &self.documents[self.drafts[at].document];
                if document.get(attribute).is_none() {
                    self.imply_one(at, attribute, tail, name);
                }
            }
        }
        self.unique();
    }

    /// A project uses its hub's resources, and a feature store is made otherwise.
    fn brings_its_own(&self, at: usize) -> bool {
        let draft = &self.drafts[at];
        let Some(node) = self.documents[draft.document].get("workspace_kind") else {
            return true;
        };
        let mut names = Names::new(self.ground(), draft.scope);
        names.each = draft.each.as_ref();
        match names.evaluate(node) {
            Ok((Json::String(word), _)) => ["default", "hub"].iter().any(|w| w.eq_ignore_ascii_case(&word)),
            _ => true,
        }
    }

    fn imply_one(&mut self, at: usize, attribute: &str, tail: &str, name: Naming) {
        let (Some(kind), Some(home)) = (kinds::find(attribute), &self.drafts[at].home) else {
            return;
        };
        let Some(workspace_id) = home.arm_id.clone() else {
            return;
        };
        let group = home.parent;
        let draft = self.implied(at, kind, &workspace_id, tail, name);
        let (address, arm_id) = match &draft.home {
            Some(Home { address, arm_id: Some(id), .. }) => (address.clone(), id.clone()),
            _ => return,
        };
        let new = self.drafts.len();
        self.index.add(new, &draft);
        self.index.arm.entry(arm_id.folded()).or_insert(new);
        self.drafts.push(draft);
        let place = self.drafts[at].name_place;
        self.drafts[at].depend(&address, place);
        if let Some(group) = group.and_then(|g| self.drafts[g].address().cloned()) {
            self.drafts[new].depend(&group, place);
        }
        let slot = self.drafts[at].kind.attribute(attribute).map(|a| a.path);
        slot.into_iter().for_each(|path| {
            let id = Value::Known(Json::from(arm_id.as_str()));
            self.drafts[at].leaves.insert(path, Leaf::Value(id));
        });
        self.defaults(new);
    }

    fn implied(&self, at: usize, kind: &'static Kind, workspace: &ArmId, tail: &str, name: Naming) -> Draft {
        let owner = &self.drafts[at];
        let name = name(&stem(&owner.name), &hash(workspace));
        let id = format!("{}-{tail}", owner.as_parent());
        let group = workspace.parent().unwrap_or_else(|| workspace.clone());
        let mut draft = Draft {
            kind,
            document: owner.document,
            scope: owner.scope,
            each: None,
            id: id.clone(),
            name_place: owner.name_place,
            named: true,
            home: Some(Home {
                address: Address::inside(&self.scopes.get(owner.scope).prefix, kind.name, None, &id, None),
                arm_id: Some(group.in_group(kind.resource_type(), &name)),
                parent: owner.home.as_ref().and_then(|h| h.parent),
            }),
            name,
            leaves: Default::default(),
            places: Vec::new(),
            dependencies: Vec::new(),
            triggers: Vec::new(),
            implied_by: Some(at),
            existing: false,
        };
        draft.leaves.insert("resource_group", Leaf::Value(Value::Known(Json::from(group.name()))));
        draft.leaves.insert("location", Leaf::Same(at, "location"));
        draft
    }
}

/// The letters and digits of a name, few enough for every kind's limit.
fn stem(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(10).collect::<String>().to_ascii_lowercase()
}

/// Names of vaults and storage accounts are taken worldwide; the same workspace always gets the same.
fn hash(workspace: &ArmId) -> String {
    let uuid = Uuid::new_v5(&Uuid::NAMESPACE_URL, workspace.folded().as_bytes());
    uuid.simple().to_string()[..8].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implied_names_keep_their_kinds_rules() {
        for workspace in ["research", "0-9_x", "a-very-long-workspace-name-indeed", "___"] {
            let id =
                ArmId::group("s", "g").in_group("Microsoft.MachineLearningServices/workspaces", workspace);
            for (kind, _, name) in IMPLIED {
                let name = Json::from(name(&stem(workspace), &hash(&id)));
                let rules = kinds::find(kind).expect("a kind").name_rules;
                assert_eq!(rules.iter().find_map(|r| r.violation(&name)), None, "{name}");
            }
        }
    }
}
