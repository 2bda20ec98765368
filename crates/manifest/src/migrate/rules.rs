//! What becomes of each field of a Batch AI cluster (batch-ai facts §8).
//!
//! [`RULES`] is the list of every field that the service knew; what a body has beside these is said to be unknown.

use model::compare::{fold_location, get};
use model::{Attributes, Json};
use serde_json::json;

use super::mounts::{self, Stores};
use super::{Fate, Field, Migrated, OldCluster, Wishes, kind, setup};
use crate::write::Document;

/// What becomes of a field.
enum Way {
    /// It is this attribute of the new cluster, as it is.
    To(&'static str),
    /// Azure Machine Learning has no equal; the words say what to do instead.
    Lost(&'static str),
    /// A secret, whose value is nowhere said; the words say what a person can do.
    Secret(&'static str),
    /// The service said so of itself: nothing that anybody asked for.
    Seen,
    /// It takes some thought.
    By(fn(&mut Work<'_>, &'static str, &Json)),
}

use Way::{By, Lost, Secret, Seen, To};

/// Every field, by its path below `properties`, in the order of reports. What lies below a field goes with it.
const RULES: &[(&str, Way)] = &[
    ("vmSize", By(size)),
    ("vmPriority", By(priority)),
    ("scaleSettings.manual.targetNodeCount", By(fixed_size)),
    ("scaleSettings.manual.nodeDeallocationOption", By(deallocation)),
    ("scaleSettings.autoScale.minimumNodeCount", To("min_instances")),
    ("scaleSettings.autoScale.maximumNodeCount", To("max_instances")),
    (
        "scaleSettings.autoScale.initialNodeCount",
        Lost("a cluster begins with `min_instances`, and jobs make it grow"),
    ),
    ("virtualMachineConfiguration.imageReference", By(image)),
    ("userAccountSettings.adminUserName", To("ssh_settings.admin_username")),
    ("userAccountSettings.adminUserSshPublicKey", To("ssh_settings.ssh_key_value")),
    (
        "userAccountSettings.adminUserPassword",
        Secret(
            "the SSH key is enough; for a password add `ssh_settings: { admin_password: ${vars.NAME} }` with a sensitive variable",
        ),
    ),
    ("subnet.id", By(subnet)),
    ("nodeSetup.setupTask", By(setup::setup_task)),
    ("nodeSetup.mountVolumes.azureFileShares", By(mounts::file_shares)),
    ("nodeSetup.mountVolumes.azureBlobFileSystems", By(mounts::containers)),
    ("nodeSetup.mountVolumes.fileServers", By(mounts::file_servers)),
    ("nodeSetup.mountVolumes.unmanagedFileSystems", By(mounts::unmanaged)),
    ("nodeSetup.performanceCountersSettings", By(performance_counters)),
    ("allocationState", Seen),
    ("allocationStateTransitionTime", Seen),
    ("creationTime", Seen),
    ("currentNodeCount", Seen),
    ("errors", Seen),
    ("nodeStateCounts", Seen),
    ("provisioningState", Seen),
    ("provisioningStateTransitionTime", Seen),
];

/// How long Batch AI was seen to keep an idle node, in seconds (batch-ai facts §3).
const IDLE_SECONDS: i64 = 360;

/// GPU sizes that Azure has retired (batch-ai facts §8).
const RETIRED: [&str; 19] = [
    "NC6",
    "NC12",
    "NC24",
    "NC24r",
    "NC6s_v2",
    "NC12s_v2",
    "NC24s_v2",
    "NC24rs_v2",
    "NC6s_v3",
    "NC12s_v3",
    "NC24s_v3",
    "NC24rs_v3",
    "ND6s",
    "ND12s",
    "ND24s",
    "ND24rs",
    "NV6",
    "NV12",
    "NV24",
];

/// A migration that is under way.
pub(super) struct Work<'a> {
    pub old: &'a OldCluster,
    pub name: &'a str,
    pub wishes: &'a Wishes,
    pub stores: &'a mut Stores,
    pub cluster: Attributes,
    pub documents: Vec<Document>,
    pub files: Vec<(String, String)>,
    pub fields: Vec<Field>,
    pub wrong: Vec<String>,
}

/// The machine size of a body.
pub(super) fn size_of(body: &Json) -> Option<String> {
    get(body, "properties.vmSize")?.as_str().map(str::to_owned)
}

/// Moves one cluster, whose new name is good.
pub(super) fn apply(
    old: &OldCluster,
    name: &str,
    wishes: &Wishes,
    stores: &mut Stores,
) -> Result<Migrated, Vec<String>> {
    let properties = &old.body["properties"];
    let mut work = Work {
        old,
        name,
        wishes,
        stores,
        cluster: Attributes::from([("workspace", json!(wishes.workspace))]),
        documents: Vec::new(),
        files: Vec::new(),
        fields: Vec::new(),
        wrong: Vec::new(),
    };
    if size_of(&old.body).is_none() {
        work.wrong.push(format!("{}: it has no `properties.vmSize`: that is no Batch AI cluster", old.label));
    }
    for (path, way) in RULES {
        if let Some(value) = get(properties, path).filter(|v| !v.is_null()) {
            work.take(path, way, value);
        }
    }
    work.strangers("", properties);
    work.account();
    work.around();
    work.finish()
}

impl Work<'_> {
    fn take(&mut self, path: &'static str, way: &Way, value: &Json) {
        match way {
            To(attribute) => {
                self.cluster.insert(attribute, value.clone());
                self.say(path, value, Fate::Carried, format!("`{attribute}`"));
            }
            Lost(words) => self.say(path, value, Fate::NoEqual, *words),
            Secret(words) => self.hide(path, Fate::Decide, *words),
            Seen => {}
            By(think) => think(self, path, value),
        }
    }

    pub fn say(&mut self, path: impl Into<String>, value: &Json, fate: Fate, words: impl Into<String>) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.fields.push(Field { path: path.into(), value, fate, words: words.into() });
    }

