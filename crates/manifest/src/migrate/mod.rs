//! Clusters of Batch AI, the retired service, as what Azure Machine Learning has in their place: a cluster, datastores
//! for its mounts, and a setup script.
//!
//! Nothing is lost silently: each field of the old cluster has its [`Field`], which says what became of it. Secrets are
//! never carried over; what held them says so.

mod command;
mod mounts;
mod rules;
mod setup;
mod shell;

use std::collections::{BTreeMap, BTreeSet};

use model::body::to_arm;
use model::compare::set;
use model::rule::nearest;
use model::{Json, Kind, Observed, kinds};

use crate::write::Document;

pub use command::{Command, commands};

/// A cluster as Batch AI has it.
#[derive(Debug, Clone)]
pub struct OldCluster {
    /// What to call it in messages: a file, a line of a script, an ARM id.
    pub label: String,
    /// Its name.
    pub name: String,
    /// `{"properties": …}`: an answer of the service, or a configuration file of the old command line.
    pub body: Json,
    /// Its region, where that is known.
    pub location: Option<String>,
    /// The tags of its workspace: clusters had none.
    pub tags: BTreeMap<String, String>,
}

impl OldCluster {
    /// A live cluster, as far as the service told of it; region and tags are those of its workspace.
    pub fn live(observed: &Observed, location: Option<String>, tags: BTreeMap<String, String>) -> Self {
        let kind = kind("batch_ai_cluster");
        let mut body = to_arm(kind, observed.attributes.iter().map(|(path, value)| (*path, value)));
        for computed in kind.computed {
            if let Some(value) = observed.computed.get(computed.name) {
                set(&mut body, computed.arm, value.clone());
            }
        }
        // What tells it from a file that somebody wrote.
        body["id"] = Json::from(observed.arm_id.as_str());
        Self {
            label: observed.arm_id.to_string(),
            name: observed.arm_id.name().to_owned(),
            body,
            location,
            tags,
        }
    }

    /// What a configuration file of the old command line describes.
    pub fn configured(file: &str, text: &str, name: &str) -> Result<Self, String> {
        let body = crate::foreign::json(text).map_err(|why| format!("{file} {why}"))?;
        Ok(Self {
            label: file.to_owned(),
            name: name.to_owned(),
            body,
            location: None,
            tags: BTreeMap::new(),
        })
    }
}

/// What the old service does not say.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// The workspace to move to, as manifests name it.
    pub workspace: String,
    /// The region of that workspace, where it is known.
    pub location: Option<String>,
    /// New machine sizes by old ones.
    pub sizes: BTreeMap<String, String>,
    /// New names by old ones.
    pub names: BTreeMap<String, String>,
    /// The largest number of nodes of a cluster that had a fixed size of none.
    pub max_when_empty: i64,
    /// The storage account of mounts that name none: auto storage, and placeholders of configuration files.
    pub storage_account: Option<String>,
}

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is in the new documents as it was.
    Carried,
    /// It is there in another form.
    Changed,
    /// A person has to decide.
    Decide,
    /// Azure Machine Learning has no equal.
    NoEqual,
}

impl Fate {
    /// In words, for reports.
    pub fn words(self) -> &'static str {
        match self {
            Fate::Carried => "carried over",
            Fate::Changed => "changed",
            Fate::Decide => "to decide",
            Fate::NoEqual => "no equal",
        }
    }
}

/// A field of the old cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its path below `properties`, as the service and configuration files spell it.
    pub path: String,
    /// Its value; `(hidden)` for what is secret.
    pub value: String,
    /// What became of it.
    pub fate: Fate,
    /// Where it is now, or what to do.
    pub words: String,
}

/// What takes the place of a cluster.
#[derive(Debug, Clone)]
pub struct Migrated {
    /// The old cluster's name.
    pub old: String,
    /// The new one's.
    pub name: String,
    /// Its documents, the cluster first.
    pub documents: Vec<Document>,
    /// Files that documents name: path below the project and text.
    pub files: Vec<(String, String)>,
    /// Every field of the old cluster, in the order of its properties.
    pub fields: Vec<Field>,
}

/// Moves clusters. All that is in the way is said at once, each with the flag that helps.
pub fn migrate(old: &[OldCluster], wishes: &Wishes) -> Result<Vec<Migrated>, Vec<String>> {
    let mut wrong = Vec::new();
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    let mut moved = Vec::new();
    let mut stores = mounts::Stores::default();
    for cluster in old {
        let name = name(cluster, wishes).unwrap_or_else(|why| {
            wrong.push(why);
            String::new()
        });
        if let Some(other) =
            taken.insert(name.to_ascii_lowercase(), &cluster.label).filter(|_| !name.is_empty())
        {
            wrong.push(format!(
                "{} and {other} would both be called {name:?}: say `--rename {}=NAME`",
                cluster.label, cluster.name
            ));
        }
        match rules::apply(cluster, &name, wishes, &mut stores) {
            Ok(new) => moved.push(new),
            Err(why) => wrong.extend(why),
        }
    }
    let unknown = |asked: &BTreeMap<String, String>, flag: &str, there: BTreeSet<String>| -> Vec<String> {
        let strange = asked.keys().filter(|key| !there.iter().any(|t| t.eq_ignore_ascii_case(key)));
        strange
            .map(|key| {
                let near = nearest(key, there.iter().map(String::as_str));
                let hint = near.map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
                format!("{flag} {key}=…: no cluster here has that{hint}")
            })
            .collect()
    };
    wrong.extend(unknown(&wishes.names, "--rename", old.iter().map(|c| c.name.clone()).collect()));
    wrong.extend(unknown(
        &wishes.sizes,
        "--size",
        old.iter().filter_map(|c| rules::size_of(&c.body)).collect(),
    ));
    if wrong.is_empty() { Ok(moved) } else { Err(wrong) }
}

/// What the cluster is called from now on: Azure Machine Learning takes fewer names than Batch AI did.
fn name(cluster: &OldCluster, wishes: &Wishes) -> Result<String, String> {
    let asked = wishes.names.iter().find(|(old, _)| old.eq_ignore_ascii_case(&cluster.name));
    let name = asked.map_or_else(|| cluster.name.replace('_', "-"), |(_, new)| new.clone());
    let json = Json::from(name.as_str());
    match kind("cluster").name_rules.iter().find_map(|rule| rule.violation(&json)) {
        None => Ok(name),
        Some(why) => {
            Err(format!("{}: the name {name:?} {why}: say `--rename {}=NAME`", cluster.label, cluster.name))
        }
    }
}

fn kind(name: &str) -> &'static Kind {
    kinds::find(name).expect("BUG: documents are made of kinds that there are")
}
