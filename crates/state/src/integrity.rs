//! What a snapshot must not contradict, checked whenever one is read or written: a delete goes by
//! the id that stands there, so an id must be one of its kind and belong to one address only.

use std::collections::HashMap;

use model::{Address, ArmId, Kind, Placement, ResourceState, Snapshot, Under, kinds};

/// Serials grow by one with each write; no state gets there.
const SERIAL_MAX: u64 = u64::MAX / 2;

/// Says what does not fit, in words that follow "the state".
pub(crate) fn check(snapshot: &Snapshot) -> Result<(), String> {
    if snapshot.lineage.is_empty() {
        return Err("it has no lineage".to_owned());
    }
    if snapshot.serial > SERIAL_MAX {
        return Err(format!("its serial, {}, cannot grow", snapshot.serial));
    }
    let mut owners: HashMap<String, &Address> = HashMap::with_capacity(snapshot.resources.len());
    for (address, entry) in &snapshot.resources {
        check_entry(address, entry)?;
        for id in entry.objects().filter_map(|object| object.arm_id.as_ref()) {
            if let Some(other) = owners.insert(id.folded(), address) {
                return Err(format!("{other} and {address} have the same id {id}"));
            }
        }
    }
    Ok(())
}

/// Whether an entry, and each that it deposed, fits its address and its kind.
pub(crate) fn check_entry(address: &Address, entry: &ResourceState) -> Result<(), String> {
    if entry.deposed.iter().any(|old| !old.deposed.is_empty()) {
        return Err(format!("an old object of {address} has old objects of its own"));
    }
    entry.objects().try_for_each(|object| check_object(address, object))
}

fn check_object(address: &Address, entry: &ResourceState) -> Result<(), String> {
    if address.kind() != entry.kind {
        return Err(format!("{address} holds a {}", entry.kind));
    }
    if kinds::find(&entry.kind).is_none() {
        return Err(format!("{address} is of no known kind"));
    }
    let kind = entry.kind();
    match &entry.arm_id {
        None => Ok(()),
        Some(id) if ArmId::parse(id.as_str()).is_none() => {
            Err(format!("the id of {address} is no ARM id: {:?}", id.as_str()))
        }
        Some(id) => check_type(address, kind, id),
    }
}

fn check_type(address: &Address, kind: &Kind, id: &ArmId) -> Result<(), String> {
    let fits = match kinds::type_of(kind) {
        Some(expected) => even(kind, id) && id.resource_type().eq_ignore_ascii_case(&expected),
        None => false,
    };
    if fits { Ok(()) } else { Err(format!("the id of {address} is not that of a {}: {id}", kind.name)) }
}

/// Ids are pairs of type and name; asked first, for an odd id has no resource type. What lies on a scope lies behind
/// a whole id of another resource, all others in a group.
fn even(kind: &Kind, id: &ArmId) -> bool {
    let segments: Vec<&str> = id.as_str().split('/').skip(1).collect();
    let on_scope = match kind.placement {
        // It may lie in what extends something, too.
        Placement::Typed { under, .. } => under != Under::Group,
        placement => matches!(placement, Placement::OnScope { .. }),
    };
    match segments.iter().rposition(|s| s.eq_ignore_ascii_case("providers")) {
        Some(at) => {
            let placed = if on_scope { at >= 2 && at.is_multiple_of(2) } else { at == 4 };
            placed && segments.len() >= at + 4 && segments.len().is_multiple_of(2)
        }
        None => segments.len() == 4,
    }
}
