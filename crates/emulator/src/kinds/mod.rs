//! The kinds of resource the emulator knows. A kind is a table; a new one is one file here and a line in `KINDS`.

pub(crate) mod compute;
pub(crate) mod deployment;
pub(crate) mod generic;
pub(crate) mod lock;
pub(crate) mod managed_identity;
pub(crate) mod plain;
pub(crate) mod workspace;

mod application_insights;
mod built_in_roles;
mod container_registry;
mod key_vault;
mod log_analytics;
mod role_assignment;
mod role_definition;
mod storage_account;
mod user_assigned_identity;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::resource::Resource;
use crate::router::Target;
use crate::world::{Call, World};

/// Every kind.
pub(crate) const KINDS: [&Kind; 13] = [
    &workspace::KIND,
    &compute::KIND,
    &storage_account::KIND,
    &key_vault::KIND,
    &application_insights::KIND,
    &log_analytics::KIND,
    &container_registry::KIND,
    &user_assigned_identity::KIND,
    &role_definition::KIND,
    &role_assignment::KIND,
    &lock::KIND,
    &deployment::KIND,
    &deployment::operations::KIND,
];

/// A handler of one request on one resource.
pub(crate) type Handler = fn(&mut World, &Call, &Target) -> Reply;

/// What the emulator has to know of a kind.
pub(crate) struct Kind {
    /// The type as replies spell it.
    pub(crate) resource_type: &'static str,
    /// The type as it stands in the resource's own id.
    pub(crate) id_type: &'static str,
    /// Whether it may lie on anything (a resource, a subscription), not in a resource group alone.
    pub(crate) on_any_scope: bool,
    /// Whether it has a location, tags and an identity of its own.
    pub(crate) tracked: bool,
    /// How a PUT is answered.
    pub(crate) put_style: PutStyle,
    /// Values of what a PUT leaves out.
    pub(crate) defaults: fn() -> Value,
    /// Values the service makes up at creation, as pointer and template (`plain::made_up`).
    pub(crate) generated: &'static [(&'static str, &'static str)],
    /// The same, made anew by every write.
    pub(crate) stamped: &'static [(&'static str, &'static str)],
    /// Closed sets of values: accepted in any casing, answered in this one.
    pub(crate) enums: &'static [(&'static str, &'static [&'static str])],
    /// Text that comes back differently: pointer, what was sent (without case), what is answered.
    pub(crate) rewrites: &'static [(&'static str, &'static str, &'static str)],
    /// What a PUT cannot set.
    pub(crate) read_only: &'static [&'static str],
    /// What a PATCH can set; anything else in one is passed over.
    pub(crate) patchable: &'static [&'static str],
    /// Refuses what the service would refuse.
    pub(crate) check: Check,
    /// The handlers of the reads, of the writes, and of the actions by lower-case name.
    pub(crate) get: Handler,
    pub(crate) list: Handler,
    pub(crate) put: Handler,
    pub(crate) patch: Handler,
    pub(crate) delete: Handler,
    pub(crate) actions: &'static [(&'static str, Handler)],
    /// When time next does something to it by itself, seen from the world's time. After a `turn`, later than that.
    pub(crate) next: fn(&World, &Resource) -> Option<Timestamp>,
    /// What time does to it now that the moment has come.
    pub(crate) turn: fn(&mut World, Resource),
}

/// Looks at a composed body, beside the resource it replaces.
pub(crate) type Check = fn(&World, &Target, &Value, Option<&Resource>) -> Result<(), ArmError>;

/// How a PUT is answered.
#[derive(Clone, Copy)]
pub(crate) enum PutStyle {
    /// With the finished resource: this status for a new one, 200 for an existing one.
    AtOnce(u16),
    /// 202 with `Location` for a new one, 200 with the resource for an existing one.
    Location,
    /// 202 with `Location` and `Azure-AsyncOperation` and no body, always.
    Both,
}

/// The kind that every other one is written against.
pub(crate) const PLAIN: Kind = Kind {
    resource_type: "",
    id_type: "",
    on_any_scope: false,
    tracked: true,
    put_style: PutStyle::AtOnce(200),
    defaults: || json!({}),
    generated: &[],
    stamped: &[],
    enums: &[],
    rewrites: &[],
    read_only: &[],
    patchable: &["/tags", "/sku", "/kind", "/identity", "/properties"],
    check: |_, _, _, _| Ok(()),
    get: plain::get,
    list: plain::list,
    put: plain::put,
    patch: plain::patch,
    delete: plain::delete,
    actions: &[],
    next: |_, _| None,
    turn: |_, _| {},
};

impl std::fmt::Debug for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.resource_type)
    }
}

impl Kind {
    /// The namespace.
    pub(crate) fn namespace(&self) -> &'static str {
        self.resource_type.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// The handler of an action, by its name without case.
    pub(crate) fn action(&self, name: &str) -> Option<Handler> {
        let known = self.actions.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, handler)| *handler)
    }
}

/// The kind of a resource type, compared without case.
pub(crate) fn find(resource_type: &str) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.resource_type.eq_ignore_ascii_case(resource_type))
}

/// The kind of a stored resource; a resource group has none.
pub(crate) fn of(resource: &Resource) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.resource_type == resource.kind)
}

/// Gives every closed-set value in `body` its canonical casing, or refuses it. Empty text says nothing: templates send
/// it for what their users left out.
pub(crate) fn canonical_enums(body: &mut Value, enums: &[(&str, &[&str])]) -> Result<(), ArmError> {
    let mut refused = None;
    for (pointer, allowed) in enums {
        json::for_each(body, pointer, &mut |value| {
            let Some(sent) = value.as_str() else { return };
            if sent.is_empty() {
                *value = Value::Null;
                return;
            }
            match allowed.iter().find(|allowed| allowed.eq_ignore_ascii_case(sent)) {
                Some(canonical) => *value = json!(canonical),
                None => refused = Some((sent.to_owned(), *pointer)),
            }
        });
    }
    refused.map_or(Ok(()), |(sent, pointer)| {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        Err(bad_content(format!("The value '{sent}' is not valid for '{field}'.")).about(&field))
    })
}
