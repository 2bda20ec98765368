//! A case of `testdata/plan`: the three sides that a plan is made from, said as briefly as they can be.
//!
//! `testdata/plan/README.md` says what the files of a case mean.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use manifest::{Inputs, Project, ProjectFiles, load, project};
use model::{
    Address, ArmId, Diagnostics, Due, Json, Live, Observed, Provisioning, Resource, ResourceState, Seal,
    Snapshot, Sources, Value, kinds,
};
use planner::{Graph, Options, Plan, entry, resolve};
use serde_json::{Map, json};

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";

/// What a case plans from.
pub struct Case {
    pub sources: Sources,
    pub resources: Vec<Resource>,
    pub outputs: BTreeMap<String, Value>,
    pub snapshot: Snapshot,
    pub live: Option<Live>,
    pub seal: Seal,
    pub options: Options,
    /// What was wrong with the documents already.
    pub diagnostics: Diagnostics,
}

impl Case {
    /// Reads the case in `folder`.
    pub fn read(folder: &Path) -> Self {
        let mut sources = Sources::default();
        let said = json_file(&folder.join("options.json"));
        let project = read_project(folder, &mut sources);
        let loaded = read_manifests(folder, &project, &mut sources);
        let seal = Seal::new(&[7; 32]);
        let snapshot = snapshot(&loaded.resources, &json_file(&folder.join("state.json")), &seal);
        let refresh = said["refresh"] != json!(false);
        let live = refresh.then(|| live(&loaded.resources, &snapshot, &json_file(&folder.join("live.json"))));
        let options = options(&said, &project);
        let (resources, outputs, diagnostics) = (loaded.resources, loaded.outputs, loaded.diagnostics);
        Self { sources, resources, outputs, snapshot, live, seal, options, diagnostics }
    }

    /// Plans from its resources in the order that they have now.
    pub fn plan(&self) -> Result<Plan, Diagnostics> {
        let graph = Graph::build(self.resources.clone())?;
        let (snapshot, live) = (&self.snapshot, self.live.as_ref());
        Ok(planner::plan(&graph, &self.outputs, snapshot, live, &self.seal, &self.options))
    }
}

