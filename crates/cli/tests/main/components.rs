//! What components make, as plans, the state and `show` call it.

use serde_json::Value;

use crate::project::Project;

fn example() -> Project {
    Project::copy_of(&testkit::workspace_root().join("examples/components"))
}

#[test]
fn a_plan_names_the_use_of_what_a_component_makes() {
    let plan: Value = serde_json::from_str(&example().ok(&["plan", "--json"]).stdout).expect("JSON");
    let module = |address: &str| {
        let changes = plan["resource_changes"].as_array().expect("changes");
        let change = changes.iter().find(|c| c["address"] == address).unwrap_or_else(|| panic!("{address}"));
        change.get("module_address").cloned()
    };
    assert_eq!(module("workspace/research"), None);
    assert_eq!(module("team[\"vision\"]/cluster/research/cpu"), Some("team[\"vision\"]".into()));
    assert_eq!(
        module("team[\"speech\"]/trainer/user_assigned_identity/this"),
        Some("team[\"speech\"]/trainer".into())
    );
}

#[test]
fn what_a_component_makes_is_shown_by_its_whole_address() {
    let project = example();
    project.ok(&["apply", "--auto-approve"]);
    for address in
        ["team[\"vision\"]/cluster/research/cpu", "team[\"vision\"]/trainer/user_assigned_identity/this"]
    {
        for command in [&["show"][..], &["state", "show"]] {
            let said = project.ok(&[command, &[address]].concat()).stdout;
            assert!(said.contains("vision-"), "{command:?}: {said}");
        }
        let shown: Value =
            serde_json::from_str(&project.ok(&["show", address, "--json"]).stdout).expect("JSON");
        assert!(shown.to_string().contains("vision-"), "{shown}");
    }
    for command in [&["show"][..], &["state", "show"]] {
        let said = project.run(&[command, &["team[\"vison\"]/cluster/research/cpu"]].concat());
        assert_eq!(said.code, 1, "{}", said.stdout);
        assert!(said.stderr.contains("team[\"vision\"]/cluster/research/cpu"), "{}", said.stderr);
    }
}

#[test]
fn an_unknown_component_is_told_with_what_there_is() {
    let project = Project::empty();
    project.write("plumb.toml", "[project]\nname = \"x\"\n");
    project.write("a.yaml", "uses: plumb/dvsm-pool\nname: pool\n");
    let said = project.run(&["validate"]);
    assert_eq!(said.code, 1);
    for words in
        ["there is no built-in component `plumb/dvsm-pool`", "did you mean `plumb/dsvm-pool`?", "a.yaml:1:7"]
    {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    project.write("a.yaml", "uses: plumb/dsvm-pool\nname: pool\nwith: { name: lab, resource_group: ml, location: eu west, storage_account: Lab }\n");
    let said = project.run(&["validate"]);
    assert_eq!(said.code, 1);
    // The line of the built-in component, and the use.
    for words in
        ["plumb/dsvm-pool/share.yaml:5:7", "name: ${inputs.storage_account", "used here", "a.yaml:2:7"]
    {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
}

#[test]
fn built_in_components_are_explained() {
    let project = Project::empty();
    let all = project.ok(&["explain"]).stdout;
    assert!(all.contains("plumb/dsvm-pool"), "{all}");
    let pool = project.ok(&["explain", "plumb/dsvm-pool"]).stdout;
    for words in
        ["* storage_account    string", "Default: \"Standard_D2s_v3\"", "A secret.", "jupyterhub_url"]
    {
        assert!(pool.contains(words), "{words}: {pool}");
    }
    let said = project.run(&["explain", "plumb/dsvm"]);
    assert!(
        said.code == 1 && said.stderr.contains("there is no built-in component `plumb/dsvm`"),
        "{}",
        said.stderr
    );
}
