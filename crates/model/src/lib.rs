//! The words of plumb: addresses, kinds and their attribute tables, values, resources, the
//! snapshot and diagnostics. Everything here is plain data and pure functions; nothing does I/O.
//!
//! A kind is data: one table of [`Attribute`]s that validation, comparison, routing of updates,
//! redaction, `plumb explain`, the JSON Schema and the mapping to ARM bodies all run on.

pub mod accept;
pub mod address;
pub mod arm_id;
pub mod body;
pub mod check;
pub mod compare;
pub mod diagnostic;
pub mod duration;
pub mod envelope;
pub mod expression;
pub mod given;
pub mod header;
pub mod image;
pub mod json_schema;
pub mod kinds;
pub mod live;
pub mod once;
pub mod permissions;
pub mod resource;
pub mod rule;
pub mod schema;
pub mod seal;
pub mod snapshot;
pub mod source;
pub mod value;

pub use address::Address;
pub use arm_id::ArmId;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use expression::Expression;
pub use live::{Due, Live, Observed, Provisioning};
pub use resource::{Adopt, Dependency, Lifecycle, Resource, Trigger};
pub use schema::{Attribute, Change, Compare, Kind, Listed, Naming, Placement, Sensitivity, Type, Under};
pub use seal::Seal;
pub use snapshot::{ResourceState, Snapshot, Status};
pub use source::{Place, SourceId, Sources};
pub use value::{Attributes, Secret, Value};

/// JSON as it stands in ARM bodies, state files and known attribute values.
pub type Json = serde_json::Value;
