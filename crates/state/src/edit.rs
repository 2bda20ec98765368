//! Edits of a snapshot by hand: other addresses, resources forgotten, marks. Pure.
//!
//! What refers to a resource follows it: the children that carry its name in their addresses, and the
//! edges of whatever depends on it.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, ResourceState, Snapshot, Status};

/// Why an edit is refused; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// No such address in the state.
    #[error("there is no `{address}` in the state{}; `plumb state list` lists what there is", meant(.nearest.as_deref()))]
    Unknown {
        /// What was asked for.
        address: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// The text has another form than an address.
    #[error("{0:?} is not an address such as cluster/research/cpu or instance/research/ci[\"alice\"]")]
    NoAddress(String),
    /// A resource never becomes one of another kind.
    #[error("{from} is a {}, and {to} would be a {}: a resource keeps its kind", .from.kind(), .to.kind())]
    OtherKind {
        /// What was to be moved.
        from: Address,
        /// Where to.
        to: Address,
    },
    /// Something has that address.
    #[error(
        "{0} is in the state already\nmove or remove that one first: `plumb state mv` or `plumb state rm`"
    )]
    Occupied(Address),
    /// All elements of a `for_each` cannot have one address.
    #[error(
        "{from} stands for {count} resources, which cannot all become {to}\nmove them one by one, or leave the key out of the new address"
    )]
    ManyToOne {
        /// What was to be moved.
        from: String,
        /// How many that means.
        count: usize,
        /// Where to.
        to: Address,
    },
    /// It has the mark, or does not have it.
    #[error("{0}")]
    Mark(String),
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}

/// The addresses that a text means: itself, or without a key all elements of that `for_each`.
pub fn named(snapshot: &Snapshot, text: &str) -> Result<Vec<Address>, EditError> {
    if let Some(address) = snapshot.resources.keys().find(|address| address.as_str() == text) {
        return Ok(vec![address.clone()]);
    }
    let elements: Vec<Address> =
        snapshot.resources.keys().filter(|address| address.stem() == text).cloned().collect();
    if elements.is_empty() {
        let nearest = model::rule::nearest(text, snapshot.resources.keys().map(Address::as_str));
        return Err(EditError::Unknown { address: text.to_owned(), nearest: nearest.map(str::to_owned) });
    }
    Ok(elements)
}

/// Gives resources other addresses; returns each former address with the new one, children included.
///
/// `from` without a key stands for all elements of that `for_each`, which keep their keys.
pub fn rename(
    snapshot: &mut Snapshot,
    from: &str,
    to: &str,
) -> Result<BTreeMap<Address, Address>, EditError> {
    let to = Address::parse(to).ok_or_else(|| EditError::NoAddress(to.to_owned()))?;
    let found = named(snapshot, from)?;
    let mut moves = BTreeMap::new();
    for address in &found {
        let target = match found.as_slice() {
            [one] if one.as_str() == from => to.clone(),
            _ => element(address, from, &to, found.len())?,
        };
        if address.kind() != target.kind() {
            return Err(EditError::OtherKind { from: address.clone(), to: target });
        }
        moves.extend(children(snapshot, address, &target));
        moves.insert(address.clone(), target);
    }
    let taken = |target: &&Address| snapshot.resources.contains_key(*target);
    if let Some(target) = moves.values().find(taken) {
        return Err(EditError::Occupied(target.clone()));
    }
    for (former, address) in &moves {
        let entry = snapshot.resources.remove(former).expect("BUG: moves are of what is there");
        snapshot.resources.insert(address.clone(), entry);
    }
    let follow = |edge: &mut Address| _ = moves.get(edge).map(|address| *edge = address.clone());
    snapshot.resources.values_mut().flat_map(|entry| &mut entry.depends_on).for_each(follow);
    Ok(moves)
}

