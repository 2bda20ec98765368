//! Sending a change: one request by its verb, and what to do when nobody knows what became of it.

use std::time::Duration;

use executor::provider::{CloudError, Operation, Outcome, Request, Sent};
use http::Method;
use model::body::{action_body, encode};
use model::compare::{get, set};
use model::{ArmId, Json, Kind, Placement, Type};
use planner::Verb;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::bodies;
use crate::client::Call;
use crate::judge::{Reply, no_reply};
use crate::observe::observe;
use crate::operation::{State, begin, state};
use crate::pace::{Wait, asks_for_a_queue, retry_after};
use crate::path::api_version_of;
use crate::provider::{ArmProvider, Queue, is_absence};
use crate::report::is_about_place;

/// How often a PUT, PATCH or DELETE of unknown outcome is sent again, each time after a look.
const REPEATS_MAX: u32 = 3;

/// How often a change is sent again into a conflict that nothing explains: about a minute in all.
const CONFLICTS_MAX: u32 = 5;

/// How patiently a create waits for what was deleted before it to be gone from every reading.
const STALE_PAUSE_MAX: Duration = Duration::from_secs(32);

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
    /// Sends one change by its verb. What stands in its way for a while only is waited out; the request is
    /// composed anew each time, for what it was composed from may have changed meanwhile.
    pub(crate) async fn change(&self, request: &Request<'_>) -> Result<Sent, CloudError> {
        self.keep_secret(request);
        if request.kind.parent().is_none() {
            self.locations.lock().await.remove(&request.arm_id.folded());
        }
        let start = Instant::now();
        let mut round = 0;
        loop {
            let queue = self.queue(request.arm_id);
            let _turn = match &queue {
                Some(queue) => Some(queue.lock().await),
                None => None,
            };
            let Some(call) = self.compose(request).await? else { return Ok(done()) };
            let error = match self.carry(request, &call).await {
                Ok(sent) => {
                    self.remember(request);
                    return Ok(sent);
                }
                Err(error) => error,
            };
            let error = self.doubted(request, error).await;
            round += 1;
            if !self.wait_out(request, &error, start, round).await {
                return Err(placed(&call, request, error));
            }
        }
    }

    /// The request of a change; none for what sends nothing.
    async fn compose(&self, request: &Request<'_>) -> Result<Option<Call>, CloudError> {
        let call = match request.verb {
            Verb::Create => self.create(request).await?,
            Verb::Put => {
                let live = self.live(request).await?;
                let body = match request.kind.is_typed() {
                    true => bodies::put_given(request, &live),
                    false => bodies::put(request, &live),
                };
                self.at(request, Method::PUT, &[], Some(body))
            }
            Verb::Patch => self.patch(request).await?,
            Verb::Act(action) => self.act(request, &action).await?,
            Verb::Start => self.at(request, Method::POST, &["start"], None),
            Verb::Stop => self.at(request, Method::POST, &["stop"], None),
            Verb::Restart => self.at(request, Method::POST, &["restart"], None),
            Verb::Delete => self.delete(request),
            Verb::Record | Verb::Move | Verb::Forget => return Ok(None),
        };
        Ok(Some(Call { place: self.region(request).await, ..call }))
    }

    /// The region of a resource, as far as that is known without asking.
    async fn region(&self, request: &Request<'_>) -> Option<String> {
        let said = request.attributes.get("location").and_then(Json::as_str).map(str::to_owned);
        match (said, request.arm_id.parent()) {
            (None, Some(parent)) => self.locations.lock().await.get(&parent.folded()).cloned(),
            (said, _) => said,
        }
    }

    /// A create was refused, and what it was to make stands although it did not a moment ago: the refusal came
    /// too late. Whose it is, its values and times tell the recovery; here nobody knows.
    async fn doubted(&self, request: &Request<'_>, error: CloudError) -> CloudError {
        if request.verb != Verb::Create || error.outcome != Outcome::NotDone || error.status.is_none() {
            return error;
        }
        match self.body(request.arm_id, request.kind.api_version()).await {
            Ok(Some(_)) => CloudError {
                outcome: Outcome::Unknown,
                message: format!("{} — and yet it stands", error.message),
                ..error
            },
            _ => error,
        }
    }

    fn remember(&self, request: &Request<'_>) {
        match request.verb {
            Verb::Create => self.young.made(request.arm_id),
            Verb::Delete => self.young.deleted(request.arm_id),
            _ => {}
        }
    }

    /// The queue of writes below a resource's parent, where Azure asked for one.
    fn queue(&self, id: &ArmId) -> Option<Queue> {
        let queues = self.queues.lock().expect("BUG: a holder of the lock panicked");
        queues.get(&id.parent()?.folded()).cloned()
    }

    /// Waits until a refused change may be sent again; false when it is refused for good.
    async fn wait_out(&self, request: &Request<'_>, error: &CloudError, start: Instant, round: u32) -> bool {
        let patience =
            (error.outcome == Outcome::NotDone).then(|| self.young.patience(request.arm_id, error));
        let back_off = Duration::from_secs(1 << round.min(5));
        let end = start + self.client.settings.conflict_window;
        match patience.flatten() {
            None => false,
            Some(Wait::Known { until }) => {
                if Instant::now() + back_off > until {
                    return false;
                }
                sleep(back_off).await;
                self.client.renew_token().await;
                true
            }
            Some(Wait::Terminal { anyway }) => {
                if asks_for_a_queue(&error.code)
                    && let Some(parent) = request.arm_id.parent()
                {
                    let mut queues = self.queues.lock().expect("BUG: a holder of the lock panicked");
                    queues.entry(parent.folded()).or_default();
                }
                self.until_terminal(request, end).await
                    || (anyway && round <= CONFLICTS_MAX && {
                        sleep(back_off).await;
                        Instant::now() < end
                    })
            }
        }
    }

    /// Waits while an operation of somebody else runs on the resource. True when there was one and it has
    /// ended.
    async fn until_terminal(&self, request: &Request<'_>, end: Instant) -> bool {
        let mut seen = false;
        let mut pause = self.client.settings.poll_interval.min(Duration::from_secs(2));
        while Instant::now() + pause < end {
            match self.body(request.arm_id, request.kind.api_version()).await {
                Ok(Some(body)) if state(&body) == State::Running => seen = true,
                Ok(_) => return seen,
                Err(_) => return false,
            }
            sleep(pause).await;
            pause = (pause * 2).min(self.client.settings.poll_interval_max);
        }
        false
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
        if is_compute(request.kind) {
            // A compute's envelope has the workspace's region; the nodes' own is `computeLocation`
            // (machine-learning facts §4.3).
            set(&mut body, "location", json!(self.workspace_location(request).await?));
        }
        if request.kind.name == "key_vault" {
            self.complete_vault(request, &mut body).await?;
        }
        self.refuse_existing(request).await?;
        Ok(self.at(request, Method::PUT, &[], Some(body)))
    }

    /// A PUT would overwrite what somebody made since the plan looked; computes have no etag to prevent that
    /// (arm-faults §6). What this run deleted may still show for a while.
    async fn refuse_existing(&self, request: &Request<'_>) -> Result<(), CloudError> {
        let mut pause = Duration::from_secs(1);
        while let Some(body) =
            self.body(request.arm_id, request.kind.api_version()).await.map_err(nothing_done)?
        {
            let leaving = get(&body, "properties.provisioningState") == Some(&json!("Deleting"));
            if !(leaving || self.young.is_deleted(request.arm_id)) || pause > STALE_PAUSE_MAX {
                return Err(exists(request.arm_id));
            }
            sleep(pause).await;
            pause *= 2;
        }
        Ok(())
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
        if is_compute(request.kind) {
            // What was made elsewhere is never deleted along (machine-learning facts §2.2).
            let action = if request.kind.is_attached() { "Detach" } else { "Delete" };
            call.url.query_pairs_mut().append_pair("underlyingResourceAction", action);
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
                // A refusal says nothing of the attempt before it, of which nobody knows what became.
                Err(error) if repeats > 0 && error.outcome != Outcome::Unknown => {
                    return Err(CloudError { outcome: Outcome::Unknown, ..error });
                }
                Err(error) if error.outcome != Outcome::Unknown => return Err(error),
                Err(error) => error,
            };
            sleep(Duration::from_secs(1 << repeats)).await;
            match self.look(request).await {
                Look::Taken(sent) => return Ok(sent),
                Look::Repeat if repeats < REPEATS_MAX => repeats += 1,
                Look::Repeat | Look::Open => return Err(error),
            }
        }
    }

    fn sent(&self, request: &Request<'_>, call: &Call, reply: &Reply) -> Sent {
        let operation = begin(&self.client.endpoint, &call.method, reply, request);
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
        let under_way = Operation {
            url: None,
            arm_id: request.arm_id.clone(),
            deletes,
            api_version: request.kind.api_version(),
        };
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

/// Region and size, where they help to understand a refusal.
fn placed(call: &Call, request: &Request<'_>, mut error: CloudError) -> CloudError {
    if is_about_place(&error) {
        let size = request.attributes.get("size").and_then(Json::as_str).map(str::to_owned);
        error.facts.extend(call.place.clone().map(|region| ("region", region)));
        error.facts.extend(size.map(|size| ("size", size)));
    }
    error
}

/// Whether the kind is one of a workspace's computes, whose envelopes and deletes have ways of their own.
fn is_compute(kind: &Kind) -> bool {
    matches!(kind.placement, Placement::InParent { collection: "computes", .. })
}

pub(crate) fn exists(id: &ArmId) -> CloudError {
    CloudError {
        code: "AlreadyExists".to_owned(),
        advice: Some("Plan again; `adopt: true` takes it over.".to_owned()),
        ..no_reply(Outcome::NotDone, format!("`{id}` exists; it was not there when the plan was made"))
    }
}

fn done() -> Sent {
    Sent { operation: None }
}

/// A read before the write failed: the write was not sent.
pub(crate) fn nothing_done(error: CloudError) -> CloudError {
    CloudError { outcome: Outcome::NotDone, ..error }
}
