//! Setup scripts on the file share of a workspace: where their files lie, and the resources that those are.

use model::kinds::script_file;
use model::{Address, Diagnostic, Json, Value};

use super::Load;
use super::draft::{Draft, Home, Leaf};
use super::scripts::ScriptUse;

const HASH: &str = "setup_scripts.creation_script.sha256";

impl Load<'_, '_> {
    /// Whether instances get a script as a file of their workspace's share.
    pub(super) fn is_on_share(&self, at: usize) -> bool {
        let draft = &self.drafts[at];
        match draft.known_text("source") {
            Some(source) => source == "workspace_storage",
            None => draft.leaves.contains_key("path"),
        }
    }

    /// The path on the share: as given, or one that follows from the script's name.
    pub(super) fn path_on_share(&mut self, at: usize) {
        let draft = &self.drafts[at];
        let is_ours = draft.leaves.contains_key("content");
        let place = draft.place_of("path").unwrap_or(draft.name_place);
        if !draft.leaves.contains_key("path") {
            let name =
                if draft.name.contains('.') { draft.name.clone() } else { format!("{}.sh", draft.name) };
            return self.set(at, "path", Value::Known(Json::from(format!("plumb/{name}"))));
        }
        let wrong = match draft.known_text("path") {
            None if matches!(draft.leaves.get("path"), Some(Leaf::Broken)) => return,
            None => Some("must be known before anything is made, and no secret"),
            Some(path) if is_ours => script_file::path_violation(path),
            Some(_) => None,
        };
        if let Some(wrong) = wrong {
            let help = "write a path such as `plumb/conda.sh`";
            self.report(at, Diagnostic::error(format!("`path` {wrong}")).help(help).at(place), "path");
        }
    }

    /// Has an instance depend on the script's file in its workspace, where the file is ours.
    pub(super) fn hand_file(&mut self, used: &ScriptUse, script: usize) {
        let draft = &self.drafts[script];
        if !draft.leaves.contains_key("content") {
            return;
        }
        let place = draft.place_of("content").unwrap_or(draft.name_place);
        let (Some(text), Some(path)) = (draft.known_text("content"), draft.known_text("path")) else {
            let broken =
                ["content", "path"].iter().any(|p| matches!(draft.leaves.get(p), Some(Leaf::Broken)));
            if !broken {
                let words =
                    "the text of a script on the share must be known before anything is made, and no secret";
                let help =
                    "anybody who uses the workspace can read its share: look secrets up inside the script";
                self.report(script, Diagnostic::error(words).help(help).at(place), "content");
            }
            return;
        };
        if script_file::path_violation(path).is_some() {
            return;
        }
        let (hash, text, path) = (script_file::sha256(text.as_bytes()), text.to_owned(), path.to_owned());
        let Some(file) = self.file_of(used.at(), script, &path) else { return };
        for (attribute, value) in [("path", path), ("content", text), ("sha256", hash.clone())] {
            self.set(file, attribute, Value::Known(Json::from(value)));
        }
        if let Some(address) = self.drafts[file].address().cloned() {
            let place = used.place();
            self.drafts[used.at()].depend(&address, place);
        }
        if used.is_creation() {
            self.set(used.at(), HASH, Value::Known(Json::from(hash)));
        }
    }

    /// The draft of a script's file in the workspace of an instance: one, however many instances use it.
    fn file_of(&mut self, instance: usize, script: usize, path: &str) -> Option<usize> {
        let home = self.drafts[instance].home.as_ref()?;
        let workspace = home.arm_id.as_ref()?.parent()?;
        let (parent, name) = (home.parent, home.address.parent()?.to_owned());
        let arm_id = script_file::id(&workspace, path);
        if let Some(found) = self.index.arm.get(&arm_id.folded()).copied() {
            if self.drafts[found].implied_by != Some(script) {
                self.same_path(found, script, path);
            }
            return (self.drafts[found].implied_by == Some(script)).then_some(found);
        }
        let owner = &self.drafts[script];
        let prefix = &self.scopes.get(owner.scope).prefix;
        let kind = &script_file::KIND;
        let address = Address::inside(prefix, kind.name, Some(&name), owner.as_parent(), None);
        let mut draft = Draft {
            kind,
            document: owner.document,
            scope: owner.scope,
            each: None,
            id: owner.as_parent().to_owned(),
            name: arm_id.name().to_owned(),
            name_place: owner.name_place,
            named: true,
            home: Some(Home { address, arm_id: Some(arm_id.clone()), parent }),
            leaves: Default::default(),
            places: Vec::new(),
            dependencies: Vec::new(),
            triggers: Vec::new(),
            implied_by: Some(script),
            existing: false,
        };
        draft.leaves.insert("workspace", Leaf::Value(Value::Known(Json::from(workspace.name()))));
        let place = owner.name_place;
        let above = parent.and_then(|at| self.drafts[at].address().cloned());
        for address in above.into_iter().chain(owner.address().cloned()) {
            draft.depend(&address, place);
        }
        let new = self.drafts.len();
        self.index.arm.insert(arm_id.folded(), new);
        self.drafts.push(draft);
        Some(new)
    }

    /// Two scripts would overwrite each other's file.
    fn same_path(&mut self, found: usize, script: usize, path: &str) {
        let first = self.drafts[found].name_place;
        let place = self.drafts[script].place_of("path").unwrap_or(self.drafts[script].name_place);
        let words = format!("two setup scripts are kept at `{path}` on the same share");
        let diagnostic = Diagnostic::error(words)
            .help("give one of them another `path`")
            .label("again here")
            .at(place)
            .related(first, "first here");
        self.report(script, diagnostic, "path");
    }
}
