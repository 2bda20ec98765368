//! Changes: each is taken or refused at once, and mostly done later.

use std::time::Duration;

use model::Json;
use serde_json::json;
use tokio::time::Instant;

use super::bodies::{self, is_instance, made, merge, provisioned, set};
use super::path::{collection, parent};
use super::serve::{Ask, Author, ORIGIN, Reply, Twist};
use super::{Cloud, End, FOR_EVER, Maker, Model, Object, folded, refusal};
use crate::law::Rule;

/// How long what others make may not show.
const LAG: Duration = Duration::from_secs(30);

/// What a twist has a service ignore: it keeps what stands, or what it likes.
const IGNORED: &[&str] = &["/tags", "/properties/properties/scaleSettings/maxNodeCount"];

impl Cloud {
    pub(super) fn put(&self, model: &mut Model, id: &str, ask: &Ask, twist: Twist) -> Reply {
        let folded_id = folded(id);
        if let Some(refused) = model.parent_missing(&folded_id).or_else(|| model.busy(&folded_id)) {
            return refused;
        }
        let standing = model.objects.get(&folded_id).cloned();
        self.watch_making(&folded_id, standing.as_ref(), &ask.author);
        let guid = model.guid();
        let id = standing.as_ref().map_or(id, |object| &object.id).to_owned();
        let mut body = made(&id, &ask.body, standing.as_ref().map(|object| &object.body), &guid, self.now());
        if twist.ignores {
            ignore(&mut body, standing.as_ref().map(|object| &object.body));
        }
        let was_there = standing.is_some();
        let maker = standing.as_ref().map_or(Maker::Ours(ask.author.intent), |object| object.maker.clone());
        let touched = standing.as_ref().and_then(|object| object.touched);
        let (now, word) = (Instant::now(), if was_there { "Updating" } else { "Creating" });
        let visible = if is_slow(&folded_id) { provisioned(&body, word) } else { body.clone() };
        let object =
            Object { id, body: visible.clone(), maker, operation: None, touched, written: Some(now) };
        model.objects.insert(folded_id.clone(), object);
        model.show(&folded_id, now);
        if !was_there && twist.hides > 0 {
            model.hidden.insert(folded_id.clone(), now + Duration::from_secs(twist.hides));
        }
        let status = if was_there { 200 } else { 201 };
        if !is_slow(&folded_id) {
            return Reply::new(status, body);
        }
        let failed = bodies::failed(&standing.map_or(body.clone(), |object| object.body));
        let end = if twist.fails { End::Fails(failed) } else { End::Stands(body) };
        model.begun(&folded_id, end, twist, Reply::new(status, visible))
    }

    pub(super) fn patch(&self, model: &mut Model, id: &str, ask: &Ask, twist: Twist) -> Reply {
        let id = folded(id);
        let Some(standing) = model.objects.get(&id).cloned() else { return model.missing(&id) };
        if let Some(refused) = model.busy(&id) {
            return refused;
        }
        let mut body = standing.body.clone();
        merge(&mut body, &ask.body);
        if twist.ignores {
            ignore(&mut body, Some(&standing.body));
        }
        let now = Instant::now();
        let slow = collection(&id) == "computes";
        let object = model.objects.get_mut(&id).expect("BUG: just found");
        object.written = Some(now);
        object.body = if slow { provisioned(&standing.body, "Updating") } else { body.clone() };
        let visible = object.body.clone();
        model.show(&id, now);
        if !slow {
            return Reply::new(200, body);
        }
        let end = match twist.fails {
            true => End::Fails(provisioned(&standing.body, "Succeeded")),
            false => End::Stands(provisioned(&body, "Succeeded")),
        };
        model.begun(&id, end, twist, Reply::new(200, visible))
    }

    pub(super) fn delete(&self, model: &mut Model, id: &str, ask: &Ask, twist: Twist) -> Reply {
        let id = folded(id);
        if !ask.author.may_delete {
            self.broken(
                Rule::Trespass,
                format!("{} deletes {id}, which its plan does not", ask.author.process),
            );
        }
        let Some(standing) = model.objects.get(&id).cloned() else { return Reply::new(204, Json::Null) };
        if let Some(refused) = model.busy(&id) {
            return refused;
        }
        let now = Instant::now();
        let object = model.objects.get_mut(&id).expect("BUG: just found");
        object.written = Some(now);
        object.body = provisioned(&standing.body, "Deleting");
        model.show(&id, now);
        let end = if twist.fails { End::Fails(provisioned(&standing.body, "Succeeded")) } else { End::Gone };
        model.begun(&id, end, twist, Reply::new(202, Json::Null))
    }

