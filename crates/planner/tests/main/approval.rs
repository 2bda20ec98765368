//! Saved plans: what goes in comes out, no edit survives, and what moved is named.

use std::fs;

use model::{Address, Json, Live, Seal, Snapshot};
use planner::render::{self, Paint};
use planner::{Approval, Asked, Made, Plan, Proposal, Unusable};
use serde_json::json;
use testkit::Random;

use crate::case::Case;

/// Every case of `testdata/plan` that gives a plan without errors.
fn cases() -> Vec<(String, Case, Plan)> {
    let root = testkit::workspace_root().join("testdata/plan");
    let folders = fs::read_dir(&root).expect("testdata").flatten().map(|e| e.path()).filter(|p| p.is_dir());
    let planned = |folder: std::path::PathBuf| {
        let case = Case::read(&folder);
        let plan = (!case.diagnostics.has_errors()).then(|| case.plan().ok()).flatten()?;
        (!plan.diagnostics.has_errors()).then(|| (folder.display().to_string(), case, plan))
    };
    folders.filter_map(planned).collect()
}

fn case(name: &str) -> Case {
    Case::read(&testkit::workspace_root().join("testdata/plan").join(name))
}

fn approval_of(case: &Case, plan: &Plan) -> Approval {
    let nothing = Live::default();
    let proposal = Proposal {
        plan,
        options: &case.options,
        snapshot: Some(&case.snapshot).filter(|s| s.serial > 0),
        live: case.live.as_ref().unwrap_or(&nothing),
        seal: &case.seal,
    };
    let made =
        Made { owner: "tester".to_owned(), host: "here".to_owned(), time: "2026-11-21T08:00:00Z".to_owned() };
    let asked = Asked { variables: vec!["location=westeurope".to_owned()], ..Asked::default() };
    Approval::new(&proposal, made, asked)
}

fn approved(case: &Case) -> Approval {
    let plan = case.plan().unwrap_or_else(|e| panic!("{e:?}"));
    assert!(!plan.diagnostics.has_errors(), "{:?}", plan.diagnostics);
    approval_of(case, &plan)
}

#[test]
fn a_saved_plan_reads_and_shows_as_the_plan_it_was_made_of() {
    let cases = cases();
    assert!(cases.len() > 20);
    for (name, case, plan) in cases {
        let approval = approval_of(&case, &plan);
        let text = approval.encode(&case.seal);
        let back = Approval::decode(text.as_bytes(), &case.seal).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(back, approval, "{name}");
        assert!(back.moved(&approval).is_empty(), "{name}: {:?}", back.moved(&approval));
        let (mut plan, shown) = (plan, back.shown());
        plan.ground = shown.ground.clone();
        // Warnings are about documents, and not part of what is approved.
        plan.diagnostics = Default::default();
        assert_eq!(render::human(&plan, Paint(true)), render::human(&shown, Paint(true)), "{name}");
        assert_eq!(render::json(&plan), render::json(&shown), "{name}");
        assert_eq!(render::markdown(&plan), render::markdown(&shown), "{name}");
        assert_eq!(plan.steps, shown.steps, "{name}");
    }
}

#[test]
fn every_edited_byte_and_every_cut_is_noticed() {
    let case = case("manifest_change");
    let text = approved(&case).encode(&case.seal).into_bytes();
    let refused = |bytes: &[u8], what: &str| {
        assert!(Approval::decode(bytes, &case.seal).is_err(), "{what}");
    };
    let mut bytes = text.clone();
    let mut random = Random::new(20_261_121);
    for at in 0..text.len() {
        let other = text[at] ^ (1 << random.below(8));
        bytes[at] = other;
        refused(&bytes, &format!("byte {at} as {other}"));
        bytes[at] = text[at];
        refused(&text[..at], &format!("cut at {at}"));
    }
    assert_eq!(bytes, text);
    refused(&[&text[..], b"\n"].concat(), "a line more");
    refused(&[&text[..], &text[..]].concat(), "twice");
}

