//! The setup task of a cluster, kept as a script for what runs one.

use std::fmt::Write as _;

use model::{Attributes, Json};
use serde_json::json;

use super::rules::Work;
use super::{Fate, kind};
use crate::write::{Document, one_line};

/// Clusters of Azure Machine Learning run nothing when a node comes. The task is kept as a script for what does.
pub(super) fn setup_task(work: &mut Work<'_>, path: &'static str, value: &Json) {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let file = format!("scripts/{}-setup.sh", work.name);
    let mut script = format!(
        "#!/bin/bash\n# The setup task of the Batch AI cluster {}, which ran it as root on each node when it came and when it booted.\n",
        one_line(&work.old.name)
    );
    for variable in value["environmentVariables"].as_array().into_iter().flatten() {
        let (name, value) =
            (variable["name"].as_str().unwrap_or_default(), variable["value"].as_str().unwrap_or_default());
        if is_variable(name) {
            let _ = writeln!(script, "export {name}='{}'", value.replace('\'', "'\\''"));
        }
    }
    let secrets: Vec<&str> = value["secrets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|secret| secret["name"].as_str())
        .collect();
    for name in secrets.iter().filter(|name| is_variable(name)) {
        let _ = writeln!(script, ": \"${{{name}:?Batch AI kept its value and never told it}}\"");
    }
    let _ = writeln!(script, "{}", text("commandLine").replace("\r\n", "\n").trim_end());
    work.files.push((file.clone(), script));
    work.documents.push(Document {
        kind: kind("setup_script"),
        name: format!("{}-setup", work.name),
        id: None,
        attributes: Attributes::from([("file", json!(file))]),
        comments: Vec::new(),
    });
    let words = format!(
        "nodes run nothing of yours: put it into the environment of the jobs; it is kept as {file} and `setup_script` {}-setup, for `setup_scripts.startup_script` of an instance",
        work.name
    );
    work.say(format!("{path}.commandLine"), &value["commandLine"], Fate::NoEqual, words);
    for variable in value["environmentVariables"].as_array().into_iter().flatten() {
        let (fate, words) = match variable["name"].as_str().is_some_and(is_variable) {
            true => (Fate::Changed, format!("`export` in {file}")),
            false => (Fate::NoEqual, "no shell can have a variable of this name".to_owned()),
        };
        work.say(format!("{path}.environmentVariables"), variable, fate, words);
    }
    for name in secrets {
        let words = format!("{name}: nobody can read its value; put it into the workspace's key vault");
        work.hide(format!("{path}.secrets"), Fate::Decide, words);
    }
    if let Some(prefix) = value.get("stdOutErrPathPrefix") {
        work.say(
            format!("{path}.stdOutErrPathPrefix"),
            prefix,
            Fate::NoEqual,
            "logs of jobs are kept by the workspace",
        );
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
