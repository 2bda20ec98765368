//! The commands, one file each.

pub mod apply;
pub mod completions;
pub mod drift;
pub mod edit;
pub mod emulator;
pub mod explain;
pub mod graph;
pub mod history;
pub mod import;
pub mod init;
pub mod logs;
pub mod migrate;
pub mod nodes;
pub mod output;
pub mod plan;
pub mod power;
pub mod push;
pub mod quota;
pub mod rbac;
pub mod schema;
pub mod show;
pub mod ssh;
pub mod state;
pub mod unlock;
pub mod validate;
pub mod writing;
