//! `kill -9` during an apply, at ten different moments: nothing is lost, nothing is made twice, and the next apply
//! finishes with no other command.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use emulator::{Method, Options};
use testkit::Random;

use crate::cloud::Cloud;
use crate::project::Project;

const CLUSTERS: usize = 24;
const WORKSPACE: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml/providers/\
                         Microsoft.MachineLearningServices/workspaces/research";

fn manifests() -> String {
    let mut text = String::from(
        "kind: resource_group\nname: ml\nlocation: westeurope\n---\nkind: workspace\nname: research\nresource_group: ml\nlocation: westeurope\n",
    );
    for index in 0..CLUSTERS {
        let _ =
            write!(text, "---\nkind: cluster\nname: c{index:03}x\nworkspace: research\nmax_instances: 2\n");
    }
    text
}

#[test]
fn a_killed_apply_is_finished_by_the_next_one() {
    let mut random = Random::new(20261121);
    let mut killed = 0;
    // A whole run first, so that the moments are spread over all of it.
    let (cloud, project) = stage();
    project.ok(&["apply", "--auto-approve", "--parallelism", "4"]);
    let whole = requests(&cloud);
    for moment in 0..10 {
        let (mut cloud, project) = stage();
        let mut run = project
            .command(&["apply", "--auto-approve", "--parallelism", "4"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("plumb starts");
        // The moment is counted in requests that the cloud has seen, not in time.
        let target = whole / 12 * moment + random.below(whole / 12);
        while requests(&cloud) < target && run.try_wait().expect("a child").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        killed += usize::from(run.try_wait().expect("a child").is_none());
        run.kill().expect("kill -9");
        run.wait().expect("it ends");

        let plan = project.run(&["plan"]);
        assert_eq!(plan.code, 0, "moment {moment}: {}{}", plan.stdout, plan.stderr);
        project.ok(&["apply", "--auto-approve"]);
        project.ok(&["plan", "--detailed-exitcode"]);
        made_once(&mut cloud, moment);
        let standing = cloud.read(&format!("{WORKSPACE}/computes"))["value"].as_array().map(Vec::len);
        assert_eq!(standing, Some(CLUSTERS), "moment {moment}");
        let listed = project.ok(&["state", "list"]).stdout;
        assert_eq!(listed.lines().filter(|l| l.starts_with("cluster/")).count(), CLUSTERS, "{listed}");
    }
    assert!(killed >= 8, "only {killed} of 10 runs were killed before their end");
}

fn stage() -> (Cloud, Project) {
    let cloud = Cloud::start(Options::default());
    let mut project = Project::empty();
    project.endpoint = Some(cloud.endpoint());
    project.write("plumb.toml", "[project]\nname = \"kills\"\n");
    project.write("manifests/all.yaml", &manifests());
    (cloud, project)
}

/// Resources of a type that their documents say: what is left open is settled by what the journal and the state have,
/// whether they were being made or deleted.
#[test]
fn what_documents_say_the_type_of_survives_kills_too() {
    const ACCOUNTS: usize = 8;
    let mut text = String::from("kind: resource_group\nname: ml\nlocation: westeurope\n");
    for index in 0..ACCOUNTS {
        let _ = write!(
            text,
            "---\nkind: arm\nname: account{index}killed\ntype: Microsoft.Storage/storageAccounts\napi_version: 2024-01-01\nresource_group: ml\nsecret: [properties.hush]\nbody: {{ location: westeurope, kind: StorageV2, sku: {{ name: Standard_LRS }}, properties: {{ minimumTlsVersion: TLS1_2, hush: canary }} }}\n"
        );
    }
    let (cloud, project) = stage();
    project.write("manifests/all.yaml", &text);
    let accounts = || {
        let listed = project.ok(&["state", "list"]).stdout;
        listed.lines().filter(|line| line.starts_with("arm/")).count()
    };
    for (command, left) in [("apply", ACCOUNTS), ("destroy", 0)] {
        for moment in 0..3 {
            kill_midway(&cloud, &project, command, 3 + moment * 9);
        }
        project.ok(&[command, "--auto-approve"]);
        assert_eq!(accounts(), left, "{command}");
        project.ok(&["plan", if left == 0 { "--destroy" } else { "--detailed-exitcode" }]);
        let state = std::fs::read_to_string(project.root.join(".plumb/state.json")).expect("a state");
        assert!(!state.contains("canary"), "{state}");
    }
}

/// Kills a run when the cloud has seen so many more requests.
fn kill_midway(cloud: &Cloud, project: &Project, command: &str, after: u64) {
    let target = requests(cloud) + after;
    let mut run = project
        .command(&[command, "--auto-approve", "--parallelism", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("plumb starts");
    while requests(cloud) < target && run.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    run.kill().expect("kill -9");
    run.wait().expect("it ends");
}

fn requests(cloud: &Cloud) -> u64 {
    let counters = cloud.control(Method::Get, "counters", None);
    counters.as_object().into_iter().flat_map(|c| c.values()).filter_map(serde_json::Value::as_u64).sum()
}

/// No cluster was asked for by two accepted PUTs.
fn made_once(cloud: &mut Cloud, moment: u64) {
    let mut puts: BTreeMap<String, usize> = BTreeMap::new();
    for request in cloud.new_requests() {
        let path = request["path"].as_str().unwrap_or_default();
        if request["method"] == "PUT"
            && path.contains("/computes/")
            && request["status"].as_u64().is_some_and(|s| s < 300)
        {
            *puts.entry(path.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(puts.len(), CLUSTERS, "moment {moment}");
    assert!(puts.values().all(|n| *n == 1), "moment {moment}: {puts:?}");
}

/// The same with the cloud inside the killed process: what it had answered is in its file.
#[test]
fn a_killed_process_takes_its_embedded_cloud_along_and_loses_nothing() {
    let mut random = Random::new(20261122);
    let mut killed = 0;
    for moment in 0..10 {
        let project = Project::empty();
        project.write("plumb.toml", "[project]\nname = \"kills\"\n");
        project.write("manifests/all.yaml", &manifests());
        let mut run = project
            .command(&["apply", "--auto-approve", "--parallelism", "4"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("plumb starts");
        // The moment is counted in records of the cloud's file.
        let target = 1 + moment * 3 + random.below(3);
        let records = || {
            std::fs::read(project.root.join(".plumb/cloud.json"))
                .map_or(0, |b| b.iter().filter(|c| **c == b'\n').count())
        };
        while (records() as u64) < target && run.try_wait().expect("a child").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        killed += usize::from(run.try_wait().expect("a child").is_none());
        run.kill().expect("kill -9");
        run.wait().expect("it ends");

        project.ok(&["apply", "--auto-approve"]);
        project.ok(&["plan", "--detailed-exitcode"]);
        let listed = project.ok(&["state", "list"]).stdout;
        assert_eq!(listed.lines().filter(|l| l.starts_with("cluster/")).count(), CLUSTERS, "{listed}");
    }
    assert!(killed >= 8, "only {killed} of 10 runs were killed before their end");
}
