//! The state file: a checked file with a snapshot in it.
//!
//! The bytes depend on the snapshot and the version alone.

use std::collections::BTreeMap;

use model::{Address, Json, ResourceState, Snapshot};
use serde::{Deserialize, Serialize};

use crate::checked::{self, TOOL, digest_of, unknown};
use crate::error::{Damage, Seen};
use crate::integrity;

/// The bytes of the state file for a snapshot.
pub fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let Snapshot { lineage, serial, cloud, environment, seal, resources, outputs } = snapshot;
    let written =
        Written { tool: TOOL, lineage, serial: *serial, cloud, environment, seal, resources, outputs };
    checked::encode(&written)
}

/// The snapshot in the bytes of a state file, after every check.
pub fn decode(bytes: &[u8]) -> Result<Snapshot, Damage> {
    digest_of(bytes)?;
    decode_checked(bytes)
}

/// The snapshot in bytes whose checksum is known to fit.
pub(crate) fn decode_checked(bytes: &[u8]) -> Result<Snapshot, Damage> {
    let read: ReadBack = serde_json::from_slice(bytes).map_err(|error| unknown(bytes, &error))?;
    let ReadBack { lineage, serial, cloud, environment, seal, resources, outputs, .. } = read;
    let snapshot = Snapshot { lineage, serial, cloud, environment, seal, resources, outputs };
    integrity::check(&snapshot).map_err(Damage::Contradiction)?;
    Ok(snapshot)
}

/// What a file is, without building its resources; only the checksum is checked.
pub(crate) fn head(bytes: &[u8]) -> Result<Seen, Damage> {
    let digest = digest_of(bytes)?;
    let Head { lineage, serial } = serde_json::from_slice(bytes).map_err(|error| unknown(bytes, &error))?;
    Ok(Seen { lineage, serial, digest })
}

/// The fields after the checksum, as they are written.
#[derive(Serialize)]
struct Written<'a> {
    tool: &'a str,
    lineage: &'a str,
    serial: u64,
    cloud: &'a str,
    environment: &'a str,
    seal: &'a str,
    resources: &'a BTreeMap<Address, ResourceState>,
    outputs: &'a BTreeMap<String, Json>,
}

/// All fields, as they are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadBack {
    #[serde(rename = "format")]
    _format: u64,
    #[serde(rename = "checksum")]
    _checksum: String,
    #[serde(rename = "tool")]
    _tool: String,
    lineage: String,
    serial: u64,
    cloud: String,
    environment: String,
    seal: String,
    #[serde(deserialize_with = "model::once::each_once")]
    resources: BTreeMap<Address, ResourceState>,
    #[serde(deserialize_with = "model::once::each_once")]
    outputs: BTreeMap<String, Json>,
}

/// The fields by which files follow each other.
#[derive(Deserialize)]
struct Head {
    lineage: String,
    serial: u64,
}
