//! `plumb rbac`: the smallest role that the manifests need. It asks Azure nothing.

use std::collections::BTreeSet;

use model::Json;
use model::permissions::{Purpose, needed, to_look_at};
use serde_json::json;

use crate::args::{Rbac, RoleFor};
use crate::engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Prints the role as `az role definition create` takes it.
pub async fn run(args: &Rbac, session: &Session) -> Result<Exit, Failure> {
    let purpose = match args.purpose {
        RoleFor::Plan => Purpose::Plan,
        RoleFor::Apply => Purpose::Apply,
        RoleFor::DataScientist => Purpose::DataScientist,
    };
    let mut actions = BTreeSet::new();
    let mut subscriptions = BTreeSet::from([session.subscription().to_owned()]);
    for resource in session.manifests.graph.resources() {
        actions.extend(match resource.existing {
            true => to_look_at(purpose, resource.kind),
            false => needed(purpose, resource.kind, resource.attributes.keys().copied()),
        });
        subscriptions.extend(resource.arm_id.as_ref().map(|id| id.subscription().to_owned()));
    }
    // What has left the manifests is still there to be read and deleted.
    for entry in engine::snapshot(session).await?.resources.values() {
        let given = entry.applied.keys().copied();
        actions.extend(needed(purpose, entry.kind(), given));
        subscriptions.extend(entry.arm_id.as_ref().map(|id| id.subscription().to_owned()));
    }
    output::result(&output::json(&role(purpose, session, &actions, &subscriptions)));
    Ok(Exit::Done)
}

fn role(
    purpose: Purpose,
    session: &Session,
    actions: &BTreeSet<String>,
    subscriptions: &BTreeSet<String>,
) -> Json {
    let project = match session.project.name.as_str() {
        "" => String::new(),
        name => format!(" {name}"),
    };
    let what = match purpose {
        Purpose::Plan => "Read what the manifests are about, as `plumb plan` does.",
        Purpose::Apply => "Make, change and delete what the manifests are about, as `plumb apply` does.",
        Purpose::DataScientist => "Start, stop and use the computes of the manifests.",
    };
    let scopes: Vec<String> = subscriptions.iter().map(|id| format!("/subscriptions/{id}")).collect();
    json!({
        "Name": format!("plumb {}{project}", purpose.word()),
        "IsCustom": true,
        "Description": what,
        "Actions": actions,
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": scopes,
    })
}
