//! manifests
mod yaml;
