//! What a request changed, as it is written to the cloud file: the last change to a thing wins.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::arm::operation::Operation;
use crate::control::script_log::Run;
use crate::files::Entry;
use crate::governance::Governance;
use crate::kinds::compute::script::Ending;
use crate::store::resource::Resource;
use crate::time::clock::Origin;

/// One change to the cloud.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// The version of the file's format; comes first.
    Format(u32),
    /// Where the clock stood, against the time of the machine.
    Clock(Origin),
    /// The state of the random generator.
    Random(u64),
    /// The latest moment the cloud has seen.
    Time(Timestamp),
    /// A resource is like this now.
    Resource(Box<Resource>),
    /// The resource with this key is gone.
    Removed(String),
    /// An operation was started.
    Operation(Box<Operation>),
    /// The status URLs of this operation are no more.
    Forgotten(String),
    /// A workspace name is held until then.
    SoftDeleted(String, Timestamp),
    /// A workspace name is free again.
    Purged(String),
    /// Setup scripts end like this: of an instance, or on a path; none takes it back.
    ScriptForetold(String, Option<Ending>),
    /// The runs of setup scripts in a folder.
    ScriptRuns(String, Vec<Run>),
    /// What lies under this key on a share; none when it is gone.
    File(String, Option<Box<Entry>>),
    /// The newest image of instances.
    Image(String),
    /// A workspace has a quota of its own: lower-case quota id, limit.
    WorkspaceQuota(String, i64),
    /// What is laid down for the cloud.
    Governance(Box<Governance>),
}
