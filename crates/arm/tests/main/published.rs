//! Microsoft's published examples, where this checkout has them beside it.

use std::path::{Path, PathBuf};

use model::body::{from_arm, to_arm};
use model::compare::get;
use model::{Kind, kinds};
use serde_json::Value as Json;

fn folder() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|a| a.join("shared/azure/examples")).find(|f| f.is_dir())
}

/// The published request bodies whose file name begins so, of kinds that plumb knows.
fn bodies(prefix: &str) -> Vec<(String, &'static Kind, Json)> {
    let Some(folder) = folder() else {
        println!("skipped: there is no shared/azure/examples beside this checkout");
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(prefix) && name.ends_with(".json") {
            let example: Json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let body = example["request"]["body"].clone();
            let kind = match body["properties"]["computeType"].as_str() {
                None => kinds::find("workspace"),
                Some("AmlCompute") => kinds::find("cluster"),
                Some("ComputeInstance") => kinds::find("instance"),
                Some(_) => continue,
            };
            found.push((name, kind.unwrap(), body));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Every field that the kind's table knows, except what nothing can mean: words like `NotSpecified`
/// leave the choice to Azure, and hidden values are never read back.
fn assert_kept(name: &str, kind: &Kind, body: &Json) {
    let attributes = from_arm(kind, body);
    let again = to_arm(kind, attributes.iter().map(|(k, v)| (*k, v)));
    for attribute in kind.attributes.iter().filter(|a| !a.arm.is_empty() && !a.is_hidden()) {
        let Some(given) = get(body, attribute.arm) else { continue };
        if !attributes.contains_key(attribute.path) || !model::body::is_sent(attribute) {
            println!("{name}: {} stays out: {given}", attribute.path);
            continue;
        }
        let kept = get(&again, attribute.arm).cloned().unwrap_or_default();
        let same = |a: &Json, b: &Json| a.to_string().eq_ignore_ascii_case(&b.to_string());
        assert!(
            same(&kept, given) || covers(&kept, given),
            "{name}: {}: {given} became {kept}",
            attribute.path
        );
    }
}

/// Parts of a custom application that plumb's tables leave out.
const LEFT_OUT: [&str; 2] = ["kernel", "hostIp"];

/// Whether `kept` says everything that `given` does, defaults aside.
fn covers(kept: &Json, given: &Json) -> bool {
    match (kept, given) {
        (Json::Object(kept), Json::Object(given)) => {
            let known = given.iter().filter(|(key, _)| !LEFT_OUT.contains(&key.as_str()));
            known.into_iter().all(|(key, value)| kept.get(key).is_some_and(|k| covers(k, value)))
        }
        (Json::Array(kept), Json::Array(given)) => {
            kept.len() == given.len() && kept.iter().zip(given).all(|(k, g)| covers(k, g))
        }
        (kept, given) => kept == given,
    }
}

#[test]
fn published_creates_survive_the_mapping() {
    for prefix in ["compute-create-", "workspace-create"] {
        for (name, kind, body) in bodies(prefix) {
            assert_kept(&name, kind, &body);
        }
    }
}
