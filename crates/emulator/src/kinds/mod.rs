//! The kinds of resource the emulator knows. A kind is a table; a new one is one file here and a line in `KINDS`.

pub(crate) mod batch_ai;
pub(crate) mod compute;
pub(crate) mod deployment;
pub(crate) mod generic;
pub(crate) mod lock;
pub(crate) mod machines;
pub(crate) mod managed_identity;
pub(crate) mod managed_network;
pub(crate) mod outbound_rule;
pub(crate) mod plain;
pub(crate) mod whole;
pub(crate) mod workspace;

mod application_insights;
mod autoscale_setting;
mod built_in_roles;
mod container_registry;
mod datastore;
mod key_vault;
mod log_analytics;
mod network;
mod role_assignment;
mod role_definition;
pub(crate) mod storage_account;
mod storage_services;
mod tags;
mod user_assigned_identity;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arm::filter::Fields;
use crate::arm::names::Naming;
use crate::arm::operation::Long;
use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::{Call, World};

/// Every kind.
pub(crate) const KINDS: &[&Kind] = &[
    &workspace::KIND,
    &compute::KIND,
    &outbound_rule::KIND,
    &datastore::KIND,
    &storage_account::KIND,
    &storage_services::BLOB_SERVICE,
    &storage_services::CONTAINER,
    &storage_services::FILE_SERVICE,
    &storage_services::SHARE,
    &key_vault::KIND,
    &key_vault::DELETED,
    &key_vault::ALL_DELETED,
    &application_insights::KIND,
    &log_analytics::KIND,
    &container_registry::KIND,
    &user_assigned_identity::KIND,
    &role_definition::KIND,
    &role_assignment::KIND,
    &lock::KIND,
    &deployment::KIND,
    &deployment::operations::KIND,
    &network::virtual_network::KIND,
    &network::virtual_network::SUBNET,
    &network::security_group::KIND,
    &network::security_group::RULE,
    &network::public_address::KIND,
    &network::load_balancer::KIND,
    &network::load_balancer::FRONTEND,
    &network::load_balancer::POOL,
    &network::load_balancer::PROBE,
    &network::load_balancer::RULE,
    &network::load_balancer::NAT_RULE,
    &network::load_balancer::NAT_POOL,
    &network::load_balancer::OUTBOUND_RULE,
    &network::interface::KIND,
    &network::interface::CONFIGURATION,
    &network::private_endpoint::KIND,
    &machines::scale_set::KIND,
    &machines::instance::KIND,
    &machines::extension::KIND,
    &autoscale_setting::KIND,
    &batch_ai::workspace::KIND,
    &batch_ai::cluster::KIND,
    &batch_ai::file_server::KIND,
    &batch_ai::experiment::KIND,
    &tags::KIND,
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
    /// Names of properties that clients send in another casing; Azure reads names without it and answers in its own.
    pub(crate) spelled: &'static [&'static str],
    /// What a PUT cannot set.
    pub(crate) read_only: &'static [&'static str],
    /// What a PATCH can set; anything else in one is passed over.
    pub(crate) patchable: &'static [&'static str],
    /// The last touch on a body that has everything else.
    pub(crate) finish: fn(&World, &Target, &mut Value),
    /// What cannot change once it stands.
    pub(crate) fixed: &'static [&'static str],
    /// Code and text of the refusal to change it; `{field}` is what was sent.
    pub(crate) fixed_refusal: (&'static str, &'static str),
    /// Names that nobody else has, if its resources have such.
    pub(crate) naming: Option<Naming>,
    /// What its lists can be filtered by.
    pub(crate) filters: Fields,
    /// Refuses what the service would refuse.
    pub(crate) check: Check,
    /// Where its parent shows it, if it does.
    pub(crate) inline: Option<Inline>,
    /// Children that come and go with it by themselves: type and name.
    pub(crate) brings: &'static [(&'static str, &'static str)],
    pub(crate) references: &'static [Reference],
    pub(crate) referrers: &'static [Referrer],
    pub(crate) in_use: Option<InUse>,
    /// The ids under which those that it names, by key, show it: its own, or those of its parts.
    pub(crate) seen_as: fn(&World, &Resource, &str) -> Vec<String>,
    /// What is shown only to who asks for it: a word of `$expand`, and the pointer.
    pub(crate) on_demand: &'static [(&'static str, &'static str)],
    /// The last touch on what a read shows.
    pub(crate) view: fn(&World, &Resource, &mut Value),
    /// How a DELETE goes on; without it, it is over at once.
    pub(crate) delete_style: Option<Long>,
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
    /// 202 without a body for a new one, 200 with the resource for an existing one.
    Accepted(Long),
    /// 202 without a body, always.
    AlwaysAccepted(Long),
    /// With the resource as it will be but for its provisioning state: 201 for a new one, 200 for an existing one.
    Begun(Long),
}

/// Where a parent shows its children of a kind as a list; what is written to one of both shows in the other.
#[derive(Clone, Copy)]
pub(crate) struct Inline {
    pub(crate) pointer: &'static str,
    /// Whether a PUT of the parent that leaves the list out keeps the children.
    pub(crate) outlives_silence: bool,
}

/// Where a body names other resources by id.
#[derive(Clone, Copy)]
pub(crate) struct Reference {
    /// A pointer; `*` stands for each element.
    pub(crate) at: &'static str,
    /// Whether the named resource has to be there.
    pub(crate) is_checked: bool,
}

/// Where a body shows the ids of those that name it.
#[derive(Clone, Copy)]
pub(crate) struct Referrer {
    pub(crate) at: &'static str,
    /// The type of those shown.
    pub(crate) resource_type: &'static str,
    /// Whether it shows one alone, not a list.
    pub(crate) is_single: bool,
}

/// The refusal to remove what others name: code, and text with `{id}`, `{name}`, and `{users}` for those who name it.
pub(crate) type InUse = (&'static str, &'static str);

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
    spelled: &[],
    read_only: &[],
    patchable: &["/tags", "/sku", "/kind", "/identity", "/properties"],
    finish: |_, _, _| {},
    fixed: &[],
    fixed_refusal: ("PropertyChangeNotAllowed", "Changing property '{field}' is not allowed."),
    naming: None,
    filters: &[("name", "/name"), ("location", "/location")],
    check: |_, _, _, _| Ok(()),
    inline: None,
    brings: &[],
    references: &[],
    referrers: &[],
    in_use: None,
    seen_as: |_, resource, _| vec![resource.id.clone()],
    on_demand: &[],
    view: |_, _, _| {},
    delete_style: None,
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

    /// The type of the resource it lies in; empty at the top.
    pub(crate) fn parent_type(&self) -> &'static str {
        let parent = self.resource_type.rsplit_once('/').map_or("", |(parent, _)| parent);
        if parent.contains('/') && !parent.ends_with("/locations") { parent } else { "" }
    }

    /// The kinds of children that its body shows.
    pub(crate) fn inline_children(&self) -> impl Iterator<Item = (&'static Kind, Inline)> {
        let inline = KINDS.iter().copied().filter_map(|kind| Some((kind, kind.inline?)));
        inline.filter(|(kind, _)| kind.parent_type() == self.resource_type)
    }

    /// The handler of an action, by its name without case.
    pub(crate) fn action(&self, name: &str) -> Option<Handler> {
        let known = self.actions.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, handler)| *handler)
    }
}

/// The kind of a resource type, compared without case.
pub(crate) fn find(resource_type: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.resource_type.eq_ignore_ascii_case(resource_type))
}

/// The kind of a stored resource; a resource group has none.
pub(crate) fn of(resource: &Resource) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.resource_type == resource.kind)
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
