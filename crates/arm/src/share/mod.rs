//! Files on a workspace's file share: the one part of Azure that plumb reaches beside Resource Manager.
//!
//! The workspace says which storage account it has, and its datastore `workspaceworkingdirectory` the share's name. The
//! host follows from the account's name and the cloud alone, so that no reply names where a token or a signature goes.
//! Requests are signed with the account's key, which `listKeys` gives and which is kept in memory only; where that is not
//! allowed, or the account takes no keys, they carry a token for storage. Every request here is the same sent twice.

mod entries;
mod sign;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use executor::provider::{CloudError, FileEntry, FileText, Outcome, Request, Sent};
use http::Method;
use model::compare::get;
use model::kinds::{find, script_file};
use model::{ArmId, Json, Observed, Provisioning};
use planner::Verb;
use url::Url;

use crate::judge::no_reply;
use crate::provider::{ArmProvider, is_absence};
use sign::Key;
use wire::Asked;

/// The datastore of the share that people see as their files (`code-…`).
const DATASTORE: [&str; 2] = ["datastores", "workspaceworkingdirectory"];

/// As much of a file as is read; plumb's own scripts are far smaller.
const READ_MAX: u64 = 4 << 20;

/// The shares that this run has used, by the workspace's folded id.
#[derive(Default)]
pub(crate) struct Shares(tokio::sync::Mutex<BTreeMap<String, Arc<Share>>>);

/// A workspace's file share.
pub(crate) struct Share {
    account: ArmId,
    /// Where it is.
    base: Url,
    /// How requests say whose they are, once that is known.
    way: Mutex<Option<Way>>,
}

/// How a request says whose it is.
#[derive(Clone)]
enum Way {
    Key(Arc<Key>),
    /// With why the key would not do.
    Token(Arc<CloudError>),
}

impl ArmProvider {
    /// The share of a workspace. The names are looked at before a URL is made of them.
    async fn share(&self, workspace: &ArmId) -> Result<Arc<Share>, CloudError> {
        let mut shares = self.shares.0.lock().await;
        if let Some(share) = shares.get(&workspace.folded()) {
            return Ok(share.clone());
        }
        let version = find("workspace").expect("BUG: there is a kind of workspaces").api_version();
        let body = self.client.get(workspace, &[], version).await?.body;
        let account = get(&body, "properties.storageAccount").and_then(Json::as_str).and_then(ArmId::parse);
        let account = account.ok_or_else(|| odd(workspace, "names no storage account"))?;
        let store = self.client.get(workspace, &DATASTORE, version).await?.body;
        let text = |key: &str| get(&store, key).and_then(Json::as_str).unwrap_or_default();
        if !text("properties.accountName").eq_ignore_ascii_case(account.name()) {
            return Err(odd(workspace, "has its files in another account than its own"));
        }
        let base = self.client.endpoint.files(account.name(), text("properties.fileShareName"));
        let base = base.ok_or_else(|| odd(workspace, "names a share that no URL can be made of"))?;
        let share = Arc::new(Share { account, base, way: Mutex::default() });
        Ok(shares.entry(workspace.folded()).or_insert(share).clone())
    }

    /// The file of that id, as the engine sees it.
    pub(crate) async fn script_file(&self, id: &ArmId) -> Result<Option<Observed>, CloudError> {
        let workspace = id.parent().ok_or_else(|| odd(id, "lies in no workspace"))?;
        let path = script_file::path(id);
        let share = match self.share(&workspace).await {
            Err(error) if is_absence(&error) => return Ok(None),
            share => share?,
        };
        let found = self.read(&share, &path, (0, READ_MAX)).await?;
        Ok(found.map(|(file, created)| Observed {
            arm_id: id.clone(),
            attributes: [
                ("path", Json::from(path)),
                ("sha256", Json::from(script_file::sha256(&file.bytes))),
            ]
            .into(),
            computed: BTreeMap::new(),
            provisioning: Provisioning::Succeeded,
            created,
        }))
    }

    /// Uploads a script, or removes it.
    pub(crate) async fn change_file(&self, request: &Request<'_>) -> Result<Sent, CloudError> {
        let done = Sent { operation: None };
        let id = request.arm_id;
        let workspace = id.parent().ok_or_else(|| odd(id, "lies in no workspace"))?;
        let path = script_file::path(id);
        let share = match (self.share(&workspace).await, request.verb) {
            (Err(error), Verb::Delete) if is_absence(&error) => return Ok(done),
            (share, _) => share?,
        };
        if request.verb == Verb::Delete {
            let asked = Asked::new(Method::DELETE, share.at(&path));
            return match self.ask(&share, &asked).await {
                Err(error) if !error.is_not_found() => Err(error),
                _ => Ok(done),
            };
        }
        if request.verb == Verb::Create && self.length(&share, &path).await?.is_some() {
            return Err(crate::send::exists(id));
        }
        let text = request.attributes.get("content").and_then(Json::as_str);
        let text = text.ok_or_else(|| odd(id, "has no text to upload"))?;
        self.upload(&share, &path, text.as_bytes()).await?;
        Ok(done)
    }