/// Where one of several elements goes: the new address, with its own key.
fn element(address: &Address, from: &str, to: &Address, count: usize) -> Result<Address, EditError> {
    match to.key() {
        Some(_) => Err(EditError::ManyToOne { from: from.to_owned(), count, to: to.clone() }),
        None => Ok(to.with(to.parent(), address.key().as_deref())),
    }
}

/// What lies in a resource carries its name in its own address.
fn children(snapshot: &Snapshot, from: &Address, to: &Address) -> Vec<(Address, Address)> {
    let Some(arm_id) = snapshot.resources[from].arm_id.as_ref() else { return Vec::new() };
    let (before, after) = (as_parent(from, arm_id.name()), as_parent(to, arm_id.name()));
    let is_child = |address: &Address, entry: &ResourceState| {
        let parent = entry.arm_id.as_ref().and_then(|id| id.parent());
        entry.kind().parent() == Some(from.kind())
            && address.parent() == Some(before)
            && parent.is_some_and(|parent| parent.same(arm_id.as_str()))
    };
    let moved = |address: &Address| address.with(Some(after), address.key().as_deref());
    let below =
        snapshot.resources.iter().filter(|(address, entry)| before != after && is_child(address, entry));
    below.map(|(address, _)| (address.clone(), moved(address))).collect()
}

/// What children call it: by its id, or where several share the id, by its name.
fn as_parent<'a>(address: &'a Address, name: &'a str) -> &'a str {
    if address.key().is_some() { name } else { address.id() }
}

/// What was forgotten, and who depended on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// What the state no longer has.
    pub addresses: Vec<Address>,
    /// What is still there and depended on one of them.
    pub dependents: Vec<Address>,
}

/// Forgets resources without deleting them. An address without a key stands for all elements of that `for_each`.
pub fn forget(snapshot: &mut Snapshot, texts: &[String]) -> Result<Forgotten, EditError> {
    let mut gone = BTreeSet::new();
    for text in texts {
        gone.extend(named(snapshot, text)?);
    }
    snapshot.resources.retain(|address, _| !gone.contains(address));
    let mut dependents = Vec::new();
    for (address, entry) in &mut snapshot.resources {
        let before = entry.depends_on.len();
        entry.depends_on.retain(|edge| !gone.contains(edge));
        if entry.depends_on.len() < before {
            dependents.push(address.clone());
        }
    }
    Ok(Forgotten { addresses: gone.into_iter().collect(), dependents })
}

/// Marks one resource to be replaced by the next apply.
pub fn taint(snapshot: &mut Snapshot, address: &str) -> Result<Address, EditError> {
    let (address, entry) = one(snapshot, address)?;
    if entry.arm_id.is_none() {
        let why = format!("{address} is not in Azure: there is nothing to replace");
        return Err(EditError::Mark(why));
    }
    if entry.status == Status::Tainted {
        return Err(EditError::Mark(format!("{address} is tainted already: the next apply replaces it")));
    }
    entry.status = Status::Tainted;
    Ok(address)
}

/// Takes that mark away.
pub fn untaint(snapshot: &mut Snapshot, address: &str) -> Result<Address, EditError> {
    let (address, entry) = one(snapshot, address)?;
    if entry.status != Status::Tainted {
        return Err(EditError::Mark(format!("{address} is not tainted")));
    }
    entry.status = Status::Ready;
    Ok(address)
}

fn one<'a>(snapshot: &'a mut Snapshot, text: &str) -> Result<(Address, &'a mut ResourceState), EditError> {
    let found = named(snapshot, text)?;
    let address = found.into_iter().find(|address| address.as_str() == text);
    let Some(address) = address else {
        return Err(EditError::Mark(format!(
            "`{text}` stands for several resources: say which, `{text}[\"KEY\"]`; `plumb state list {text}` lists them"
        )));
    };
    let entry = snapshot.resources.get_mut(&address).expect("BUG: just found");
    Ok((address, entry))
}
