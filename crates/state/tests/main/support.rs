//! Small states, runs and records for the tests.

use std::collections::BTreeMap;
use std::path::Path;

use model::{Address, ArmId, ResourceState, Snapshot, kinds};
use serde_json::{Value, json};
use state::{Changed, End, Holder, Intent, LocalStore, Outcome, Record, Report, Run};
use tempfile::TempDir;

pub const LINEAGE: &str = "6f1c9a52-0c1e-4c8f-9d59-3f6a3f2f0001";

/// A project directory with a store in it.
pub struct Place {
    pub root: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { root: TempDir::new().expect("a temporary directory") }
    }

    /// A new handle on the same files, as another process has it.
    pub fn store(&self) -> LocalStore {
        LocalStore::new(self.dir(), self.dir().join("state.json"))
    }

    pub fn dir(&self) -> std::path::PathBuf {
        self.root.path().join(".plumb")
    }

    pub fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir().join(name)
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.dir()).expect("the directory");
        std::fs::write(self.file(name), bytes).expect("the file");
    }
}

pub fn holder(id: &str) -> Holder {
    Holder {
        id: id.to_owned(),
        owner: "alice".to_owned(),
        host: "laptop".to_owned(),
        command: "plumb apply".to_owned(),
        since: "2026-11-21T04:00:00Z".to_owned(),
    }
}

pub fn run(base_serial: u64) -> Run {
    Run {
        id: format!("run-{base_serial}"),
        time: "2026-11-21T04:00:00Z".to_owned(),
        command: "plumb apply".to_owned(),
        owner: "alice".to_owned(),
        host: "laptop".to_owned(),
        commit: None,
        cloud: "embedded/s1".to_owned(),
        environment: String::new(),
        lineage: LINEAGE.to_owned(),
        base_serial,
        tool: "plumb 0.1.0".to_owned(),
    }
}

/// What a run that made one cluster says of itself.
pub fn report() -> Report {
    Report {
        run: run(0),
        ended: Some("2026-11-21T04:05:00Z".to_owned()),
        end: End::Complete,
        changes: vec![Changed::done(address(0), "create")],
    }
}

pub fn snapshot(serial: u64, resources: usize) -> Snapshot {
    Snapshot {
        lineage: LINEAGE.to_owned(),
        serial,
        cloud: "embedded/s1".to_owned(),
        seal: String::new(),
        environment: String::new(),
        resources: (0..resources).map(|n| (address(n), entry(n))).collect(),
        outputs: BTreeMap::from([("answer".to_owned(), json!({ "of": [1, 2.5, "drei"] }))]),
    }
}

pub fn address(n: usize) -> Address {
    Address::new("cluster", Some("research"), &format!("cpu-{n}"), None)
}

pub fn arm_id(n: usize) -> ArmId {
    ArmId::group("s1", "ml")
        .in_group("Microsoft.MachineLearningServices/workspaces", "research")
        .child("computes", &format!("cpu-{n}"))
}

pub fn entry(n: usize) -> ResourceState {
    let kind = kinds::find("cluster").expect("the kind");
    let attribute = |path: &str, value: Value| (kind.attribute(path).expect("an attribute").path, value);
    ResourceState {
        applied: [
            attribute("size", json!("Standard_DS3_v2")),
            attribute("max_instances", json!(4)),
            attribute("tags", json!({ "team": "\u{1f980} \"research\"\n" })),
        ]
        .into(),
        observed: BTreeMap::from([("principal_id".to_owned(), json!("11111111-2222"))]),
        secrets: BTreeMap::from([("ssh_settings.admin_password".to_owned(), "hmac-sha256:00".to_owned())]),
        depends_on: vec![Address::new("workspace", None, "research", None)],
        source: "manifests/ml.yaml:12".to_owned(),
        ..ResourceState::new(kind, Some(arm_id(n)))
    }
}

pub fn intent(sequence: u64, n: usize) -> Record {
    Record::Intent(Box::new(Intent {
        sequence,
        address: address(n),
        step: "create".to_owned(),
        arm_id: Some(arm_id(n)),
        entry: Some(entry(n)),
        moved_from: None,
        time: "2026-11-21T04:00:01Z".to_owned(),
    }))
}

pub fn operation(sequence: u64) -> Record {
    Record::Operation { sequence, url: format!("https://management.azure.com/operations/{sequence}") }
}

pub fn done(sequence: u64) -> Record {
    let observed = BTreeMap::from([("state".to_owned(), json!("Steady"))]);
    Record::Done { sequence, outcome: Outcome::AsIntended { observed } }
}

pub fn failed(sequence: u64, outcome: Outcome) -> Record {
    Record::Failed { sequence, outcome, error: "QuotaExceeded".to_owned() }
}

/// What a create that ended says of the resource.
pub fn created(n: usize) -> ResourceState {
    let mut entry = entry(n);
    entry.observed.insert("state".to_owned(), json!("Steady"));
    entry
}

pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}
