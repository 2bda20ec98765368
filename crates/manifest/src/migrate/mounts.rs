//! Mounts become datastores, which jobs mount: one for each container or share, however many clusters mounted it.

use std::collections::{BTreeMap, BTreeSet};

use model::Json;
use serde_json::json;

use super::command::is_unnamed;
use super::rules::Work;
use super::{Fate, Wishes, kind};
use crate::write::Document;

/// What a datastore stands for: a type of datastore, an account, and a share or container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    /// `azure_file` or `azure_blob`.
    pub kind: &'static str,
    /// The storage account.
    pub account: String,
    /// The share or container.
    pub store: String,
}

/// The datastores made so far.
#[derive(Debug, Default)]
pub(super) struct Stores {
    names: BTreeMap<Target, String>,
    taken: BTreeSet<String>,
}

impl Stores {
    /// The datastore for a target, and its document if it is new. It is called as the mount was, as far as that is free.
    fn of(&mut self, target: &Target, mount: &str, wishes: &Wishes) -> (String, Option<Document>) {
        if let Some(name) = self.names.get(target) {
            return (name.clone(), None);
        }
        let plain = [name_of(mount), name_of(&format!("{}_{mount}", target.account))].into_iter();
        let numbered = (2..).map(|n| format!("{}_{n}", name_of(&format!("{}_{mount}", target.account))));
        let free = |name: &String| !name.is_empty() && self.taken.insert(name.clone());
        let name = plain.chain(numbered).find(free).expect("BUG: there are numbers without end");
        self.names.insert(target.clone(), name.clone());
        (name.clone(), Some(document(target, name, wishes)))
    }
}

/// Azure takes letters, digits and `_` everywhere that a datastore is named.
fn name_of(text: &str) -> String {
    let name: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    name.trim_matches('_').to_owned()
}

fn document(target: &Target, name: String, wishes: &Wishes) -> Document {
    let store = if target.kind == "azure_file" { "file_share_name" } else { "container_name" };
    let attributes = [
        ("workspace", json!(wishes.workspace)),
        ("type", json!(target.kind)),
        ("account_name", json!(target.account)),
        (store, json!(target.store)),
    ];
    Document {
        kind: kind("datastore"),
        name,
        id: None,
        attributes: attributes.into_iter().collect(),
        comments: Vec::new(),
    }
}

/// The account and share of `https://ACCOUNT.file.core.windows.net/SHARE`.
fn share_of(mount: &Json) -> Option<(String, String)> {
    let url = mount["azureFileUrl"].as_str()?;
    let (host, share) = url.split_once("://")?.1.split_once('/')?;
    let share = share.trim_end_matches('/');
    let account = mount["accountName"].as_str().unwrap_or_else(|| host.split('.').next().unwrap_or_default());
    (!share.is_empty() && !share.contains('/')).then(|| (account.to_owned(), share.to_owned()))
}

fn each<'v>(path: &'static str, value: &'v Json) -> impl Iterator<Item = (String, &'v Json)> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().enumerate().map(move |(at, mount)| (format!("{path}[{at}]"), mount))
}

pub(super) fn file_shares(work: &mut Work<'_>, path: &'static str, value: &Json) {
    for (path, mount) in each(path, value) {
        let Some((account, share)) = share_of(mount) else {
            work.say(
                path,
                &mount["azureFileUrl"],
                Fate::Decide,
                "that is no address of a share: write its `datastore` by hand",
            );
            continue;
        };
        work.datastore(&path, mount, Target { kind: "azure_file", account, store: share });
        for mode in ["fileMode", "directoryMode"] {
            if let Some(value) = mount.get(mode).filter(|value| *value != "0777") {
                work.say(
                    format!("{path}.{mode}"),
                    value,
                    Fate::NoEqual,
                    "files belong to whoever runs the job",
                );
            }
        }
    }
}

pub(super) fn containers(work: &mut Work<'_>, path: &'static str, value: &Json) {
    for (path, mount) in each(path, value) {
        let text = |key: &str| mount[key].as_str().unwrap_or_default().to_owned();
        let target =
            Target { kind: "azure_blob", account: text("accountName"), store: text("containerName") };
        work.datastore(&path, mount, target);
        if let Some(options) = mount.get("mountOptions").filter(|options| !options.is_null()) {
            work.say(
                format!("{path}.mountOptions"),
                options,
                Fate::NoEqual,
                "jobs say how they mount: `ro_mount`, `rw_mount`, `download`",
            );
        }
    }
}

impl Work<'_> {
    fn datastore(&mut self, path: &str, mount: &Json, mut target: Target) {
        let relative = mount["relativeMountPath"].as_str().unwrap_or_default();
        if is_unnamed(&target.account) {
            match &self.wishes.storage_account {
                Some(account) => target.account.clone_from(account),
                None => {
                    self.wrong.push(format!(
                        "{}: {path}: the storage account has no name here (auto storage had one in each region: `az storage account list -g batchaiautostorage`): say `--storage-account NAME`",
                        self.old.label
                    ));
                    return;
                }
            }
        }
        let shown = json!(format!("{}/{}", target.account, target.store));
        let (name, document) = self.stores.of(&target, relative, self.wishes);
        self.documents.extend(document);
        let words = format!(
            "`datastore` {name}: a job has it as an input, `azureml://datastores/{name}/paths/`, in the place of $AZ_BATCHAI_MOUNT_ROOT/{relative}"
        );
        self.say(path, &shown, Fate::Changed, words);
        if mount.get("credentials").is_some() {
            let words = format!(
                "jobs open {name} as whoever runs them; for a key add `credentials: {{ type: account_key, account_key: ${{vars.NAME}} }}` with a sensitive variable"
            );
            self.hide(format!("{path}.credentials"), Fate::Decide, words);
        }
    }
}

pub(super) fn file_servers(work: &mut Work<'_>, path: &'static str, value: &Json) {
    for (path, mount) in each(path, value) {
        let id = &mount["fileServer"]["id"];
        work.say(
            path,
            id,
            Fate::NoEqual,
            "copy its data to a share or container, and write a `datastore` for that, before the server goes",
        );
    }
}

pub(super) fn unmanaged(work: &mut Work<'_>, path: &'static str, value: &Json) {
    for (path, _) in each(path, value) {
        // Such commands have passwords in them.
        work.hide(path, Fate::NoEqual, "a command of yours mounted it; jobs mount datastores alone");
    }
}