/// The JSON of a file; null when there is none.
fn json_file(path: &Path) -> Json {
    let Ok(text) = fs::read_to_string(path) else { return Json::Null };
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn read_project(folder: &Path, sources: &mut Sources) -> Project {
    let Ok(text) = fs::read_to_string(folder.join("plumb.toml")) else { return Project::default() };
    let source = sources.add("plumb.toml", text.as_str());
    let (project, diagnostics) = project::read(&text, source, None);
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    project
}

fn read_manifests(folder: &Path, project: &Project, sources: &mut Sources) -> manifest::Loaded {
    let Ok(text) = fs::read_to_string(folder.join("manifest.yaml")) else { return Default::default() };
    let alone = text.contains("kind: workspace");
    let mut manifests = vec![sources.add("manifest.yaml", text)];
    if !alone {
        let shared = folder.parent().expect("a case lies in testdata/plan").join("standing.yaml");
        manifests.push(sources.add("standing.yaml", fs::read_to_string(shared).expect("standing.yaml")));
    }
    let files = ProjectFiles::new(folder);
    let inputs =
        Inputs { project, environment: "", variables: Vec::new(), subscription: SUBSCRIPTION, files: &files };
    load(sources, &manifests, &inputs)
}

fn options(said: &Json, project: &Project) -> Options {
    let flag = |name: &str| said[name] == json!(true);
    let texts = |name: &str| {
        let all = said[name].as_array().cloned().unwrap_or_default();
        all.into_iter().map(|text| text.as_str().expect("text").to_owned())
    };
    let replace =
        said["replace"].as_array().into_iter().flatten().map(|a| address(a.as_str().expect("text")));
    Options {
        cloud: format!("embedded/{SUBSCRIPTION}"),
        replace: replace.collect::<BTreeSet<_>>(),
        targets: texts("target").collect(),
        excludes: texts("exclude").collect(),
        refresh_only: flag("refresh_only"),
        allow_empty: flag("allow_empty"),
        destroy: flag("destroy"),
        max_deletes: project.guard.max_deletes,
        allow_missing: flag("allow_missing"),
        show_unmanaged: flag("show_unmanaged"),
        trust_secrets: flag("trust_secrets"),
        ..Options::default()
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|| panic!("{text:?} is no address"))
}

/// The state: what `said` names, and everything in `standing.yaml`.
fn snapshot(resources: &[Resource], said: &Json, seal: &Seal) -> Snapshot {
    let Some(said) = said.as_object() else { return Snapshot::default() };
    let mut snapshot = Snapshot {
        lineage: "6f1c9a52-0c1e-4c8f-9d59-3f6a3f2f0001".to_owned(),
        serial: 4,
        ..Snapshot::default()
    };
    for resource in resources.iter().filter(|r| r.source.starts_with("standing.yaml")) {
        snapshot.resources.insert(resource.address.clone(), as_written(resource, &snapshot, seal));
    }
    let mut said = said.clone();
    if let Some(Json::Object(outputs)) = said.remove("outputs") {
        snapshot.outputs = outputs.into_iter().collect();
    }
    // Twice: what one entry observed may be what another's document refers to.
    for _ in 0..2 {
        for (text, entry) in &said {
            let address = address(text);
            let resource = resources.iter().find(|r| r.address == address);
            let base = resource.map_or_else(|| blank(&address), |r| as_written(r, &snapshot, seal));
            let mut base = serde_json::to_value(base).expect("an entry has a JSON form");
            merge(&mut base, entry);
            let state = serde_json::from_value(base).unwrap_or_else(|e| panic!("state of {address}: {e}"));
            snapshot.resources.insert(address, state);
        }
    }
    snapshot
}

/// The entry of a resource that was applied just as its document has it.
fn as_written(resource: &Resource, snapshot: &Snapshot, seal: &Seal) -> ResourceState {
    let observed =
        |address: &Address, name: &str| snapshot.resources.get(address)?.observed.get(name).cloned();
    let resolved = resolve(resource, &observed).unwrap_or_else(|(path, e)| panic!("{path}: {e}"));
    entry::whole(resource, &resolved, seal)
}

/// The entry of a resource that no document of the case has.
fn blank(address: &Address) -> ResourceState {
    let kind = kinds::find(address.kind()).unwrap_or_else(|| panic!("{address} is of no kind"));
    let source = "manifest.yaml:9".to_owned();
    ResourceState { source, ..ResourceState::new(kind, arm_id(kind, address)) }
}

/// The id of an address by itself: everything lies in the group `ml`, and is called as its document.
fn arm_id(kind: &'static model::Kind, address: &Address) -> Option<ArmId> {
    let name = address.key().map_or_else(|| address.id().to_owned(), |key| format!("{}-{key}", address.id()));
    let group = ArmId::group(SUBSCRIPTION, "ml");
    match kind.placement {
        model::Placement::Local => None,
        model::Placement::Group { .. } => Some(ArmId::group(SUBSCRIPTION, &name)),
        model::Placement::InGroup { resource_type, .. } => Some(group.in_group(resource_type, &name)),
        model::Placement::InParent { parent, collection, .. } => {
            let parent = kinds::find(parent).expect("a kind").resource_type();
            Some(group.in_group(parent, address.parent().expect("a parent")).child(collection, &name))
        }
        model::Placement::OnScope { resource_type, .. } | model::Placement::Typed { resource_type, .. } => {
            Some(group.in_group(resource_type, &name))
        }
    }
}

/// What is live: the state as it is, and what `said` has otherwise.
fn live(resources: &[Resource], snapshot: &Snapshot, said: &Json) -> Live {
    let nothing = Map::new();
    let said = said.as_object().unwrap_or(&nothing);
    let mut live = Live::default();
    let named = said.keys().map(|text| address(text));
    let all: BTreeSet<Address> = snapshot.resources.keys().cloned().chain(named).collect();
    for address in all {
        let state = snapshot.resources.get(&address);
        let said = said.get(address.as_str()).cloned().unwrap_or(json!({}));
        let found_kind = kinds::find(address.kind()).expect("a kind");
        if let Some(why) = said["unreadable"].as_str() {
            live.unreadable.insert(address, why.to_owned());
        } else if !said.is_null() && found_kind.in_arm() {
            let id = resources.iter().find(|r| r.address == address).and_then(|r| r.arm_id.clone());
            let id = state.and_then(|s| s.arm_id.clone()).or(id).expect("an id");
            live.due.extend(due(&said["due"]).map(|due| (address.clone(), due)));
            live.resources.insert(address, observed(found_kind, id, state, &said));
        }
    }
    live
}

/// What its schedules asked for last.
fn due(said: &Json) -> Option<Due> {
    let power = if said["power"] == "running" { "running" } else { "stopped" };
    Some(Due { power, at: said["at"].as_str()?.parse().expect("a time") })
}

fn observed(
    kind: &'static model::Kind,
    arm_id: ArmId,
    state: Option<&ResourceState>,
    said: &Json,
) -> Observed {
    let sent = state.into_iter().flat_map(|s| &s.applied);
    let sent = sent.filter(|(path, _)| kind.attribute(path).is_some_and(|a| !a.arm.is_empty()));
    let mut attributes: Json = sent.map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
    let mut computed: Json = state.into_iter().flat_map(|s| s.observed.clone()).collect();
    merge(&mut attributes, &said["attributes"]);
    merge(&mut computed, &said["computed"]);
    let values = |json: Json| json.as_object().cloned().unwrap_or_default().into_iter();
    let path = |p: String| kind.attribute(&p).unwrap_or_else(|| panic!("no attribute {p}")).path;
    let name = |n: String| kind.computed(&n).unwrap_or_else(|| panic!("no computed {n}")).name;
    Observed {
        arm_id,
        attributes: values(attributes).map(|(p, v)| (path(p), v)).collect(),
        computed: values(computed).map(|(n, v)| (name(n), v)).collect(),
        provisioning: match said["provisioning"].as_str() {
            None | Some("succeeded") => Provisioning::Succeeded,
            Some("failed") => Provisioning::Failed("it failed".to_owned()),
            Some(word) => Provisioning::InProgress(word.to_owned()),
        },
        created: None,
    }
}

/// Puts `over` on top of `base`, two levels deep; null takes a key away.
fn merge(base: &mut Json, over: &Json) {
    let Some(over) = over.as_object() else { return };
    let base = base.as_object_mut().expect("an object");
    for (key, value) in over {
        let nested = ["applied", "observed", "secrets"].contains(&key.as_str());
        match base.get_mut(key) {
            Some(below) if nested => merge(below, value),
            _ if value.is_null() => _ = base.remove(key),
            _ => _ = base.insert(key.clone(), value.clone()),
        }
    }
}
