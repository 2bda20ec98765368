//! The pretend cloud: a pure function from request and time to response, over the state it holds.
//!
//! No I/O, no clock, and no randomness but the seeded kind. What a request changed is collected as `Change`s, which
//! the emulator writes down before it replies; replaying them gives the same world again.

use std::collections::BTreeMap;

use base64::Engine;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::arm::listing;
use crate::arm::operation::{self, Operation};
use crate::arm::{groups, names, providers, subscriptions, tag_names};
use crate::control::log::Log;
use crate::control::script_log::{Run, ScriptLog};
use crate::error::{
    ArmError, Reply, group_being_deleted, group_not_found, method_not_allowed, no_such_route,
    parent_not_found, resource_not_found,
};
use crate::faults::{Fault, FaultReport, Faults};
use crate::files::{Entry, Files};
use crate::governance::Governance;
use crate::governance::budgets::{BudgetReport, BudgetSetting, Budgets};
use crate::identity::tokens::Tokens;
use crate::kinds::batch_ai;
use crate::kinds::compute::script::Ending;
use crate::kinds::machines::regional;
use crate::kinds::{self, Kind, whole};
use crate::options::Options;
use crate::random::{Random, guid_of};
use crate::route::router::{Route, Target, route};
use crate::store::Store;
use crate::store::change::Change;
use crate::store::links::Links;
use crate::store::resource::Resource;
use crate::store::usage::Usage;
use crate::time::queue::{Due, Queue};
use crate::time::timing::Work;
use crate::wire::{Method, Request, Response};
use crate::{control, json, regions};

pub(crate) use crate::route::call::{Call, Errand, Sender};

/// The state of the pretend cloud.
#[derive(Debug)]
pub struct World {
    pub(crate) options: Options,
    pub(crate) store: Store,
    pub(crate) usage: Usage,
    pub(crate) links: Links,
    pub(crate) operations: BTreeMap<String, Operation>,
    queue: Queue,
    /// The latest moment it has seen; no request comes before it.
    time: Timestamp,
    /// Names of soft-deleted workspaces by key, and until when they are held.
    pub(crate) soft_deleted: BTreeMap<String, Timestamp>,
    pub(crate) workspace_quotas: BTreeMap<String, i64>,
    /// When principals were made, where that matters. A cloud that is opened again knows them all.
    principals: BTreeMap<String, Timestamp>,
    pub(crate) script_log: ScriptLog,
    /// What lies on file shares.
    pub(crate) files: Files,
    /// The version of the newest image for instances.
    pub(crate) image: String,
    pub(crate) random: Random,
    /// Request ids have a generator of their own: reads must not change the cloud.
    pub(crate) request_ids: Random,
    /// They end with the process: their key is in no file.
    pub(crate) tokens: Tokens,
    pub(crate) governance: Governance,
    pub(crate) budgets: Budgets,
    /// Secure parameters of running deployments, by the deployment's key and lower-case name; they are in no file.
    pub(crate) secrets: BTreeMap<String, BTreeMap<String, Value>>,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    changes: Vec<Change>,
}

fn lifetime_of(options: &Options) -> SignedDuration {
    SignedDuration::try_from(options.token_lifetime).unwrap_or(SignedDuration::MAX)
}

impl World {
    /// An empty cloud.
    pub fn new(options: Options) -> World {
        let mut budgets = Budgets::default();
        // A setting that makes no sense limits nothing; whoever opens an emulator with one hears of it.
        budgets.set(options.budgets.clone()).ok();
        World {
            budgets,
            governance: Governance::default(),
            store: Store::default(),
            usage: Usage::default(),
            links: Links::default(),
            operations: BTreeMap::new(),
            queue: Queue::default(),
            time: Timestamp::MIN,
            soft_deleted: BTreeMap::new(),
            workspace_quotas: BTreeMap::new(),
            principals: BTreeMap::new(),
            script_log: ScriptLog::default(),
            files: Files::default(),
            image: "26.10.21".to_owned(),
            random: Random(options.seed),
            request_ids: Random(!options.seed),
            tokens: Tokens::new(&options.seed.to_be_bytes(), lifetime_of(&options)),
            secrets: BTreeMap::new(),
            faults: Faults::default(),
            log: Log::new(options.log_size),
            changes: Vec::new(),
            options,
        }
    }

