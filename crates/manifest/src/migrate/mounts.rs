//! Mounts become datastores, which jobs mount: one for each container or share, however many clusters mounted it.

use std::collections::{BTreeMap, BTreeSet};

use model::Json;
use serde_json::json;

use super::{Wishes, kind};
use crate::write::Document;

/// What a datastore stands for: a type of datastore, an account, and a share or container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
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
    pub(super) fn of(&mut self, target: &Target, mount: &str, wishes: &Wishes) -> (String, Option<Document>) {
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
pub(super) fn share_of(mount: &Json) -> Option<(String, String)> {
    let url = mount["azureFileUrl"].as_str()?;
    let (host, share) = url.split_once("://")?.1.split_once('/')?;
    let share = share.trim_end_matches('/');
    let account = mount["accountName"].as_str().unwrap_or_else(|| host.split('.').next().unwrap_or_default());
    (!share.is_empty() && !share.contains('/')).then(|| (account.to_owned(), share.to_owned()))
}