    /// Start, stop, restart, and the actions that set an attribute.
    pub(super) fn act(&self, model: &mut Model, id: &str, action: &str, ask: &Ask, twist: Twist) -> Reply {
        let id = folded(id);
        let Some(standing) = model.objects.get(&id).cloned() else { return model.missing(&id) };
        if let Some(refused) = model.busy(&id) {
            return refused;
        }
        let mut after = standing.body.clone();
        let (pointer, value, meanwhile) = match action {
            "start" => (bodies::POWER, json!("Running"), "Starting"),
            "restart" => (bodies::POWER, json!("Running"), "Restarting"),
            "stop" => (bodies::POWER, json!("Stopped"), "Stopping"),
            "resize" => ("/properties/properties/vmSize", ask.body["targetVMSize"].clone(), ""),
            "updateIdleShutdownSetting" => {
                let value = ask.body["idleTimeBeforeShutdown"].clone();
                ("/properties/properties/idleTimeBeforeShutdown", value, "")
            }
            _ => return refusal(404, "InvalidResourceType", "there is no such action"),
        };
        if !is_instance(&standing.body) {
            return refusal(400, "BadRequest", "it is no instance");
        }
        if !twist.ignores {
            set(&mut after, pointer, value);
        }
        let now = Instant::now();
        let object = model.objects.get_mut(&id).expect("BUG: just found");
        object.written = Some(now);
        if meanwhile.is_empty() {
            object.body = provisioned(&standing.body, "Updating");
        } else {
            set(&mut object.body, bodies::POWER, json!(meanwhile));
        }
        model.show(&id, now);
        let end = if twist.fails { End::Fails(standing.body) } else { End::Stands(after) };
        model.begun(&id, end, twist, Reply::new(202, Json::Null))
    }

    /// Whoever creates makes something new, or goes on with what the same intent made.
    fn watch_making(&self, id: &str, standing: Option<&Object>, author: &Author) {
        let Some(object) = standing.filter(|_| author.step == "create") else { return };
        // Readings may lag: what somebody made a moment ago cannot be seen by anybody.
        let unseen = object.touched.is_some_and(|touched| touched.elapsed() < LAG);
        if object.maker != Maker::Ours(author.intent) && !unseen {
            let Author { process, intent, .. } = author;
            let words = format!("{process} creates {id} by {intent:?} on top of {:?}", object.maker);
            self.broken(Rule::Twice, words);
        }
    }
}

impl Model {
    /// Whether what an object lies in stands.
    pub(super) fn has_parent(&self, id: &str) -> bool {
        self.parent_missing(id).is_none()
    }

    fn parent_missing(&self, id: &str) -> Option<Reply> {
        let parent = parent(id).filter(|parent| !self.objects.contains_key(*parent))?;
        let code =
            if parent.contains("/providers/") { "ParentResourceNotFound" } else { "ResourceGroupNotFound" };
        Some(refusal(404, code, &format!("'{parent}' could not be found.")))
    }

    /// Another operation is at work on it, or on what it lies in.
    fn busy(&self, id: &str) -> Option<Reply> {
        let running = |id: &str| self.objects.get(id).is_some_and(|object| object.operation.is_some());
        let leaving = |id: &str| {
            let object = self.objects.get(id)?;
            object.body.pointer(bodies::PROVISIONING).filter(|word| *word == "Deleting")
        };
        let above = || std::iter::successors(parent(id), |at| parent(at)).find_map(leaving).is_some();
        let busy = running(id) || above();
        busy.then(|| refusal(409, "Conflict", "another operation is in progress"))
    }

    /// Begins an operation, and names it in the reply.
    fn begun(&mut self, id: &str, end: End, twist: Twist, reply: Reply) -> Reply {
        let lasts = if twist.sticks { FOR_EVER } else { self.duration() };
        let number = self.begin(id, end, lasts);
        if twist.forgets_operation {
            self.operations.get_mut(&number).expect("BUG: just begun").known = false;
        }
        let url = format!("{ORIGIN}/subscriptions/s/providers/operations/{number}");
        let reply = if twist.names_no_operation { reply } else { reply.with("azure-asyncoperation", url) };
        reply.with("retry-after", "5".to_owned())
    }
}

/// Whether making it takes time.
fn is_slow(id: &str) -> bool {
    matches!(collection(id), "computes" | "workspaces")
}

fn ignore(body: &mut Json, standing: Option<&Json>) {
    for pointer in IGNORED.iter().filter(|p| body.pointer(p).is_some()).collect::<Vec<_>>() {
        match standing.and_then(|standing| standing.pointer(pointer)) {
            Some(old) => set(body, pointer, old.clone()),
            None if *pointer == "/tags" => set(body, pointer, json!({ "policy": "wins" })),
            None => set(body, pointer, json!(1)),
        }
    }
}
