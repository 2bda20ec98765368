//! Sending a change: one request by its verb, and what to do when nobody knows what became of it.

use std::time::Duration;

use executor::provider::{CloudError, Operation, Outcome, Request, Sent};
use http::Method;
use model::body::{action_body, encode};
use model::compare::{get, set};
use model::{Json, Placement, Type};
use planner::Verb;
use serde_json::json;

use crate::bodies;
use crate::client::Call;
use crate::judge::{Reply, no_reply};
use crate::observe::observe;
use crate::operation::{State, begin, state};
use crate::path::api_version_of;
use crate::provider::{ArmProvider, is_absence};
use crate::retry_after::retry_after;

/// How often a PUT, PATCH or DELETE of unknown outcome is sent again, each time after a look.
const REPEATS_MAX: u32 = 3;

/// What a look after an unknown outcome says.
enum Look {
    /// The change is under way, or done.
    Taken(Sent),
    /// It is not: the same request may be sent again.
    Repeat,
    /// Nobody can tell.
    Open,
}

impl ArmProvider {
    /// Sends one change by its verb.
    pub(crate) async fn change(&self, request: &Request<'_>) -> Result<Sent, CloudError> {
        self.keep_secret(request);
        if request.kind.parent().is_none() {
            self.locations.lock().await.remove(&request.arm_id.folded());
        }
        let call = match request.verb {
            Verb::Create => self.create(request).await?,
            Verb::Put => {
                let body = bodies::put(request, &self.live(request).await?);
                self.at(request, Method::PUT, &[], Some(body))
            }
            Verb::Patch => self.patch(request).await?,
            Verb::Act(action) => self.act(request, &action).await?,
            Verb::Start => self.at(request, Method::POST, &["start"], None),
            Verb::Stop => self.at(request, Method::POST, &["stop"], None),
            Verb::Restart => self.at(request, Method::POST, &["restart"], None),
            Verb::Delete => self.delete(request),
            Verb::Record => return Ok(Sent { operation: None }),
        };
        self.carry(request, &call).await
    }

    /// Remembers what must not come back in errors.
    fn keep_secret(&self, request: &Request<'_>) {
        for (path, value) in request.attributes {
            if let Some(attribute) = request.kind.attribute(path).filter(|a| a.is_hidden()) {
                self.client.redactor.learn(value);
                self.client.redactor.learn(&encode(attribute, value));
            }
        }
    }

    /// The POST of an action that sets one attribute.
    async fn act(&self, request: &Request<'_>, action: &model::schema::Action) -> Result<Call, CloudError> {
        let attribute = request.paths.first().and_then(|path| request.kind.attribute(path));
        let attribute =
            attribute.ok_or_else(|| no_reply(Outcome::NotDone, "an action needs an attribute to set"))?;
        let value = request.attributes.get(attribute.path).filter(|v| !v.is_null());
        let nothing = if matches!(attribute.value, Type::List(_)) { json!([]) } else { Json::Null };
        let mut body = action_body(attribute, action.key, value.unwrap_or(&nothing));
        if let Some(removal) = action.removal {
            bodies::name_removals(&mut body, attribute, &self.live(request).await?, removal);
        }
        let query = [("api-version", action.api_version)];
        let url = self.client.endpoint.url(request.arm_id, &[action.name], &query);
        Ok(Call::new(Method::POST, url, Some(body)))
    }

    fn at(&self, request: &Request<'_>, method: Method, tail: &[&str], body: Option<Json>) -> Call {
        let query = [("api-version", request.kind.api_version())];
        Call::new(method, self.client.endpoint.url(request.arm_id, tail, &query), body)
    }

    async fn create(&self, request: &Request<'_>) -> Result<Call, CloudError> {
        let mut body = bodies::create(request);
        if matches!(request.kind.placement, Placement::InParent { .. }) {
            // A compute's envelope has the workspace's region; the nodes' own is `computeLocation`
            // (machine-learning facts §4.3).
            set(&mut body, "location", json!(self.workspace_location(request).await?));
        }
        if request.kind.name == "key_vault" {
            self.complete_vault(request, &mut body).await?;
        }
        Ok(self.at(request, Method::PUT, &[], Some(body)))
    }

    /// A vault needs its tenant, and a list of access policies even where roles rule.
    async fn complete_vault(&self, request: &Request<'_>, body: &mut Json) -> Result<(), CloudError> {
        if get(body, "properties.tenantId").is_none() {
            let tenant = self.tenant(request.arm_id.subscription()).await.map_err(nothing_done)?;
            set(body, "properties.tenantId", json!(tenant));
        }
        set(body, "properties.accessPolicies", json!([]));
        Ok(())
    }

    async fn patch(&self, request: &Request<'_>) -> Result<Call, CloudError> {
        let live = if bodies::patch_needs_live(request) { self.live(request).await? } else { Json::Null };
        let body = bodies::patch(request, &live);
        Ok(self.at(request, Method::PATCH, &[], Some(body)))
    }