    pub fn hide(&mut self, path: impl Into<String>, fate: Fate, words: impl Into<String>) {
        self.fields.push(Field {
            path: path.into(),
            value: "(hidden)".to_owned(),
            fate,
            words: words.into(),
        });
    }

    /// What no rule knows is named, and not shown: nobody here can tell whether it is secret.
    fn strangers(&mut self, path: &str, value: &Json) {
        for (key, value) in value.as_object().into_iter().flatten() {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let is_known = RULES.iter().any(|(known, _)| *known == path);
            let leads_on =
                RULES.iter().any(|(known, _)| known.strip_prefix(&path).is_some_and(|r| r.starts_with('.')));
            match (is_known, leads_on) {
                (true, _) => {}
                (false, true) => self.strangers(&path, value),
                (false, false) => {
                    self.hide(path, Fate::NoEqual, "Batch AI had no such field; it is left out")
                }
            }
        }
    }

    /// An account needs something to log in with. With one, nodes can be reached as they could before.
    fn account(&mut self) {
        let has = |path: &str, cluster: &Attributes| cluster.contains_key(path);
        if !has("ssh_settings.admin_username", &self.cluster) {
            return;
        }
        if has("ssh_settings.ssh_key_value", &self.cluster) {
            self.cluster.insert("ssh_public_access_enabled", json!(true));
            let words = "`ssh_public_access_enabled: true`, as every node of Batch AI could be reached; without it the port is closed";
            self.fields.push(Field {
                path: "userAccountSettings".into(),
                value: "SSH".into(),
                fate: Fate::Changed,
                words: words.into(),
            });
            return;
        }
        self.cluster.remove("ssh_settings.admin_username");
        let words = "left out: an account needs a key or a password; add `ssh_settings: { admin_username: …, ssh_key_value: … }`";
        for field in self.fields.iter_mut().filter(|f| f.path == "userAccountSettings.adminUserName") {
            (field.fate, field.words) = (Fate::Decide, words.to_owned());
        }
    }

