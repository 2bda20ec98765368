//! `plumb rbac`: the smallest role that the manifests need. It asks Azure nothing.

use std::collections::BTreeSet;

use manifest::Document;
use model::permissions::{Purpose, needed, needed_data, to_look_at};
use model::{Json, kinds};
use serde_json::json;

use crate::args::{Rbac, RoleFor, RoleFormat};
use crate::engine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// A custom role.
struct Role {
    /// As people see it.
    name: String,
    description: &'static str,
    actions: BTreeSet<String>,
    data: BTreeSet<String>,
    scopes: Vec<String>,
}

/// Prints the role.
pub async fn run(args: &Rbac, session: &Session) -> Result<Exit, Failure> {
    let purpose = match args.purpose {
        RoleFor::Plan => Purpose::Plan,
        RoleFor::Apply => Purpose::Apply,
        RoleFor::DataScientist => Purpose::DataScientist,
    };
    let (mut actions, mut data) = (BTreeSet::new(), BTreeSet::new());
    let mut subscriptions = BTreeSet::from([session.subscription().to_owned()]);
    for resource in session.manifests.graph.resources() {
        actions.extend(match resource.existing {
            true => to_look_at(purpose, resource.kind),
            false => needed(purpose, resource.kind, resource.attributes.keys().copied()),
        });
        data.extend(needed_data(purpose, resource.kind));
        subscriptions.extend(resource.arm_id.as_ref().map(|id| id.subscription().to_owned()));
    }
    // What has left the manifests is still there to be read and deleted.
    for entry in engine::snapshot(session).await?.resources.values() {
        let given = entry.applied.keys().copied();
        actions.extend(needed(purpose, entry.kind(), given));
        data.extend(needed_data(purpose, entry.kind()));
        subscriptions.extend(entry.arm_id.as_ref().map(|id| id.subscription().to_owned()));
    }
    let role = role(purpose, session, (actions, data), &subscriptions);
    output::result(&match args.format {
        RoleFormat::Json => output::json(&role.json()),
        RoleFormat::Manifest => manifest::write(&[role.document(session)]),
    });
    Ok(Exit::Done)
}

fn role(
    purpose: Purpose,
    session: &Session,
    (actions, data): (BTreeSet<String>, BTreeSet<String>),
    subscriptions: &BTreeSet<String>,
) -> Role {
    let project = match session.project.name.as_str() {
        "" => String::new(),
        name => format!(" {name}"),
    };
    let what = match purpose {
        Purpose::Plan => "Read what the manifests are about, as `plumb plan` does.",
        Purpose::Apply => "Make, change and delete what the manifests are about, as `plumb apply` does.",
        Purpose::DataScientist => "Start, stop and use the computes of the manifests.",
    };
    let scopes = subscriptions.iter().map(|id| format!("/subscriptions/{id}")).collect();
    Role { name: format!("plumb {}{project}", purpose.word()), description: what, actions, data, scopes }
}

impl Role {
    /// As `az role definition create` takes it.
    fn json(&self) -> Json {
        json!({
            "Name": self.name,
            "IsCustom": true,
            "Description": self.description,
            "Actions": self.actions,
            "NotActions": [],
            "DataActions": self.data,
            "NotDataActions": [],
            "AssignableScopes": self.scopes,
        })
    }

    /// As a document of a manifest.
    fn document(&self, session: &Session) -> Document {
        let scope = format!("/subscriptions/{}", session.subscription());
        let mut permissions = json!({ "actions": self.actions });
        if !self.data.is_empty() {
            permissions["data_actions"] = json!(self.data);
        }
        let attributes = [
            ("scope", json!(scope)),
            ("role_name", json!(self.name)),
            ("description", json!(self.description)),
            ("permissions", json!([permissions])),
            ("assignable_scopes", json!(self.scopes)),
        ];
        Document {
            kind: kinds::find("role_definition").expect("BUG: there is a kind of roles"),
            // Its address, and what its GUID follows from.
            name: self.name.split_whitespace().collect::<Vec<_>>().join("-"),
            id: None,
            attributes: attributes.into_iter().collect(),
            comments: vec![
                "What `plumb rbac` found that these manifests need; write it again when they change."
                    .to_owned(),
            ],
        }
    }
}