    /// Answers a control request other than those about the clock; the caller has seen to who may send one.
    pub fn control(&mut self, request: &Request, now: Timestamp) -> Response {
        self.settle(now);
        control::act(self, request).unwrap_or_else(|error| error.response())
    }

    /// Changes what is laid down for the cloud.
    pub(crate) fn govern<R>(&mut self, change: impl FnOnce(&mut Governance) -> R) -> R {
        let result = change(&mut self.governance);
        self.changes.push(Change::Governance(Box::new(self.governance.clone())));
        result
    }

    /// Full buckets of this setting in the place of all there are, or what is wrong with it; none limits nothing.
    pub fn set_budgets(&mut self, setting: Option<BudgetSetting>) -> Result<(), String> {
        self.budgets.set(setting).map_err(|error| error.message)
    }

    /// What became of every bucket that met a request.
    pub fn budgets(&self) -> Vec<BudgetReport> {
        self.budgets.report()
    }

    /// Adds a fault and returns its number, or says what is wrong with it.
    pub fn inject(&mut self, fault: Fault, now: Timestamp) -> Result<u64, String> {
        self.faults.add(fault, now).map_err(|error| error.message)
    }

    /// Every fault that was asked for and what became of it by now, oldest first.
    pub fn faults(&self, now: Timestamp) -> Vec<FaultReport> {
        self.faults.report(now)
    }

