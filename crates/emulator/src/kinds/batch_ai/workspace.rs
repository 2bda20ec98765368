//! `Microsoft.BatchAI/workspaces`: the only tracked type. A PUT is over at once (recorded), a PATCH takes tags alone.

use super::{COMMON, long};
use crate::kinds::Kind;
use crate::time::timing::Work;

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.BatchAI/workspaces",
    id_type: "Microsoft.BatchAI/workspaces",
    tracked: true,
    patchable: &["/tags"],
    delete_style: Some(long(Work::BatchAiWorkspaceDelete)),
    ..COMMON
};
