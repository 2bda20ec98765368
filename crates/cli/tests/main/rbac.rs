//! The roles that `plumb rbac` prints suffice, and no more than they say.

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::project::Project;

struct Bench {
    cloud: Cloud,
    project: Project,
}

impl Bench {
    fn new() -> Self {
        Self::of("data-science-team")
    }

    fn of(example: &str) -> Self {
        let cloud = Cloud::start(Options::default());
        let mut project = Project::copy_of(&testkit::workspace_root().join("examples").join(example));
        project.endpoint = Some(cloud.endpoint());
        Self { cloud, project }
    }

    /// The role for a purpose.
    fn role(&self, purpose: &str) -> Value {
        let said = self.project.ok(&["rbac", "--for", purpose]);
        serde_json::from_str(&said.stdout).expect("a role is JSON")
    }

    /// From now on there is nothing but what the role has.
    fn only(&self, role: &Value) {
        self.cloud.control(Method::Delete, "denials", None);
        let of = |key: &str| role[key].as_array().expect("a list").clone();
        let allowed = [of("Actions"), of("DataActions")].concat();
        let denial = json!({ "action": "*", "not_actions": allowed });
        self.cloud.control(Method::Post, "denials", Some(&denial));
    }

    fn refusals(&self) -> Vec<String> {
        let all = self.cloud.control(Method::Get, "requests", None);
        let refused = all["value"].as_array().into_iter().flatten().filter(|r| r["status"] == 403);
        refused.map(|r| format!("{} {}", r["method"], r["path"])).collect()
    }
}

#[test]
fn the_role_for_applying_lets_all_of_it_come_and_go() {
    for example in ["data-science-team", "dsvm-pool"] {
        comes_and_goes(&Bench::of(example));
    }
}

fn comes_and_goes(bench: &Bench) {
    let role = bench.role("apply");
    let actions = role["Actions"].as_array().expect("actions");
    assert!(actions.iter().all(|action| !action.as_str().expect("text").contains('*')), "{role}");
    bench.only(&role);
    for args in
        [&["apply", "--auto-approve"][..], &["plan", "--detailed-exitcode"], &["destroy", "--auto-approve"]]
    {
        let said = bench.project.run(args);
        assert_eq!((said.code, bench.refusals()), (0, Vec::new()), "{args:?}\n{}", said.stderr);
    }
}

#[test]
fn the_role_for_planning_reads_and_names_what_applying_lacks() {
    let bench = Bench::new();
    bench.only(&bench.role("plan"));
    let said = bench.project.run(&["plan"]);
    assert_eq!((said.code, bench.refusals()), (0, Vec::new()), "{}", said.stderr);
    let said = bench.project.run(&["apply", "--auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(
        said.stderr.contains("`Microsoft.Resources/subscriptions/resourceGroups/write`"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("`plumb rbac --for apply`"), "{}", said.stderr);
}

#[test]
fn data_scientists_start_and_stop_and_cannot_apply() {
    let bench = Bench::new();
    bench.project.ok(&["apply", "--auto-approve"]);
    bench.only(&bench.role("data-scientist"));
    bench.project.ok(&["stop", "instance/research/ci"]);
    bench.project.ok(&["start", "instance/research/ci"]);
    bench.project.ok(&["nodes", "cluster/research/cpu"]);
    let said = bench.project.run(&["apply", "--auto-approve", "--replace", "cluster/research/cpu"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
}

#[test]
fn a_role_has_what_the_documents_ask_for_and_nothing_else() {
    let project = Project::empty();
    project.write("plumb.toml", "[project]\nname = \"small\"\n");
    project.write("a.yaml", "kind: resource_group\nname: ml\nlocation: westeurope\n");
    let role: Value = serde_json::from_str(&project.ok(&["rbac", "--for", "plan"]).stdout).expect("JSON");
    assert_eq!(
        role["Actions"],
        json!([
            "Microsoft.Authorization/locks/read",
            "Microsoft.Resources/subscriptions/resourceGroups/read"
        ])
    );
    assert_eq!(role["Name"], "plumb plan small");
    assert_eq!(role["AssignableScopes"], json!(["/subscriptions/00000000-0000-0000-0000-000000000001"]));
}

#[test]
fn a_role_is_also_written_as_a_document_that_loads_and_applies() {
    let bench = Bench::new();
    for purpose in ["plan", "apply", "data-scientist"] {
        let role = bench.role(purpose);
        let text = bench.project.ok(&["rbac", "--for", purpose, "--format", "manifest"]).stdout;
        let mut project = Project::empty();
        project.endpoint = bench.project.endpoint.clone();
        project.write("plumb.toml", "[project]\nname = \"roles\"\n");
        project.write("role.yaml", &text);
        let said = project.ok(&["apply", "--auto-approve"]);
        assert!(said.stdout.contains("1 added"), "{}{}", said.stdout, said.stderr);
        assert_eq!(project.run(&["plan", "--detailed-exitcode"]).code, 0);
        let shown: Value = serde_json::from_str(&project.ok(&["show", "--json"]).stdout).expect("JSON");
        assert!(shown.to_string().contains(role["Name"].as_str().expect("a name")), "{shown}");
        for action in role["Actions"].as_array().expect("actions") {
            assert!(text.contains(action.as_str().expect("text")), "{action}: {text}");
        }
    }
}
