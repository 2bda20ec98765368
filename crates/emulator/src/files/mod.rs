//! Azure Files, the data plane of file shares: `/_files/{account}/{share}/{path}` on the emulator's own address.
//!
//! Azure has a host for each account; a machine's loopback has one name, so the account stands in the path, as with
//! other storage emulators. Requests are signed with the account's key or carry a token, and both are checked. Errors
//! are XML. Written from the REST reference of Azure Files; what it leaves open is said where it is chosen.

mod admit;
mod operations;
mod tree;
mod xml;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::json;
use crate::random::guid_of;
use crate::route::router::segments;
use crate::store::resource::Resource;
use crate::wire::Response;
use crate::world::{Call, World};

const PREFIX: &str = "/_files/";

/// What lies on all shares, by the share's key and the lower-case path: names do not differ by case.
pub(crate) type Files = BTreeMap<String, Entry>;

/// A file or a directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The path with the casing of its creation.
    path: String,
    /// What a file has that a directory has not.
    file: Option<File>,
    modified: Timestamp,
}

/// A file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct File {
    #[serde(with = "packed")]
    content: Vec<u8>,
    created: Timestamp,
    /// What its creator said of its content; nobody checks it, and writing a range leaves it.
    md5: Option<String>,
}

/// Bytes as base64.
mod packed {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// What a request is about.
struct Place {
    /// The key of the storage account.
    account: String,
    /// The key of the share.
    share: String,
    /// The share's name.
    name: String,
    /// The path on it; empty for its root.
    path: String,
}

/// A refusal: status, code, message.
type Refusal = (u16, &'static str, &'static str);

/// Whether a path is one of the data plane.
pub(crate) fn is_for(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Answers a request.
pub(crate) fn answer(world: &mut World, call: &Call) -> Response {
    let answered = crate::gate::check_host(call.request).map_err(|error| error.response()).and_then(|()| {
        let place = place(world, call).map_err(xml::error)?;
        admit::check(world, call, &place).map_err(xml::error)?;
        operations::run(world, call, &place).map_err(xml::error)
    });
    let version = call.request.header_value("x-ms-version").unwrap_or_default().to_owned();
    answered.unwrap_or_else(|refused| refused).with("x-ms-request-id", call.id).with("x-ms-version", &version)
}

fn place(world: &World, call: &Call) -> Result<Place, Refusal> {
    let spelled = segments(&call.request.path);
    let (account, share) = (spelled.get(1), spelled.get(2));
    let is_named = |resource: &&Resource| {
        resource.kind.eq_ignore_ascii_case("Microsoft.Storage/storageAccounts")
            && account.is_some_and(|name| resource.name().eq_ignore_ascii_case(name))
    };
    // Azure has no host of that name.
    let found = world.store.all().find(is_named).map(Resource::key);
    let account = found.ok_or((404, "ResourceNotFound", "There is no such storage account."))?;
    let name = share.ok_or((
        400,
        "InvalidUri",
        "The requested URI does not represent any resource on the server.",
    ))?;
    let share = format!("{account}/fileservices/default/shares/{}", name.to_ascii_lowercase());
    Ok(Place { account, share, name: name.clone(), path: spelled[3..].join("/") })
}

/// The share that a workspace keeps its people's files on.
pub(crate) fn share_of(workspace: &Resource) -> String {
    format!("code-{}", guid_of(&workspace.key()))
}

/// The key of that share; `None` when the workspace has no storage account.
fn share_key_of(workspace: &Resource) -> Option<String> {
    let account = json::text(&workspace.body, "/properties/storageAccount").to_ascii_lowercase();
    (!account.is_empty()).then(|| format!("{account}/fileservices/default/shares/{}", share_of(workspace)))
}

/// Whether the storage account of a workspace is in this cloud, so that it is known what lies on its share.
pub(crate) fn has_share(world: &World, workspace: &Resource) -> bool {
    let account = json::text(&workspace.body, "/properties/storageAccount").to_ascii_lowercase();
    world.store.get(&account).is_some()
}

/// The text of a file on a workspace's share.
pub(crate) fn text_of(world: &World, workspace: &Resource, path: &str) -> Option<String> {
    let path = path.trim_start_matches("./").trim_start_matches('/');
    let entry = world.files.get(&tree::key(&share_key_of(workspace)?, path))?;
    Some(String::from_utf8_lossy(&entry.file.as_ref()?.content).into_owned())
}
