//! Saved plans are approvals: whatever moved since, nothing is sent, and what moved is named.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use emulator::{Method, Options};
use serde_json::json;
use testkit::Random;

use crate::cloud::{Cloud, is_write};
use crate::project::{Project, Said};

const CPU: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/research/computes/cpu";

const PROJECT: &str = "[project]
name = \"saved\"

[variables]
nodes = { type = \"number\", default = 4 }
password = { type = \"string\", sensitive = true, default = \"first-Passw0rd\" }

[environments.prod]
variables.nodes = 4
";

const MANIFEST: &str = "kind: resource_group
name: ml
location: westeurope
---
kind: workspace
name: research
resource_group: ml
location: westeurope
---
kind: cluster
name: cpu
workspace: research
max_instances: ${vars.nodes}
ssh_settings: { admin_username: admin, admin_password: \"${vars.password}\" }
---
kind: cluster
name: gpu
workspace: research
";

/// A project whose first apply is done, and whose cloud counts requests from here on.
struct Bench {
    cloud: Cloud,
    project: Project,
}

impl Bench {
    fn empty() -> Self {
        let cloud = Cloud::start(Options::default());
        let mut project = Project::empty();
        project.endpoint = Some(cloud.endpoint());
        project.write("plumb.toml", PROJECT);
        project.write("manifests/all.yaml", MANIFEST);
        Self { cloud, project }
    }

    fn applied() -> Self {
        let mut bench = Self::empty();
        bench.project.ok(&["apply", "--auto-approve"]);
        bench.cloud.new_requests();
        bench
    }

    /// Saves the plan that makes the cluster larger.
    fn save(&self) {
        self.project.ok(&["plan", "--var", "nodes=6", "--out", "p.plumb"]);
    }

    fn writes(&mut self) -> Vec<String> {
        let requests = self.cloud.new_requests();
        let writes = requests.iter().filter(|r| is_write(r));
        writes.map(|r| format!("{} {}", r["method"], r["path"])).collect()
    }

    /// Applies the saved plan with `more` on the command line, which must be refused before any write.
    fn refused(&mut self, more: &[&str]) -> Said {
        let said = self.project.run(&[&["apply"], more, &["p.plumb"]].concat());
        assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
        assert_eq!(self.writes(), Vec::<String>::new(), "{}", said.stderr);
        said
    }

    fn edit(&self, id: &str, patch: &serde_json::Value) {
        self.cloud.control(Method::Patch, &format!("resource?id={id}"), Some(patch));
    }
}

fn has(said: &Said, words: &str) {
    assert!(said.stderr.contains(words), "{words:?} is missing:\n{}", said.stderr);
}

#[test]
fn a_saved_plan_does_exactly_what_it_shows_without_a_question() {
    let mut bench = Bench::applied();
    let planned = bench.project.ok(&["plan", "--var", "nodes=6", "--out", "p.plumb"]).stdout;
    assert!(planned.contains("plumb apply p.plumb"), "{planned}");
    let mode = fs::metadata(bench.project.root.join("p.plumb")).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let shown = bench.project.ok(&["show", "p.plumb"]).stdout;
    let body = |text: &str| text[text.find("Cloud:").expect("a plan")..].to_owned();
    assert!(planned.contains(body(&shown).trim_end()), "{shown}");
    assert!(shown.contains("A plan that tester made on "), "{shown}");
    let json = bench.project.ok(&["show", "--json", "p.plumb"]).stdout;
    let mut json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let made = json["plumb"].as_object_mut().expect("an object").remove("made").expect("who made it");
    assert_eq!(made["owner"], "tester");
    let planned: serde_json::Value =
        serde_json::from_str(&bench.project.ok(&["plan", "--json", "--var", "nodes=6"]).stdout)
            .expect("JSON");
    assert_eq!(json, planned);
    bench.writes();
    // The variable need not be given again.
    let said = bench.project.ok(&["apply", "p.plumb"]);
    assert!(
        said.stdout.contains("Apply complete! Resources: 0 added, 1 changed, 0 destroyed."),
        "{}",
        said.stdout
    );
    assert_eq!(bench.writes(), [format!("\"PATCH\" \"{CPU}\"")]);
    bench.project.ok(&["plan", "--var", "nodes=6", "--detailed-exitcode"]);
}

#[test]
fn a_first_plan_is_applied_once() {
    let mut bench = Bench::empty();
    bench.project.ok(&["plan", "--out", "p.plumb"]);
    assert_eq!(bench.writes(), Vec::<String>::new());
    bench.project.ok(&["apply", "p.plumb", "--json"]);
    assert!(!bench.writes().is_empty());
    let said = bench.refused(&[]);
    has(&said, "there was no state when it was made");
    has(&said, "plan again: `plumb plan --out p.plumb`");
}

#[test]
fn a_plan_to_destroy_can_be_approved_too() {
    let bench = Bench::applied();
    bench.project.ok(&["plan", "--destroy", "--out", "p.plumb"]);
    let said = bench.project.ok(&["apply", "p.plumb"]);
    assert!(said.stdout.contains("Destroy complete!"), "{}", said.stdout);
    assert_eq!(bench.project.ok(&["state", "list"]).stdout, "");
}

#[test]
fn an_edited_file_is_refused_wherever_it_was_edited() {
    let mut bench = Bench::applied();
    bench.save();
    let path = bench.project.root.join("p.plumb");
    let good = fs::read(&path).expect("the file");
    let mut random = Random::new(20_261_121);
    for _ in 0..25 {
        let mut bytes = good.clone();
        let at = random.below(good.len() as u64) as usize;
        bytes[at] ^= 1 << random.below(8);
        fs::write(&path, &bytes).expect("written");
        has(&bench.refused(&[]), "plan again: `plumb plan --out p.plumb`");
        fs::write(&path, &good[..at]).expect("written");
        bench.refused(&[]);
    }
    // What an editor would do: another number, and nothing else.
    let text = String::from_utf8(good.clone()).expect("text").replace("\"known\": 6", "\"known\": 60");
    fs::write(&path, text).expect("written");
    has(&bench.refused(&[]), "was changed after plumb wrote it");
    assert_eq!(bench.project.run(&["show", "p.plumb"]).code, 1);
    fs::write(&path, good).expect("written");
    bench.project.ok(&["apply", "p.plumb"]);
}

#[test]
fn a_stale_serial_is_refused() {
    let mut bench = Bench::applied();
    bench.save();
    bench.project.ok(&["apply", "--auto-approve", "--var", "nodes=5"]);
    bench.writes();
    has(&bench.refused(&[]), "it stands on serial 1 of the state, and the state is at serial 2");
}

#[test]
fn a_state_edited_under_the_same_serial_is_refused() {
    let mut bench = Bench::applied();
    bench.save();
    let folder = bench.project.root.join(".plumb");
    let mut snapshot = state::decode(&fs::read(folder.join("state.json")).expect("a state")).expect("good");
    snapshot.outputs.insert("edited".to_owned(), json!(true));
    fs::write(folder.join("state.json"), state::encode(&snapshot)).expect("written");
    has(&bench.refused(&[]), "replaced by one with the same serial and other content");
    // Also where nobody remembers what was last seen.
    fs::remove_file(folder.join("seen.json")).expect("the note is there");
    has(&bench.refused(&[]), "the state was changed since, under the same serial 1");
}

#[test]
fn a_live_object_that_moved_is_refused_and_named() {
    let mut bench = Bench::applied();
    bench.save();
    bench.edit(CPU, &json!({ "properties": { "properties": { "scaleSettings": { "maxNodeCount": 40 } } } }));
    let said = bench.refused(&[]);
    has(
        &said,
        "cluster/research/cpu moved in Azure since the plan was made: `max_instances` was 4, and is 40",
    );
    has(&said, "plan again: `plumb plan --var nodes=6 --out p.plumb`");
    bench.edit(CPU, &json!({ "properties": { "properties": { "scaleSettings": { "maxNodeCount": 4 } } } }));
    // What no document manages counts too, on what the plan touches.
    bench.edit(CPU, &json!({ "tags": { "owner": "somebody" } }));
    has(&bench.refused(&[]), "`tags` has another value");
    bench.edit(CPU, &json!({ "tags": { "owner": null } }));
    // And drift anywhere, for apply would put it right.
    let gpu = CPU.replace("/cpu", "/gpu");
    bench.edit(&gpu, &json!({ "properties": { "properties": { "scaleSettings": { "maxNodeCount": 9 } } } }));
    has(
        &bench.refused(&[]),
        "cluster/research/gpu: `max_instances` stays as it is in the plan, and would now be 9 -> 4",
    );
}

#[test]
fn a_live_object_that_went_or_came_is_refused() {
    let mut bench = Bench::empty();
    bench.project.ok(&["plan", "--out", "p.plumb"]);
    let group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml";
    let other = Project::empty();
    other.write("plumb.toml", PROJECT);
    other.write("group.yaml", "kind: resource_group\nname: ml\nlocation: westeurope\n");
    let said =
        other.command(&["apply", "--auto-approve"]).env("PLUMB_ENDPOINT", bench.cloud.endpoint()).output();
    assert!(said.expect("plumb starts").status.success());
    bench.writes();
    let said = bench.refused(&[]);
    has(&said, "resource_group/ml moved in Azure since the plan was made: it was not there, and is");
    bench.cloud.control(Method::Delete, &format!("resource?id={group}"), None);
    bench.project.ok(&["apply", "p.plumb"]);
    bench.save();
    bench.cloud.control(Method::Delete, &format!("resource?id={CPU}"), None);
    bench.writes();
    has(&bench.refused(&[]), "cluster/research/cpu moved in Azure since the plan was made: it is gone");
}

#[test]
fn changed_manifests_and_secrets_are_refused_and_named() {
    let mut bench = Bench::applied();
    bench.save();
    let with = |from: &str, to: &str| MANIFEST.replace(from, to);
    bench.project.write("manifests/all.yaml", &with("${vars.nodes}", "7"));
    has(&bench.refused(&[]), "`max_instances` is 4 -> 6 in the plan, and would now be 4 -> 7");
    bench.project.write(
        "manifests/all.yaml",
        &with("name: gpu\nworkspace: research", "name: gpu\nworkspace: research\nmin_instances: 1"),
    );
    has(&bench.refused(&[]), "cluster/research/gpu: `min_instances` stays as it is in the plan");
    bench.project.write("manifests/all.yaml", &format!("# A comment changes nothing.\n{MANIFEST}"));
    bench.project.ok(&["apply", "p.plumb"]);
    // A secret that another secret takes the place of.
    bench.project.ok(&["plan", "--var", "nodes=6", "--var", "password=second-Passw0rd", "--out", "p.plumb"]);
    bench.writes();
    let said = bench.refused(&[]);
    has(&said, "give it again: `plumb apply --var password=… p.plumb`");
    let said = bench.refused(&["--var", "password=third-Passw0rd"]);
    has(&said, "cluster/research/cpu: `ssh_settings.admin_password` has another value");
    assert!(!said.stderr.contains("third"), "{}", said.stderr);
}

#[test]
fn another_environment_or_cloud_is_refused() {
    let mut bench = Bench::empty();
    bench.project.ok(&["plan", "--out", "p.plumb"]);
    let said = bench.refused(&["-e", "prod"]);
    has(&said, "is sealed with another key");
    // Also with the key of that environment at hand.
    let (from, to) =
        (bench.project.root.join(".plumb/seal.key"), bench.project.root.join(".plumb/prod/seal.key"));
    fs::copy(from, to).expect("copied");
    let said = bench.refused(&["-e", "prod"]);
    has(&said, "is for no environment, and this is environment prod");
    has(&said, "to apply it there: `plumb apply p.plumb`");
    let elsewhere = Cloud::start(Options::default());
    let said = bench.refused(&["--endpoint", &elsewhere.endpoint()]);
    has(&said, &format!("it is for {}", bench.cloud.endpoint()));
    has(&said, &format!("and this is {}", elsewhere.endpoint()));
}

#[test]
fn what_shapes_a_plan_cannot_be_said_later() {
    let mut bench = Bench::applied();
    bench.save();
    for flag in [&["--replace", "cluster/research/cpu"][..], &["--refresh=false"], &["--max-deletes", "9"]] {
        has(&bench.refused(flag), "was planned with options of its own");
    }
    bench.project.write("plumb.toml", &format!("{PROJECT}\n[guard]\nmax_deletes = 0\n"));
    has(&bench.refused(&[]), "`max_deletes` was null when the plan was made, and is 0");
}

#[test]
fn what_cannot_be_approved_is_not_saved() {
    let bench = Bench::applied();
    let said = bench.project.run(&["plan", "--refresh=false", "--out", "p.plumb"]);
    assert_eq!(said.code, 1);
    has(&said, "leave --refresh=false out");
    let said = bench.project.run(&["plan", "--destroy", "--max-deletes", "1", "--out", "p.plumb"]);
    assert_eq!(said.code, 1);
    has(&said, "Nothing was saved in p.plumb");
    assert!(!bench.project.root.join("p.plumb").exists());
    let said = bench.project.run(&["plan", "--out", "manifests/all.yaml"]);
    has(&said, "exists and is no saved plan");
    assert_eq!(fs::read_to_string(bench.project.root.join("manifests/all.yaml")).expect("text"), MANIFEST);
    let said = bench.project.run(&["show", "manifests/all.yaml"]);
    has(&said, "is no saved plan");
    let said = bench.project.run(&["apply", "nothing.plumb"]);
    has(&said, "reading the saved plan nothing.plumb");
}