    /// What the old cluster did not say.
    fn around(&mut self) {
        self.cluster.insert("idle_time_before_scale_down", json!(IDLE_SECONDS));
        let words = "`idle_time_before_scale_down: 360`: Batch AI let idle nodes go after about six minutes, and could not be told otherwise";
        self.fields.push(Field {
            path: "(idle time)".into(),
            value: String::new(),
            fate: Fate::Decide,
            words: words.into(),
        });
        if let Some(location) = &self.old.location {
            let elsewhere =
                self.wishes.location.as_deref().is_some_and(|l| fold_location(l) != fold_location(location));
            let (fate, words) = match elsewhere {
                true => (
                    Fate::Decide,
                    "the new cluster is in its workspace's region; `location` puts it elsewhere, which is a preview feature",
                ),
                false => (Fate::Carried, "the region of the workspace"),
            };
            let location = json!(location);
            self.say("(location)", &location, fate, words);
        }
        if !self.old.tags.is_empty() {
            let tags = json!(self.old.tags);
            self.say("(tags of the workspace)", &tags, Fate::Changed, "`tags` of the cluster");
            self.cluster.insert("tags", tags);
        }
    }

    fn finish(self) -> Result<Migrated, Vec<String>> {
        if !self.wrong.is_empty() {
            return Err(self.wrong);
        }
        let comments = vec![format!("In the place of the Batch AI cluster {}.", self.old.name)];
        let cluster = Document {
            kind: kind("cluster"),
            name: self.name.to_owned(),
            id: None,
            attributes: self.cluster,
            comments,
        };
        Ok(Migrated {
            old: self.old.name.clone(),
            name: self.name.to_owned(),
            documents: std::iter::once(cluster).chain(self.documents).collect(),
            files: self.files,
            fields: self.fields,
        })
    }
}

fn size(work: &mut Work<'_>, path: &'static str, value: &Json) {
    let old = value.as_str().unwrap_or_default();
    let asked = work.wishes.sizes.iter().find(|(from, _)| from.eq_ignore_ascii_case(old));
    let new = asked.map_or_else(|| canonical_size(old), |(_, to)| to.clone());
    let bare = new.split_once('_').map_or("", |(_, rest)| rest);
    if RETIRED.iter().any(|retired| retired.eq_ignore_ascii_case(bare)) {
        work.wrong.push(format!(
            "{}: Azure has retired the size {new}: say another with `--size {old}=SIZE`, such as Standard_NC4as_T4_v3 (`plumb quota --all` shows the families that you have)",
            work.old.label
        ));
    }
    let fate = if new == old { Fate::Carried } else { Fate::Changed };
    work.say(path, value, fate, format!("`size: {new}`"));
    work.cluster.insert("size", json!(new));
}

/// The usual casing of a size that is written in capitals: `STANDARD_D2S_V3` is `Standard_D2s_v3`.
fn canonical_size(size: &str) -> String {
    let Some((tier, rest)) = size.split_once('_').filter(|_| !size.chars().any(|c| c.is_ascii_lowercase()))
    else {
        return size.to_owned();
    };
    let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    let (family, tail) = rest.split_at(digits);
    let tier: String =
        tier.chars().take(1).chain(tier.chars().skip(1).map(|c| c.to_ascii_lowercase())).collect();
    format!("{tier}_{family}{}", tail.to_ascii_lowercase())
}

fn priority(work: &mut Work<'_>, path: &'static str, value: &Json) {
    let tier = match value.as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
        "lowpriority" => "low_priority",
        _ => "dedicated",
    };
    work.cluster.insert("tier", json!(tier));
    work.say(path, value, Fate::Changed, format!("`tier: {tier}`"));
}

