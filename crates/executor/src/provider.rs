//! The seam between the engine and a cloud: what the engine asks of it, and what it answers.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{ArmId, Json, Kind, Listed, Observed, Secret};
use planner::Verb;
use planner::preflight::{Location, Lock, Region};
use serde::Serialize;

/// A cloud, in manifest terms: bodies, headers and paging stay on its side.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Reads every resource of a collection, all pages.
    async fn list(&self, collection: &Collection) -> Result<Vec<Observed>, CloudError>;

    /// Reads one resource; `None` when the cloud says that it does not exist. A missing parent is
    /// "does not exist" too; a missing subscription is an error.
    async fn get(&self, kind: &'static Kind, id: &ArmId) -> Result<Option<Observed>, CloudError>;

    /// Everything that lies directly in a resource group, or in a resource in whose collections plumb knows kinds:
    /// what is of no kind of plumb's, too. All pages; ordered as the cloud answers.
    async fn inventory(&self, parent: &ArmId) -> Result<Vec<Item>, CloudError>;

    /// Sends one change and returns as soon as the cloud has taken it.
    async fn send(&self, request: &Request<'_>) -> Result<Sent, CloudError>;

    /// Waits for an operation to end. Ok means that it succeeded.
    async fn wait(&self, operation: &Operation) -> Result<(), CloudError>;

    /// A secret that no reading of the resource shows. It is handed on, and kept nowhere.
    async fn secret(&self, id: &ArmId, listed: &Listed) -> Result<Secret, CloudError>;

    /// The nodes of a cluster.
    async fn nodes(&self, id: &ArmId) -> Result<Vec<Node>, CloudError>;

    /// The machine sizes and quotas that a subscription has in a region. Reads only.
    async fn regional(&self, location: &Location) -> Result<Region, CloudError>;

    /// The locks on a resource group and on what lies in it; of a subscription those on itself alone. Reads only.
    async fn locks(&self, scope: &ArmId) -> Result<Vec<Lock>, CloudError>;

    /// The machines of a scale set that do not have its latest model. Reads only.
    async fn outdated(&self, set: &ArmId) -> Result<Vec<String>, CloudError>;

    /// Why a new resource cannot have the name in its id, where all of Azure shares the names of its kind; `None` when
    /// it can, or nobody can say. Changes nothing.
    async fn name_taken(&self, kind: &'static Kind, id: &ArmId) -> Result<Option<String>, CloudError>;

    /// The api-versions of a resource's type, as the cloud lists them. Reads only.
    async fn api_versions(&self, id: &ArmId) -> Result<Vec<String>, CloudError>;

    /// What lies directly in a folder of a workspace's file share; nothing when there is no such folder. Reads only.
    async fn files(&self, _workspace: &ArmId, _folder: &str) -> Result<Vec<FileEntry>, CloudError> {
        Ok(Vec::new())
    }

    /// The end of a file on a workspace's file share, at most so many bytes; `None` when there is no such file. Reads
    /// only.
    async fn file(
        &self,
        _workspace: &ArmId,
        _path: &str,
        _most: u64,
    ) -> Result<Option<FileText>, CloudError> {
        Ok(None)
    }

    /// How long two readings of "not found" must lie apart before a resource counts as gone.
    fn gone_proof_interval(&self) -> std::time::Duration;

    /// What time it is by the cloud's own clock, as far as its replies have told: resources bear its times,
    /// whatever this machine's clock says.
    fn now(&self) -> Option<Timestamp> {
        None
    }
}

/// Resources that one paged call reads.
#[derive(Debug, Clone)]
pub struct Collection {
    /// The kinds in it that plumb knows; ARM may mix them (`cluster` and `instance`).
    pub kinds: Vec<&'static Kind>,
    /// The resource group, or the parent resource, that it lies in.
    pub parent: ArmId,
}

/// Something that stands, whether plumb knows its kind or not.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its id.
    pub arm_id: ArmId,
    /// Its kind, if plumb knows it.
    pub kind: Option<&'static Kind>,
    /// What it is, in ARM's words.
    pub what: String,
}

/// One change to send. It holds secrets in clear: it has no `Debug`, and is never kept.
pub struct Request<'a> {
    /// The kind.
    pub kind: &'static Kind,
    /// The resource.
    pub arm_id: &'a ArmId,
    /// What to do.
    pub verb: Verb,
    /// Every desired value, by path; for a delete what was applied.
    pub attributes: &'a BTreeMap<&'static str, Json>,
    /// Which of them this request is about.
    pub paths: &'a [&'static str],
}

/// A change that the cloud took.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// What to wait for; `None` when it is done already.
    pub operation: Option<Operation>,
}

/// An ARM long-running operation. The journal keeps its address; the rest follows from the intent.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Where its state is read, verbatim; none when only the resource itself tells (arm-faults §4, rule 1).
    pub url: Option<String>,
    /// The resource that it is about.
    pub arm_id: ArmId,
    /// Whether its end is that the resource is gone.
    pub deletes: bool,
    /// The api-version to read the resource with.
    pub api_version: &'static str,
}

/// A node of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// `idle`, `running`, `preparing`, `unusable`, `leaving`, `preempted`.
    pub state: String,
    /// Its private address.
    pub private_ip: Option<String>,
    /// Its public address.
    pub public_ip: Option<String>,
    /// Its SSH port.
    pub port: Option<i64>,
    /// The run that it works on.
    pub run_id: Option<String>,
}

/// What lies in a folder of a file share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// How many bytes a file has.
    pub length: u64,
    /// When it was last changed, if the service says.
    pub modified: Option<Timestamp>,
}

/// Bytes of a file on a file share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// How many bytes the whole file has.
    pub length: u64,
    /// Those that were asked for.
    pub bytes: Vec<u8>,
}

/// What became of a request that failed (arm-faults §1, rule 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The cloud refused it: nothing was done.
    NotDone,
    /// The cloud took it and it failed; something may be left behind.
    Failed,
    /// Nobody knows: the reply was lost, or we stopped waiting.
    Unknown,
}

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudError {
    /// What became of it.
    pub outcome: Outcome,
    /// The HTTP status, if there was a reply.
    pub status: Option<u16>,
    /// ARM's innermost code.
    pub code: String,
    /// ARM's innermost message, or ours when there was no reply.
    pub message: String,
    /// What it is about, as far as the reply tells: the missing permission, the lock, the quota, each with
    /// its label.
    pub facts: Vec<(&'static str, String)>,
    /// What to do about it.
    pub advice: Option<String>,
    /// `x-ms-request-id` and `x-ms-correlation-request-id`.
    pub request_ids: Box<[(String, String)]>,
}

impl CloudError {
    /// Whether the resource, or what it lies in, does not exist. A subscription that is not found is
    /// another matter: it says nothing about resources (arm-faults §5).
    pub fn is_not_found(&self) -> bool {
        self.status == Some(404) && !self.code.contains("Subscription")
    }

    /// Whether another operation on the resource is in the way.
    pub fn is_conflict(&self) -> bool {
        self.status == Some(409)
    }

    /// Whether the cloud asks for patience.
    pub fn is_throttled(&self) -> bool {
        self.status == Some(429)
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) if !self.code.is_empty() => write!(f, "{} ({status} {})", self.message, self.code),
            Some(status) => write!(f, "{} ({status})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for CloudError {}