#[test]
fn who_seals_anew_without_the_key_is_refused() {
    let case = case("manifest_change");
    let other = Seal::new(&[8; 32]);
    let text = approved(&case).encode(&other);
    let refused = Approval::decode(text.as_bytes(), &case.seal).expect_err("another key");
    assert!(matches!(refused, Unusable::Edited), "{refused}: it says of itself that it is of this key");
    let made_elsewhere = Case { seal: other, ..case };
    let text = approved(&made_elsewhere).encode(&made_elsewhere.seal);
    let refused = Approval::decode(text.as_bytes(), &Seal::new(&[7; 32])).expect_err("another key");
    assert!(matches!(refused, Unusable::OtherKey { .. }), "{refused}");
}

#[test]
fn what_is_no_saved_plan_says_so() {
    let seal = Seal::new(&[7; 32]);
    let why = |bytes: &[u8]| Approval::decode(bytes, &seal).expect_err("refused").to_string();
    assert_eq!(why(b""), "is cut short");
    assert_eq!(why(b"{\n  \"form"), "is cut short");
    assert_eq!(why(b"PK\x03\x04"), "is no saved plan");
    assert_eq!(why(b"kind: cluster\n"), "is no saved plan");
    assert!(why(br#"{"format": 2, "seal": "x", "approval": {}}"#).starts_with("has format 2"));
    assert!(why(&[b'['; 100_000]).contains("no saved plan"));
}

#[test]
fn a_plan_of_another_version_is_refused_by_name() {
    let case = case("manifest_change");
    let approval = approved(&case);
    let ours = concat!("plumb ", env!("CARGO_PKG_VERSION"));
    let mut json: Json = serde_json::to_value(&approval).expect("JSON");
    json["tool"] = json!("plumb 9.9.9");
    let other: Approval = serde_json::from_value(json).expect("an approval");
    let text = other.encode(&case.seal);
    let words = Approval::decode(text.as_bytes(), &case.seal).expect_err("refused").to_string();
    assert!(words.contains("plumb 9.9.9") && words.contains(ours), "{words}");
}

/// What is said when, between plan and apply, `edit` happens to the case.
fn reasons(name: &str, edit: impl Fn(&mut Case)) -> Vec<String> {
    let mut case = case(name);
    let then = approved(&case);
    edit(&mut case);
    let plan = case.plan().unwrap_or_else(|e| panic!("{e:?}"));
    then.moved(&approval_of(&case, &plan)).into_iter().map(|d| d.summary).collect()
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

const CPU: &str = "cluster/research/cpu";

fn live<'c>(case: &'c mut Case, text: &str) -> &'c mut model::Observed {
    let live = case.live.as_mut().expect("live");
    live.resources.get_mut(&address(text)).unwrap_or_else(|| panic!("{text} is live"))
}

fn desired<'c>(case: &'c mut Case, text: &str) -> &'c mut model::Resource {
    case.resources.iter_mut().find(|r| r.address.as_str() == text).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn a_comment_or_a_moved_line_changes_nothing() {
    for (name, mut case, plan) in cases() {
        let then = approval_of(&case, &plan);
        case.resources.iter_mut().for_each(|r| r.source.push('9'));
        let plan = case.plan().expect("a plan");
        assert_eq!(then.moved(&approval_of(&case, &plan)), Vec::new(), "{name}");
    }
}

#[test]
fn a_live_resource_that_moved_is_named_with_both_values() {
    let said = reasons("manifest_change", |case| {
        live(case, CPU).attributes.insert("max_instances", json!(40));
    });
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(CPU) && said[0].contains("`max_instances` was 4, and is 40"), "{said:?}");
}

#[test]
fn a_live_value_that_nobody_manages_counts_too() {
    let said = reasons("manifest_change", |case| {
        live(case, CPU).attributes.insert("description", json!("mine"));
    });
    assert_eq!(
        said,
        [format!("{CPU} moved in Azure since the plan was made: `description` has another value")]
    );
}

#[test]
fn a_resource_that_is_gone_or_new_is_named() {
    let said = reasons("manifest_change", |case| live(case, CPU).created = Some(5));
    assert!(said[0].ends_with("it was deleted and made again"), "{said:?}");
    let said = reasons("manifest_change", |case| {
        case.live.as_mut().expect("live").resources.remove(&address(CPU));
    });
    assert!(said[0].ends_with("it is gone"), "{said:?}");
}

#[test]
fn a_power_state_that_moves_by_itself_is_no_move() {
    let said = reasons("schedules", |case| {
        let instances: Vec<Address> = case.resources.iter().map(|r| r.address.clone()).collect();
        for instance in instances.iter().filter(|a| a.kind() == "instance") {
            live(case, instance.as_str()).attributes.insert("power", json!("stopped"));
        }
    });
    assert_eq!(said, Vec::<String>::new());
}