    fn delete(&self, request: &Request<'_>) -> Call {
        let mut call = self.at(request, Method::DELETE, &[], None);
        let purge = request.attributes.get("purge_on_delete") == Some(&json!(true));
        if matches!(request.kind.placement, Placement::InParent { .. }) {
            call.url.query_pairs_mut().append_pair("underlyingResourceAction", "Delete");
        } else if request.kind.name == "workspace" && purge {
            call.url.query_pairs_mut().append_pair("forceToPurge", "true");
        }
        call
    }

    /// The resource as it is, before a change of it. A failure here has changed nothing.
    async fn live(&self, request: &Request<'_>) -> Result<Json, CloudError> {
        let body = self.client.get(request.arm_id, &[], request.kind.api_version()).await;
        body.map(|reply| reply.body).map_err(nothing_done)
    }

    /// The region of a compute's workspace, read once.
    async fn workspace_location(&self, request: &Request<'_>) -> Result<String, CloudError> {
        let parent = request.arm_id.parent().expect("BUG: a nested resource has a parent");
        let mut locations = self.locations.lock().await;
        if let Some(location) = locations.get(&parent.folded()) {
            return Ok(location.clone());
        }
        let reply = self.client.get(&parent, &[], api_version_of(&parent)).await.map_err(nothing_done)?;
        let location = get(&reply.body, "location").and_then(Json::as_str);
        let location = location
            .ok_or_else(|| no_reply(Outcome::NotDone, format!("Azure names no location for `{parent}`")))?;
        Ok(locations.entry(parent.folded()).or_insert(location.to_owned()).clone())
    }

    /// Makes the call; where nobody knows what became of it, looks, and repeats what may be repeated
    /// (arm-faults §1, rules 2 and 3).
    async fn carry(&self, request: &Request<'_>, call: &Call) -> Result<Sent, CloudError> {
        let mut repeats = 0;
        loop {
            let error = match self.client.call(call).await {
                Ok(reply) => return Ok(self.sent(request, call, &reply)),
                Err(error) if call.method == Method::DELETE && is_absence(&error) => return Ok(done()),
                Err(error) if error.outcome != Outcome::Unknown => return Err(error),
                Err(error) => error,
            };
            tokio::time::sleep(Duration::from_secs(1 << repeats)).await;
            match self.look(request).await {
                Look::Taken(sent) => return Ok(sent),
                Look::Repeat if repeats < REPEATS_MAX => repeats += 1,
                Look::Repeat | Look::Open => return Err(error),
            }
        }
    }

    fn sent(&self, request: &Request<'_>, call: &Call, reply: &Reply) -> Sent {
        let operation = begin(&self.client.endpoint, &call.method, reply, request.arm_id);
        if let Some(operation) = &operation {
            let told = retry_after(&reply.headers).filter(|t| !t.is_zero());
            let pause = told.unwrap_or(self.client.settings.poll_interval);
            let mut pauses = self.first_pauses.lock().expect("BUG: a holder of the lock panicked");
            pauses.insert(operation.arm_id.folded(), pause);
        }
        Sent { operation }
    }

    /// Looks at the resource after a request of unknown outcome.
    async fn look(&self, request: &Request<'_>) -> Look {
        let Ok(found) = self.body(request.arm_id, request.kind.api_version()).await else {
            return Look::Open;
        };
        let deletes = request.verb == Verb::Delete;
        let under_way = Operation { url: None, arm_id: request.arm_id.clone(), deletes };
        let running = found.as_ref().is_some_and(|body| state(body) == State::Running);
        match (request.verb, found) {
            (Verb::Delete, None) => Look::Taken(done()),
            (Verb::Create, None) => Look::Repeat,
            (_, None) => Look::Open,
            (Verb::Act(_) | Verb::Restart, _) => Look::Open,
            (Verb::Start, Some(body)) => self.has_power(request, &body, "running"),
            (Verb::Stop, Some(body)) => self.has_power(request, &body, "stopped"),
            _ if running => Look::Taken(Sent { operation: Some(under_way) }),
            // It stands, well or failed: the read-back tells which, and with what values.
            (Verb::Create, Some(_)) => Look::Taken(done()),
            _ => Look::Repeat,
        }
    }

    /// Start and stop are not repeated: either the state shows them, or nobody knows.
    fn has_power(&self, request: &Request<'_>, body: &Json, word: &str) -> Look {
        let observed = observe(request.kind, body, &self.client.redactor);
        let shown = observed.is_ok_and(|o| o.attributes.get("power") == Some(&json!(word)));
        if shown { Look::Taken(done()) } else { Look::Open }
    }
}

fn done() -> Sent {
    Sent { operation: None }
}

/// A read before the write failed: the write was not sent.
fn nothing_done(error: CloudError) -> CloudError {
    CloudError { outcome: Outcome::NotDone, ..error }
}