    /// Drops all faults.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn dispatch(&mut self, call: &Call) -> Reply {
        let method = call.request.method;
        match route(&call.request.path, &self.options)? {
            Route::Tenants => Ok(subscriptions::tenants(self)),
            Route::Subscriptions => Ok(subscriptions::list(self)),
            Route::Subscription(subscription) => Ok(subscriptions::get(self, &subscription)),
            Route::Locations(subscription) => Ok(subscriptions::locations(&subscription)),
            Route::Providers(subscription) => Ok(providers::list(self, call, &subscription)),
            Route::Provider(subscription, namespace, action) => {
                providers::handle(self, call, &subscription, &namespace, &action)
            }
            Route::NameCheck(namespace) => names::availability(self, call, &namespace),
            Route::Groups(subscription) => listing::groups(self, call, &subscription),
            Route::Group(subscription, group) => groups::handle(self, call, &subscription, &group),
            Route::GroupAction(subscription, group, action) => {
                groups::act(self, call, &subscription, &group, &action)
            }
            Route::TagNames(subscription, names) => tag_names::handle(self, call, &subscription, &names),
            Route::ResourceNameCheck => names::check_resource_name(call),
            Route::TemplateHash => kinds::deployment::template_hash(call),
            Route::Resources(subscription, group) => {
                listing::resources(self, call, &subscription, group.as_deref())
            }
            Route::AllOfType(target) | Route::Collection(target) if method == Method::Get => {
                (target.kind.list)(self, call, &target)
            }
            Route::Resource(target) => self.resource(call, &target),
            Route::Action(target, action) => self.action(call, &target, &action),
            Route::Location(subscription, location, what) => {
                regions::handle(self, call, &subscription, &location, &what)
            }
            Route::Machines(subscription, location, rest) => {
                regional::handle(self, call, &subscription, &location, &rest)
            }
            Route::BatchAiUsages(subscription, location) => {
                batch_ai::regional::usages(self, call, &subscription, &location)
            }
            Route::BatchAiOperations => batch_ai::regional::operations(call),
            Route::Sizes => regional::skus(self, call),
            Route::Operation(id) if method == Method::Get => operation::status(self, call, &id),
            Route::Collection(_) | Route::AllOfType(_) if method == Method::Post => {
                Err(no_such_route(&call.request.path))
            }
            Route::Collection(_) | Route::AllOfType(_) | Route::Operation(_) => {
                Err(method_not_allowed(method.name()))
            }
        }
    }

    fn resource(&mut self, call: &Call, target: &Target) -> Reply {
        let method = call.request.method;
        match method {
            Method::Get => self.check_parents(target, "read")?,
            Method::Head => {
                let there = self.store.get(&target.key()).is_some();
                return Ok(Response::empty(if there { 204 } else { 404 }));
            }
            Method::Delete => self.check_parents(target, "delete")?,
            _ => self.check_parents(target, "write")?,
        }
        match method {
            Method::Get => (target.kind.get)(self, call, target),
            Method::Put => (target.kind.put)(self, call, target),
            Method::Patch => (target.kind.patch)(self, call, target),
            Method::Delete => (target.kind.delete)(self, call, target),
            Method::Post | Method::Head => Err(method_not_allowed(method.name())),
        }
    }

    fn action(&mut self, call: &Call, target: &Target, action: &str) -> Reply {
        let handler = target.kind.action(action).ok_or_else(|| no_such_route(&call.request.path))?;
        // The further pages of a POST list are fetched by GET.
        if !matches!(call.request.method, Method::Post | Method::Get) {
            return Err(method_not_allowed(call.request.method.name()));
        }
        self.check_parents(target, action)?;
        handler(self, call, target)
    }

    /// Refuses what lies in or on something that is not there.
    pub(crate) fn check_parents(&self, target: &Target, verb: &str) -> Result<(), ArmError> {
        if !target.group.is_empty() {
            let group = self.store.get(&target.group_key());
            let group = group.ok_or_else(|| group_not_found(&target.group))?;
            if group.is_leaving() && verb == "write" {
                return Err(group_being_deleted(group.name()));
            }
        }
        let is_on_resource = target.scope.to_ascii_lowercase().contains("/providers/");
        let on = is_on_resource.then(|| target.scope.to_ascii_lowercase());
        match on.into_iter().chain(target.parent_key()).find(|key| self.store.get(key).is_none()) {
            Some(missing) => Err(parent_not_found(verb, target.short_type(), &missing)),
            None => Ok(()),
        }
    }

    /// The resource a target names, or the 404 that says it is not there.
    pub(crate) fn existing(&self, target: &Target) -> Result<&Resource, ArmError> {
        self.store.get(&target.key()).ok_or_else(|| {
            let name = format!("{}/{}", target.resource_type, target.names.join("/"));
            resource_not_found(&name, &target.group)
        })
    }

    /// The id a new resource gets: its parents in the spelling of their creation, itself in that of the request.
    pub(crate) fn new_id(&self, target: &Target) -> String {
        let stored = |key: &str| self.store.get(key).map(|resource| resource.id.clone());
        let last_type = target.id_type().rsplit('/').next().unwrap_or("");
        match target.parent() {
            Some(parent) => {
                let parent = stored(&parent.key()).unwrap_or_else(|| self.new_id(&parent));
                format!("{parent}/{last_type}/{}", target.name())
            }
            None => {
                let scope = stored(&target.scope.to_ascii_lowercase());
                let scope = scope.as_ref().unwrap_or(&target.scope);
                format!("{scope}/providers/{}/{}", target.id_type(), target.name())
            }
        }
    }

    /// Stores a resource.
    pub(crate) fn put(&mut self, mut resource: Resource) {
        let next = kinds::of(&resource).and_then(|kind| (kind.next)(self, &resource));
        resource.due = next.filter(|_| !resource.is_leaving());
        let before = self.store.get(&resource.key()).and_then(|before| before.created);
        resource.created = before.or(Some(self.time));
        resource.changed = Some(self.time);
        if !self.options.directory_delay.is_zero() {
            for principal in resource.principals() {
                self.principals.entry(principal.to_owned()).or_insert(self.time);
            }
        }
        self.changes.push(Change::Resource(Box::new(resource.clone())));
        self.keep(resource);
    }

    /// Whether the directory has not heard of a principal yet.
    pub(crate) fn is_new_principal(&self, principal: &str, now: Timestamp) -> bool {
        let delay = SignedDuration::try_from(self.options.directory_delay).unwrap_or(SignedDuration::MAX);
        self.principals.get(principal).is_some_and(|made| now.duration_since(*made) < delay)
    }

    fn keep(&mut self, mut resource: Resource) {
        let key = resource.key();
        self.take(&key);
        if let Some(kind) = kinds::of(&resource) {
            whole::agree(self, kind, &mut resource.body, &key);
            self.mirror(kind, &key, Some(resource.body.clone()));
        }
        self.usage.add(&resource);
        self.links.add(&resource);
        events_of(&resource).for_each(|(at, due)| self.queue.add(at, due));
        self.store.insert(resource);
    }

    /// Shows a child, or its absence, in the body of its parent, if that shows children of its kind.
    fn mirror(&mut self, kind: &Kind, key: &str, body: Option<Value>) {
        let Some(inline) = kind.inline else { return };
        let (collection, name) = key.rsplit_once('/').unwrap_or(("", key));
        let parent = collection.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.store.edit(parent, |stands| whole::put_in(stands, inline.pointer, name, body));
    }

    /// Takes a resource away for good.
    fn lose(&mut self, key: &str) -> bool {
        let Some(lost) = self.take(key) else { return false };
        if let Some(kind) = kinds::of(&lost) {
            self.mirror(kind, key, None);
        }
        true
    }

    /// Takes a resource out of the store and of everything that follows from it.
    fn take(&mut self, key: &str) -> Option<Resource> {
        let taken = self.store.remove(key)?;
        self.usage.subtract(&taken);
        self.links.remove(&taken);
        events_of(&taken).for_each(|(at, due)| self.queue.remove(at, due));
        Some(taken)
    }

    /// Takes a resource away with everything below it.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        for below in self.store.below(key) {
            self.drop_one(&below);
        }
        self.drop_one(key)
    }

    fn drop_one(&mut self, key: &str) -> bool {
        let is_there = self.lose(key);
        if is_there {
            self.changes.push(Change::Removed(key.to_owned()));
        }
        is_there
    }

    /// Keeps an operation, so that its status URLs answer.
    pub(crate) fn remember(&mut self, operation: Operation) {
        self.changes.push(Change::Operation(Box::new(operation.clone())));
        self.learn(operation);
    }

    /// Changes a stored body by a merge patch, and nothing else; returns the new one.
    pub(crate) fn edit(&mut self, key: &str, patch: &Value) -> Option<Value> {
        let mut resource = self.store.get(key).cloned()?;
        json::merge_patch(&mut resource.body, patch);
        let body = resource.body.clone();
        self.put(resource);
        Some(body)
    }

    /// Brings whatever is going on at a resource to its end.
    pub(crate) fn finish(&mut self, key: &str) {
        if let Some(mut resource) = self.store.get(key).cloned() {
            resource.phases.clear();
            resource.busy_until = None;
            self.put(resource);
        }
    }

    fn learn(&mut self, operation: Operation) {
        // The same operation with another end is forgotten at another time.
        if let Some(before) = self.operations.get(&operation.id) {
            self.queue.remove(before.forgotten_at(), Due::Forget(before.id.clone()));
        }
        self.queue.add(operation.forgotten_at(), Due::Forget(operation.id.clone()));
        self.operations.insert(operation.id.clone(), operation);
    }

    /// Holds the name of a workspace that is soft-deleted at `from`.
    pub(crate) fn hold_name(&mut self, key: &str, from: Timestamp) {
        let until = from.saturating_add(Work::SoftDelete.time()).unwrap_or(Timestamp::MAX);
        self.changes.push(Change::SoftDeleted(key.to_owned(), until));
        self.hold(key.to_owned(), until);
    }

    fn hold(&mut self, key: String, until: Timestamp) {
        self.free(&key);
        self.queue.add(until, Due::Free(key.clone()));
        self.soft_deleted.insert(key, until);
    }

    /// Frees the name of a soft-deleted workspace.
    pub(crate) fn purge(&mut self, key: &str) {
        self.free(key);
        self.changes.push(Change::Purged(key.to_owned()));
    }

    fn free(&mut self, key: &str) {
        if let Some(until) = self.soft_deleted.remove(key) {
            self.queue.remove(until, Due::Free(key.to_owned()));
        }
    }

    /// Says how setup scripts end, or takes it back.
    pub(crate) fn foretell(&mut self, key: String, ending: Option<Ending>) {
        self.changes.push(Change::ScriptForetold(key.clone(), ending.clone()));
        self.keep_foretold(key, ending);
    }

    fn keep_foretold(&mut self, key: String, ending: Option<Ending>) {
        match ending {
            Some(ending) => self.script_log.foretold.insert(key, ending),
            None => self.script_log.foretold.remove(&key),
        };
    }

    /// Notes a run of a setup script in its folder.
    pub(crate) fn log_run(&mut self, folder: &str, run: Run) {
        let runs = self.script_log.with(folder, run);
        self.changes.push(Change::ScriptRuns(folder.to_owned(), runs.clone()));
        self.script_log.runs.insert(folder.to_owned(), runs);
    }

    /// Keeps what lies under a key on a share, or loses it.
    pub(crate) fn keep_file(&mut self, key: String, entry: Option<Entry>) {
        self.changes.push(Change::File(key.clone(), entry.clone().map(Box::new)));
        self.place_file(key, entry);
    }

    fn place_file(&mut self, key: String, entry: Option<Entry>) {
        match entry {
            Some(entry) => self.files.insert(key, entry),
            None => self.files.remove(&key),
        };
    }

    /// From now on this is the newest image of instances.
    pub(crate) fn publish_image(&mut self, version: &str) {
        self.changes.push(Change::Image(version.to_owned()));
        version.clone_into(&mut self.image);
    }

    /// Sets a workspace's own quota.
    pub(crate) fn set_workspace_quota(&mut self, id: &str, limit: i64) {
        let key = id.to_ascii_lowercase();
        self.changes.push(Change::WorkspaceQuota(key.clone(), limit));
        self.workspace_quotas.insert(key, limit);
    }

    /// The secret of that name on that resource: always the same, and never stored.
    pub(crate) fn secret_of(&self, id: &str, name: &str) -> String {
        let text = format!("{id}#{name}#{}", self.options.seed);
        let guids = [guid_of(&text), guid_of(&format!("{text}#"))].concat();
        base64::engine::general_purpose::STANDARD.encode(guids.replace('-', ""))
    }

    /// Adds `Retry-After` to an operation's reply if the options ask for it.
    pub(crate) fn with_retry_after(&self, response: Response) -> Response {
        match self.options.retry_after {
            Some(time) if time.subsec_nanos() == 0 => {
                response.with("Retry-After", &time.as_secs().to_string())
            }
            Some(time) => response.with("retry-after-ms", &time.as_millis().to_string()),
            None => response,
        }
    }

    /// Carries out what time has brought, each at its own moment, and returns the moment it is now.
    pub(crate) fn settle(&mut self, now: Timestamp) -> Timestamp {
        let now = now.max(self.time);
        while let Some((at, due)) = self.queue.next(now) {
            self.time = at.max(self.time);
            self.happen(due);
        }
        self.time = now;
        now
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Gone(key) => {
                self.remove(&key);
            }
            Due::Turn(key) => {
                let resource = self.store.get(&key).cloned();
                if let Some((kind, resource)) =
                    resource.and_then(|resource| Some((kinds::of(&resource)?, resource)))
                {
                    (kind.turn)(self, resource);
                }
            }
            Due::Forget(id) => {
                self.operations.remove(&id);
                self.changes.push(Change::Forgotten(id));
            }
            Due::Free(key) => self.purge(&key),
        }
    }

    /// The latest moment it has seen.
    pub(crate) fn time(&self) -> Timestamp {
        self.time
    }

    /// What has changed since the last call, in order.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        if !self.changes.is_empty() {
            self.changes.extend([Change::Random(self.random.0), Change::Time(self.time)]);
        }
        std::mem::take(&mut self.changes)
    }

    /// Makes a change that was written down before.
    pub(crate) fn replay(&mut self, change: Change) {
        match change {
            Change::Format(_) | Change::Clock(_) => {}
            Change::Random(state) => self.random = Random(state),
            Change::Time(time) => self.time = time.max(self.time),
            Change::Resource(resource) => self.keep(*resource),
            Change::Removed(key) => {
                self.lose(&key);
            }
            Change::Operation(operation) => self.learn(*operation),
            Change::Forgotten(id) => {
                if let Some(operation) = self.operations.remove(&id) {
                    self.queue.remove(operation.forgotten_at(), Due::Forget(id));
                }
            }
            Change::SoftDeleted(key, until) => self.hold(key, until),
            Change::Purged(key) => self.free(&key),
            Change::ScriptForetold(key, ending) => self.keep_foretold(key, ending),
            Change::ScriptRuns(folder, runs) => {
                self.script_log.runs.insert(folder, runs);
            }
            Change::File(key, entry) => self.place_file(key, entry.map(|entry| *entry)),
            Change::Image(version) => self.image = version,
            Change::WorkspaceQuota(key, limit) => {
                self.workspace_quotas.insert(key, limit);
            }
            Change::Governance(governance) => self.governance = *governance,
        }
    }

    /// The shortest list of changes that makes this world out of an empty one.
    pub(crate) fn snapshot(&self) -> Vec<Change> {
        let resources = self.store.all().map(|resource| Change::Resource(Box::new(resource.clone())));
        let operations =
            self.operations.values().map(|operation| Change::Operation(Box::new(operation.clone())));
        let held = self.soft_deleted.iter().map(|(key, until)| Change::SoftDeleted(key.clone(), *until));
        let quotas =
            self.workspace_quotas.iter().map(|(key, limit)| Change::WorkspaceQuota(key.clone(), *limit));
        let log = &self.script_log;
        let foretold = log
            .foretold
            .iter()
            .map(|(key, ending)| Change::ScriptForetold(key.clone(), Some(ending.clone())));
        let runs = log.runs.iter().map(|(folder, runs)| Change::ScriptRuns(folder.clone(), runs.clone()));
        let files =
            self.files.iter().map(|(key, entry)| Change::File(key.clone(), Some(Box::new(entry.clone()))));
        let scalars =
            [Change::Random(self.random.0), Change::Time(self.time), Change::Image(self.image.clone())];
        let governance = Change::Governance(Box::new(self.governance.clone()));
        let things =
            resources.chain(operations).chain(held).chain(quotas).chain(foretold).chain(runs).chain(files);
        scalars.into_iter().chain(things).chain([governance]).collect()
    }
}

/// What time will do to a resource.
fn events_of(resource: &Resource) -> impl Iterator<Item = (Timestamp, Due)> {
    let gone = resource.gone_at.map(|at| (at, Due::Gone(resource.key())));
    gone.into_iter().chain(resource.due.map(|at| (at, Due::Turn(resource.key()))))
}