#[test]
fn an_edited_manifest_is_named_by_attribute() {
    let said = reasons("manifest_change", |case| {
        desired(case, CPU).attributes.insert("max_instances", json!(99).into());
    });
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("`max_instances` is 4 -> ") && said[0].contains("would now be 4 -> 99"),
        "{said:?}"
    );
}

#[test]
fn a_secret_that_changed_again_is_noticed_and_not_shown() {
    let name = "secret";
    let path = "ssh_settings.admin_password";
    let said = reasons(name, |case| {
        let resource = case.resources.iter_mut().find(|r| r.attributes.contains_key(path)).expect("one");
        resource.attributes.insert(path, model::Value::Secret(model::Secret::new("c4nary")));
    });
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(path) && said[0].contains("has another value"), "{said:?}");
    assert!(!said[0].contains("c4nary"));
}

#[test]
fn what_a_document_says_of_its_life_counts() {
    let said = reasons("manifest_change", |case| desired(case, CPU).lifecycle.prevent_destroy = true);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("is described otherwise"), "{said:?}");
    let said = reasons("create", |case| {
        let any = case.resources.iter_mut().find(|r| r.kind.name == "cluster").expect("a cluster");
        any.lifecycle.prevent_destroy = true;
    });
    assert!(said[0].contains("is described otherwise by the manifests"), "{said:?}");
}

#[test]
fn a_state_that_moved_is_stale_whatever_its_serial() {
    let serial = reasons("manifest_change", |case| case.snapshot.serial += 1);
    assert_eq!(
        serial,
        ["the plan is stale: it stands on serial 4 of the state, and the state is at serial 5"]
    );
    let lineage = reasons("manifest_change", |case| case.snapshot.lineage.push('x'));
    assert!(lineage[0].contains("lineage"), "{lineage:?}");
    let under_the_same = reasons("manifest_change", |case| {
        let entry = case.snapshot.resources.get_mut(&address(CPU)).expect("it is in the state");
        entry.applied.insert("description", json!("edited"));
    });
    assert_eq!(under_the_same, ["the plan is stale: the state was changed since, under the same serial 4"]);
    let elsewhere = reasons("manifest_change", |case| case.options.environment = "prod".to_owned());
    assert_eq!(elsewhere, ["the plan is stale: it is for no environment, and this is environment prod"]);
    let cloud = reasons("manifest_change", |case| case.options.cloud = "azure/x".to_owned());
    assert!(cloud[0].contains("and this is azure/x"), "{cloud:?}");
}

#[test]
fn a_first_plan_is_stale_once_there_is_a_state() {
    let mut case = case("create");
    case.snapshot = Snapshot { lineage: "made up for this run".to_owned(), ..Snapshot::default() };
    let then = approved(&case);
    case.snapshot.lineage = "made up for another run".to_owned();
    assert!(then.moved(&approved(&case)).is_empty());
    case.snapshot.serial = 1;
    let said = then.moved(&approved(&case));
    assert!(said[0].summary.contains("there was no state when it was made"), "{said:?}");
}

#[test]
fn options_are_part_of_what_is_approved() {
    let said = reasons("manifest_change", |case| case.options.max_deletes = Some(3));
    assert_eq!(said, ["`max_deletes` was null when the plan was made, and is 3"]);
}

/// Whatever is edited, if the plans do not do the same, at least one reason is given.
#[test]
fn no_difference_goes_without_a_reason() {
    let all = cases();
    let mut random = Random::new(20_261_121);
    for (name, case, plan) in &all {
        let then = approval_of(case, plan);
        let (other, other_case, other_plan) = random.pick(&all);
        if name != other {
            let now = approval_of(other_case, other_plan);
            assert!(!then.moved(&now).is_empty() || then == now, "{name} and {other}");
        }
        for at in 0..case.resources.len() {
            let mut changed = Case::read(std::path::Path::new(name));
            changed.resources.remove(at);
            let Ok(plan) = changed.plan() else { continue };
            let now = approval_of(&changed, &plan);
            let same = render::json(&now.shown()) == render::json(&then.shown());
            assert!(same || !then.moved(&now).is_empty(), "{name} without {at}");
        }
    }
}