/// A fixed size is a smallest number of nodes that is also the largest.
fn fixed_size(work: &mut Work<'_>, path: &'static str, value: &Json) {
    let count = value.as_i64().unwrap_or(0);
    let (max, words) = match count {
        0 => {
            let max = work.wishes.max_when_empty;
            (
                max,
                format!(
                    "`min_instances: 0` and `max_instances: {max}`: jobs make it grow; `--max-instances N` says another largest number"
                ),
            )
        }
        _ => (
            count,
            format!(
                "`min_instances: {count}` and `max_instances: {count}`; a smaller `min_instances` costs less"
            ),
        ),
    };
    work.cluster.insert("min_instances", json!(count));
    work.cluster.insert("max_instances", json!(max));
    work.say(path, value, if count == 0 { Fate::Decide } else { Fate::Changed }, words);
}

fn deallocation(work: &mut Work<'_>, path: &'static str, value: &Json) {
    let is_usual = value.as_str().is_some_and(|word| word.eq_ignore_ascii_case("requeue"));
    let words = match is_usual {
        true => "Azure Machine Learning takes no node away that a job runs on, but low-priority ones",
        false => "there is no such choice: nodes are let go when they idle; cancel jobs by hand",
    };
    work.say(path, value, Fate::NoEqual, words);
}

fn image(work: &mut Work<'_>, path: &'static str, value: &Json) {
    let text = model::image::from_arm(value).unwrap_or_else(|| value.clone());
    if let Some(id) = value.get("virtualMachineImageId").filter(|id| !id.is_null()) {
        let words = "images of one's own are restricted there: put what it has into the environment of the jobs (a container image)";
        work.say(format!("{path}.virtualMachineImageId"), id, Fate::Decide, words);
    }
    let is_desktop =
        value["publisher"].as_str().is_some_and(|p| p.to_ascii_lowercase().starts_with("microsoft-ads"));
    let (fate, words) = match is_desktop {
        true => (
            Fate::Decide,
            "nodes have the service's own Linux image; who worked on them by hand takes `kind: instance`, or `uses: plumb/dsvm-pool`",
        ),
        false => {
            (Fate::NoEqual, "nodes have the service's own Linux image; jobs choose theirs as an environment")
        }
    };
    work.say(path, &text, fate, words);
}

/// A subnet that Batch AI made for a file server has its group's name.
fn subnet(work: &mut Work<'_>, path: &'static str, value: &Json) {
    let of_server =
        value.as_str().is_some_and(|id| id.to_ascii_lowercase().contains("/resourcegroups/fileserverrg-"));
    let mounts_one = get(&work.old.body, "properties.nodeSetup.mountVolumes.fileServers").is_some();
    if of_server || (mounts_one && work.old.body.get("id").is_some()) {
        let words = "left out: it is the network of the file server, which goes with the old service; add `network_settings: { subnet: ID }` for one of yours";
        work.say(path, value, Fate::Decide, words);
        return;
    }
    work.cluster.insert("network_settings.subnet", value.clone());
    work.say(path, value, Fate::Carried, "`network_settings.subnet`");
}

/// The key of the insights is one of its parts.
fn performance_counters(work: &mut Work<'_>, path: &'static str, value: &Json) {
    let component = get(value, "appInsightsReference.component.id").unwrap_or(&Json::Null);
    work.say(path, component, Fate::NoEqual, "the workspace's own Application Insights takes what jobs log");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_capitals_get_their_usual_casing() {
        for (from, to) in [
            ("STANDARD_NC6", "Standard_NC6"),
            ("STANDARD_D2S_V3", "Standard_D2s_v3"),
            ("STANDARD_NC24RS_V2", "Standard_NC24rs_v2"),
            ("Standard_DS3_v2", "Standard_DS3_v2"),
            ("odd", "odd"),
        ] {
            assert_eq!(canonical_size(from), to);
        }
    }
}
