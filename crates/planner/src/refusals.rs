//! What a document asks and a plan cannot do, in words: what is wrong, where, and what to write instead.

use model::{Address, ArmId, Diagnostic, Json, Resource};

use crate::plan::Difference;

pub(crate) fn nothing_to_adopt(resource: &Resource, id: &str) -> Diagnostic {
    Diagnostic::error(format!("{} is to be adopted, and Azure has nothing at its id", resource.address))
        .at(resource.place)
        .label(id.to_owned())
        .address(&resource.address)
        .help("correct the id, or drop `adopt` to have it created")
}

pub(crate) fn not_ours(resource: &Resource) -> Diagnostic {
    let id = resource.arm_id.as_ref().map_or("", |id| id.as_str());
    Diagnostic::error(format!("{} exists in Azure already, and is not in the state", resource.address))
        .at(resource.place)
        .label(id.to_owned())
        .address(&resource.address)
        .help("add `adopt: true` to take it over as it is, or give this document another name")
}

pub(crate) fn not_there(resource: &Resource) -> Diagnostic {
    let id = resource.arm_id.as_ref().map_or("", |id| id.as_str());
    Diagnostic::error(format!("{} is `existing`, and Azure has nothing at its id", resource.address))
        .at(resource.place)
        .label(id.to_owned())
        .address(&resource.address)
        .help("correct its name or its place, or drop `existing` to have it created")
}

pub(crate) fn exists_elsewhere(resource: &Resource, ours: Option<&ArmId>) -> Diagnostic {
    let ours = ours.map_or("another resource", |id| id.as_str());
    Diagnostic::error(format!(
        "{} is `existing`, and the state has {ours} under its address",
        resource.address
    ))
    .at(resource.place)
    .address(&resource.address)
    .help("give this document another `id`, so that the one that plumb made can go")
}

pub(crate) fn adopts_another(resource: &Resource, difference: &Difference) -> Diagnostic {
    let path = difference.attribute.path;
    Diagnostic::error(format!(
        "{} cannot be adopted as this document has it: `{path}` cannot change in place",
        resource.address
    ))
    .at(resource.place_of(path))
    .address(&resource.address)
    .attribute(path)
    .help("write what Azure has, or leave the attribute out; `plumb plan` replaces only what is in the state")
}

/// A replacement that is to be made first, and would have the name of what it replaces.
pub(crate) fn same_name(resource: &Resource, cause: &Address) -> Diagnostic {
    let Resource { address, name, .. } = resource;
    let because = match cause == address {
        true => "`create_before_destroy`".to_owned(),
        false => format!("`create_before_destroy`, as {cause} asks, which depends on it"),
    };
    let id = if address.id() == name {
        format!(" and `id: {name}`, so that its address stays")
    } else {
        String::new()
    };
    let example = free_name(resource).map(|name| format!(", such as `name: {name}`")).unwrap_or_default();
    Diagnostic::error(format!(
        "{address} must be replaced and has {because}, but two resources in Azure cannot both be called `{name}`"
    ))
    .at(resource.place)
    .address(address)
    .help(format!("give it another name{example}{id}; or take `create_before_destroy` out of {cause}"))
}

/// Another name that Azure would take.
fn free_name(resource: &Resource) -> Option<String> {
    let keeps_rules = |name: &String| {
        let name = Json::from(name.as_str());
        resource.kind.name_rules.iter().all(|rule| rule.violation(&name).is_none())
    };
    ["-new", "new", "-b", "b"].iter().map(|tail| format!("{}{tail}", resource.name)).find(keeps_rules)
}

/// Steps that wait for each other whatever gives way.
pub(crate) fn circle(addresses: &[Address]) -> Diagnostic {
    let all: Vec<&str> = addresses.iter().map(Address::as_str).collect();
    Diagnostic::error(format!("the changes of {} wait for each other", all.join(", ")))
        .address(&addresses[0])
        .help("apply one of them first, with `--target`; names that are swapped need a third one in between")
}

/// A plan that only takes in what Azure says, and was not to ask.
pub(crate) fn nothing_read() -> Diagnostic {
    Diagnostic::error("nothing was read from Azure, so there is nothing to take into the state")
        .help("`--refresh-only` needs `--refresh`")
}