    /// Directories first, each in the one before; then a file of that length; then what is in it.
    async fn upload(&self, share: &Share, path: &str, bytes: &[u8]) -> Result<(), CloudError> {
        for (at, _) in path.match_indices('/') {
            let asked =
                Asked::new(Method::PUT, share.at(&path[..at])).query("restype", "directory").new_file();
            match self.ask(share, &asked).await {
                Err(error) if error.code != "ResourceAlreadyExists" => return Err(error),
                _ => {}
            }
        }
        let length = bytes.len().to_string();
        let create = Asked::new(Method::PUT, share.at(path))
            .header("x-ms-type", "file")
            .header("x-ms-content-length", &length)
            .new_file();
        self.ask(share, &create).await?;
        if bytes.is_empty() {
            return Ok(());
        }
        let write = Asked::new(Method::PUT, share.at(path))
            .query("comp", "range")
            .header("x-ms-write", "update")
            .header("x-ms-range", &format!("bytes=0-{}", bytes.len() - 1))
            .body(bytes);
        // The file is there by now, without its text.
        let failed = |error: CloudError| match error.outcome {
            Outcome::NotDone => CloudError { outcome: Outcome::Failed, ..error },
            _ => error,
        };
        self.ask(share, &write).await.map(|_| ()).map_err(failed)
    }

    /// How long a file is; `None` when there is none.
    async fn length(&self, share: &Share, path: &str) -> Result<Option<u64>, CloudError> {
        match self.ask(share, &Asked::new(Method::HEAD, share.at(path))).await {
            Ok(reply) => Ok(Some(wire::length(&reply).unwrap_or_default())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A part of a file, from a byte on, and when the file was made, in seconds since 1970.
    async fn read(
        &self,
        share: &Share,
        path: &str,
        (from, most): (u64, u64),
    ) -> Result<Option<(FileText, Option<i64>)>, CloudError> {
        let range = format!("bytes={from}-{}", from + most.max(1) - 1);
        let asked = Asked::new(Method::GET, share.at(path)).header("x-ms-range", &range);
        match self.ask(share, &asked).await {
            Ok(reply) => {
                let (length, created) = (wire::length(&reply).unwrap_or_default(), wire::created(&reply));
                Ok(Some((FileText { length, bytes: reply.into_body().to_vec() }, created)))
            }
            // An empty file has no byte to begin at.
            Err(error) if error.status == Some(416) => {
                Ok(Some((FileText { length: from, bytes: Vec::new() }, None)))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What lies directly in a folder, all pages.
    pub(crate) async fn entries(
        &self,
        workspace: &ArmId,
        folder: &str,
    ) -> Result<Vec<FileEntry>, CloudError> {
        let share = self.share(workspace).await?;
        let (mut found, mut marker) = (Vec::new(), String::new());
        for _ in 0..wire::PAGES_MAX {
            let mut asked = Asked::new(Method::GET, share.at(folder))
                .query("restype", "directory")
                .query("comp", "list")
                .query("include", "timestamps")
                .header("x-ms-file-extended-info", "true");
            if !marker.is_empty() {
                asked = asked.query("marker", &marker);
            }
            let reply = match self.ask(&share, &asked).await {
                Err(error) if error.is_not_found() => return Ok(found),
                reply => reply?,
            };
            let page = String::from_utf8_lossy(reply.body()).into_owned();
            found.extend(entries::of(&page));
            marker = entries::next(&page);
            if marker.is_empty() {
                return Ok(found);
            }
        }
        Err(no_reply(Outcome::NotDone, format!("the folder `{folder}` on the share has no end")))
    }

    /// The last bytes of a file; `None` when there is none.
    pub(crate) async fn end_of(
        &self,
        workspace: &ArmId,
        path: &str,
        most: u64,
    ) -> Result<Option<FileText>, CloudError> {
        let share = match self.share(workspace).await {
            Err(error) if is_absence(&error) => return Ok(None),
            share => share?,
        };
        let Some(length) = self.length(&share, path).await? else { return Ok(None) };
        let most = most.min(READ_MAX).min(length);
        if most == 0 {
            return Ok(Some(FileText { length, bytes: Vec::new() }));
        }
        let part = self.read(&share, path, (length - most, most)).await?;
        // What a script wrote may repeat what this run sent it.
        let clean = |bytes: Vec<u8>| match String::from_utf8(bytes) {
            Ok(text) => self.client.redactor.scrub(text).into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        };
        Ok(part.map(|(file, _)| FileText { length, bytes: clean(file.bytes) }))
    }

    /// One of the account's keys.
    async fn key(&self, account: &ArmId) -> Result<Key, CloudError> {
        let version =
            find("storage_account").expect("BUG: there is a kind of storage accounts").api_version();
        let url = self.client.endpoint.url(account, &["listKeys"], &[("api-version", version)]);
        // A POST that only reads.
        let call = crate::client::Call { reads: true, ..crate::client::Call::new(Method::POST, url, None) };
        let body = self.client.call(&call).await?.body;
        let keys = get(&body, "keys").and_then(Json::as_array).into_iter().flatten();
        let mut values = keys.filter_map(|key| key.get("value")?.as_str());
        let value = values.next().ok_or_else(|| odd(account, "gave no key"))?;
        self.client.redactor.learn(&Json::from(value));
        Key::new(account.name(), value).ok_or_else(|| odd(account, "gave a key that is not base64"))
    }
}

impl Share {
    /// The URL of what lies at a path.
    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        url.path_segments_mut().expect("BUG: http URLs have paths").extend(segments);
        url
    }
}

fn odd(id: &ArmId, what: &str) -> CloudError {
    no_reply(Outcome::NotDone, format!("`{id}` {what}"))
}
