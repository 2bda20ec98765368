//! Manifests: YAML text, the project file and variables in; typed resources and diagnostics out.
//!
//! There are no structures per kind: documents are read by the kinds' attribute tables, so that every
//! diagnostic has its place. Nothing here does I/O but `files`.
//!
//! And the other way: from what stands in Azure to documents, and from documents to YAML text.

pub mod built_in;
mod describe;
mod files;
pub mod foreign;
mod inputs;
pub mod json_schema;
mod load;
pub mod migrate;
pub mod project;
mod variables;
mod write;
mod yaml;

pub use describe::{Around, Described, Known, Standing, describe};
pub use files::{Found, ProjectFiles, find_manifests, is_manifest};
pub use inputs::{Files, Inputs, Layer, LayerForm, NoFiles};
pub use load::{Loaded, load};
pub use project::Project;
pub use write::{Document, write};
